"""ReduceLogSum, ReduceLogSumExp."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

U = 2.0**-24
LOG2 = float(np.float32(math.log(2)))


def axes(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize("opset", [1, 11, 13, 18, 28])
def test_the_log_of_a_sum_and_of_a_sum_of_exponentials(opset: int) -> None:
    x = np.array([[0.5, 1.5], [0, 1]], np.float32)
    how: dict[str, Any] = {"axes": [1]} if opset < 18 else {}
    given = () if opset < 18 else (axes(1),)
    assert run_op("ReduceLogSum", x, *given, opset=opset, **how).tolist() == [[LOG2], [0]]
    y = run_op("ReduceLogSumExp", x * 0, *given, opset=opset, keepdims=0, **how)
    assert y.tolist() == [LOG2, LOG2]


def test_over_no_element_both_are_minus_infinity() -> None:
    for name in ("ReduceLogSum", "ReduceLogSumExp"):
        assert run_op(name, np.zeros((2, 0), np.float32), axes(1)).tolist() == [[-math.inf]] * 2


def test_a_no_op_still_takes_the_logarithm() -> None:
    assert run_op("ReduceLogSum", f32(1, 2), axes(), noop_with_empty_axes=1).tolist() == [0, LOG2]
    assert run_op("ReduceLogSumExp", f32(1, 2), axes(), noop_with_empty_axes=1).tolist() == [1, 2]


def test_exponentials_neither_overflow_nor_underflow() -> None:
    assert run_op("ReduceLogSumExp", f32(1000, 1000)).tolist() == [float(np.float32(1000 + math.log(2)))]
    assert run_op("ReduceLogSumExp", f32(-1000, -1000)).tolist() == [float(np.float32(-1000 + math.log(2)))]


def test_infinities_and_nan_in_a_log_of_exponentials() -> None:
    assert run_op("ReduceLogSumExp", f32(-math.inf, -math.inf)).tolist() == [-math.inf]
    assert run_op("ReduceLogSumExp", f32(math.inf, -math.inf)).tolist() == [math.inf]
    assert run_op("ReduceLogSumExp", f32(-math.inf, 3)).tolist() == [3]
    assert np.isnan(run_op("ReduceLogSumExp", f32(math.inf, math.nan))).all()


def test_the_log_of_a_negative_sum_is_nan_and_of_zero_minus_infinity() -> None:
    assert np.isnan(run_op("ReduceLogSum", f32(1, -2))).all()
    assert run_op("ReduceLogSum", f32(1, -1)).tolist() == [-math.inf]


def test_integer_logarithms_are_truncated_toward_zero() -> None:
    assert run_op("ReduceLogSum", np.array([4, 4], np.int32), opset=18).tolist() == [2]  # log 8 = 2.08
    assert run_op("ReduceLogSum", np.array([2**62, 2**62], np.int64), opset=13).tolist() == [43]  # log 2^63 = 43.7, no overflow
    y = run_op("ReduceLogSumExp", np.array([[2, 2], [-2, -2]], np.int32), axes(1), opset=18, keepdims=0)
    assert y.dtype == np.int32 and y.tolist() == [2, -1]  # 2 + 0.69, -2 + 0.69


def test_the_log_of_an_integer_sum_of_zero_or_less_is_refused() -> None:
    with pytest.raises(RuleViolation, match="the sum is greater than 0"):
        run_op("ReduceLogSum", np.array([1, -1], np.int32), opset=18)


def test_integer_exponentials_over_no_element_are_refused() -> None:
    with pytest.raises(RuleViolation, match="over one element or more"):
        run_op("ReduceLogSumExp", np.zeros((0,), np.int32), opset=18)


def test_the_bound_of_a_log_of_a_sum_grows_with_cancellation() -> None:
    (steady,) = bounds("ReduceLogSum", f32(1, 2), opset=18)
    (cancelled,) = bounds("ReduceLogSum", f32(1001, -998), opset=18)
    assert steady < 20 * U < 2000 * U < cancelled < 1e-3
    assert np.isinf(bounds("ReduceLogSum", f32(1, -1), opset=18)[0])
    assert bounds("ReduceLogSum", np.array([1]), opset=18, dtype="int64") == (None,)


def test_the_bound_of_a_log_of_exponentials_is_that_of_the_largest_difference() -> None:
    (bound,) = bounds("ReduceLogSumExp", f32(-100, 0), opset=18)
    assert bound == pytest.approx([(200 + 2 + 8) * U])
    assert bounds("ReduceLogSumExp", np.array([1]), opset=18, dtype="int64") == (None,)
