"""Tile, ReverseSequence, CenterCropPad."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

F = np.float32
PAIR = np.array([[1, 2], [3, 4]], F)


# Tile ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [6, 13])
def test_tile_repeats_along_each_axis(opset: int) -> None:
    assert run_op("Tile", PAIR, np.array([1, 2]), opset=opset).tolist() == [[1, 2, 1, 2], [3, 4, 3, 4]]
    assert run_op("Tile", PAIR, np.array([2, 1]), opset=opset).tolist() == [[1, 2], [3, 4], [1, 2], [3, 4]]


def test_tile_before_version_6_repeats_along_one_axis_named_by_a_float() -> None:
    assert run_op("Tile", PAIR, np.array(2, F), np.array([1], F), opset=1).tolist() == [[1, 2, 1, 2], [3, 4, 3, 4]]
    assert run_op("Tile", PAIR, np.array(2, F), np.array(-2, F), opset=1).tolist() == [[1, 2], [3, 4], [1, 2], [3, 4]]


def test_tile_of_strings_of_a_scalar_and_no_times() -> None:
    assert run_op("Tile", np.array(["a", "b"]), np.array([2])).tolist() == ["a", "b", "a", "b"]
    assert run_op("Tile", np.array(3.0), np.zeros(0, np.int64)).tolist() == 3
    assert run_op("Tile", PAIR.astype(ml_dtypes.bfloat16), np.array([0, 3])).shape == (0, 6)


@pytest.mark.parametrize(
    ("repeats", "rule"),
    [
        ([2], "one number per dimension"),
        ([1, -1], "repeats are not negative"),
        ([[1, 2]], "a list of integers is a 1-D tensor"),
    ],
)
def test_tile_refuses(repeats: Any, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("Tile", PAIR, np.array(repeats))


@pytest.mark.parametrize(("tiles", "axis"), [(1.5, 0), (np.nan, 0), (2, 0.5), (2, np.inf)])
def test_tile_before_version_6_refuses_fractions(tiles: float, axis: float) -> None:
    with pytest.raises(RuleViolation, match="whole numbers"):
        run_op("Tile", PAIR, np.array(tiles, F), np.array(axis, F), opset=1)


def test_tile_before_version_6_refuses_a_negative_number_of_times_and_an_axis_beyond_the_rank() -> None:
    with pytest.raises(RuleViolation, match="repeats are not negative"):
        run_op("Tile", PAIR, np.array(-1, F), np.array(0, F), opset=1)
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("Tile", PAIR, np.array(2, F), np.array(1e30, F), opset=1)
    with pytest.raises(RuleViolation, match="a scalar operand has one element"):
        run_op("Tile", PAIR, np.array([2, 2], F), np.array(0, F), opset=1)


def test_tile_claims_its_result() -> None:
    with pytest.raises(LimitExceeded):
        run_op("Tile", PAIR, np.array([1000, 1000]), limits=Limits(tensor_bytes=10**7))
    with pytest.raises(LimitExceeded):
        run_op("Tile", PAIR, np.array(1e30, F), np.array(0, F), opset=1)


# ReverseSequence -------------------------------------------------------------------------------------------------------------

SQUARE = np.arange(16, dtype=F).reshape(4, 4)


@pytest.mark.parametrize("opset", [10, 28])
def test_reverse_sequence_turns_the_first_elements_round(opset: int) -> None:
    y = run_op("ReverseSequence", SQUARE.T, np.array([4, 3, 2, 1]), opset=opset)
    assert y.tolist() == [[3, 6, 9, 12], [2, 5, 8, 13], [1, 4, 10, 14], [0, 7, 11, 15]]


@pytest.mark.parametrize("opset", [10, 28])
def test_reverse_sequence_with_the_batch_first(opset: int) -> None:
    y = run_op("ReverseSequence", SQUARE, np.array([1, 2, 3, 4]), opset=opset, batch_axis=0, time_axis=1)
    assert y.tolist() == [[0, 1, 2, 3], [5, 4, 6, 7], [10, 9, 8, 11], [15, 14, 13, 12]]


def test_reverse_sequence_moves_whole_slices() -> None:
    y = run_op("ReverseSequence", np.arange(12).reshape(3, 2, 2), np.array([3, 0]))
    assert y.tolist() == [[[8, 9], [2, 3]], [[4, 5], [6, 7]], [[0, 1], [10, 11]]]


def test_reverse_sequence_of_strings_and_of_nothing() -> None:
    y = run_op("ReverseSequence", np.array([["a", "b"], ["c", "d"]]), np.array([2, 1]))
    assert y.tolist() == [["c", "b"], ["a", "d"]]
    assert run_op("ReverseSequence", np.zeros((0, 2), F), np.array([0, 0])).shape == (0, 2)


@pytest.mark.parametrize(
    ("shape", "lengths", "axes", "rule"),
    [
        ((4,), [1], (0, 1), "input has rank 2 or more"),
        ((4, 4), [1] * 4, (0, 0), "batch_axis and time_axis are 0 and 1"),
        ((4, 4), [1] * 4, (2, 0), "batch_axis and time_axis are 0 and 1"),
        ((4, 4), [1] * 3, (1, 0), "one length per batch index"),
        ((4, 4), [1, 2, 3, 5], (1, 0), "lengths are not negative"),
        ((4, 4), [1, 2, 3, -1], (1, 0), "lengths are not negative"),
    ],
)
def test_reverse_sequence_refuses(shape: tuple[int, ...], lengths: list[int], axes: tuple[int, int], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("ReverseSequence", np.zeros(shape, F), np.array(lengths), batch_axis=axes[0], time_axis=axes[1])


# CenterCropPad ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (3, [1, 2, 3]),  # 5 - 3 = 2: one on each side
        (2, [1, 2]),  # 5 - 2 = 3: one in front, two at the end
        (5, [0, 1, 2, 3, 4]),
        (7, [9, 0, 1, 2, 3, 4, 9]),
        (8, [9, 0, 1, 2, 3, 4, 9, 9]),  # the odd element more stands at the end
        (0, []),
    ],
)
def test_center_crop_pad_cuts_or_pads_with_the_odd_element_at_the_end(size: int, expected: list[int]) -> None:
    y = run_op("CenterCropPad", np.arange(5), np.array([size]))
    assert y.tolist() == [0 if v == 9 else v for v in expected]


def test_center_crop_pad_pads_one_axis_and_cuts_another() -> None:
    y = run_op("CenterCropPad", np.array([[1, 2, 3], [4, 5, 6]], F), np.array([1, 4], np.int32), axes=[-1, 0])
    assert y.tolist() == [[0], [2], [5], [0]]


def test_center_crop_pad_pads_with_the_zero_of_the_type() -> None:
    assert run_op("CenterCropPad", np.array(["a"]), np.array([3])).tolist() == ["", "a", ""]
    assert run_op("CenterCropPad", np.array([True]), np.array([2])).tolist() == [True, False]
    assert run_op("CenterCropPad", np.array([1], ml_dtypes.bfloat16), np.array([2])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("shape", "axes", "rule"),
    [
        ([1], None, "shape has one size per axis"),
        ([1, -1], None, "sizes are not negative"),
        ([1, 1], [0, -2], "axes are distinct"),
        ([1], [2], "axis is in"),
    ],
)
def test_center_crop_pad_refuses(shape: list[int], axes: list[int] | None, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("CenterCropPad", PAIR, np.array(shape), axes=axes)


def test_center_crop_pad_claims_its_result() -> None:
    with pytest.raises(LimitExceeded):
        run_op("CenterCropPad", PAIR, np.array([2**30, 2**10]))
