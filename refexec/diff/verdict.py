"""The sentence on top of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from refexec.diff.capture import Capture
from refexec.diff.report import BAD, Column, OutputCheck, Row
from refexec.errors import RuleViolation, shown

__all__ = ["decide", "mode_name", "number"]


def decide(
    against: str,
    rows: Sequence[Row],
    first: int | None,
    captures: Sequence[Capture],
    outputs: Sequence[OutputCheck],
    failure: RuleViolation | None,
) -> tuple[str, str]:  # fmt: skip
    """The verdict and the outcome: "agree", "diverge", "refused", "crashed" or "hung"."""
    failed = [c for c in captures if c.error is not None]
    if failed:
        return _failed(failed, captures, failure)
    if failure is not None:
        where = next((n for n in getattr(failure, "__notes__", []) if n.startswith("in ")), "")
        return f"diverges: refexec stops {where} because a rule does not hold ({failure}); {against} gives a result", "diverge"
    if first is not None:
        return _diverges(rows[first]) + _at_outputs(rows), "diverge"
    wrong = next((o for o in outputs if o.agrees is False), None)
    if wrong is not None:
        return _unmarked(wrong, captures), "diverge"
    return _agrees(rows, captures), "agree"


def _failed(failed: Sequence[Capture], captures: Sequence[Capture], failure: RuleViolation | None) -> tuple[str, str]:
    one = failed[0]
    message = shown(str(one.error.message if one.error is not None else ""), 300)
    modes = "" if len(failed) == len(captures) else f" with {mode_name(one.mode.name)}"
    if failure is not None and all(c.outcome == "refused" for c in captures):
        return f"both refuse to run this: refexec because {failure}; {message}", "agree"
    return f"no comparison{modes}: {message}", one.outcome


def _diverges(row: Row) -> str:
    modes = [m for m, c in row.columns.items() if c.status in BAD]
    column = row.columns[modes[0]]
    named = f" {shown(row.name, 60)!r}" if row.name else ""
    only = f", with {mode_name(modes[0])} only" if len(modes) < len(row.columns) else ""
    return f"diverges first at node {row.index}{named} ({row.op}), output {shown(row.output, 60)!r}: {_fault(column, row)}{only}"


def _at_outputs(rows: Sequence[Row]) -> str:
    """How much of it arrives: a difference inside may or may not matter."""
    totals = [c.total for r in rows if r.is_output for c in r.columns.values()]
    if not totals or any(t is None for t in totals):
        return ""
    if all(t.equal for t in totals if t is not None):
        return "; the outputs are equal bit for bit"
    return f"; the outputs differ by up to {number(max((t.max_abs or 0.0 for t in totals if t is not None), default=0.0))}"


def _fault(column: Column, row: Row) -> str:
    if column.status == "dtype":
        return f"the runtime's element type is not {row.dtype}"
    if column.status == "shape":
        return f"the runtime's shape is not what its inputs give (refexec: {row.shape})"
    size = "" if column.local_abs is None else f" (up to {number(column.local_abs)})"
    if column.bound in ("exact", "discrete"):
        return f"{column.note or 'it must be exact and is not'}{size}"
    what = "what rounding in its inner nodes explains" if column.bound == "estimate" else "its bound"
    return f"the error of this node alone is {number(column.ratio)} times {what}{size}"


def _unmarked(check: OutputCheck, captures: Sequence[Capture]) -> str:
    size = f"{number(check.distance)} from the wide result"
    allowed = "" if check.allowed is None else f", where rounding explains {number(check.allowed)}"
    inside = (
        "; with every value marked as an output it does not happen, so a fusion that marking prevents is the likely cause"
        if check.marked_equal is False
        else "; the values inside could not all be seen"
    )
    return f"diverges, {mode_name(check.mode)}: output {shown(check.name, 60)!r} is {size}{allowed}{inside}"


def _agrees(rows: Sequence[Row], captures: Sequence[Capture]) -> str:
    columns = [(row, c) for row in rows for c in row.columns.values()]
    statuses = [c.status for _, c in columns]
    modes = "" if len(captures) == 1 else f", optimizations {' and '.join(c.mode.name for c in captures)}"
    seen = f"{len(rows)} value{'' if len(rows) == 1 else 's'}{modes}"
    gaps = ", ".join(f"{statuses.count(s)} {s}" for s in ("tie", "random", "unchecked", "missing") if s in statuses)
    rest = f" ({gaps})" if gaps else ""
    if all(s == "equal" for s in statuses):
        return f"agree bit for bit in {seen}"
    rated = [(c.ratio, row) for row, c in columns if c.ratio]
    if not rated:
        return f"agree in {seen}; what differs follows from the inputs of each node{rest}"
    ratio, row = max(rated, key=lambda pair: pair[0] or 0.0)
    largest = f"the largest error of a node is {number(ratio)} of its bound, at {shown(row.output, 60)!r} ({row.op})"
    return f"agree within the bounds of all operators in {seen}; {largest}{rest}"


def mode_name(mode: str) -> str:
    """How texts name a mode; a runtime without optimizations has the one mode "run"."""
    return "run" if mode == "run" else f"optimizations {mode}"


def number(value: float | None, digits: int = 3) -> str:
    """That many significant digits."""
    if value is None:
        return "-"
    plain = value == 0 or 1e-3 <= abs(value) < 1e5 or not math.isfinite(value)
    return f"{value:.{digits}g}" if plain else f"{value:.{digits - 1}e}"
