"""AffineGrid, GridSample: where to look in an image, and what is there."""

from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np

from refexec.comparison import Call, is_float, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, is_integer, vector
from refexec.ops.reduction.over import KERNEL_TYPES
from refexec.ops.tensor.interpolation import cubic, inside, triangle
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op
from refexec.values import smallest_subnormal, unit_roundoff, zero

PADDING = ("zeros", "border", "reflection")
TAPS = {"nearest": (0,), "linear": (0, 1), "cubic": (-1, 0, 1, 2)}
CUBIC = -0.75
FAR = 2.0**52  # positions beyond have no fraction


def affine_bound(call: Call):
    """Coordinates lie in [-1, 1], so that an entry of the grid is about as inexact as the magnitudes in its row of theta add up.
    With ``align_corners`` the one pixel of an axis of size 1 may be at -1 or at 1."""
    theta, (grid,), u = call.inputs[0], call.outputs, unit_roundoff(call.elements[0].dtype)
    rows = np.abs(theta).sum(axis=-1)
    place = 2 if call.attributes["align_corners"] and 1 in grid.shape[1:-1] else 0
    return (np.broadcast_to((12 * u + place) * rows.reshape(len(rows), *(1,) * (grid.ndim - 2), -1), grid.shape),)


@op("AffineGrid", since=20, arithmetic="rounded", compare=rounded(affine_bound))
def affine_grid_20(theta, size, /, *, align_corners=0):
    """grid[n, (d,) h, w] = theta[n] @ (x, y, (z,) 1), x, y and z being evenly spaced over w, h and d from -1 to 1.

    -1 and 1 are the centers of the corner pixels with ``align_corners``, else the outer edges. The single pixel of an axis
    of size 1 has two places with ``align_corners``; here it is -1.
    """
    dims = vector(size, "size")
    require(len(dims) in (4, 5), "size is (N, C, H, W) or (N, C, D, H, W)", size=dims)
    N, _, *spatial = dims
    rank = len(spatial)
    require(theta.shape == (N, rank, rank + 1), "theta is (N, 2, 3) or (N, 3, 4), as size says", theta=theta.shape, size=size)
    require(min(spatial) >= 0, "sizes are not negative", size=spatial)
    claim((N, *spatial, rank), theta.dtype)
    grid = np.zeros((N, *spatial, rank), theta.dtype) + theta[:, :, rank].reshape(N, *(1,) * rank, rank)
    for axis, length in enumerate(spatial):
        places = spaced(length, align_corners, theta.dtype).reshape(-1, *(1,) * (rank - axis))
        grid += places * theta[:, :, rank - 1 - axis].reshape(N, *(1,) * rank, rank)
    return grid


def spaced(length, align_corners, dtype):
    """``length`` coordinates from -1 to 1."""
    i = np.arange(length, dtype=dtype)
    return 2 * i / max(length - 1, 1) - 1 if align_corners else (2 * i + 1) / max(length, 1) - 1


def grid_bound(call: Call):
    """The error of a coordinate is that of numbers of its size times how steep X is; where it decides between two elements,
    either is right."""
    (X, grid), (Y,), element = call.inputs, call.outputs, call.elements[0]
    if not is_float(element):
        return (None,)
    u = unit_roundoff(element.dtype)
    mode = call.attributes["mode"]
    x = denormalized(grid.astype(np.float64), X.shape[2:], call.attributes["align_corners"])
    error = 8 * u * (np.abs(x) + np.array(X.shape[2:]))
    tie = (np.abs(x - 0.5 - np.rint(x - 0.5)) < error) & (mode == "nearest")
    largest = np.abs(np.where(np.isfinite(X), X, 0)).max(initial=0.0)
    smooth = 0 if mode == "nearest" else 4 * error.sum(axis=-1) + 64 * u
    bound = np.where(tie.any(axis=-1), 2, smooth) * largest + smallest_subnormal(element.dtype)
    return (np.broadcast_to(np.where(np.isfinite(bound), bound, largest)[:, None], Y.shape),)


def denormalized(grid, spatial, align_corners):
    """Coordinates in [-1, 1], the innermost first, as positions in the axes of X, the outermost first."""
    length = np.array(spatial)
    n = np.flip(grid, axis=-1) + 1
    return n * (length - 1) / 2 if align_corners else (n * length - 1) / 2


def reflected(x, low, high):
    """``x`` mirrored at ``low`` and ``high`` until it lies between them."""
    if low == high:
        return np.zeros_like(x) + low
    span = high - low
    beyond = np.mod(x - low, 2 * span)
    return low + np.minimum(beyond, 2 * span - beyond)


@op("GridSample", since=20, also=(22,), arithmetic="rounded", compare=rounded(grid_bound))
def grid_sample_20(X, grid, /, *, ctx, align_corners=0, mode="linear", padding_mode="zeros"):
    """Y[n, c, o...] is X[n, c] at the position grid[n, o...], whose coordinates are those of the last axis of X first.

    -1 and 1 are the centers of the corner pixels with ``align_corners``, else the outer edges. Between pixels *linear* and
    *cubic* (coefficient -0.75) interpolate on each axis, *nearest* takes the nearest, halves to even. Pixels outside are
    those of the border, or of the image mirrored at its border, or 0 (``padding_mode``). Integers lose their fraction. NaN in
    grid is not specified.
    """
    output = sampled_shape(X.shape, grid.shape, mode, padding_mode)
    number = is_integer(X) or X.dtype.kind in "fc"
    require(number or mode == "nearest", "booleans and strings are moved only", type=X.dtype, mode=mode)
    claim(output, X.dtype)
    if 0 in output:
        return np.empty(output, X.dtype)
    require(prod(X.shape[2:]) > 0, "X has an element to sample", X=X.shape)
    ctx.trip(len(TAPS[mode]) ** (X.ndim - 2))
    exact = np.result_type(X.real.dtype, np.float64) if number else np.float64
    flat, index, weight = sampling(X, grid, align_corners, mode, padding_mode, exact)
    if mode == "nearest":
        at = index[:, :1]
        Y = np.where(at < 0, zero(X.dtype), np.take_along_axis(flat, np.maximum(at, 0), axis=2))
    else:
        Y = sampled(flat, index, weight)
    return (np.trunc(Y).astype(X.dtype) if is_integer(X) and mode != "nearest" else Y).reshape(output)


