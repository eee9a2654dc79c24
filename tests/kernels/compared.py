"""A kernel beside the definition of its primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np

from refexec import pool
from refexec.primitives import PLAIN, Epilogue, Primitive, load_kernels
from refexec.types import element_type
from refexec.values import smallest_subnormal, unit_roundoff, widen

GUARD = 64  # elements around a result, which a kernel must not touch


def computed(primitive: Primitive, arrays: Sequence[Any], static: Any, *, threads: int = 1, epilogue: Epilogue = PLAIN) -> Any:
    """What the kernel for the type of the first array makes of the arguments; the elements around the result stay as they are."""
    load_kernels()
    dtype = arrays[0].dtype
    kernel = primitive.kernels[element_type(dtype)]
    binding = kernel.bind([None if a is None else a.shape for a in arrays], static, kernel.pack(static, {}), epilogue)
    size = int(np.prod(binding.shape))
    memory = np.full(size + 2 * GUARD, 77, dtype)
    y = memory[GUARD : GUARD + size].reshape(binding.shape)
    before = pool.use_threads(threads)
    try:
        with patch.object(pool, "SHORT", 0):
            binding.run(y, arrays, None, None)
    finally:
        pool.use_threads(before)
    assert np.all(memory[:GUARD] == memory[GUARD + size :])
    assert np.all(memory[:GUARD] == np.full(1, 77, dtype))
    return y


def check(primitive: Primitive, arrays: Sequence[Any], static: Any) -> Any:
    """The kernel's result, which is the definition's within the bound, for two threads and every layout the same bits."""
    y = computed(primitive, arrays, static)
    wide = [a if a is None or a.dtype.kind not in "fV" else widen(a) for a in arrays]
    with np.errstate(all="ignore"):
        expected = primitive.definition(*wide, **static)
        allowed = primitive.kernels[element_type(y.dtype)].bound(wide, static)
        if y.dtype.kind in "fV":
            allowed = (allowed + np.abs(expected)) * unit_roundoff(y.dtype) + 4 * smallest_subnormal(y.dtype)
            y_wide = widen(y)
            near = (np.abs(y_wide - expected) <= allowed) | (y_wide == expected) | ((y_wide != y_wide) & (expected != expected))
        else:
            near = y == expected
    assert y.shape == expected.shape
    assert np.all(near), (y, expected)
    assert computed(primitive, arrays, static, threads=2).tobytes() == y.tobytes()
    assert computed(primitive, [spaced(a) for a in arrays], static).tobytes() == y.tobytes()
    return y


def spaced(array: Any) -> Any:
    """The same elements in other memory: axes in reverse, with gaps."""
    if array is None or not array.ndim:
        return array
    room = np.zeros([2 * d for d in array.shape[::-1]], array.dtype)
    view = room[tuple(slice(None, None, 2) for _ in array.shape)].T
    view[...] = array
    return view
