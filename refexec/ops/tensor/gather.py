"""Gather, GatherElements, GatherND."""

from functools import reduce as fold
from math import prod

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, in_range, normalize_axis
from refexec.registry import op


@op("Gather", since=1, also=(11, 13), arithmetic="exact", compare=exact)
def gather_1(data, indices, /, *, axis=0):
    """The slices of ``data`` along ``axis`` at ``indices``, whose dimensions replace the axis."""
    at = normalize_axis(axis, data.ndim)
    claim((*data.shape[:at], *indices.shape, *data.shape[at + 1 :]), data.dtype)
    found = np.take(data, in_range(indices, data.shape[at]), axis=at)
    return np.asarray(found, data.dtype)  # one string is no array


def along_axis(indices: Array, data: tuple[int, ...], axis: int) -> tuple[Array, ...]:
    """NumPy indices of the elements of a tensor of shape ``data`` that ``indices`` name along ``axis``.

    On the other axes an element has the position of its index: ``indices`` may be shorter there, not longer.
    """
    require(indices.ndim == len(data), "indices has the rank of data", indices=indices.shape, data=data)
    at = normalize_axis(axis, len(data))
    fits = all(n <= d for a, (n, d) in enumerate(zip(indices.shape, data, strict=True)) if a != at)
    require(fits, "on the other axes indices is not larger than data", indices=indices.shape, data=data, axis=at)
    claim((sum(indices.shape),), np.int64)
    places = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    places[at] = in_range(indices, data[at])
    return tuple(places)


@op("GatherElements", since=11, also=(13,), arithmetic="exact", compare=exact)
def gather_elements_11(data, indices, /, *, axis=0):
    """output[i, j, k] = data[indices[i, j, k], j, k] for ``axis`` 0, likewise for the other axes."""
    claim(indices.shape, data.dtype)
    return elements_at(data, along_axis(indices, data.shape, axis))


def elements_at(data: Array, places: tuple[Array, ...]) -> Array:
    """``data[places]`` for one index per axis; where data is in row-major order by single indices, which NumPy looks up faster."""
    if not data.flags.c_contiguous or not data.size:
        return data[(*places, ...)]
    steps = [prod(data.shape[axis + 1 :]) for axis in range(data.ndim)]
    flat = fold(np.add, [place * step for place, step in zip(places, steps, strict=True)])
    return np.asarray(np.take(data.reshape(-1), flat, mode="clip"), data.dtype)  # every place was checked; one string is no array


def tuples(indices: Array, data: tuple[int, ...], batch_dims: int = 0) -> tuple[Array, ...]:
    """NumPy indices of what the rows of ``indices`` name in a tensor of shape ``data``, after ``batch_dims`` common axes."""
    q, r = indices.ndim, len(data)
    require(q >= 1 and r >= 1, "data and indices have rank 1 or more", indices=indices.shape, data=data)
    require(0 <= batch_dims < min(q, r), "batch_dims is less than both ranks", batch_dims=batch_dims, indices=indices.shape, data=data)
    batches = indices.shape[:batch_dims]
    require(batches == data[:batch_dims], "the batch dimensions are equal", indices=indices.shape, data=data, batch_dims=batch_dims)
    depth = indices.shape[-1]
    require(1 <= depth <= r - batch_dims, "an index tuple has 1 to rank - batch_dims entries", indices=indices.shape, data=data)
    claim((sum(batches),), np.int64)
    grid = np.ogrid[tuple(slice(n) for n in (*batches, *(1,) * (q - 1 - batch_dims)))] if batch_dims else []
    return (*grid[:batch_dims], *(in_range(indices[..., i], data[batch_dims + i]) for i in range(depth)))


@op("GatherND", since=12, also=(13,), arithmetic="exact", compare=exact)
def gather_nd_12(data, indices, /, *, batch_dims=0):
    """Each row of ``indices`` (its last axis) is replaced by what ``data`` has there: an element, or a slice when it is short.

    The first ``batch_dims`` axes are common to both and are not indexed.
    """
    places = tuples(indices, data.shape, batch_dims)
    claim((*indices.shape[:-1], *data.shape[len(places) :]), data.dtype)
    return elements_at(data, places) if len(places) == data.ndim else data[(*places, ...)]


@op("GatherND", since=11, like=gather_nd_12)
def gather_nd_11(data, indices, /):
    """Before version 12: no batch axes."""
    return gather_nd_12(data, indices)
