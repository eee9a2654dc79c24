"""Unique."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import LimitExceeded, RuleViolation

F = np.float32


def unique(x: Any, **attributes: Any) -> list[Any]:
    return [y.tolist() for y in run_op("Unique", np.asarray(x), **attributes)]


@pytest.mark.parametrize("opset", [11, 28])
def test_without_order_values_stand_as_they_first_occur(opset: int) -> None:
    found = unique(np.array([2, 1, 1, 3, 4, 3], F), opset=opset, sorted=0)
    assert found == [[2, 1, 3, 4], [0, 1, 3, 4], [0, 1, 1, 2, 3, 2], [1, 2, 2, 1]]


@pytest.mark.parametrize("opset", [11, 28])
def test_a_tensor_is_flattened_and_sorted(opset: int) -> None:
    assert unique([[1, 3], [2, 3]], opset=opset) == [[1, 2, 3], [0, 2, 1], [0, 2, 1, 2], [1, 1, 2]]


def test_slices_along_an_axis_are_compared_as_a_whole() -> None:
    assert unique([[1, 0, 0], [1, 0, 0], [2, 3, 4]], axis=0) == [[[1, 0, 0], [2, 3, 4]], [0, 2], [0, 0, 1], [2, 1]]


@pytest.mark.parametrize("axis", [1, -2])
def test_slices_of_a_middle_axis_are_sorted_by_their_first_difference(axis: int) -> None:
    x = np.array([[[1, 1], [0, 1], [2, 1], [0, 1]]] * 2, F)
    assert unique(x, axis=axis) == [[[[0, 1], [1, 1], [2, 1]]] * 2, [1, 0, 2], [1, 0, 2, 0], [2, 1, 1]]


def test_slices_without_order_stand_as_they_first_occur() -> None:
    assert unique([[3, 1, 3], [3, 2, 3]], axis=1, sorted=0) == [[[3, 1], [3, 2]], [0, 1], [0, 1, 0], [2, 1]]


def test_negative_numbers_are_sorted_before_positive_ones_in_slices() -> None:
    assert unique([[1, 300], [-5, 2], [1, 2]], axis=0)[0] == [[-5, 2], [1, 2], [1, 300]]


def test_strings_are_sorted_by_code_point_and_bools_with_false_first() -> None:
    assert unique(["b", "ä", "a", "B", "b"]) == [["B", "a", "b", "ä"], [3, 2, 0, 1], [2, 3, 1, 0, 2], [1, 1, 2, 1]]
    assert unique([["b", "a"], ["a", "b"]], axis=0)[0] == [["a", "b"], ["b", "a"]]
    assert unique([True, False, True])[0] == [False, True]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16, np.uint64, np.int8])
def test_values_keep_their_type(dtype: Any) -> None:
    Y, *rest = run_op("Unique", np.array([3, 1, 3], dtype))
    assert Y.dtype == dtype and Y.tolist() == [1, 3] and all(r.dtype == np.int64 for r in rest)


def test_all_nan_are_one_value_and_the_greatest() -> None:
    for dtype in (F, ml_dtypes.bfloat16):
        Y, indices, inverse, counts = run_op("Unique", np.array([np.nan, 1, np.nan, np.inf], dtype))
        assert Y[:2].tolist() == [1, np.inf] and np.isnan(Y[2])
        assert (indices.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3, 0], [2, 0, 2, 1], [1, 1, 2])


def test_empty_slices_are_equal_and_an_empty_tensor_has_no_value() -> None:
    assert unique(np.zeros((3, 0), F), axis=0) == [[[]], [0], [0, 0, 0], [3]]
    assert unique(np.zeros((0, 2), F), axis=0) == [[], [], [], []]
    assert unique(np.zeros((2, 0), F)) == [[], [], [], []]


def test_a_scalar_is_one_value_and_a_single_output_is_allowed() -> None:
    assert unique(3.0) == [[3], [0], [0], [1]]
    assert run_op("Unique", np.array([2, 1, 2]), outputs=1).tolist() == [1, 2]


def test_the_axis_is_one_of_the_input() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("Unique", np.zeros((2, 2), F), axis=2)


def test_slices_without_elements_are_claimed_too() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("Unique", np.zeros((2**42, 0), np.float32), axis=0)
