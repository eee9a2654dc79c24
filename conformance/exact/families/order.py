"""ArgMax, ArgMin, TopK, Hardmax: which number is the largest, and where."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import along, matrix, normal_axis, reduced, reshaped
from conformance.exact.formats import INF, INTEGERS, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer
from conformance.exact.values import Case, Tensor

__all__ = ["by_line", "placements"]

Row = list[Number]


def _different(type: str) -> list[Row]:
    """Rows of four different numbers, each place holding the largest and the smallest; neighbours and extremes of the type."""
    if is_integer(type):
        low, top = INTEGERS[type].lowest, INTEGERS[type].largest
        found: list[Row] = [[low, top, 1, 2], [top, top - 1, low + 1, low], [3, 1, low, top - 1], [5, low, 7, 6]]
        return [*found, [2**53, 2**53 + 1, 2**53 - 1, 2**53 + 2]] if INTEGERS[type].bits == 64 else found
    u, tiny, largest, _ = marks(type)
    one = Fraction(1)
    return [
        [one, one + u, one - u / 2, one + 2 * u], [tiny, -tiny, Fraction(0), 2 * tiny], [-largest, largest, -INF, INF],
        [-1, -2, -3, -4], [largest, INF, 0, -largest],
    ]  # fmt: skip


def _equal(type: str) -> list[Row]:
    """Rows of four with equal largest and smallest numbers."""
    top, low = (INTEGERS[type].largest, INTEGERS[type].lowest) if is_integer(type) else (INF, -INF)
    return [[3, 1, 3, 1], [1, 1, 1, 1], [low, top, top, low], [2, 2, 1, 1], [1, 2, 2, 1]]


def _extreme(row: Row, largest: bool, last: bool = False) -> int:
    """The first place of the largest or smallest number, or its last one."""
    wanted = max(row) if largest else min(row)
    places = [i for i, v in enumerate(row) if v == wanted]
    return places[-1 if last else 0]


def _place(x: Tensor, largest: bool, axis: int | None = None, keepdims: bool | None = None, last: bool | None = None) -> Case:
    at = normal_axis(axis or 0, len(x.shape))
    y = reduced(x, [at], keepdims is not False, lambda row: _extreme(row, largest, bool(last)), "int64")
    return Case([x], [y], {"axis": axis, "keepdims": keepdims, "select_last_index": last})


CUBE = (3, 7, 1, 4, 12, 5, 6, 2, 11, 0, 8, 9)
"""Different numbers for a tensor of shape (2, 3, 2)."""


def _declare_place(name: str, largest: bool) -> None:
    @oracle(name, 1, 11, 12, 13)
    def place(types: Types, since: int) -> list[Case]:
        """The index of the extreme along the axis; which of equal ones is said since version 12 only."""
        type = types["T"]
        cube = Tensor(type, (2, 3, 2), CUBE)
        found = [_place(matrix(type, _different(type)), largest, 1, False), _place(cube, largest)]
        if since >= 12:
            equal = matrix(type, _equal(type))
            found += [_place(equal, largest, 1, keep, last) for keep, last in ((True, None), (False, True), (None, False))]
        if type == "float":
            found += [_place(cube, largest, axis, keep) for axis in (0, 1, 2) for keep in (True, False)]
            found += [_place(cube, largest, axis) for axis in (-1, -2, -3) if since >= 11]
        return found


for _name in ("ArgMax", "ArgMin"):
    _declare_place(_name, _name == "ArgMax")


def _ranked(row: Row, largest: bool) -> list[int]:
    """All places, the best number first, of equal numbers the lower place first."""
    return sorted(range(len(row)), key=lambda i: (-row[i] if largest else row[i], i))


def _top(x: Tensor, k: int, since: int, axis: int | None = None, **flags: int) -> Case:
    largest = flags.get("largest", 1) == 1
    values = along(x, -1 if axis is None else axis, lambda row: [row[i] for i in _ranked(row, largest)[:k]])
    places = along(x, -1 if axis is None else axis, lambda row: _ranked(row, largest)[:k], "int64")
    attributes = {**flags} if axis is None else {"axis": axis, **flags}
    if since == 1:
        return Case([x], [values, places], {**attributes, "k": k})
    return Case([x, Tensor("int64", (1,), (k,))], [values, places], attributes)


@oracle("TopK", 1, 10, 11, 24)
def top_k(types: Types, since: int) -> list[Case]:
    """The k largest or smallest in order, and their places; the order of ``sorted=0`` is not fixed, so it is asked for one only."""
    type = types["T"]
    different, equal, cube = matrix(type, _different(type)), matrix(type, _equal(type)), Tensor(type, (2, 3, 2), CUBE)
    found = [_top(x, k, since) for x in (different, equal) for k in (2, 4)]
    if since >= 11:
        found += [_top(x, k, since, largest=0) for x in (different, equal) for k in (1, 3)]
    if type == "float":
        found += [_top(cube, 2, since, axis) for axis in (0, 1, 2, -1)]
        found += [_top(cube, 2, since, -2, largest=0), _top(different, 1, since, sorted=0)] if since >= 11 else []
    return found


def _hardmax(x: Tensor, axis: int | None, since: int) -> Case:
    """1 for the first largest number of a line, 0 for the others; before version 13 the axes from ``axis`` on make one line."""

    def line(row: Row) -> list[int]:
        return [int(i == _extreme(row, True)) for i in range(len(row))]

    return Case([x], [by_line(x, axis, since, line)], {} if axis is None else {"axis": axis})


def by_line(x: Tensor, axis: int | None, since: int, function: Any) -> Tensor:
    """``function`` of each line of Softmax, LogSoftmax or Hardmax: along one axis, the last; before 13 of the matrix cut at ``axis``, 1."""
    if since >= 13:
        return along(x, -1 if axis is None else axis, function)
    at = normal_axis(1 if axis is None else axis, len(x.shape))
    before = math.prod(x.shape[:at])
    return reshaped(along(reshaped(x, (before, len(x.values) // before)), 1, function), x.shape)


def placements(since: int) -> list[tuple[tuple[int, ...], int | None]]:
    """Shapes of twelve numbers and the axis, for :func:`by_line`."""
    negative = [-1, -2, -3] if since >= 11 else []
    found: list[tuple[tuple[int, ...], int | None]] = [((2, 3, 2), axis) for axis in (None, 0, 1, 2, *negative)]
    return [*found, ((12,), 0), ((3, 4), None), ((1, 3, 1, 4), 2)]


@oracle("Hardmax", 1, 11, 13)
def hardmax(types: Types, since: int) -> list[Case]:
    """1 for the first largest number of each line."""
    type = types["T"]
    rows = matrix(type, _different(type) + _equal(type))
    found = [_hardmax(rows, None, since)]
    if type == "float":
        found += [_hardmax(Tensor(type, shape, CUBE), axis, since) for shape, axis in placements(since)]
    return found
