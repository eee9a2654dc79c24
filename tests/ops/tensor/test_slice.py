"""Slice."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

F = np.float32
LINE = np.arange(5, dtype=F)
GRID = np.arange(20, dtype=F).reshape(4, 5)
GREAT = 2**63 - 1


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


@pytest.mark.parametrize("opset", [10, 11, 13])
@pytest.mark.parametrize(
    ("start", "end", "step", "expected"),
    [
        (1, 3, 1, [1, 2]),
        (-2, GREAT, 1, [3, 4]),
        (0, -1, 1, [0, 1, 2, 3]),
        (-100, 100, 2, [0, 2, 4]),
        (3, 1, 1, []),
        (5, 9, 1, []),
        (4, 0, -1, [4, 3, 2, 1]),
        (-1, -(2**63), -1, [4, 3, 2, 1, 0]),
        (GREAT, -100, -2, [4, 2, 0]),
        (1, 3, -1, []),
        (0, GREAT, GREAT, [0]),
        (-1, -100, -(2**63), [4]),
    ],
)
def test_start_and_end_are_clamped(opset: int, start: int, end: int, step: int, expected: list[int]) -> None:
    assert run_op("Slice", LINE, ints(start), ints(end), ints(0), ints(step), opset=opset).tolist() == expected


def test_a_start_before_the_first_element_is_the_first_for_a_negative_step() -> None:
    assert run_op("Slice", np.array([1, 2, 3], F), ints(-100), ints(-200), ints(0), ints(-1)).tolist() == [1]


@pytest.mark.parametrize("opset", [10, 11, 13])
def test_axes_come_in_any_order_and_default_to_the_first(opset: int) -> None:
    y = run_op("Slice", GRID, ints(3, 1), ints(5, 3), ints(-1, 0), opset=opset)
    assert y.tolist() == [[8, 9], [13, 14]]
    assert run_op("Slice", GRID, ints(1, 3), ints(3, 5), opset=opset).tolist() == [[8, 9], [13, 14]]
    assert run_op("Slice", GRID, ints(3), ints(4), opset=opset).tolist() == [[15, 16, 17, 18, 19]]


def test_indices_have_32_bits_or_64() -> None:
    assert run_op("Slice", LINE, np.array([1], np.int32), np.array([3], np.int32)).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "expected"),
    [([1], [3], None, [[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]), ([0, -2], [1, 9], [0, 1], [[3, 4]]), ([-9], [-9], [1], [[], [], [], []])],
)
def test_version_1_has_attributes(starts: list[int], ends: list[int], axes: list[int] | None, expected: Any) -> None:
    assert run_op("Slice", GRID, opset=1, starts=starts, ends=ends, axes=axes).tolist() == expected


def test_an_empty_axis_stays_empty() -> None:
    for step in (1, -1):
        assert run_op("Slice", np.zeros((0, 2), F), ints(0), ints(5), ints(0), ints(step)).shape == (0, 2)


def test_strings_and_bfloat16_are_moved() -> None:
    assert run_op("Slice", np.array(["a", "b", "c"]), ints(-1), ints(-4), ints(0), ints(-2)).tolist() == ["c", "a"]
    assert run_op("Slice", LINE.astype(ml_dtypes.bfloat16), ints(3), ints(4)).tolist() == [3]


@pytest.mark.parametrize(
    ("inputs", "rule"),
    [
        (([0], [1, 2], None, None), "starts, ends, axes and steps have one length"),
        (([0], [1], [0, 1], None), "starts, ends, axes and steps have one length"),
        (([0], [1], [0], [1, 1]), "starts, ends, axes and steps have one length"),
        (([0], [1], [0], [0]), "steps are not 0"),
        (([0], [1], [2], None), "axis is in"),
        (([0, 0], [1, 1], [0, -2], None), "axes are distinct"),
        (([[0]], [1], None, None), "a list of integers is a 1-D tensor"),
    ],
)
def test_refused(inputs: Any, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("Slice", GRID, *(None if v is None else np.array(v) for v in inputs))
