"""Cast, CastLike between numbers."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RefexecError, RuleViolation
from refexec.types import element_type
from tests.ops.declared import margin

F = np.float32
INF, NAN = float("inf"), float("nan")


def cast(x: Any, to: str, opset: int = 28, **attributes: Any) -> Any:
    y = run_op("Cast", np.asarray(x), opset=opset, to=element_type(to).number, **attributes)
    assert y.dtype == element_type(to).dtype
    return y


def values(y: Any) -> list[float]:
    return [float(v) for v in y.reshape(-1)]


# Integers --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [6, 9, 13, 19, 21, 23, 24, 25, 28])
def test_floats_lose_their_fraction_toward_zero(opset: int) -> None:
    assert cast(np.array([1.9, -1.9, 0.5, -0.5], F), "int32", opset).tolist() == [1, -1, 0, 0]


@pytest.mark.parametrize(
    ("x", "to", "expected"),
    [
        (np.array([200, -1, 256], np.int16), "int8", [-56, -1, 0]),
        (np.array([-1], np.int64), "uint64", [2**64 - 1]),
        (np.array([2**63], np.uint64), "int64", [-(2**63)]),
        (np.array([17, -9, 8], np.int8), "int4", [1, 7, -8]),
        (np.array([17, -1], np.int8), "uint4", [1, 15]),
        (np.array([5, -3], np.int8), "uint2", [1, 1]),
        (np.array([2, 5], np.int8), "int2", [-2, 1]),
        (np.array([-3, 7], ml_dtypes.int4), "uint2", [1, 3]),
        (np.array([-8, 7], ml_dtypes.int4), "int64", [-8, 7]),
        (np.array([True, False]), "int8", [1, 0]),
        (np.array([True, False]), "uint4", [1, 0]),
    ],
)
def test_integers_keep_their_low_bits_in_twos_complement(x: Any, to: str, expected: list[int]) -> None:
    assert [int(v) for v in cast(x, to)] == expected


def test_the_upper_half_of_uint64_is_reached_from_floats() -> None:
    assert cast(np.array([2.0**63, 2.0**64 - 2048]), "uint64").tolist() == [2**63, 2**64 - 2048]


def test_every_narrow_float_becomes_an_integer() -> None:
    for name in ("float16", "bfloat16", "float8e4m3fn", "float8e5m2", "float6e2m3", "float6e3m2", "float4e2m1"):
        assert cast(np.array([1.5, -3.0, 0.5], element_type(name).dtype), "int8").tolist() == [1, -3, 0]
    assert cast(np.array([0.5, 4.0], ml_dtypes.float8_e8m0fnu), "int8").tolist() == [0, 4]


# Booleans --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["float16", "float32", "float64", "bfloat16", "float8e4m3fn", "float8e5m2fnuz", "float6e2m3", "float4e2m1"]
)
def test_only_zero_is_false(name: str) -> None:
    assert cast(np.array([0, -0.0, 0.5, -1], element_type(name).dtype), "bool").tolist() == [False, False, True, True]


def test_nan_and_infinity_are_true_and_float8e8m0_has_no_false() -> None:
    assert cast(np.array([NAN, INF, -INF], F), "bool").tolist() == [True] * 3
    assert cast(np.array([2.0**-127, 1], ml_dtypes.float8_e8m0fnu), "bool").tolist() == [True] * 2
    assert cast(np.array([0, 1, -2], ml_dtypes.int4), "bool").tolist() == [False, True, True]
    assert cast(np.array([36, 256], np.int32), "bool").tolist() == [True, True]


@pytest.mark.parametrize("to", ["float32", "float16", "bfloat16", "float8e4m3fn", "float8e5m2", "float4e2m1", "float64"])
def test_booleans_are_1_and_0(to: str) -> None:
    assert values(cast(np.array([True, False]), to)) == [1, 0]


# Floats: rounded once, half to even ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [6, 9, 13, 19, 24, 28])
def test_out_of_range_is_infinity_but_for_the_smallest_types(opset: int) -> None:
    assert values(cast(np.array([1e300, -1e300, 65520, 65519.9]), "float16", opset)) == [INF, -INF, INF, 65504]
    assert values(cast(np.array([1e300, -1e300]), "float32", opset)) == [INF, -INF]


@pytest.mark.parametrize(
    ("x", "to", "expected"),
    [
        # A float64 above the tie of bfloat16, but on it after rounding to float32.
        (np.array([1 + 2.0**-8 + 2.0**-40]), "bfloat16", [1 + 2.0**-7]),
        (np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8]), "bfloat16", [1, 1 + 2.0**-6]),
        (np.array([1 + 2.0**-11 + 2.0**-40]), "float16", [1 + 2.0**-10]),
        # 2**53 + 1 is no float64; in float32 the tie 2**24 + 1 goes to even.
        (np.array([2**24 + 1, 2**24 + 3]), "float32", [2.0**24, 2.0**24 + 4]),
        (np.array([2**60 + 2**36 + 1]), "float32", [2.0**60 + 2.0**37]),
        (np.array([2**53 + 1, 2**53 + 3]), "float64", [2.0**53, 2.0**53 + 4]),
        (np.array([1 + 2.0**-4 + 2.0**-40]), "float8e4m3fn", [1.125]),
        (np.array([-7, 5], ml_dtypes.int4), "float16", [-7, 5]),
        (np.array([1.75], ml_dtypes.float8_e5m2), "float8e4m3fn", [1.75]),
    ],
)
def test_rounding_happens_once(x: Any, to: str, expected: list[float]) -> None:
    assert values(cast(x, to)) == expected


# The tables of the 8-bit floats ----------------------------------------------------------------------------------------------

SPECIAL = np.array([0.0, -0.0, NAN, INF, -INF, 1e6, -1e6, 1.0625], F)
LARGEST = {"float8e4m3fn": 448.0, "float8e4m3fnuz": 240.0, "float8e5m2": 57344.0, "float8e5m2fnuz": 57344.0}


@pytest.mark.parametrize("name", LARGEST)
@pytest.mark.parametrize("opset", [24, 25, 28])
def test_with_saturate_infinity_and_what_is_too_large_become_the_largest_number(name: str, opset: int) -> None:
    top = LARGEST[name]
    y = cast(SPECIAL, name, opset)
    assert np.isnan(float(y[2])) and values(y[3:7]) == [top, -top, top, -top]
    assert values(y[:2]) == [0, 0] and bool(np.signbit(y[1].astype(F))) == (not name.endswith("fnuz"))
    assert float(y[7]) == 1.0  # half-way between 1 and the next in both formats, or nearer to 1


@pytest.mark.parametrize("name", LARGEST)
@pytest.mark.parametrize("opset", [19, 21, 23])
def test_before_version_24_infinity_is_nan_in_the_fnuz_types(name: str, opset: int) -> None:
    y = values(cast(SPECIAL, name, opset))
    top = LARGEST[name]
    assert y[5:7] == [top, -top]
    if name.endswith("fnuz"):
        assert np.isnan(y[3]) and np.isnan(y[4])
    else:
        assert y[3:5] == [top, -top]
    like = values(run_op("CastLike", SPECIAL, np.zeros(1, element_type(name).dtype), opset=opset))
    assert np.array_equal(y, like, equal_nan=True)


@pytest.mark.parametrize("name", LARGEST)
@pytest.mark.parametrize("opset", [19, 21, 23, 24, 25, 28])
def test_without_saturate_only_e5m2_has_infinity(name: str, opset: int) -> None:
    y = values(cast(SPECIAL, name, opset, saturate=0))
    if name == "float8e5m2":
        assert y[3:7] == [INF, -INF, INF, -INF]
    else:
        assert np.isnan(y[3:7]).all()


def test_a_number_that_rounds_to_the_largest_is_not_out_of_range() -> None:
    assert values(cast(np.array([463, 464], F), "float8e4m3fn", saturate=0)) == [448, 448]  # 464 is a tie, 448 is even
    assert np.isnan(values(cast(np.array([464.1], F), "float8e4m3fn", saturate=0))).all()
    # Integers come into the same range.
    assert values(cast(np.array([1000, -1000]), "float8e4m3fn")) == [448, -448]


# float8e8m0 ------------------------------------------------------------------------------------------------------------------

LEAST, MOST = 2.0**-127, 2.0**127


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("up", [4, 4, 4, 8]), ("down", [2, 2, 2, 4]), ("nearest", [2, 4, 4, 4])],
)
def test_e8m0_rounds_to_a_power_of_two_as_the_mode_says(mode: str, expected: list[float]) -> None:
    x = np.array([2.5, 3.0, 3.5, 5.0], F)  # 3 is half-way between 2 and 4
    for opset in (24, 25, 28):
        assert values(cast(x, "float8e8m0", opset, round_mode=mode)) == expected
    for opset in (24, 25):
        like = run_op("CastLike", x, np.ones(1, ml_dtypes.float8_e8m0fnu), opset=opset, round_mode=mode)
        assert values(like) == expected


def test_e8m0_saturates_or_becomes_nan() -> None:
    x = np.array([0.0, INF, 3.4e38, 1e-45], F)
    assert values(cast(x, "float8e8m0")) == [LEAST, MOST, MOST, LEAST]
    assert np.isnan(values(cast(x, "float8e8m0", saturate=0, round_mode="nearest"))).all()
    assert np.isnan(values(cast(np.array([NAN], F), "float8e8m0"))).all()


def test_round_mode_is_one_of_three() -> None:
    for mode in ("nearest_even", "sideways"):
        with pytest.raises(RuleViolation, match="round_mode is up, down or nearest"):
            cast(np.ones(1, F), "float8e8m0", round_mode=mode)


def test_round_mode_is_of_e8m0_only() -> None:
    assert values(cast(np.array([1.3], F), "float16", round_mode="down")) == [float(np.float16(1.3))]


# 6-bit and 4-bit floats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "top", "nan"), [("float6e2m3", 7.5, -0.0), ("float6e3m2", 28.0, -0.0), ("float4e2m1", 6.0, 6.0)])
def test_six_and_four_bits_have_neither_infinity_nor_nan(name: str, top: float, nan: float) -> None:
    y = values(cast(np.array([INF, -INF, 1000, -1000, NAN], F), name))
    assert y == [top, -top, top, -top, nan] and np.signbit(y[4]) == np.signbit(nan)


def test_four_bits_round_half_to_even() -> None:
    x = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, -0.25], F)
    assert values(cast(x, "float4e2m1")) == [0, 1, 1, 2, 2, 4, 4, 0]


# CastLike and the old forms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [15, 19, 21, 23, 24, 25])
def test_cast_like_takes_the_type_of_its_second_input(opset: int) -> None:
    y = run_op("CastLike", np.array([1.9, -1.9], F), np.zeros((0, 3), np.int16), opset=opset)
    assert y.dtype == np.int16 and y.tolist() == [1, -1]


@pytest.mark.parametrize(("opset", "expected"), [(19, [448.0, INF]), (24, [448.0, INF])])
def test_cast_like_passes_saturate_on(opset: int, expected: list[float]) -> None:
    assert values(run_op("CastLike", np.array([1e6], F), np.zeros(1, ml_dtypes.float8_e4m3fn), opset=opset)) == expected[:1]
    assert values(run_op("CastLike", np.array([1e6], F), np.zeros(1, ml_dtypes.float8_e5m2), opset=opset, saturate=0)) == expected[1:]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("FLOAT", F), ("DOUBLE", np.float64), ("FLOAT16", np.float16), ("INT64", np.int64), ("UINT8", np.uint8), ("BOOL", bool)],
)
def test_version_1_names_the_type(name: str, dtype: Any) -> None:
    y = run_op("Cast", np.array([3.7, 0], F), opset=1, to=name)
    assert y.dtype == dtype and y.tolist() == np.array([3.7, 0], F).astype(dtype).tolist()


def test_version_1_refuses_a_name_that_is_no_type() -> None:
    with pytest.raises(RefexecError):
        run_op("Cast", np.array([1], F), opset=1, to="REAL")


def test_a_type_that_the_version_does_not_know_is_refused() -> None:
    for to, opset in (("string", 6), ("bfloat16", 9), ("float8e4m3fn", 13), ("complex64", 28)):
        with pytest.raises(RefexecError):
            run_op("Cast", np.array([1], F), opset=opset, to=element_type(to).number)


def test_the_same_type_and_an_empty_tensor() -> None:
    assert cast(np.array([NAN, -0.0], F), "float32").tobytes() == np.array([NAN, -0.0], F).tobytes()
    assert cast(np.zeros((2, 0), F), "int4").shape == (2, 0)
    assert cast(np.array(2.5, F), "int8").shape == ()


# How sure a conversion is ----------------------------------------------------------------------------------------------------


def test_a_conversion_is_as_sure_as_the_number_is_far_from_another_result() -> None:
    x = np.array([2.75, -0.25, 3.0, -1.5], F)
    assert margin("Cast", x, opset=13, to=7, dtype="int64").tolist() == [0.25, 0.75, 0, 0.5]
    assert margin("Cast", x, opset=13, to=9, dtype="bool").tolist() == [2.75, 0.25, 3, 1.5]
    # The float16 next to 2049 + 1/4 is 2050, half-way is 2049; 1 stands in the middle of its half units of 2**-11.
    assert margin("Cast", np.array([2049.25, 1.0], F), opset=13, to=10, dtype="float16").tolist() == [0.25, 2**-11]
    # Beyond the range of an integer type any result will do; 255.75 is within, -0.5 too.
    assert margin("Cast", np.array([300.5, -1.5, NAN, INF, 255.75, -0.5], F), opset=13, to=2, dtype="uint8").tolist() == [
        0, 0, 0, 0, 0.25, 0.5,
    ]  # fmt: skip
    assert margin("Cast", np.array(["1"], object), opset=13, to=1, dtype="float32") is None
    assert margin("Cast", x, opset=13, to=8, dtype="string") is None


@pytest.mark.parametrize(("name", "opset"), [("int4", 21), ("uint4", 21), ("int2", 25), ("uint2", 25)])
def test_fractions_are_rounded_half_to_even_into_four_and_two_bits(name: str, opset: int) -> None:
    y = run_op(
        "Cast", np.array([0.5, 0.75, 1.25, 1.5, 2.5], np.float32)[: 3 if name == "int2" else 5], opset=opset, to=element_type(name).number
    )
    assert y.astype(np.int64).tolist() == [0, 1, 1, 2, 2][: len(y)]


def test_a_cast_to_four_bits_is_decided_at_halves() -> None:
    x = np.array([0.75, 1.5, 2.0], F)
    assert margin("Cast", x, opset=21, dtype="int4", to=element_type("int4").number).tolist() == [0.25, 0, 0.5]
