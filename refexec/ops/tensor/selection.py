"""Where, Compress, NonZero, Trilu, OneHot: selection by a condition or a position."""

import numpy as np

from refexec.comparison import Call, discrete, exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import is_integer, normalize_axis, scalar
from refexec.registry import op
from refexec.values import zero


@op("Where", since=9, also=(16,), arithmetic="exact", compare=exact, broadcasts=True)
def where_9(condition, X, Y, /):
    """X where ``condition`` holds, else Y; all three broadcast together."""
    return np.where(condition, X, Y)


@op("Compress", since=9, also=(11, 28), arithmetic="exact", compare=exact)
def compress_9(input, condition, /, *, axis=None):
    """The slices along ``axis`` for which ``condition`` holds; without an axis the elements of the flattened input.

    What lies beyond the end of a short condition is left out, and so are conditions beyond the end of the axis.
    """
    require(condition.ndim == 1, "condition is a vector", condition=condition.shape)
    data = input.reshape(-1) if axis is None else input
    at = normalize_axis(axis or 0, data.ndim)
    return np.take(data, np.flatnonzero(condition[: data.shape[at]]), axis=at)


def magnitude(call: Call):
    """How far each element is from zero. None for strings."""
    (X,) = call.inputs
    return None if X.dtype == object else np.abs(X)


@op("NonZero", since=9, also=(13,), arithmetic="exact", compare=discrete(magnitude))
def non_zero_9(X, /):
    """The positions of the elements that are not 0, False or "", in row-major order: a column of Y (rank, count) each.

    A scalar, which has no coordinates, gives (0, 1) or (0, 0). NaN is not zero.
    """
    Y = np.empty(claim((X.ndim, int(np.count_nonzero(X))), np.int64), np.int64)
    if X.ndim:
        Y[:] = np.nonzero(X)
    return Y


@op("Trilu", since=14, arithmetic="exact", compare=exact)
def trilu_14(input, k=None, /, *, upper=1):
    """The elements [..., i, j] with j - i >= k (upper) or j - i <= k (lower); 0 elsewhere. k is 0 when absent."""
    require(input.ndim >= 2, "input has rank 2 or more", input=input.shape)
    k = 0 if k is None else scalar(k, "k")
    claim(input.shape[-2:], np.int64)
    claim((sum(input.shape[-2:]),), np.int64)
    rows, columns = np.ogrid[: input.shape[-2], : input.shape[-1]]
    kept = columns - rows >= k if upper else columns - rows <= k
    return np.where(kept, input, zero(input.dtype))


@op("OneHot", since=11, also=(28,), arithmetic="exact", compare=exact)
def one_hot_11(indices, depth, values, /, *, axis=-1):
    """A new axis of size ``depth``, with on_value at the index and off_value elsewhere; ``values`` is [off_value, on_value].

    Negative indices count from ``depth``; an index outside [-depth, depth - 1] is nowhere. Floats lose their fraction first.
    """
    size = depth_of(depth)
    index = np.asarray(indices if is_integer(indices) else indices.astype(np.int64))
    from_end = (index < 0) & (index >= -size)
    return one_hot(np.where(from_end, index.astype(np.int64) + size, index), size, values, axis)


def depth_of(depth) -> int:
    """The size of the new axis."""
    size = int(np.asarray(scalar(depth, "depth")).astype(np.int64))
    require(size >= 0, "depth is not negative", depth=size)
    return size


def one_hot(index, size, values, axis):
    """A new axis of ``size`` elements: values[1] where its position is the index, values[0] elsewhere."""
    require(values.shape == (2,), "values has two elements, off_value and on_value", values=values.shape)
    at = normalize_axis(axis, index.ndim + 1)
    claim((*index.shape[:at], size, *index.shape[at:]), values.dtype)
    claim((size,), np.int64)
    positions = np.arange(size).reshape(-1, *(1,) * (index.ndim - at))
    return np.where(np.expand_dims(index, at) == positions, values[1:], values[:1])


@op("OneHot", since=9, like=one_hot_11)
def one_hot_9(indices, depth, values, /, *, axis=-1):
    """Before version 11: negative indices are nowhere."""
    return one_hot(indices if is_integer(indices) else indices.astype(np.int64), depth_of(depth), values, axis)
