"""Interpolation on one axis: where an output element lies in the input, and with which weights it mixes input elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refexec.errors import RuleViolation, require
from refexec.limits import claim
from refexec.ops.common import Array
from refexec.ops.reduction.over import total


@dataclass(frozen=True, slots=True)
class Axis:
    """One resized axis: ``length`` elements become ``resized``; ``scale`` is the wanted ratio, ``roi`` the used interval."""

    length: int
    resized: int
    scale: float
    roi: tuple[float, float] = (0.0, 1.0)

    @property
    def fractional(self) -> float:
        """The resized length before it was made an integer."""
        return self.length * self.scale


def coordinates(axis: Axis, mode: str, dtype: Any = np.float64) -> Array:
    """For each output position its coordinate in the input. ``mode`` is a coordinate_transformation_mode."""
    x = np.arange(*claim((axis.resized,), dtype), dtype=dtype)
    match mode:
        case "half_pixel":
            return (x + 0.5) / axis.scale - 0.5
        case "half_pixel_symmetric":
            adjustment = axis.resized / axis.fractional
            return axis.length / 2 * (1 - adjustment) + (x + 0.5) / axis.scale - 0.5
        case "pytorch_half_pixel":
            return (x + 0.5) / axis.scale - 0.5 if axis.resized > 1 else np.zeros_like(x)
        case "align_corners":
            return x * (axis.length - 1) / (axis.fractional - 1) if axis.fractional != 1 else np.zeros_like(x)
        case "asymmetric":
            return x / axis.scale
        case "tf_half_pixel_for_nn":
            return (x + 0.5) / axis.scale
        case "tf_crop_and_resize":
            start, end = axis.roi
            if axis.resized > 1:
                return start * (axis.length - 1) + x * (end - start) * (axis.length - 1) / (axis.resized - 1)
            return 0.5 * (start + end) * (axis.length - 1) + np.zeros_like(x)
    raise RuleViolation("coordinate_transformation_mode is one the specification names", mode=mode)


ROUNDING = {
    "round_prefer_floor": lambda v: np.ceil(v - 0.5),
    "round_prefer_ceil": lambda v: np.floor(v + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def nearest(x: Array, axis: Axis, mode: str | None) -> Array:
    """The position of the nearest input element; ``mode`` is a nearest_mode, or None for the rule before Resize-11: the
    element at or below, on a reduced axis at or above."""
    if mode is None:
        mode = "floor" if axis.scale >= 1 else "ceil"
    require(mode in ROUNDING, "nearest_mode is one the specification names", mode=mode)
    return inside(ROUNDING[mode](x), axis.length)


def inside(positions: Array, length: int) -> Array:
    """Whole numbers as positions of an axis: what is beyond it at its border, NaN at 0."""
    return np.where(positions >= 0, np.minimum(positions, length - 1), 0).astype(np.int64)


def triangle(d: Array) -> Array:
    """The linear filter: 1 at distance 0, 0 from distance 1 on."""
    return np.maximum(1 - np.abs(d), 0)


def cubic(d: Array, a: float) -> Array:
    """Keys' cubic convolution filter with coefficient ``a``, 0 from distance 2 on."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def weights(x: Array, axis: Axis, mode: str, cubic_coeff_a: float, exclude_outside: bool, antialias: bool) -> tuple[Array, Array]:
    """For each output position the input positions that it mixes and their weights, both (resized, taps).

    Positions beyond the border count as the border element, or not at all with ``exclude_outside``, where the remaining
    weights are scaled to sum 1. With ``antialias`` a reduction stretches the filter by 1 / scale.
    """
    stretch = min(axis.scale, 1.0) if antialias else 1.0
    radius = (1 if mode == "linear" else 2) / stretch
    taps = int(np.ceil(radius)) - int(np.floor(-radius))
    claim((len(x), taps), x.dtype)
    positions = np.floor(x)[:, None] + np.arange(np.floor(-radius) + 1, np.ceil(radius) + 1)
    distance = (positions - x[:, None]) * stretch
    w = triangle(distance) if mode == "linear" else cubic(distance, cubic_coeff_a)
    if exclude_outside:
        w = np.where((positions < 0) | (positions >= axis.length), 0, w)
    if exclude_outside or antialias:
        w = w / total(w, 1, keepdims=True)
    return inside(positions, axis.length), w
