"""Where, Compress, NonZero, Trilu, OneHot."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.declared import margin

F = np.float32
TABLE = np.array([[1, 2], [3, 4], [5, 6]], F)


# Where -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [9, 16])
def test_where_chooses_per_element_and_broadcasts_all_three(opset: int) -> None:
    y = run_op("Where", np.array([[True], [False]]), np.array([1, 2, 3], F), np.array(9, F), opset=opset)
    assert y.dtype == F and y.tolist() == [[1, 2, 3], [9, 9, 9]]


def test_where_keeps_nan_and_the_sign_of_zero() -> None:
    y = run_op("Where", np.array([True, False]), np.array([np.nan, 1], F), np.array([1, -0.0], F))
    assert np.isnan(y[0]) and y[1] == 0 and np.signbit(y[1])


def test_where_of_strings_scalars_and_narrow_types() -> None:
    assert run_op("Where", np.array([True, False]), np.array("a"), np.array(["b", "cc"])).tolist() == ["a", "cc"]
    y = run_op("Where", np.array(False), np.array(1, ml_dtypes.bfloat16), np.array(2, ml_dtypes.bfloat16))
    assert y.dtype == ml_dtypes.bfloat16 and y.shape == () and y == 2


def test_where_refuses_shapes_that_do_not_broadcast() -> None:
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op("Where", np.array([True, False]), np.zeros(3, F), np.zeros(1, F))


# Compress --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [9, 11, 28])
def test_compress_keeps_slices_of_an_axis_or_elements_of_the_flattened_input(opset: int) -> None:
    assert run_op("Compress", TABLE, np.array([False, True, True]), opset=opset, axis=0).tolist() == [[3, 4], [5, 6]]
    assert run_op("Compress", TABLE, np.array([False, True]), opset=opset, axis=1).tolist() == [[2], [4], [6]]
    assert run_op("Compress", TABLE, np.array([False, True, False, False, True]), opset=opset).tolist() == [2, 5]


def test_compress_takes_a_negative_axis_and_conditions_of_any_length() -> None:
    assert run_op("Compress", TABLE, np.array([False, True]), axis=-1).tolist() == [[2], [4], [6]]
    assert run_op("Compress", TABLE, np.array([True]), axis=0).tolist() == [[1, 2]]
    assert run_op("Compress", TABLE, np.array([False, True, True]), axis=1).tolist() == [[2], [4], [6]]
    assert run_op("Compress", TABLE, np.zeros(0, bool), axis=0).shape == (0, 2)


def test_compress_moves_strings() -> None:
    assert run_op("Compress", np.array(["a", "b"]), np.array([False, True])).tolist() == ["b"]


def test_compress_needs_a_vector_of_conditions_and_an_axis_of_the_input() -> None:
    with pytest.raises(RuleViolation, match="condition is a vector"):
        run_op("Compress", TABLE, np.array([[True]]))
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("Compress", TABLE, np.array([True]), axis=2)


# NonZero ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [9, 13])
def test_non_zero_lists_positions_in_row_major_order_one_column_each(opset: int) -> None:
    y = run_op("NonZero", np.array([[1, 0], [1, 1]], np.int32), opset=opset)
    assert y.dtype == np.int64 and y.tolist() == [[0, 1, 1], [0, 0, 1]]


def test_non_zero_of_a_scalar_has_no_row() -> None:
    assert run_op("NonZero", np.array(5.0)).shape == (0, 1)
    assert run_op("NonZero", np.array(0.0)).shape == (0, 0)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (np.array([np.nan, 0.0, -0.0, 2.0]), [[0, 3]]),
        (np.array(["", "a"]), [[1]]),
        (np.array([True, False]), [[0]]),
        (np.array([0, 1j]), [[1]]),
        (np.array([0, 2**-133], ml_dtypes.bfloat16), [[1]]),
        (np.zeros((2, 0), F), [[], []]),
        (np.zeros(3, F), [[]]),
    ],
)
def test_non_zero_is_what_differs_from_0_false_or_the_empty_string(x: Any, expected: Any) -> None:
    assert run_op("NonZero", x).tolist() == expected


def test_non_zero_claims_eight_bytes_per_coordinate() -> None:
    with pytest.raises(LimitExceeded):
        run_op("NonZero", np.ones((100, 100, 1), bool), limits=Limits(tensor_bytes=200_000))


def test_non_zero_is_as_sure_as_the_elements_are_far_from_zero() -> None:
    assert margin("NonZero", np.array([0.5, -2.0, 0.0], F), opset=13).tolist() == [0.5, 2, 0]
    assert margin("NonZero", np.array(["a"], object), opset=13) is None


# Trilu -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "upper", "expected"),
    [
        (None, 1, [[1, 2, 3], [0, 5, 6]]),
        (1, 1, [[0, 2, 3], [0, 0, 6]]),
        (-1, 1, [[1, 2, 3], [4, 5, 6]]),
        (9, 1, [[0, 0, 0], [0, 0, 0]]),
        (None, 0, [[1, 0, 0], [4, 5, 0]]),
        (1, 0, [[1, 2, 0], [4, 5, 6]]),
        (-1, 0, [[0, 0, 0], [4, 0, 0]]),
        (-(2**63), 0, [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_trilu_keeps_what_is_on_one_side_of_a_diagonal(k: int | None, upper: int, expected: Any) -> None:
    matrix = np.array([[1, 2, 3], [4, 5, 6]])
    assert run_op("Trilu", matrix, None if k is None else np.array(k), upper=upper).tolist() == expected
    batch = run_op("Trilu", np.stack([matrix, matrix]), None if k is None else np.array([k]), upper=upper)
    assert batch.tolist() == [expected, expected]


def test_trilu_drops_nan_and_fills_with_the_zero_of_the_type() -> None:
    assert run_op("Trilu", np.full((2, 2), np.nan, F)).tolist()[1][0] == 0
    assert run_op("Trilu", np.full((2, 2), "a")).tolist() == [["a", "a"], ["", "a"]]
    assert run_op("Trilu", np.full((2, 2), True)).tolist() == [[True, True], [False, True]]
    y = run_op("Trilu", np.ones((2, 2), ml_dtypes.bfloat16))
    assert y.dtype == ml_dtypes.bfloat16 and y.tolist() == [[1, 1], [0, 1]]


def test_trilu_of_an_empty_matrix_is_empty() -> None:
    assert run_op("Trilu", np.zeros((2, 0, 3), F)).shape == (2, 0, 3)


def test_trilu_needs_a_matrix_and_one_diagonal() -> None:
    with pytest.raises(RuleViolation, match="input has rank 2 or more"):
        run_op("Trilu", np.zeros(3, F))
    with pytest.raises(RuleViolation, match="a scalar operand has one element"):
        run_op("Trilu", np.zeros((2, 2), F), np.array([0, 1]))


# OneHot ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [9, 11, 28])
@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (-1, [[[0, 1], [1, 0]], [[0, 0], [0, 1]]]),
        (0, [[[0, 1], [0, 0]], [[1, 0], [0, 1]]]),
        (1, [[[0, 1], [1, 0]], [[0, 0], [0, 1]]]),
    ],
)
def test_one_hot_adds_an_axis_with_on_at_the_index(opset: int, axis: int, expected: Any) -> None:
    y = run_op("OneHot", np.array([[1, 0], [2, 1]]), np.array(2), np.array([0, 1], F), opset=opset, axis=axis)
    assert y.dtype == F and y.tolist() == expected


def test_one_hot_counts_negative_indices_from_the_depth_from_version_11_on() -> None:
    arguments = (np.array([-1, -3, -4, 3]), np.array([3]), np.array([5, 7]))
    off = [5, 5, 5]
    assert run_op("OneHot", *arguments).tolist() == [[5, 5, 7], [7, 5, 5], off, off]
    assert run_op("OneHot", *arguments, opset=11).tolist() == [[5, 5, 7], [7, 5, 5], off, off]
    assert run_op("OneHot", *arguments, opset=9).tolist() == [off, off, off, off]


def test_one_hot_cuts_fractions_off_and_finds_no_place_for_nan() -> None:
    for opset in (9, 11):
        y = run_op("OneHot", np.array([1.9, 0.5, np.nan, np.inf]), np.array(2.9), np.array([0, 1]), opset=opset)
        assert y.tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]


def test_one_hot_holds_small_and_great_index_types_against_the_depth() -> None:
    y = run_op("OneHot", np.array([-1, 100], np.int8), np.array(300), np.array([0, 1]))
    assert np.argwhere(y).tolist() == [[0, 299], [1, 100]]
    assert run_op("OneHot", np.array([2**64 - 1, 1], np.uint64), np.array(2), np.array([0, 1])).tolist() == [[0, 0], [0, 1]]


def test_one_hot_of_strings_of_a_scalar_and_of_depth_0() -> None:
    assert run_op("OneHot", np.array(1), np.array(2), np.array(["-", "x"])).tolist() == ["-", "x"]
    assert run_op("OneHot", np.array([1, 2]), np.array(0), np.array([0, 1])).shape == (2, 0)
    assert run_op("OneHot", np.zeros((0, 3), np.int64), np.array(2), np.array([0, 1])).shape == (0, 3, 2)


@pytest.mark.parametrize(
    ("depth", "values", "axis", "rule"),
    [
        (-1, [0, 1], -1, "depth is not negative"),
        (np.nan, [0, 1], -1, "depth is not negative"),
        (2, [0, 1, 2], -1, "values has two elements"),
        (2, [0, 1], 2, "axis is in"),
        ([2, 2], [0, 1], -1, "a scalar operand has one element"),
    ],
)
def test_one_hot_refuses(depth: Any, values: Any, axis: int, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("OneHot", np.array([0]), np.array(depth), np.array(values), axis=axis)


@pytest.mark.parametrize("indices", [[0, 1], []])
def test_one_hot_claims_the_depth_before_it_computes(indices: Any) -> None:
    with pytest.raises(LimitExceeded):
        run_op("OneHot", np.array(indices, np.int64), np.array(2**40), np.array([0, 1], F))


@pytest.mark.parametrize("shape", [(2**42, 0), (0, 2**42)])
def test_trilu_claims_positions_where_there_is_no_element_to_keep(shape: tuple[int, int]) -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("Trilu", np.zeros(shape, F))
