"""A report for a terminal: the verdict, a table, and the details of the first difference."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from refexec.diff.report import BAD, Column, Row
from refexec.diff.verdict import mode_name, number
from refexec.errors import shown

if TYPE_CHECKING:
    from refexec.diff.report import Report

__all__ = ["cell", "text"]


def text(report: Report, width: int, limit: int | None) -> str:
    """The report in lines of at most ``width`` characters."""
    width = max(width, 60)
    lines = textwrap.wrap(f"{report.against}: {shown(report.verdict, 800)}.", width)
    if any(row.columns for row in report.rows):
        lines += ["", *_table(report, width, limit)]
    if report.first is not None:
        lines += ["", *_details(report, report.rows[report.first], width)]
    lines += ["", *_circumstances(report, width)]
    return "\n".join(lines)


def cell(column: Column) -> str:
    """What a table shows for one value in one mode: error / bound, or the status where that says more."""
    if column.status in ("within", "beyond") and column.bound in ("bound", "estimate") and column.ratio is not None:
        if column.bound == "estimate":
            return f"~{number(column.ratio, 2 if 1e-3 <= column.ratio < 1e3 else 1)}"
        return number(column.ratio, 2)
    return {"beyond": "wrong", "within": "ok", "unchecked": "?"}.get(column.status, column.status)


def _table(report: Report, width: int, limit: int | None) -> Iterator[str]:
    modes = [m.name for m in report.modes if m.outcome == "ran"]
    heads = ["#", "operator", "output", "type", "max |d|", "ULP", *(["err/bound"] if len(modes) == 1 else modes)]
    fixed = [4, 0, 0, 0, 7, 7, *([9] if len(modes) == 1 else [7] * len(modes))]
    room = width - sum(fixed) - len(heads)
    fixed[1] = min(20, room * 7 // 20)
    fixed[3] = min(24, room * 7 // 20)
    fixed[2] = room - fixed[1] - fixed[3]
    if len(modes) > 1:
        yield f"{'error / bound':>{width - 1}}"
    yield " " + _line(heads, fixed)
    yield " " + " ".join("-" * w for w in fixed)
    previous = -1
    for i in _chosen(report, limit):
        if i > previous + 1:
            yield f"   ... {i - previous - 1} more that agree"
        yield _row(report.rows[i], modes, fixed, i == report.first)
        previous = i
    if previous + 1 < len(report.rows):
        yield f"   ... {len(report.rows) - previous - 1} more"


def _row(row: Row, modes: Sequence[str], widths: Sequence[int], first: bool) -> str:
    columns = [row.columns[m] for m in modes]
    total = next((c.total for c in columns if c.total is not None), None)
    size = f"{_short(row.dtype)}[{row.shape}]"
    numbers = [number(total.max_abs, 2), number(total.max_ulp, 2)] if total else ["-", "-"]
    cells = [str(row.index), row.op, row.output, size, *numbers, *map(cell, columns)]
    return (">" if first else "!" if row.diverges else " ") + _line(cells, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    out = []
    for i, (one, width) in enumerate(zip(cells, widths, strict=True)):
        fitted = _fitted(one, width, keep_end=i == 2)
        out.append(f"{fitted:<{width}}" if 0 < i < 4 else f"{fitted:>{width}}")
    return " ".join(out).rstrip()


def _fitted(one: str, width: int, keep_end: bool) -> str:
    """Names differ at their end, operators and types at their start."""
    plain = shown(one, 400)
    if len(plain) <= width:
        return plain
    return f"…{plain[len(plain) - width + 1 :]}" if keep_end else f"{plain[: width - 1]}…"


def _short(dtype: str) -> str:
    """``f32`` for ``float32``: room for the shape."""
    return re.sub(r"\b(float|int|uint)(?=\d)", lambda m: {"float": "f", "int": "i", "uint": "u"}[m.group()], dtype)


def _chosen(report: Report, limit: int | None) -> list[int]:
    """Which rows to show: the first difference and its neighbours, what diverges, outputs, then those with the largest ratio."""
    count = len(report.rows)
    if limit is None or count <= limit:
        return list(range(count))
    near = [] if report.first is None else [i for i in range(report.first - 3, report.first + 4) if 0 <= i < count]
    wrong = [i for i, r in enumerate(report.rows) if r.diverges]
    ends = [i for i, r in enumerate(report.rows) if r.is_output]
    open_ = [i for i, r in enumerate(report.rows) if any(c.status not in ("equal", "within") for c in r.columns.values())]
    ratio = [max((c.ratio or 0.0 for c in r.columns.values()), default=0.0) for r in report.rows]
    rated = sorted((i for i in range(count) if ratio[i]), key=lambda i: -ratio[i])
    return sorted(list(dict.fromkeys([*near, *wrong, *ends, *open_, *rated]))[:limit])


def _details(report: Report, row: Row, width: int) -> Iterator[str]:
    yield from _wrapped(f"first difference: node {row.index}, {row.path}", width)
    for mode, column in row.columns.items():
        if column.status not in BAD:
            continue
        note = f", {column.note}" if column.note else ""
        yield from _wrapped(f"  {mode_name(mode)}: {column.status}, error / bound {number(column.ratio)}{note}", width)
        if column.total is not None and column.total.worst is not None:
            total, (index, expected, actual) = column.total, column.total.worst
            yield from _wrapped(f"    largest difference at {index}: refexec {expected}, {report.against} {actual}", width)
            nans = f"; NaN {total.nan[0]}/{total.nan[1]}, Inf {total.inf[0]}/{total.inf[1]}" if any(total.nan + total.inf) else ""
            yield from _wrapped(f"    {total.unequal} of {total.size} elements differ{nans}", width)


def _circumstances(report: Report, width: int) -> Iterator[str]:
    for check in report.outputs:
        if check.marked_equal is False or check.agrees is False:
            how = "as in" if check.marked_equal else "not bit-equal to"
            yield from _wrapped(
                f"output {shown(check.name, 60)!r} of the unchanged model, {mode_name(check.mode)}: {how} the marked run, "
                f"{number(check.distance)} from the wide result (rounding explains {number(check.allowed)})", width,
            )  # fmt: skip
    for mode in report.modes:
        yield from _wrapped(f"{mode_name(mode.name)}: {mode.outcome}, {mode.seen} of {mode.asked} values seen. {mode.message}", width)
    for note in report.notes:
        yield from _wrapped(f"note: {note}", width)
    if any(row.columns for row in report.rows):
        yield from _wrapped(
            "max |d| and ULP are total differences from refexec's reference result. error / bound is of the node alone, on the "
            "runtime's own inputs; a right implementation stays at 1 or below. ~ is an estimate for nodes that run others, "
            "ok is exact on its own inputs, ? could not be judged.", width,
        )  # fmt: skip


def _wrapped(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(shown(line, 2000), width, subsequent_indent=indent)
