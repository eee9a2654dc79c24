"""DeformConv."""

from itertools import product
from math import prod

import numpy as np

from refexec.comparison import rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.nn.conv import conv_windows, per_filter
from refexec.ops.nn.windows import met
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def deform_bound(call):
    """The sums of products with magnitudes; and what the rounding of a position moves between neighbours, of the largest size."""
    X, W, offset, B, mask = (*call.inputs, None, None)[:5]
    rank, u = X.ndim - 2, unit_roundoff(call.elements[0].dtype)

    def evaluate(data):
        return call.evaluate(*(None if x is None else x if x is offset else np.abs(x) for x in (data, W, offset, B, mask)))[0]

    terms = prod(W.shape[1:]) + 2**rank + 4 * rank + 2
    reach = sum(X.shape[2:]) + np.where(np.isfinite(offset), np.abs(offset), 0).max(initial=0)
    moved = 2 * rank * reach * u * evaluate(np.full_like(X, np.abs(X).max(initial=0)))
    return (terms * u * evaluate(X) + moved + smallest_subnormal(call.elements[0].dtype),)


@op("DeformConv", since=19, also=(22,), arithmetic="rounded", compare=rounded(deform_bound))
def deform_conv_19(
    X, W, offset, B=None, mask=None, /, *, ctx, dilations=None, group=1, kernel_shape=None, offset_group=1, pads=None, strides=None
):
    """Conv in which each element of each window is read ``offset`` away from its place, and weighed with ``mask``.

    offset is (N, offset_group * K * rank, O...), mask (N, offset_group * K, O...), K being the number of elements of the
    kernel. Between elements X is interpolated linearly, outside it is 0: a position up to 1 outside still sees the border.
    """
    window = conv_windows(X.shape, W.shape, "NOTSET", dilations, group, kernel_shape, pads, strides)
    N, C, *D = X.shape
    M, rank, taps = W.shape[0], X.ndim - 2, prod(window.kernel)
    require(offset_group >= 1 and C % offset_group == 0, "C is a multiple of offset_group", X=X.shape, offset_group=offset_group)
    expected = (N, offset_group * taps * rank, *window.output)
    require(offset.shape == expected, "offset has one value per element of each window and axis", offset=offset.shape, expected=expected)
    expected = (N, offset_group * taps, *window.output)
    seen = None if mask is None else mask.shape
    require(seen in (None, expected), "mask has one value per element of each window", mask=seen, expected=expected)
    claim((N, M, *window.output), X.dtype)
    ctx.trip(taps * 2**rank)
    images = X.reshape(N, offset_group, C // offset_group, prod(D))
    shifts = offset.reshape(N, offset_group, taps, rank, *window.output)
    weights = None if mask is None else mask.reshape(N, offset_group, taps, 1, prod(window.output))
    grids = [met(window, axis) for axis in range(rank)]
    filters = W.reshape(group, M // group, W.shape[1], taps)
    Y = 0
    for t, (k, _) in enumerate(window.taps):
        places = [
            grids[axis][:, k[axis]].reshape(-1, *(1,) * (rank - 1 - axis)) + shifts[:, :, t, axis] for axis in range(rank)
        ]  # one per axis, each (N, offset_group, O...)
        read = interpolated(images, D, places)
        read = read if weights is None else read * weights[:, :, t]
        Y = Y + filters[..., t] @ read.reshape(N, group, W.shape[1], prod(window.output))
    Y = Y.reshape(N, M, *window.output)
    return Y if B is None else Y + per_filter(B, M, X.ndim)


def interpolated(images, D, places):
    """``images`` (N, G, C, flat) of spatial shape ``D`` read at fractional ``places``, one array (N, G, O...) per axis."""
    N, G = images.shape[:2]
    floors = [np.floor(p) for p in places]
    total = 0
    for corner in product((0, 1), repeat=len(D)):
        index, weight = 0, 1
        for size, place, floor, up in zip(D, places, floors, corner, strict=True):
            inside = (floor + up >= 0) & (floor + up < size)
            share = place - floor if up else 1 - (place - floor)
            weight = weight * np.where(inside | np.isnan(place), share, 0)
            index = index * size + np.where(inside, floor + up, 0).astype(np.int64)
        values = np.take_along_axis(images, index.reshape(N, G, 1, -1), axis=3) if images.shape[3] else 0
        total = total + values * weight.reshape(N, G, 1, -1)
    return total
