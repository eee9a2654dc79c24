"""CumSum and CumProd; Expand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import combine, small
from conformance.exact.families.lines import along, matrix, product, total
from conformance.exact.formats import INF, INTEGERS, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer, usual
from conformance.exact.values import Case, Tensor

Row = list[Number]
Fold = Callable[[Sequence[Number]], Number]


def _running(row: Row, fold: Fold, reverse: int, exclusive: int) -> Row:
    """Element j: the fold of the first j elements, without the j-th one when ``exclusive``; from the back when ``reverse``."""
    ordered = row[::-1] if reverse else row
    found = [fold(ordered[: i + 1 - exclusive]) for i in range(len(row))]
    return found[::-1] if reverse else found


def _case(fold: Fold, x: Tensor, axis: int, kind: str, reverse: int | None = None, exclusive: int | None = None) -> Case:
    """The axis is a scalar of type ``kind``."""
    whole = is_integer(x.type)
    y = along(x, axis, lambda row: _running(row, fold, reverse or 0, exclusive or 0))
    attributes = {"reverse": reverse, "exclusive": exclusive}
    return Case([x, Tensor(kind, (), (axis,))], [y.map(int) if whole else y], attributes)


def _sums(type: str) -> list[Row]:
    """Half-way sums; a sum that was rounded does not lose what it had; overflow; infinities and NaN stay."""
    if is_integer(type):
        low, top = INTEGERS[type].lowest, INTEGERS[type].largest
        return [[1, 2, 3, 4], [top, 0, 0, low], [top - 6, 1, 2, 3], [2**53 if INTEGERS[type].bits == 64 else 7, 1, 1, 1], [low, 1, 2, 3]]
    u, tiny, largest, half = marks(type)
    one = Fraction(1)
    return [
        [one, u / 2, u / 8, 0], [1 + u, u / 2, 0, 1], [tiny, tiny, tiny, 1], [largest, half / 2, largest, 1], [1, INF, 2, 3],
        [INF, 1, -INF, 1], [1, NAN, 2, 3], [3, -4, 5, -6],
    ]  # fmt: skip


def _products(type: str) -> list[Row]:
    """The same for products."""
    if is_integer(type):
        low, top = INTEGERS[type].lowest, INTEGERS[type].largest
        return [[1, 2, 3, 4], [top, 1, 1, 1], [5, 0, 3, 2], [2**53 + 1 if INTEGERS[type].bits == 64 else 7, 1, 1, 3], [low, 1, 1, 1]]
    u, tiny, largest, _ = marks(type)
    half = Fraction(1, 2)
    return [
        [1 + u, 3 * half, 1, 2], [1 + 3 * u, 3 * half, 1, 3], [tiny, half, 1, 3], [largest, 2, 3, 1], [1, INF, 2, -3], [2, INF, 0, 1],
        [1, NAN, 2, 3], [3, -4, 5, 0],
    ]  # fmt: skip


def _declare(name: str, fold: Fold, rows: Callable[[str], list[Row]], versions: Sequence[int]) -> None:
    @oracle(name, *versions)
    def cumulative(types: Types, since: int) -> list[Case]:
        """Each element folded with those before it along the axis."""
        type, kind = types["T"], types["T2"]
        x = matrix(type, rows(type))
        found = [_case(fold, x, 1, kind), _case(fold, matrix(type, [r[::-1] for r in rows(type)]), -1, kind, 1)]
        cube = small(type, (2, 3, 2))
        found += [_case(fold, cube, axis, kind) for axis in (0, 1, 2, -1, -2, -3)]
        found += [_case(fold, cube, 1, kind, reverse, exclusive) for reverse in (0, 1) for exclusive in (0, 1)]
        return [*found, _case(fold, small(type, (3,)), 0, kind), _case(fold, Tensor(type, (2, 0), ()), 0, kind)]


_declare("CumSum", total, _sums, (11, 14))
_declare("CumProd", product, _products, (26,))


@oracle("Expand", 8, 13)
def expand(types: Types, since: int) -> list[Case]:
    """Broadcast in both directions: the shape may be shorter than that of the input, and have ones where the input has not."""
    type = types["T"]
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((3, 1), (2, 3, 4)), ((3, 1), (3, 4)), ((2, 3), (1,)), ((2, 1, 2), (3, 1)), ((3,), (2, 3)), ((), (2, 2)), ((), ()), ((2,), ()),
        ((1,), (1, 1)), ((2, 1), (2, 0)), ((1, 2), (3, 1)), ((0,), (1,)),
    ]  # fmt: skip
    found = []
    for shape, wanted in pairs:
        x = Tensor(type, shape, tuple(usual(type, math.prod(shape))))
        ones = Tensor("bool", wanted, (True,) * math.prod(wanted))
        found.append(Case([x, Tensor("int64", (len(wanted),), wanted)], [combine(lambda v, _: v, x, ones)]))
    return found
