"""DequantizeLinear."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import InvalidModel, RuleViolation

F8, E8M0 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e8m0fnu
X = np.array([[0, 3, 128], [255, 4, 1]], np.uint8)
FLOAT, FLOAT16 = 1, 10


def f32(*values: float) -> np.ndarray:
    return np.array(values if len(values) > 1 else values[0], np.float32)


def dequantize(x: Any, *inputs: Any, **options: Any) -> Any:
    return run_op("DequantizeLinear", np.asarray(x), *inputs, **options)


@pytest.mark.parametrize("opset", [10, 13, 19, 21, 23, 24, 25, 28])
def test_the_zero_point_is_taken_off_and_the_rest_scaled(opset: int) -> None:
    y = dequantize(X, f32(0.5), np.uint8(128), opset=opset)
    assert y.dtype == np.float32 and y.tolist() == [[-64, -62.5, 0], [63.5, -62, -63.5]]
    assert dequantize(X, f32(2), opset=opset).tolist() == [[0, 6, 256], [510, 8, 2]]


def test_the_difference_is_exact_in_integers() -> None:
    assert dequantize(np.array([16777217], np.int32), f32(1), np.int32(16777216), opset=21).tolist() == [1]
    assert dequantize(np.array([2**31 - 1], np.int32), f32(1), np.int32(-1), opset=10).tolist() == [2**31]


@pytest.mark.parametrize("opset", [13, 19, 21, 28])
def test_a_vector_of_scales_goes_along_the_axis(opset: int) -> None:
    y = dequantize(np.full((2, 3), 8, np.int8), f32(1, 2, 4), np.array([0, 1, 2], np.int8), opset=opset)
    assert y.tolist() == [[8, 14, 24]] * 2
    assert dequantize(np.full((2, 3), 8, np.int8), f32(1, 2), opset=opset, axis=0).tolist() == [[8] * 3, [16] * 3]


def test_a_block_of_elements_shares_a_scale() -> None:
    scale, zero = np.array([[1, 2], [4, 8]], np.float32), np.array([[0, 1], [2, 3]], np.int8)
    y = dequantize(np.full((2, 3), 8, np.int8), scale, zero, opset=21, axis=1, block_size=2)
    assert y.tolist() == [[8, 8, 14], [24, 24, 40]]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2])
def test_every_integer_type_is_read(dtype: Any) -> None:
    assert dequantize(np.array([0, 1], dtype), f32(3), np.ones((), dtype), opset=25).tolist() == [-3, 0]


@pytest.mark.parametrize("dtype", [F8, ml_dtypes.float8_e5m2, ml_dtypes.float4_e2m1fn, ml_dtypes.float6_e2m3fn, ml_dtypes.float6_e3m2fn])
def test_every_narrow_float_type_is_read(dtype: Any) -> None:
    assert dequantize(np.array([-1.5, 2], dtype), f32(3), np.zeros((), dtype), opset=28).tolist() == [-4.5, 6]


def test_the_result_has_the_type_of_the_scale_or_output_dtype_and_is_rounded_once() -> None:
    y = dequantize(np.array([3], np.int8), np.array(0.1, ml_dtypes.bfloat16), opset=19)
    assert y.dtype == ml_dtypes.bfloat16 and y.tolist() == [0.30078125]  # 3 * 0.10009765625 = 0.30029...
    y = dequantize(np.array([3], np.int8), f32(0.1), opset=23, output_dtype=FLOAT16)
    assert y.dtype == np.float16 and y == np.float16(0.3)


def test_a_scale_that_is_a_power_of_two_needs_an_output_dtype() -> None:
    x = np.array([3, -2], np.int8)
    assert dequantize(x, np.array(0.25, E8M0), opset=24, output_dtype=FLOAT).tolist() == [0.75, -0.5]
    with pytest.raises(InvalidModel, match="cannot have this type"):
        dequantize(x, np.array(0.25, E8M0), opset=24)


@pytest.mark.parametrize(("inputs", "options", "rule"), [
    ((X, f32(1, 2, 3)), {"opset": 10}, "x_scale is a scalar"),
    ((X, f32(1, 2)), {"axis": 1}, "one value per index of axis"),
    ((X, f32(1, 2), np.zeros(3, np.uint8)), {"axis": 0}, "the zero point has the shape of the scale"),
    ((X.astype(F8), f32(1), np.ones((), F8)), {}, "the zero point of a float type is 0"),
])  # fmt: skip
def test_rules_of_dequantization(inputs: Any, options: dict[str, int], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        dequantize(*inputs, **{"opset": 23, **options})
