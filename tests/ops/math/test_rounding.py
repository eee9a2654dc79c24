"""Ceil, Floor, Round."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from tests.ops.declared import margin

X = [-4.5, -1.25, -0.5, 0.5, 1.5, 2.5, 3.75]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
@pytest.mark.parametrize(("name", "expected"), [
    ("Ceil", [-4, -1, 0, 1, 2, 3, 4]),
    ("Floor", [-5, -2, -1, 0, 1, 2, 3]),
    ("Round", [-4, -1, 0, 0, 2, 2, 4]),
])  # fmt: skip
def test_fractions(name: str, expected: list[float], dtype: Any) -> None:
    y = run_op(name, np.array(X, dtype), opset=22)
    assert y.dtype == dtype and y.astype(np.float64).tolist() == expected


@pytest.mark.parametrize(("name", "opset"), [("Ceil", 1), ("Ceil", 6), ("Floor", 1), ("Floor", 6), ("Round", 11)])
def test_what_is_whole_nan_or_infinite_stays(name: str, opset: int) -> None:
    x = np.array([7, -3, 2.0**60, np.inf, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(run_op(name, x, opset=opset), x)


@pytest.mark.parametrize("name", ["Ceil", "Floor", "Round"])
def test_the_sign_of_a_zero_stays(name: str) -> None:
    assert np.signbit(run_op(name, np.array([-0.0, 0.0], np.float32), opset=13)).tolist() == [True, False]


def test_small_negative_numbers_round_to_minus_zero() -> None:
    assert np.signbit(run_op("Round", np.array([-0.25], np.float32), opset=22)).all()
    assert np.signbit(run_op("Ceil", np.array([-0.25], np.float32), opset=13)).all()


def test_margins_are_distances_to_the_next_step() -> None:
    x = np.array([1.25, 2, -0.5], np.float32)
    assert margin("Floor", x, opset=13).tolist() == [0.25, 0, 0.5]
    assert margin("Ceil", x, opset=13).tolist() == [0.25, 0, 0.5]
    assert margin("Round", x, opset=22).tolist() == [0.25, 0.5, 0]
