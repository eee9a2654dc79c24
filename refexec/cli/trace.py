"""``refexec trace``: every node of a run."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from refexec.cli.options import common, feed_options, feeds_of, given, model_options, open_session
from refexec.cli.run import PROFILES
from refexec.cli.saving import check_target, save_values
from refexec.cli.terminal import note, print_json, say, table, wants_json

if TYPE_CHECKING:
    from refexec.context import Event

SHOWN_ROWS = 2000


@click.command()
@model_options
@feed_options
@click.option("--node", "nodes", multiple=True, metavar="PATTERN", help="Only nodes whose name, path or output fits, with * and ?.")
@click.option("--op", "ops", multiple=True, metavar="OPERATOR", help="Only nodes of this operator: Conv, or Conv-11.")
@click.option("-o", "target", metavar="FILE.npz|DIR", help="Save the values of these nodes.")
@click.option("--profile", type=click.Choice(PROFILES), default="deterministic", show_default=True, help="What the numbers mean.")
@click.option("--expand", is_flag=True, help="Run the specification's function bodies in place of operators that have one.")
@common
def trace(
    model: str, format_: str | None, limits: tuple[str, ...], nodes: tuple[str, ...], ops: tuple[str, ...], target: str | None,
    profile: str, expand: bool, seed: int, **options: Any,
) -> None:  # fmt: skip
    """Run MODEL and print each node: type, shape and value range of its outputs, NaN and infinity counts.

    Nodes inside loops, branches and functions stand there once per execution, before the node that ran them.

    \b
    refexec trace model.onnx --random --op Softmax
    refexec trace model.onnx --feed x=image.npy --node '*/attn/*' -o values.npz
    """
    session = open_session(model, format_, limits, profile=profile, seed=seed, expand=expand)
    check_target(target, 0, (".npz", ""))
    made = feeds_of(session, given(seed=seed, **options))
    found = session.trace(made.feeds)
    events = {step: event for step, event in enumerate(found) if chosen(event, nodes, ops)}
    rows = [row for row in found.rows() if row["step"] in events]
    if target is not None:
        save(target, events)
        note(f"saved the values of {len(events)} nodes to {target}")
    if wants_json():
        print_json({
            "schema": "refexec.trace/1", "profile": profile, "feeds": made.to_json(), "steps": len(found), "rows": rows, "saved": target,
            "diagnostics": [d.to_json() for d in session.diagnostics],
        })  # fmt: skip
        return
    if not rows:
        say(f"none of {len(found)} nodes fits")
        return
    lines = table(
        ("#", "operator", "output", "type", "range"), [cells(row) for row in rows[:SHOWN_ROWS]], flexible=2, right=(0,)
    )  # fmt: skip
    say("\n".join(lines))
    if len(rows) > SHOWN_ROWS:
        say(f"... {len(rows) - SHOWN_ROWS} more rows; choose with --node and --op, or use --json")


def chosen(event: Event, nodes: Sequence[str], ops: Sequence[str]) -> bool:
    """Whether a node fits every filter that is given."""
    node = event.node
    by_name = not nodes or any(fnmatchcase(text, p) for p in nodes for text in (node.name, node.path, *node.outputs) if text)
    by_op = not ops or any(op in (node.op_type, node.label) for op in ops)
    return by_name and by_op


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """One row of the table."""
    shape = "" if row["shape"] is None else f"[{','.join(map(str, row['shape']))}]"
    span = "" if row["min"] is None else f"{row['min']:.3g} .. {row['max']:.3g}"
    extra = "".join(f" {row[k]} {what}" for k, what in (("nan", "NaN"), ("inf", "Inf")) if row[k])
    trips = f" trip {','.join(map(str, row['trips']))}" if row["trips"] else ""
    return str(row["step"]), row["op"], row["output"] + trips, row["type"] + shape, span + extra


def save(target: str, events: dict[int, Event]) -> None:
    """The outputs of these events. A name that occurs again (in another trip or graph) gets the step in front."""
    from refexec.values import to_public

    values: dict[str, Any] = {}
    types: dict[str, Any] = {}
    for step, event in events.items():
        for name, value, declared in zip(event.node.outputs, event.outputs, event.output_types, strict=False):
            if name:
                key = name if name not in values else f"{step}/{name}"
                values[key], types[key] = to_public(value), declared
    save_values(target, values, types)
