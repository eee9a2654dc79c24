"""Elements taken by their place on each axis: ``picked``, for every type whose elements are 1, 2, 4 or 8 bytes. Bits are moved.

The last axis with places makes a row of results from a row of the input; the axes before it choose the row. A row that repeats
the one before is copied from it. Elements behind the last axis with places move together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec.kernels.epilogue import followed
from refexec.kernels.memory import Array, plain
from refexec.kernels.simd import at, inlined, interleaved, jit, lanes_of, load, looked_up, memory, put, splat, store
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, kernel
from refexec.types import MOVED

__all__ = ["OUTSIDE", "Picked", "copy_run"]

OUTSIDE = -1  # the place of what is filled

NANOSECONDS = 0.3  # of one element
LOOKED_UP, TWICE, IN_RUNS = range(3)
RUN = 8  # elements of a run, on average, from which runs are worth it
BITS = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


@inlined
def copy_run(X, x, Y, y, count):
    """``count`` elements from x on to y on."""
    L = lanes_of(X)
    for i in range(0, count - L + 1, L):
        store(Y, y + i, load(X, x + i))
    if count >= L:
        store(Y, y + count - L, load(X, x + count - L))
    else:
        for i in range(count):
            put(Y, y + i, at(X, x + i))


@inlined
def fill_run(Y, y, count, fill):
    """``count`` elements from y on."""
    L = lanes_of(Y)
    for i in range(0, count - L + 1, L):
        store(Y, y + i, splat(fill))
    for i in range(count - count % L, count):
        put(Y, y + i, fill)


@inlined
def row_of_places(X, x, Y, y, table, runs, numbers, width, kind, fill):
    """The elements x + table[j], or for IN_RUNS the runs (from, to, count) of them, from ``y`` on."""
    L = lanes_of(X)
    if kind == IN_RUNS:
        for i in range(0, numbers, 3):
            source, target, count = at(runs, i), y + at(runs, i + 1), at(runs, i + 2)
            if count == 1:
                put(Y, target, fill if source == OUTSIDE else at(X, x + source))
            elif source == OUTSIDE:
                fill_run(Y, target, count, fill)
            else:
                copy_run(X, x + source, Y, target, count)
        return
    done = 0
    if kind == TWICE:
        for j in range(0, width - 2 * L + 1, 2 * L):
            both = load(X, x + j // 2)
            low, high = interleaved(both, both)
            store(Y, y + j, low)
            store(Y, y + j + L, high)
        done = width - width % (2 * L)
    else:
        for j in range(0, width - L + 1, L):
            store(Y, y + j, looked_up(X, x, table, j))
        done = width - width % L
    for j in range(done, width):
        put(Y, y + j, at(X, x + at(table, j)))


@jit
def rows_of_places(X, Y, block, rows, table, runs, width, kind, fill, first, last):
    """Rows of results, counted over all blocks: each from the row of its block of X that begins at ``rows``."""
    count, numbers = rows.size, runs.size
    X, Y, rows, table, runs = memory(X), memory(Y), memory(rows), memory(table), memory(runs)
    x, of_block, before = first // count * block, first % count, OUTSIDE
    for row in range(first, last):
        start = at(rows, of_block)
        if start == OUTSIDE:
            fill_run(Y, row * width, width, fill)
        elif start == before:
            copy_run(Y, (row - 1) * width, Y, row * width, width)
        else:
            row_of_places(X, x + start, Y, row * width, table, runs, numbers, width, kind, fill)
        before, of_block = start, of_block + 1
        if of_block == count:
            x, of_block, before = x + block, 0, OUTSIDE


def rows_before(shape: Sequence[int], places: Mapping[int, Array], first: int, last: int) -> Array:
    """Where in a block, which axis ``first`` begins, each row of results along axis ``last`` has its row of the input."""
    start, outside = np.zeros(1, np.int64), np.zeros(1, bool)
    for axis in range(first, last):
        at_axis = places.get(axis, np.arange(shape[axis]))
        start = (start[:, None] + at_axis * prod(shape[axis + 1 :])).reshape(-1)
        outside = (outside[:, None] | (at_axis == OUTSIDE)).reshape(-1)
    return np.where(outside, OUTSIDE, start)


def runs_of(table: Array) -> Array:
    """(from, to, count) of each run of a table's neighbours that are neighbours in the input, or OUTSIDE."""
    same = (np.diff(table) == 1) & (table[:-1] != OUTSIDE) | (table[:-1] == OUTSIDE) & (table[1:] == OUTSIDE)
    begins = np.concatenate([[0], np.flatnonzero(~same) + 1])
    return np.stack([table[begins], begins, np.diff(np.append(begins, len(table)))], axis=1).reshape(-1)


@kernel("picked", *MOVED)
class Picked(Kernel):
    """Elements by their places."""

    epilogues = True

    order = "nothing is added"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        shape, places, fill = tuple(shapes[0] or ()), static["places"], static.get("fill")
        result = tuple([len(places[a]) if a in places else d for a, d in enumerate(shape)])
        first, last = (min(places), max(places)) if places else (0, max(len(shape) - 1, 0))
        inner = prod(shape[last + 1 :])
        at_last = np.asarray(places.get(last, np.arange(shape[last] if shape else 1)))
        table = np.where(at_last[:, None] == OUTSIDE, OUTSIDE, at_last[:, None] * inner + np.arange(inner)).reshape(-1)
        width, block = len(table), prod(shape[first:])
        rows = rows_before(shape, places, first, last)
        count = prod(shape[:first]) * len(rows) if width else 0
        runs = runs_of(table) if width else table
        kind = LOOKED_UP
        if fill is not None or width >= RUN * len(runs) // 3:
            kind = IN_RUNS
        elif np.array_equal(table, np.arange(width) // 2):
            kind = TWICE

        as_bits: dict[Any, tuple[Any, Any]] = {}

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            if y.dtype not in as_bits:
                bits = BITS[y.itemsize]
                as_bits[y.dtype] = bits, np.asarray(0 if fill is None else fill, y.dtype).view(bits)[()]
            bits, value = as_bits[y.dtype]
            x, out = plain(arrays[0]).view(bits), y.reshape(-1).view(bits)
            share(
                pieces(count, NANOSECONDS * width),
                lambda *part: rows_of_places(x, out, block, rows, table, runs, width, kind, value, *part),
            )

        return Binding(result, followed(run, epilogue))

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """Nothing."""
        return 0.0
