"""AveragePool, MaxPool, and the primitive they are written in."""

from functools import reduce as fold
from math import prod

import numpy as np

from refexec.comparison import accumulation, exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, least
from refexec.ops.nn.windows import Windows, padded, windows
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op


@primitive
def pool_window(X: Array, *, window: Windows, reduce: str, include_pad: bool = False) -> Array:
    """Y[n, c, o...] = max, sum or mean over k... of X[n, c, o * strides + k * dilations - begin]; outside X there is nothing.

    Over no element the maximum is the least value of the type, the sum 0 and the mean NaN. A NaN in the window is the result.
    With ``include_pad`` a mean divides by the number of elements in X and its pads, else in X.
    """
    claim((*X.shape[:2], *window.output), X.dtype)
    padded_X = padded(X, window, least(X.dtype) if reduce == "max" else 0)
    combine = np.maximum if reduce == "max" else np.add
    (_, first), *rest = window.taps
    Y = padded_X[:, :, *first].copy()
    for _, slices in rest:
        combine(Y, padded_X[:, :, *slices], out=Y)
    return Y / window.counts(X.shape[2:], include_pad).astype(X.dtype) if reduce == "mean" else Y


def pool_windows(X, kernel_shape, **attributes) -> Windows:
    """The windows of a pool over a tensor of shape ``X``."""
    require(len(X) >= 3, "X is (N, C, D1, ...)", X=X)
    return windows(X[2:], kernel_shape, **attributes)


def pool_terms(X, /, *, kernel_shape, **attributes):
    """How many elements one output element takes in."""
    return prod(kernel_shape)


# AveragePool -----------------------------------------------------------------------------------------------------------------


@op("AveragePool", since=22, arithmetic="rounded", compare=accumulation(pool_terms, mean=True))
def average_pool_22(X, /, *, auto_pad="NOTSET", ceil_mode=0, count_include_pad=0, dilations=None, kernel_shape, pads=None, strides=None):
    """The mean over each window. Padding counts only with ``count_include_pad``, and what ``ceil_mode`` adds never does."""
    window = pool_windows(
        X.shape, kernel_shape, auto_pad=auto_pad, ceil_mode=ceil_mode, dilations=dilations, pads=pads, strides=strides, tail_windows=False
    )
    return pool_window(X, window=window, reduce="mean", include_pad=bool(count_include_pad))


@op("AveragePool", since=19, like=average_pool_22)
def average_pool_19(X, /, *, count_include_pad=0, kernel_shape, **attributes):
    """Before version 22: ``ceil_mode`` may add a window that lies in the padding alone; its mean is NaN."""
    window = pool_windows(X.shape, kernel_shape, **attributes)
    return pool_window(X, window=window, reduce="mean", include_pad=bool(count_include_pad))


@op("AveragePool", since=10, also=(11,), like=average_pool_22)
def average_pool_10(X, /, *, kernel_shape, **attributes):
    """Before version 19: no dilations."""
    return average_pool_19(X, kernel_shape=kernel_shape, **attributes)


@op("AveragePool", since=7, like=average_pool_22)
def average_pool_7(X, /, *, kernel_shape, **attributes):
    """Before version 10: the number of windows is rounded down."""
    return average_pool_19(X, kernel_shape=kernel_shape, **attributes)


@op("AveragePool", since=1, like=average_pool_22)
def average_pool_1(X, /, *, kernel_shape, **attributes):
    """Before version 7: padding never counts."""
    return average_pool_19(X, kernel_shape=kernel_shape, **attributes)


@lowers(average_pool_22)
def lower_average_pool_22(attributes, shapes, tail_windows=False):
    """One call of ``pool_window``."""
    given = {name: value for name, value in attributes.items() if name != "count_include_pad"}
    window = pool_windows(shapes[0], tail_windows=tail_windows, **given)
    include_pad = bool(attributes.get("count_include_pad", 0))
    return Lowered(pool_window, (0,), {"window": window, "reduce": "mean", "include_pad": include_pad})


@lowers(average_pool_19)
@lowers(average_pool_10)
@lowers(average_pool_7)
@lowers(average_pool_1)
def lower_average_pool(attributes, shapes):
    """The same before version 22, with windows that lie in the padding alone."""
    return lower_average_pool_22(attributes, shapes, tail_windows=True)


