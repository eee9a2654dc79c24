"""TensorScatter."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import normalize_axis
from refexec.registry import op


@op("TensorScatter", since=24, arithmetic="exact", compare=exact)
def tensor_scatter_24(past_cache, update, write_indices=None, /, *, axis=-2, mode="linear"):
    """The cache with ``update`` written along ``axis`` from index write_indices[b] on, b being the index on axis 0.

    In mode "circular" indices wrap around; in mode "linear" the update must end inside the cache. Without indices it
    begins at 0.
    """
    at = normalize_axis(axis, past_cache.ndim)
    require(at != 0, "axis is not 0, the batch dimension", axis=axis, rank=past_cache.ndim)
    require(mode in ("linear", "circular"), "mode is linear or circular", mode=mode)
    fits = update.ndim == past_cache.ndim and all(
        u == c for i, (u, c) in enumerate(zip(update.shape, past_cache.shape, strict=True)) if i != at
    )
    require(fits, "update has the shape of the cache but along axis", update=update.shape, past_cache=past_cache.shape, axis=at)
    batch, longest, length = past_cache.shape[0], past_cache.shape[at], update.shape[at]
    require(length <= longest, "the update is not longer than the cache", update=length, past_cache=longest)
    start = np.zeros(claim((batch,), np.int64), np.int64) if write_indices is None else write_indices
    require(start.shape == (batch,), "write_indices has one index per sample", write_indices=start.shape, batch=batch)
    if mode == "linear":
        inside = np.all((start >= 0) & (start <= longest - length))
        require(inside, "in linear mode write_indices + sequence_length <= max_sequence_length", write_indices=start, length=length)
    claim(past_cache.shape, past_cache.dtype)
    present = past_cache.copy()
    positions = (start[:, None] + np.arange(length)) % max(longest, 1)
    np.moveaxis(present, at, 1)[np.arange(batch)[:, None], positions] = np.moveaxis(update, at, 1)
    return present
