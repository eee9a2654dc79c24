"""BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot, BitShift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_bits(dtype: Any) -> None:
    a, b = np.array([0b1100, 7], dtype), np.array([0b1010, 0], dtype)
    for name, expected in (("BitwiseAnd", [0b1000, 0]), ("BitwiseOr", [0b1110, 7]), ("BitwiseXor", [0b0110, 7])):
        y = run_op(name, a, b, opset=18)
        assert y.dtype == dtype and y.tolist() == expected
    top = np.iinfo(dtype)
    assert run_op("BitwiseNot", np.array([0, top.max], dtype), opset=18).tolist() == ([-1, top.min] if top.min else [top.max, 0])


@pytest.mark.parametrize("name", ["BitwiseAnd", "BitwiseOr", "BitwiseXor"])
def test_operands_are_broadcast(name: str) -> None:
    assert run_op(name, np.zeros((2, 1), np.int8), np.zeros(3, np.int8), opset=18).shape == (2, 3)
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op(name, np.zeros(2, np.int8), np.zeros(3, np.int8), opset=18)


@pytest.mark.parametrize("opset", [11, 28])
@pytest.mark.parametrize("dtype", INTEGERS[4:])
def test_unsigned_shifts(dtype: Any, opset: int) -> None:
    width = 8 * np.dtype(dtype).itemsize
    x = np.array([1, 4, 2**width - 1, 3], dtype)
    count = np.array([1, 2, width - 1, 0], dtype)
    assert run_op("BitShift", x, count, opset=opset, direction="LEFT").tolist() == [2, 16, 2 ** (width - 1), 3]
    assert run_op("BitShift", x, count, opset=opset, direction="RIGHT").tolist() == [0, 1, 1, 3]


@pytest.mark.parametrize("dtype", INTEGERS[:4])
def test_signed_shifts_copy_the_sign_bit_to_the_right_and_drop_it_to_the_left(dtype: Any) -> None:
    width = 8 * np.dtype(dtype).itemsize
    x, count = np.array([-8, -1, 5, 2 ** (width - 2)], dtype), np.array([1, width - 1, 2, 1], dtype)
    assert run_op("BitShift", x, count, opset=28, direction="RIGHT").tolist() == [-4, -1, 1, 2 ** (width - 3)]
    assert run_op("BitShift", x, count, opset=28, direction="LEFT").tolist() == [-16, -(2 ** (width - 1)), 20, -(2 ** (width - 1))]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_a_shift_by_the_width_or_by_a_negative_count_leaves_the_sign_only(dtype: Any) -> None:
    width = 8 * np.dtype(dtype).itemsize
    signed = np.iinfo(dtype).min < 0
    counts = [width, 100, -1, -(2**7)] if signed else [width, 100, 200, 255]
    count = np.array(counts, dtype)
    high = np.full(4, np.iinfo(dtype).max, dtype)
    for direction in ("LEFT", "RIGHT"):
        y = run_op("BitShift", high, count, opset=28, direction=direction)
        assert y.dtype == dtype and y.tolist() == [0] * 4
    if signed:
        assert run_op("BitShift", -high, count, opset=28, direction="RIGHT").tolist() == [-1] * 4
        assert run_op("BitShift", -high, count, opset=28, direction="LEFT").tolist() == [0] * 4


def test_shifts_are_broadcast() -> None:
    y = run_op("BitShift", np.array([[1], [2]], np.uint8), np.array([0, 3], np.uint8), opset=11, direction="LEFT")
    assert y.tolist() == [[1, 8], [2, 16]]


def test_there_are_two_directions() -> None:
    with pytest.raises(RuleViolation, match="direction is"):
        run_op("BitShift", np.ones(1, np.uint8), np.ones(1, np.uint8), opset=28, direction="left")
