"""What recurrent layers have in constants, as their kernel needs it: each gate filled up to whole panels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refexec.kernels.attention import panel_of_rows
from refexec.kernels.memory import Array, aligned, flat
from refexec.kernels.simd import jit, lanes_of
from refexec.limits import claim

__all__ = ["GATES", "PREPARED", "absent", "prepared", "sized"]

GATES = {"rnn_cell": 1, "gru_cell": 3, "lstm_cell": 4}
PREPARED = (1, 2, 3, 7)  # the positions of W, R, B and P


@jit
def pack_rows(W, w, row, gates, hidden, K, P, p):
    """The rows of each gate as panels, (gate, panel, K, width)."""
    width = 2 * lanes_of(W)
    for gate in range(gates):
        for j in range(0, hidden, width):
            panel_of_rows(W, w + (gate * hidden + j) * row, row, min(width, hidden - j), K, P, p)
            p += K * width


def sized(size: int, dtype: Any) -> tuple[int, Any]:
    """A size and type, after the run's limits allow it."""
    return claim((size,), dtype)[0], dtype


def absent(position: int, D: int, gates: int, hidden: int, dtype: Any) -> Array:
    """What an input that is not there stands for."""
    return np.zeros((D, 2 * gates * hidden if position == 3 else 3 * hidden), dtype)


def prepared(position: int, array: Array, static: Mapping[str, Any]) -> Any:
    """W and R as panels, B by gate (see ``biases``), P by gate."""
    gates, D = GATES[static["cell"].__name__], len(array)
    if position < 3:
        return panels(array, gates)
    if position == 3:
        return biases(array.reshape(D, 2, gates, -1), gates == 3 and static["variant"])
    return filled_up(array.reshape(D, 3, -1)).reshape(-1)


def filled_up(x: Array) -> Array:
    """An array whose last axis is whole panels; zeros where there were none."""
    width = 64 // x.itemsize
    made = np.zeros((*x.shape[:-1], -(-x.shape[-1] // width) * width), x.dtype)
    made[..., : x.shape[-1]] = x
    return made


def panels(W: Array, gates: int) -> Array:
    """Weights (directions, gates * hidden, K) as panels."""
    D, rows, K = W.shape
    width, hidden = 64 // W.itemsize, rows // gates
    size = gates * -(-hidden // width) * width * K
    packed = aligned(*sized(D * size, W.dtype))
    memory, start, (direction, row, _) = flat(W if W.strides[-1] == W.itemsize else np.ascontiguousarray(W))
    for d in range(D):
        pack_rows(memory, start + d * direction, row, gates, hidden, K, packed, d * size)
    return packed


def biases(B: Array, apart: bool) -> tuple[Array, Array]:
    """The biases (directions, 2, gates, hidden) of W and R added, by gate; ``apart`` leaves that of R in the last gate to the second
    array."""
    together = B[:, 0].copy()
    added = B.shape[2] - 1 if apart else B.shape[2]
    together[:, :added] += B[:, 1, :added]
    return filled_up(together).reshape(-1), filled_up(B[:, 1, -1]).reshape(-1)
