"""Shape, Size, Reshape, Identity, Squeeze, Unsqueeze, Transpose."""

from math import prod

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.layout import reshaped
from refexec.ops.common import normalize_axes, normalize_axis, vector
from refexec.registry import op


@op("Identity", since=1, also=(13, 14, 16, 19, 21, 23, 24, 25), arithmetic="exact", compare=exact)
def identity_1(input, /):
    """The input."""
    return input


@op("Shape", since=15, also=(19, 21, 23, 24, 25), arithmetic="exact", compare=exact)
def shape_15(data, /, *, start=0, end=None):
    """The dimensions from axis ``start`` to before ``end``, as int64. Both count from the end when negative and are clamped."""
    rank = data.ndim
    first = min(max(start + rank if start < 0 else start, 0), rank)
    last = rank if end is None else min(max(end + rank if end < 0 else end, 0), rank)
    return np.array(data.shape[first : max(first, last)], np.int64)


@op("Shape", since=1, also=(13,), like=shape_15)
def shape_1(data, /):
    """Before version 15: all dimensions."""
    return shape_15(data)


@op("Size", since=1, also=(13, 19, 21, 23, 24, 25), arithmetic="exact", compare=exact)
def size_1(data, /):
    """The number of elements, as an int64 scalar."""
    return np.array(data.size, np.int64)


@op("Reshape", since=14, also=(19, 21, 23, 24, 25), arithmetic="exact", compare=exact)
def reshape_14(data, shape, /, *, allowzero=0):
    """The same elements in another shape. One -1 stands for what is left; 0 copies the input's dimension unless ``allowzero``."""
    require(shape.ndim == 1, "shape is a vector", shape=shape)
    dims = shape.tolist()
    if 0 in dims and not allowzero:
        require(
            all(d != 0 or i < data.ndim for i, d in enumerate(dims)),
            "a dimension 0 copies one that the input has",
            shape=dims,
            data=data.shape,
        )
        dims = [data.shape[i] if d == 0 else d for i, d in enumerate(dims)]
    if -1 in dims:
        require(not allowzero or 0 not in dims, "with allowzero, 0 and -1 exclude each other", shape=dims)
        at = dims.index(-1)
        rest = prod(dims[:at] + dims[at + 1 :])
        require(rest > 0 and data.size % rest == 0, "the other dimensions divide the number of elements", shape=dims, data=data.shape)
        dims[at] = data.size // rest
    require(not dims or min(dims) >= 0, "at most one dimension is -1 and none is less", shape=dims)
    require(prod(dims) == data.size, "both shapes have the same number of elements", shape=dims, data=data.shape)
    return reshaped(data, dims)


@op("Reshape", since=5, also=(13,), like=reshape_14)
def reshape_5(data, shape, /):
    """Before version 14: 0 always copies the input's dimension."""
    return reshape_14(data, shape)


@op("Reshape", since=1, like=reshape_14)
def reshape_1(data, /, *, shape=None):
    """Before version 5: the shape is an attribute."""
    return reshape_14(data, np.array(shape or (), np.int64))


@op("Squeeze", since=13, also=(21, 23, 24, 25), arithmetic="exact", compare=exact)
def squeeze_13(data, axes=None, /):
    """Without the given axes, which have size 1; without all axes of size 1 when none are given."""
    if axes is None:
        return data.reshape([d for d in data.shape if d != 1])
    gone = {normalize_axis(axis, data.ndim) for axis in vector(axes, "axes")}
    require(all(data.shape[a] == 1 for a in gone), "squeezed axes have size 1", axes=sorted(gone), data=data.shape)
    return data.reshape([d for a, d in enumerate(data.shape) if a not in gone])


@op("Squeeze", since=1, also=(11,), like=squeeze_13)
def squeeze_1(data, /, *, axes=None):
    """Before version 13: the axes are an attribute."""
    return squeeze_13(data, axes)


@op("Unsqueeze", since=13, also=(21, 23, 24, 25), arithmetic="exact", compare=exact)
def unsqueeze_13(data, axes, /):
    """With axes of size 1 inserted; ``axes`` are positions in the result, in any order. A scalar is one axis."""
    axes = vector(np.atleast_1d(axes), "axes")
    rank = data.ndim + len(axes)
    new = normalize_axes(axes, rank)
    old = iter(data.shape)
    return data.reshape([1 if a in new else next(old) for a in range(rank)])


@op("Unsqueeze", since=1, also=(11,), like=unsqueeze_13)
def unsqueeze_1(data, /, *, axes):
    """Before version 13: the axes are an attribute."""
    return unsqueeze_13(data, axes)


@op("Transpose", since=1, also=(13, 21, 23, 24, 25), arithmetic="exact", compare=exact)
def transpose_1(data, /, *, perm=None):
    """Axis ``i`` of the result is axis ``perm[i]`` of the input; the axes in reverse without ``perm``."""
    order = tuple(range(data.ndim))[::-1] if perm is None else tuple(perm)
    require(sorted(order) == list(range(data.ndim)), "perm is a permutation of the axes", perm=order, data=data.shape)
    return data.transpose(order)
