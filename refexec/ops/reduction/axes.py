"""What the reductions share: which axes are reduced, how many elements go into one, and integers without a bound."""

from __future__ import annotations

from math import prod

import numpy as np

from refexec.limits import claim
from refexec.ops.common import Array, normalize_axes, vector


def reduced_axes(axes, rank: int, noop_with_empty_axes: int = 0) -> tuple[int, ...]:
    """The axes to reduce: all of them when none are given, unless that is a no-op."""
    given = () if axes is None else vector(axes, "axes")
    if not given:
        return () if noop_with_empty_axes else tuple(range(rank))
    return normalize_axes(given, rank)


def reduced_terms(data, *inputs, axes=None, noop_with_empty_axes=0, **attributes) -> int:
    """How many elements one output element is made of."""
    given = inputs[0] if inputs else axes
    return prod(data.shape[a] for a in reduced_axes(given, data.ndim, noop_with_empty_axes))


def exact_sum(x: Array, axes: tuple[int, ...], keepdims: int, power: int = 1) -> Array:
    """The sum of integers, each to ``power``, as Python integers, which have no bound (an object array)."""
    claim(x.shape, object)
    powers = np.asarray(x.astype(object) ** power, dtype=object)  # of a scalar NumPy makes a Python integer
    return np.asarray(powers.sum(axis=axes, keepdims=bool(keepdims)), dtype=object)


def wrapped(x, dtype) -> Array:
    """Python integers as an integer type: what does not fit wraps."""
    return np.asarray(x & (2**64 - 1), dtype=object).astype(np.uint64).astype(dtype)
