"""``refexec fuzz``: campaigns of generated models against runtimes, their findings again, and what causes they have."""

from __future__ import annotations

import re
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refexec.cli.options import common
from refexec.cli.terminal import note, paint, print_json, say, table, wants_json, width

if TYPE_CHECKING:
    from refexec.fuzz.campaign import Progress
    from refexec.fuzz.triage import Cause

DEFAULT = "onnxruntime,onnxruntime-optimized,onnx.reference"
UNITS = {"s": 1, "m": 60, "h": 3600}
EVERY = 15.0  # seconds between lines of progress where standard error is no terminal


class _Budget(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if found is None:
            self.fail(f"{value!r} is not a time such as 90s, 10m or 2h", param, ctx)
        return float(found[1]) * UNITS[found[2] or "s"]


class _Opsets(click.ParamType):  # type: ignore[type-arg]
    name = "opset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", str(value))
        if found is None or not 1 <= int(found[1]) <= int(found[2] or found[1]):
            self.fail(f"{value!r} is not a version such as 17, or versions such as 13-21", param, ctx)
        return int(found[1]), int(found[2] or found[1])


@click.group()
def fuzz() -> None:
    """Run generated models on runtimes and keep what they do wrong, made small."""


@fuzz.command()
@click.option("--target", default=DEFAULT, show_default=True, metavar="NAME,...", help="What to try; see below.")
@click.option("--budget", type=_Budget(), default="1m", show_default=True, metavar="TIME", help="How long: 90s, 10m, 2h.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="DIR", help="Where the findings go.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Worker processes.")
@click.option("--seed", type=click.IntRange(0), help="The first seed. Default: by the clock, or behind the last one of a campaign.")
@click.option("--opset", type=_Opsets(), default="1-99", metavar="N|N-M", help="Versions of ai.onnx. Default: all.")
@click.option("--ops", metavar="NAME,...", help="These operators only.")
@click.option("--dtypes", metavar="NAME,...", help="These element types only, where an operator has one of them.")
@click.option("--max-nodes", type=click.IntRange(1, 200), default=12, show_default=True, help="Slots of the main graph.")
@common
@click.pass_context
def run(
    ctx: click.Context, target: str, budget: float, out: Path, jobs: int, seed: int | None, opset: tuple[int, int], ops: str | None,
    dtypes: str | None, max_nodes: int,
) -> None:  # fmt: skip
    """Draw models, run each on a target, reduce and save what is wrong. A campaign goes on in its folder.

    \b
    refexec fuzz run --out findings --budget 10m --jobs 2
    refexec fuzz run --out findings --target onnxruntime --ops Conv,MaxPool --opset 11-22

    \b
    Targets:
      onnxruntime            without optimizations
      onnxruntime-optimized  with all of them
      onnx.reference
      wide                   refexec's reference results against its wide ones
      deterministic, fast    kernels against wide results and their definitions
      body                   operators against their function bodies
      transforms             the model written, read and renamed

    Ends with 1 when there are findings.
    """
    from refexec.fuzz.campaign import Campaign
    from refexec.fuzz.graph import Options

    options = Options(
        opset=opset, ops=None if ops is None else tuple(ops.split(",")), dtypes=None if dtypes is None else tuple(dtypes.split(",")),
        max_nodes=max_nodes,
    )  # fmt: skip
    campaign = Campaign(target.split(","), out, options, jobs=jobs, seed=int(time.time()) * 1000 if seed is None else seed)
    first = campaign.next_seed
    progress = campaign.run(budget, _Live())
    _Live.end()
    if wants_json():
        print_json({
            "schema": "refexec.fuzz-run/1", "out": str(out), "first_seed": first, "next_seed": campaign.next_seed,
            "models": progress.models, "nodes": progress.nodes, "seconds": round(progress.seconds, 1),
            "outcomes": dict(progress.outcomes), "reached": len(progress.reached), "lost": progress.lost,
            "findings": list(progress.findings.values()),
        })  # fmt: skip
    else:
        _summary(progress, out)
    ctx.exit(1 if progress.findings else 0)


def _summary(progress: Progress, out: Path) -> None:
    rate = progress.models / max(progress.seconds, 1e-9)
    say(
        f"{progress.models} models of {progress.nodes} nodes in {progress.seconds:.0f} s ({rate:.0f} a second), "
        f"{len({r.split()[0] for r in progress.reached})} operator versions, {len(progress.reached)} with their types"
    )
    for outcome, count in sorted(progress.outcomes.items()):
        say(f"  {count:7d} {outcome}")
    if not progress.findings:
        say(paint("nothing found", "green"))
        return
    say("")
    for name in sorted({f["target"] for f in progress.findings.values()}):
        mine = [f for f in progress.findings.values() if f["target"] == name]
        say(paint(f"{name}: {len(mine)}", "red"))
        for finding in sorted(mine, key=lambda f: (f["kind"] == "refused", f["signature"])):
            rows = f" (as {', '.join(finding['known'])})" if finding["known"] else ""
            blame = f" blame {finding['blame']}" if finding["blame"] != name else ""
            say(textwrap.fill(f"{finding['signature']}{rows}{blame}", width(), initial_indent="  ", subsequent_indent="      "))
    unexplained = sum(not f["known"] for f in progress.findings.values())
    say(paint(f"{len(progress.findings)} findings in {out}, {unexplained} of them by no row of the known differences", "red"))


class _Live:
    """A line of progress: rewritten on a terminal, now and then where there is none."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if click.get_current_context().meta.get("refexec.quiet"):
            return
        text = (
            f"{progress.seconds:5.0f} s  {progress.models} models, {progress.models / max(progress.seconds, 1e-9):.0f}/s  "
            f"{len({r.split()[0] for r in progress.reached})} operator versions  {len(progress.findings)} findings"
        )
        if sys.stderr.isatty():
            click.echo(f"\r{text}\x1b[K", err=True, nl=False)
        elif time.monotonic() - self.last > EVERY:
            self.last = time.monotonic()
            click.echo(text, err=True)

    @staticmethod
    def end() -> None:
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", err=True, nl=False)


@fuzz.command()
@click.argument("finding", type=click.Path(exists=True, file_okay=False, path_type=Path))
@common
@click.pass_context
def replay(ctx: click.Context, finding: Path) -> None:
    """Run a saved FINDING, or every one in a folder, on its target again.

    Ends with 1 when one is still there, with 0 when none is.
    """
    from refexec.fuzz.findings import replayed

    folders = [finding] if (finding / "finding.json").exists() else sorted(f.parent for f in finding.glob("*/finding.json"))
    if not folders:
        raise click.BadParameter(f"{finding} holds no finding", param_hint="FINDING")
    rows = [replayed(folder) for folder in folders]
    if wants_json():
        print_json({"schema": "refexec.fuzz-replay/1", "findings": rows})
    else:
        shown = [[r["target"], r["signature"], "still there" if r["there"] else "gone", r["now"]] for r in rows]
        say("\n".join(table(["target", "finding", "", "now"], shown, 3)))
    if not all(r["there"] for r in rows):
        note("what is gone was mended in this version of the runtime, or of refexec")
    ctx.exit(1 if any(r["there"] for r in rows) else 0)


def _cause(cause: Cause) -> list[str]:
    """What it is, who is to blame, rows and votes, and the smallest finding, whose name stands alone to be copied."""
    blame = "which is to blame" if cause.blame == cause.target else f"blame {cause.blame}"
    votes = "".join(f"; {who} {what}" for who, what in cause.votes.items())
    known = f"as {', '.join(cause.known)}" if cause.known else "no known row"
    text = f"{len(cause.findings):4d}  {cause.operators} {cause.kind} on {cause.target}, {blame}; {known}{votes}; {cause.nodes} node"
    lines = textwrap.wrap(f"{text}{'s' if cause.nodes != 1 else ''}", width(), subsequent_indent=" " * 6, break_on_hyphens=False)
    return [paint(lines[0], "red") if not cause.known else lines[0], *lines[1:], f"      {cause.folder}"]


@fuzz.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a report in Markdown.")
@common
@click.pass_context
def triage(ctx: click.Context, folder: Path, out: Path | None) -> None:
    """Put the findings of a campaign together by cause: operator, version, target and kind.

    Causes without a known row come first. Links in the report of --out are relative to DIR. Ends with 1 when there are findings.
    """
    from refexec.fuzz.triage import causes, markdown, read

    found = causes(read(folder))
    if out is not None:
        out.write_text(markdown(found), encoding="utf-8")
    if wants_json():
        print_json({"schema": "refexec.fuzz-triage/1", "causes": [c.to_json() for c in found]})
    elif not found:
        say(paint("nothing found", "green"))
    else:
        for cause in found:
            say("\n".join(_cause(cause)))
        count, new = sum(len(c.findings) for c in found), sum(not c.known for c in found)
        note(f"{count} findings of {len(found)} causes, {new} without a known row")
    ctx.exit(1 if found else 0)
