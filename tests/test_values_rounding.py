"""Rounding at every midpoint, widths and limits, and values that are not tensors.

The expected numbers come from the bit layouts below and from integer and Fraction arithmetic, not from refexec or ml_dtypes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import ml_dtypes
import numpy as np
import pytest

from refexec.errors import ContractError, RuleViolation
from refexec.types import ELEMENT_TYPES, element_type
from refexec.values import (
    round_quietly,
    round_to,
)

Array = np.ndarray[Any, Any]
LONG_IS_WIDER = np.finfo(np.longdouble).nmant > 52
needs_long = pytest.mark.skipif(not LONG_IS_WIDER, reason="long double is float64 on this machine")


@dataclass(frozen=True)
class Layout:
    """Sign, exponent and fraction bits of a format, and what its top codes mean."""

    name: str
    exponent_bits: int
    fraction_bits: int
    bias: int
    top: Literal["ieee", "fn", "fnuz", "finite"]

    @property
    def bits(self) -> int:
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def first_not_finite(self) -> int:
        """The lowest positive code that is not a finite number; one past the last code if there is none."""
        end = 1 << self.bits - 1
        return {"ieee": end - (1 << self.fraction_bits), "fn": end - 1, "fnuz": end, "finite": end}[self.top]

    def values(self) -> Array:
        """All non-negative finite values; the index is the code."""
        codes = np.arange(self.first_not_finite)
        exponent, fraction = codes >> self.fraction_bits, codes & ((1 << self.fraction_bits) - 1)
        significand = np.where(exponent > 0, fraction + (1 << self.fraction_bits), fraction)
        result: Array = np.ldexp(significand.astype(np.float64), np.maximum(exponent, 1) - self.bias - self.fraction_bits)
        return result


LAYOUTS = (
    Layout("float16", 5, 10, 15, "ieee"),
    Layout("bfloat16", 8, 7, 127, "ieee"),
    Layout("float8e4m3fn", 4, 3, 7, "fn"),
    Layout("float8e4m3fnuz", 4, 3, 8, "fnuz"),
    Layout("float8e5m2", 5, 2, 15, "ieee"),
    Layout("float8e5m2fnuz", 5, 2, 16, "fnuz"),
    Layout("float6e2m3", 2, 3, 1, "finite"),
    Layout("float6e3m2", 3, 2, 3, "finite"),
    Layout("float4e2m1", 2, 1, 1, "finite"),
)
FLOAT8 = ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz")
every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.name)


def codes_of(array: Array) -> Array:
    return array.view({1: np.uint8, 2: np.uint16}[array.dtype.itemsize]).astype(np.int64)


def around_midpoints(layout: Layout, dtype: Any) -> tuple[Array, Array]:
    """Every value and midpoint of two neighbours with its neighbours in ``dtype``, and the code each must round to."""
    values = layout.values()
    code = np.arange(len(values) - 1)
    middle = ((values[:-1] + values[1:]) / 2).astype(dtype)
    assert np.array_equal(middle.astype(np.float64) * 2, values[:-1] + values[1:])  # exact: the oracle rests on it
    inputs = [values.astype(dtype), middle, np.nextafter(middle, dtype(0)), np.nextafter(middle, dtype(np.inf))]
    return np.concatenate(inputs), np.concatenate([np.arange(len(values)), code + code % 2, code, code + 1])


def negated(layout: Layout, codes: Array) -> Array:
    sign = 1 << layout.bits - 1
    keeps_no_minus_zero = layout.top == "fnuz"
    return np.where((codes == 0) & keeps_no_minus_zero, 0, codes | sign)


@every_layout
@pytest.mark.parametrize("source", ["float64", "float32", "longdouble"])
@pytest.mark.parametrize("saturate", [True, False])
def test_every_value_midpoint_and_neighbour_rounds_to_nearest_even(layout: Layout, source: str, saturate: bool) -> None:
    x, codes = around_midpoints(layout, getattr(np, source))
    dtype = element_type(layout.name).dtype
    assert np.array_equal(codes_of(round_to(x, dtype, saturate=saturate)), codes)
    assert np.array_equal(codes_of(round_to(-x, dtype, saturate=saturate)), negated(layout, codes))


@every_layout
@pytest.mark.parametrize("source", [np.float16, ml_dtypes.bfloat16])
def test_every_16_bit_value_rounds_to_the_nearest_code(layout: Layout, source: Any) -> None:
    x: Array = np.arange(0x7C00 if source is np.float16 else 0x7F80, dtype=np.uint16).view(source)
    exact, values = x.astype(np.float64), layout.values()
    inside = exact <= values[-1]
    low = np.minimum(np.searchsorted(values, exact[inside], "right") - 1, len(values) - 2)
    below, above = exact[inside] - values[low], values[low + 1] - exact[inside]
    expected = low + ((above < below) | ((above == below) & (low % 2 == 1)))
    assert np.array_equal(codes_of(round_to(x[inside], element_type(layout.name))), expected)


@pytest.mark.parametrize("layout", LAYOUTS[:2], ids=lambda f: f.name)
@pytest.mark.parametrize("source", [np.int64, np.uint64, np.int32])
def test_integers_round_once_at_every_midpoint(layout: Layout, source: Any) -> None:
    values = layout.values()
    values = values[(values >= 2 ** (layout.fraction_bits + 1)) & (values < (2.0**31 if source is np.int32 else 2.0**63))]
    exact = [int(v) for v in values]
    first = layout.first_not_finite - len(layout.values()) + int(np.searchsorted(layout.values(), values[0]))
    x, codes = [], []
    for i, (a, b) in enumerate(pairwise(exact)):
        low = first + i
        x += [a, (a + b) // 2 - 1, (a + b) // 2, (a + b) // 2 + 1]
        codes += [low, low, low + low % 2, low + 1]
    assert np.array_equal(codes_of(round_to(np.array(x, source), element_type(layout.name))), codes)
    if source is not np.uint64:
        assert np.array_equal(codes_of(round_to(-np.array(x, source), element_type(layout.name))), np.array(codes) | 0x8000)


def test_the_ends_of_the_integers_are_rounded_exactly() -> None:
    assert round_to(np.array([-(2**63), 2**63 - 1]), np.float64).tolist() == [-(2.0**63), 2.0**63]
    bf16 = round_to(np.array([-(2**63), 2**63 - 1, 2**62 + 2**54, 2**62 + 2**54 + 1]), element_type("bfloat16")).astype(float)
    assert bf16.tolist() == [-(2.0**63), 2.0**63, 2.0**62, 2.0**62 + 2.0**55]
    assert round_to(np.array([2**64 - 1], np.uint64), element_type("bfloat16")).astype(float).tolist() == [2.0**64]
    assert round_to(np.array([2**64 - 1], np.uint64), element_type("float16")).tolist() == [math.inf]


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("bfloat16", 1 + 2**-8 + 2**-40, 1 + 2**-7),  # float32 would give 1 + 2**-8, a tie
        ("bfloat16", 1 + 3 * 2**-8 - 2**-40, 1 + 2**-7),
        ("float8e4m3fn", 1 + 2**-4 + 2**-40, 1.125),
    ],
)
def test_a_number_that_float32_rounds_to_a_tie_is_not_rounded_twice(name: str, x: float, expected: float) -> None:
    assert float(round_to(x, element_type(name))) == expected


@needs_long
@every_layout
def test_a_long_double_next_to_a_midpoint_is_not_rounded_twice(layout: Layout) -> None:
    x = np.nextafter(np.longdouble(layout.values()[1]) * np.longdouble(1.5), np.longdouble(0))
    assert float(x) == layout.values()[1] * 1.5  # float64 cannot tell it from the midpoint
    assert codes_of(round_to(np.array([x]), element_type(layout.name))).tolist() == [1]


def nearest_even(x: Fraction, fraction_bits: int, min_exponent: int, largest: Fraction) -> Fraction | None:
    """``x`` rounded to ``fraction_bits`` after the leading one, None for overflow."""
    size = abs(x)
    if size == 0:
        return x
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    step = Fraction(2) ** (max(exponent, min_exponent) - fraction_bits)
    rounded = round(size / step) * step  # Fraction.__round__ is to nearest even
    return None if rounded > largest else (rounded if x > 0 else -rounded)


def exact(x: Any) -> Fraction:
    return Fraction(*np.longdouble(x).as_integer_ratio())


IEEE = {np.float32: (23, -126, (2 - Fraction(1, 2**23)) * 2**127), np.float64: (52, -1022, (2 - Fraction(1, 2**52)) * Fraction(2) ** 1023)}


def hard_cases(target: Any, source: Any) -> Array:
    """Midpoints of random neighbours in ``target``, over its whole range, with their neighbours in ``source``."""
    rng = np.random.default_rng(7)
    bits = rng.integers(1, 0x7F7FFFFF if target is np.float32 else 0x7FEFFFFFFFFFFFFF, 700)
    edges = [0, 1, 2, 0x7FFFFF, 0x800000, 0x7F7FFFFE] if target is np.float32 else [0, 1, 2, 2**52 - 1, 2**52, 0x7FEFFFFFFFFFFFFE]
    low = np.concatenate([bits, edges]).astype(np.uint32 if target is np.float32 else np.uint64).view(target)
    a, b = low.astype(source), np.nextafter(low, target(np.inf)).astype(source)
    middle = a + (b - a) / 2
    return np.concatenate([middle, np.nextafter(middle, source(0)), np.nextafter(middle, source(np.inf)), a, -middle])


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (np.float32, np.float64),
        pytest.param(np.float32, np.longdouble, marks=needs_long),
        pytest.param(np.float64, np.longdouble, marks=needs_long),
    ],
    ids=["float64 to float32", "longdouble to float32", "longdouble to float64"],
)
def test_float32_and_float64_round_once_at_random_and_edge_midpoints(target: Any, source: Any) -> None:
    x = hard_cases(target, source)
    expected = [nearest_even(exact(v), *IEEE[target]) for v in x]
    result = round_to(x, target)
    assert result.dtype == target
    assert [exact(v) if np.isfinite(v) else None for v in result] == expected


@pytest.mark.parametrize("target", [np.float32, np.float64])
@pytest.mark.parametrize("source", [np.int64, np.uint64])
def test_integers_round_once_to_float32_and_float64(target: Any, source: Any) -> None:
    rng = np.random.default_rng(3)
    ties = [(2**62 + 2**k, 2**62 + 2**k + d) for k in (9, 10, 38, 39) for d in (-1, 0, 1)]
    x = np.concatenate([rng.integers(0, 2**63 - 1, 300), np.array(ties).ravel()]).astype(source)
    assert [exact(v) for v in round_to(x, target)] == [nearest_even(Fraction(int(v)), *IEEE[target]) for v in x]


def test_float32_overflows_from_the_midpoint_above_its_largest_value() -> None:
    limit = 2.0**128 - 2.0**103
    assert round_to([limit, -limit, np.nextafter(limit, 0)], np.float32).tolist() == [math.inf, -math.inf, 2.0**128 - 2.0**104]
    assert round_to([65520.0, 65519.999999], np.float16).tolist() == [math.inf, 65504.0]


# What does not fit: the tables of Cast.

MAX = {"float8e4m3fn": 448.0, "float8e4m3fnuz": 240.0, "float8e5m2": 57344.0, "float8e5m2fnuz": 57344.0}


@pytest.mark.parametrize("name", FLOAT8)
@pytest.mark.parametrize("source", [np.float16, np.float32, np.float64, np.longdouble])
def test_float8_saturates_by_default(name: str, source: Any) -> None:
    x = np.array([np.inf, -np.inf, 65504, -65504, np.nan, 0.0], source)
    result = round_to(x, element_type(name)).astype(float)
    top = MAX[name]
    assert np.array_equal(result, [top, -top, top, -top, np.nan, 0.0], equal_nan=True)


@pytest.mark.parametrize(
    ("name", "codes"),
    [  # inf, -inf, 1e6, -1e6, nan, -nan, 0, -0
        ("float8e4m3fn", [0x7F, 0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0x00, 0x80]),
        ("float8e4m3fnuz", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00]),
        ("float8e5m2", [0x7C, 0xFC, 0x7C, 0xFC, 0x7E, 0xFE, 0x00, 0x80]),
        ("float8e5m2fnuz", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00]),
    ],
)
def test_float8_without_saturation_gives_inf_or_nan_of_the_table(name: str, codes: list[int]) -> None:
    x = np.array([np.inf, -np.inf, 1e6, -1e6, np.nan, -np.nan, 0.0, -0.0])
    assert codes_of(round_to(x, element_type(name), saturate=False)).tolist() == codes


@pytest.mark.parametrize("layout", [f for f in LAYOUTS if f.name in FLOAT8], ids=lambda f: f.name)
def test_float8_goes_out_of_range_only_where_the_rounded_value_does(layout: Layout) -> None:
    top = layout.values()[-1]
    half = (top - layout.values()[-2]) / 2
    stays = (layout.first_not_finite - 1) % 2 == 0  # a tie goes to the even significand: the largest value, or the one above
    x = [top + half * 0.999, top + half, top + half * 1.001]
    finite = np.isfinite(round_to(x, element_type(layout.name), saturate=False).astype(float))
    assert finite.tolist() == [True, stays, False]
    assert round_to(x, element_type(layout.name)).astype(float).tolist() == [top] * 3


@pytest.mark.parametrize(("name", "top"), [("float4e2m1", 6.0), ("float6e2m3", 7.5), ("float6e3m2", 28.0)])
@pytest.mark.parametrize("saturate", [True, False])
def test_float4_and_float6_always_saturate(name: str, top: float, saturate: bool) -> None:
    x = [np.inf, -np.inf, 1e30, -1e30, top + 0.25]
    assert round_to(x, element_type(name), saturate=saturate).astype(float).tolist() == [top, -top, top, -top, top]


def test_nan_is_the_largest_value_of_float4_and_minus_zero_of_float6() -> None:
    assert codes_of(round_to([np.nan, -np.nan], element_type("float4e2m1"))).tolist() == [0x7, 0x7]
    assert codes_of(round_to([np.nan, -np.nan], element_type("float6e2m3"))).tolist() == [0x20, 0x20]
    assert codes_of(round_to([np.nan, -np.nan], element_type("float6e3m2"))).tolist() == [0x20, 0x20]


def test_minus_zero_stays_in_float4_and_float6() -> None:
    x = np.array([-0.0, -0.01, 0.0])
    assert codes_of(round_to(x, element_type("float4e2m1"))).tolist() == [0x8, 0x8, 0x0]
    assert codes_of(round_to(x, element_type("float6e2m3"))).tolist() == [0x20, 0x20, 0]
    assert codes_of(round_to(x, element_type("float6e3m2"))).tolist() == [0x20, 0x20, 0]


POWERS = [Fraction(2) ** (k - 127) for k in range(255)]


def e8m0_code(x: Fraction, mode: str) -> int:
    """The code of positive ``x`` between 2**-127 and 2**127: search among the powers of two."""
    low = bisect_right(POWERS, x) - 1
    if x == POWERS[low] or mode == "down":
        return low
    if mode == "up":
        return low + 1
    middle = POWERS[low] * 3 / 2
    return low + (x > middle or (x == middle and (mode == "nearest" or low % 2 == 1)))


@pytest.mark.parametrize("mode", ["up", "down", "nearest", "nearest_even"])
@pytest.mark.parametrize("saturate", [True, False])
@pytest.mark.parametrize("source", [np.float32, np.float64, np.longdouble])
def test_float8e8m0_rounds_every_power_midpoint_and_neighbour(mode: str, saturate: bool, source: Any) -> None:
    powers = np.ldexp(source(1), np.arange(-127, 127)).astype(source)
    points = np.concatenate([powers, powers * source(1.5)])
    x = np.concatenate([points, np.nextafter(points, source(np.inf)), np.nextafter(points[1:], source(0)), [source(2.0**127)]])
    expected = [e8m0_code(exact(v), mode) for v in x]
    assert codes_of(round_to(x, element_type("float8e8m0"), mode, saturate)).tolist() == expected


@pytest.mark.parametrize("mode", ["up", "down", "nearest", "nearest_even"])
def test_float8e8m0_out_of_range(mode: str) -> None:
    x = np.array([0.0, 1e-45, np.nextafter(2.0**-127, 0), 3.4e38, np.nextafter(2.0**127, np.inf), np.inf, np.nan, -1.0, -np.inf, -0.0])
    saturated = codes_of(round_to(x, element_type("float8e8m0"), mode)).tolist()
    assert saturated == [0, 0, 0, 254, 254, 254, 255, 255, 255, 0]
    assert codes_of(round_to(x, element_type("float8e8m0"), mode, saturate=False)).tolist() == [255] * 10


def test_float8e8m0_takes_integers_exactly() -> None:
    x = np.array([1, 3, 2**62, 2**62 + 1, 2**63 - 1, 0])
    assert codes_of(round_to(x, element_type("float8e8m0"), "up")).tolist() == [127, 129, 189, 190, 190, 0]
    assert codes_of(round_to(x, element_type("float8e8m0"), "down")).tolist() == [127, 128, 189, 189, 189, 0]


# What round_to takes and refuses.


def test_an_array_of_the_type_is_returned_as_it_is() -> None:
    for name in ("float32", "bfloat16", "float8e5m2"):
        x = np.array([1, np.inf], np.float32).astype(element_type(name).dtype)
        assert round_to(x, element_type(name)) is x


@pytest.mark.parametrize("elem", [e for e in ELEMENT_TYPES if e.is_float], ids=str)
def test_shapes_stay_including_scalars_empty_and_strided(elem: Any) -> None:
    base = np.ones((4, 6))
    for x in (np.float64(1), np.array(1.0), np.ones((0, 3)), base[::2, ::-3], base.astype(">f8"), np.broadcast_to(np.float64(1), (2, 2))):
        result = round_to(x, elem)
        assert isinstance(result, np.ndarray)
        assert result.shape == np.shape(x)
        assert result.dtype == elem.dtype
        assert (result.astype(float) == 1).all()


@pytest.mark.parametrize("source", ["bool", "int2", "uint2", "int4", "uint4", "int8", "float4e2m1", "float6e3m2", "float8e4m3fnuz"])
@pytest.mark.parametrize("target", ["float16", "bfloat16", "float32", "float64"])
def test_narrow_sources_arrive_exactly(source: str, target: str) -> None:
    elem = element_type(source)
    x: Array = np.arange(2 if source == "bool" else 2**elem.bits, dtype=np.uint8).view(elem.dtype)
    assert np.array_equal(round_to(x, element_type(target)).astype(float), x.astype(float), equal_nan=True)


def test_complex_numbers_round_part_by_part() -> None:
    x = np.array([complex(1 + 2**-24 + 2**-40, 16777217.0)])
    assert round_to(x, np.complex64).tolist() == [complex(1 + 2**-23, 16777216.0)]
    assert round_to(np.array([0.5]), element_type("complex64")).tolist() == [0.5 + 0j]
    with pytest.raises(ContractError, match="imaginary"):
        round_to(x, np.float32)


@pytest.mark.parametrize("target", ["int32", "bool", "string", "int4"])
def test_rounding_to_a_type_without_fractions_is_refused(target: str) -> None:
    with pytest.raises(ContractError, match="floating-point"):
        round_to(np.array([1.5]), element_type(target))


def test_text_and_objects_are_not_rounded() -> None:
    for x in (np.array(["1"]), np.array(["1"], object)):
        with pytest.raises(ContractError, match="only numbers"):
            round_to(x, np.float32)


def test_a_mode_belongs_to_float8e8m0_alone() -> None:
    with pytest.raises(RuleViolation, match="every type but float8e8m0"):
        round_to([1.0], np.float16, "up")
    with pytest.raises(RuleViolation, match="up, down or nearest"):
        round_to([1.0], element_type("float8e8m0"), "floor")


def test_infinities_of_results_stay_where_the_type_has_them() -> None:
    wide = np.array([np.inf, -np.inf, 1e9])
    np.testing.assert_array_equal(round_quietly(wide, np.dtype(ml_dtypes.float8_e5m2)).astype(np.float64), [np.inf, -np.inf, np.inf])
    np.testing.assert_array_equal(round_quietly(wide, np.dtype(ml_dtypes.float8_e4m3fn)).astype(np.float64), [448, -448, 448])
