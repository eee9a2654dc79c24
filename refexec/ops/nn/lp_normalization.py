"""LpNormalization, LRN."""

import numpy as np

from refexec.comparison import rounded
from refexec.errors import require
from refexec.ops.common import normalize_axis
from refexec.ops.nn.pooling import pool_window
from refexec.ops.nn.windows import windows
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def lp_normalization_bound(call):
    """The errors of the powers, their sum, the root and the division; and what the squares lose by underflow."""
    (input,), (y,), dtype = call.inputs, call.outputs, call.elements[0].dtype
    axis, p, n = call.attributes.get("axis", -1), call.attributes.get("p", 2), input.shape[call.attributes.get("axis", -1)]
    norm = lp_norm(input, axis, p)
    lost = np.where(norm > 0, (n * smallest_subnormal(dtype)) ** (1 / p) / np.where(norm > 0, norm, 1), 0)
    return (((n + 6) * unit_roundoff(dtype) + lost) * np.abs(y) + smallest_subnormal(dtype),)


def lp_norm(input, axis, p):
    """The sum of magnitudes, or the root of the sum of squares, along ``axis``."""
    sizes = np.abs(input)
    return sizes.sum(axis=axis, keepdims=True) if p == 1 else np.sqrt(np.square(sizes).sum(axis=axis, keepdims=True))


@op("LpNormalization", since=1, also=(22,), arithmetic="rounded", compare=rounded(lp_normalization_bound))
def lp_normalization_1(input, /, *, axis=-1, p=2):
    """input / (sum of |input| ** p along ``axis``) ** (1 / p), p being 1 or 2; 0 where all elements are 0."""
    require(p in (1, 2), "p is 1 or 2", p=p)
    norm = lp_norm(input, normalize_axis(axis, input.ndim), p)
    return np.where(norm == 0, 0, input / norm)


def lrn_bound(call):
    """The relative error of the base, grown by the exponent, and that of the power, which goes by way of a logarithm."""
    (X,), (y,), dtype = call.inputs, call.outputs, call.elements[0].dtype
    given = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0} | dict(call.attributes)
    share = given["alpha"] / given["size"] * region_sums(np.square(X), given["size"])
    base = given["bias"] + share
    u = unit_roundoff(dtype)
    error = ((given["size"] + 6) * np.abs(share) + 2 * abs(given["bias"])) / np.abs(base)
    exponent = np.abs(given["beta"])
    return ((exponent * error + exponent * np.abs(np.log(np.abs(base))) + 10) * u * np.abs(y) + smallest_subnormal(dtype),)


def region_sums(x, size):
    """The sums over ``size`` channels around each channel: (size - 1) // 2 before it, the others after it."""
    N, C, *D = x.shape
    before, after = (max(min(reach, C - 1), 0) for reach in ((size - 1) // 2, size // 2))
    flat = x.reshape(N, 1, C, int(np.prod(D, dtype=np.int64)))
    window = windows(flat.shape[2:], (before + 1 + after, 1), pads=(before, 0, after, 0))
    return pool_window(flat, window=window, reduce="sum").reshape(x.shape)


@op("LRN", since=1, also=(13,), arithmetic="rounded", compare=rounded(lrn_bound))
def lrn_1(X, /, *, alpha=1e-4, beta=0.75, bias=1.0, size):
    """Y = X / (bias + alpha / size * square_sum) ** beta; square_sum is over the ``size`` channels around that of X.

    Of an even number of channels the odd one is after.
    """
    require(X.ndim >= 2, "X is (N, C, D1, ...)", X=X.shape)
    require(size >= 1, "size is positive", size=size)
    return X / (bias + alpha / size * region_sums(np.square(X), size)) ** beta
