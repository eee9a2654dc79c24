"""Unique, and the two questions IsInf and IsNaN."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.lines import reshaped
from conformance.exact.families.parts import taken
from conformance.exact.families.placement import filled, int64s
from conformance.exact.formats import INF
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import floats, has_infinity, is_float, usual
from conformance.exact.values import PARTS, Case, Tensor


def _slices(x: Tensor, axis: int) -> list[tuple[Any, ...]]:
    """The elements of each subtensor along the axis, in row-major order."""
    return [taken(x, axis, [i]).values for i in range(x.shape[axis])]


def _unique(x: Tensor, axis: int | None, ordered: bool) -> list[Tensor]:
    """Y, indices of the first occurrences, for each slice its place in Y, and counts."""
    place, source = (0, reshaped(x, (len(x.values),))) if axis is None else (axis % len(x.shape), x)
    slices = _slices(source, place)
    keys = list(dict.fromkeys(slices))
    if ordered:
        keys.sort()
    first = [slices.index(k) for k in keys]
    return [taken(source, place, first), int64s(first), int64s([keys.index(s) for s in slices]), int64s([slices.count(k) for k in keys])]


def _with_duplicates(type: str, shape: Sequence[int], order: Sequence[int]) -> Tensor:
    """The values number ``order`` among some of the type, none of them NaN or a zero with a sign, no string beyond ASCII."""
    if type == "string":
        values: list[Any] = ["b", "", "ab", "a", "B"]
    elif type in PARTS:
        values = [(2, 1), (0, 3), (2, -1), (-1, 0), (0, 4)]
    elif is_float(type):
        values = [Fraction(3, 2), Fraction(-1), *usual(type, 10)[8:], Fraction(1), *([INF, -INF] if has_infinity(type) else [])]
    else:
        values = list(dict.fromkeys(usual(type, 5)))
    return Tensor(type, tuple(shape), tuple(values[i % len(values)] for i in order))


@oracle("Unique", 11, 28)
def unique(types: Types, since: int) -> list[Case]:
    """Ascending or by first occurrence, of elements or of slices. Complex numbers have no order: there sorted is 0."""
    type, found = types["T"], []
    sets: list[tuple[tuple[int, ...], list[int], list[int | None]]] = [
        ((6,), [2, 1, 1, 3, 4, 3], [None, 0]), ((2, 2), [1, 3, 2, 3], [None, 0]), ((3, 3), [1, 0, 0, 1, 0, 0, 2, 3, 4], [0, -2]),
        ((2, 4), [3, 1, 3, 0, 2, 0, 2, 1], [1, -1, None]), ((2, 4, 2), [1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1], [1]), ((2, 2, 2), [4, 0, 1, 1, 4, 0, 3, 3], [2, 0, None]),
        ((1,), [3], [None]), ((7,), [5, 6, 0, 6, 5, 4, 0], [None]), ((4, 2), [1, 2, 1, 0, 1, 2, 0, 4], [0]),
    ]  # fmt: skip
    for shape, order, axes in sets:
        x = _with_duplicates(type, shape, order)
        for axis in axes:
            for ordered in (False,) if type in PARTS else (True, False):
                outputs = _unique(x, axis, ordered)
                given: dict[str, Any] = {} if axis is None else {"axis": axis}
                found.append(Case([x], outputs, {**given, "sorted": int(ordered)}))
                found.append(Case([x], outputs[:1], given if ordered else {**given, "sorted": 0}))
        found.append(Case([x], [outputs[0], None, None, outputs[3]], {**given, "sorted": int(ordered)}))
    return found


def _numbers(type: str) -> Tensor:
    return floats(type, special=True)


@oracle("IsInf", 10, 20)
def is_inf(types: Types, since: int) -> list[Case]:
    """True for the infinities whose sign is asked for: both by default. Some float8 types have none."""
    x, scalar = _numbers(types["T1"]), filled(types["T1"], ())
    found = [Case([x], [x.map(lambda v: v in (INF, -INF), "bool")]), Case([scalar], [scalar.map(lambda v: False, "bool")])]
    for positive in (0, 1):
        for negative in (0, 1):
            y = x.map(lambda v, p=positive, n=negative: (v == INF and p == 1) or (v == -INF and n == 1), "bool")
            found.append(Case([x], [y], {"detect_positive": positive, "detect_negative": negative}))
    found.append(Case([x], [x.map(lambda v: v == INF, "bool")], {"detect_negative": 0}))
    return [*found, Case([x], [x.map(lambda v: v == -INF, "bool")], {"detect_positive": 0})]


@oracle("IsNaN", 9, 13, 20)
def is_nan(types: Types, since: int) -> list[Case]:
    """True for NaN only."""
    found = []
    for x in (_numbers(types["T1"]), filled(types["T1"], (2, 3)), filled(types["T1"], ()), filled(types["T1"], (0, 2))):
        found.append(Case([x], [x.map(lambda v: v != v, "bool")]))
    return found
