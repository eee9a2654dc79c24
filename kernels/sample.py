"""Weighted sums of elements that tables name: ``sampled`` for float32 and float64, and for the half types through float32.

Order: from 0 on ``s = fma(w, x, s)`` over the taps in order; a tap outside changes nothing. The weights are rounded to the type of the
elements first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refexec.kernels.epilogue import followed
from refexec.kernels.memory import Array, plain
from refexec.kernels.simd import fma, jit, lanes_of, load, looked_up, memory, select, store_first, zeros
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel

__all__ = ["Sampled"]

NANOSECONDS = 0.4  # of one tap of one element
MOST_LANES = 8


@jit
def planes_sampled(X, pixels, Y, count, channels, index, weight, inside, taps, room, first, last):
    """Planes of Y, ``count`` elements each. The tables have for each image and tap a row of ``room``, whole vectors."""
    X, Y, index, weight, inside = memory(X), memory(Y), memory(index), memory(weight), memory(inside)
    L = lanes_of(X)
    for plane in range(first, last):
        table = plane // channels * taps * room
        for p in range(0, count, L):
            v = zeros(X)
            for t in range(table + p, table + p + taps * room, room):
                w = fma(load(weight, t), looked_up(X, plane * pixels, index, t), v)
                v = select(load(inside, t) > 0, w, v)
            store_first(Y, plane * count + p, min(L, count - p), v)


@kernel("sampled", "float32", "float64", halves=True)
class Sampled(Kernel):
    """Weighted sums of what tables name."""

    epilogues = True

    order = "from 0 on fma over the taps in order"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        (N, C, pixels), (_, taps, count) = shapes[0] or (), shapes[1] or ()
        room = -(-count // MOST_LANES) * MOST_LANES

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            tables = [np.zeros((N, taps, room), t) for t in (np.int64, y.dtype, y.dtype)]
            outside = arrays[1] < 0
            for table, values in zip(tables, (np.where(outside, 0, arrays[1]), arrays[2], ~outside), strict=True):
                table[:, :, :count] = values
            x, out, (index, weight, inside) = plain(arrays[0]), y.reshape(-1), (table.reshape(-1) for table in tables)
            parts = pieces(N * C if count else 0, NANOSECONDS * taps * count)
            share(parts, lambda *part: planes_sampled(x, pixels, out, count, C, index, weight, inside, taps, room, *part))

        return Binding((N, C, count), followed(run, epilogue))

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """A rounding of the weights and one per tap, of the sum of magnitudes."""
        X, index, weight = arrays
        return (index.shape[1] + 2) * definition("sampled")(np.abs(X), index, np.abs(weight))
