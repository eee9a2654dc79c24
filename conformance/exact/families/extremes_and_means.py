"""Max, Min, Mean and Sum of any number of inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import combine, small
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import integers, is_integer
from conformance.exact.values import Case, Tensor

__all__: list[str] = []

SHAPES = [((2, 1), (3,), (1, 1, 1)), ((), (2,)), ((3,), (2, 3)), ((2, 0), (1,))]
"""Since version 8 the inputs broadcast."""


def _max(*values: Number) -> Number:
    return max(values)


def _min(*values: Number) -> Number:
    return min(values)


def _total(*values: Number) -> Number:
    """The sum; infinities of both signs give NaN."""
    if all(not isinstance(v, float) for v in values):
        return sum(map(Fraction, values), Fraction(0))
    return sum(v for v in values if isinstance(v, float))


def _mean(*values: Number) -> Number:
    """The sum by the number of inputs."""
    return _total(*values) / len(values)


def _legacy(since: int, count: int) -> dict[str, list[int]]:
    return {"consumed_inputs": [0] * count} if since == 1 else {}


def _columns(function: Callable[..., Any], type: str, since: int, rows: Sequence[Sequence[Number]]) -> Case:
    """The elements of a row meet: input i holds the i-th of each."""
    inputs = [Tensor(type, (len(rows),), column) for column in zip(*rows, strict=True)]
    return Case(inputs, [combine(function, *inputs)], _legacy(since, len(inputs)))


def _shapes(function: Callable[..., Any], type: str, since: int) -> list[Case]:
    """One input, inputs of equal shape, and inputs that broadcast."""
    sets: list[Any] = [((2, 2),), ((2, 2), (2, 2), (2, 2), (2, 2)), *(SHAPES if since >= 8 else [])]
    found = []
    for shapes in sets:
        inputs = [small(type, shape, 1 + i) for i, shape in enumerate(shapes)]
        found.append(Case(inputs, [combine(function, *inputs)], _legacy(since, len(inputs))))
    return found


def _compared(type: str) -> list[list[Number]]:
    """Neighbours and extremes of the type, infinities; of NaN the text says nothing."""
    if is_integer(type):
        v = [int(x) for x in integers(type).values]
        return [[a, b, c] for a, b, c in zip(v, v[1:] + v[:1], v[4:] + v[:4], strict=True)]
    u, tiny, largest, _ = marks(type)
    one = Fraction(1)
    return [[one, 1 + u, 1 - u / 2], [-one, -1 - u, -1 + u / 2], [tiny, 0, -tiny], [largest, -INF, -largest], [-largest, largest, INF]]


@oracle("Max", 1, 6, 8, 12, 13)
def maximum(types: Types, since: int) -> list[Case]:
    """The largest of the elements that meet."""
    return [_columns(_max, types["T"], since, _compared(types["T"])), *_shapes(_max, types["T"], since)]


@oracle("Min", 1, 6, 8, 12, 13)
def minimum(types: Types, since: int) -> list[Case]:
    """The smallest of the elements that meet."""
    return [_columns(_min, types["T"], since, _compared(types["T"])), *_shapes(_min, types["T"], since)]


def _added(type: str) -> list[list[Number]]:
    """Half-way cases, sums that only their exact total rounds right, cancellation, infinities.

    A total that a double does not hold is not asked for: of float and bfloat16 1 + u / 2 + the smallest number, or 1 between the largest
    number and its opposite.
    """
    u, tiny, largest, _ = marks(type)
    one, rest = Fraction(1), Fraction(0)
    rows: list[list[Number]] = [
        [one, u / 2, rest],
        [1 + u, u / 2, rest],
        [tiny, tiny, tiny],
        [INF, one, one],
        [INF, -INF, one],
        [NAN, one, one],
    ]
    if type != "double":  # no wider type holds the exact total
        rows += [[one, u / 2, u / 2], [u / 2, u / 2, one], [largest, largest, -largest]]
        rows += [[one, u / 2, u / 256], [8 / u, one, -8 / u]]
    if type == "float16":
        rows += [[one, u / 2, tiny], [largest, one, -largest]]
    return rows


@oracle("Sum", 1, 6, 8, 13)
def total(types: Types, since: int) -> list[Case]:
    """The sum of the elements that meet, rounded once."""
    return [_columns(_total, types["T"], since, _added(types["T"])), *_shapes(_total, types["T"], since)]


@oracle("Mean", 1, 6, 8, 13)
def mean(types: Types, since: int) -> list[Case]:
    """The sum of the elements that meet by their number, rounded once."""
    return [_columns(_mean, types["T"], since, _added(types["T"])), *_shapes(_mean, types["T"], since)]
