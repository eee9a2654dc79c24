"""AveragePool, LpPool and their global forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import reduced, total
from conformance.exact.families.placement import Index, built
from conformance.exact.families.sliding import Window, axes, inside, quarters, taps
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

__all__ = ["SHAPES", "TAIL", "lp_norm", "windows"]

Pool = Callable[[list[Any], int], Any]
"""What a window gives, from its numbers and the count of its elements with those in the padding."""

OLD_WINDOWS: list[tuple[tuple[int, ...], Window]] = [
    ((1, 1, 3, 4), Window((2, 3))), ((1, 1, 3, 3), Window((2, 2), (1, 1, 0, 0))), ((1, 1, 3, 3), Window((2, 2), (0, 1, 1, 0))),
    ((2, 2, 4), Window((2,), strides=(2,))), ((1, 1, 5), Window((3,), (2, 1), (2,))), ((1, 2, 2, 2, 2), Window((2, 1, 2))),
    ((1, 1, 4, 2), Window((3, 2), auto_pad="SAME_UPPER")), ((1, 1, 4, 2), Window((3, 2), auto_pad="SAME_LOWER")),
    ((1, 1, 4), Window((2,), strides=(2,), auto_pad="SAME_LOWER")), ((1, 1, 5), Window((2,), strides=(1,), auto_pad="VALID")),
    ((1, 1, 6), Window((3,), strides=(2,), auto_pad="VALID")), ((1, 1, 3), Window((2,), (1, 0), auto_pad="NOTSET")),
]  # fmt: skip
"""Shapes and windows of every version."""

RAGGED: list[tuple[tuple[int, ...], Window]] = [
    ((1, 1, 5), Window((2,), strides=(2,), auto_pad="SAME_UPPER")), ((1, 1, 5), Window((2,), strides=(2,), auto_pad="SAME_LOWER")),
]  # fmt: skip
"""SAME with strides that do not divide the size: version 11 has two lengths, floor and ceil."""

CEILED: list[tuple[tuple[int, ...], Window]] = [
    ((1, 1, 5), Window((4,), strides=(3,), ceil_mode=1)), ((1, 1, 4, 4), Window((3, 3), strides=(2, 2), ceil_mode=1)),
    ((1, 1, 6), Window((3,), (1, 1), (2,), ceil_mode=1)), ((1, 1, 4, 5), Window((2, 3), (0, 1, 1, 1), (3, 2), ceil_mode=1)),
    ((1, 1, 5), Window((2,), strides=(2,), ceil_mode=0)),
]  # fmt: skip

DILATED: list[tuple[tuple[int, ...], Window]] = [
    ((1, 1, 4, 4), Window((2, 2), dilations=(2, 1))), ((1, 1, 5), Window((2,), (1, 1), dilations=(3,))),
    ((1, 1, 5), Window((3,), dilations=(2,), auto_pad="SAME_UPPER")), ((1, 1, 6), Window((2,), (0, 1), (2,), (3,), ceil_mode=1)),
]  # fmt: skip

TAIL = ((1, 1, 3), Window((2,), (0, 2), (2,), ceil_mode=1))
"""The third window would start in the padding after the input."""


def pooled(x: Tensor, window: Window, function: Pool, ignored: bool = False) -> Tensor:
    """``function`` of each window."""
    assert window.kernel_shape
    found = axes(window, x.shape[2:], window.kernel_shape, ignored)

    def at(i: Index) -> Any:
        places = [place for _, place in taps(found, i[2:])]
        values = [x[(*i[:2], *p)] for p in places if inside(found, p)]
        return function(values, sum(inside(found, p, padded=True) for p in places))

    return built(x.type, (*x.shape[:2], *(a.length for a in found)), at)


def _mean(values: list[Number], count: int) -> Number:
    found = total(values)
    return found if isinstance(found, float) else found / count


def lp_norm(values: Sequence[Number], p: Fraction | int) -> Number:
    """(sum of |x| ** p) ** (1 / p)."""
    sizes = [abs(v) for v in values if v]
    if any(isinstance(v, float) for v in sizes):
        return NAN if any(v != v for v in sizes) else INF
    return reals.power(sum((reals.power(v, p) for v in sizes), Fraction(0)), Fraction(1, p)) if sizes else Fraction(0)


def rows(type: str) -> Tensor:
    """Lines of four, of which a window of three has half-way sums, thirds, extremes, infinities or NaN.

    A sum beyond the range is left to types that a double sums up.
    """
    u, tiny, largest, _ = marks(type)
    lines: list[list[Number]] = [
        [1, 2, 2, -5], [1 + u, 1 + 2 * u, 1, 1], [tiny, 0, tiny, tiny], [tiny, tiny, 0, 0],
        [INF, 1, 2, INF], [NAN, 1, 2, 3], [-INF, INF, 0, 1], [3, -4, 0, 12], [0, 0, 0, -0.0],
    ]  # fmt: skip
    lines += [] if type == "double" else [[largest, largest, largest, -largest], [largest, 0, 0, -largest]]
    return Tensor(type, (1, len(lines), 4), tuple(v for line in lines for v in line))


def _average(x: Tensor, window: Window, since: int, include: int | None = None) -> Case:
    """The sum of a window over the number of its elements; with ``count_include_pad`` those in the padding are counted."""
    y = pooled(x, window, lambda values, count: _mean(values, count if include else len(values)), since >= 22)
    return Case([x], [y], window.attributes | ({} if include is None else {"count_include_pad": include}))


def windows(since: int, dilated: int, ceiled: int) -> list[tuple[tuple[int, ...], Window]]:
    """Those that a version has: ``dilated`` and ``ceiled`` are the first versions with these attributes."""
    found = list(OLD_WINDOWS)
    if since != 11 or ceiled > 11:
        found += RAGGED
    return found + CEILED * (since >= ceiled) + DILATED * (since >= dilated)


@oracle("AveragePool", 1, 7, 10, 11, 19, 22)
def average_pool(types: Types, since: int) -> list[Case]:
    """sum / count; 2 and 3 elements, so halves that are ties and thirds; for ``float`` every kind of window."""
    type = types["T"]
    found = [_average(rows(type), Window((k,)), since) for k in (2, 3)]
    if type != "float":
        return found
    for shape, window in windows(since, 19, 10):
        found += [_average(quarters(type, shape), window, since, include) for include in ((None, 0, 1) if since >= 7 else (None,))]
    if since >= 10:
        shape, window = TAIL
        found += [_average(quarters(type, shape), window, since, include) for include in ((0, 1) if since >= 22 else (1,))]
    return found


def _lp(x: Tensor, window: Window, since: int, p: Fraction | int | None = None) -> Case:
    y = pooled(x, window, lambda values, count: lp_norm(values, 2 if p is None else p), since >= 22)
    return Case([x], [y], window.attributes | ({} if p is None else {"p": float(p) if since == 1 else int(p)}))


@oracle("LpPool", 1, 2, 11, 18, 22)
def lp_pool(types: Types, since: int) -> list[Case]:
    """(sum of |x| ** p) ** (1 / p); p is a float at version 1, later an integer; padding adds nothing."""
    type = types["T"]
    found = [_lp(rows(type), Window((3,)), since, p) for p in (None, 1, 2, 3)]
    found += [_lp(rows(type), Window((3,)), since, Fraction(p)) for p in (1.5, 0.5) if since == 1]
    if type == "float":
        found += [_lp(quarters(type, shape), window, since, p) for shape, window in windows(since, 18, 18) for p in (None, 1)]
        found += [_lp(quarters(type, shape), window, since) for shape, window in [TAIL] if since == 18]
    return found


def _over_space(x: Tensor, function: Callable[[list[Any]], Any]) -> Tensor:
    """``function`` of the elements of a channel; the spatial axes stay with length 1."""
    return reduced(x, range(2, len(x.shape)), True, function)


SHAPES = [(2, 2, 3), (1, 2, 2, 3), (1, 2, 2, 1, 2), (2, 1, 1, 1)]


def _inputs(type: str) -> list[Tensor]:
    return [rows(type), *(quarters(type, shape) for shape in SHAPES)]


@oracle("GlobalAveragePool", 1, 22)
def global_average_pool(types: Types, since: int) -> list[Case]:
    """The mean of each channel."""
    return [Case([x], [_over_space(x, lambda values: _mean(values, len(values)))]) for x in _inputs(types["T"])]


@oracle("GlobalLpPool", 1, 2, 22)
def global_lp_pool(types: Types, since: int) -> list[Case]:
    """The Lp norm of each channel."""
    given: list[Fraction | int | None] = [None, 1, 3, *([Fraction(3, 2), single("2.5")] if since == 1 else [])]
    found = []
    for p in given:

        def norm(values: list[Number], p: Fraction | int = 2 if p is None else p) -> Number:
            return lp_norm(values, p)

        attributes = {} if p is None else {"p": float(p) if since == 1 else int(p)}
        found += [Case([x], [_over_space(x, norm)], attributes) for x in _inputs(types["T"])]
    return found
