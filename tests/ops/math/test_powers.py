"""Pow, Sqrt, Reciprocal."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

INF, NAN = np.inf, np.nan


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize("opset", [1, 6, 13])
def test_square_root_and_reciprocal(opset: int) -> None:
    np.testing.assert_array_equal(run_op("Sqrt", f32(4, 2, 0, INF, -1, NAN), opset=opset), f32(2, 2**0.5, 0, INF, NAN, NAN))
    np.testing.assert_array_equal(run_op("Reciprocal", f32(4, -3, 0, INF, NAN), opset=opset), f32(0.25, -1 / 3, INF, 0, NAN))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_square_root_and_reciprocal_keep_the_type(dtype: Any) -> None:
    x = np.array([2.25, 4], dtype)
    assert run_op("Sqrt", x, opset=13).astype(np.float64).tolist() == [1.5, 2]
    assert run_op("Reciprocal", x[1:], opset=13).dtype == dtype


@pytest.mark.parametrize("opset", [7, 12, 13, 15])
def test_floats(opset: int) -> None:
    np.testing.assert_array_equal(run_op("Pow", f32(2, 9, 2, -8), f32(10, 0.5, -1, 3), opset=opset), f32(1024, 3, 0.5, -512))


def test_the_special_powers_of_c() -> None:
    x, y = f32(NAN, 1, 0, 0, -1, -8, INF, 0.5), f32(0, NAN, 0, -1, INF, 1 / 3, -1, -INF)
    np.testing.assert_array_equal(run_op("Pow", x, y, opset=15), f32(1, 1, 1, INF, 1, NAN, 0, INF))


def test_operands_are_broadcast() -> None:
    assert run_op("Pow", f32(2, 3).reshape(2, 1), f32(1, 2), opset=7).tolist() == [[2, 4], [3, 9]]


@pytest.mark.parametrize("opset", [12, 13, 15])
def test_the_result_has_the_type_of_the_base(opset: int) -> None:
    y = run_op("Pow", np.array([2, 3], np.int32), f32(3, 2), opset=opset)
    assert y.dtype == np.int32 and y.tolist() == [8, 9]
    z = run_op("Pow", f32(2, 4), np.array([3, -1], np.int64), opset=opset)
    assert z.dtype == np.float32 and z.tolist() == [8, 0.25]
    assert run_op("Pow", f32(4), np.array([0.5]), opset=opset).dtype == np.float32


def test_integer_powers_are_exact_and_wrap() -> None:
    assert run_op("Pow", np.array([3, -3, 7]), np.array([39, 39, 0]), opset=15).tolist() == [3**39, -(3**39), 1]
    assert run_op("Pow", np.array([2, 3], np.int32), np.array([31, 41]), opset=15).tolist() == [-(2**31), (3**41 + 2**31) % 2**32 - 2**31]


def test_an_exponent_beyond_the_type_of_the_base_is_not_cut() -> None:
    assert run_op("Pow", np.array([2, 1, 0], np.int32), np.array([2**32, 2**63, 2**32], np.uint64), opset=15).tolist() == [0, 1, 0]


def test_a_whole_float_exponent_of_an_integer_is_exact_too() -> None:
    assert run_op("Pow", np.array([3]), np.array([39.0]), opset=15).tolist() == [3**39]


def test_other_powers_of_integers_are_truncated() -> None:
    assert run_op("Pow", np.array([2, 10, -2, 9], np.int32), f32(0.5, -1, -1, 1.5), opset=15).tolist() == [1, 0, 0, 27]


@pytest.mark.parametrize(("x", "y"), [(0, -1.0), (-8, 0.5), (10, 20.5), (2, NAN), (2, INF)])
def test_a_power_that_has_no_value_of_the_integer_type_is_refused(x: int, y: float) -> None:
    with pytest.raises(RuleViolation, match="has a value of its integer type"):
        run_op("Pow", np.array([x]), np.array([y]), opset=15)


def test_an_integer_to_a_negative_integer_power_is_refused() -> None:
    with pytest.raises(RuleViolation, match="not raised to a negative integer power"):
        run_op("Pow", np.array([2, 2]), np.array([1, -1]), opset=15)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_types_are_rounded_once(dtype: Any) -> None:
    y = run_op("Pow", np.array([3, 1.5], dtype), np.array([2, 2], dtype), opset=15)
    assert y.dtype == dtype and y.astype(np.float64).tolist() == [9, 2.25]


def test_nothing() -> None:
    assert run_op("Pow", np.zeros(0, np.int64), np.zeros(0, np.int64), opset=15).shape == (0,)
    assert run_op("Pow", np.zeros(0, np.int64), np.zeros(0), opset=15).shape == (0,)


def test_before_version_7_the_exponent_is_broadcast_if_so_asked() -> None:
    x = f32(1, 2, 3, 4).reshape(2, 2)
    assert run_op("Pow", x, f32(1, 2), opset=1, broadcast=1, axis=0).tolist() == [[1, 2], [9, 16]]
    assert run_op("Pow", x, np.float32(2), opset=6, broadcast=1).tolist() == [[1, 4], [9, 16]]
    with pytest.raises(RuleViolation, match="without broadcast=1"):
        run_op("Pow", x, np.float32(2), opset=6)


def test_an_odd_exponent_beyond_the_whole_numbers_of_a_float_keeps_its_sign() -> None:
    x, y = np.array([-1.0, -1.0, 1.0], np.float32), np.array([2**63 - 1, 2**63 - 2, 2**63 - 1])
    assert run_op("Pow", x, y, opset=15).tolist() == [-1, 1, 1]


def test_the_sign_of_a_zero_or_infinity_to_an_integer_power() -> None:
    y = run_op("Pow", np.array([-0.0, -0.0, -0.0, -np.inf], np.float32), np.array([3, 2, -1, 3]), opset=15)
    assert y.tolist() == [0, 0, -np.inf, -np.inf]
    assert np.signbit(y).tolist() == [True, False, True, True]
