"""Concat, Split."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

F = np.float32
A, B = np.array([[1, 2], [3, 4]], F), np.array([[5], [6]], F)
LINE = np.array([1, 2, 3, 4, 5, 6], F)


def split(*inputs: Any, **options: Any) -> list[Any]:
    found = run_op("Split", *inputs, **options)
    return [y.tolist() for y in (found if isinstance(found, tuple) else (found,))]


# Concat ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [1, 4, 11, 13])
def test_concat_joins_along_the_axis(opset: int) -> None:
    assert run_op("Concat", A, B, opset=opset, axis=1).tolist() == [[1, 2, 5], [3, 4, 6]]
    assert run_op("Concat", A, A, opset=opset, axis=0).tolist() == [[1, 2], [3, 4], [1, 2], [3, 4]]


def test_concat_before_version_4_has_axis_1_by_default() -> None:
    assert run_op("Concat", A, B, opset=1).tolist() == [[1, 2, 5], [3, 4, 6]]


def test_concat_takes_one_input_a_negative_axis_strings_and_narrow_types() -> None:
    assert run_op("Concat", A, axis=0).tolist() == A.tolist()
    assert run_op("Concat", A, B, axis=-1).tolist() == [[1, 2, 5], [3, 4, 6]]
    assert run_op("Concat", np.array(["a"]), np.array([], object), np.array(["bc"]), axis=0).tolist() == ["a", "bc"]
    y = run_op("Concat", A.astype(ml_dtypes.bfloat16), B.astype(ml_dtypes.bfloat16), axis=1)
    assert y.dtype == ml_dtypes.bfloat16 and y.shape == (2, 3)


@pytest.mark.parametrize("other", [np.zeros((3, 1), F), np.zeros(2, F), np.zeros((2, 1, 1), F)])
def test_concat_refuses_inputs_that_differ_elsewhere(other: Any) -> None:
    with pytest.raises(RuleViolation, match="inputs differ only in the size of axis"):
        run_op("Concat", A, other, axis=1)


def test_concat_refuses_an_axis_beyond_the_rank() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("Concat", A, A, axis=2)


def test_concat_claims_its_result() -> None:
    with pytest.raises(LimitExceeded):
        run_op("Concat", np.zeros(30_000, F), np.zeros(30_000, F), axis=0, limits=Limits(tensor_bytes=200_000))


# Split -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [13, 18])
def test_split_sizes_are_an_input(opset: int) -> None:
    assert split(LINE, np.array([2, 4]), opset=opset, outputs=2) == [[1, 2], [3, 4, 5, 6]]
    assert split(LINE, np.array([0, 6]), opset=opset, outputs=2) == [[], [1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize("opset", [1, 2, 11])
def test_split_sizes_were_an_attribute(opset: int) -> None:
    assert split(LINE, opset=opset, outputs=2, split=[2, 4]) == [[1, 2], [3, 4, 5, 6]]
    assert split(A, opset=opset, outputs=2, split=[1, 1], axis=1) == [[[1], [3]], [[2], [4]]]


def test_split_in_version_1_also_has_the_sizes_as_an_input_which_wins() -> None:
    assert split(LINE, np.array([2, 4], F), opset=1, outputs=2) == [[1, 2], [3, 4, 5, 6]]
    assert split(LINE, np.array([2, 4], F), opset=1, outputs=2, split=[3, 3]) == [[1, 2], [3, 4, 5, 6]]


@pytest.mark.parametrize("sizes", [[2.5, 4.5], [np.nan, 6], [np.inf, 0]])
def test_split_in_version_1_refuses_sizes_that_are_no_whole_numbers(sizes: list[float]) -> None:
    with pytest.raises(RuleViolation, match="the sizes are whole numbers"):
        split(LINE, np.array(sizes, F), opset=1, outputs=2)


@pytest.mark.parametrize("opset", [1, 2, 11, 13])
def test_split_without_sizes_makes_equal_parts(opset: int) -> None:
    assert split(LINE, opset=opset, outputs=3) == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [[1, 2, 3, 4, 5]]),
        (2, [[1, 2, 3], [4, 5]]),
        (3, [[1, 2], [3, 4], [5]]),
        (4, [[1, 2], [3, 4], [5], []]),
    ],
)
def test_split_into_a_number_of_parts_makes_the_last_smaller(count: int, expected: Any) -> None:
    assert split(LINE[:5], num_outputs=count) == expected


def test_split_along_a_negative_axis_and_of_strings() -> None:
    assert split(A, num_outputs=2, axis=-1) == [[[1], [3]], [[2], [4]]]
    assert split(np.array(["a", "b"]), num_outputs=2) == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("sizes", "options", "rule"),
    [
        (None, {}, "either split or num_outputs is given"),
        ([3, 3], {"num_outputs": 2}, "either split or num_outputs is given"),
        (None, {"num_outputs": 3}, "num_outputs is the number of outputs"),
        ([2, 2, 2], {}, "split has one size per output"),
        ([[3, 3]], {}, "a list of integers is a 1-D tensor"),
        ([2, 2], {}, "add up to the dimension"),
        ([7, -1], {}, "add up to the dimension"),
        ([3, 3], {"axis": 1}, "axis is in"),
    ],
)
def test_split_refuses(sizes: Any, options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        split(LINE, None if sizes is None else np.array(sizes), outputs=2, **options)


@pytest.mark.parametrize("opset", [1, 2, 11, 13])
def test_split_without_sizes_needs_a_divisible_dimension(opset: int) -> None:
    with pytest.raises(RuleViolation, match="the number of outputs divides the dimension"):
        split(LINE[:5], opset=opset, outputs=2)
