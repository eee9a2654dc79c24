"""A report as one HTML page, and as a fragment for notebooks. Every name comes from the model and is escaped."""

from __future__ import annotations

import math
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from refexec.diff.report import Column, Row
from refexec.diff.text import cell
from refexec.diff.verdict import mode_name, number
from refexec.errors import UnsupportedError, shown

if TYPE_CHECKING:
    from refexec.diff.report import Report

__all__ = ["fragment", "page"]

_FRAGMENT_ROWS = 120


def page(report: Report) -> str:
    """A page that needs no other file, no script and no network."""
    try:
        import jinja2
    except ImportError:
        raise UnsupportedError("an HTML report needs jinja2; install it with: pip install 'refexec[report]'", extra="report") from None
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(shown=lambda s, width=200: shown(str(s), width), number=number, mode_name=mode_name)
    modes = [m.name for m in report.modes if m.outcome == "ran"]
    template = files("refexec.diff").joinpath("report.html.j2").read_text("utf-8")
    return environment.from_string(template).render(
        report=report, modes=modes, cell=cell, counts=_counts, tone=_tone, plot=_plot(report, modes)
    )


def fragment(report: Report) -> str:
    """The verdict and the rows around the first difference, below 100 KB."""
    modes = [m.name for m in report.modes if m.outcome == "ran"]
    start = max(0, (report.first or 0) - 10)
    head = "".join(f"<th>{escape(h)}</th>" for h in ("#", "operator", "output", "type", "max |d|", "ULP", *modes))
    body = "".join(_fragment_row(r, modes, start + i == report.first) for i, r in enumerate(report.rows[start : start + _FRAGMENT_ROWS]))
    left = len(report.rows) - min(len(report.rows), start + _FRAGMENT_ROWS) + start
    more = f"<p>{left} further rows: <code>report.to_html()</code></p>" if left else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if report.rows else ""
    return f"<div><p><b>refexec and {escape(report.against)}</b>: {escape(shown(report.verdict, 500))}</p>{table}{more}</div>"


def _fragment_row(row: Row, modes: list[str], first: bool) -> str:
    columns = [row.columns[m] for m in modes]
    total = next((c.total for c in columns if c.total is not None), None)
    texts = [
        str(row.index), shown(row.op, 40), shown(row.output, 60), f"{row.dtype}[{shown(row.shape, 40)}]",
        number(total.max_abs) if total else "-", number(total.max_ulp) if total else "-", *map(cell, columns),
    ]  # fmt: skip
    style = ' style="background:#fde8e8"' if first or row.diverges else ""
    return f"<tr{style}>{''.join(f'<td>{escape(t)}</td>' for t in texts)}</tr>"


def _counts(column: Column) -> str:
    """NaN and infinity counts as "refexec/runtime", where there are any."""
    if column.total is None:
        return ""
    parts = [f"{what} {a}/{b}" for what, (a, b) in (("NaN", column.total.nan), ("Inf", column.total.inf)) if a or b]
    return ", ".join(parts)


def _tone(column: Column) -> str:
    """The CSS class of a cell."""
    if column.status in ("beyond", "dtype", "shape"):
        return "bad"
    if column.status in ("random", "unchecked", "missing", "tie"):
        return "open"
    return "equal" if column.status == "equal" else "fine"


def _plot(report: Report, modes: list[str]) -> dict[str, Any]:
    """Points of error / bound over the nodes, on a logarithmic scale from 1e-6 to 1e6: position and class."""
    points = []
    span = max(1, len(report.rows) - 1)
    for i, row in enumerate(report.rows):
        for k, mode in enumerate(modes):
            ratio = row.columns[mode].ratio
            if ratio:
                level = min(6.0, max(-6.0, math.log10(ratio) if math.isfinite(ratio) else 6.0))
                tone = "bad" if _tone(row.columns[mode]) == "bad" else f"mode{k}"
                points.append((round(40 + 940 * i / span, 1), round(100 - level / 6 * 85, 1), tone))
    return {"points": points}
