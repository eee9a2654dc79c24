"""LpNormalization, LRN."""

from math import prod

import numpy as np

from refexec.comparison import rounded
from refexec.errors import require
from refexec.ops.common import normalize_axis
from refexec.ops.nn.pooling import pool_window
from refexec.ops.nn.windows import windows
from refexec.ops.reduction.over import reduce_over
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def lp_normalization_bound(call):
    """The errors of the powers, their sum, the root and the division; and what the squares lose by underflow."""
    (input,), (y,), dtype = call.inputs, call.outputs, call.elements[0].dtype
    axis, p = call.attributes.get("axis", -1), call.attributes.get("p", 2)
    n, norm = input.shape[axis], lp_norm(input, axis, p)
    lost = np.where(norm > 0, (n * smallest_subnormal(dtype)) ** (1 / p) / np.where(norm > 0, norm, 1), 0)
    return (((n + 6) * unit_roundoff(dtype) + lost) * np.abs(y) + smallest_subnormal(dtype),)


def lp_norm(input, axis, p):
    """The sum of magnitudes, or the root of the sum of squares, along ``axis``."""
    return reduce_over(input, axes=(normalize_axis(axis, input.ndim),), how=f"l{p}")


@op("LpNormalization", since=1, also=(22,), arithmetic="rounded", compare=rounded(lp_normalization_bound))
def lp_normalization_1(input, /, *, axis=-1, p=2):
    """input / (sum of |input| ** p along ``axis``) ** (1 / p), p being 1 or 2; 0 where all elements are 0."""
    require(p in (1, 2), "p is 1 or 2", p=p)
    norm = lp_norm(input, axis, p)
    return np.where(norm == 0, 0, input / norm)


def lrn_bound(call):
    """The relative error of the base, grown by the exponent, and that of the power, which goes by way of a logarithm."""
    (X,), (y,), dtype = call.inputs, call.outputs, call.elements[0].dtype
    size, bias = call.attributes["size"], call.attributes.get("bias", 1.0)
    alpha, exponent = call.attributes.get("alpha", 1e-4), np.abs(call.attributes.get("beta", 0.75))
    share = alpha / size * region_sums(np.square(X), size)
    base = bias + share
    of_base = ((size + 6) * np.abs(share) + 2 * abs(bias)) / np.abs(base)
    of_power = np.abs(np.log(np.abs(base)))
    relative = exponent * of_base + exponent * of_power + 10
    return (relative * unit_roundoff(dtype) * np.abs(y) + smallest_subnormal(dtype),)


def region_sums(x, size):
    """The sums over ``size`` channels around each channel: (size - 1) // 2 before it, the others after it.

    They are a pool over (N, 1, C, D), D the product of the spatial axes, with windows along C.
    """
    N, C, *D = x.shape
    before, after = (max(min(reach, C - 1), 0) for reach in ((size - 1) // 2, size // 2))  # further there are no channels
    planes = x.reshape(N, 1, C, prod(D))
    window = windows(planes.shape[2:], (before + 1 + after, 1), pads=(before, 0, after, 0))
    return pool_window(planes, window=window, reduce="sum").reshape(x.shape)


@op("LRN", since=1, also=(13,), arithmetic="rounded", compare=rounded(lrn_bound))
def lrn_1(X, /, *, alpha=1e-4, beta=0.75, bias=1.0, size):
    """Y = X / (bias + alpha / size * square_sum) ** beta; square_sum is over the ``size`` channels around that of X.

    Of an even number of channels the odd one is after.
    """
    require(X.ndim >= 2, "X is (N, C, D1, ...)", X=X.shape)
    require(size >= 1, "size is positive", size=size)
    return X / (bias + alpha / size * region_sums(np.square(X), size)) ** beta
