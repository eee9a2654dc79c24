"""What the Reduce operators are given: for each operator and type, rows of numbers of one length."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from conformance.exact.families.arithmetic import marks
from conformance.exact.formats import FLOATS, INF, INTEGERS, NAN, Float, Number

__all__ = ["rows"]

Row = tuple[Number, ...]
ONE, HALF = Fraction(1), Fraction(1, 2)
PRECISE = 2**53 + 1
"""The first integer that no double holds."""


def _sums(type: str) -> list[Row]:
    """Half-way cases, one that a last small number decides, overflow at the end and overflow on the way only."""
    u, tiny, largest, _ = marks(type)
    ties = [(ONE, u / 2, 0), (ONE + u, u / 2, 0), (ONE, u / 4, u / 4), (ONE, u / 2, u / 8), (tiny, tiny, tiny)]
    passing = [] if type == "double" else [(largest, largest, -largest)]
    return [*ties, *passing, (largest, largest, 0), (-largest, -largest, 0), (INF, 1, 2), (INF, -INF, 1), (1, 2, NAN)]


def _products(type: str) -> list[Row]:
    """Half-way cases of normal and subnormal numbers, overflow at the end and on the way only, 0 times infinity."""
    u, tiny, largest, _ = marks(type)
    ties = [(ONE + u, 3 * HALF, 1), (ONE + 3 * u, 3 * HALF, 1), (tiny, HALF, 1), (3 * tiny, HALF, 1), (3, 5, -7)]
    passing = [] if type == "double" else [(largest, 2, HALF), (tiny, HALF, 2)]
    return [*ties, *passing, (largest, 2, 1), (largest, -2, 1), (INF, 0, 1), (-INF, 2, -1), (NAN, 1, 0)]


def _means(type: str) -> list[Row]:
    """Half-way cases, thirds, and sums that overflow though the mean does not."""
    u, tiny, largest, _ = marks(type)
    ties = [(ONE, ONE, 1 + 3 * u), (ONE, 1 + u, 1 + u), (tiny, 0, 0), (tiny, tiny, 0), (1, 1, 2), (-1, 0, 0)]
    large = [] if type == "double" else [(largest, largest, largest), (largest, largest, -largest)]
    return [*ties, *large, (INF, 1, 2), (INF, -INF, 1), (NAN, 1, 1)]


def _extremes(type: str) -> list[Row]:
    """NaN at each place, infinities, the extremes of the type."""
    u, tiny, largest, _ = marks(type)
    return [
        (-1, 2, 1), (NAN, 1, 2), (1, NAN, 2), (1, 2, NAN), (INF, 1, -INF), (INF, INF, INF), (-INF, -INF, -INF), (INF, NAN, 1),
        (largest, -largest, 0), (-tiny, tiny, 0), (ONE, ONE + u, ONE - u / 2), (-1, -2, -3),
    ]  # fmt: skip


def _norms(type: str) -> list[Row]:
    u, tiny, largest, _ = marks(type)
    ties = [(-1, u / 2, 0), (-ONE - u, -u / 2, 0), (-tiny, tiny, tiny), (-3, 4, -5)]
    return [*ties, (-largest, largest, 0), (-largest, 0, 0), (INF, -INF, 1), (-INF, 1, 2), (NAN, 1, 1)]


def _lengths(type: str) -> list[Row]:
    """Whole and irrational roots; squares that overflow or vanish though the root does not."""
    _, tiny, largest, _ = marks(type)
    exact: list[Row] = [(3, -4, 0), (2, 3, 6), (0, 0, 0), (INF, 1, 2), (1, -INF, 2), (1, NAN, 2)]
    far: list[Row] = [] if type == "double" else [(largest, 0, 0), (0, -tiny, 0), (largest, largest, 0)]
    return [*exact, *far]


def _logarithms(type: str) -> list[Row]:
    return [(ONE, 0, 0), (2, 1, 0), (HALF, -HALF / 2, 0), (0, 0, 0), (5, 6, 7), (INF, 1, 0), (NAN, 1, 1), (HALF, HALF / 2, HALF / 4)]


def _exponentials(type: str) -> list[Row]:
    """Among them exponentials that a number of the type does not hold."""
    finite: list[Row] = [(0, 0, 0), (1, 2, 3), (100, 100, -100), (-100, -100, -100), (HALF, -2, 0), (-1, -1, -INF)]
    return [*finite, (-INF, -INF, -INF), (1, -INF, -INF), (INF, 1, 2), (INF, -INF, 1), (NAN, 1, 1)]


def _squares(type: str) -> list[Row]:
    """Half-way: 1 + u / 2 of one or two small squares; squares that overflow and vanish."""
    form = FLOATS[type]
    assert isinstance(form, Float)
    _, tiny, largest, _ = marks(type)
    one, two = Fraction(1, 2 ** ((form.mantissa + 1) // 2)), Fraction(1, 2 ** (form.mantissa // 2 + 1))
    tie: Row = (ONE, one, 0) if form.mantissa % 2 else (ONE, two, two)
    return [tie, (3, -4, 5), (largest, 0, 0), (tiny, tiny, tiny), (-INF, 1, 1), (NAN, 1, INF), (ONE / 4, ONE / 2, 0)]


OF_FLOATS: dict[str, Callable[[str], list[Row]]] = {
    "ReduceSum": _sums, "ReduceProd": _products, "ReduceMean": _means, "ReduceMax": _extremes, "ReduceMin": _extremes,
    "ReduceL1": _norms, "ReduceL2": _lengths, "ReduceLogSum": _logarithms, "ReduceLogSumExp": _exponentials, "ReduceSumSquare": _squares,
}  # fmt: skip


def _integers(name: str, type: str) -> list[Row]:
    """Results that the type holds; sums on the way may wrap. Values that only 64-bit arithmetic keeps, where the type has 64."""
    form = INTEGERS[type]
    low, top, wide = form.lowest, form.largest, form.bits == 64
    found: dict[str, list[Row]] = {
        "ReduceSum": [(low, top, 0), (top, 0, 0), (top - 3, 1, 2), (1, 2, 3), (top, -1, 1), (-4, -5, -6)],
        "ReduceProd": [(3, 5, 7), (top, 1, 1), (low, 1, 1), (0, top, 2), (-3, 5, -7)],
        "ReduceMean": [(1, 2, 3), (0, 0, 0), (-4, -5, -6), (5, 10, 30), (top, top, top), (low, low, low)],
        "ReduceMax": [(low, top, 0), (low, low, low), (top, top, top), (1, 3, 2), (-4, -5, -6)],
        "ReduceL1": [(3, 4, 5), (top, 0, 0), (-3, 4, -5), (-top, 0, 0)],
        "ReduceL2": [(3, 4, 0), (2, 3, 6), (0, 0, 0), (1, 0, 0), (-3, 0, 4)],
        "ReduceLogSum": [(1, 0, 0), (0, 0, 1), (5, -4, 0)],
        "ReduceLogSumExp": [(60, 0, 1), (0, 80, 10), (-60, 0, -70)],
        "ReduceSumSquare": [(3, 4, 5), (2**15, 2**14, 1), (-3, 4, -5)],
    }
    precise: dict[str, list[Row]] = {
        "ReduceSum": [(2**53, 1, 0), (2**60, 1, 2)], "ReduceProd": [(PRECISE, 1, 1), (3037000499, 3037000499, 1)],
        "ReduceMean": [(PRECISE, PRECISE, PRECISE)], "ReduceMax": [(PRECISE, PRECISE - 1, PRECISE - 2), (PRECISE, PRECISE, PRECISE)],
        "ReduceL1": [(2**53, 1, 0), (-(2**60), 1, 2)], "ReduceSumSquare": [(94906267, 1, 0)],
    }  # fmt: skip
    name = "ReduceMax" if name == "ReduceMin" else name
    chosen = found[name] + (precise.get(name, []) if wide else [])
    return [row for row in chosen if min(row) >= low]


def rows(name: str, type: str) -> list[Row]:
    """Rows of three numbers of the type."""
    if type == "bool":
        return [(True, False, False), (False, False, False), (True, True, True), (False, True, True)]
    return OF_FLOATS[name](type) if type in FLOATS else _integers(name, type)
