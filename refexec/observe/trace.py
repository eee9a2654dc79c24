"""All values of one run, in execution order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from refexec.context import Event
from refexec.errors import shown
from refexec.values import to_public

if TYPE_CHECKING:
    from refexec.session import Session

__all__ = ["Summary", "Trace", "summary"]

SHOWN_ROWS = 200  # rows of a notebook table; a page stays below 100 KB


@dataclass(frozen=True, slots=True)
class Summary:
    """A value in one line: element type, shape, range of the finite values, counts of what is not finite."""

    type: str
    shape: tuple[int, ...] | None
    least: float | None = None
    most: float | None = None
    nan: int = 0
    inf: int = 0

    def to_json(self) -> dict[str, Any]:
        """All fields by name; a shape is a list."""
        return {
            "type": self.type,
            "shape": None if self.shape is None else list(self.shape),
            "min": self.least,
            "max": self.most,
            "nan": self.nan,
            "inf": self.inf,
        }


def summary(value: Any, declared: Any = None) -> Summary:
    """The summary of any value of a run; ``declared`` is its declared type, which is shown in place of a wide one."""
    if not isinstance(value, np.ndarray):
        return Summary(str(declared) if declared is not None else type(value).__name__, None)
    name = declared.elem.name if hasattr(declared, "elem") and hasattr(declared.elem, "name") else value.dtype.name
    name = "string" if name == "object" else name
    if value.dtype == object or value.size == 0:
        return Summary(name, value.shape)
    if value.dtype.kind == "c":
        value = np.abs(value)
    numbers = value.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    nan, inf = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
    if finite.size == 0:
        return Summary(name, value.shape, None, None, nan, inf)
    return Summary(name, value.shape, float(finite.min()), float(finite.max()), nan, inf)


@dataclass(frozen=True)
class Trace:
    """The events of a run and its outputs. Iterating gives the events."""

    events: tuple[Event, ...]
    outputs: dict[str, Any]

    @classmethod
    def record(cls, session: Session, feeds: Mapping[str, Any] | Sequence[Any], outputs: Sequence[str] | None = None) -> Trace:
        """Run ``session`` and keep every event."""
        events: list[Event] = []
        names = [o.name for o in session.outputs] if outputs is None else list(outputs)
        values = session.observe(feeds, events.append, outputs)
        return cls(tuple(events), dict(zip(names, values, strict=True)))

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, name: str) -> Any:
        """The value of that name in the main graph, the last one written."""
        for event in reversed(self.events):
            if event.node.path.count("/") == 1 and name in event.node.outputs:
                return to_public(event.outputs[event.node.outputs.index(name)])
        raise KeyError(name)

    def rows(self) -> list[dict[str, Any]]:
        """One row per output of each event: step, node, operator, trips, output name and its summary."""
        found = []
        for step, event in enumerate(self.events):
            for name, value, declared in zip(event.node.outputs, event.outputs, event.output_types, strict=False):
                if name:
                    row = {"step": step, "node": event.node.path, "op": event.node.label, "trips": list(event.trips), "output": name}
                    found.append(row | summary(value, declared).to_json())
        return found

    def to_json(self) -> dict[str, Any]:
        """``{"outputs": [names], "rows": [...]}`` without the values themselves."""
        return {"outputs": list(self.outputs), "rows": self.rows()}

    def to_text(self, width: int = 80) -> str:
        """A table of at most ``width`` columns."""
        lines = [f"{'step':>4} {'op':<20} {'output':<{max(width - 70, 10)}} {'type':<9} {'shape':<14} {'range':<17}"]
        for row in self.rows():
            span = "" if row["min"] is None else f"{row['min']:.3g}..{row['max']:.3g}"
            extra = f" nan={row['nan']}" * bool(row["nan"]) + f" inf={row['inf']}" * bool(row["inf"])
            shape = "x".join(map(str, row["shape"])) if row["shape"] is not None else "-"
            name = shown(row["output"], max(width - 70, 10))
            place = f"{row['step']:>4} {shown(row['op'], 20):<20} {name:<{max(width - 70, 10)}}"
            lines.append(f"{place} {row['type']:<9} {shape or 'scalar':<14} {span}{extra}")
        return "\n".join(line[:width].rstrip() for line in lines)

    def _repr_html_(self) -> str:
        rows = self.rows()
        columns = ("step", "node", "op", "output", "type", "shape", "min", "max", "nan", "inf")
        head = "".join(f"<th>{c}</th>" for c in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(shown(str(row[c]), 60))}</td>" for c in columns) + "</tr>" for row in rows[:SHOWN_ROWS]
        )
        more = f"<p>{len(rows) - SHOWN_ROWS} more rows</p>" if len(rows) > SHOWN_ROWS else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def __repr__(self) -> str:
        return f"<refexec.Trace of {len(self.events)} events>"
