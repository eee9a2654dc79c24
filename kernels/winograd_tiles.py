"""The tiles of F(2, 3): which convolutions are cut into them, where they stand, and the matrices that transform them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refexec.kernels.conv import Filters, Geometry
from refexec.kernels.memory import Array, aligned, plain
from refexec.kernels.tiles import pack_rows

__all__ = [
    "COLUMNS", "FIELDS", "FIRST", "PANEL", "POSITIONS", "SECOND", "TARGET", "TILE", "WHOLE", "A", "B", "G", "Tiles", "Transformed",
    "moderate", "suits",
]  # fmt: skip

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
B = np.array([[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]])
A = np.array([[1, 0], [1, 1], [1, -1], [0, -1]])

POSITIONS = 16
PANEL = 16  # tiles
FOUR = 4  # tiles that are read and written together: eight columns, one vector
CACHED = 1 << 20  # bytes of transformed inputs and sums at a time
LEAST_CHANNELS, LEAST_FILTERS = 16, 16  # below them the direct sum is faster
FIRST, SECOND, COLUMNS, TARGET, WHOLE, TILE, FIELDS = range(7)  # what is known of four tiles


def suits(W: tuple[int, ...], window: Any, group: int) -> bool:
    """Whether the shapes are those of 3 x 3 windows that move by one, large enough to be faster this way."""
    if W[2:] != (3, 3) or set(window.strides) != {1} or set(window.dilations) != {1}:
        return False
    fits = min(window.output) > 0 and window.output[1] > 2 * (FOUR - 1) and min(p for pair in window.pads for p in pair) >= 0
    return fits and W[1] >= LEAST_CHANNELS and W[0] // group >= LEAST_FILTERS


def moderate(W: Array) -> bool:
    """Whether all weights are numbers that stay finite when they are transformed."""
    return bool(np.abs(W).max() < float(np.finfo(np.float32).max) / 4)


class Tiles(Geometry):
    """Where the tiles of a convolution stand; its padded image has a row and a column more where the map's size is odd."""

    def __init__(self, X: Sequence[int], W: Sequence[int], window: Any, group: int) -> None:
        pads = tuple((begin, end + size % 2) for (begin, end), size in zip(window.pads, window.output, strict=True))
        super().__init__(X, W, replace(window, pads=pads), group)
        self.down, self.across = (-(-size // 2) for size in window.output)
        self.panels = -(-self.down * self.across // PANEL)
        self.together = max(CACHED // (POSITIONS * PANEL * 4 * (self.depth + self.rows)), 1)
        self.table = self._fours().reshape(-1)

    def _fours(self) -> Array:
        """What the kernel must know of each four tiles; the last ones overlap so that all lie in the map."""
        tile = np.minimum(np.arange(self.panels * PANEL // FOUR) * FOUR, self.down * self.across - FOUR)
        row, column = np.divmod(tile, self.across)
        before = np.minimum(self.across - column, FOUR)
        width = self.outer[1]
        table = np.empty((len(tile), FIELDS), np.int64)
        table[:, FIRST] = 2 * row * width + 2 * column
        table[:, SECOND] = np.where(before == FOUR, table[:, FIRST], 2 * (row + 1) * width - 2 * before)
        table[:, COLUMNS] = 2 * before
        height, columns = self.window.output
        table[:, TARGET] = 2 * row * columns + 2 * column
        table[:, WHOLE] = (before == FOUR) & (2 * row + 2 <= height) & (2 * (column + FOUR) <= columns)
        table[:, TILE] = tile
        return table

    def tiled(self, X: Array) -> Array:
        """The inputs of each tile, as a view of the padded images."""
        padded = np.pad(X, ((0, 0), (0, 0), *self.window.pads))
        views = np.lib.stride_tricks.sliding_window_view(padded, (4, 4), (2, 3))[:, :, ::2, ::2]
        return views[:, :, : self.down, : self.across].reshape(self.images, self.group, self.depth, self.down, self.across, 4, 4)


class Transformed(Filters):
    """Filters that are kept as 16 matrices besides, one for each position, when first needed."""

    def __init__(self, W: Array, group: int) -> None:
        super().__init__(W, group)
        self._transformed: Array | None = None

    def transformed(self) -> Array:
        """G g G' in double precision, rounded once: (group, position), the filters in sixes as in ``pack_rows``."""
        if self._transformed is None:
            C = self.terms // 9
            g = self.memory.reshape(self.group, self.rows, C, 3, 3).astype(np.float64)
            matrices = plain((G @ g @ G.T).astype(np.float32).transpose(0, 3, 4, 1, 2))
            made = aligned(matrices.size, np.float32)
            for start in range(0, matrices.size, self.rows * C):
                pack_rows(matrices, start, self.rows, C, made, start)
            self._transformed = made
        return self._transformed
