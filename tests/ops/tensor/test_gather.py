"""Gather, GatherElements, GatherND."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

GRID = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)
CUBE = np.array([[[0, 1], [2, 3]], [[4, 5], [6, 7]]], np.int64)


# Gather ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [1, 11, 13])
def test_gather_replaces_the_axis_by_the_dimensions_of_the_indices(opset: int) -> None:
    y = run_op("Gather", GRID, np.array([[0, 2]]), opset=opset, axis=1)
    assert y.shape == (3, 1, 2) and y.tolist() == [[[1, 3]], [[4, 6]], [[7, 9]]]


def test_gather_with_a_scalar_index_drops_the_axis() -> None:
    assert run_op("Gather", GRID, np.array(-1), axis=-1).tolist() == [3, 6, 9]


def test_gather_of_one_element_is_a_scalar_of_any_type() -> None:
    for profile in ("reference", "wide"):
        word = run_op("Gather", np.array(["a", "b"]), np.array(-1), profile=profile)
        assert word.shape == () and word.dtype == object and word.item() == "b"
    y = run_op("Gather", np.array([1, 2], ml_dtypes.bfloat16), np.array(1))
    assert y.shape == () and y.dtype == ml_dtypes.bfloat16 and float(y) == 2
    assert run_op("Gather", np.array([1 + 2j, 3j], np.complex64), np.array(1)).tolist() == 3j


def test_gather_refuses_a_scalar() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("Gather", np.array(1.0), np.array(0))


def test_gather_takes_32_bit_indices_of_strings() -> None:
    assert run_op("Gather", np.array(["a", "b"]), np.array([1, 1, 0], np.int32)).tolist() == ["b", "b", "a"]


def test_gather_of_no_index_is_empty() -> None:
    assert run_op("Gather", GRID, np.zeros((0,), np.int64)).shape == (0, 3)


@pytest.mark.parametrize("index", [3, -4])
def test_gather_refuses_an_index_outside_the_axis(index: int) -> None:
    with pytest.raises(RuleViolation, match="indices are in"):
        run_op("Gather", GRID, np.array([0, index]))


def test_gather_refuses_an_axis_that_data_does_not_have() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("Gather", GRID, np.array([0]), axis=2)


def test_gather_claims_its_result() -> None:
    with pytest.raises(LimitExceeded):
        run_op("Gather", np.zeros((1, 1000), np.float32), np.zeros(100_000, np.int64), limits=Limits(tensor_bytes=10**8))


# GatherElements --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize(
    ("axis", "indices", "expected"),
    [
        (0, [[1, 2, 0], [2, 0, 0]], [[4, 8, 3], [7, 2, 3]]),
        (1, [[0, 0], [1, 0], [-1, 2]], [[1, 1], [5, 4], [9, 9]]),
        (-1, [[2]], [[3]]),
        (0, [[-1]], [[7]]),
        (1, [[0, 1, 2, 0, 1]], [[1, 2, 3, 1, 2]]),
    ],
)
def test_gather_elements_indexes_one_axis_and_keeps_the_place_on_the_others(opset: int, axis: int, indices: Any, expected: Any) -> None:
    assert run_op("GatherElements", GRID, np.array(indices), opset=opset, axis=axis).tolist() == expected


def test_gather_elements_of_a_vector_and_of_strings() -> None:
    assert run_op("GatherElements", np.array(["a", "b"]), np.array([1, 1, -2], np.int32)).tolist() == ["b", "b", "a"]


def test_gather_elements_of_no_index_is_empty() -> None:
    assert run_op("GatherElements", GRID, np.zeros((0, 3), np.int64)).shape == (0, 3)


@pytest.mark.parametrize(
    ("indices", "rule"),
    [
        ([0, 1], "indices has the rank of data"),
        ([[0, 0, 0, 0]], "on the other axes indices is not larger"),
        ([[3]], "indices are in"),
    ],
)
def test_gather_elements_refuses(indices: Any, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("GatherElements", GRID, np.array(indices))


def test_gather_elements_refuses_a_scalar() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("GatherElements", np.array(1.0), np.array(0))


# GatherND: the examples of the specification ---------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [11, 12, 13])
@pytest.mark.parametrize(
    ("data", "indices", "expected"),
    [
        ([[0, 1], [2, 3]], [[0, 0], [1, 1]], [0, 3]),
        ([[0, 1], [2, 3]], [[1], [0]], [[2, 3], [0, 1]]),
        (CUBE.tolist(), [[0, 1], [1, 0]], [[2, 3], [4, 5]]),
        (CUBE.tolist(), [[[0, 1]], [[1, 0]]], [[[2, 3]], [[4, 5]]]),
        ([[0, 1], [2, 3]], [-1, -2], 2),
    ],
)
def test_gather_nd_replaces_each_index_tuple(opset: int, data: Any, indices: Any, expected: Any) -> None:
    y = run_op("GatherND", np.array(data), np.array(indices), opset=opset)
    assert y.tolist() == expected and y.shape == np.shape(expected)


@pytest.mark.parametrize("opset", [12, 13])
def test_gather_nd_does_not_index_batch_axes(opset: int) -> None:
    assert run_op("GatherND", CUBE, np.array([[1], [0]]), opset=opset, batch_dims=1).tolist() == [[2, 3], [4, 5]]


def test_gather_nd_with_two_batch_axes_takes_one_element_per_row() -> None:
    assert run_op("GatherND", CUBE, np.array([[[1], [0]], [[0], [-1]]]), batch_dims=2).tolist() == [[1, 2], [4, 7]]


def test_gather_nd_of_no_tuple_is_empty() -> None:
    assert run_op("GatherND", GRID, np.zeros((0, 1), np.int64)).shape == (0, 3)


def test_gather_nd_of_one_string_and_of_bfloat16() -> None:
    assert run_op("GatherND", np.array(["a", "b"]), np.array([1])).tolist() == "b"
    y = run_op("GatherND", GRID.astype(ml_dtypes.bfloat16), np.array([[2, 2]]))
    assert y.dtype == ml_dtypes.bfloat16 and y.tolist() == [9]


@pytest.mark.parametrize(
    ("indices", "batch_dims", "rule"),
    [
        (0, 0, "have rank 1 or more"),
        ([[0, 0]], 2, "batch_dims is less than both ranks"),
        ([[0]], -1, "batch_dims is less than both ranks"),
        ([[[0]]], 1, "the batch dimensions are equal"),
        ([[0, 0, 0, 0]], 0, "an index tuple has 1 to rank"),
        (np.zeros((2, 0), np.int64), 0, "an index tuple has 1 to rank"),
        ([[0, 2]], 0, "indices are in"),
    ],
)
def test_gather_nd_refuses(indices: Any, batch_dims: int, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("GatherND", CUBE, np.array(indices), batch_dims=batch_dims)


def test_positions_are_claimed_where_there_is_no_element_to_take() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("GatherElements", np.zeros((2**42, 0)), np.zeros((2**42, 0), np.int64))
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("GatherND", np.zeros((2**42, 1, 0)), np.zeros((2**42, 0, 1), np.int64), batch_dims=1)
