"""Tensors of values that an operator only moves: built element by element from an index, with every kind of value of the type."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from conformance.exact.formats import FLOATS, INF, NAN, Float
from conformance.exact.samples import has_infinity, has_nan, spread, usual
from conformance.exact.values import PARTS, Tensor

__all__ = ["Index", "built", "filled", "int64s", "scalar", "signed_zeros", "vector"]

Index = tuple[int, ...]


def built(type: str, shape: Sequence[int], at: Callable[[Index], Any]) -> Tensor:
    """The tensor whose element at an index is ``at(index)``."""
    return Tensor(type, tuple(shape), tuple(at(i) for i in itertools.product(*map(range, shape))))


def signed_zeros(type: str) -> list[Any]:
    """-0 and 0 of a float type, as far as it has them."""
    form = FLOATS[type]
    if not isinstance(form, Float):
        return []
    return [0] if form.nan == "sign only" else [-0.0, 0]


def filled(type: str, shape: Sequence[int]) -> Tensor:
    """Different values; among those of a float type NaN, infinities and both zeros, which a move does not change either."""
    count = math.prod(shape)
    if type in PARTS:
        parts = _floats(PARTS[type])
        values: list[Any] = [(parts[i % len(parts)], parts[(i * 3 + 1) % len(parts)]) for i in range(count)]
    elif type in FLOATS:
        parts = _floats(type)
        values = [parts[i % len(parts)] for i in range(count)]
    else:
        values = usual(type, count)
    return Tensor(type, tuple(shape), tuple(values))


def _floats(type: str) -> list[Any]:
    """Finite and special values in turn."""
    special = [*([NAN] if has_nan(type) else []), *signed_zeros(type), *([INF, -INF] if has_infinity(type) else [])]
    mixed = itertools.zip_longest(dict.fromkeys(spread(type)), special)
    return [v for pair in mixed for v in pair if v is not None]


def vector(type: str, values: Sequence[Any]) -> Tensor:
    return Tensor(type, (len(values),), tuple(values))


def int64s(values: Sequence[int]) -> Tensor:
    """A vector of axes, sizes or indices."""
    return vector("int64", values)


def scalar(type: str, value: Any) -> Tensor:
    return Tensor(type, (), (value,))
