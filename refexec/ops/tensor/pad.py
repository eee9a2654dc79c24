"""Pad."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import normalize_axes, scalar, vector
from refexec.ops.tensor.picked import picked
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.types import MOVED
from refexec.values import zero

WITH_ZERO = tuple(name for name in MOVED if name != "float8e8m0")  # what is added where no value is given


@op("Pad", since=19, also=(21, 23, 24, 25), arithmetic="exact", compare=exact)
def pad_19(data, pads, constant_value=None, axes=None, /, *, mode="constant"):
    """Add elements before and after each of ``axes``, or remove them where ``pads`` is negative.

    *constant* adds ``constant_value`` (0, False or "" when absent), *edge* repeats the border, *reflect* mirrors without
    the border element, *wrap* continues from the other side. Elements are removed first.
    """
    shape, places = padded(data.shape, vector(pads, "pads"), None if axes is None else vector(axes, "axes"), mode)
    claim(shape, data.dtype)
    if mode != "constant":
        return picked(data, places=places)
    fill = zero(data.dtype) if constant_value is None else scalar(constant_value, "constant_value")
    if 0 in data.shape:
        return np.full(shape, fill, data.dtype)
    return picked(data, places=places, fill=fill)


def padded(shape, pads, axes, mode):
    """The padded shape, and for each axis that changes where its elements come from: -1 for a new one."""
    require(mode in ("constant", "edge", "reflect", "wrap"), "mode is constant, edge, reflect or wrap", mode=mode)
    over = range(len(shape)) if axes is None else normalize_axes(axes, len(shape))
    require(len(pads) == 2 * len(over), "pads has a begin and an end per axis", pads=pads, axes=tuple(over))
    widths = [(0, 0)] * len(shape)
    for i, axis in enumerate(over):
        widths[axis] = (pads[i], pads[i + len(over)])
    kept = all(begin + d >= 0 and end + d >= 0 for d, (begin, end) in zip(shape, widths, strict=True))
    require(kept, "no more elements are removed than there are", data=shape, pads=widths)
    result = [d + begin + end for d, (begin, end) in zip(shape, widths, strict=True)]
    require(min(result, default=0) >= 0, "a dimension does not become negative", data=shape, pads=widths)
    for size in result:
        claim((size,), np.int64)
    changed = [axis for axis, (begin, end) in enumerate(widths) if begin or end]
    return result, {axis: places_on(axis, shape[axis], *widths[axis], mode) for axis in changed}


def places_on(axis, size, begin, end, mode):
    """Where the elements of a padded axis come from."""
    first, last = max(-begin, 0), size + min(end, 0)
    left = last - first
    positions = np.arange(-max(begin, 0), left + max(end, 0))
    if mode == "constant":
        return np.where((positions >= 0) & (positions < left), positions + first, -1)
    require(left > 0 or len(positions) == 0, "there is an element to repeat", axis=axis, size=left)
    if mode == "edge":
        source = np.clip(positions, 0, left - 1)
    elif mode == "reflect":
        require(max(begin, end) < max(left, 1), "a reflection is shorter than the axis", pads=(begin, end), size=left)
        period = max(2 * (left - 1), 1)
        source = (left - 1) - np.abs((positions % period) - (left - 1))
    else:
        source = positions % max(left, 1)
    return source + first


@op("Pad", since=18, like=pad_19)
def pad_18(data, pads, constant_value=None, axes=None, /, *, mode="constant"):
    """Before version 19: no mode *wrap*."""
    require(mode != "wrap", "mode is constant, edge or reflect", mode=mode)
    return pad_19(data, pads, constant_value, axes, mode=mode)


@op("Pad", since=11, also=(13,), like=pad_19)
def pad_11(data, pads, constant_value=None, /, *, mode="constant"):
    """Before version 18: over all axes."""
    return pad_18(data, pads, constant_value, mode=mode)


@lowers(pad_19, types=WITH_ZERO, constants=("pads", "constant_value", "axes"))
def lower_pad(attributes, shapes):
    """One call of ``picked``, where nothing is empty."""
    axes, value, mode = attributes.get("axes"), attributes.get("constant_value"), attributes["mode"]
    shape, places = padded(shapes[0], vector(attributes["pads"], "pads"), None if axes is None else vector(axes, "axes"), mode)
    if 0 in shape or 0 in shapes[0]:
        return None
    fill = 0 if value is None else scalar(value, "constant_value")
    return Lowered(picked, (0,), {"places": places, "fill": fill if mode == "constant" else None})


@lowers(pad_18, types=MOVED, constants=("pads", "constant_value", "axes"))
@lowers(pad_11, types=MOVED, constants=("pads", "constant_value"))
def lower_pad_11(attributes, shapes):
    """Before version 19: None where the body is to refuse the mode."""
    return None if attributes["mode"] == "wrap" else lower_pad(attributes, shapes)


@op("Pad", since=2, like=pad_19)
def pad_2(data, /, *, mode="constant", pads, value=0.0):
    """Before version 11: pads and value are attributes."""
    return pad_18(data, pads, np.array(value).astype(data.dtype), mode=mode)


@op("Pad", since=1, like=pad_19)
def pad_1(data, /, *, mode="constant", paddings, value=0.0):
    """Version 1 calls the attribute ``paddings``."""
    return pad_2(data, mode=mode, pads=paddings, value=value)
