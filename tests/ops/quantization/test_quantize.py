"""QuantizeLinear, DynamicQuantizeLinear."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.models import session
from tests.ops.declared import margin

F8, E8M0 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e8m0fnu
X = np.array([[-1, 0.5, 1.5], [2.5, 300, -300]], np.float32)
FLOAT, INT8, FLOAT16 = 1, 3, 10


def f32(*values: float) -> np.ndarray:
    return np.array(values if len(values) > 1 else values[0], np.float32)


def quantize(x: Any, *inputs: Any, **options: Any) -> Any:
    return run_op("QuantizeLinear", np.asarray(x), *inputs, **options)


@pytest.mark.parametrize("opset", [10, 13, 19, 21, 23, 24, 25, 28])
def test_halves_go_to_even_before_the_zero_point_is_added_and_the_ends_saturate(opset: int) -> None:
    y = quantize(X, f32(1), np.uint8(1), opset=opset)
    assert y.dtype == np.uint8 and y.tolist() == [[0, 1, 3], [3, 255, 0]]
    y = quantize(X, f32(1), np.int8(1), opset=opset)
    assert y.dtype == np.int8 and y.tolist() == [[0, 1, 3], [3, 127, -128]]


@pytest.mark.parametrize("opset", [10, 13, 21, 28])
def test_without_a_zero_point_it_is_0_in_uint8(opset: int) -> None:
    y = quantize(X, f32(2), opset=opset)
    assert y.dtype == np.uint8 and y.tolist() == [[0, 0, 1], [1, 150, 0]]


@pytest.mark.parametrize("opset", [13, 19, 21, 28])
def test_a_vector_of_scales_goes_along_the_axis(opset: int) -> None:
    x = np.full((2, 3), 8, np.float32)
    assert quantize(x, f32(1, 2, 4), np.array([0, 1, 2], np.uint8), opset=opset).tolist() == [[8, 5, 4]] * 2
    assert quantize(x, f32(1, 2), np.array([0, 1], np.uint8), opset=opset, axis=-2).tolist() == [[8] * 3, [5] * 3]


def test_a_block_of_elements_shares_a_scale_and_the_last_may_be_shorter() -> None:
    x = np.full((2, 3), 8, np.float32)
    scale, zero = np.array([[1, 2], [4, 8]], np.float32), np.array([[0, 1], [2, 3]], np.int8)
    y = quantize(x, scale, zero, opset=21, axis=1, block_size=2)
    assert y.tolist() == [[8, 8, 5], [4, 4, 4]]
    assert quantize(x, np.array([[1, 2, 4]], np.float32), opset=25, axis=0, block_size=5).tolist() == [[8, 4, 2]] * 2


def test_a_block_may_be_larger_than_the_axis() -> None:
    assert quantize(np.full((2, 3), 8, np.float32), np.array([[1], [2]], np.float32), opset=21, block_size=1 << 40).tolist() == [
        [8] * 3,
        [4] * 3,
    ]
    assert quantize(np.zeros((2, 0), np.float32), np.zeros((2, 0), np.float32), opset=21, block_size=4).shape == (2, 0)


@pytest.mark.parametrize(("dtype", "low", "high"), [
    (np.int16, -32768, 32767),
    (np.uint16, 0, 65535),
    (ml_dtypes.int4, -8, 7),
    (ml_dtypes.uint4, 0, 15),
    (ml_dtypes.int2, -2, 1),
    (ml_dtypes.uint2, 0, 3),
])  # fmt: skip
def test_every_integer_type_saturates_at_its_own_ends(dtype: Any, low: int, high: int) -> None:
    x = f32(-1e10, -math.inf, 1, 1e10, math.inf)
    y = quantize(x, f32(1), np.zeros((), dtype), opset=25)
    assert y.dtype == dtype and y.astype(np.int64).tolist() == [low, low, 1, high, high]


def test_nan_becomes_the_zero_point() -> None:
    assert quantize(f32(math.nan, 0), f32(1), np.uint8(7)).tolist() == [7, 7]
    assert quantize(f32(0, 1), f32(0), np.uint8(7)).tolist() == [7, 255]  # 0 / 0, 1 / 0


def test_output_dtype_chooses_the_type_where_there_is_no_zero_point() -> None:
    y = quantize(X, f32(1), opset=21, output_dtype=INT8)
    assert y.dtype == np.int8 and y.tolist() == [[-1, 0, 2], [2, 127, -128]]


def test_float8_saturates_or_not_as_cast_does() -> None:
    zero = np.zeros((), F8)
    y = quantize(f32(1.0625, 1000), f32(1), zero, opset=19)
    assert y.dtype == F8 and y.tolist() == [1, 448]
    assert np.isnan(quantize(f32(1, 1000), f32(1), zero, opset=19, saturate=0).astype(np.float32)[1])


def test_floats_of_4_and_6_bits_always_saturate() -> None:
    for dtype, most in ((ml_dtypes.float4_e2m1fn, 6), (ml_dtypes.float6_e2m3fn, 7.5), (ml_dtypes.float6_e3m2fn, 28)):
        for saturate in (0, 1):
            assert quantize(f32(-1.5, 100), f32(1), np.zeros((), dtype), opset=28, saturate=saturate).tolist() == [-1.5, most]


def test_the_division_is_made_in_the_type_of_the_scale_or_in_precision() -> None:
    x = np.array([3.5], np.float16)
    scale = np.array(1.4, np.float16)  # 1.4003906; 3.5 / 1.4003906 = 2.4993, in float16 2.5
    assert quantize(x, scale, opset=19).tolist() == [2]
    assert quantize(np.array([4.9], np.float16), scale, opset=23, precision=FLOAT).tolist() == [3]  # 3.4980
    # 2049 is no float16: there it is 2048, and 2048 / 4096 is half-way to 0
    assert quantize(np.array([2049], np.int32), f32(4096), opset=23).tolist() == [1]
    assert quantize(np.array([2049], np.int32), f32(4096), opset=23, precision=FLOAT16).tolist() == [0]


def test_a_scale_that_is_a_power_of_two_leaves_the_division_to_the_type_of_x() -> None:
    assert quantize(f32(-3, 5.5, 0), np.array(2, E8M0), np.int8(0), opset=24).tolist() == [-2, 3, 0]


def test_a_scale_of_integers_divides_exactly() -> None:
    x = np.array([2**31 - 1, 5, 7, -5], np.int32)
    assert quantize(x, np.array(2, np.int32), np.int16(0), opset=23).tolist() == [32767, 2, 4, -2]
    assert quantize(np.array([16777217], np.int32), np.array(16777216 * 2, np.int32), np.int8(0), opset=23).tolist() == [1]


def test_integers_are_quantized_too() -> None:
    assert quantize(np.array([-10, 3, 1000], np.int32), f32(2), opset=10).tolist() == [0, 2, 255]


@pytest.mark.parametrize(("inputs", "options", "rule"), [
    ((X, f32(1, 2, 3)), {"opset": 10}, "y_scale is a scalar"),
    ((X, f32(1, 2)), {"axis": 1}, "one value per index of axis"),
    ((X, np.ones((2, 3), np.float32)), {}, "without blocks there is one value, or a vector"),
    ((X, np.ones((2, 3), np.float32)), {"axis": 1, "block_size": 2}, "one value per block"),
    ((X, np.ones((2, 3), np.float32)), {"axis": 1, "block_size": -1}, "block_size is positive"),
    ((X, f32(1, 2), np.zeros(3, np.uint8)), {"axis": 0}, "the zero point has the shape of the scale"),
    ((X, f32(1), np.int8(0)), {"output_dtype": 2}, "output_dtype is the type of y_zero_point"),
    ((X, f32(1), np.ones((), F8)), {}, "the zero point of a float type is 0"),
    ((X, f32(1, 2)), {"axis": 2}, "axis is in"),
])  # fmt: skip
def test_rules_of_quantization(inputs: Any, options: dict[str, int], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        quantize(*inputs, **{"opset": 23, **options})


def test_of_single_values_the_rank_does_not_matter() -> None:
    assert quantize(X, np.ones((1,), np.float32), np.uint8(1)).tolist() == [[0, 1, 3], [3, 255, 0]]
    assert quantize(X, f32(1), np.ones((1,), np.uint8), opset=10).tolist() == [[0, 1, 3], [3, 255, 0]]


def test_the_margin_is_how_far_x_is_from_a_tie() -> None:
    x = f32(1, 3.5, 5)
    assert margin("QuantizeLinear", x, f32(2), np.uint8(0), opset=13, dtype="uint8").tolist() == [0, 0.5, 0]
    y = margin("QuantizeLinear", np.stack([x, x], 1), f32(2, 8), opset=23, dtype="uint8")
    assert y.tolist() == [[0, 3], [0.5, 0.5], [0, 1]]
    assert margin("QuantizeLinear", x, f32(2), np.zeros((), F8), opset=19, dtype="float8e4m3fn") is None


def test_a_dynamic_scale_covers_the_range_of_x_and_0() -> None:
    y, scale, zero = run_op("DynamicQuantizeLinear", f32(-1, 0, 1.5, 4))
    assert scale.dtype == np.float32 and scale.shape == () and scale == np.float32(5) / np.float32(255)
    assert zero.dtype == np.uint8 and zero == 51
    assert y.dtype == np.uint8 and y.tolist() == [0, 51, 51 + 76, 255]  # 1.5 * 51 = 76.5 goes to even


def test_a_range_on_one_side_of_0_is_extended_to_it() -> None:
    y, scale, zero = run_op("DynamicQuantizeLinear", f32(51, 255))
    assert (scale, zero) == (1, 0) and y.tolist() == [51, 255]
    y, scale, zero = run_op("DynamicQuantizeLinear", f32(-51, -255))
    assert (scale, zero) == (1, 255) and y.tolist() == [204, 0]


def test_nothing_but_zeros_has_the_scale_0() -> None:
    y, scale, zero = run_op("DynamicQuantizeLinear", np.zeros((2, 2), np.float32))
    assert (scale, zero) == (0, 0) and y.tolist() == [[0, 0], [0, 0]]


def test_no_element_has_the_scale_0() -> None:
    y, scale, zero = run_op("DynamicQuantizeLinear", np.zeros((0, 2), np.float32))
    assert (scale, zero) == (0, 0) and y.shape == (0, 2)


def test_an_axis_of_no_elements_has_margins_of_no_elements() -> None:
    x, scale = np.zeros((0, 2, 0, 2), np.float32), np.zeros(0, np.float32)
    text = "(float[0, 2, 0, 2] x, float[0] s) => (y) { y = QuantizeLinear <axis = 0> (x, s) }"
    margins: list[Any] = []
    session(text, opset='"" : 13', profile="wide").observe({"x": x, "s": scale}, lambda e: margins.append(e.margin))
    assert margins[0].shape == (0, 2, 0, 2)
