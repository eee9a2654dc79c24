"""DequantizeLinear."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from conformance.exact.families.conversions import is_held
from conformance.exact.families.granularity import LAYOUTS, Layout, element_type, elementwise, scales
from conformance.exact.families.lines import times
from conformance.exact.families.placement import scalar, vector
from conformance.exact.formats import FLOATS, INTEGERS, Float, Number, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer, numbers
from conformance.exact.values import Case, Tensor

WHOLE: Layout = LAYOUTS["tensor"][1]


def _dequantized(x: Number, scale: Number, zero_point: Number) -> Number:
    """(x - x_zero_point) * x_scale; the difference of two integers is one of integers, however far they are apart."""
    return times(x - zero_point if zero_point else x, scale)


def _case(x: Tensor, scale: Tensor, zero_point: Tensor | None, layout: Layout, to: str, named: bool = False) -> Case:
    """``named``: the type of the result is told by an attribute; else it is the scale's."""
    y = elementwise(x, scale, zero_point, layout, to, _dequantized)
    given = {"axis": layout[2], "block_size": layout[3] or None, "output_dtype": element_type(to) if named else None}
    return Case([x, scale, zero_point], [y], given)


def _scale_values(scale: str, to: str) -> list[Fraction]:
    """Powers of two, and numbers with every digit in use that the result's type holds as well."""
    if not isinstance(FLOATS[scale], Float):
        return [Fraction(2), Fraction(1, 4), Fraction(1, 2**10), Fraction(2**12)]
    candidates = [Fraction(2), Fraction(1, 8), Fraction(-3, 2), *(Fraction(round_to(Fraction(1, n), scale)) for n in (10, 3, 7, 1000))]
    return [s for s in candidates if is_held(s, to)]


def _data(type: str, zero_point: Number, to: str) -> list[Number]:
    """Numbers whose difference to the zero point the result's type holds, so that only the product is rounded."""
    values = list(numbers(type, special=True).values)
    if is_integer(type):
        form = INTEGERS[type]
        more = (5, 7, 11, 77, 100, 127, -100, 200, 255, 2**12 + 2**4, 2**15 - 2**7, 2**24, 2**24 + 1, 2**30, -(2**24))
        values += [v for v in more if form.lowest <= v <= form.largest]
    return [v for v in dict.fromkeys(values) if isinstance(v, float) or is_held(v - zero_point, to)][:16]


def _zero_points(type: str) -> list[Number | None]:
    """None, 0, and the ends; int32 and the float types have 0 only."""
    if not is_integer(type) or type == "int32":
        return [None, 0]
    form = INTEGERS[type]
    return [None, 0, 1, form.lowest, form.largest]


def _whole(type: str, scale: str, to: str, named: bool) -> list[Case]:
    found = []
    for value in _scale_values(scale, to):
        for zero_point in _zero_points(type):
            x = vector(type, _data(type, zero_point or 0, to))
            z = None if zero_point is None else scalar(type, zero_point)
            found.append(_case(x, scalar(scale, value), z, WHOLE, to, named))
    return found


def _wide(scale: str) -> list[Case]:
    """int32 beyond what a float holds: a scale that is a power of two rounds them once, however the product is formed."""
    x = vector("int32", [2**24 + 1, 2**24 + 3, -(2**24) - 1, 2**31 - 1, -(2**31), 2**30 + 65])
    return [_case(x, scalar(scale, s), None, WHOLE, scale) for s in (Fraction(2), Fraction(1, 4))]


def _layout_cases(type: str, scale: str, to: str, since: int, named: bool) -> list[Case]:
    layouts = LAYOUTS["tensor"] + (LAYOUTS["axis"] if since >= 13 else []) + (LAYOUTS["block"] if since >= 21 else [])
    found = []
    for layout in layouts:
        x = _small(type, layout)
        of_scale = scales(scale, layout, [Fraction(2), Fraction(1, 2), Fraction(4), Fraction(1), Fraction(1, 4)])
        zero_points: list[Any] = [1, 0, 1, 0, 1, 1] if is_integer(type) and type != "int32" else [0]
        found += [_case(x, of_scale, z, layout, to, named) for z in (None, scales(type, layout, zero_points))]
    return found


def _small(type: str, layout: Layout) -> Tensor:
    """Numbers that every type of that kind has."""
    values = [0, 1, -1, -2] if not is_integer(type) or INTEGERS[type].signed else [0, 1, 2, 3]
    return Tensor(type, layout[0], tuple(values[i * 3 % 4] for i in range(math.prod(layout[0]))))


@oracle("DequantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28, usual={"T": "uint8", "T1": "uint8", "T2": "float", "T3": "float"})
def dequantize_linear(types: Types, since: int) -> list[Case]:
    """One scale (10), one for each place of an axis (13), results of the scale's type (19), blocks (21), a named type (23)."""
    type = types["T"] if since < 19 else types["T1"]
    scale = types["T2"] if since >= 19 else "float"
    to = types["T3"] if since >= 23 and (types.tested == "T3" or scale == "float8e8m0") else scale
    named = since >= 23 and (to != scale or types.tested == "T3")
    found = _whole(type, scale, to, named) + _layout_cases(type, scale, to, since, named)
    if type == "int32":
        found += _wide(scale)
    if types.tested == "T3":
        found += [c for other in ("float16", "bfloat16") for c in _whole(type, other, to, True)]
    return found
