"""Max, Min, Sum, Mean."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

A, B, C = (np.array(v, np.float32) for v in ([1, 5, -2], [4, 0, -3], [2, 7, -9]))


@pytest.mark.parametrize("opset", [1, 6, 8, 13])
@pytest.mark.parametrize(
    ("name", "expected"), [("Max", [4, 7, -2]), ("Min", [1, 0, -9]), ("Sum", [7, 12, -14]), ("Mean", [7 / 3, 4, -14 / 3])]
)
def test_three_inputs(name: str, opset: int, expected: list[float]) -> None:
    np.testing.assert_array_equal(run_op(name, A, B, C, opset=opset), np.array(expected, np.float32))


@pytest.mark.parametrize("opset", [1, 8, 13])
@pytest.mark.parametrize("name", ["Max", "Min", "Sum", "Mean"])
def test_one_input_is_the_result(name: str, opset: int) -> None:
    assert run_op(name, A, opset=opset).tolist() == A.tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Max", [[3, 3, 3], [3, 4, 5]]),
        ("Min", [[0, 1, 1], [1, 1, 1]]),
        ("Sum", [[4, 5, 6], [7, 8, 9]]),
        ("Mean", [[4 / 3, 5 / 3, 2], [7 / 3, 8 / 3, 3]]),
    ],
)
def test_inputs_are_broadcast_from_version_8_on(name: str, expected: list[list[float]]) -> None:
    y = run_op(name, np.arange(6, dtype=np.float32).reshape(2, 3), np.float32(1), np.array([3], np.float32), opset=8)
    np.testing.assert_array_equal(y, np.array(expected, np.float32))
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op(name, A, np.ones(2, np.float32), opset=13)


@pytest.mark.parametrize("opset", [1, 6])
@pytest.mark.parametrize("name", ["Max", "Min", "Sum", "Mean"])
def test_before_version_8_the_shapes_are_equal(name: str, opset: int) -> None:
    with pytest.raises(RuleViolation, match="all inputs have the same shape"):
        run_op(name, A, np.ones(1, np.float32), opset=opset)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
def test_nan_wins_wherever_it_is(dtype: Any) -> None:
    a, b = np.array([np.nan, 1, np.inf], dtype), np.array([1, np.nan, -np.inf], dtype)
    for name, last in (("Max", np.inf), ("Min", -np.inf)):
        y = run_op(name, a, b, opset=13)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.astype(np.float64), [np.nan, np.nan, last])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64])
def test_integers(dtype: Any) -> None:
    a, b = np.array([1, 100], dtype), np.array([7, 3], dtype)
    assert run_op("Max", a, b, opset=13).tolist() == [7, 100]
    y = run_op("Min", a, b, opset=12)
    assert y.dtype == dtype and y.tolist() == [1, 3]


def test_half_types_are_summed_wide_and_rounded_once() -> None:
    big, one = np.array([2048], np.float16), np.array([1], np.float16)
    assert run_op("Sum", big, one, one, opset=13).tolist() == [2050]
    assert run_op("Mean", big, big, np.array([60000], np.float16), opset=13).tolist() == [float(np.float16(64096 / 3))]


def test_a_mean_does_not_overflow_on_the_way() -> None:
    assert run_op("Mean", *[np.array([60000], np.float16)] * 3, opset=13).tolist() == [60000]


def test_the_bound_counts_the_inputs() -> None:
    (bound,) = bounds("Sum", A, -A, A, opset=13)
    assert bound == pytest.approx(5 * 2.0**-24 * 3 * np.abs(A))
