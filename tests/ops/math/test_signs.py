"""Abs, Neg, Sign."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from tests.ops.declared import margin

FLOATS = [np.float16, np.float32, np.float64, ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_keep_their_type_and_their_nan(dtype: Any) -> None:
    x = np.array([-1.5, 0, 2, -np.inf, np.nan], dtype)
    for name, expected in (
        ("Abs", [1.5, 0, 2, np.inf, np.nan]),
        ("Neg", [1.5, 0, -2, np.inf, np.nan]),
        ("Sign", [-1, 0, 1, -1, np.nan]),
    ):
        y = run_op(name, x, opset=13)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.astype(np.float64), np.array(expected))


@pytest.mark.parametrize("opset", [1, 6])
def test_the_first_versions(opset: int) -> None:
    x = np.array([-2, 3], np.float32)
    assert run_op("Abs", x, opset=opset).tolist() == [2, 3]
    assert run_op("Neg", x, opset=opset).tolist() == [2, -3]
    assert run_op("Sign", x, opset=9).tolist() == [-1, 1]


def test_the_least_integer_has_no_positive_counterpart() -> None:
    x = np.array([-128, -127], np.int8)
    assert run_op("Abs", x, opset=13).tolist() == [-128, 127]
    assert run_op("Neg", x, opset=13).tolist() == [-128, 127]


def test_unsigned_integers() -> None:
    x = np.array([0, 255], np.uint8)
    assert run_op("Abs", x, opset=13).tolist() == [0, 255]
    y = run_op("Sign", x, opset=13)
    assert y.dtype == np.uint8 and y.tolist() == [0, 1]


def test_a_scalar_and_nothing() -> None:
    assert run_op("Neg", np.float32(2), opset=13) == -2
    assert run_op("Abs", np.zeros((0, 3), np.float32), opset=13).shape == (0, 3)


def test_sign_may_flip_where_the_error_exceeds_the_distance_to_zero() -> None:
    assert margin("Sign", np.array([-0.25, 0, 3], np.float32), opset=13).tolist() == [0.25, 0, 3]
