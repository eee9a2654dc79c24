"""Pads, strides, dilations and the number of windows, as Conv and the pools resolve them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

ROW = np.arange(1, 7, dtype=np.float32).reshape(1, 1, 6)


def pooled(x: np.ndarray, opset: int = 12, **attributes: Any) -> Any:
    return run_op("MaxPool", x, opset=opset, outputs=1, **attributes)[0, 0].tolist()


def test_pads_are_all_begins_then_all_ends() -> None:
    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    y = run_op("MaxPool", x, opset=12, outputs=1, kernel_shape=[2, 2], pads=[1, 1, 0, 0])
    assert y[0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_the_number_of_windows_is_rounded_down() -> None:
    assert pooled(ROW, kernel_shape=[3], strides=[2]) == [3, 5]


def test_ceil_mode_rounds_the_number_of_windows_up() -> None:
    assert pooled(ROW, kernel_shape=[3], strides=[2], ceil_mode=1) == [3, 5, 6]


def test_dilations_spread_the_window() -> None:
    assert pooled(-ROW, kernel_shape=[2], dilations=[3]) == [-1, -2, -3]


@pytest.mark.parametrize(("auto_pad", "expected"), [("SAME_UPPER", [2, 4, 5]), ("SAME_LOWER", [1, 3, 5]), ("VALID", [2, 4])])
def test_auto_pad_of_an_even_kernel(auto_pad: str, expected: list[float]) -> None:
    assert pooled(ROW, kernel_shape=[2], strides=[2], auto_pad=auto_pad) == [2, 4, 6]  # six elements need no pad, five need one
    assert pooled(ROW[:, :, :5], kernel_shape=[2], strides=[2], auto_pad=auto_pad) == expected


def test_same_counts_the_dilation() -> None:
    x = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5)
    y = run_op("AveragePool", x, opset=19, kernel_shape=[3], dilations=[2], auto_pad="SAME_UPPER")
    assert y[0, 0].tolist() == [2, 3, 3, 3, 4]


def test_same_with_a_stride_above_the_kernel_pads_nothing() -> None:
    assert pooled(ROW[:, :, :5], kernel_shape=[1], strides=[3], auto_pad="SAME_UPPER") == [1, 4]


def test_same_keeps_its_size_with_ceil_mode() -> None:
    assert pooled(ROW[:, :, :5], kernel_shape=[1], strides=[3], auto_pad="SAME_UPPER", ceil_mode=1) == [1, 4]


def test_valid_rounds_up_with_ceil_mode() -> None:
    assert pooled(ROW[:, :, :5], kernel_shape=[2], strides=[2], auto_pad="VALID", ceil_mode=1) == [2, 4, 5]


def test_an_empty_auto_pad_is_notset() -> None:
    assert pooled(ROW, kernel_shape=[2], pads=[1, 0], auto_pad="") == [1, 2, 3, 4, 5, 6]


def test_a_pooling_kernel_one_larger_than_the_input_gives_an_empty_output() -> None:
    assert run_op("MaxPool", ROW[:, :, :2], outputs=1, kernel_shape=[3]).shape == (1, 1, 0)


def test_an_axis_without_elements_gives_an_axis_without_elements() -> None:
    x = np.zeros((1, 1, 0, 3), np.float32)
    assert run_op("MaxPool", x, outputs=1, kernel_shape=[1, 2], strides=[3, 1]).shape == (1, 1, 0, 2)
    assert run_op("MaxPool", x, outputs=1, kernel_shape=[2, 2], auto_pad="SAME_UPPER").shape == (1, 1, 0, 3)


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("strides and dilations have one value per spatial axis", {"kernel_shape": [2], "strides": [1, 1]}),
    ("strides and dilations are positive", {"kernel_shape": [2], "dilations": [0]}),
    ("kernel_shape has one value per spatial axis", {"kernel_shape": [2, 2]}),
    ("kernel_shape is positive", {"kernel_shape": [0]}),
    ("auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID", {"kernel_shape": [2], "auto_pad": "SAME"}),
    ("pads has a begin and an end per spatial axis", {"kernel_shape": [2], "pads": [1]}),
    ("pads are not negative", {"kernel_shape": [2], "pads": [-1, 0]}),
    ("the size of an output is not negative", {"kernel_shape": [9]}),
]


@pytest.mark.parametrize(("rule", "attributes"), BROKEN, ids=[rule for rule, _ in BROKEN])
def test_broken_rule(rule: str, attributes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation, match=rule):
        pooled(ROW, **attributes)


def test_a_kernel_of_very_many_elements_is_refused() -> None:
    x = np.zeros((1, 1, (1 << 20) + 1), np.float32)
    with pytest.raises(RuleViolation, match="no more elements than can be visited one by one"):
        run_op("Conv", x, x)


def test_padding_is_claimed_before_it_is_made() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("Conv", ROW, np.ones((1, 1, 1), np.float32), pads=[10**12, 0], strides=[10**12])
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("MaxPool", ROW, outputs=1, kernel_shape=[2], pads=[0, 10**6], limits=Limits(tensor_bytes=1 << 20))