# MaxPool ---------------------------------------------------------------------------------------------------------------------


@op("MaxPool", since=22, arithmetic="exact", compare=exact)
def max_pool_22(
    X, /, *, ctx, auto_pad="NOTSET", ceil_mode=0, dilations=None, kernel_shape, pads=None, storage_order=0, strides=None
):  # fmt: skip
    """The maximum over each window, and where in X it stands: the first one in row-major order.

    Indices count through N, C and the spatial axes; with ``storage_order`` 1 the spatial axes in column-major order.
    NaN is not specified; here a window that holds one has the maximum NaN. A window that lies in the padding alone has the
    least value of the type and the index -1.
    """
    window = pool_windows(
        X.shape, kernel_shape, auto_pad=auto_pad, ceil_mode=ceil_mode, dilations=dilations, pads=pads, strides=strides, tail_windows=False
    )
    return maxima(X, window, ctx, storage_order)


def maxima(X, window, ctx, storage_order):
    """Y, and Indices where the node asks for them."""
    Y = pool_window(X, window=window, reduce="max")
    return (Y, first_indices(X, Y, window, storage_order)) if ctx.wants(1) else Y


def first_indices(X, Y, window, storage_order):
    """For each element of Y the index of the first element of X in its window that equals it, -1 where there is none."""
    N, C, *spatial = X.shape
    rank = len(spatial)
    steps = [prod(spatial[:axis] if storage_order else spatial[axis + 1 :]) for axis in range(rank)]  # of the index, per axis
    found = np.full(claim(Y.shape, np.int64), -1, np.int64)
    padded_X = padded(X, window, least(X.dtype))
    grid = [window.coordinates(axis) for axis in range(rank)]
    for k, slices in window.taps:
        at = [grid[axis][:, k[axis]] for axis in range(rank)]
        inside = fold(np.logical_and.outer, [(a >= 0) & (a < size) for a, size in zip(at, spatial, strict=True)])
        index = fold(np.add.outer, [a * step for a, step in zip(at, steps, strict=True)])
        x = padded_X[:, :, *slices]
        both_nan = (x != x) & (Y != Y)  # also in types that np.isnan does not know
        found = np.where((found < 0) & inside & ((x == Y) | both_nan), index, found)
    first_of_plane = np.arange(N * C).reshape(N, C, *(1,) * rank) * prod(spatial)
    return np.where(found < 0, -1, found + first_of_plane)


@op("MaxPool", since=10, also=(11, 12), like=max_pool_22)
def max_pool_10(X, /, *, ctx, kernel_shape, storage_order=0, **attributes):
    """Before version 22: ``ceil_mode`` may add a window that lies in the padding alone."""
    return maxima(X, pool_windows(X.shape, kernel_shape, **attributes), ctx, storage_order)


@op("MaxPool", since=8, like=max_pool_22)
def max_pool_8(X, /, *, ctx, kernel_shape, **attributes):
    """Before version 10: no dilations, and the number of windows is rounded down."""
    return max_pool_10(X, ctx=ctx, kernel_shape=kernel_shape, **attributes)


@op("MaxPool", since=1, like=max_pool_22)
def max_pool_1(X, /, *, kernel_shape, **attributes):
    """Before version 8: no Indices."""
    return pool_window(X, window=pool_windows(X.shape, kernel_shape, **attributes), reduce="max")


@lowers(max_pool_22)
def lower_max_pool_22(attributes, shapes, tail_windows=False):
    """One call of ``pool_window`` where Y is all that the node asks for."""
    given = {name: value for name, value in attributes.items() if name != "storage_order"}
    return Lowered(pool_window, (0,), {"window": pool_windows(shapes[0], tail_windows=tail_windows, **given), "reduce": "max"})


@lowers(max_pool_10)
@lowers(max_pool_8)
@lowers(max_pool_1)
def lower_max_pool(attributes, shapes):
    """The same before version 22, with windows that lie in the padding alone."""
    return lower_max_pool_22(attributes, shapes, tail_windows=True)
