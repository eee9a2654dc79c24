"""Pools: ``pool_window`` for float32 and float64, and for the half types through float32.

Order, of sums: an output element adds the rows of its window first, element by element along the last axis, in row-major order of
the rows; then the columns of that row of sums, from the first to the last. What lies outside is 0 there. A mean is the sum divided
by the number of elements. A maximum has no order.

The rows go to a buffer with room at both ends for what a window meets outside, so that no column needs a check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec.kernels.epilogue import followed
from refexec.kernels.memory import Array, plain
from refexec.kernels.simd import alive, at, broadcast, every_other, inlined, jit, lanes_of, load, looked_up, maximum, memory, put, store
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel

__all__ = ["PoolWindow"]

MOST_LANES = 8
BUFFER = 2048  # elements
NANOSECONDS = 0.15  # of one element of a row


@inlined
def _with(a, b, largest):
    return maximum(a, b) if largest else a + b


@inlined
def _larger(a, b):
    return a if a > b or a != a else b


@inlined
def _rows_together(X, x, size, starts, first, last, width, buffer, b, largest):
    """The rows of a window of the plane at ``x``, combined, from element ``b`` of the buffer on; whole vectors are written."""
    L = lanes_of(X)
    whole = width
    if x + at(starts, last - 1) + width + L > size:
        whole = width - width % L
    count = last - first
    r = x + at(starts, first)
    s, t = x + at(starts, first + min(1, count - 1)), x + at(starts, first + min(2, count - 1))
    if count == 1:
        for j in range(0, whole, L):
            store(buffer, b + j, load(X, r + j))
    elif count == 2:
        for j in range(0, whole, L):
            store(buffer, b + j, _with(load(X, r + j), load(X, s + j), largest))
    else:
        for j in range(0, whole, L):
            store(buffer, b + j, _with(_with(load(X, r + j), load(X, s + j), largest), load(X, t + j), largest))
    for i in range(first + 3, last):
        r = x + at(starts, i)
        for j in range(0, whole, L):
            store(buffer, b + j, _with(load(buffer, b + j), load(X, r + j), largest))
    for j in range(whole, width):
        y = at(X, x + at(starts, first) + j)
        for i in range(first + 1, last):
            z = at(X, x + at(starts, i) + j)
            y = _larger(y, z) if largest else y + z
        put(buffer, b + j, y)


@inlined
def _picked(buffer, b, stride, steps):
    """The elements at b, b + stride, ... of the buffer."""
    if stride == 1:
        return load(buffer, b)
    if stride == 2:
        return every_other(load(buffer, b), load(buffer, b + lanes_of(buffer)))
    return looked_up(buffer, b, steps, 0)


@inlined
def _columns_together(buffer, b, Y, y, width, taps, stride, dilation, steps, mean, divisors, d, rest, largest):
    """A row of results from a row of the buffer, divided by the divisors from ``d`` on unless there are none."""
    L = lanes_of(Y)
    for start in range(0, width, L):
        j = min(start, max(width - L, 0))  # the last vector overlaps the one before
        v = _picked(buffer, b + j * stride, stride, steps)
        for k in range(1, taps):
            v = _with(v, _picked(buffer, b + j * stride + k * dilation, stride, steps), largest)
        if mean:
            v = v / load(divisors, d + j)
        if j + L <= width:
            store(Y, y + j, v)
        else:
            store(rest, 0, v)
            for i in range(width - j):
                put(Y, y + j + i, at(rest, i))


@jit
def pool_rows(X, Y, plane, rows, starts, divisors, before, columns, room, width, taps, stride, dilation, fill, largest, first, last):
    """Rows of results, counted over all planes: each from the rows of X that ``starts[rows[i] : rows[i + 1]]`` names in its plane.

    Some rows are combined one after the other, each to its part of the buffer, before the columns are.
    """
    L = lanes_of(X)
    together = max(1, BUFFER // room)
    made, lanes, apart = np.full(together * room, fill, X.dtype), np.empty(L, X.dtype), np.arange(L) * stride
    size, count, mean = X.size, rows.size - 1, divisors.size > 0
    X, Y, rows, starts, divisors = memory(X), memory(Y), memory(rows), memory(starts), memory(divisors)
    buffer, rest, steps = memory(made), memory(lanes), memory(apart)
    outside = broadcast(buffer, 0)
    for some in range(first, last, together):
        x, row = some // count * plane, some % count
        for i in range(min(together, last - some)):
            b = i * room
            begin, end = at(rows, row), at(rows, row + 1)
            if begin < end:
                _rows_together(X, x, size, starts, begin, end, columns, buffer, b + before, largest)
            else:
                for j in range(0, columns, L):
                    store(buffer, b + before + j, outside)
            store(buffer, b + before + columns, outside)
            row += 1
            if row == count:
                x, row = x + plane, 0
        row = some % count
        for i in range(min(together, last - some)):
            _columns_together(
                buffer, i * room, Y, (some + i) * width, width, taps, stride, dilation, steps, mean, divisors, row * width, rest, largest
            )  # fmt: skip
            row = row + 1 if row + 1 < count else 0
    alive(made)
    alive(lanes)
    alive(apart)


def rows_of_windows(window: Any, spatial: Sequence[int]) -> tuple[Array, Array]:
    """(rows, starts): window row i meets the rows of a plane that begin at ``starts[rows[i] : rows[i + 1]]``."""
    start, inside = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)  # (rows, taps)
    for axis, size in enumerate(spatial[:-1]):
        at_axis = window.coordinates(axis)
        places = at_axis * prod(spatial[axis + 1 :])
        shape = (start.shape[0] * places.shape[0], start.shape[1] * places.shape[1])
        start = (start[:, None, :, None] + places[:, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & ((at_axis >= 0) & (at_axis < size))[:, None, :]).reshape(shape)
    return np.concatenate([[0], np.cumsum(inside.sum(axis=1))]), start[inside]


@kernel("pool_window", "float32", "float64", halves=True)
class PoolWindow(Kernel):
    """Maximum, sum or mean over windows."""

    epilogues = True

    order = "the rows of a window element by element, in row-major order; then the columns of their sum, from the first on"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        window, largest, mean = static["window"], static["reduce"] == "max", static["reduce"] == "mean"
        N, C, *spatial = shapes[0] or ()
        columns, width, before = spatial[-1], window.output[-1], window.pads[-1][0]
        taps, stride, dilation = window.kernel[-1], window.strides[-1], window.dilations[-1]
        rows, starts = rows_of_windows(window, spatial)
        room = max(before + columns, width * stride + (taps - 1) * dilation) + 2 * stride * MOST_LANES
        divisors = window.counts(spatial, bool(static.get("include_pad"))).reshape(-1) if mean else np.ones(0)
        divided = np.concatenate([divisors, np.ones(MOST_LANES if mean else 0)])
        by_type = {np.dtype(t): divided.astype(t) for t in (np.float32, np.float64)}
        rest = (before, columns, room, width, taps, stride, dilation, -np.inf if largest else 0.0, largest)
        count = N * C * (len(rows) - 1) if width else 0
        cost = NANOSECONDS * (columns * len(starts) / max(len(rows) - 1, 1) + width * taps)

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x, out = plain(arrays[0]), y.reshape(-1)
            plane, divisors = prod(spatial), by_type[y.dtype]
            share(pieces(count, cost), lambda *part: pool_rows(x, out, plane, rows, starts, divisors, *rest, *part))

        return Binding((N, C, *window.output), followed(run, epilogue))

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """Nothing for a maximum; for a sum of n terms n roundings of the sum of magnitudes, for a mean one more.
        Source: Higham, Accuracy and Stability of Numerical Algorithms, section 4.2."""
        if static["reduce"] == "max":
            return 0.0
        return (prod(static["window"].kernel) + 1) * definition("pool_window")(np.abs(arrays[0]), **static)
