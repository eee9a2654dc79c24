"""Resize and GridSample element by element, in Python floats: the formulas of the specification, for comparison.

Nothing here is shared with the definitions: coordinates, filters and borders are written out, and an N-D result is the sum over
all combinations of neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil, floor
from typing import Any

import numpy as np

NEAREST: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: floor(x) if x - floor(x) <= 0.5 else floor(x) + 1,
    "round_prefer_ceil": lambda x: floor(x) if x - floor(x) < 0.5 else floor(x) + 1,
    "floor": floor,
    "ceil": ceil,
}


def original(i: int, length: int, resized: int, scale: float, mode: str, roi: tuple[float, float]) -> float:
    """x_original of the specification; ``resized`` may be fractional where the text says output_width or length_resized."""
    width = length * scale
    if mode == "half_pixel":
        return (i + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        return length / 2 * (1 - resized / width) + (i + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return (i + 0.5) / scale - 0.5 if resized > 1 else 0.0
    if mode == "align_corners":
        return 0.0 if width == 1 else i * (length - 1) / (width - 1)
    if mode == "asymmetric":
        return i / scale
    if mode == "tf_half_pixel_for_nn":
        return (i + 0.5) / scale
    assert mode == "tf_crop_and_resize"
    start, end = roi
    if resized > 1:
        return start * (length - 1) + i * (end - start) * (length - 1) / (resized - 1)
    return 0.5 * (start + end) * (length - 1)


def keys(x: float, a: float) -> float:
    """Equation (4) of Keys, "Cubic convolution interpolation for digital image processing"."""
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def neighbours(x: float, length: int, mode: str, a: float, exclude: bool, stretch: float) -> list[tuple[int, float]]:
    """(index, weight) of what one coordinate mixes; ``stretch`` is 1 / scale where antialiasing widens the filter."""
    reach = ceil((1 if mode == "linear" else 2) * stretch) + 1
    found = []
    for k in range(floor(x) - reach, floor(x) + reach + 1):
        d = (k - x) / stretch
        w = max(0.0, 1 - abs(d)) if mode == "linear" else keys(d, a)
        if w and not (exclude and not 0 <= k < length):
            found.append((min(max(k, 0), length - 1), w))
    total = sum(w for _, w in found) if exclude or stretch > 1 else 1.0
    return [(k, w / total) for k, w in found]


def resize(
    X: Any, scales: Sequence[float], sizes: Sequence[int], *, coordinate: str, mode: str, nearest: str = "round_prefer_floor",
    a: float = -0.75, exclude: bool = False, antialias: bool = False, roi: Sequence[tuple[float, float]] | None = None,
    extrapolation: float = 0.0,
) -> Any:  # fmt: skip
    """Y of shape ``sizes``."""
    spans = roi or [(0.0, 1.0)] * X.ndim
    Y = np.empty(sizes)
    for at in np.ndindex(*sizes):
        x = [original(i, *of) for i, *of in zip(at, X.shape, sizes, scales, [coordinate] * X.ndim, spans, strict=True)]
        if coordinate == "tf_crop_and_resize" and any(not 0 <= v <= d - 1 for v, d in zip(x, X.shape, strict=True)):
            Y[at] = extrapolation
        elif mode == "nearest":
            Y[at] = X[tuple(min(max(NEAREST[nearest](v), 0), d - 1) for v, d in zip(x, X.shape, strict=True))]
        else:
            widen = [1 / s if antialias and s < 1 else 1.0 for s in scales]
            near = [neighbours(v, d, mode, a, exclude, w) for v, d, w in zip(x, X.shape, widen, strict=True)]
            Y[at] = sum(float(X[tuple(k for k, _ in taps)]) * np.prod([w for _, w in taps]) for taps in product(*near))
    return Y


def mirrored(k: float, low: float, high: float) -> float:
    """``k`` reflected at ``low`` and ``high``, one border after the other."""
    while low < high and not low <= k <= high:
        k = 2 * low - k if k < low else 2 * high - k
    return k if low < high else low


def grid_sample(X: Any, grid: Any, *, mode: str, padding: str, align: bool) -> Any:
    """Y of shape (N, C, O...)."""
    N, C, *spatial = X.shape
    Y = np.zeros((N, C, *grid.shape[1:-1]))

    def pixel(n: int, c: int, at: Sequence[int]) -> float:
        index = []
        for k, d in zip(at, spatial, strict=True):
            if padding == "zeros" and not 0 <= k < d:
                return 0.0
            if padding == "reflection":
                k = int(mirrored(k, 0, d - 1) if align else mirrored(k, -0.5, d - 0.5))
            index.append(min(max(k, 0), d - 1))
        return float(X[(n, c, *index)])

    for n, *out in np.ndindex(N, *grid.shape[1:-1]):
        x = []
        for value, d in zip(grid[(n, *out)][::-1], spatial, strict=True):
            x.append((float(value) + 1) / 2 * (d - 1) if align else ((float(value) + 1) * d - 1) / 2)
        for c in range(C):
            if mode == "nearest":
                Y[(n, c, *out)] = pixel(n, c, [round(v) for v in x])  # Python rounds halves to even
                continue
            reach = range(2) if mode == "linear" else range(-1, 3)
            for steps in product(reach, repeat=len(x)):
                at = [floor(v) + s for v, s in zip(x, steps, strict=True)]
                w = [1 - abs(v - k) if mode == "linear" else keys(v - k, -0.75) for v, k in zip(x, at, strict=True)]
                Y[(n, c, *out)] += np.prod(w) * pixel(n, c, at)
    return Y
