"""``refexec reduce``: a model made small while a command still says that what one looks for is there."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from refexec.cli.options import common, feed_options, feeds_of, given, model_options, open_session
from refexec.cli.saving import check_target, writing
from refexec.cli.terminal import print_json, say, wants_json


@click.command()
@model_options
@feed_options
@click.option("--check", "command", required=True, metavar="CMD", help="Called with the path of a smaller model; 0: it is still there.")
@click.option("-o", "target", metavar="DIR", default="reduced", show_default=True, help="A new folder for the result.")
@click.option("--calls", type=click.IntRange(1), default=1000, show_default=True, help="How often CMD may be called.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True, help="Seconds for one call of CMD.")
@common
def reduce(
    model: str,
    format_: str | None,
    limits: tuple[str, ...],
    command: str,
    target: str,
    calls: int,
    timeout: float,
    seed: int,
    **options: Any,
) -> None:
    """Make MODEL smaller while CMD ends with 0.

    CMD gets the path of a model.onnx; its inputs stand beside it in test_data_set_0, as in onnx's test data. Nodes are removed, values
    inside frozen to what they are in refexec, bodies of If, Loop and Scan taken apart, sizes, attributes and numbers simplified.

    \b
    refexec reduce big.onnx --feeds inputs.npz --check "python check.py" -o small
    refexec reduce big.onnx --random --check "./still-diverges.sh" --calls 200
    """
    from refexec.diff.compare import typed_feeds
    from refexec.fuzz.findings import write_model
    from refexec.fuzz.reducer import reduce as reduced
    from refexec.values import to_public

    check_target(target, 0, ("",))
    session = open_session(model, format_, limits, seed=seed)
    made = feeds_of(session, given(seed=seed, **options))
    feeds = {name: to_public(value) for name, value in typed_feeds(session, made.feeds).items()}
    words = shlex.split(command)

    def check(candidate: Any, values: dict[str, Any]) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            write_model(Path(folder), candidate, values, {})
            try:
                done = subprocess.run([*words, str(Path(folder) / "model.onnx")], capture_output=True, timeout=timeout)
            except subprocess.TimeoutExpired:
                return False
            return done.returncode == 0

    if not check(session.model.proto, feeds):
        raise click.UsageError(f"--check {command!r} does not end with 0 on the model itself")
    found = reduced(session.model.proto, feeds, check, calls=calls, seconds=float("inf"))
    with writing(target) as part:
        part.mkdir()
        write_model(part, found.model, found.feeds, {})
    before, after = len(session.model.proto.graph.node), len(found.model.graph.node)
    if wants_json():
        print_json({"schema": "refexec.reduce/1", "out": target, "nodes_before": before, "nodes": after, "calls": found.calls})
    else:
        say(f"{before} nodes became {after} in {found.calls} calls; {target}/model.onnx with its inputs in test_data_set_0")
        import onnx

        say(onnx.printer.to_text(found.model))
    sys.stdout.flush()
