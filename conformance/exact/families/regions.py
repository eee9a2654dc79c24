"""RoiAlign."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import matrix, times, total
from conformance.exact.families.placement import built, int64s
from conformance.exact.families.sliding import quarters
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)
Region = tuple[Any, Any, Any, Any]
"""x1, y1, x2, y2."""


@dataclass(frozen=True)
class Grid:
    """The attributes; None is not given."""

    output_height: int | None = None
    output_width: int | None = None
    sampling_ratio: int | None = None
    spatial_scale: Fraction | None = None
    mode: str | None = None
    coordinate_transformation_mode: str | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return vars(self)

    def samples(self, start: Fraction, end: Fraction, count: int, since: int) -> list[list[Fraction]]:
        """The places along one axis, bin by bin: the middles of ``sampling_ratio`` parts of a bin, or of one part for each started pixel.

        Since version 16 a pixel's middle is its whole number, half a pixel less than in the image; "output_half_pixel" leaves that out.
        """
        scale = 1 if self.spatial_scale is None else self.spatial_scale
        shift = HALF if since >= 16 and self.coordinate_transformation_mode != "output_half_pixel" else Fraction(0)
        first, last = start * scale - shift, end * scale - shift
        step = (last - first) / count
        parts = self.sampling_ratio or math.ceil(step)
        return [[first + step * (b + (k + HALF) / parts) for k in range(parts)] for b in range(count)]


def _bilinear(x: Tensor, n: int, c: int, y_place: Fraction, x_place: Fraction) -> Number:
    """Between the neighbours; the cases keep all places inside the image, beyond which the text has no rule."""
    rows, columns = [(math.floor(p), math.floor(p) + 1) for p in (y_place, x_place)]
    assert 0 <= y_place <= x.shape[2] - 1
    assert 0 <= x_place <= x.shape[3] - 1
    terms = []
    for r, k in itertools.product(rows, columns):
        weight = (1 - abs(y_place - r)) * (1 - abs(x_place - k))
        if weight:
            terms.append(times(weight, x[n, c, r, k]))
    return total(terms)


def _aligned(x: Tensor, regions: Sequence[Region], images: Sequence[int], grid: Grid, since: int) -> Case:
    """The mean of the samples of each bin, or the largest of them."""
    height, width = grid.output_height or 1, grid.output_width or 1
    places = [
        (grid.samples(Fraction(y1), Fraction(y2), height, since), grid.samples(Fraction(x1), Fraction(x2), width, since))
        for x1, y1, x2, y2 in regions
    ]

    def at(i: tuple[int, ...]) -> Number:
        r, c, h, w = i
        values = [_bilinear(x, images[r], c, *p) for p in itertools.product(places[r][0][h], places[r][1][w])]
        if grid.mode == "max":
            return max(values)
        found = total(values)
        return found if isinstance(found, float) else found / len(values)

    y = built(x.type, (len(regions), x.shape[1], height, width), at)
    return Case([x, matrix(x.type, regions), int64s(images)], [y], grid.attributes)


def _images(type: str, channels: int) -> Tensor:
    """Numbers of both signs; for ``double``, which no wider type rounds, of one sign, so that no sum cancels."""
    return quarters(type, (2, channels, 4, 4)).map(lambda v: v + 9 if type == "double" else v)


REGIONS: list[Region] = [
    (HALF, HALF, Fraction(11, 4), Fraction(11, 4)), (1, Fraction(3, 4), Fraction(5, 2), Fraction(15, 8)), (Fraction(3, 4), HALF, Fraction(9, 4), Fraction(11, 4)),
]  # fmt: skip
"""Heights are multiples of 9 / 8 and widths of 3 / 2: a third of them, and a ninth of a height, is a place that every type holds."""

GRIDS = [
    Grid(), Grid(2, 2), Grid(2, 3, 1), Grid(1, 2, 2), Grid(3, 1, 3), Grid(2, 2, 0), Grid(2, 2, 2, mode="max"), Grid(1, 1, mode="max"), Grid(2, 1, 1, mode="avg"),
]  # fmt: skip


def _modes(grid: Grid, since: int) -> list[Grid]:
    """The same grid with each coordinate transformation that the version has."""
    return [grid] + [
        Grid(**{**vars(grid), "coordinate_transformation_mode": m}) for m in ("half_pixel", "output_half_pixel") if since >= 16
    ]


@oracle("RoiAlign", 10, 16, 22)
def roi_align(types: Types, since: int) -> list[Case]:
    """Regions inside the image, at least a pixel wide; half-way means; infinity and NaN; the scale; each grid of samples."""
    type = types["T1"]
    u, tiny, largest, _ = marks(type)
    shift = HALF if since >= 16 else Fraction(0)
    edges = Tensor(type, (1, 1, 2, 6), (1, 1 + u, 1 + 2 * u, tiny, 0, INF, 1, 1 + u, 1 + 2 * u, tiny, 0, NAN))
    row = [(x + shift, shift, x + 1 + shift, 1 + shift) for x in map(Fraction, range(5))]
    found = [_aligned(edges, row, [0] * 5, Grid(), since)]
    if type != "double":
        far = Tensor(type, (1, 1, 2, 2), (largest, largest, largest, largest))
        found.append(_aligned(far, row[:1], [0], Grid(1, 1, 2), since))
    for grid in GRIDS:
        found += [_aligned(_images(type, 1), REGIONS, [0, 1, 0], given, since) for given in _modes(grid, since)]
    for scale in (HALF, Fraction(1, 4), Fraction(2)):
        regions: list[Region] = [(x1 / scale, y1 / scale, x2 / scale, y2 / scale) for x1, y1, x2, y2 in REGIONS]
        found.append(_aligned(_images(type, 2), regions, [1, 0, 1], Grid(2, 2, None, scale), since))
    return found
