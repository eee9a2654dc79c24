"""RoiAlign, on images whose elements are a linear function of their position: interpolation then gives that function."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

ZERO = np.zeros(1, np.int64)
PLANE = np.add.outer(10 * np.arange(8.0), np.arange(8.0)).astype(np.float32)[None, None]  # 10 y + x


def align(*rois: Any, X: Any = PLANE, opset: int = 22, batch: Any = None, dtype: Any = np.float32, **attributes: Any) -> Any:
    batch = np.zeros(len(rois), np.int64) if batch is None else np.array(batch, np.int64)
    y = run_op("RoiAlign", X.astype(dtype), np.array(rois, dtype).reshape(-1, 4), batch, opset=opset, **attributes)
    assert y.dtype == dtype
    return y


@pytest.mark.parametrize("opset", [16, 22])
def test_half_pixel_puts_the_middle_of_element_i_at_i_plus_a_half(opset: int) -> None:
    # region x 1..5, y 2..4, one sample in the middle of each bin: x - 0.5 = 1.5 and 3.5, y - 0.5 = 2 and 3
    y = align([1, 2, 5, 4], opset=opset, output_height=2, output_width=2, sampling_ratio=1)
    assert y.tolist() == [[[[21.5, 23.5], [31.5, 33.5]]]]


@pytest.mark.parametrize("attributes", [{"opset": 10}, {"opset": 16, "coordinate_transformation_mode": "output_half_pixel"}])
def test_without_the_shift_coordinates_are_positions(attributes: dict[str, Any]) -> None:
    y = align([1, 2, 5, 4], output_height=2, output_width=2, sampling_ratio=1, **attributes)
    assert y.tolist() == [[[[27, 29], [37, 39]]]]


def test_the_scale_comes_before_the_shift() -> None:
    assert align([2, 4, 10, 8], spatial_scale=0.5, sampling_ratio=1).item() == 10 * 2.5 + 2.5


def test_a_mean_is_over_the_samples_of_a_bin() -> None:
    x = np.array([[0, 0, 0, 0], [0, 8, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], np.float32)[None, None]
    # samples at 1 and 2 (positions 0.75 + k * 1.0 + 0.25) in each direction: 8, 0, 0, 0
    assert align([1, 1, 3, 3], X=x, sampling_ratio=2).item() == 2


def test_a_maximum_is_over_interpolated_samples() -> None:
    # samples at x = 1.25 and 2.25 of 10 y + x, y likewise: the largest is at (2.25, 2.25)
    assert align([1.25, 1.25, 3.25, 3.25], mode="max", sampling_ratio=2).item() == 10 * 2.25 + 2.25
    below = align([1.25, 1.25, 3.25, 3.25], X=-PLANE, mode="max", sampling_ratio=2).item()
    assert below == -(10 * 1.25 + 1.25)


def test_the_adaptive_number_of_samples_is_the_size_of_a_bin_rounded_up() -> None:
    x = np.zeros((1, 1, 8, 8), np.float32)
    x[0, 0, :, 3] = 6
    # one bin, 3 wide from 1.5: samples at 2, 3, 4, of which one meets column 3
    assert align([2, 2, 5, 5], X=x).item() == 2
    # 2.5 wide: again 3 samples, at 1.5 + 2.5 * (1/6, 3/6, 5/6)
    positions = [1.5 + 2.5 * k / 6 for k in (1, 3, 5)]
    mean = sum(6 * max(0, 1 - abs(p - 3)) for p in positions) / 3
    assert abs(align([2, 2, 4.5, 5], X=x).item() - mean) < 1e-6


def test_the_number_of_samples_is_decided_in_the_declared_type() -> None:
    x = np.zeros((1, 1, 8, 8), np.float32)
    x[0, 0, :, 1] = 1
    # 10 * float32(0.1) is a little above 1 and 1 in float32: one sample, at 0.5
    assert align([0, 0, 10, 10], X=x, spatial_scale=0.1, coordinate_transformation_mode="output_half_pixel").item() == pytest.approx(0.5)


def test_samples_more_than_1_outside_are_0_and_nearer_ones_take_the_border() -> None:
    ones = np.ones((1, 1, 4, 4), np.float32)
    kwargs: dict[str, Any] = {"X": ones, "sampling_ratio": 1, "coordinate_transformation_mode": "output_half_pixel"}
    assert [align([x, 1, x + 1, 2], **kwargs).item() for x in (-2.0, -1.5, 3.5, 4.0)] == [0, 1, 1, 0]
    assert [align([1, y, 2, y + 1], **kwargs).item() for y in (-2.0, -1.5, 3.5, 4.0)] == [0, 1, 1, 0]


def test_without_half_pixel_a_region_is_at_least_1_wide_and_high() -> None:
    assert align([3, 2, 1, 2], opset=10).item() == 10 * 2.5 + 3.5


def test_with_half_pixel_a_region_without_size_has_no_sample() -> None:
    assert align([3, 2, 3, 2]).item() == align([3, 3, 1, 1]).item() == 0


def test_each_region_has_its_image_and_every_channel_its_plane() -> None:
    X = np.stack([np.full((2, 4, 4), v, np.float32) for v in (1, 2)])
    X[:, 1] *= 10
    y = align([0, 0, 2, 2], [0, 0, 2, 2], X=X, batch=[1, 0])
    assert y.reshape(2, 2).tolist() == [[2, 20], [1, 10]]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_every_float_type(dtype: Any) -> None:
    assert align([1, 2, 5, 4], dtype=dtype, output_height=2, output_width=2, sampling_ratio=1).tolist() == [[[[21.5, 23.5], [31.5, 33.5]]]]


def test_no_region_no_channel_and_no_pixel_give_zeros_of_the_right_shape() -> None:
    assert align(output_height=2).shape == (0, 1, 2, 1)
    assert align([0, 0, 1, 1], X=np.zeros((1, 0, 4, 4))).shape == (1, 0, 1, 1)
    assert align([0, 0, 1, 1], X=np.zeros((1, 2, 0, 4))).tolist() == [[[[0]], [[0]]]]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"X": PLANE[0]}, r"X is \[N, C, H, W\]"),
        ({"batch": [[0]]}, r"batch_indices are \[num_rois\]"),
        ({"batch": [0, 0]}, r"rois are \[num_rois, 4\]"),
        ({"batch": [1]}, "index of an image"),
        ({"batch": [-1]}, "index of an image"),
        ({"output_height": 0}, "are positive"),
        ({"sampling_ratio": -1}, "sampling_ratio is not negative"),
        ({"mode": "sum"}, "mode is avg or max"),
        ({"coordinate_transformation_mode": "asymmetric"}, "coordinate_transformation_mode is"),
    ],
)
def test_rules(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        align([0, 0, 1, 1], **changes)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_coordinates_are_finite(bad: float) -> None:
    with pytest.raises(RuleViolation, match="finite"):
        align([0, 0, bad, 1])


def test_a_region_too_large_to_sample_meets_the_limit() -> None:
    with pytest.raises(LimitExceeded):
        align([0, 0, 1e15, 1e15], limits=Limits(tensor_bytes=1 << 24))
