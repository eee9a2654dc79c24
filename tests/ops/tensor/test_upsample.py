"""Upsample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

F = np.float32
IMAGE = np.array([[[[1, 2], [3, 4]]]], F)


def upsample(x: Any, height: float, width: float, opset: int, mode: str = "nearest") -> Any:
    if opset == 1:
        return run_op("Upsample", x, opset=1, height_scale=height, width_scale=width, mode="bilinear" if mode == "linear" else mode)
    if opset == 7:
        return run_op("Upsample", x, opset=7, scales=[1.0, 1.0, height, width], mode=mode)
    return run_op("Upsample", x, np.array([1, 1, height, width], F), opset=opset, mode=mode)


@pytest.mark.parametrize("opset", [1, 7, 9, 10])
def test_nearest_repeats_the_element_at_or_below(opset: int) -> None:
    assert upsample(IMAGE, 2, 2, opset).tolist() == [[[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]]]
    # floor(2 * 1.5) = 3 elements at 0, 2/3 and 4/3.
    assert upsample(IMAGE, 1, 1.5, opset).tolist() == [[[[1, 1, 2], [3, 3, 4]]]]


@pytest.mark.parametrize("opset", [1, 7, 9, 10])
def test_linear_has_coordinates_x_over_scale_and_repeats_the_border(opset: int) -> None:
    assert upsample(IMAGE, 2, 2, opset, "linear").tolist() == [[[[1, 1.5, 2, 2], [2, 2.5, 3, 3], [3, 3.5, 4, 4], [3, 3.5, 4, 4]]]]


def test_integers_are_moved_and_any_rank_is_scaled() -> None:
    assert run_op("Upsample", np.array([1, 2], np.int32), np.array([2], F), opset=9).tolist() == [1, 1, 2, 2]
    assert run_op("Upsample", np.array(["a", "b"]), np.array([2], F), opset=9).tolist() == ["a", "a", "b", "b"]


@pytest.mark.parametrize("opset", [1, 7, 9, 10])
def test_scales_are_at_least_1(opset: int) -> None:
    with pytest.raises(RuleViolation, match="scales are at least 1"):
        upsample(IMAGE, 0.5, 1, opset)


def test_version_1_is_of_images_in_two_modes() -> None:
    with pytest.raises(RuleViolation, match="X is \\(N, C, H, W\\)"):
        upsample(IMAGE[0], 2, 2, 1)
    with pytest.raises(RuleViolation, match="mode is nearest or bilinear"):
        run_op("Upsample", IMAGE, opset=1, height_scale=2.0, width_scale=2.0, mode="linear")


def test_there_is_one_scale_per_axis() -> None:
    with pytest.raises(RuleViolation, match="one scale or size per resized axis"):
        run_op("Upsample", IMAGE, np.array([2, 2], F), opset=9)


def test_nearest_may_not_differ_and_linear_by_little() -> None:
    for inputs, opset, attributes in (
        ((IMAGE, np.array([1, 1, 2, 2], F)), 9, {}),
        ((IMAGE,), 7, {"scales": [1.0, 1.0, 2.0, 2.0]}),
        ((IMAGE,), 1, {"height_scale": 2.0, "width_scale": 2.0}),
    ):
        assert not bounds("Upsample", *inputs, opset=opset, **attributes)[0].any()
        mode = "bilinear" if opset == 1 else "linear"
        assert 0 < bounds("Upsample", *inputs, opset=opset, mode=mode, **attributes)[0].max() < 1e-4
