"""RoiAlign."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array
from refexec.ops.reduction.over import total
from refexec.registry import op
from refexec.values import round_to, smallest_subnormal, unit_roundoff


def sampling_bound(call: Call):
    """A position is off by a few roundoffs of the largest coordinate, a sample by as much of the difference of two elements;
    the samples of a bin are then summed."""
    X, rois, batch_indices = call.inputs
    dtype = call.elements[0].dtype
    largest = np.abs(X).max(axis=(1, 2, 3), initial=0)[batch_indices]
    reach = np.maximum(np.abs(rois * call.attributes["spatial_scale"]).max(axis=1, initial=1), max(X.shape[2:]))
    grid = call.attributes["sampling_ratio"] or np.ceil(reach)
    return (((16 + 16 * reach + grid**2) * unit_roundoff(dtype) * largest + smallest_subnormal(dtype)).reshape(-1, 1, 1, 1),)


@op("RoiAlign", since=16, also=(22,), arithmetic="rounded", compare=rounded(sampling_bound))
def roi_align_16(
    X, rois, batch_indices, /, *, ctx, coordinate_transformation_mode="half_pixel", mode="avg", output_height=1, output_width=1,
    sampling_ratio=0, spatial_scale=1.0,
):  # fmt: skip
    """Y[r, c, i, j]: the mean or maximum of the samples in bin (i, j) of region ``rois[r]`` = [x1, y1, x2, y2] of image
    ``batch_indices[r]``.

    Coordinates are scaled by ``spatial_scale``, then shifted by -0.5 (*half_pixel*). A bin has ``sampling_ratio`` samples in each
    direction, or ceil(its size), at the middles of equal parts; each is interpolated from the four elements around it. A sample
    further than 1 outside the image is 0, nearer ones take the border. Without the half pixel a region is at least 1 wide and high.
    A bin without a sample is 0.
    """
    require(X.ndim == 4, "X is [N, C, H, W]", X=X.shape)
    require(batch_indices.ndim == 1, "batch_indices are [num_rois]", batch_indices=batch_indices.shape)
    require(rois.shape == (len(batch_indices), 4), "rois are [num_rois, 4]", rois=rois.shape, num_rois=len(batch_indices))
    known = np.all((batch_indices >= 0) & (batch_indices < len(X)))
    require(known, "a batch index is the index of an image in X", batch_indices=batch_indices, N=len(X))
    require(np.all(np.isfinite(rois)), "the coordinates of a region are finite")
    require(output_height > 0 and output_width > 0, "output_height and output_width are positive", size=(output_height, output_width))
    require(sampling_ratio >= 0, "sampling_ratio is not negative", sampling_ratio=sampling_ratio)
    require(mode in ("avg", "max"), "mode is avg or max", mode=mode)
    half_pixel = coordinate_transformation_mode == "half_pixel"
    known = half_pixel or coordinate_transformation_mode == "output_half_pixel"
    require(known, "coordinate_transformation_mode is half_pixel or output_half_pixel", seen=coordinate_transformation_mode)
    edges = rois * spatial_scale - (0.5 if half_pixel else 0.0)
    Y = np.zeros(claim((len(rois), X.shape[1], output_height, output_width), X.dtype), X.dtype)
    elem = ctx.output_types[0].elem
    for r, (x1, y1, x2, y2) in enumerate(edges):
        ctx.trip(r + 1)
        rows = samples(y1, y2, output_height, sampling_ratio, half_pixel, elem)
        columns = samples(x1, x2, output_width, sampling_ratio, half_pixel, elem)
        if rows.size and columns.size and X.size:
            values = interpolated(X[batch_indices[r]], rows.reshape(-1), columns.reshape(-1))
            bins = values.reshape(len(values), *rows.shape, *columns.shape)
            Y[r] = bins.max(axis=(2, 4)) if mode == "max" else total(bins, (2, 4)) / (rows.shape[1] * columns.shape[1])
    return Y


def samples(start, end, bins: int, ratio: int, half_pixel: bool, elem) -> Array:
    """[bins, samples]: the positions along one axis of a region. How many a bin has is decided in the declared type."""
    length = end - start if half_pixel else max(end - start, 1)
    size = length / bins
    count = ratio or max(int(np.ceil(round_to(size, elem.dtype).astype(np.float64))), 0)
    claim((bins, count), elem.dtype)
    return start + size * np.arange(bins)[:, None] + size * (np.arange(count) + 0.5) / max(count, 1)


def interpolated(image: Array, y: Array, x: Array) -> Array:
    """[C, len(y), len(x)]: bilinear interpolation of ``image`` [C, H, W]; 0 at positions more than 1 outside."""
    claim((len(image), len(y), max(len(x), image.shape[2])), image.dtype)
    (top, bottom, down, inside_y), (left, right, across, inside_x) = neighbours(y, image.shape[1]), neighbours(x, image.shape[2])
    lines = image[:, top] * (1 - down)[:, None] + image[:, bottom] * down[:, None]
    values = lines[:, :, left] * (1 - across) + lines[:, :, right] * across
    return np.where(inside_y[:, None] & inside_x, values, 0)


def neighbours(position: Array, size: int) -> tuple[Array, Array, Array, Array]:
    """The indices on either side of each position, how far it is from the first, and whether it is at most 1 outside."""
    clipped = np.clip(position, 0, max(size - 1, 0))
    first = np.floor(clipped).astype(np.int64)
    return first, np.minimum(first + 1, max(size - 1, 0)), clipped - first, (position >= -1) & (position <= size)


@op("RoiAlign", since=10, like=roi_align_16)
def roi_align_10(X, rois, batch_indices, /, *, ctx, mode="avg", output_height=1, output_width=1, sampling_ratio=0, spatial_scale=1.0):
    """Before version 16: without the shift by half a pixel."""
    return roi_align_16(
        X, rois, batch_indices, ctx=ctx, coordinate_transformation_mode="output_half_pixel", mode=mode, output_height=output_height,
        output_width=output_width, sampling_ratio=sampling_ratio, spatial_scale=spatial_scale,
    )  # fmt: skip
