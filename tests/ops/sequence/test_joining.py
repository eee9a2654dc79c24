"""ConcatFromSequence, SplitToSequence."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec.errors import LimitExceeded, RuleViolation
from refexec.limits import Limits
from tests.models import session
from tests.ops.sequence.calls import run_op

X = np.arange(10, dtype=np.float32).reshape(5, 2)
BOTH = pytest.mark.parametrize("opset", [11, 24])


def parts(*split: Any, x: Any = X, **options: Any) -> list[Any]:
    return [p.tolist() for p in run_op("SplitToSequence", x, *split, **options)]


def test_concatenation_along_an_axis_and_stacking_on_a_new_one() -> None:
    a, b = np.array([[1, 2]], np.float32), np.array([[3, 4]], np.float32)
    assert run_op("ConcatFromSequence", [a, b], axis=0).tolist() == [[1, 2], [3, 4]]
    assert run_op("ConcatFromSequence", [a, b], axis=-1).tolist() == [[1, 2, 3, 4]]
    assert run_op("ConcatFromSequence", [a[0], b[0]], axis=-1, new_axis=1).tolist() == [[1, 3], [2, 4]]
    assert run_op("ConcatFromSequence", [a[0], b[0]], axis=0, new_axis=1).tolist() == [[1, 2], [3, 4]]
    assert run_op("ConcatFromSequence", [a[0, 0], b[0, 0]], axis=0, new_axis=1).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("items", "options"),
    [([[1, 2], [[3, 4]]], {"axis": 0}), ([[[1, 2]], [[3]]], {"axis": 0}), ([[1, 2], [3]], {"axis": 0, "new_axis": 1})],
)
def test_tensors_of_other_shapes_cannot_be_joined(items: Any, options: Any) -> None:
    with pytest.raises(RuleViolation, match="one shape but for the axis"):
        run_op("ConcatFromSequence", [np.array(x, np.float32) for x in items], **options)


def test_an_empty_sequence_and_an_axis_outside_are_refused() -> None:
    with pytest.raises(RuleViolation, match="not empty"):
        session("() => (float[n] y) { s = SequenceEmpty () y = ConcatFromSequence <axis = 0> (s) }").run(None, {})
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("ConcatFromSequence", [X, X], axis=2)
    assert run_op("ConcatFromSequence", [X, X], axis=2, new_axis=1).shape == (5, 2, 2)


@BOTH
def test_a_scalar_is_the_size_of_every_part_but_the_last(opset: int) -> None:
    assert parts(np.array(2), opset=opset) == [X[:2].tolist(), X[2:4].tolist(), X[4:].tolist()]
    assert parts(np.array(9, np.int32), opset=opset) == [X.tolist()]


@BOTH
def test_sizes_of_a_list_add_up_and_may_be_zero(opset: int) -> None:
    assert parts(np.array([1, 0, 4]), opset=opset) == [X[:1].tolist(), [], X[1:].tolist()]
    assert parts(np.array([1, 1]), axis=-1, opset=opset) == [X[:, :1].tolist(), X[:, 1:].tolist()]


@BOTH
def test_without_sizes_parts_have_length_1_and_may_lose_the_axis(opset: int) -> None:
    assert parts(axis=1, opset=opset) == [X[:, :1].tolist(), X[:, 1:].tolist()]
    assert parts(axis=1, keepdims=0, opset=opset) == [X[:, 0].tolist(), X[:, 1].tolist()]
    assert parts(np.array(1), axis=1, keepdims=0, opset=opset) == [X[:, :1].tolist(), X[:, 1:].tolist()]


def test_nothing_is_split_into_nothing() -> None:
    assert parts(x=X[:0]) == [] and parts(np.array([], np.int64), x=X[:0]) == []


def test_bfloat16_needs_version_24() -> None:
    assert parts(x=X.astype(ml_dtypes.bfloat16), opset=24)[4] == [[8, 9]]


@pytest.mark.parametrize("split", [[2, 2], [6, -1]])
def test_sizes_that_do_not_add_up_are_refused(split: list[int]) -> None:
    with pytest.raises(RuleViolation, match="add up to the dimension"):
        parts(np.array(split))


def test_a_size_for_all_parts_is_positive_and_one_number() -> None:
    with pytest.raises(RuleViolation, match="positive"):
        parts(np.array(0))
    with pytest.raises(RuleViolation, match="one element"):
        parts(np.ones((1, 2), np.int64))


def test_the_number_of_parts_is_limited() -> None:
    with pytest.raises(LimitExceeded, match="sequence_len"):
        parts(limits=Limits(sequence_len=4))
