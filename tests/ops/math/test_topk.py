"""TopK."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import margin

X = np.array([[3, 1, 4, 1], [5, 9, 2, 6]], np.float32)


def k(value: int) -> np.ndarray:
    return np.array([value], np.int64)


@pytest.mark.parametrize("opset", [10, 11, 24])
def test_the_largest_come_in_descending_order(opset: int) -> None:
    values, indices = run_op("TopK", X, k(2), opset=opset)
    assert values.tolist() == [[4, 3], [9, 6]] and indices.tolist() == [[2, 0], [1, 3]]
    values, indices = run_op("TopK", X, k(1), opset=opset, axis=0)
    assert values.tolist() == [[5, 9, 4, 6]] and indices.tolist() == [[1, 1, 0, 1]]
    assert indices.dtype == np.int64


def test_version_1_has_k_as_an_attribute() -> None:
    values, indices = run_op("TopK", X, opset=1, k=3)
    assert values.tolist() == [[4, 3, 1], [9, 6, 5]] and indices.tolist() == [[2, 0, 1], [1, 3, 0]]


def test_the_least_come_in_ascending_order() -> None:
    values, indices = run_op("TopK", X, k(3), largest=0, axis=-1)
    assert values.tolist() == [[1, 1, 3], [2, 5, 6]] and indices.tolist() == [[1, 3, 0], [2, 0, 3]]


@pytest.mark.parametrize("largest", [0, 1])
def test_of_equal_values_the_lower_index_comes_first(largest: int) -> None:
    _, indices = run_op("TopK", np.array([7, 7, 7, 7], np.int64), k(3), largest=largest)
    assert indices.tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32])
def test_nan_is_larger_than_all(dtype: Any) -> None:
    x = np.array([1, math.nan, 3], dtype)
    assert run_op("TopK", x, k(2))[1].tolist() == [1, 2]
    assert run_op("TopK", x, k(2), largest=0)[1].tolist() == [0, 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64, ml_dtypes.bfloat16])
def test_values_keep_their_type(dtype: Any) -> None:
    values, indices = run_op("TopK", np.array([3, 200, 0], dtype), k(2))
    assert values.dtype == dtype and values.tolist() == [200, 3] and indices.tolist() == [1, 0]


def test_large_integers_are_told_apart() -> None:
    assert run_op("TopK", np.array([2**62, 2**62 + 1], np.int64), k(1))[1].tolist() == [1]


def test_k_may_be_0_or_all() -> None:
    assert run_op("TopK", X, k(0))[0].shape == (2, 0)
    assert run_op("TopK", X, k(4), sorted=0)[0].tolist() == [[4, 3, 1, 1], [9, 6, 5, 2]]


def test_k_is_at_most_the_size_of_the_axis_and_not_negative() -> None:
    for value in (5, -1):
        with pytest.raises(RuleViolation, match="K is not negative and at most the size of axis"):
            run_op("TopK", X, k(value))


def test_k_is_positive_before_version_10() -> None:
    for value in (0, -1):
        with pytest.raises(RuleViolation, match="k is positive"):
            run_op("TopK", X, opset=1, k=value)


def test_the_margin_is_the_distance_to_the_neighbours_in_order() -> None:
    assert margin("TopK", X, k(2), opset=24, outputs=2).tolist() == [[1, 1], [3, 1]]
    assert margin("TopK", X, k(1), opset=24, outputs=2, largest=0).tolist() == [[0], [3]]
    assert margin("TopK", X, k(1), opset=24, outputs=2, axis=0).tolist() == [[2, 8, 2, 5]]
    assert margin("TopK", X[0, :2], opset=1, outputs=2, k=2).tolist() == [2, 2]
