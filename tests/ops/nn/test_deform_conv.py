"""DeformConv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

X = np.array([[1, 2], [3, 4]], np.float32).reshape(1, 1, 2, 2)
ONE = np.ones((1, 1, 1, 1), np.float32)


def offsets(dy: float, dx: float) -> np.ndarray:
    return np.broadcast_to(np.array([dy, dx], np.float32).reshape(1, 2, 1, 1), (1, 2, 2, 2)).copy()


@pytest.mark.parametrize("opset", [19, 22])
@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        ((0, 0), [[1, 2], [3, 4]]),
        ((0.5, 0.5), [[2.5, 1.5], [1.75, 1.0]]),
        ((-0.5, 0), [[0.5, 1.0], [2.0, 3.0]]),
        ((1.5, 0), [[1.5, 2.0], [0.0, 0.0]]),
        ((-1, 0), [[0, 0], [1, 2]]),
        ((0, -0.25), [[0.75, 1.75], [2.25, 3.75]]),
        ((7, 0), [[0, 0], [0, 0]]),
    ],
)
def test_elements_are_read_at_shifted_places_by_linear_interpolation(opset: int, shift: tuple[float, float], expected: Any) -> None:
    assert run_op("DeformConv", X, ONE, offsets(*shift), opset=opset)[0, 0].tolist() == expected


def test_a_batch_may_be_empty() -> None:
    x, offset, mask = np.zeros((0, 1, 2, 2), np.float32), np.zeros((0, 2, 2, 2), np.float32), np.ones((0, 1, 2, 2), np.float32)
    assert run_op("DeformConv", x, ONE, offset, None, mask, opset=22).shape == (0, 1, 2, 2)


def test_without_offset_it_is_conv() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(-4, 5, (2, 4, 5, 4)).astype(np.float32), rng.integers(-4, 5, (6, 2, 2, 3)).astype(np.float32)
    b = np.arange(6, dtype=np.float32)
    attributes: dict[str, Any] = {"group": 2, "pads": [1, 0, 0, 1], "strides": [2, 1]}
    expected = run_op("Conv", x, w, b, **attributes)
    offset = np.zeros((2, 2 * 6 * 2, *expected.shape[2:]), np.float32)
    assert run_op("DeformConv", x, w, offset, b, offset_group=2, **attributes).tolist() == expected.tolist()


def test_the_mask_weighs_each_element() -> None:
    x, w = np.array([[[1, 10, 100]]], np.float32), np.ones((1, 1, 2), np.float32)
    mask = np.array([[[2, 3], [4, 5]]], np.float32)  # (tap, place)
    assert run_op("DeformConv", x, w, np.zeros((1, 2, 2), np.float32), None, mask).tolist() == [[[2 + 40, 30 + 500]]]


def test_offset_groups_shift_their_own_channels() -> None:
    x = np.array([[[1, 2], [10, 20]]], np.float32)
    offset = np.array([[[0, 0], [1, 1]]], np.float32)  # the second channel is read one further
    assert run_op("DeformConv", x, np.ones((1, 2, 1), np.float32), offset, offset_group=2).tolist() == [[[21, 2]]]


@pytest.mark.parametrize("beside", [np.inf, -np.inf, np.nan])
def test_a_neighbour_without_weight_does_not_matter(beside: float) -> None:
    x = np.array([[1, beside], [3, 4]], np.float32).reshape(1, 1, 2, 2)
    assert np.array_equal(run_op("DeformConv", x, ONE, offsets(0, 0)), x, equal_nan=True)
    assert run_op("DeformConv", x, ONE, offsets(0.5, 0))[0, 0, :, 0].tolist() == [2, 1.5]


def test_three_axes_are_interpolated() -> None:
    x = np.arange(8, dtype=np.float32).reshape(1, 1, 2, 2, 2)
    offset = np.full((1, 3, 1, 1, 1), 0.5, np.float32)
    y = run_op("DeformConv", x, np.ones((1, 1, 1, 1, 1), np.float32), offset, strides=[2, 2, 2])
    assert y.item() == 3.5


def test_a_place_that_is_nan_gives_nan() -> None:
    assert np.isnan(run_op("DeformConv", X, ONE, offsets(np.nan, 0))).all()
    assert run_op("DeformConv", X, ONE, offsets(np.inf, 0)).tolist() == [[[[0, 0], [0, 0]]]]


def test_an_empty_axis_reads_zeros() -> None:
    x = np.zeros((1, 1, 0), np.float32)
    y = run_op("DeformConv", x, np.ones((1, 1, 1), np.float32), np.zeros((1, 1, 2), np.float32), pads=[1, 1])
    assert y.tolist() == [[[0, 0]]]


@pytest.mark.parametrize(
    ("rule", "inputs", "attributes"),
    [
        ("C is a multiple of offset_group", (X, ONE, offsets(0, 0)), {"offset_group": 2}),
        ("offset has one value per element of each window and axis", (X, ONE, offsets(0, 0)[:, :1]), {}),
        ("mask has one value per element of each window", (X, ONE, offsets(0, 0), None, offsets(0, 0)), {}),
        ("B has one value per filter", (X, ONE, offsets(0, 0), np.zeros(2, np.float32)), {}),
    ],
)
def test_broken_rule(rule: str, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("DeformConv", *inputs, **attributes)


def test_very_many_axes_are_refused_before_their_corners_are_visited() -> None:
    rank = 25
    x = np.ones((1, 1, *(1,) * rank), np.float32)
    with pytest.raises(LimitExceeded, match="loop trips"):
        run_op("DeformConv", x, x, np.zeros((1, rank, *(1,) * rank), np.float32), limits=Limits(loop_trips=1 << 20))
