"""AveragePool, MaxPool."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

INF, NAN = math.inf, math.nan


def row(*values: float, dtype: Any = np.float32) -> np.ndarray:
    return np.array(values, dtype).reshape(1, 1, -1)


def average(x: np.ndarray, opset: int = 22, **attributes: Any) -> Any:
    return run_op("AveragePool", x, opset=opset, **attributes)[0, 0].tolist()


def maximum(x: np.ndarray, opset: int = 22, **attributes: Any) -> Any:
    return run_op("MaxPool", x, opset=opset, outputs=1, **attributes)[0, 0].tolist()


# AveragePool -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [1, 7, 10, 11, 19, 22])
def test_average_is_over_the_elements_without_padding(opset: int) -> None:
    assert average(row(1, 2, 3, 4), opset, kernel_shape=[2]) == [1.5, 2.5, 3.5]
    assert average(row(1, 2, 3, 4), opset, kernel_shape=[3], strides=[2], pads=[1, 1]) == [1.5, 3]


@pytest.mark.parametrize("opset", [7, 10, 11, 19, 22])
def test_padding_counts_when_asked(opset: int) -> None:
    assert average(row(1, 2, 6), opset, kernel_shape=[3], pads=[1, 1], count_include_pad=1) == [1, 3, 8 / np.float32(3)]


def test_what_ceil_mode_adds_never_counts() -> None:
    given: dict[str, Any] = {"kernel_shape": [3], "strides": [2], "pads": [1, 1], "ceil_mode": 1, "count_include_pad": 1}
    assert average(row(1, 2, 3, 4), **given) == [1, 3, 2]  # the last window holds 4 and one pad
    assert average(row(1, 2, 3, 4, 5), 19, kernel_shape=[4], strides=[3], ceil_mode=1) == [2.5, 4.5]


def test_averages_of_two_axes_count_both() -> None:
    x = np.array([[1, 2], [3, 10]], np.float32).reshape(1, 1, 2, 2)
    y = run_op("AveragePool", x, kernel_shape=[2, 2], pads=[0, 0, 1, 1])
    assert y.tolist() == [[[[4, 6], [6.5, 10]]]]


def test_dilated_averages_count_what_they_meet() -> None:
    assert average(row(1, 2, 3, 4, 5, 6), 19, kernel_shape=[2], dilations=[2], pads=[1, 1]) == [2, 2, 3, 4, 5, 5]
    assert average(row(1, 2, 3, 4, 5, 6), 19, kernel_shape=[2], dilations=[2], pads=[1, 1], count_include_pad=1) == [1, 2, 3, 4, 5, 2.5]


def test_averages_pass_nan_on_only_where_it_stands() -> None:
    y = average(row(1, NAN, 3, 4), kernel_shape=[2])
    assert np.isnan(y[:2]).all() and y[2] == 3.5


def test_averages_round_once() -> None:
    assert average(row(60000, 60000, dtype=np.float16), kernel_shape=[2]) == [60000]
    y = run_op("AveragePool", row(1, 1.0078125, dtype=ml_dtypes.bfloat16), kernel_shape=[2])
    assert (y.dtype, float(y[0, 0, 0])) == (ml_dtypes.bfloat16, 1.0)  # 1.00390625 is a tie, to even


@pytest.mark.parametrize("opset", [10, 19])
def test_before_22_a_window_may_lie_in_the_padding_alone(opset: int) -> None:
    given: dict[str, Any] = {"kernel_shape": [2], "strides": [2], "pads": [1, 1], "ceil_mode": 1}
    y = average(row(1, 2, 3, 4, 5), opset, **given)
    assert y[:3] == [1, 2.5, 4.5] and math.isnan(y[3])
    assert average(row(1, 2, 3, 4, 5), 22, **given) == [1, 2.5, 4.5]


def test_the_bound_of_an_average_grows_with_the_window() -> None:
    (small,), (large,) = (bounds("AveragePool", np.ones((1, 1, n), np.float32), opset=22, kernel_shape=[n]) for n in (2, 20))
    assert small.item() == pytest.approx(4 * 2**-24) and large.item() == pytest.approx(22 * 2**-24)


# MaxPool ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [1, 8, 10, 11, 12, 22])
def test_maximum_of_each_window_without_the_padding(opset: int) -> None:
    assert maximum(row(-1, -3, -2, -4), opset, kernel_shape=[2]) == [-1, -2, -2]
    assert maximum(row(-1, -3, -2, -4), opset, kernel_shape=[2], strides=[3], pads=[1, 1]) == [-1, -2]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_bytes_are_pooled_with_pads(dtype: Any) -> None:
    y = run_op("MaxPool", row(100, 0, 3, dtype=dtype), opset=12, outputs=1, kernel_shape=[2], pads=[1, 1])
    assert (y.dtype, y.tolist()) == (dtype, [[[100, 100, 3, 3]]])


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_float_types_keep_their_values(dtype: Any) -> None:
    y, at = run_op("MaxPool", row(-0.5, -INF, 2.25, dtype=dtype), opset=22, kernel_shape=[2], pads=[1, 0])
    assert (y.dtype, y.astype(float).tolist(), at.tolist()) == (dtype, [[[-0.5, -0.5, 2.25]]], [[[0, 0, 2]]])


@pytest.mark.parametrize("opset", [8, 10, 12, 22])
def test_indices_count_through_batch_and_channels(opset: int) -> None:
    x = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    y, at = run_op("MaxPool", x, opset=opset, kernel_shape=[2])
    assert (at.dtype, at.ravel().tolist(), y.ravel().tolist()) == (np.int64, [1, 3, 5, 7], [1, 3, 5, 7])


def test_indices_are_column_major_in_the_spatial_axes_when_asked() -> None:
    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    assert run_op("MaxPool", x, opset=12, kernel_shape=[2, 2])[1].ravel().tolist() == [4, 5, 7, 8]
    assert run_op("MaxPool", x, opset=12, kernel_shape=[2, 2], storage_order=1)[1].ravel().tolist() == [4, 7, 5, 8]
    two = np.concatenate([x, x], axis=1)
    assert run_op("MaxPool", two, opset=8, kernel_shape=[2, 2], storage_order=1)[1][0, 1].ravel().tolist() == [13, 16, 14, 17]


def test_indices_ignore_the_padding_and_point_to_the_first_of_equals() -> None:
    _, at = run_op("MaxPool", row(5, 5, 1, 5), opset=12, kernel_shape=[3], pads=[1, 1])
    assert at.tolist() == [[[0, 0, 1, 3]]]
    _, at = run_op("MaxPool", row(-INF, -INF), opset=12, kernel_shape=[2], pads=[1, 1])
    assert at.tolist() == [[[0, 0, 1]]]


def test_nan_is_the_maximum_and_is_pointed_at() -> None:
    for x, expected in ((row(1, NAN, 3), [1, 1]), (row(NAN, 1, NAN), [0, 2])):
        y, at = run_op("MaxPool", x, opset=12, kernel_shape=[2])
        assert np.isnan(y).all() and at[0, 0].tolist() == expected


@pytest.mark.parametrize("opset", [10, 12])
def test_before_22_a_window_of_padding_alone_has_the_least_value(opset: int) -> None:
    given: dict[str, Any] = {"kernel_shape": [2], "strides": [2], "pads": [1, 1], "ceil_mode": 1}
    y, at = run_op("MaxPool", row(1, 2, 3, 4, 5), opset=opset, **given)
    assert (y[0, 0].tolist(), at[0, 0].tolist()) == ([1, 3, 5, -INF], [0, 2, 4, -1])
    y, at = run_op("MaxPool", row(1, 2, 3, 4, 5), opset=22, **given)
    assert (y[0, 0].tolist(), at[0, 0].tolist()) == ([1, 3, 5], [0, 2, 4])


def test_an_empty_batch_is_pooled_to_nothing() -> None:
    y, at = run_op("MaxPool", np.zeros((0, 2, 4), np.float32), kernel_shape=[2])
    assert y.shape == at.shape == (0, 2, 3)


@pytest.mark.parametrize("name", ["AveragePool", "MaxPool", "LpPool"])
def test_a_pool_needs_a_spatial_axis(name: str) -> None:
    with pytest.raises(RuleViolation, match="X is"):
        run_op(name, np.zeros((2, 3), np.float32), outputs=1, kernel_shape=[1])


def test_in_the_wide_profile_doubles_are_pooled_as_they_are() -> None:
    assert run_op("MaxPool", row(1, 0.1, dtype=np.float64), outputs=1, kernel_shape=[2], pads=[1, 0], profile="wide").tolist() == [[[1, 1]]]
