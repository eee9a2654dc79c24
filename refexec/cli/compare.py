"""``refexec compare``: a model here and in another runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from refexec.cli.options import common, feed_options, feeds_of, given, model_options, open_session
from refexec.cli.saving import check_target, writing
from refexec.cli.terminal import note, paint, print_json, say, wants_json, width

if TYPE_CHECKING:
    from refexec.diff.report import Report

OUTCOMES = {"agree": 0, "diverge": 1, "refused": 6, "crashed": 6, "hung": 6}


@click.command()
@model_options
@feed_options
@click.option(
    "--against", type=click.Choice(["onnxruntime", "onnx.reference"]), default="onnxruntime", show_default=True, help="The other runtime."
)
@click.option("--html", metavar="FILE", help="Write the report as one HTML file (needs the extra report).")
@click.option("--all-rows", is_flag=True, help="Print every value of a long model.")
@click.option("--config", multiple=True, metavar="KEY=VALUE", help="A session configuration entry of onnxruntime.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds that one run of the other runtime may take.")
@common
@click.pass_context
def compare(
    ctx: click.Context, /, model: str, format_: str | None, limits: tuple[str, ...], against: str, html: str | None, all_rows: bool,
    config: tuple[str, ...], timeout: float | None, seed: int, **options: Any,
) -> None:  # fmt: skip
    """Compare MODEL in refexec and in another runtime, value by value in execution order.

    Ends with 0 when they agree within the bounds of the operators, with 1 when they diverge. The other runtime runs in a child
    process, with optimizations off and on where it has them.

    \b
    refexec compare model.onnx --feed x=image.npy --html report.html
    refexec compare model.onnx --random --dim N=4 --against onnx.reference
    """
    from refexec.diff.compare import compare as compared

    check_target(html, 1, (".html", ".htm"))
    session = open_session(model, format_, limits, seed=seed)
    made = feeds_of(session, given(seed=seed, **options))
    drawn_all = bool(made.drawn) and len(made.drawn) == len(made.feeds)
    report = compared(
        session.model, None if drawn_all else made.feeds, against, seed=seed, ranges=made.ranges if drawn_all else None,
        dims=given(seed=seed, **options).dims if drawn_all else None, options=runtime_options(config), timeout=timeout,
        limits=session.limits,
    )  # fmt: skip
    if html is not None:
        write_html(report, html)
    if wants_json():
        print_json({**report.to_json(), "drawn": made.to_json(), "html": html})
    else:
        say(colored(report, None if all_rows else 40))
    if html is not None:
        note(f"the report stands in {html}")
    ctx.exit(OUTCOMES[report.outcome])


def runtime_options(config: tuple[str, ...]) -> dict[str, Any] | None:
    """``--config`` entries as the runtime takes them."""
    for pair in config:
        if "=" not in pair:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--config")
    return {"config": dict(pair.split("=", 1) for pair in config)} if config else None


def write_html(report: Report, path: str) -> None:
    """The report as one file."""
    page = report.to_html()
    with writing(path) as part:
        part.write_text(page, encoding="utf-8")


def colored(report: Report, rows: int | None) -> str:
    """The report's text with its first line, the verdict, in green or red."""
    first, separator, rest = report.to_text(width(), rows).partition("\n\n")
    return "\n".join(paint(line, "green" if report.agrees else "red") for line in first.split("\n")) + separator + rest
