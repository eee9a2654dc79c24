"""How the inputs of elementwise operators meet: Broadcasting.md, and the ``broadcast`` and ``axis`` attributes before version 7."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from conformance.exact.formats import INTEGERS
from conformance.exact.samples import usual
from conformance.exact.values import Case, Tensor

__all__ = ["aligned", "broadcast_cases", "combine", "paired", "small"]

Function = Callable[..., Any]

MULTIDIRECTIONAL = [((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2,)), ((1, 2, 1), (2, 1, 2)), ((2, 0), (2, 1)), ((), ())]
"""Shapes of two inputs since version 7: each axis from the right agrees, or is 1, or is missing."""

LIMITED = [
    ((2, 3), (3,), None), ((2, 3), (2,), 0), ((2, 3, 2), (3,), 1), ((2, 3, 2), (3, 2), None), ((2, 3, 2), (2, 3), 0), ((2, 3), (), None),
    ((2, 3), (1, 1), None), ((2, 2), (2,), 0), ((2, 2), (2,), None),
]  # fmt: skip
"""Shapes of A and B and the axis before version 7: where the shape of B starts in that of A, at the end when it is not given."""


def combine(function: Function, *tensors: Tensor, type: str | None = None) -> Tensor:
    """``function`` of the elements that meet in multidirectional broadcasting."""
    rank = max(len(t.shape) for t in tensors)
    shapes = [(1,) * (rank - len(t.shape)) + t.shape for t in tensors]
    shape = tuple(next((n for n in axis if n != 1), 1) for axis in zip(*shapes, strict=True))
    values = [
        function(*(_at(t, padded, index) for t, padded in zip(tensors, shapes, strict=True)))
        for index in itertools.product(*map(range, shape))
    ]
    return Tensor(type or tensors[0].type, shape, tuple(values))


def _at(tensor: Tensor, padded: Sequence[int], index: Sequence[int]) -> Any:
    place = tuple(0 if n == 1 else i for i, n in zip(index, padded, strict=True))
    return tensor[place[len(padded) - len(tensor.shape) :]]


def aligned(b: Tensor, rank: int, axis: int | None = None) -> Tensor:
    """B with ones behind its shape, so that it starts at ``axis`` of an input of that rank; unchanged for an axis not given."""
    if axis is None:
        return b
    return Tensor(b.type, (*b.shape, *[1] * (rank - axis - len(b.shape))), b.values)


def small(type: str, shape: Sequence[int], start: int = 1) -> Tensor:
    """Small different numbers, at least ``start``; for bool and string :func:`usual` ones."""
    count = 1
    for n in shape:
        count *= n
    if type in ("bool", "string"):
        return Tensor(type, tuple(shape), tuple(usual(type, count + start)[start:]))
    largest = INTEGERS[type].largest if type in INTEGERS else 8
    return Tensor(type, tuple(shape), tuple(start + i % largest for i in range(count)))


def paired(function: Function, type: str, pairs: Sequence[tuple[Any, Any]], result: str | None = None) -> Case:
    """A vector of pairs."""
    a, b = (Tensor(type, (len(pairs),), tuple(p[i] for p in pairs)) for i in (0, 1))
    return Case([a, b], [combine(function, a, b, type=result)])


def broadcast_cases(function: Function, type: str, since: int, result: str | None = None) -> list[Case]:
    """Every way in which two inputs of different shapes may meet at this version."""
    made = []
    if since >= 7:
        for shape_a, shape_b in MULTIDIRECTIONAL:
            a, b = small(type, shape_a, 3), small(type, shape_b)
            made.append(Case([a, b], [combine(function, a, b, type=result)]))
        return made
    for shape_a, shape_b, axis in LIMITED:
        a, b = small(type, shape_a, 3), small(type, shape_b)
        expected = combine(function, a, aligned(b, len(shape_a), axis), type=result)
        made.append(Case([a, b], [expected], {"broadcast": 1} if axis is None else {"broadcast": 1, "axis": axis}))
    return made
