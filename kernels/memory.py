"""Arrays as the flat memory that kernels address."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["NOTHING", "Array", "aligned", "flat", "offsets", "plain", "row_major", "scratch"]

Array = np.ndarray[Any, Any]
KEPT = 32 << 20  # bytes per thread and type
ALIGNMENT = 64  # bytes of a cache line
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
        self.arrays: dict[np.dtype[Any], Array] = {}


_scratch = _Scratch()


def scratch(size: int, dtype: Any) -> Array:
    """An array of at least ``size`` elements with any content, for one call of a kernel: the next call gets the same memory.

    Beyond ``KEPT`` bytes it is not kept.
    """
    found = _scratch.arrays.get(dtype)
    if found is None or found.size < size:
        found = aligned(size, dtype)
        if found.nbytes <= KEPT:
            _scratch.arrays[dtype] = found
    return found


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The steps between elements, per axis, of a C-contiguous array."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


class _Memory:
    """The memory of an array, as numba sees that of any other: read-only arrays would be another type to compile for."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, owner: Array) -> None:
        interface = dict(owner.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self.owner = owner


def plain(x: Array) -> Array:
    """``x`` C-contiguous and of one axis. Kernels do not write what they are given."""
    x = np.ascontiguousarray(x).reshape(-1)
    return x if x.flags.writeable else np.asarray(_Memory(x))


def flat(x: Array) -> tuple[Array, int, tuple[int, ...]]:
    """The memory behind ``x`` as one axis, where in it ``x`` begins, and the steps per axis, in elements.

    A view of contiguous memory is not copied.
    """
    if x.flags.c_contiguous:
        return plain(x), 0, row_major(x.shape)
    base, size = x.base, x.itemsize
    if isinstance(base, np.ndarray) and base.dtype == x.dtype and base.flags.c_contiguous and all(s % size == 0 for s in x.strides):
        start = (x.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // size
        return plain(base), start, tuple([s // size for s in x.strides])
    return plain(x), 0, row_major(x.shape)


def offsets(start: int, shape: Sequence[int], steps: Sequence[int]) -> Array:
    """Where the elements of a view stand in its memory, in row-major order of the view."""
    found = np.full((1,) * len(shape), start, np.int64)
    for axis, (size, step) in enumerate(zip(shape, steps, strict=True)):
        found = found + (np.arange(size, dtype=np.int64) * step).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return found.reshape(-1)
