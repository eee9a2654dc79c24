"""Two values of any type: a tensor, a sequence, an optional."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from onnx import TensorProto

from conformance.exact.formats import FLOATS, INF, INTEGERS, NAN, Float
from conformance.exact.samples import usual
from conformance.exact.values import PARTS, Opt, Seq, Tensor, Value, representable

__all__ = ["element", "extremes", "full", "held", "is_tensor", "number", "ordinary", "rare"]


def full(type: str) -> str:
    """The type string: ``tensor(float)`` of ``float``."""
    return type if "(" in type else f"tensor({type})"


def element(type: str) -> str:
    """The innermost element type: ``float`` of ``optional(seq(tensor(float)))``."""
    return type.rpartition("(")[2].rstrip(")")


def number(type: str) -> int:
    """Of an element type, in TensorProto.DataType."""
    return int(TensorProto.DataType.Value(type.upper()))


def is_tensor(type: str) -> bool:
    return full(type).startswith("tensor(")


def extremes(type: str, count: int) -> list[Any]:
    """``count`` values from the ends of the type, repeating where it has fewer: NaN, infinities, -0, the largest; empty strings."""
    if type in FLOATS:
        smallest = FLOATS[type].decode(1 if isinstance(FLOATS[type], Float) else 0)
        wanted = [NAN, -INF, -0.0, FLOATS[type].largest, INF, smallest]
        found: list[Any] = [v for v in wanted if representable(Tensor(type, (1,), (v,)))]
    elif type in INTEGERS:
        found = [INTEGERS[type].lowest, INTEGERS[type].largest, 0, 1]
    elif type in PARTS:
        parts = extremes(PARTS[type], 4)
        found = list(zip(parts, parts[::-1], strict=True))
    else:
        found = [True, False, False, True] if type == "bool" else ["", "\u00e9\U0001f600", "a\tb\n", " x "]
    return [found[i % len(found)] for i in range(count)]


def ordinary(type: str, shape: Sequence[int] = (2, 2), start: int = 0) -> Tensor:
    """Usual values, from the one at ``start`` on."""
    count = math.prod(shape)
    return Tensor(type, tuple(shape), tuple(usual(type, start + count)[start:]))


def rare(type: str, shape: Sequence[int] = (2, 2)) -> Tensor:
    return Tensor(type, tuple(shape), tuple(extremes(type, math.prod(shape))))


def held(type: str, *, other: bool = False) -> Value:
    """A value of a type; with ``other`` another one: an optional is then empty, a sequence has another length."""
    head, _, inner = full(type).partition("(")
    inner = inner[:-1]
    if head == "tensor":
        return rare(inner) if other else ordinary(inner)
    if head == "optional":
        return Opt(inner, None if other else held(inner))
    items = [rare(element(type), (3,))] if other else [ordinary(element(type)), ordinary(element(type), (), 3), rare(element(type), (1, 4))]
    return Seq(inner, tuple(items))
