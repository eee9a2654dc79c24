"""Pad."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import normalize_axes, scalar, vector
from refexec.registry import op
from refexec.values import zero


@op("Pad", since=19, also=(21, 23, 24, 25), arithmetic="exact", compare=exact)
def pad_19(data, pads, constant_value=None, axes=None, /, *, mode="constant"):
    """Add elements before and after each of ``axes``, or remove them where ``pads`` is negative.

    *constant* adds ``constant_value`` (0, False or "" when absent), *edge* repeats the border, *reflect* mirrors without
    the border element, *wrap* continues from the other side. Elements are removed first.
    """
    require(mode in ("constant", "edge", "reflect", "wrap"), "mode is constant, edge, reflect or wrap", mode=mode)
    over = range(data.ndim) if axes is None else normalize_axes(vector(axes, "axes"), data.ndim)
    pads = vector(pads, "pads")
    require(len(pads) == 2 * len(over), "pads has a begin and an end per axis", pads=pads, axes=tuple(over))
    widths = [(0, 0)] * data.ndim
    for i, axis in enumerate(over):
        widths[axis] = (pads[i], pads[i + len(over)])
    kept = all(begin + d >= 0 and end + d >= 0 for d, (begin, end) in zip(data.shape, widths, strict=True))
    require(kept, "no more elements are removed than there are", data=data.shape, pads=widths)
    shape = [d + begin + end for d, (begin, end) in zip(data.shape, widths, strict=True)]
    require(min(shape, default=0) >= 0, "a dimension does not become negative", data=data.shape, pads=widths)
    claim(shape, data.dtype)
    for axis, (begin, end) in enumerate(widths):
        if begin or end:
            data = padded(data, axis, begin, end, mode, constant_value)
    return data


def padded(data, axis, begin, end, mode, constant_value):
    """``data`` with ``begin`` and ``end`` elements more (or less) on one axis: source positions, and where there is none."""
    size = data.shape[axis]
    if mode == "constant":
        kept = data[(slice(None),) * axis + (slice(max(-begin, 0), size + min(end, 0)),)]
        fill = zero(data.dtype) if constant_value is None else scalar(constant_value, "constant_value")
        before, after = ([*kept.shape[:axis], max(n, 0), *kept.shape[axis + 1 :]] for n in (begin, end))
        return np.concatenate([np.full(before, fill, data.dtype), kept, np.full(after, fill, data.dtype)], axis=axis)
    first, last = max(-begin, 0), size + min(end, 0)
    left = last - first
    claim((size + begin + end,), np.int64)
    positions = np.arange(-max(begin, 0), left + max(end, 0))
    require(left > 0 or len(positions) == 0, "there is an element to repeat", axis=axis, size=left)
    if mode == "edge":
        source = np.clip(positions, 0, left - 1)
    elif mode == "reflect":
        require(max(begin, end) < max(left, 1), "a reflection is shorter than the axis", pads=(begin, end), size=left)
        period = max(2 * (left - 1), 1)
        source = (left - 1) - np.abs((positions % period) - (left - 1))
    else:
        source = positions % max(left, 1)
    return np.take(data, source + first, axis=axis)


@op("Pad", since=18, like=pad_19)
def pad_18(data, pads, constant_value=None, axes=None, /, *, mode="constant"):
    """Before version 19: no mode *wrap*."""
    require(mode != "wrap", "mode is constant, edge or reflect", mode=mode)
    return pad_19(data, pads, constant_value, axes, mode=mode)


@op("Pad", since=11, also=(13,), like=pad_19)
def pad_11(data, pads, constant_value=None, /, *, mode="constant"):
    """Before version 18: over all axes."""
    return pad_18(data, pads, constant_value, mode=mode)


@op("Pad", since=2, like=pad_19)
def pad_2(data, /, *, mode="constant", pads, value=0.0):
    """Before version 11: pads and value are attributes."""
    return pad_18(data, pads, np.array(value).astype(data.dtype), mode=mode)


@op("Pad", since=1, like=pad_19)
def pad_1(data, /, *, mode="constant", paddings, value=0.0):
    """Version 1 calls the attribute ``paddings``."""
    return pad_2(data, mode=mode, pads=paddings, value=value)