def sampled_shape(X, grid, mode, padding_mode):
    """The shape of what is sampled, all rules checked."""
    require(len(X) >= 3, "X is (N, C, D1, ...)", X=X)
    fits = len(grid) == len(X) and grid[0] == X[0] and grid[-1] == len(X) - 2
    require(fits, "grid is (N, O1, ..., Or, r) for X of r spatial dimensions", grid=grid, X=X)
    require(mode in TAPS, "mode is linear, nearest or cubic", mode=mode)
    require(padding_mode in PADDING, "padding_mode is zeros, border or reflection", padding_mode=padding_mode)
    return (*X[:2], *grid[1:-1])


def sampling(X, grid, align_corners, mode, padding_mode, exact=np.float64):
    """X with its pixels on one axis, and for each tap which of them a position meets, -1 for a 0 outside, and with what weight."""
    N, C, *spatial = X.shape
    rank, positions = len(spatial), prod(grid.shape[1:-1])
    claim((N, len(TAPS[mode]) ** rank, positions), np.int64)
    x = np.clip(denormalized(grid.reshape(N, -1, rank).astype(exact), spatial, align_corners), -FAR, FAR)
    axes = np.moveaxis(np.rint(x) if mode == "nearest" else x, -1, 0)
    per_axis = [[tap(p, s, n, mode, padding_mode, align_corners) for s in TAPS[mode]] for p, n in zip(axes, spatial, strict=True)]
    index, weight = [], []
    for taps in product(*per_axis):
        valid = np.logical_and.reduce([v for _, _, v in taps])
        index.append(np.where(valid, np.ravel_multi_index([i for i, _, _ in taps], spatial), -1))
        weight.append(prod(w for _, w, _ in taps))
    return X.reshape(N, C, -1), np.stack(index, axis=1), np.stack(weight, axis=1)


@primitive
def sampled(X: Array, index: Array, weight: Array) -> Array:
    """Y[n, c, p] = sum over t of X[n, c, index[n, t, p]] * weight[n, t, p], without those whose index is -1."""
    Y: Any = 0
    for at, w in zip(index.swapaxes(0, 1)[:, :, None], weight.swapaxes(0, 1)[:, :, None], strict=True):
        Y = Y + np.where(at < 0, 0, np.take_along_axis(X, np.maximum(at, 0), axis=2) * w)
    return Y


def tap(position, step, length, mode, padding_mode, align_corners):
    """One pixel near each position on one axis: its index, its weight, and whether it is not a 0 outside."""
    at = np.floor(position) + step
    weight = triangle(position - at) if mode == "linear" else cubic(position - at, CUBIC)
    if padding_mode == "reflection":
        at = reflected(at, 0, length - 1) if align_corners else reflected(at, -0.5, length - 0.5)
    return inside(at, length), weight, (padding_mode != "zeros") | ((at >= 0) & (at < length))


@op("GridSample", since=16, like=grid_sample_20)
def grid_sample_16(X, grid, /, *, ctx, align_corners=0, mode="bilinear", padding_mode="zeros"):
    """Before version 20: images (N, C, H, W) only, and the modes are called *bilinear* and *bicubic*."""
    require(X.ndim == 4, "X is (N, C, H, W)", X=X.shape)
    require(mode in ("bilinear", "nearest", "bicubic"), "mode is bilinear, nearest or bicubic", mode=mode)
    return grid_sample_20(X, grid, ctx=ctx, align_corners=align_corners, mode=mode.removeprefix("bi"), padding_mode=padding_mode)


@lowers(grid_sample_20, types=KERNEL_TYPES)
def lower_grid_sample(attributes, shapes):
    """One call of ``sampled``, where elements are added up."""
    mode, padding_mode, align_corners = (attributes[name] for name in ("mode", "padding_mode", "align_corners"))
    X, grid = shapes
    output = sampled_shape(X, grid, mode, padding_mode)
    if mode == "nearest" or 0 in output or 0 in X:
        return None
    table = (X[0], len(TAPS[mode]) ** (len(X) - 2), prod(grid[1:-1]))
    operands = partial(sampling, align_corners=align_corners, mode=mode, padding_mode=padding_mode)
    return Lowered(
        sampled, (0, 1), operands=operands, shapes=[(*X[:2], prod(X[2:])), table, table], results=lambda Y, _: (Y.reshape(output),)
    )


@lowers(grid_sample_16, types=KERNEL_TYPES)
def lower_grid_sample_16(attributes, shapes):
    """Before version 20; None where the body is to refuse."""
    mode = attributes["mode"]
    if len(shapes[0]) != 4 or mode not in ("bilinear", "bicubic"):
        return None
    return lower_grid_sample({**attributes, "mode": mode.removeprefix("bi")}, shapes)
