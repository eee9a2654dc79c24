"""Exp, Log."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op


@pytest.mark.parametrize("opset", [1, 6, 13])
def test_values(opset: int) -> None:
    np.testing.assert_array_equal(
        run_op("Exp", np.array([0, 1, -2], np.float32), opset=opset), np.array([1, math.e, math.exp(-2)], np.float32)
    )
    np.testing.assert_array_equal(
        run_op("Log", np.array([1, 10, 0.5], np.float32), opset=opset), np.array([0, math.log(10), -math.log(2)], np.float32)
    )


def test_the_ends() -> None:
    ends = np.array([-np.inf, np.inf, 1000, -1000, np.nan], np.float32)
    np.testing.assert_array_equal(run_op("Exp", ends, opset=13), np.array([0, np.inf, np.inf, 0, np.nan], np.float32))
    np.testing.assert_array_equal(
        run_op("Log", np.array([0, -0.0, np.inf, -1, np.nan], np.float32), opset=13),
        np.array([-np.inf, -np.inf, np.inf, np.nan, np.nan], np.float32),
    )


def test_half_types_are_rounded_once() -> None:
    y = run_op("Exp", np.array([1, 11], np.float16), opset=13)
    assert y.dtype == np.float16 and y.tolist() == [float(np.float16(math.e)), float(np.float16(math.exp(11)))]
    assert run_op("Exp", np.array([1], ml_dtypes.bfloat16), opset=13).astype(np.float64).tolist() == [2.71875]


def test_a_subnormal_result_is_not_flushed() -> None:
    assert run_op("Exp", np.array([-100], np.float32), opset=13)[0] == np.float32(math.exp(-100)) > 0
