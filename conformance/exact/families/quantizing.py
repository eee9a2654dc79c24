"""QuantizeLinear and DynamicQuantizeLinear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from conformance.exact.families.conversions import FLOAT8, converted, is_held, telling
from conformance.exact.families.granularity import LAYOUTS, Layout, element_type, elementwise, scales
from conformance.exact.families.placement import scalar, vector
from conformance.exact.formats import FLOATS, INF, INTEGERS, Float, Number, quantum, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import has_infinity, has_nan, is_integer
from conformance.exact.values import Any_, Case, Tensor

HALF = Fraction(1, 2)
TWO = Fraction(2)
WHOLE: Layout = LAYOUTS["tensor"][1]


@dataclass(frozen=True)
class Setting:
    """The types of one node: of the data, the scale and the result, and of the division when the node names one."""

    since: int
    x: str
    scale: str
    y: str
    precision: str | None = None

    @property
    def division(self) -> str:
        """The type that holds the quotient: named since version 23, and float before, where the quotients tried are exact."""
        return self.precision or self.scale

    def quotient(self, x: Number, scale: Number) -> Number:
        """x / scale in the division's type. Integers and powers of two only hold some quotients: no others are tried."""
        exact = x if isinstance(x, float) else Fraction(x) / Fraction(scale)
        if isinstance(FLOATS.get(self.division), Float) and self.since >= 23:
            return round_to(exact, self.division)
        far = isinstance(exact, float) or abs(exact) >= 2**17  # saturates in any case
        if not far and not is_held(exact, self.division):
            raise ValueError(f"{self.division} does not hold {exact}")
        return exact


def _saturated(value: Number, to: str) -> int:
    form = INTEGERS[to]
    return form.lowest if value < form.lowest else form.largest if value > form.largest else int(value)


def _quantized(setting: Setting, saturate: bool, x: Number, scale: Number, zero_point: Number) -> Any:
    """saturate(round(x / scale) + zero_point), half to even, before the zero point is added; a float type is rounded to as by Cast."""
    q = setting.quotient(x, scale)
    if is_integer(setting.y):
        return _saturated((q if isinstance(q, float) and math.isinf(q) else round(Fraction(q))) + zero_point, setting.y)
    return converted(q, "double", setting.y, setting.since, saturate)


def _case(
    setting: Setting, layout: Layout, x: Tensor, scale: Tensor, zero_point: Tensor | None, saturate: int | None = None, output: bool = False
) -> Case:
    """``output``: the type of the result is told by an attribute too."""
    y = elementwise(x, scale, zero_point, layout, setting.y, lambda v, s, z: _quantized(setting, saturate != 0, v, s, z))
    given = {
        "axis": layout[2],
        "block_size": layout[3] or None,
        "saturate": saturate,
        "precision": None if setting.precision is None else element_type(setting.precision),
        "output_dtype": element_type(setting.y) if output else None,
    }
    return Case([x, scale, zero_point], [y], given)


def _quotients(setting: Setting) -> list[Number]:
    """Quotients to try: halves, the ends of the result's type and beyond; those of an integer division are integers."""
    if is_integer(setting.y):
        form = INTEGERS[setting.y]
        found: list[Number] = [Fraction(n, 2) for n in (0, 1, 2, 3, 5, 7, -1, -2, -3, -5)]
        found += [
            Fraction(v) for v in (form.largest, form.largest + HALF, form.largest + 1, form.lowest, form.lowest - HALF, form.lowest - 1)
        ]
        found += [Fraction(v) for v in (10**5, -(10**5), 2**18, -(2**18), 2**33, -(2**33))]
        return found + ([INF, -INF] if has_infinity(setting.x) else [])
    return [q for q in telling("double", setting.y) if not _open(q, setting)]


def _open(q: Number, setting: Setting) -> bool:
    """NaN in a type without it; infinities in the FNUZ formats before version 24, where the text refers to tables it does not have."""
    if q != q:
        return not has_nan(setting.y)
    return isinstance(q, float) and math.isinf(q) and setting.y.endswith("fnuz") and setting.since < 24


def _tried(setting: Setting, scale: Fraction) -> list[Number]:
    """The data whose quotients are :func:`_quotients`, where the types hold both."""
    found = []
    for q in _quotients(setting):
        x = q if isinstance(q, float) else q * scale
        exact = is_held(q, setting.division) or (
            isinstance(FLOATS.get(setting.division), Float) and (isinstance(q, float) or abs(q) >= 2**17)
        )
        if is_held(x, setting.x) and exact and not (q < 0 and setting.division == "float8e8m0"):
            found.append(x)
    return found[:32]


def _zero_points(y: str) -> list[Tensor | None]:
    """None only for uint8, which is the default; a float type has 0."""
    if not is_integer(y):
        return [scalar(y, 0)]
    form = INTEGERS[y]
    values = [scalar(y, v) for v in dict.fromkeys((0, 1, form.lowest, form.largest))]
    return [None, *values] if y == "uint8" else [*values]


def _saturations(setting: Setting) -> list[int | None]:
    return [None, 0, 1] if setting.y in FLOAT8 else [None]


def _whole(setting: Setting, scale: Fraction) -> list[Case]:
    """One scale for the tensor: all quotients, all zero points."""
    x, found = vector(setting.x, _tried(setting, scale)), []
    for zero_point in _zero_points(setting.y):
        for saturate in _saturations(setting):
            found.append(_case(setting, WHOLE, x, scalar(setting.scale, scale), zero_point, saturate))
    if setting.since >= 21:
        found += [_case(setting, WHOLE, x, scalar(setting.scale, scale), z, None, True) for z in (None, _zero_points(setting.y)[-1])]
    return found


