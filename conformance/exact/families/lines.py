"""Tensors taken apart along axes, and sums and products of numbers with infinities and NaN among them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.formats import INF, NAN, Number
from conformance.exact.values import Tensor

__all__ = ["along", "dot", "greatest", "matrix", "normal_axis", "product", "reduced", "reshaped", "times", "total", "transposed"]


def total(values: Iterable[Number]) -> Number:
    """The exact sum; NaN when NaN or both infinities are among the values."""
    held = list(values)
    special = [v for v in held if isinstance(v, float) and v != 0]
    return sum(special) if special else sum(map(Fraction, held), Fraction(0))


def product(values: Iterable[Number]) -> Number:
    """The exact product; NaN for NaN or 0 times infinity."""
    held = list(values)
    if any(isinstance(v, float) and v != 0 for v in held):
        return math.prod(v if isinstance(v, float) else float((v > 0) - (v < 0)) for v in held)
    return math.prod(map(Fraction, held), start=Fraction(1))


def times(a: Number, b: Number) -> Number:
    return product((a, b))


def dot(a: Iterable[Number], b: Iterable[Number]) -> Number:
    """The sum of the products of two rows."""
    return total(map(times, a, b))


def greatest(values: Iterable[Number], default: Number = -INF) -> Number:
    """The largest value, NaN when one is NaN."""
    held = list(values)
    return NAN if any(v != v for v in held) else max(held, default=default)


def normal_axis(axis: int, rank: int) -> int:
    """A negative axis counts from the back."""
    return axis + rank if axis < 0 else axis


def matrix(type: str, rows: Sequence[Sequence[Any]]) -> Tensor:
    """A tensor of rank 2."""
    return Tensor(type, (len(rows), len(rows[0])), tuple(v for row in rows for v in row))


def reshaped(x: Tensor, shape: Sequence[int]) -> Tensor:
    return Tensor(x.type, tuple(shape), x.values)


def transposed(x: Tensor) -> Tensor:
    """A matrix with its axes exchanged."""
    rows, columns = x.shape
    return Tensor(x.type, (columns, rows), tuple(x[i, j] for j in range(columns) for i in range(rows)))


def reduced(x: Tensor, axes: Collection[int], keepdims: bool, function: Callable[[list[Any]], Any], type: str | None = None) -> Tensor:
    """``function`` of the values along ``axes``, in row-major order."""
    inside = [range(n) if i in axes else range(1) for i, n in enumerate(x.shape)]
    outside = [range(1) if i in axes else range(n) for i, n in enumerate(x.shape)]
    values = [
        function([x[tuple(map(sum, zip(o, i, strict=True)))] for i in itertools.product(*inside)]) for o in itertools.product(*outside)
    ]
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes)
    return Tensor(type or x.type, shape, tuple(values))


def along(x: Tensor, axis: int, function: Callable[[list[Any]], Sequence[Any]], type: str | None = None) -> Tensor:
    """Each line along ``axis`` replaced by ``function`` of it; all results have one length."""
    axis = normal_axis(axis, len(x.shape))
    lines = reduced(x, [axis], False, lambda line: tuple(function(line)))
    length = len(lines.values[0]) if lines.values else x.shape[axis]
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    found = (lines[i[:axis] + i[axis + 1 :]][i[axis]] for i in itertools.product(*map(range, shape)))
    return Tensor(type or x.type, shape, tuple(found))
