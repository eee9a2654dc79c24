"""Shrink."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

X = np.array([-2, -0.5, -0.25, 0, 0.5, 0.75, 3, np.nan], np.float32)


def test_hard_shrinkage() -> None:
    assert run_op("Shrink", X, opset=9).tolist() == [-2, 0, 0, 0, 0, 0.75, 3, 0]


def test_soft_shrinkage() -> None:
    assert run_op("Shrink", X, opset=9, lambd=1.5, bias=1.5).tolist() == [-0.5, 0, 0, 0, 0, 0, 1.5, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_floats_are_rounded_once(dtype: Any) -> None:
    y = run_op("Shrink", np.array([1, -np.inf], dtype), opset=9, bias=0.1)
    assert y.dtype == dtype and y.tolist() == [float(dtype(1 - float(np.float32(0.1)))), -np.inf]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_signed_integers_are_moved_exactly_and_truncated(dtype: Any) -> None:
    x = np.array([-3, -2, -1, 0, 1, 2, 100], dtype)
    y = run_op("Shrink", x, opset=9, bias=1.5)
    assert y.dtype == dtype and y.tolist() == [-1, 0, 0, 0, 0, 0, 98]
    assert run_op("Shrink", x, opset=9, bias=2.0).tolist() == [-1, 0, 1, 0, -1, 0, 98]


def test_large_integers_keep_their_last_bit() -> None:
    assert run_op("Shrink", np.array([2**60 + 1]), opset=9, bias=0.5).tolist() == [2**60]
    assert run_op("Shrink", np.array([2**63 + 3], np.uint64), opset=9, bias=1.0).tolist() == [2**63 + 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_unsigned_integers_wrap_below_zero(dtype: Any) -> None:
    top = int(np.iinfo(dtype).max)
    y = run_op("Shrink", np.array([0, 1, 5], dtype), opset=9, bias=3.0)
    assert y.dtype == dtype and y.tolist() == [0, top - 1, 2]


@pytest.mark.parametrize("bias", [float("inf"), float("nan")])
def test_the_bias_of_integers_is_finite(bias: float) -> None:
    with pytest.raises(RuleViolation, match="the bias of an integer tensor is finite"):
        run_op("Shrink", np.array([1]), opset=9, bias=bias)


def test_nothing_is_known_where_the_rounding_of_the_threshold_decides() -> None:
    x = np.array([np.float16(0.1), 1], np.float16)
    (bound,) = bounds("Shrink", x, opset=9, dtype="float16", lambd=float(np.float32(0.1)), bias=0.25)
    assert bound.tolist() == [np.inf, 2.0**-11 + 2.0**-12]
