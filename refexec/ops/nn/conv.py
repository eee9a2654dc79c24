"""Conv, and the primitive it is written in."""

from math import prod

import numpy as np

from refexec.comparison import accumulation
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array
from refexec.ops.nn.windows import Windows, padded, windows
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op


@primitive
def correlate(X: Array, W: Array, *, window: Windows, group: int) -> Array:
    """Y[n, m, o...] = sum over c, k... of W[m, c, k...] * X[n, c, o * strides + k * dilations - begin], in ``group`` parts.

    X is (N, C, D...) and zero outside; W is (M, C / group, K...); Y is (N, M, O...). For each k one product of matrices,
    (group, M / group, C / group) @ (N, group, C / group, O), is added up.
    """
    N = X.shape[0]
    M, channels, *K = W.shape
    claim((N, M, *window.output), X.dtype)
    padded_X = padded(X, window)
    filters = W.reshape(group, M // group, channels, *K)
    Y = 0
    for k, slices in window.taps:
        columns = padded_X[:, :, *slices].reshape(N, group, channels, prod(window.output))
        Y = Y + np.matmul(filters[..., *k], columns)
    return Y.reshape(N, M, *window.output)


def terms(X, W, *rest, **attributes):
    """How many products one output element sums."""
    return prod(W.shape[1:])


def conv_windows(X, W, auto_pad, dilations, group, kernel_shape, pads, strides) -> Windows:
    """The windows of a convolution of shapes ``X`` and ``W``, all rules checked."""
    require(len(X) >= 3, "X is (N, C, D1, ...)", X=X)
    require(len(W) == len(X), "W has the rank of X", X=X, W=W)
    require(group >= 1 and W[0] % group == 0, "the number of filters is a multiple of group", W=W, group=group)
    require(X[1] == W[1] * group, "X.shape[1] == W.shape[1] * group", X=X, W=W, group=group)
    require(not kernel_shape or tuple(kernel_shape) == tuple(W[2:]), "kernel_shape is the shape of W", kernel_shape=kernel_shape, W=W)
    found = windows(X[2:], W[2:], auto_pad=auto_pad, dilations=dilations, pads=pads, strides=strides)
    fits = all(o > 0 for o, d in zip(found.output, X[2:], strict=True) if d > 0)  # an empty axis may stay empty
    require(fits, "the kernel fits into the padded input", X=X, W=W, pads=pads, dilations=dilations)
    return found


@op("Conv", since=1, also=(11, 22), arithmetic="rounded", compare=accumulation(terms))
def conv_1(X, W, B=None, /, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None, strides=None):
    """Y[n, m, o...] = B[m] + sum over c, k... of W[m, c, k...] * X[n, c, o * strides + k * dilations - pads_begin]."""
    window = conv_windows(X.shape, W.shape, auto_pad, dilations, group, kernel_shape, pads, strides)
    Y = correlate(X, W, window=window, group=group)
    return Y if B is None else Y + per_filter(B, W.shape[0], X.ndim)


def per_filter(B, filters, rank):
    """A bias in a form that broadcasts over (N, M, D...)."""
    require(B.shape == (filters,), "B has one value per filter", B=B.shape, filters=filters)
    return B.reshape(-1, *(1,) * (rank - 2))


@lowers(conv_1)
def lower_conv(attributes, shapes):
    """One call of ``correlate`` and then the bias; None where the body is to refuse the shape of B."""
    X, W, B = (*shapes, None)[:3]
    if B not in (None, W[:1]):
        return None
    names = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
    window = conv_windows(X, W, *(attributes.get(name) for name in names))
    static = {"window": window, "group": attributes["group"]}
    return Lowered(correlate, (0, 1), static, bias=None if B is None else 2, bias_axis=1)
