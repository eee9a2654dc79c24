"""MatMulInteger, QLinearMatMul."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import margin

A = np.array([[1, 2], [3, 4]], np.uint8)
I2 = np.eye(2, dtype=np.uint8)
ZERO = np.uint8(0)


def f32(*values: float) -> np.ndarray:
    return np.array(values if len(values) > 1 else values[0], np.float32)


def test_the_product_is_int32() -> None:
    y = run_op("MatMulInteger", A, np.array([[-128], [127]], np.int8))
    assert y.dtype == np.int32 and y.tolist() == [[126], [124]]


def test_zero_points_are_one_value_one_per_row_of_a_or_one_per_column_of_b() -> None:
    assert run_op("MatMulInteger", A, I2, np.uint8(1), np.uint8(1)).tolist() == [[-1, 0], [-3, -2]]
    assert run_op("MatMulInteger", A, I2, np.array([1, 2], np.uint8)).tolist() == [[0, 1], [1, 2]]
    assert run_op("MatMulInteger", A, I2, None, np.array([1, 0], np.uint8)).tolist() == [[-2, 2], [-4, 4]]
    assert run_op("MatMulInteger", A, I2, np.array([12], np.uint8), np.array([0], np.uint8)).tolist() == [[-11, -10], [-9, -8]]


def test_zero_points_of_stacks_of_matrices_have_one_dimension_1() -> None:
    stack = np.stack([A, A])
    rows = np.array([[[1], [2]], [[0], [3]]], np.uint8)
    assert run_op("MatMulInteger", stack, I2, rows).tolist() == [[[0, 1], [1, 2]], [[1, 2], [0, 1]]]
    columns = np.array([[[1, 0]], [[0, 0]]], np.uint8)
    assert run_op("MatMulInteger", A, np.stack([I2, I2]), None, columns).tolist() == [[[-2, 2], [-4, 4]], [[1, 2], [3, 4]]]


def test_vectors_multiply_as_in_numpy() -> None:
    v = np.array([1, 2], np.uint8)
    assert run_op("MatMulInteger", v, A).tolist() == [7, 10]
    assert run_op("MatMulInteger", A, v, np.array([1, 2], np.uint8)).tolist() == [2, 5]
    y = run_op("MatMulInteger", v, v)
    assert y.shape == () and y == 5


def test_a_sum_that_does_not_fit_in_32_bits_wraps() -> None:
    n = 2**31 // (255 * 255) + 1  # 33026 products of 65025 are 2147515650
    row, column = np.full((1, n), 255, np.uint8), np.full((n, 1), 255, np.uint8)
    assert run_op("MatMulInteger", row, column).tolist() == [[n * 65025 - 2**32]]


def test_a_zero_point_of_another_shape_is_refused() -> None:
    with pytest.raises(RuleViolation, match=r"unidirectionally broadcastable.*a_zero_point"):
        run_op("MatMulInteger", A, I2, np.array([1, 2, 3], np.uint8))
    with pytest.raises(RuleViolation, match=r"unidirectionally broadcastable.*b_zero_point"):
        run_op("MatMulInteger", A, I2, None, np.array([[1], [2]], np.uint8))


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RuleViolation, match="last dimension of A"):
        run_op("MatMulInteger", A, np.ones((3, 2), np.uint8))


@pytest.mark.parametrize("opset", [10, 21])
def test_the_quantized_product_is_scaled_rounded_shifted_and_saturated(opset: int) -> None:
    # x = 0.5 * (a - 1) @ 0.5 * b = [[0, .25], [.5, .75]]; / 0.1 = [[0, 2.5], [5, 7.5]] with halves to even
    y = run_op("QLinearMatMul", A, f32(0.5), np.uint8(1), I2, f32(0.5), ZERO, f32(0.125), np.uint8(100), opset=opset)
    assert y.dtype == np.uint8 and y.tolist() == [[100, 102], [104, 106]]
    y = run_op("QLinearMatMul", A, f32(0.5), np.uint8(1), I2, f32(0.5), ZERO, f32(0.5), np.uint8(253), opset=opset)
    assert y.tolist() == [[253, 253], [254, 255]]  # 0.5 -> 0, 1, 1.5 -> 2
    y = run_op("QLinearMatMul", A, f32(1), ZERO, I2, f32(1), ZERO, f32(0.01), np.int8(0), opset=opset)
    assert y.dtype == np.int8 and y.tolist() == [[100, 127], [127, 127]]


def test_scales_are_one_value_one_per_row_of_a_or_one_per_column_of_b() -> None:
    y = run_op("QLinearMatMul", A, f32(1, 2), np.array([1, 0], np.uint8), I2, f32(1, 3), np.array([0, 0], np.uint8), f32(1), ZERO)
    assert y.tolist() == [[0, 3], [6, 24]]
    v = np.array([1, 2], np.uint8)
    assert run_op("QLinearMatMul", A, f32(1, 2), ZERO, v, f32(1), ZERO, f32(1), ZERO).tolist() == [5, 22]


def test_the_quotient_is_taken_as_a_real_number() -> None:
    # 16777217 / 2 = 8388608.5: a float32 sum would lose the 1
    n = 16777217 // (255 * 255)
    a = np.full((1, n + 2), 255, np.uint8)
    b = np.full((n + 2, 1), 255, np.uint8)
    a[0, n], b[n, 0] = 255, (16777217 - n * 65025) // 255
    a[0, n + 1], b[n + 1, 0] = 1, (16777217 - n * 65025) % 255
    y = run_op("QLinearMatMul", a, f32(1), ZERO, b, f32(1), ZERO, f32(16777217 / 3), ZERO)
    assert y.tolist() == [[3]]
    half = np.array(2, np.float16)
    y = run_op("QLinearMatMul", a, np.array(1, np.float16), ZERO, b, np.array(2**-14, np.float16), ZERO, half, ZERO, opset=21)
    assert y.tolist() == [[255]]  # 16777217 / 16384 / 2 = 512, and no infinity in float16 on the way


def test_float8_matrices_give_float8() -> None:
    f8 = ml_dtypes.float8_e4m3fn
    zero = np.zeros((), f8)
    y = run_op("QLinearMatMul", A.astype(f8), f32(1), zero, I2.astype(f8), f32(2), zero, f32(4), zero, opset=21)
    assert y.dtype == f8 and y.tolist() == [[0.5, 1], [1.5, 2]]
    assert (
        margin("QLinearMatMul", A.astype(f8), f32(1), zero, I2.astype(f8), f32(2), zero, f32(4), zero, opset=21, dtype="float8e4m3fn")
        is None
    )


def test_the_zero_point_of_a_float8_result_is_0() -> None:
    f8 = ml_dtypes.float8_e4m3fn
    zero, one = np.zeros((), f8), np.ones((), f8)
    with pytest.raises(RuleViolation, match="zero point of a float type is 0"):
        run_op("QLinearMatMul", A.astype(f8), f32(1), zero, I2.astype(f8), f32(2), zero, f32(4), one, opset=21)


def test_the_scale_of_the_result_is_one_value() -> None:
    with pytest.raises(RuleViolation, match="one element"):
        run_op("QLinearMatMul", A, f32(1), ZERO, I2, f32(1), ZERO, f32(1, 2), ZERO)


def test_the_margin_is_the_distance_to_a_tie_less_some_float32_roundings() -> None:
    near = margin("QLinearMatMul", A, f32(1), ZERO, I2, f32(1), ZERO, f32(2), ZERO, opset=10, dtype="uint8")
    assert near == pytest.approx(np.array([[0, 0.5], [0, 0.5]]), abs=1e-6) and near[0, 0] == 0
