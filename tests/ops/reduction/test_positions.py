"""ArgMax, ArgMin."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import margin

X = np.array([[2, 9, 9], [4, 1, 1]], np.float32)


def test_the_index_is_that_of_the_first_of_equal_elements() -> None:
    assert run_op("ArgMax", X, axis=1).tolist() == [[1], [0]]
    assert run_op("ArgMin", X, axis=-1, keepdims=0).tolist() == [0, 1]
    assert run_op("ArgMax", X).tolist() == [[1, 0, 0]]
    assert run_op("ArgMin", X).dtype == np.int64


def test_the_index_is_that_of_the_last_if_so_asked() -> None:
    assert run_op("ArgMax", X, axis=1, select_last_index=1).tolist() == [[2], [0]]
    assert run_op("ArgMin", X, axis=1, select_last_index=1, keepdims=0).tolist() == [0, 2]


@pytest.mark.parametrize("opset", [1, 11])
def test_before_12_there_is_no_choice_of_the_last(opset: int) -> None:
    assert run_op("ArgMax", X, opset=opset, axis=1).tolist() == [[1], [0]]
    assert run_op("ArgMin", X, opset=opset, axis=-1, keepdims=0).tolist() == [0, 1]


def test_every_numeric_type_has_an_extreme_position() -> None:
    assert run_op("ArgMax", np.array([2**62, 2**62 + 1], np.int64)).tolist() == [1]
    assert run_op("ArgMin", np.array([3, 1, 2], ml_dtypes.bfloat16)).tolist() == [1]
    assert run_op("ArgMax", np.array([3, 200, 2], np.uint8), opset=1).tolist() == [1]


def test_nan_counts_as_the_extreme() -> None:
    x = np.array([1, math.nan, 5], np.float32)
    assert run_op("ArgMax", x).tolist() == [1]
    assert run_op("ArgMin", x).tolist() == [1]


def test_an_empty_axis_has_no_extreme() -> None:
    with pytest.raises(RuleViolation, match="the axis is not empty"):
        run_op("ArgMax", np.zeros((2, 0), np.float32), axis=1)
    assert run_op("ArgMax", np.zeros((2, 0), np.float32), axis=0).shape == (1, 0)


def test_a_scalar_has_no_axis() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("ArgMax", np.array(1, np.float32))


def test_the_margin_is_the_lead_over_the_next_best() -> None:
    assert margin("ArgMax", X, opset=13, axis=1).tolist() == [[0], [3]]
    assert margin("ArgMin", X, opset=13, axis=1, keepdims=0).tolist() == [7, 0]
    assert margin("ArgMax", X[:1], opset=13, axis=0).tolist() == [[math.inf] * 3]
    assert margin("ArgMax", np.array([0, 4], np.int64), opset=13).tolist() == [4]
