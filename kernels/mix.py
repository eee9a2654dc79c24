"""Weighted sums along axes: ``mixed`` for float32 and float64, and for the half types through float32.

Order: on each axis, in the order of the mixtures, ``s = w[0] * x[0]``, then ``s = fma(w[k], x[k], s)`` over the taps. The weights are
rounded to the type of the elements first. The axes before the first one that changes are done block by block, so that what passes from
axis to axis stays in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec.kernels.epilogue import followed
from refexec.kernels.memory import Array, plain
from refexec.kernels.simd import alive, at, broadcast, fma, inlined, jit, lanes_of, load, looked_up, memory, put, store
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel

__all__ = ["Mixed"]

NANOSECONDS = 0.2  # of one tap of one element
MOST_LANES = 8
SIZES = 6  # numbers that describe a pass


@jit
def rows_mixed(X, x, Y, y, outer, length, resized, inner, positions, p, weights, taps):
    """(outer, resized, inner) at y from (outer, length, inner) at x, for rows of ``inner`` elements, a vector at least.

    The tables begin at ``p`` and have ``taps`` columns."""
    L = lanes_of(Y)
    for o in range(outer):
        for r in range(resized):
            target, t = y + (o * resized + r) * inner, p + r * taps
            first = x + (o * length + at(positions, t)) * inner
            if taps == 2:
                second = x + (o * length + at(positions, t + 1)) * inner
                v, w = broadcast(weights, t), broadcast(weights, t + 1)
                for start in range(0, inner, L):
                    j = min(start, inner - L)  # the last vector overlaps the one before
                    store(Y, target + j, fma(w, load(X, second + j), v * load(X, first + j)))
            else:
                for start in range(0, inner, L):
                    j = min(start, inner - L)
                    v = broadcast(weights, t) * load(X, first + j)
                    for k in range(t + 1, t + taps):
                        v = fma(broadcast(weights, k), load(X, x + (o * length + at(positions, k)) * inner + j), v)
                    store(Y, target + j, v)


@jit
def elements_mixed(X, x, Y, y, outer, length, resized, positions, p, weights, taps, rest):
    """(outer, resized) at y from (outer, length) at x. The tables begin at ``p`` and have a row of whole vectors per tap."""
    L = lanes_of(Y)
    step = (resized + MOST_LANES - 1) // MOST_LANES * MOST_LANES
    for o in range(outer):
        source, target = x + o * length, y + o * resized
        for j in range(0, resized, L):
            v = load(weights, p + j) * looked_up(X, source, positions, p + j)
            for k in range(p + j + step, p + j + taps * step, step):
                v = fma(load(weights, k), looked_up(X, source, positions, k), v)
            if j + L <= resized:
                store(Y, target + j, v)
            else:
                store(rest, 0, v)
                for i in range(resized - j):
                    put(Y, target + j + i, at(rest, i))


@inlined
def _pass(X, x, Y, y, sizes, s, positions, weights, rest):
    """One axis, whose ``sizes`` are outer, length, resized, inner, taps and where its tables begin."""
    outer, length, resized, inner, taps, p = (
        at(sizes, s),
        at(sizes, s + 1),
        at(sizes, s + 2),
        at(sizes, s + 3),
        at(sizes, s + 4),
        at(sizes, s + 5),
    )
    if inner == 1:
        elements_mixed(X, x, Y, y, outer, length, resized, positions, p, weights, taps, rest)
    else:
        rows_mixed(X, x, Y, y, outer, length, resized, inner, positions, p, weights, taps)


@jit
def blocks_mixed(X, x_block, Y, y_block, sizes, positions, weights, room, first, last):
    """All axes of blocks ``first`` to ``last``: from X to the two halves of a buffer in turn, and at last to Y."""
    made, lanes = np.empty(2 * room, Y.dtype), np.empty(lanes_of(Y), Y.dtype)
    end = sizes.size - SIZES
    X, Y, sizes, positions, weights = memory(X), memory(Y), memory(sizes), memory(positions), memory(weights)
    buffer, rest = memory(made), memory(lanes)
    for block in range(first, last):
        x, y = block * x_block, block * y_block
        if end == 0:
            _pass(X, x, Y, y, sizes, 0, positions, weights, rest)
        else:
            _pass(X, x, buffer, 0, sizes, 0, positions, weights, rest)
            here = 0
            for s in range(SIZES, end, SIZES):
                _pass(buffer, here, buffer, room - here, sizes, s, positions, weights, rest)
                here = room - here
            _pass(buffer, here, Y, y, sizes, end, positions, weights, rest)
    alive(made)
    alive(lanes)


@kernel("mixed", "float32", "float64", halves=True)
class Mixed(Kernel):
    """Weighted sums along axes."""

    epilogues = True

    order = "on each axis w[0] * x[0], then fma over the taps in order"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        shape = list(shapes[0] or ())
        first = min((axis for axis, _, _ in static["mixtures"]), default=0)
        blocks, x_block = prod(shape[:first]), prod(shape[first:])
        sizes: list[int] = []
        tables: list[tuple[Array, Array]] = []
        begin, room, cost = 0, 0, 0.0
        for axis, positions, weights in static["mixtures"] or [(0, *unchanged(shape))]:
            outer, length, inner, taps = prod(shape[first:axis]), shape[axis], prod(shape[axis + 1 :]), positions.shape[1]
            shape[axis] = len(positions)
            if inner < MOST_LANES:
                spread = (positions[:, None, :] * inner + np.arange(inner)[:, None]).reshape(-1, taps)
                found = by_tap(spread), by_tap(np.repeat(weights, inner, axis=0))
                sizes += [outer, length * inner, len(spread), 1, taps, begin]
            else:
                found = positions.reshape(-1), weights.reshape(-1)
                sizes += [outer, length, len(positions), inner, taps, begin]
            tables.append(found)
            begin, room, cost = begin + len(found[0]), max(room, prod(shape[first:])), cost + taps * prod(shape[first:])
        y_block = prod(shape[first:])
        places = np.concatenate([p for p, _ in tables])
        by_type = {np.dtype(t): np.concatenate([w for _, w in tables]).astype(t) for t in (np.float32, np.float64)}
        measures = np.array(sizes, np.int64)
        count = blocks if y_block else 0

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x, out, weights = plain(arrays[0]), y.reshape(-1), by_type[y.dtype]
            parts = pieces(count, NANOSECONDS * cost)
            share(parts, lambda *part: blocks_mixed(x, x_block, out, y_block, measures, places, weights, room, *part))

        return Binding(tuple(shape), followed(run, epilogue))

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """For each axis a rounding of the weights and one per tap, of the sum of magnitudes."""
        magnitudes = tuple((axis, positions, np.abs(weights)) for axis, positions, weights in static["mixtures"])
        roundings = sum(positions.shape[1] + 2 for _, positions, _ in magnitudes)
        return roundings * definition("mixed")(np.abs(arrays[0]), mixtures=magnitudes)


def by_tap(table: Array) -> Array:
    """A table (positions, taps) as a row of whole vectors per tap."""
    rows = np.zeros((table.shape[1], -(-len(table) // MOST_LANES) * MOST_LANES), table.dtype)
    rows[:, : len(table)] = table.T
    return rows.reshape(-1)


def unchanged(shape: Sequence[int]) -> tuple[Array, Array]:
    """Positions and weights of an axis that stays."""
    size = shape[0] if shape else 1
    return np.arange(size)[:, None], np.ones((size, 1))
