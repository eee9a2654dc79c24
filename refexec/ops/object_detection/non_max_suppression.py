"""NonMaxSuppression."""

import numpy as np

from refexec.comparison import discrete
from refexec.errors import require
from refexec.ops.common import Array, scalar
from refexec.registry import op
from refexec.values import round_to


@op("NonMaxSuppression", since=10, also=(11,), arithmetic="exact", compare=discrete())
def non_max_suppression_10(
    boxes, scores, max_output_boxes_per_class=None, iou_threshold=None, score_threshold=None, /, *, ctx, center_point_box=0
):
    """[batch, class, box] of the boxes that are kept: by descending score, each that overlaps no box kept before it by more than
    ``iou_threshold`` (IoU = area of the intersection / area of the union).

    A score below ``score_threshold`` is out, one equal to it is in. Of equal scores the lower index comes first; a NaN score is
    never kept. Boxes without area overlap nothing. No maximum, or 0, means no output.
    """
    require(boxes.ndim == 3 and boxes.shape[2] == 4, "boxes are [num_batches, spatial_dimension, 4]", boxes=boxes.shape)
    fits = scores.ndim == 3 and scores.shape[::2] == boxes.shape[:2]
    require(fits, "scores are [num_batches, num_classes, spatial_dimension]", scores=scores.shape, boxes=boxes.shape)
    require(center_point_box in (0, 1), "center_point_box is 0 or 1", center_point_box=center_point_box)
    most = 0 if max_output_boxes_per_class is None else scalar(max_output_boxes_per_class, "max_output_boxes_per_class")
    overlap = 0.0 if iou_threshold is None else scalar(iou_threshold, "iou_threshold")
    require(0 <= overlap <= 1, "iou_threshold is in [0, 1]", iou_threshold=overlap)
    least = -np.inf if score_threshold is None else scalar(score_threshold, "score_threshold")
    found = [np.zeros((0, 3), np.int64)]
    for batch, of_batch in enumerate(scores if most > 0 else ()):
        low, high = corners(boxes[batch].astype(np.float64), center_point_box)
        for label, of_class in enumerate(of_batch):
            candidates = np.argsort(-of_class, kind="stable")
            candidates = candidates[of_class[candidates] >= least]
            kept = selected(candidates, low, high, most, overlap, boxes.dtype, ctx)
            found.append(np.array([(batch, label, box) for box in kept], np.int64).reshape(-1, 3))
    return np.concatenate(found)


def corners(boxes: Array, center_point_box: int) -> tuple[Array, Array]:
    """The lowest and the highest corner of each box; any two opposite corners may be given."""
    if center_point_box:
        return boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    return np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])


def area(sides: Array) -> Array:
    return sides[:, 0] * sides[:, 1]


def selected(order: Array, low: Array, high: Array, most: int, overlap: float, dtype, ctx) -> list[int]:
    """The indices in ``order`` that are kept. The IoU is rounded once to the type of the boxes, as the threshold is."""
    kept = []
    areas = area(high - low)
    while order.size and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(int(best))
        ctx.trip(len(kept))
        sides = np.minimum(high[best], high[order]) - np.maximum(low[best], low[order])
        shared = area(np.maximum(sides, 0))
        union = areas[best] + areas[order] - shared
        ratio = np.divide(shared, union, out=np.zeros_like(shared), where=(shared > 0) & (union > 0))
        order = order[~(round_to(ratio, dtype) > overlap)]
    return kept
