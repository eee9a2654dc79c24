"""Opspecs of operators on boxes."""

import numpy as np

from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import FLOAT32, INT64


@opspec("NonMaxSuppression", 10, 11)
def non_max_suppression(d: Draw) -> None:
    """Boxes have an area, no class has a score twice, and no overlap is near a threshold between 0 and 1."""
    centred = d.attr("center_point_box", [1, 0], 0) == 1
    batches, classes, count = d.integer(1, 2), d.integer(1, 2), d.integer(1, 5)
    boxes = []
    for _ in range(batches * count):
        low, size = np.array([d.integer(0, 4), d.integer(0, 4)]), np.array([d.integer(1, 4), d.integer(1, 4)])
        ends = (low, low + size) if not centred and d.flag() else (low + size, low)
        boxes.append(np.concatenate([low + size / 2, size] if centred else ends))
    step, start = d.integer(1, 6), d.integer(0, 6)
    b, c, i = np.ogrid[:batches, :classes, :count]
    scores = (i * step + b + c + start) % 7 / 8  # 7 is prime: count scores that differ

    def threshold(*options: float) -> Operand | None:
        return d.optional(lambda: d.constant(np.array(d.pick(options)), FLOAT32))

    most = d.constant(np.array(d.integer(0, 3))) if d.integer(0, 7) < 7 else None
    operands = [d.constant(np.reshape(boxes, (batches, count, 4)), FLOAT32), d.constant(scores, FLOAT32), most]
    d.emit([*operands, threshold(0.37, 0.0, 0.61, 1.0), threshold(0.25, 0.0, 0.5)], Out(INT64, (None, 3)))


@opspec("RoiAlign", 10, 16, 22)
def roi_align(d: Draw) -> None:
    """Regions are no narrower than an element, and no sample lies outside of the centres of the outer elements."""
    N, C, height, width = d.integer(1, 2), d.integer(1, 3), d.integer(2, 5), d.integer(2, 5)
    x = d.tensor(d.elem("T1"), (N, C, height, width))
    scale = d.attr("spatial_scale", [0.5, 2.0], 1.0)
    shift = 0.5 if d.attr("coordinate_transformation_mode", ["output_half_pixel", "half_pixel"], "output_half_pixel") == "half_pixel" else 0
    size = [d.attr(name, [1, 2, 3], 1) for name in ("output_height", "output_width")]
    d.attr("mode", ["max", "avg"])
    d.attr("sampling_ratio", [0, 1, 2, 3])
    rois = []
    for _ in range(d.integer(1, 3)):
        left, top = d.integer(0, width - 2), d.integer(0, height - 2)
        right, bottom = d.integer(left + 1, width - 1), d.integer(top + 1, height - 1)
        rois.append([(c + shift) / scale for c in (left, top, right, bottom)])
    images = d.tensor(INT64, (len(rois),), (0, N - 1))
    d.emit([x, d.constant(np.array(rois), x.elem), images], Out(x.elem, (len(rois), C, *size)))
