"""Sliding windows: strides, dilations, pads and the number of positions, as convolutions and pools share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce as fold
from itertools import product
from math import prod
from typing import Any

import numpy as np

from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array

MOST_TAPS = 1 << 20
AUTO_PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "")
Pads = tuple[tuple[int, int], ...]
Taps = tuple[tuple[tuple[int, ...], tuple[slice, ...]], ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """Where a window of ``kernel`` elements stands on each spatial axis. ``pads`` are (begin, end) per axis.

    ``output`` is the number of windows per axis. ``taps`` has, for each position k in the kernel, (k, slices): the slices pick
    from the padded input the elements that k meets at all windows. ``tail`` is how far the last windows reach beyond the
    padded input, per axis (``ceil_mode``).
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pads
    output: tuple[int, ...]
    taps: Taps
    tail: tuple[int, ...] = ()

    def coordinates(self, axis: int) -> Array:
        """(output, kernel): the coordinate on ``axis`` of the input at which each element of each window stands; it may lie outside."""
        o, k = np.arange(self.output[axis]), np.arange(self.kernel[axis])
        return o[:, None] * self.strides[axis] + k * self.dilations[axis] - self.pads[axis][0]

    def counts(self, spatial: Sequence[int], include_pad: bool) -> Array:
        """How many elements each window meets in the input, or in the input with its pads: the product over the axes, (output...)."""
        per_axis = []
        for axis, (size, (begin, end)) in enumerate(zip(spatial, self.pads, strict=True)):
            low, high = (-begin, size + end) if include_pad else (0, size)
            at = self.coordinates(axis)
            per_axis.append(((at >= low) & (at < high)).sum(axis=1))
        return fold(np.multiply.outer, per_axis)


def windows(
    spatial: Sequence[int],
    kernel: Sequence[int],
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    ceil_mode: int = 0,
    tail_windows: bool = True,
) -> Windows:
    """Resolve the window attributes of a node against the spatial shape of its input.

    output = (input + pads - extent) / stride + 1, rounded down, or up with ``ceil_mode``. Without ``tail_windows`` a window that
    exists by rounding up and starts after the input is left out. SAME_UPPER and SAME_LOWER choose the pads (``same_pads``).
    """
    rank = len(spatial)
    strides, dilations = per_axis("strides", strides, rank), per_axis("dilations", dilations, rank)
    extent = extents(kernel, dilations)
    require(auto_pad in AUTO_PADS, "auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto_pad=auto_pad)
    same = auto_pad in ("SAME_UPPER", "SAME_LOWER")
    if same:
        pairs = same_pads(spatial, extent, strides, upper=auto_pad == "SAME_UPPER")
    else:
        pairs = given_pads(None if auto_pad == "VALID" else pads, rank)
    room = [size + begin + end - e for size, (begin, end), e in zip(spatial, pairs, extent, strict=True)]
    up = ceil_mode and not same
    output = [(ceil_div(r, s) if up else r // s) + 1 for r, s in zip(room, strides, strict=True)]
    if ceil_mode and not tail_windows:
        last_start = [(o - 1) * s - begin for o, s, (begin, _) in zip(output, strides, pairs, strict=True)]
        output = [o - 1 if o > 1 and start >= size else o for o, start, size in zip(output, last_start, spatial, strict=True)]
    require(all(o >= 0 for o in output), "the size of an output is not negative", input=tuple(spatial), extent=extent, output=output)
    tail = tuple(max((o - 1) * s - r, 0) for o, s, r in zip(output, strides, room, strict=True))
    return Windows(tuple(kernel), strides, dilations, pairs, tuple(output), taps_of(kernel, strides, dilations, output), tail)


def ceil_div(a: int, b: int) -> int:
    """a / b rounded up."""
    return -(-a // b)


def same_pads(spatial: Sequence[int], extent: Sequence[int], strides: Sequence[int], *, upper: bool) -> Pads:
    """Pads with which output = ceil(input / stride); of an odd number the larger half is at the end if ``upper``, else before."""
    total = [max((ceil_div(size, s) - 1) * s + e - size, 0) for size, s, e in zip(spatial, strides, extent, strict=True)]
    return tuple((p // 2, p - p // 2) if upper else (p - p // 2, p // 2) for p in total)


def extents(kernel: Sequence[int], dilations: Sequence[int]) -> tuple[int, ...]:
    """How many elements a window spans on each axis, gaps of its dilation included."""
    require(len(kernel) == len(dilations), "kernel_shape has one value per spatial axis", kernel_shape=tuple(kernel), axes=len(dilations))
    require(all(k >= 1 for k in kernel), "kernel_shape is positive", kernel_shape=tuple(kernel))
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))


def given_pads(pads: Sequence[int] | None, rank: int) -> Pads:
    """The attribute [x1_begin, x2_begin, ..., x1_end, x2_end, ...] as pairs; 0 each when it is not set."""
    flat = tuple(pads) if pads is not None and len(pads) else (0,) * (2 * rank)
    require(len(flat) == 2 * rank, "pads has a begin and an end per spatial axis", pads=flat, axes=rank)
    require(all(p >= 0 for p in flat), "pads are not negative", pads=flat)
    return tuple(zip(flat[:rank], flat[rank:], strict=True))


def per_axis(name: str, values: Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """An attribute with one positive value per spatial axis; 1 each when it is not set."""
    found = tuple(values) if values is not None and len(values) else (1,) * rank
    require(len(found) == rank, "strides and dilations have one value per spatial axis", **{name: found}, axes=rank)
    require(all(v >= 1 for v in found), "strides and dilations are positive", **{name: found})
    return found


def taps_of(kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], positions: Sequence[int]) -> Taps:
    """For each position k in the kernel the slices of the input that it meets at ``positions`` windows per axis."""
    require(prod(kernel) <= MOST_TAPS, "a kernel has no more elements than can be visited one by one", kernel_shape=tuple(kernel))
    axes = list(zip(kernel, strides, dilations, positions, strict=True))
    slices = [[stepped(k * d, s, count) for k in range(size)] for size, s, d, count in axes]  # per axis and place on it
    return tuple((k, tuple(slices[axis][i] for axis, i in enumerate(k))) for k in product(*map(range, kernel)))


def stepped(first: int, step: int, count: int) -> slice:
    """The slice first, first + step, ... of ``count`` elements."""
    return slice(first, first + (count - 1) * step + 1 if count else first, step)


def padded(X: Array, window: Windows, fill: Any = 0) -> Array:
    """X with ``fill`` wherever a window reaches beyond its spatial axes."""
    tail = window.tail or (0,) * len(window.pads)
    around = [(begin, end + t) for (begin, end), t in zip(window.pads, tail, strict=True)]
    if not any(begin or end for begin, end in around):
        return X
    shape = claim((*X.shape[:2], *(begin + d + end for d, (begin, end) in zip(X.shape[2:], around, strict=True))), X.dtype)
    result = np.full(shape, fill, X.dtype)
    result[:, :, *(slice(begin, begin + d) for d, (begin, _) in zip(X.shape[2:], around, strict=True))] = X
    return result
