"""What a comparison found: :class:`Report`, with its JSON, text, HTML and notebook forms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from refexec.diff.metrics import Difference
from refexec.errors import shown

__all__ = ["BAD", "Column", "Local", "ModeInfo", "OutputCheck", "Report", "Row"]

BAD = frozenset({"beyond", "dtype", "shape"})
"""Statuses that make a model diverge."""


@dataclass(frozen=True, slots=True)
class Column:
    """One value in one mode of the runtime.

    ``status``:

    - *equal*: the bits of refexec's reference result.
    - *within*: from the runtime's own inputs, the result is within the operator's bound (``ratio`` = error / bound <= 1).
    - *beyond*: it is not: here the runtime and the operator's definition part.
    - *dtype*, *shape*: from its own inputs, the runtime made another type or shape.
    - *tie*: another decision (index, level, truth value) than refexec's, on inputs that lie between the two.
    - *random*: not compared. *unchecked*: the runtime's inputs of the node could not be seen. *missing*: the value itself.

    ``total`` is the difference from refexec's reference result, what came in included; None where type or shape differ.
    ``local_abs`` and ``ratio`` are of this node alone; ``bound`` says what the ratio's bound is: "bound" (declared), "exact",
    "discrete" or "estimate" (of a node that runs other nodes).
    """

    status: str
    total: Difference | None = None
    ratio: float | None = None
    local_abs: float | None = None
    bound: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Local:
    """The judgement on one output of one node. ``ratio`` is error / bound (0 where equal, infinite where it must be equal and
    is not); ``kind`` says what the bound is: "bound", "exact", "discrete" or "estimate"."""

    status: str
    kind: str
    ratio: float | None
    max_abs: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One output of one node. ``effect`` is how far the wide result moves when every node before is disturbed by its bound
    (None where not known), ``reference_abs`` how far the reference result is from the wide one."""

    index: int  # of the node in execution order, from 0
    path: str
    name: str  # the node's
    op: str  # operator and version
    output: str
    dtype: str
    shape: str
    is_output: bool
    columns: Mapping[str, Column]
    effect: float | None = None
    reference_abs: float | None = None

    @property
    def diverges(self) -> bool:
        """Whether the node is at fault in some mode."""
        return any(c.status in BAD for c in self.columns.values())


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """An output of the unchanged model. ``marked_equal``: the same bits as with all values marked as outputs.

    ``distance`` is from the wide result, ``allowed`` what rounding explains. ``agrees`` is None where it cannot be told.
    """

    name: str
    mode: str
    marked_equal: bool | None
    distance: float | None
    allowed: float | None
    agrees: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModeInfo:
    """How the runtime ran in one mode. ``outcome``: "ran", "refused", "crashed" or "hung"; ``seen`` of ``asked`` values."""

    name: str
    outcome: str
    message: str
    seen: int
    asked: int
    runs: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A model in refexec and in another runtime.

    ``verdict`` is one sentence. ``outcome`` is "agree", "diverge", "refused", "crashed" or "hung"; ``agrees`` is whether it is the
    first. ``first`` is the index in ``rows`` of the first difference, None without one.
    """

    verdict: str
    outcome: str
    against: str
    rows: tuple[Row, ...]
    first: int | None
    modes: tuple[ModeInfo, ...]
    outputs: tuple[OutputCheck, ...]
    model: Mapping[str, Any]
    feeds: Mapping[str, Any]
    environment: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())

    @property
    def agrees(self) -> bool:
        return self.outcome == "agree"

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values; numbers that JSON lacks are the strings "nan", "inf" and "-inf"."""
        return {"schema": "refexec.compare/1", "agrees": self.agrees, **_plain(self)}

    def to_text(self, width: int = 80, rows: int | None = 40) -> str:
        """A table for a terminal of ``width`` columns. Of long models the ``rows`` that matter most are shown; None for all."""
        from refexec.diff.text import text

        return text(self, width, rows)

    def to_html(self) -> str:
        """One page that needs nothing else. Raises UnsupportedError, naming the extra to install, without jinja2."""
        from refexec.diff.html import page

        return page(self)

    def _repr_html_(self) -> str:
        from refexec.diff.html import fragment

        return fragment(self)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<refexec comparison with {self.against}: {shown(self.verdict, 200)}>"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
