"""Clip."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

X = np.array([-5, -1, 0, 2, 9], np.float32)
INF, NAN = np.inf, np.nan


def scalar(value: float, dtype: Any = np.float32) -> np.ndarray:
    return np.array(value, dtype)


@pytest.mark.parametrize("opset", [11, 12, 13])
def test_between_two_inputs(opset: int) -> None:
    assert run_op("Clip", X, scalar(-2), scalar(3), opset=opset).tolist() == [-2, -1, 0, 2, 3]


@pytest.mark.parametrize("opset", [1, 6])
def test_between_two_attributes(opset: int) -> None:
    assert run_op("Clip", X, opset=opset, min=-2.0, max=3.0).tolist() == [-2, -1, 0, 2, 3]


@pytest.mark.parametrize("opset", [11, 12, 13])
def test_either_bound_may_be_absent(opset: int) -> None:
    assert run_op("Clip", X, scalar(0), opset=opset).tolist() == [0, 0, 0, 2, 9]
    assert run_op("Clip", X, None, scalar(0), opset=opset).tolist() == [-5, -1, 0, 0, 0]
    assert run_op("Clip", X, opset=opset).tolist() == X.tolist()


@pytest.mark.parametrize("opset", [1, 6])
def test_either_attribute_may_be_absent(opset: int) -> None:
    assert run_op("Clip", X, opset=opset, min=0.0).tolist() == [0, 0, 0, 2, 9]
    assert run_op("Clip", X, opset=opset, max=0.0).tolist() == [-5, -1, 0, 0, 0]


@pytest.mark.parametrize("opset", [11, 12, 13])
def test_a_least_value_above_the_largest_gives_the_largest(opset: int) -> None:
    assert run_op("Clip", X, scalar(3), scalar(-2), opset=opset).tolist() == [-2] * 5


@pytest.mark.parametrize("opset", [1, 6, 11, 13])
def test_nan_stays(opset: int) -> None:
    x = np.array([NAN, 1], np.float32)
    y = run_op("Clip", x, opset=opset, min=2.0) if opset < 11 else run_op("Clip", x, scalar(2), opset=opset)
    np.testing.assert_array_equal(y, np.array([NAN, 2], np.float32))


def test_a_nan_bound_bounds_nothing() -> None:
    assert run_op("Clip", X, scalar(NAN), scalar(3), opset=13).tolist() == [-5, -1, 0, 2, 3]
    assert run_op("Clip", X, scalar(-2), scalar(NAN), opset=13).tolist() == [-2, -1, 0, 2, 9]


@pytest.mark.parametrize(
    ("dtype", "most"),
    [(np.float16, 65504), (np.float32, 2.0**128 - 2.0**104), (np.float64, np.finfo(float).max), (ml_dtypes.bfloat16, 2.0**128 - 2.0**120)],
)
def test_an_absent_bound_is_the_largest_finite_value_of_the_type(dtype: Any, most: float) -> None:
    y = run_op("Clip", np.array([INF, -INF], dtype), opset=13)
    assert y.dtype == dtype and y.astype(np.float64).tolist() == [most, -most]


def test_in_the_wide_profile_an_absent_bound_is_that_of_the_declared_type() -> None:
    assert run_op("Clip", np.array([INF], np.float16), opset=13, profile="wide").tolist() == [65504]


def test_the_absent_bound_of_version_1_is_that_of_the_type_and_of_version_6_that_of_float32() -> None:
    x = np.array([1e300])
    assert run_op("Clip", x, opset=1).tolist() == [1e300]
    assert run_op("Clip", x, opset=6).tolist() == [2.0**128 - 2.0**104]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_integers(dtype: Any) -> None:
    y = run_op("Clip", np.array([0, 5, 100], dtype), scalar(3, dtype), scalar(50, dtype), opset=12)
    assert y.dtype == dtype and y.tolist() == [3, 5, 50]
    extremes = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
    assert run_op("Clip", extremes, opset=13).tolist() == extremes.tolist()


def test_a_bound_may_have_the_shape_1() -> None:
    assert run_op("Clip", np.float32(7), np.array([1], np.float32), np.array([5], np.float32), opset=13) == 5
    assert run_op("Clip", np.zeros((2, 0), np.float32), np.array([1], np.float32), opset=13).shape == (2, 0)


@pytest.mark.parametrize("which", [0, 1])
def test_a_bound_is_one_number(which: int) -> None:
    given: list[Any] = [None, None]
    given[which] = np.zeros(2, np.float32)
    with pytest.raises(RuleViolation, match="a scalar operand has one element"):
        run_op("Clip", X, *given, opset=13)
