"""Where the windows of pooling and convolution lie: pads, strides, dilations, auto_pad and ceil_mode, axis by axis."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from conformance.exact.values import Tensor

__all__ = ["Axis", "Tap", "Window", "axes", "inside", "quarters", "taps"]

Tap = tuple[tuple[int, ...], tuple[int, ...]]
"""An index inside the kernel, and the place in the input that it meets."""


@dataclass(frozen=True)
class Window:
    """The attributes that say where windows lie; None is not given."""

    kernel_shape: Sequence[int] | None = None
    pads: Sequence[int] | None = None
    strides: Sequence[int] | None = None
    dilations: Sequence[int] | None = None
    auto_pad: str | None = None
    ceil_mode: int | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return vars(self)


@dataclass(frozen=True)
class Axis:
    """A spatial axis: its size, the padding on both sides, and the kernel that slides over it to ``length`` outputs."""

    size: int
    begin: int
    end: int
    kernel: int
    stride: int
    dilation: int
    length: int

    def places(self, output: int) -> list[int]:
        """The input positions of one window; those below 0 and from ``size`` on are padding."""
        return [output * self.stride - self.begin + k * self.dilation for k in range(self.kernel)]


def axes(window: Window, sizes: Sequence[int], kernel: Sequence[int], ignored: bool = False) -> list[Axis]:
    """The axes of an input. ``ignored``: windows that would start in the right padded region are left out."""
    rank, found = len(sizes), []
    for a, (size, extent) in enumerate(zip(sizes, kernel, strict=True)):
        stride = window.strides[a] if window.strides else 1
        dilation = window.dilations[a] if window.dilations else 1
        begin, end = (window.pads[a], window.pads[a + rank]) if window.pads else (0, 0)
        reach = (extent - 1) * dilation + 1
        if window.auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            length = -(-size // stride)
            total = (length - 1) * stride + reach - size
            begin = total // 2 if window.auto_pad == "SAME_UPPER" else total - total // 2
            end = total - begin
        else:
            room = size + begin + end - reach
            length = (-(-room // stride) if window.ceil_mode else room // stride) + 1
        if ignored and (length - 1) * stride >= size + begin:
            length -= 1
        found.append(Axis(size, begin, end, extent, stride, dilation, length))
    return found


def taps(found: Sequence[Axis], output: Sequence[int]) -> Iterator[Tap]:
    """The elements of the window of an output, those in the padding too."""
    kernel = itertools.product(*(range(a.kernel) for a in found))
    places = itertools.product(*(a.places(o) for a, o in zip(found, output, strict=True)))
    return zip(kernel, places, strict=True)


def inside(found: Sequence[Axis], place: Sequence[int], padded: bool = False) -> bool:
    """Whether a place is in the input, or in the input with its padding."""
    return all(-a.begin * padded <= p < a.size + a.end * padded for a, p in zip(found, place, strict=True))


def quarters(type: str, shape: Sequence[int], start: int = 0) -> Tensor:
    """Different quarters of both signs, in no order; at most 64, which even 8 bits of mantissa hold."""
    count = 1
    for n in shape:
        count *= n
    return Tensor(type, tuple(shape), tuple(Fraction((start + i * 29) % 67 - 33, 4) for i in range(count)))
