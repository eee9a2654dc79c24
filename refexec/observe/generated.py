"""Feeds that are drawn at random where none are given, with a record of what was drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refexec.diff.random_feeds import random_feeds
from refexec.errors import FeedError
from refexec.observe.display import type_text
from refexec.plan import ValueInfo
from refexec.session import Session
from refexec.types import TensorType, element_type

__all__ = ["Generated", "generate"]


@dataclass(frozen=True, slots=True)
class Generated:
    """Feeds that were drawn, and how: ``shapes`` by name of each drawn input, ``sizes`` of the symbols that were not given."""

    feeds: dict[str, Any]
    seed: int
    drawn: tuple[str, ...]
    shapes: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def note(self) -> str:
        """One sentence that says that they are random, and how to get others."""
        shapes = ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())
        unknown = f"; sizes that the model leaves open: {', '.join(f'{n}={s}' for n, s in self.sizes.items())}" if self.sizes else ""
        return f"these inputs are RANDOM (seed {self.seed}), real data may behave otherwise: {shapes}{unknown}"

    def to_json(self) -> dict[str, Any]:
        """``{"random", "seed", "drawn", "shapes", "sizes", "ranges"}``."""
        return {
            "random": bool(self.drawn),
            "seed": self.seed if self.drawn else None,
            "drawn": list(self.drawn),
            "shapes": dict(self.shapes),
            "sizes": dict(self.sizes),
            "ranges": {name: list(span) for name, span in self.ranges.items()},
        }


def generate(
    session: Session,
    given: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    dims: Mapping[str, int | Sequence[int]] | None = None,
) -> Generated:
    """``given`` and a random value for each further input; see :func:`refexec.diff.random_feeds.random_feeds` for what is drawn.

    A symbolic dimension has the size that ``dims`` says, or that a given array has, or 1. Raises FeedError for a name in ``ranges``
    or ``dims`` that the inputs do not have, and what ``random_feeds`` raises.
    """
    fed = dict(given or {})
    missing = [i for i in session.inputs if i.name not in fed]
    symbols = {d for i in session.inputs if isinstance(i.type, TensorType) for d in i.type.shape or () if isinstance(d, str)}
    for name in dims or {}:
        if name not in symbols and name not in {i.name for i in session.inputs}:
            raise FeedError(f"no input has a dimension {name!r}", dimensions=sorted(symbols), inputs=[i.name for i in session.inputs])
    for name in ranges or {}:
        if name not in {i.name for i in missing}:
            raise FeedError(f"a range is given for {name!r}, which is not drawn", drawn=[i.name for i in missing])
    sizes = {**(_bound(session, fed) if missing else {}), **(dims or {})}
    for info in missing:
        if isinstance(info.type, TensorType):
            session.limits.check("tensor_bytes", 8 * _count(info, sizes), f"a random value for input {info.name!r}")
    made = random_feeds(session, seed, ranges, sizes, given=fed)
    unsaid = {d: 1 for i in missing if isinstance(i.type, TensorType) and i.name not in sizes for d in i.type.shape or ()
              if isinstance(d, str) and d not in sizes}  # fmt: skip
    return Generated(
        {**made, **fed}, seed, tuple(made), {name: _shape_text(value) for name, value in made.items()}, unsaid, dict(ranges or {})
    )


def _bound(session: Session, fed: Mapping[str, Any]) -> dict[str, int]:
    """Symbols whose size a fed array fixes."""
    found: dict[str, int] = {}
    for info in session.inputs:
        if isinstance(info.type, TensorType) and info.type.shape is not None and info.name in fed:
            for dim, size in zip(info.type.shape, _shape(fed[info.name]), strict=False):
                if isinstance(dim, str):
                    found.setdefault(dim, size)
    return found


def _count(info: ValueInfo, sizes: Mapping[str, int | Sequence[int]]) -> int:
    """How many elements are drawn for a tensor."""
    own = sizes.get(info.name)
    shape = own if isinstance(own, Sequence) else getattr(info.type, "shape", None) or ()
    found = (sizes.get(d, 1) if isinstance(d, str) else d for d in shape)
    return math.prod(d for d in found if isinstance(d, int))


def _shape(value: Any) -> tuple[int, ...]:
    """The shape of an array, or of nested lists by their first items."""
    if isinstance(value, list):
        return (len(value), *(_shape(value[0]) if value else ()))
    return tuple(np.shape(value)) if isinstance(value, np.ndarray) else ()


def _shape_text(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} x {_shape_text(value[0])}"
    return type_text(TensorType(element_type(value.dtype), value.shape))
