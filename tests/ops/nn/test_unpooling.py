"""MaxUnpool, MaxRoiPool."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

X = np.array([[[[1, 2], [3, 4]]]], np.float32)
AT = np.array([[[[5, 7], [13, 15]]]], np.int64)
TWO: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}


def shape(*sizes: int) -> np.ndarray:
    return np.array(sizes, np.int64)


@pytest.mark.parametrize("opset", [9, 11, 22])
def test_elements_return_to_their_indices_among_zeros(opset: int) -> None:
    y = run_op("MaxUnpool", X, AT, opset=opset, **TWO)
    assert y.tolist() == [[[[0, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 0], [0, 3, 0, 4]]]]


def test_it_undoes_max_pool() -> None:
    x = np.array([[[1, 5, 2, 3], [9, 0, 7, 8]]], np.float32)
    y, at = run_op("MaxPool", x, kernel_shape=[2], strides=[2])
    assert run_op("MaxUnpool", y, at, kernel_shape=[2], strides=[2]).tolist() == [[[0, 5, 0, 3], [9, 0, 0, 8]]]


def test_pads_make_the_output_smaller() -> None:
    y = run_op("MaxUnpool", np.array([[[1, 2]]], np.float32), np.array([[[0, 2]]]), kernel_shape=[2], strides=[2], pads=[1, 0])
    assert y.tolist() == [[[1, 0, 2]]]


def test_output_shape_adds_zeros_after_the_indices_are_used() -> None:
    y = run_op("MaxUnpool", X, AT, shape(1, 1, 5, 5), **TWO)
    assert y[0, 0].tolist() == [[0, 0, 0, 0, 0], [0, 1, 0, 2, 0], [0, 0, 0, 0, 0], [0, 3, 0, 4, 0], [0, 0, 0, 0, 0]]


def unpooled(at: list[int], size: int, **attributes: Any) -> Any:
    return run_op("MaxUnpool", np.array([[[1, 2]]], np.float32), np.array([[at]]), shape(1, 1, size), **attributes).tolist()


def test_a_smaller_output_shape_stands_for_pads() -> None:
    assert unpooled([0, 2], 3, kernel_shape=[2], strides=[2]) == [[[1, 0, 2]]]  # 2 * (2 - 1) + 2 = 4, so 1 is padding
    x = np.array([[[[1, 2], [3, 4]]]], np.float32)  # of an image of 3 x 3 that MaxPool padded by 1 at the begin of each axis
    y = run_op("MaxUnpool", x, np.array([[[[0, 1], [3, 8]]]]), shape(1, 1, 3, 3), **TWO)
    assert y.tolist() == [[[[1, 2, 0], [3, 0, 0], [0, 0, 4]]]]


def test_pads_beside_an_output_shape_are_ignored() -> None:
    assert unpooled([0, 4], 5, kernel_shape=[3], strides=[2], pads=[1, 1]) == [[[1, 0, 0, 0, 2]]]


def test_the_type_of_the_elements_is_kept() -> None:
    y = run_op("MaxUnpool", X.astype(ml_dtypes.bfloat16), AT, opset=22, **TWO)
    assert (y.dtype, float(y[0, 0, 3, 3])) == (ml_dtypes.bfloat16, 4)


@pytest.mark.parametrize(
    ("rule", "inputs", "attributes"),
    [
        ("X is (N, C, D1, ...)", (X[0, 0], AT[0, 0]), TWO),
        ("I has the shape of X", (X, AT[:, :, :1]), TWO),
        ("kernel_shape has one value per spatial axis", (X, AT), {"kernel_shape": [2]}),
        ("the size of an output is not negative", (X, AT), TWO | {"pads": [9, 0, 0, 0]}),
        ("indices are in the range of the output", (X, AT + 1), TWO),
        ("indices are in the range of the output", (X, -AT), TWO),
        ("indices are in the range of the output", (X, AT, shape(1, 1, 3, 5)), TWO),
        ("the size of an output is not negative", (X, AT, shape(1, 1, -1, 5)), TWO),
        ("output_shape is (N, C, ...)", (X, AT, shape(1, 2, 5, 5)), TWO),
        ("output_shape is (N, C, ...)", (X, AT, shape(5, 5)), TWO),
    ],
)
def test_broken_rule_of_max_unpool(rule: str, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as caught:
        run_op("MaxUnpool", *inputs, **attributes)
    assert caught.value.message == rule


def test_a_huge_output_is_refused_before_it_is_made() -> None:
    with pytest.raises(LimitExceeded):
        run_op("MaxUnpool", X, AT, shape(1, 1, 10**7, 10**7), **TWO)
    with pytest.raises(LimitExceeded):
        run_op("MaxUnpool", X, AT, kernel_shape=[2, 2], strides=[10**7, 10**7])


# MaxRoiPool ------------------------------------------------------------------------------------------------------------------

IMAGE = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6)


def pooled(*region: float, scale: float = 1.0, opset: int = 22, grid: Any = (2, 2)) -> Any:
    y = run_op("MaxRoiPool", IMAGE, np.array([region], np.float32), pooled_shape=list(grid), spatial_scale=scale, opset=opset)
    return y[0, 0].tolist()


@pytest.mark.parametrize("opset", [1, 22])
def test_each_cell_of_the_grid_has_the_maximum_under_it(opset: int) -> None:
    assert pooled(0, 0, 0, 5, 5, opset=opset) == [[14, 17], [32, 35]]
    assert pooled(0, 0, 0, 5, 5, opset=opset, grid=(1, 3)) == [[31, 33, 35]]


def test_cells_of_an_odd_region_overlap() -> None:
    assert pooled(0, 1, 1, 3, 3) == [[14, 15], [20, 21]]


def test_corners_are_scaled_and_rounded_with_halves_away_from_zero() -> None:
    assert pooled(0, 1.5, 2.5, 3.5, 4.5) == [[27, 28], [33, 34]]  # x 2..4, y 3..5
    assert pooled(0, 3, 5, 7, 9, scale=0.5) == [[27, 28], [33, 34]]
    assert pooled(0, -1.5, 0, -0.5, 0, grid=(1, 1)) == [[0]]  # x from -2 to -1: outside


def test_a_region_is_cut_to_the_image_and_cells_outside_are_0() -> None:
    assert pooled(0, 4, 4, 9, 9) == [[35, 0], [0, 0]]
    assert pooled(0, 8, 8, 9, 9) == [[0, 0], [0, 0]]


def test_a_region_with_its_ends_exchanged_is_one_element() -> None:
    assert pooled(0, 3, 2, 1, 1) == [[15, 15], [15, 15]]


def test_regions_choose_their_image_and_keep_all_channels() -> None:
    x = np.arange(8, dtype=ml_dtypes.bfloat16).reshape(2, 2, 1, 2)
    y = run_op("MaxRoiPool", x, np.array([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]], ml_dtypes.bfloat16), pooled_shape=[1, 1])
    assert (y.dtype, y.astype(float).ravel().tolist()) == (ml_dtypes.bfloat16, [5, 7, 0, 2])


@pytest.mark.parametrize(
    ("rule", "x", "rois", "grid"),
    [
        ("X is (N, C, H, W)", IMAGE[0], [[0, 0, 0, 1, 1]], [1, 1]),
        ("rois is (num_rois, 5)", IMAGE, [[0, 0, 0, 1]], [1, 1]),
        ("pooled_shape is a positive height and width", IMAGE, [[0, 0, 0, 1, 1]], [0, 1]),
        ("batch_id is in [0, N - 1]", IMAGE, [[1, 0, 0, 1, 1]], [1, 1]),
        ("a region has finite corners", IMAGE, [[0, 0, 0, np.nan, 1]], [1, 1]),
    ],
)
def test_broken_rule_of_max_roi_pool(rule: str, x: Any, rois: Any, grid: Any) -> None:
    with pytest.raises(RuleViolation) as caught:
        run_op("MaxRoiPool", x, np.array(rois, np.float32), pooled_shape=grid)
    assert caught.value.message == rule


def test_very_many_cells_are_refused_before_they_are_visited() -> None:
    with pytest.raises(LimitExceeded, match="loop trips"):
        run_op("MaxRoiPool", IMAGE, np.zeros((1, 5), np.float32), pooled_shape=[1 << 10, 1 << 10], limits=Limits(loop_trips=1 << 15))
