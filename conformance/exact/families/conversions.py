"""What the text of Cast makes of one number, and which numbers put a pair of types to the test."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from conformance.exact.formats import FLOATS, INF, INTEGERS, NAN, Float, Number, decode, encode, quantum, round_to, wrap
from conformance.exact.samples import has_nan, is_float, is_integer, numbers

__all__ = ["FLOAT8", "UNDEFINED", "converted", "is_held", "telling", "to_scale"]

FLOAT8 = ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz")
UNDEFINED = object()
"""What a conversion gives that the text leaves open: such an input is not tried."""

LOWEST, HIGHEST = Fraction(1, 2**127), Fraction(2**127)
"""The ends of float8e8m0."""


def to_scale(x: Number, mode: str = "up", saturate: bool = True) -> Any:
    """float8e8m0: the table has two columns for what lies outside the range; in it ``mode`` rounds to a power of two, ties up."""
    if x != x:
        return NAN
    if x < 0 or (isinstance(x, float) and x == 0):
        return UNDEFINED
    if not LOWEST <= x <= HIGHEST:
        if (mode, saturate) == ("up", True):
            return HIGHEST if x > HIGHEST else LOWEST
        return NAN if (mode, saturate) == ("nearest", False) else UNDEFINED
    below = quantum(x, "float8e8m0")  # the largest power of two up to x
    if mode == "down" or x == below:
        return below
    return 2 * below if mode == "up" or x >= below * Fraction(3, 2) else below


def _to_float8(x: Number, to: str, saturate: bool, since: int) -> Any:
    """The tables; before version 24 an infinity became NaN in the FNUZ formats even when saturating."""
    if isinstance(x, float) and math.isinf(x) and to.endswith("fnuz") and since < 24:
        return NAN
    return round_to(x, to, saturate)


def _to_integer(x: Number, to: str) -> Any:
    """Cut off; rounded half to even into 2 and 4 bits (int2.md, int4.md). Out of range is undefined."""
    form = INTEGERS[to]
    if isinstance(x, float) and not math.isfinite(x):
        return UNDEFINED
    if not form.lowest <= x <= form.largest:
        return UNDEFINED
    return round(Fraction(x)) if form.bits <= 4 else int(x)


def converted(x: Any, source: str, to: str, since: int, saturate: bool = True, mode: str = "up") -> Any:
    """A number or bool of one type in another."""
    if to == "bool":
        return x != 0
    if is_integer(to):
        return _to_integer(x, to) if is_float(source) else wrap(int(x), to)
    x = int(x) if isinstance(x, bool) else x
    if to == "float8e8m0":
        return to_scale(x, mode, saturate)
    if to in FLOAT8:
        if source == to and x in (INF, -INF):
            return UNDEFINED  # does the table speak of a type and itself? Known difference cast-float8e5m2-to-itself
        return _to_float8(x, to, saturate, since)
    if x != x and not has_nan(to):
        return UNDEFINED
    return round_to(x, to)


def _halves(to: str) -> list[Fraction]:
    """Numbers half-way between two neighbours of a float type: around 1, among the subnormals, beyond the largest."""
    form = FLOATS[to]
    if not isinstance(form, Float):
        return [Fraction(3, 2) * Fraction(2) ** e for e in (0, 1, 5, -3, 60, -60, -127, 126)]
    one = form.bias << form.mantissa
    places = [one, one + 1, 0, 1, (1 << form.mantissa) - 1]
    found = [(Fraction(decode(b, to)) + Fraction(decode(b + 1, to))) / 2 for b in places]
    return [*found, form.largest - quantum(form.largest, to) / 2, form.largest + quantum(form.largest, to) / 2]


def _around(to: str, source: str) -> Iterable[Fraction]:
    """The half-way numbers of one type and what lies next to them in the other; their multiples for an integer type."""
    for half in _halves(to):
        if is_float(source):
            step = quantum(half, source) if isinstance(FLOATS[source], Float) else Fraction(0)
            yield from (half, half + step, half - step, -half)
        else:
            whole = half * half.denominator
            yield from (whole, -whole, whole * 16 + 1, whole * 2**20 - 1, whole * 2**20 + 1)


def _fractions(to: str) -> list[Fraction]:
    """Numbers that an integer type cannot hold, and its ends."""
    form = INTEGERS[to]
    parts = [Fraction(n, 4) for n in (1, 2, 3, 5, 6, 7, 9, 10, 11, 14)]
    ends = [Fraction(v) for v in (form.lowest, form.lowest + 1, form.largest, form.largest - 1)]
    return [*parts, *(-p for p in parts), *ends, form.largest - Fraction(1, 2), form.lowest + Fraction(1, 2)]


SCALES = [Fraction(n, 4) * Fraction(2) ** e for n in (4, 5, 6, 7) for e in (0, 3, -2)]
BEYOND = [Fraction(2) ** 128, HIGHEST * Fraction(5, 4), HIGHEST * Fraction(3, 2), LOWEST * Fraction(3, 4), LOWEST / 2, LOWEST / 2**22]
WRAPPED = [Fraction(v) for v in (4, 8, 15, 16, 17, 127, 128, 200, 255, 256, 300, 32768, 65535, 65536, 2**31, 2**32 - 1, 2**32, 2**63)]


def is_held(value: Number, source: str) -> bool:
    """Whether a type has the number."""
    if is_integer(source) and isinstance(value, float) and not math.isfinite(value):
        return False
    if is_integer(source):
        form = INTEGERS[source]
        return bool(value == int(value) and form.lowest <= value <= form.largest)
    try:
        encode(value, source)
    except ValueError:
        return False
    return True


def telling(source: str, to: str) -> list[Any]:
    """Numbers of a type that show how it is converted to another."""
    if source == "bool":
        return [True, False]
    found: list[Number] = list(numbers(source, special=True).values)
    if is_float(source):
        found += [v for v in (-0.0, INF, -INF, NAN) if is_held(v, source)]
    if to == "float8e8m0":
        wanted: Iterable[Fraction] = [*SCALES, *BEYOND, *_around(to, source)]
    elif is_float(to):
        wanted = _around(to, source)
    else:
        wanted = _fractions(to) if is_integer(to) and is_float(source) else [*WRAPPED, *(-v for v in WRAPPED)]
    found += [v for v in wanted if is_held(v, source)]
    return list({repr(Fraction(v)) if not isinstance(v, float) else repr(v): v for v in found}.values())
