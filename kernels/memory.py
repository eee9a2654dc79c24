"""Arrays as the flat memory that kernels address."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from refexec.aliases import writable
from refexec.limits import claim

__all__ = ["NOTHING", "Array", "aligned", "flat", "keep_freed_memory", "offsets", "plain", "row_major", "scratch", "viewed"]

Array = np.ndarray[Any, Any]
FREED = 256 << 20
LARGEST_ON_HEAP = 32 << 20  # bytes of an array; the most that the C library allows
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
ALIGNMENT = 64  # bytes of a cache line
KEPT = 16 << 20  # bytes that a thread keeps
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
    if needed > KEPT:
        return aligned(size, dtype)
    if needed > _scratch.memory.size:
        _scratch.memory = aligned(needed, np.uint8)
    found: Array = _scratch.memory[:needed].view(dtype)
    return found


def keep_freed_memory() -> None:
    """Have the C library of Linux keep what is freed, up to ``FREED`` bytes, for the process.

    Else it returns a result of some megabytes to the system as soon as it is freed, and the next one is made of pages that the system
    clears one by one: that takes longer than to compute it.
    """
    if sys.platform == "linux":
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option is not None:
            set_option(M_TRIM_THRESHOLD, FREED)
            set_option(M_MMAP_THRESHOLD, LARGEST_ON_HEAP)


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The steps between elements, per axis, of a C-contiguous array."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def plain(x: Array) -> Array:
    """``x`` C-contiguous and of one axis. Kernels do not write what they are given."""
    if not x.flags.c_contiguous:
        return np.ascontiguousarray(x).reshape(-1)
    return (x if x.flags.writeable else writable(x)).reshape(-1)


def viewed(x: Array) -> tuple[Array, int, tuple[int, ...]] | None:
    """The memory behind ``x`` as one axis, where in it ``x`` begins, and the steps per axis, in elements; None where it has gaps."""
    if x.flags.c_contiguous:
        return plain(x), 0, row_major(x.shape)
    base, size = x.base, x.itemsize
    if isinstance(base, np.ndarray) and base.dtype == x.dtype and base.flags.c_contiguous and all(s % size == 0 for s in x.strides):
        start = (x.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // size
        return plain(base), start, tuple([s // size for s in x.strides])
    return None


def flat(x: Array) -> tuple[Array, int, tuple[int, ...]]:
    """The same of ``x``, or of a copy of it. A view of contiguous memory is not copied."""
    return viewed(x) or (plain(x), 0, row_major(x.shape))


def offsets(start: int, shape: Sequence[int], steps: Sequence[int]) -> Array:
    """Where the elements of a view stand in its memory, in row-major order of the view."""
    found = np.full((1,) * len(shape), start, np.int64)
    for axis, (size, step) in enumerate(zip(shape, steps, strict=True)):
        found = found + (np.arange(size, dtype=np.int64) * step).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return found.reshape(-1)
