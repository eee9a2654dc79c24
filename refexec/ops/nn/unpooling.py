"""MaxUnpool, MaxRoiPool."""

from math import prod

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import vector
from refexec.ops.nn.windows import ceil_div, given_pads, per_axis
from refexec.registry import op
from refexec.values import zero


@op("MaxUnpool", since=9, also=(11, 22), arithmetic="exact", compare=exact)
def max_unpool_9(X, I, output_shape=None, /, *, kernel_shape, pads=None, strides=None):
    """Zeros, and each element of X at its flat index from I: what MaxPool left out is 0.

    The indices count through (N, C, (D - 1) * strides + kernel_shape - pads, ...). ``output_shape`` takes the place of ``pads``:
    what it lacks of (D - 1) * strides + kernel_shape is padding; what it has beyond are zeros at the end of the axes. That the
    indices do not count through the latter follows the backend tests of onnx, not the text, which is silent.
    """
    require(X.ndim >= 3, "X is (N, C, D1, ...)", X=X.shape)
    require(I.shape == X.shape, "I has the shape of X", I=I.shape, X=X.shape)
    rank = X.ndim - 2
    require(len(kernel_shape) == rank, "kernel_shape has one value per spatial axis", kernel_shape=kernel_shape, X=X.shape)
    axes = zip(X.shape[2:], per_axis("strides", strides, rank), kernel_shape, given_pads(pads, rank), strict=True)
    ends = [((d - 1) * s + k, begin + end) for d, s, k, (begin, end) in axes]
    if output_shape is None:
        full = shape = (*X.shape[:2], *(size - padding for size, padding in ends))
    else:
        full = vector(output_shape, "output_shape")
        require(len(full) == X.ndim and full[:2] == X.shape[:2], "output_shape is (N, C, ...)", output_shape=full, X=X.shape)
        shape = (*X.shape[:2], *(min(size, asked) for (size, _), asked in zip(ends, full[2:], strict=True)))
    require(min(shape) >= 0, "the size of an output is not negative", shape=shape)
    flat = np.full(prod(claim(shape, X.dtype)), zero(X.dtype), X.dtype)
    require(np.all((I >= 0) & (flat.size > I)), "indices are in the range of the output", I=I, size=flat.size)
    flat[I.ravel()] = X.ravel()
    output = np.full(claim(full, X.dtype), zero(X.dtype), X.dtype)
    output[tuple(map(slice, shape))] = flat.reshape(shape)
    return output


@op("MaxRoiPool", since=1, also=(22,), arithmetic="exact", compare=exact)
def max_roi_pool_1(X, rois, /, *, ctx, pooled_shape, spatial_scale=1.0):
    """The maximum over each cell of a grid laid over each region of X: (num_rois, C, *pooled_shape).

    A region is (batch_id, x1, y1, x2, y2), scaled and rounded to elements (halves away from 0), ends included and at least
    one element wide. Cell i of n over a length L goes from floor(i * L / n) to ceil((i + 1) * L / n); a cell outside X gives 0.
    The specification says no more than "max pooling across each RoI"; this is the rule of Fast R-CNN (Girshick, 2015).
    """
    require(X.ndim == 4, "X is (N, C, H, W)", X=X.shape)
    require(rois.ndim == 2 and rois.shape[1] == 5, "rois is (num_rois, 5)", rois=rois.shape)
    require(len(pooled_shape) == 2 and min(pooled_shape) >= 1, "pooled_shape is a positive height and width", pooled_shape=pooled_shape)
    batch_id = rois[:, 0].astype(np.float64)
    require(np.all((batch_id >= 0) & (batch_id < X.shape[0])), "batch_id is in [0, N - 1]", batch_id=batch_id, X=X.shape)
    corners = rounded_corners(rois, spatial_scale)
    Y = np.full(claim((len(rois), X.shape[1], *pooled_shape), X.dtype), zero(X.dtype), X.dtype)
    ctx.trip(len(rois) * prod(pooled_shape))
    for r, (n, (left, top, right, bottom)) in enumerate(zip(batch_id.astype(np.int64), corners.tolist(), strict=True)):
        for i, rows in enumerate(cells(top, bottom, pooled_shape[0], X.shape[2])):
            for j, columns in enumerate(cells(left, right, pooled_shape[1], X.shape[3])):
                cell = X[n, :, rows, columns]
                if cell.shape[1] and cell.shape[2]:
                    Y[r, :, i, j] = np.maximum.reduce(cell, axis=(1, 2))
    return Y


def rounded_corners(rois, spatial_scale):
    """x1, y1, x2, y2 of each region times the scale, rounded to elements."""
    scaled = (rois[:, 1:] * rois.dtype.type(spatial_scale)).astype(np.float64)
    require(np.all(np.abs(scaled) < 2**31), "a region has finite corners", rois=rois)
    return np.copysign(np.floor(np.abs(scaled) + 0.5), scaled).astype(np.int64)


def cells(first, last, count, size):
    """The ``count`` slices into which [first, last] falls, cut to an axis of ``size`` elements; they may overlap."""
    length = max(last - first + 1, 1)
    bounds = [(first + i * length // count, first + ceil_div((i + 1) * length, count)) for i in range(count)]
    return [slice(min(max(start, 0), size), min(max(stop, 0), size)) for start, stop in bounds]
