"""DeformConv."""

from itertools import product
from math import prod

import numpy as np

from refexec.comparison import rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.math.matmul import matmul
from refexec.ops.nn.conv import conv_windows, per_filter
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def deform_bound(call):
    """The roundings of the products and sums, and those of the positions.

    The former are relative to the operator on magnitudes: the terms of the sum, of the interpolation and of its weights. The
    latter are relative to the size of a position, and shift a weight between neighbours that are at most the largest of X.
    """
    X, W, offset, B, mask = (*call.inputs, None, None)[:5]
    rank, u = X.ndim - 2, unit_roundoff(call.elements[0].dtype)
    size_W, size_B, size_mask = (None if x is None else np.abs(x) for x in (W, B, mask))
    (sums,) = call.evaluate(np.abs(X), size_W, offset, size_B, size_mask)
    (of_largest,) = call.evaluate(np.full_like(X, np.abs(X).max(initial=0)), size_W, offset, size_B, size_mask)
    terms = prod(W.shape[1:]) + 2**rank + 4 * rank + 2
    farthest = sum(X.shape[2:]) + np.where(np.isfinite(offset), np.abs(offset), 0).max(initial=0)
    shifted = 2 * rank * farthest * u * of_largest
    return (terms * u * sums + shifted + smallest_subnormal(call.elements[0].dtype),)


@op("DeformConv", since=19, also=(22,), arithmetic="rounded", compare=rounded(deform_bound))
def deform_conv_19(
    X, W, offset, B=None, mask=None, /, *, ctx, dilations=None, group=1, kernel_shape=None, offset_group=1, pads=None, strides=None
):
    """Conv in which each element of each window is read ``offset`` away from its place, and weighed with ``mask``.

    offset is (N, offset_group * taps * rank, O...), mask (N, offset_group * taps, O...), a tap being an element of the
    kernel. Between elements X is interpolated linearly, outside it is 0: a position up to 1 outside still sees the border.
    """
    window = conv_windows(X.shape, W.shape, "NOTSET", dilations, group, kernel_shape, pads, strides)
    N, C, *D = X.shape
    M, rank, taps = W.shape[0], X.ndim - 2, prod(window.kernel)
    require(offset_group >= 1 and C % offset_group == 0, "C is a multiple of offset_group", X=X.shape, offset_group=offset_group)
    expected = (N, offset_group * taps * rank, *window.output)
    require(offset.shape == expected, "offset has one value per element of each window and axis", offset=offset.shape, expected=expected)
    expected = (N, offset_group * taps, *window.output)
    given = None if mask is None else mask.shape
    require(given in (None, expected), "mask has one value per element of each window", mask=given, expected=expected)
    claim((N, M, *window.output), X.dtype)
    ctx.trip(taps * 2**rank)
    images = X.reshape(N, offset_group, C // offset_group, prod(D))
    shifts = offset.reshape(N, offset_group, taps, rank, *window.output)
    weights = None if mask is None else mask.reshape(N, offset_group, taps, 1, prod(window.output))
    filters = W.reshape(group, M // group, W.shape[1], taps)
    Y = 0
    for t, (k, _) in enumerate(window.taps):
        places = [undisplaced(window, axis, k[axis]) + shifts[:, :, t, axis] for axis in range(rank)]
        read = interpolated(images, D, places)
        read = read if weights is None else read * weights[:, :, t]
        Y = Y + matmul(filters[..., t], read.reshape(N, group, W.shape[1], prod(window.output)))
    Y = Y.reshape(N, M, *window.output)
    return Y if B is None else Y + per_filter(B, M, X.ndim)


def undisplaced(window, axis, k):
    """The coordinate on ``axis`` of element ``k`` of each window, in a form that broadcasts over O..."""
    after = len(window.output) - 1 - axis
    return window.coordinates(axis)[:, k].reshape(-1, *(1,) * after)


def interpolated(images, D, places):
    """``images`` (N, G, C, flat) of spatial shape ``D`` read at fractional ``places``, one array (N, G, O...) per axis.

    The sum over the 2 ** rank neighbours of a place, each weighed with the product of its shares on the axes: (N, G, C, flat O).
    A neighbour without weight adds 0, also where it is infinite or NaN.
    """
    N, G = images.shape[:2]
    flat = prod(places[0].shape[2:])
    floors = [np.floor(p) for p in places]
    total = 0
    for corner in product((0, 1), repeat=len(D)):
        index, weight = 0, 1
        for size, place, floor, up in zip(D, places, floors, corner, strict=True):
            neighbour = floor + up
            inside = (neighbour >= 0) & (neighbour < size)
            share = place - floor if up else 1 - (place - floor)
            weight = weight * np.where(inside | np.isnan(place), share, 0)  # a place that is NaN gives NaN
            index = index * size + np.where(inside, neighbour, 0).astype(np.int64)
        values = np.take_along_axis(images, index.reshape(N, G, 1, flat), axis=3) if images.shape[3] else 0
        weight = weight.reshape(N, G, 1, flat)
        total = total + np.where(weight == 0, 0, values) * weight
    return total
