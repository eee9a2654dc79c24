"""Unique."""

from math import prod

import numpy as np

from refexec.comparison import discrete
from refexec.limits import claim
from refexec.ops.common import normalize_axis
from refexec.registry import op
from refexec.values import widen


@op("Unique", since=11, also=(28,), arithmetic="exact", compare=discrete())
def unique_11(X, /, *, axis=None, sorted=1):
    """The distinct elements, or the distinct slices along ``axis``, ascending or else in the order of their first occurrence.

    Returns Y; the position in X where each first occurs; for each element or slice of X its position in Y; how often each
    occurs. Slices are ordered by their first differing element. NaN is not specified; here all NaN are one value, the
    greatest.
    """
    at = None if axis is None else normalize_axis(axis, X.ndim)
    slices = X.reshape(-1) if at is None else np.moveaxis(X, at, 0)
    rows = slices.reshape(len(slices), prod(slices.shape[1:]))
    _, ranks = np.unique(widen(rows), return_inverse=True)
    _, indices, inverse, counts = np.unique(sortable(ranks.reshape(rows.shape)), return_index=True, return_inverse=True, return_counts=True)
    if not sorted:
        order = np.argsort(indices)
        indices, counts, inverse = indices[order], counts[order], np.argsort(order)[inverse]
    Y = slices[indices] if at is None else np.take(X, indices, axis=at)
    return Y, *(x.astype(np.int64) for x in (indices, inverse, counts))


def sortable(rows):
    """One value per row of numbers that are not negative; the values, blocks of big-endian bytes, sort as the rows do."""
    shape = claim((len(rows), rows.shape[1] + 1), np.int64)  # one column more, so that there is at least one
    keys = np.zeros(shape, ">i8")
    keys[:, 1:] = rows
    return keys.view(f"V{8 * keys.shape[1]}").reshape(-1)
