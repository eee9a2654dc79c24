"""What Resize and Upsample say of one axis: where a pixel of the result lies in the image, and which pixels there it is made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from conformance.exact.families.grids import keys
from conformance.exact.values import Tensor

__all__ = ["Axis", "Rules", "resized"]

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Axis:
    """Lengths before and after, the scale (length_resized / length_original unless given) and the region of interest."""

    before: int
    after: int
    scale: Fraction
    roi: tuple[Fraction, Fraction] = (Fraction(0), Fraction(1))

    @classmethod
    def to(cls, before: int, after: int, roi: tuple[Fraction, Fraction] = (Fraction(0), Fraction(1))) -> Axis:
        return cls(before, after, Fraction(after, before), roi)


@dataclass(frozen=True)
class Rules:
    mode: str = "nearest"
    coordinate: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    a: Fraction = Fraction(-3, 4)
    exclude_outside: bool = False
    antialias: bool = False
    extrapolation: Fraction = Fraction(0)

    def position(self, x: int, axis: Axis) -> Fraction:
        """x_original of x_resized."""
        half_pixel = (x + HALF) / axis.scale - HALF
        last, (start, end) = axis.before - 1, axis.roi
        match self.coordinate:
            case "half_pixel":
                return half_pixel
            case "half_pixel_symmetric":
                adjustment = axis.after / (axis.scale * axis.before)
                return Fraction(axis.before, 2) * (1 - adjustment) + half_pixel
            case "pytorch_half_pixel":
                return half_pixel if axis.after > 1 else Fraction(0)
            case "align_corners":
                return Fraction(x * last, axis.after - 1)
            case "asymmetric":
                return x / axis.scale
            case "tf_half_pixel_for_nn":
                return (x + HALF) / axis.scale
            case "tf_crop_and_resize":
                return start * last + x * (end - start) * last / (axis.after - 1) if axis.after > 1 else HALF * (start + end) * last
        raise ValueError(self.coordinate)

    def pixels(self, at: Fraction, axis: Axis) -> dict[int, Fraction]:
        """The pixels of the image that a position is made of, with their weights; outside it its first or last pixel."""
        if self.mode == "nearest":
            rounded = {
                "round_prefer_floor": math.ceil(at - HALF),
                "round_prefer_ceil": math.floor(at + HALF),
                "floor": math.floor(at),
                "ceil": math.ceil(at),
            }
            near = {rounded[self.nearest]: Fraction(1)}
        else:
            near = self._filtered(at, axis)
        if self.exclude_outside:
            near = {i: w for i, w in near.items() if 0 <= i < axis.before}
            total = sum(near.values())
            near = {i: w / total for i, w in near.items()}
        found: dict[int, Fraction] = {}
        for i, weight in near.items():
            inside = min(max(i, 0), axis.before - 1)
            found[inside] = found.get(inside, Fraction(0)) + weight
        return found

    def _filtered(self, at: Fraction, axis: Axis) -> dict[int, Fraction]:
        """Weights by distance: a triangle of radius 1 or the cubic kernel of radius 2, stretched by max(1, 1 / scale) with antialias."""
        stretch = max(Fraction(1), 1 / axis.scale) if self.antialias else Fraction(1)
        radius = (1 if self.mode == "linear" else 2) * stretch
        near = {}
        for i in range(math.floor(at - radius), math.ceil(at + radius) + 1):
            distance = abs(at - i) / stretch
            near[i] = max(1 - distance, Fraction(0)) if self.mode == "linear" else keys(distance, self.a)
        total = sum(near.values())
        return {i: w / total for i, w in near.items()}


def resized(x: Tensor, axes: Sequence[Axis], rules: Rules) -> Tensor:
    """All pixels of the result."""
    columns = []
    for axis in axes:
        positions = [rules.position(i, axis) for i in range(axis.after)]
        cropped = rules.coordinate == "tf_crop_and_resize"
        columns.append([None if cropped and not 0 <= p <= axis.before - 1 else rules.pixels(p, axis) for p in positions])
    values = [_pixel(x, near, rules) for near in itertools.product(*columns)]
    return Tensor(x.type, tuple(axis.after for axis in axes), tuple(values))


def _pixel(x: Tensor, near: Sequence[dict[int, Fraction] | None], rules: Rules) -> Any:
    if any(n is None for n in near):
        return rules.extrapolation
    found = [n for n in near if n is not None]
    terms = [
        (x[index], math.prod((n[i] for i, n in zip(index, found, strict=True)), start=Fraction(1))) for index in itertools.product(*found)
    ]
    if rules.mode == "nearest":
        return terms[0][0]
    if isinstance(terms[0][0], tuple):
        return tuple(sum(v[part] * w for v, w in terms) for part in (0, 1))
    return sum(v * w for v, w in terms)
