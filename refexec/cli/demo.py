"""``refexec demo``: a tour with a shipped model."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refexec.cli.compare import colored
from refexec.cli.options import common
from refexec.cli.saving import check_target, writing
from refexec.cli.terminal import note, paint, print_json, say, table, wants_json, width

if TYPE_CHECKING:
    from refexec.diff.report import Report

DEFAULT_REPORT = "refexec-demo.html"
SHOWN_IMAGES = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """One model in refexec and in the other runtime: which digits they read, with which probability of the first image's."""

    name: str
    size: int
    here: list[int]
    there: list[int]
    confidence: list[float]
    report: Report

    def right(self, labels: Sequence[int], runtime: bool = False) -> int:
        """How many images are read as what was written."""
        return sum(a == b for a, b in zip(self.there if runtime else self.here, labels, strict=True))


@click.command()
@click.option("-o", "target", metavar="FILE.html", help=f"Where the report goes. Default: {DEFAULT_REPORT} in this folder.")
@click.option("--against", type=click.Choice(["onnxruntime", "onnx.reference"]), help="Default: onnxruntime where it is installed.")
@common
def demo(target: str | None, against: str | None) -> None:
    """Run a small digit classifier, in float32 and quantized to int8, in refexec and in another runtime, and compare them.

    Works offline on 20 images of handwritten digits that the package has. Writes an HTML report when the extra report is installed.
    Ends with 0 whatever the comparison says.
    """
    from refexec.demo import models, samples

    report_path = target or DEFAULT_REPORT
    check_target(report_path, 1, (".html", ".htm"))
    other = against or ("onnxruntime" if find_spec("onnxruntime") else "onnx.reference")
    if against is None and other != "onnxruntime":
        note("onnxruntime is not installed (pip install 'refexec[ort]'): the demo compares with onnx.reference")
    data = samples()
    with models() as paths:
        outcomes = [run_model(path, data.pixels, other) for path in paths]
    written = write_report(outcomes, data, report_path, required=target is not None)
    labels = data.labels.tolist()
    if wants_json():
        print_json({
            "schema": "refexec.demo/1", "against": other, "labels": labels, "html": written,
            "models": [
                {"name": o.name, "bytes": o.size, "refexec": o.here, "runtime": o.there, "right": o.right(labels),
                 "right_in_runtime": o.right(labels, runtime=True), "comparison": o.report.to_json()}
                for o in outcomes
            ],
        })  # fmt: skip
        return
    say("\n".join(introduction(outcomes, data, other)))
    for outcome in outcomes:
        say("\n" + paint(f"--- {outcome.name} ".ljust(width() - 1, "-"), "cyan"))
        say(colored(outcome.report, None))
    say("\n" + paint("What to look at", "cyan"))
    for line in advice(outcomes, other):
        say("\n".join(textwrap.wrap(line, width(), initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)))
    if written is not None:
        say(f"\nThe report: {written}")


def run_model(path: Path, pixels: Any, other: str) -> Outcome:
    """One model in both runtimes, and the comparison of every value."""
    from refexec.diff.compare import compare
    from refexec.runtimes import runtime
    from refexec.session import Session

    session = Session(path)
    (here,) = session.run(None, {"pixels": pixels})
    there = runtime(other).run(path, {"pixels": pixels}).values[session.outputs[0].name]
    confidence = here.max(axis=1).tolist()
    report = compare(session.model, {"pixels": pixels}, other)
    return Outcome(path.name, path.stat().st_size, here.argmax(axis=1).tolist(), there.argmax(axis=1).tolist(), confidence, report)


def introduction(outcomes: Sequence[Outcome], data: Any, other: str) -> list[str]:
    """Some images, and what was read."""
    from refexec.demo import drawing

    labels, count = data.labels.tolist(), len(data.labels)
    lines = [f"refexec demo: {count} handwritten digits, read by a small convolutional network", ""]
    images = [drawing(data.pixels[i, 0]) for i in range(SHOWN_IMAGES)]
    lines += ["  " + "  ".join(parts).rstrip() for parts in zip(*images, strict=True)]
    lines.append("  " + "  ".join(f"written {labels[i]}, read {outcomes[0].here[i]}".ljust(16) for i in range(SHOWN_IMAGES)).rstrip())
    rows = []
    for o in outcomes:
        same = sum(a == b for a, b in zip(o.here, o.there, strict=True))
        counts = [f"{n} of {count}" for n in (o.right(labels), o.right(labels, runtime=True), same)]
        rows.append((o.name.removesuffix(".onnx"), f"{o.size / 1000:.0f} kB", *counts, "agree" if o.report.agrees else o.report.outcome))
    return [*lines, "", *table(("model", "size", "refexec right", f"{other} right", "same digit", "values"), rows, 0, right=(1, 2, 3, 4))]


