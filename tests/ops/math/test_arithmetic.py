"""Add, Sub, Mul, Div."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

A = np.arange(6, dtype=np.float32).reshape(2, 3)
OLD = [1, 6]


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize("opset", [7, 13, 14])
@pytest.mark.parametrize(("name", "expected"), [("Add", [9, 4]), ("Sub", [3, -8]), ("Mul", [18, -12]), ("Div", [2, -1 / 3])])
def test_elementwise(name: str, opset: int, expected: list[float]) -> None:
    np.testing.assert_array_equal(run_op(name, f32(6, -2), f32(3, 6), opset=opset), np.array(expected, np.float32))


def test_both_operands_are_broadcast() -> None:
    y = run_op("Add", np.array([[1], [2]], np.int64), np.array([10, 20, 30], np.int64), opset=14)
    assert y.tolist() == [[11, 21, 31], [12, 22, 32]]
    assert run_op("Mul", f32(2), np.zeros((0, 1), np.float32), opset=14).shape == (0, 1)
    assert run_op("Sub", np.float32(3), np.float32(1), opset=14).shape == ()


@pytest.mark.parametrize("name", ["Add", "Sub", "Mul", "Div"])
def test_shapes_that_do_not_broadcast_are_refused(name: str) -> None:
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op(name, np.ones(2, np.float32), np.ones(3, np.float32), opset=14)


def test_integers_wrap() -> None:
    assert run_op("Add", np.array([200], np.uint8), np.array([100], np.uint8), opset=14).tolist() == [44]
    assert run_op("Sub", np.array([-(2**31)], np.int32), np.array([1], np.int32), opset=14).tolist() == [2**31 - 1]
    assert run_op("Mul", np.array([2**62], np.int64), np.array([2], np.int64), opset=14).tolist() == [-(2**63)]


def test_integer_division_truncates_toward_zero() -> None:
    y = run_op("Div", np.array([7, -7, 7, -7, 6, -(2**31)], np.int32), np.array([2, 2, -2, -2, -3, -1], np.int32), opset=14)
    assert y.tolist() == [3, -3, -3, 3, -2, -(2**31)]
    assert run_op("Div", np.array([200], np.uint8), np.array([150], np.uint8), opset=14).tolist() == [1]


def test_an_integer_divided_by_zero_is_refused() -> None:
    with pytest.raises(RuleViolation, match="an integer divisor is not 0"):
        run_op("Div", np.array([1, 2]), np.array([1, 0]), opset=14)


def test_a_float_divided_by_zero_is_infinite_or_nan() -> None:
    np.testing.assert_array_equal(run_op("Div", f32(1, -1, 0), f32(0, 0, 0), opset=14), f32(np.inf, -np.inf, np.nan))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_types_are_rounded_half_to_even(dtype: Any) -> None:
    ulp = 2.0 ** -(10 if dtype == np.float16 else 7)
    y = run_op("Add", np.array([1, 1 + ulp], dtype), np.array([ulp / 2, ulp / 2], dtype), opset=14)
    assert y.dtype == dtype and y.astype(np.float64).tolist() == [1, 1 + 2 * ulp]


@pytest.mark.parametrize("opset", OLD)
def test_before_version_7_b_is_broadcast_from_axis_on_or_at_the_end(opset: int) -> None:
    column = run_op("Add", A, f32(10, 20), opset=opset, broadcast=1, axis=0)
    assert column.tolist() == [[10, 11, 12], [23, 24, 25]]
    row = run_op("Sub", A, f32(1, 2, 3), opset=opset, broadcast=1)
    assert row.tolist() == [[-1, -1, -1], [2, 2, 2]]
    inner = run_op("Mul", A.reshape(1, 2, 3, 1), A, opset=opset, broadcast=1, axis=1)
    assert inner.tolist() == np.square(A).reshape(1, 2, 3, 1).tolist()


@pytest.mark.parametrize("opset", OLD)
@pytest.mark.parametrize("b", [np.float32(2), np.full((1, 1), 2, np.float32)], ids=["scalar", "one element"])
def test_before_version_7_one_element_fits_everywhere(opset: int, b: np.ndarray) -> None:
    y = run_op("Div", A, b, opset=opset, broadcast=1)
    assert y.shape == (2, 3) and y[1].tolist() == [1.5, 2, 2.5]


def test_before_version_7_a_dimension_of_1_is_expanded() -> None:
    assert run_op("Add", A, f32(10, 20).reshape(2, 1), opset=6, broadcast=1, axis=0).tolist() == [[10, 11, 12], [23, 24, 25]]


@pytest.mark.parametrize("opset", OLD)
@pytest.mark.parametrize("name", ["Add", "Sub", "Mul", "Div"])
def test_before_version_7_nothing_is_broadcast_unasked(name: str, opset: int) -> None:
    assert run_op(name, A, A + 1, opset=opset).shape == (2, 3)
    with pytest.raises(RuleViolation, match="without broadcast=1"):
        run_op(name, A, f32(1, 2, 3), opset=opset)


@pytest.mark.parametrize(("b", "axis"), [((2,), None), ((3,), 0), ((3, 3), None), ((3,), -1), ((3,), 2), ((1, 1, 1), None), ((2, 3, 1), 0)])
def test_before_version_7_b_is_a_part_of_a(b: tuple[int, ...], axis: int | None) -> None:
    with pytest.raises(RuleViolation, match="contiguous part"):
        run_op("Add", A, np.ones(b, np.float32), opset=6, broadcast=1, axis=axis)


def test_integer_division_truncates_in_version_6_too() -> None:
    assert run_op("Div", np.array([-7]), np.array([2]), opset=6).tolist() == [-3]
