"""ConvInteger, QLinearConv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import margin

X = np.arange(2, 11, dtype=np.uint8).reshape(1, 1, 3, 3)
ONES = np.ones((1, 1, 2, 2), np.uint8)


def test_the_zero_point_is_subtracted_before_the_products() -> None:
    y = run_op("ConvInteger", X, ONES, np.array(1, np.uint8))
    assert (y.dtype, y[0, 0].tolist()) == (np.int32, [[12, 16], [24, 28]])
    assert run_op("ConvInteger", X, ONES)[0, 0].tolist() == [[16, 20], [28, 32]]


def test_padding_is_the_zero_point() -> None:
    y = run_op("ConvInteger", X, ONES, np.array(1, np.uint8), pads=[1, 1, 1, 1])
    assert y[0, 0].tolist() == [[1, 3, 5, 3], [5, 12, 16, 9], [11, 24, 28, 15], [7, 15, 17, 9]]


def test_filters_may_have_a_zero_point_each() -> None:
    x, w = np.array([[[1, 2, 3]]], np.uint8), np.array([[[1, 1]], [[1, 1]]], np.uint8)
    assert run_op("ConvInteger", x, w, None, np.array([0, 1], np.uint8)).tolist() == [[[3, 5], [0, 0]]]
    assert run_op("ConvInteger", x, w, None, np.array([1], np.uint8)).tolist() == [[[0, 0], [0, 0]]]


def test_signed_and_unsigned_mix() -> None:
    y = run_op("ConvInteger", np.array([[[255, 0]]], np.uint8), np.array([[[-128]]], np.int8), np.array(128, np.uint8))
    assert y.tolist() == [[[-16256, 16384]]]


def test_sums_wrap_in_32_bits() -> None:
    n = 33026  # 33026 * 255 * 255 = 2147515650 = 2**31 + 32002
    x = np.full((1, n, 1), 255, np.uint8)
    assert run_op("ConvInteger", x, x).tolist() == [[[-(2**31) + 32002]]]


def test_groups_and_strides() -> None:
    x = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    assert run_op("ConvInteger", x, np.array([[[2]], [[3]]], np.uint8), group=2, strides=[2]).tolist() == [[[2, 6], [12, 18]]]


@pytest.mark.parametrize(
    ("rule", "points"),
    [
        ("x_zero_point is a scalar", (np.zeros(2, np.uint8), None)),
        ("w_zero_point is a scalar or has one value per filter", (None, np.zeros(2, np.uint8))),
    ],
)
def test_zero_points_of_another_shape_are_refused(rule: str, points: tuple[Any, Any]) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("ConvInteger", X, ONES, *points)
    with pytest.raises(RuleViolation, match="X is"):
        run_op("ConvInteger", np.array(1, np.uint8), np.array(1, np.uint8))


# QLinearConv -----------------------------------------------------------------------------------------------------------------


def f(*values: float) -> np.ndarray:
    return np.array(values if len(values) > 1 else values[0], np.float32)


def u8(*values: int) -> np.ndarray:
    return np.array(values if len(values) > 1 else values[0], np.uint8)


def quantized(x: Any, w: Any, x_scale: Any, x_zero: Any, w_scale: Any, w_zero: Any, y_scale: Any, y_zero: Any, B: Any = None) -> Any:
    return run_op("QLinearConv", x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, B)


def test_the_sum_is_scaled_rounded_to_even_and_shifted() -> None:
    x, w = np.array([[[1, 2, 3, 4, 5]]], np.uint8), np.array([[[1]]], np.uint8)
    # 1..5 times 1 * 1 / 2: 0.5 1 1.5 2 2.5, halves to even, plus 10
    assert quantized(x, w, f(1), u8(0), f(1), u8(0), f(2), u8(10)).tolist() == [[[10, 11, 12, 12, 12]]]


def test_it_saturates_at_both_ends() -> None:
    x, w = np.array([[[0, 255]]], np.uint8), np.array([[[127]]], np.int8)
    y = quantized(x, w, f(1), u8(128), f(1), np.array(0, np.int8), f(1), np.array(-3, np.int8))
    assert (y.dtype, y.tolist()) == (np.int8, [[[-128, 127]]])


def test_filters_may_have_a_scale_and_a_zero_point_each() -> None:
    x, w = np.array([[[4]]], np.uint8), np.array([[[3]], [[3]]], np.uint8)
    y = quantized(x, w, f(0.5), u8(0), f(1, 2), u8(1, 2), f(1), u8(0))
    assert y.tolist() == [[[4], [4]]]  # 4 * 2 * 0.5 * 1 and 4 * 1 * 0.5 * 2


def test_without_filters_the_output_is_empty() -> None:
    x, w = np.array([[[4]]], np.uint8), np.zeros((0, 1, 1), np.uint8)
    assert quantized(x, w, f(1), u8(0), f(1), u8(0), f(1), u8(0)).shape == (1, 0, 1)
    assert quantized(x, w, f(1), u8(0), np.zeros(0, np.float32), np.zeros(0, np.uint8), f(1), u8(0)).shape == (1, 0, 1)


def test_the_bias_is_an_integer_of_the_scale_of_the_products() -> None:
    x, w = np.array([[[4]]], np.uint8), np.array([[[3]]], np.uint8)
    assert quantized(x, w, f(0.5), u8(0), f(1), u8(0), f(1), u8(0), np.array([10], np.int32)).tolist() == [[[11]]]


def test_a_scale_of_zero_saturates_and_zero_over_zero_is_the_zero_point() -> None:
    x, w = np.array([[[0, 1]]], np.uint8), np.array([[[1]]], np.uint8)
    assert quantized(x, w, f(1), u8(0), f(1), u8(0), f(0), u8(7)).tolist() == [[[7, 255]]]


def test_the_margin_is_the_distance_from_a_tie() -> None:
    x, w = np.array([[[1, 2, 4]]], np.uint8), np.array([[[1]]], np.uint8)
    found = margin("QLinearConv", x, f(1), u8(0), w, f(1), u8(0), f(4), u8(0), opset=10, dtype="uint8")
    assert found.tolist() == [[[0.25, 0.0, 0.5]]]  # 0.25, 0.5 and 1 levels


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("x_zero_point is a scalar", {"x_zero": u8(0, 0)}),
        ("w_zero_point is a scalar or has one value per filter", {"w_zero": u8(0, 0, 0)}),
        ("w_scale is a scalar or has one value per filter", {"w_scale": f(1, 1, 1)}),
        ("w_scale and w_zero_point have the same shape", {"w_scale": f(1, 1)}),
        ("a scalar operand has one element", {"y_scale": f(1, 1)}),
        ("B has one value per filter", {"B": np.zeros(1, np.int32)}),
    ],
)
def test_broken_rule(rule: str, changes: dict[str, Any]) -> None:
    x, w = np.array([[[4]]], np.uint8), np.array([[[3]], [[3]]], np.uint8)
    good = {"x_scale": f(1), "x_zero": u8(0), "w_scale": f(1), "w_zero": u8(0), "y_scale": f(1), "y_zero": u8(0)}
    with pytest.raises(RuleViolation, match=rule):
        quantized(x, w, **(good | changes))
