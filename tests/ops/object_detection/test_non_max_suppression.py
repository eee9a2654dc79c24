"""NonMaxSuppression."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

BOTH = pytest.mark.parametrize("opset", [10, 11])

# Boxes [y1, x1, y2, x2]: 1 is 0 moved by 0.1 (IoU 0.9 / 1.1), 2 is 0 moved by 0.5 (IoU 0.5 / 1.5 = 1/3), 3 is far off.
BOXES = np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 0.5, 1, 1.5], [0, 10, 1, 11]], np.float32)
SCORES = np.array([0.9, 0.75, 0.6, 0.95], np.float32)


def kept(
    boxes: Any = BOXES, scores: Any = SCORES, most: int | None = 9, iou: float | None = 0.5, score: float | None = None, **more: Any
) -> Any:
    boxes, scores = np.array(boxes, np.float32), np.array(scores, np.float32)
    boxes, scores = boxes.reshape(-1, *boxes.shape[-2:]), scores.reshape(-1, *((1,) * (scores.ndim < 2)), *scores.shape[-2:])[-3:]
    scalars = [None if v is None else np.array(v, t) for v, t in ((most, np.int64), (iou, np.float32), (score, np.float32))]
    y = run_op("NonMaxSuppression", boxes, scores.reshape(len(boxes), -1, boxes.shape[1]), *scalars, **more)
    assert y.dtype == np.int64 and y.shape[1:] == (3,)
    return y.tolist()


@BOTH
def test_boxes_that_overlap_a_better_one_are_left_out(opset: int) -> None:
    assert kept(opset=opset) == [[0, 0, 3], [0, 0, 0], [0, 0, 2]]
    assert kept(iou=0.3, opset=opset) == [[0, 0, 3], [0, 0, 0]]
    assert kept(iou=0.9, opset=opset) == [[0, 0, 3], [0, 0, 0], [0, 0, 1], [0, 0, 2]]


def test_an_overlap_equal_to_the_threshold_does_not_suppress() -> None:
    boxes, scores = [[0, 0, 1, 3], [0, 0, 1, 2], [0, 0, 1, 1]], [3, 2, 1]
    third = float(np.float32(1) / np.float32(3))
    assert kept(boxes, scores, iou=third) == [[0, 0, 0], [0, 0, 2]]  # IoU 2/3 suppresses, 1/3 is as near as float32 comes to the threshold
    assert kept(boxes, scores, iou=float(np.nextafter(np.float32(third), np.float32(0)))) == [[0, 0, 0]]
    tenths = [[0, 0, 1, 10], [0, 0, 1, 7]]
    assert kept(tenths, [2, 1], iou=0.7) == [[0, 0, 0], [0, 0, 1]]  # 0.7 in float32 is below 7 / 10


def test_a_score_below_the_threshold_is_removed_one_equal_to_it_is_not() -> None:
    scores = [0.5, 0.25, 0.5, 0.75]
    assert kept(scores=scores, score=0.5) == [[0, 0, 3], [0, 0, 0], [0, 0, 2]]
    assert kept(scores=scores, score=0.51) == [[0, 0, 3]]
    assert kept(scores=scores, score=0.76) == []


def test_the_maximum_counts_per_batch_and_class() -> None:
    boxes = np.stack([BOXES, BOXES[::-1]])
    scores = np.stack([np.stack([SCORES, -SCORES]), np.stack([SCORES, -SCORES])])
    assert kept(boxes, scores, most=1) == [[0, 0, 3], [0, 1, 2], [1, 0, 3], [1, 1, 2]]


@BOTH
@pytest.mark.parametrize("most", [None, 0, -1])
def test_no_maximum_means_no_output(opset: int, most: int | None) -> None:
    assert kept(most=most, opset=opset) == []


def test_without_an_overlap_threshold_any_overlap_suppresses() -> None:
    assert kept(iou=None) == [[0, 0, 3], [0, 0, 0]]
    assert kept([[0, 0, 1, 1], [0, 1, 1, 2]], [1, 2], iou=None) == [[0, 0, 1], [0, 0, 0]]  # touching is no overlap


def test_corners_may_come_in_any_order() -> None:
    assert kept(BOXES[:, [2, 3, 0, 1]]) == kept(BOXES[:, [0, 3, 2, 1]]) == kept()


def test_boxes_may_be_given_by_centre_and_size() -> None:
    centred = [[0.5, 0.5, 1, 1], [0.6, 0.5, 1, 1], [1.0, 0.5, 1, 1], [10.5, 0.5, 1, 1]]
    assert kept(centred, center_point_box=1) == [[0, 0, 3], [0, 0, 0], [0, 0, 2]]


def test_of_equal_scores_the_lower_index_comes_first() -> None:
    assert kept(scores=[1, 1, 1, 1]) == [[0, 0, 0], [0, 0, 2], [0, 0, 3]]


def test_a_nan_score_is_never_kept_and_boxes_without_area_overlap_nothing() -> None:
    assert kept(scores=[math.nan, 1, math.nan, 0]) == [[0, 0, 1], [0, 0, 3]]
    assert kept([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1]], [3, 2, 1], iou=0) == [[0, 0, 0], [0, 0, 1], [0, 0, 2]]


def test_no_box_gives_no_output() -> None:
    assert run_op("NonMaxSuppression", np.zeros((1, 0, 4), np.float32), np.zeros((1, 2, 0), np.float32), np.array(3)).shape == (0, 3)


def test_the_wide_profile_decides_as_float32_does() -> None:
    assert kept(profile="wide") == kept()


def test_rules() -> None:
    boxes, scores = np.zeros((1, 2, 4), np.float32), np.zeros((1, 1, 2), np.float32)
    for bad in (boxes[0], boxes[..., :3]):
        with pytest.raises(RuleViolation, match="boxes are"):
            run_op("NonMaxSuppression", bad, scores)
    for bad in (scores[0], scores[..., :1], np.zeros((2, 1, 2), np.float32)):
        with pytest.raises(RuleViolation, match="scores are"):
            run_op("NonMaxSuppression", boxes, bad)
    with pytest.raises(RuleViolation, match="center_point_box is 0 or 1"):
        run_op("NonMaxSuppression", boxes, scores, center_point_box=2)
    for iou in (-0.1, 1.1, math.nan):
        with pytest.raises(RuleViolation, match="iou_threshold is in"):
            kept(iou=iou)