def _layouts(since: int) -> list[Layout]:
    return LAYOUTS["tensor"] + (LAYOUTS["axis"] if since >= 13 else []) + (LAYOUTS["block"] if since >= 21 else [])


def _layout_cases(setting: Setting) -> list[Case]:
    """Powers of two as scales, one quotient for each: also when the division is one of integers or powers of two."""
    found = []
    for layout in _layouts(setting.since):
        scale = scales(setting.scale, layout, [1, 2, 4, 2, 8, 1, 4])
        x = Tensor(setting.x, layout[0], tuple((8, 16, 0, 32, 8, 16)[i % 6] or 64 for i in range(math.prod(layout[0]))))
        zero_point = scales(setting.y, layout, [1, 0, 1, 1] if is_integer(setting.y) else [0])
        found.append(_case(setting, layout, x, scale, zero_point))
        if setting.y == "uint8":
            found.append(_case(setting, layout, x, scale, None))
    return found


def _near_tie(kind: str) -> tuple[Fraction, Fraction]:
    """A number and a scale whose quotient is just above 2.5, and 2.5 when it is rounded to the type."""
    scale = Fraction(1)
    while True:
        scale += quantum(1, kind)
        x = Fraction(round_to(scale * Fraction(5, 2), kind))
        if x / scale > Fraction(5, 2) and round_to(x / scale, kind) == Fraction(5, 2):
            return x, scale


def _precisions(y: str, since: int) -> list[Case]:
    """2.5 rounds to 2, what is above it to 3: the type of the division decides, the scale's or the one named."""
    found = []
    for kind, x_type, named in (
        ("float16", "float16", None),
        ("bfloat16", "bfloat16", None),
        ("float", "float", None),
        ("float16", "float", None),
    ):
        x, scale = _near_tie(kind)
        for precision in (named, "float", "float16", "bfloat16"):
            if precision in (None, "float", kind):
                setting = Setting(since, x_type, kind, y, precision)
                found.append(_case(setting, WHOLE, vector(x_type, [x, -x, 2 * x]), scalar(kind, scale), scalar(y, 1)))
    x, scale = _near_tie("float16")
    narrow = Setting(since, "float", "float", y, "float16")
    return [*found, _case(narrow, WHOLE, vector("float", [x, -x]), scalar("float", scale), scalar(y, 1))]


def _setting(types: Types, since: int) -> Setting:
    if since >= 23:
        return Setting(since, types["T1"], types["T2"], types["T3"])
    return Setting(since, types["T1"], types["T1"] if since >= 19 else "float", types["T2"])


@oracle("QuantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28, usual={"T1": "float", "T2": "uint8", "T3": "uint8"})
def quantize_linear(types: Types, since: int) -> list[Case]:
    """One scale (10), one for each place of an axis (13), float8 and scales of the data's type (19), blocks (21), precision (23)."""
    setting = _setting(types, since)
    found = [*_whole(setting, TWO), *_layout_cases(setting)]
    if isinstance(FLOATS.get(setting.scale), Float):
        found += _whole(setting, Fraction(1, 256))
    if since >= 23 and not isinstance(FLOATS.get(setting.scale), Float):
        found += _whole(replace(setting, precision="float"), TWO)
    if since >= 23 and types.type in ("uint8", "int8"):
        found += _precisions(types.type, since)
    return found


def _steps(values: Sequence[Fraction]) -> list[Tensor]:
    """Y, its scale and its zero point, the scale a float32."""
    low, high = min(Fraction(0), *values), max(Fraction(0), *values)
    scale = round_to((high - low) / 255, "float")
    zero_point = _saturated(round(Fraction(round_to(-low / scale, "float"))), "uint8")
    y = [_saturated(round(Fraction(round_to(v / scale, "float"))) + zero_point, "uint8") for v in values]
    return [vector("uint8", y), scalar("float", scale), scalar("uint8", zero_point)]


@oracle("DynamicQuantizeLinear", 11)
def dynamic_quantize_linear(types: Types, since: int) -> list[Case]:
    """The range of the data and 0 on [0, 255]; half to even before the zero point is added. Without a range the scale is 0."""
    rows: list[list[int | Fraction]] = [
        [-101, 154, HALF, 1 + HALF, -HALF, -2 - HALF, 0, 3], [0, 255, HALF, 2 + HALF, 3 + HALF], [-255, 0, -HALF, -1 - HALF, -2 - HALF], [64, 32, 1, 255],
        [-64, -32, -1, -255], [Fraction(-51, 8), Fraction(51, 2), 1, Fraction(25, 16)], [-1, 2, -3, 4], [Fraction(1, 2**100), 0, Fraction(255, 2**100)], [5],
        [0, 2, -3, Fraction(-5, 2), Fraction(5, 4), HALF],
    ]  # fmt: skip
    found = [Case([x := vector("float", [Fraction(v) for v in row])], _steps(x.values)) for row in rows]
    y, scale, zero_point = _steps([Fraction(v) for v in (-101, 154, 1, 2, 3, 4)])
    plane = Tensor("float", (2, 3), tuple(Fraction(v) for v in (-101, 154, 1, 2, 3, 4)))
    zeros = vector("float", [Fraction(0)] * 2)
    found.append(Case([zeros], [Any_("uint8", (2,)), scalar("float", 0), Any_("uint8", ())]))
    return [*found, Case([plane], [Tensor("uint8", (2, 3), y.values), scale, zero_point])]