def advice(outcomes: Sequence[Outcome], other: str) -> list[str]:
    """What the numbers say, in words."""
    lines = [
        "max |d| and ULP say how far the values of a node are apart, with all that came in from the nodes before. ULP is large "
        "where a result is near 0: there a tiny difference is many steps of a float.",
        "err/bound is about one node alone, on the inputs that the other runtime gave it. A right implementation stays at 1 or below: "
        "Conv and Gemm add in another order and differ in last bits; that is allowed, and the bound says how much.",
        f"In digits-int8.onnx QuantizeLinear turns numbers into one of 256 levels. refexec and {other} must choose the same one, unless "
        "the number lies on the border between two, as near as rounding before it reaches: then it is a tie.",
    ]
    if any(m.name == "on" for o in outcomes for m in o.report.modes):
        lines.append("off and on are onnxruntime's graph optimizations: on, it may fuse DequantizeLinear, Conv and QuantizeLinear.")
    for outcome in outcomes:
        if not outcome.report.agrees:
            lines.append(f"{outcome.name}: {outcome.report.verdict}. The row with > is the first one to look at.")
    lines.append("Next, with a model of yours: refexec compare MODEL --html report.html; refexec trace MODEL; refexec ops QuantizeLinear")
    return lines


def write_report(outcomes: Sequence[Outcome], data: Any, path: str, required: bool) -> str | None:
    """The HTML report; returns its absolute path, or None where jinja2 is absent and no file was asked for."""
    if find_spec("jinja2") is None and not required:
        note("no HTML report without jinja2: pip install 'refexec[report]'")
        return None
    page = combined(outcomes, data)
    with writing(path) as part:
        part.write_text(page, encoding="utf-8")
    return os.path.abspath(path)


def combined(outcomes: Sequence[Outcome], data: Any) -> str:
    """One page: the images with what was read, then the report of each model."""
    pages = [o.report.to_html() for o in outcomes]
    bodies = [re.sub(r"(?s).*<body>|</body>.*", "", page) for page in pages]
    head = re.sub(r"<title>.*?</title>", "<title>refexec demo</title>", pages[0].partition("<body>")[0], flags=re.DOTALL)
    figures = []
    for i, label in enumerate(data.labels.tolist()):
        read = ", ".join(f"{o.name.partition('-')[2].removesuffix('.onnx')} {o.here[i]}" for o in outcomes)
        figures.append(
            f'<figure style="margin:0;width:7.5rem">{picture(data.pixels[i, 0], label)}'
            f'<figcaption class="dim" style="font-size:.8rem">written {label}<br>read: {escape(read)}</figcaption></figure>'
        )
    intro = (
        "<h1>refexec demo: handwritten digits</h1><p>A small convolutional network, in float32 and quantized to int8, on "
        f"{len(data.labels)} images that it was not trained on. Below, each value of both models in refexec and in "
        f"{escape(outcomes[0].report.against)}.</p>"
        f'<div style="display:flex;flex-wrap:wrap;gap:1rem">{"".join(figures)}</div>'
    )
    items = "".join(f"<li>{escape(line)}</li>" for line in advice(outcomes, outcomes[0].report.against))
    return f"{head}<body>\n{intro}\n<h2>What to look at</h2><ul>{items}</ul>\n{'<hr>'.join(bodies)}</body>\n</html>\n"


def picture(image: Any, label: int) -> str:
    """An image of [8, 8] as SVG: one square per pixel, the more ink the less transparent."""
    squares = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1" fill="currentColor" fill-opacity="{image[y, x] / 16:.2f}"></rect>'
        for y, x in zip(*image.nonzero(), strict=True)
    )
    return f'<svg viewBox="0 0 8 8" style="width:4rem" role="img" aria-label="a handwritten {label}">{squares}</svg>'
