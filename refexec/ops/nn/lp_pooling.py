"""LpPool, and the pools over all spatial axes: GlobalAveragePool, GlobalMaxPool, GlobalLpPool."""

from math import prod

import numpy as np

from refexec.comparison import accumulation, exact, rounded
from refexec.errors import require
from refexec.ops.nn.pooling import pool_terms, pool_window, pool_windows
from refexec.ops.reduction.over import KERNEL_TYPES, mean, reduce_over
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.values import smallest_subnormal, unit_roundoff

POWER_ULPS = 4  # a power function in the working type is right to this many


def norm_bound(terms):
    """|y| times the errors of the powers, their sum and the root; and the root of what the powers lose by underflow.

    ``terms`` tells how many elements an output takes in. A root that goes by way of exp and log adds the size of the logarithm.
    """

    def lp_bound(call):
        y, dtype = np.abs(call.outputs[0]), call.elements[0].dtype
        n, p = terms(*call.inputs, **call.attributes), call.attributes.get("p", 2)
        logarithm = np.abs(np.log(np.where((y > 0) & np.isfinite(y), y, 1)))
        relative = (n + 1 + POWER_ULPS) / p + POWER_ULPS + logarithm
        tiny = (n * smallest_subnormal(dtype)) ** min(1 / p, 1) + smallest_subnormal(dtype)
        return (relative * unit_roundoff(dtype) * y + tiny,)

    return rounded(lp_bound)


def spatial_axes(shape):
    """The axes after N and C."""
    require(len(shape) >= 2, "X is (N, C, D1, ...) or (N, C)", X=shape)
    return tuple(range(2, len(shape)))


def spatial_terms(X, /, **attributes):
    """How many elements one output element takes in."""
    return prod(X.shape[2:])


@op("LpPool", since=22, arithmetic="rounded", compare=norm_bound(pool_terms))
def lp_pool_22(X, /, *, auto_pad="NOTSET", ceil_mode=0, dilations=None, kernel_shape, p=2, pads=None, strides=None):
    """(sum of |x| ** p over each window) ** (1 / p)."""
    window = pool_windows(
        X.shape, kernel_shape, auto_pad=auto_pad, ceil_mode=ceil_mode, dilations=dilations, pads=pads, strides=strides, tail_windows=False
    )
    return window_norm(X, window, p)


def window_norm(X, window, p):
    """The p-norm of each window."""
    return root(pool_window(power(X, p), window=window, reduce="sum"), p)


def power(X, p):
    """|X| ** p for a positive p."""
    require(p > 0, "p is positive", p=p)
    return np.abs(X) ** p


def root(sums, p):
    """sums ** (1 / p)."""
    return np.sqrt(sums) if p == 2 else sums ** (1 / p)


@op("LpPool", since=18, like=lp_pool_22)
def lp_pool_18(X, /, *, kernel_shape, p=2, **attributes):
    """Before version 22: ``ceil_mode`` may add a window that lies in the padding alone; it gives 0."""
    return window_norm(X, pool_windows(X.shape, kernel_shape, **attributes), p)


@op("LpPool", since=2, also=(11,), like=lp_pool_22)
def lp_pool_2(X, /, *, kernel_shape, **attributes):
    """Before version 18: no dilations, and the number of windows is rounded down."""
    return lp_pool_18(X, kernel_shape=kernel_shape, **attributes)


@op("LpPool", since=1, like=lp_pool_22)
def lp_pool_1(X, /, *, kernel_shape=None, p=2.0, **attributes):
    """Before version 2: p may be a fraction."""
    require(kernel_shape is not None, "kernel_shape is given")
    return lp_pool_18(X, kernel_shape=kernel_shape, p=p, **attributes)


@op("GlobalAveragePool", since=1, also=(22,), arithmetic="rounded", compare=accumulation(spatial_terms, mean=True))
def global_average_pool_1(X, /):
    """The mean over all spatial axes, which become 1; NaN over no element."""
    return mean(X, spatial_axes(X.shape))


@op("GlobalMaxPool", since=1, also=(22,), arithmetic="exact", compare=exact)
def global_max_pool_1(X, /):
    """The maximum over all spatial axes, which become 1. NaN, of which the specification does not speak, is the maximum."""
    return reduce_over(X, axes=spatial_axes(X.shape), how="max")


@op("GlobalLpPool", since=2, also=(22,), arithmetic="rounded", compare=norm_bound(spatial_terms))
def global_lp_pool_2(X, /, *, p=2):
    """(sum of |x| ** p over all spatial axes) ** (1 / p)."""
    return root(reduce_over(power(X, p), axes=spatial_axes(X.shape), how="sum"), p)


@op("GlobalLpPool", since=1, like=global_lp_pool_2)
def global_lp_pool_1(X, /, *, p=2.0):
    """Before version 2: p may be a fraction."""
    return global_lp_pool_2(X, p=p)


@lowers(global_average_pool_1, types=KERNEL_TYPES)
def lower_global_average_pool(attributes, shapes, how="mean"):
    """One call of ``reduce_over``."""
    return Lowered(reduce_over, (0,), {"axes": spatial_axes(shapes[0]), "how": how, "keepdims": True})


@lowers(global_max_pool_1, types=KERNEL_TYPES)
def lower_global_max_pool(attributes, shapes):
    """The same with the maximum."""
    return lower_global_average_pool(attributes, shapes, "max")


@lowers(global_lp_pool_2, types=KERNEL_TYPES)
@lowers(global_lp_pool_1, types=KERNEL_TYPES)
def lower_global_lp_pool(attributes, shapes):
    """The same with the sum of magnitudes or the root of the sum of squares; other powers run the body."""
    how = {1: "l1", 2: "l2"}.get(attributes["p"])
    return None if how is None else lower_global_average_pool(attributes, shapes, how)
