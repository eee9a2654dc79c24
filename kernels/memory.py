"""Arrays as the flat memory that kernels address."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from refexec.limits import claim

__all__ = ["NOTHING", "Array", "aligned", "flat", "offsets", "row_major", "scratch"]

Array = np.ndarray[Any, Any]
ALIGNMENT = 64  # bytes of a cache line
MOST_SCRATCH = 16 << 20  # bytes that a thread keeps
NOTHING = {np.dtype(t): np.zeros(1, t) for t in (np.float32, np.float64)}  # for arguments that are not there


def aligned(size: int, dtype: Any) -> Array:
    """An uninitialised array of ``size`` elements that begins at a cache line."""
    itemsize = np.dtype(dtype).itemsize
    memory = np.empty(size * itemsize + ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % ALIGNMENT
    found: Array = memory[start : start + size * itemsize].view(dtype)
    return found


class _Scratch(threading.local):
    def __init__(self) -> None:
        self.memory = np.empty(0, np.uint8)


_scratch = _Scratch()


def scratch(size: int, dtype: Any) -> Array:
    """Memory for one kernel call of this thread, with whatever an earlier call left in it; it need not be taken from the system anew."""
    dtype = np.dtype(dtype)
    claim((size,), dtype)
    needed = size * dtype.itemsize
    if needed > MOST_SCRATCH:
        return aligned(size, dtype)
    if needed > _scratch.memory.size:
        _scratch.memory = aligned(needed, np.uint8)
    found: Array = _scratch.memory[:needed].view(dtype)
    return found


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The steps between elements, per axis, of a C-contiguous array."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def flat(x: Array) -> tuple[Array, int, tuple[int, ...]]:
    """The memory behind ``x`` as one axis, where in it ``x`` begins, and the steps per axis, in elements.

    A view of contiguous memory is not copied.
    """
    if x.flags.c_contiguous:
        return x.reshape(-1), 0, row_major(x.shape)
    base, size = x.base, x.itemsize
    if isinstance(base, np.ndarray) and base.dtype == x.dtype and base.flags.c_contiguous and all(s % size == 0 for s in x.strides):
        start = (x.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // size
        return base.reshape(-1), start, tuple([s // size for s in x.strides])
    return np.ascontiguousarray(x).reshape(-1), 0, row_major(x.shape)


def offsets(start: int, shape: Sequence[int], steps: Sequence[int]) -> Array:
    """Where the elements of a view stand in its memory, in row-major order of the view."""
    found = np.full((1,) * len(shape), start, np.int64)
    for axis, (size, step) in enumerate(zip(shape, steps, strict=True)):
        found = found + (np.arange(size, dtype=np.int64) * step).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return found.reshape(-1)
