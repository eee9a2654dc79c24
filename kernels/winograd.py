"""Convolution with 3 x 3 windows that move by one: Winograd's F(2, 3), four multiplications where the direct sum has nine.

The map is cut into tiles of 2 x 2 outputs, each of which sees 4 x 4 inputs d. With the filter g, the outputs of a tile are

    Y = A' ((G g G') * (B' d B)) A,   * element by element, summed over the channels.

Each of the 16 elements is one product of matrices: (filters, channels) by (channels, tiles). Sixteen tiles are a panel. Tiles are read and
written four at a time, in which a row of tiles ends at most once.

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refexec.kernels.conv import NANOSECONDS, Correlate, Filters, Geometry
from refexec.kernels.depthwise import ended
from refexec.kernels.memory import NOTHING, Array, aligned, plain
from refexec.kernels.simd import (
    alive,
    at,
    broadcast,
    first_lanes,
    inlined,
    interleaved,
    jit,
    lanes_of,
    load,
    memory,
    parted,
    put,
    select,
    store,
    zeros,
)
from refexec.kernels.tiles import KC, NO_BIAS, PER_ROW, pack_rows, strip_of_packed
from refexec.pool import pieces, share
from refexec.primitives import PLAIN, Binding, Epilogue, Kernel, Shape, kernel

__all__ = ["Winograd"]

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
B = np.array([[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]])
A = np.array([[1, 0], [1, 1], [1, -1], [0, -1]])

POSITIONS = 16
PANEL = 16  # tiles
FOUR = 4  # tiles that are read and written together: eight columns, one vector
LINE = 16  # elements between positions that keep them apart in the first-level cache
CACHED = 1 << 20  # bytes of transformed inputs and sums at a time
FEW_GROUPS = 8  # of panels, which threads split by channels and filters instead
LEAST_CHANNELS, LEAST_FILTERS = 16, 16  # below them the direct sum is faster
FIRST, SECOND, COLUMNS, TARGET, WHOLE, TILE, FIELDS = range(7)  # what is known of four tiles


@inlined
def _columns(X, a, b, width, mask, broken):
    """B' d for eight columns of four rows; where a row of tiles ends among them the others are read at b."""
    r0, r1, r2, r3 = load(X, a), load(X, a + width), load(X, a + 2 * width), load(X, a + 3 * width)
    if broken:
        r0, r1 = select(mask, r0, load(X, b)), select(mask, r1, load(X, b + width))
        r2, r3 = select(mask, r2, load(X, b + 2 * width)), select(mask, r3, load(X, b + 3 * width))
    return r0 - r2, r1 + r2, r2 - r1, r1 - r3


@inlined
def _row(V, v, step, low, high, next_low, next_high):
    """One row of B' d times B, for eight tiles."""
    d0, d1 = parted(low, high)
    d2, d3 = parted(next_low, next_high)
    store(V, v, d0 - d2)
    store(V, v + step, d1 + d2)
    store(V, v + 2 * step, d2 - d1)
    store(V, v + 3 * step, d1 - d3)


@inlined
def _eight_tiles(X, x, width, T, t, V, v, step, broken):
    a, b, c, d = x + at(T, t + FIRST), x + at(T, t + SECOND), x + at(T, t + FIELDS + FIRST), x + at(T, t + FIELDS + SECOND)
    m, n = first_lanes(X, at(T, t + COLUMNS)), first_lanes(X, at(T, t + FIELDS + COLUMNS))
    p0, p1, p2, p3 = _columns(X, a, b, width, m, broken)
    q0, q1, q2, q3 = _columns(X, c, d, width, n, broken)
    r0, r1, r2, r3 = _columns(X, a + 2, b + 2, width, m, broken)
    s0, s1, s2, s3 = _columns(X, c + 2, d + 2, width, n, broken)
    _row(V, v, step, p0, q0, r0, s0)
    _row(V, v + 4 * step, step, p1, q1, r1, s1)
    _row(V, v + 8 * step, step, p2, q2, r2, s2)
    _row(V, v + 12 * step, step, p3, q3, r3, s3)


@jit
def transform(X, x, plane, width, tiles, p, count, C, c, c_end, transformed, step):
    """B' d B of ``count`` panels of tiles from p on, for the channels c to ``c_end`` of C: (position, panel, channel, tile)."""
    L = lanes_of(X)
    X, T, V = memory(X), memory(tiles), memory(transformed)
    for channel in range(c, c_end):
        source = x + channel * plane
        for half in range(2 * count):
            t = (2 * p + half) * 2 * FIELDS
            v = (half // 2 * C + channel) * PANEL + half % 2 * L
            if at(T, t + COLUMNS) == L and at(T, t + FIELDS + COLUMNS) == L:
                _eight_tiles(X, source, width, T, t, V, v, step, False)
            else:
                _eight_tiles(X, source, width, T, t, V, v, step, True)


@inlined
def _place(T, t, row, lane, across):
    """Where in the map a lane of four tiles stands."""
    tile = at(T, t + TILE) + lane // 2
    return tile // across * 2 + row, tile % across * 2 + lane % 2


@jit
def put_cut(v, T, t, row, height, width, across, Y, y, S, follows, shift, per, R, residual, lo, hi):
    """One row of four tiles of which not all columns follow each other, or lie in the map, element by element."""
    L = lanes_of(Y)
    if residual:
        for lane in range(L):
            h, w = _place(T, t, row, lane, across)
            if h < height and w < width:
                put(S, lane, at(R, y + h * width + w))
    store(S, 0, ended(v, shift, per, S, 0, residual, lo, hi, follows))
    for lane in range(L):
        h, w = _place(T, t, row, lane, across)
        if h < height and w < width:
            put(Y, y + h * width + w, at(S, lane))


@inlined
def _sums(M, m, step):
    """A' times one column of the sums of eight tiles."""
    a, b, c, d = load(M, m), load(M, m + 4 * step), load(M, m + 8 * step), load(M, m + 12 * step)
    return a + b + c, b - c - d


@jit
def products(
    U, V, step, M, C, m, m_end, u, tiles, p, count, Y, y, height, width, across, follows, bias, first, per, R, residual, lo, hi
):  # fmt: skip
    """The outputs of ``count`` panels of tiles from p on for the filters m to ``m_end`` of M; U holds those of the group from u on."""
    L = lanes_of(V)
    some = m_end - m
    stride = count * some * PANEL + LINE
    sums, lanes = np.empty(POSITIONS * stride, V.dtype), np.zeros(L, V.dtype)
    U, V, T, Y, S, Z = memory(U), memory(V), memory(tiles), memory(Y), memory(sums), memory(lanes)
    bias, R = memory(bias), memory(R)
    for position in range(POSITIONS):
        for k in range(0, C, KC):
            block = min(KC, C - k)
            a = u + position * M * C + k * M + m * block
            for panel in range(count):
                b = position * step + (panel * C + k) * PANEL
                strip_of_packed(U, a, V, b, PANEL, block, S, position * stride + panel * some * PANEL, PANEL, some, k > 0)
    for i in range(some):
        at_plane = y + (m + i) * height * width
        shift = broadcast(bias, first + m + i) if per == PER_ROW else zeros(V)
        for half in range(2 * count):
            at_sum = (half // 2 * some + i) * PANEL + half % 2 * L
            a0, b0 = _sums(S, at_sum, stride)
            a1, b1 = _sums(S, at_sum + stride, stride)
            a2, b2 = _sums(S, at_sum + 2 * stride, stride)
            a3, b3 = _sums(S, at_sum + 3 * stride, stride)
            upper = interleaved(a0 + a1 + a2, a1 - a2 - a3)
            lower = interleaved(b0 + b1 + b2, b1 - b2 - b3)
            for four in range(2):
                t = ((2 * p + half) * 2 + four) * FIELDS
                above, below = (upper[0], lower[0]) if four == 0 else (upper[1], lower[1])
                if at(T, t + WHOLE):
                    target = at_plane + at(T, t + TARGET)
                    store(Y, target, ended(above, shift, per, R, target, residual, lo, hi, follows))
                    store(Y, target + width, ended(below, shift, per, R, target + width, residual, lo, hi, follows))
                else:
                    put_cut(above, T, t, 0, height, width, across, Y, at_plane, Z, follows, shift, per, R, residual, lo, hi)
                    put_cut(below, T, t, 1, height, width, across, Y, at_plane, Z, follows, shift, per, R, residual, lo, hi)
    alive(sums)
    alive(lanes)


@kernel("correlate", "float32", fast=True)
class Winograd(Kernel):
    epilogues = True
    order = "F(2, 3) for constant 3 x 3 windows that move by one, over the channels as in Correlate; Correlate for all others"
    direct = Correlate()

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> Transformed | None:
        W = constants.get(1)
        return None if W is None else Transformed(W, static["group"])

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Transformed | None, epilogue: Epilogue) -> Binding:
        X, W = (tuple(s or ()) for s in shapes)
        if packed is None or not suits(W, static["window"], static["group"]) or not moderate(packed.memory):
            return self.direct.bind(shapes, static, packed, epilogue)
        here = Tiles(X, W, static["window"], static["group"])
        follows, per = epilogue != PLAIN, NO_BIAS if epilogue.axis is None else PER_ROW

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            nothing = NOTHING[y.dtype]
            rest = (
                nothing if residual is None else plain(residual), residual is not None,
                y.dtype.type(epilogue.lo), y.dtype.type(epilogue.hi),
            )  # fmt: skip
            memory, out, biases, U = plain(arrays[0]), y.reshape(-1), nothing if bias is None else plain(bias), packed.transformed()
            for n in range(here.images):
                image, start = here.padded(memory, n)
                for g in range(here.group):
                    first = g * here.rows
                    here.run(
                        image, start + first // here.rows * here.depth * here.plane, U, POSITIONS * first * here.depth, out,
                        n * here.size + first * here.pixels, (follows, biases, first, per, *rest),
                    )  # fmt: skip

        return Binding((here.images, W[0], *here.window.output), run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """The magnitudes that are added, |A'| (|G g G'| * |B'| |d| |B|) |A|, times the additions in a row, with what underflow may cost;
        NaN, that is nothing, where those are no finite numbers of the type: an infinity in a tile makes all its outputs NaN."""
        X, W = arrays
        window, group = static["window"], static["group"]
        direct = self.direct.bound(arrays, static)
        if not suits(W.shape, window, group) or not moderate(W):
            return direct
        here = Tiles(X.shape, W.shape, window, group)
        d = np.abs(here.tiled(X))  # (image, group, channel, down, across, 4, 4)
        tiny, most = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
        U = (np.abs(G @ W @ G.T) + tiny).reshape(group, here.rows, here.depth, 4, 4)
        sums = np.einsum("gmcij,ngcabij->ngmabij", U, np.abs(B.T) @ d @ np.abs(B))
        found = (np.abs(A.T) @ (sums + tiny) @ np.abs(A)).transpose(0, 1, 2, 3, 5, 4, 6)
        height, width = window.output
        found = found.reshape(here.images, W.shape[0], 2 * here.down, 2 * here.across)[:, :, :height, :width]
        return np.where(found < most, np.maximum((here.depth + 16) * found, direct), np.nan)


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
        table[:, SECOND] = 2 * (row + 1) * width - 2 * before
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

    def run(self, image: Array, x: int, U: Array, u: int, out: Array, y: int, rest: tuple[Any, ...]) -> None:
        """One group of one image."""
        C, M = self.depth, self.rows
        height, width = self.window.output
        cost = POSITIONS * PANEL * NANOSECONDS * C * M  # of a panel

        def memory(count: int) -> tuple[Array, int]:
            step = count * C * PANEL + LINE
            return aligned(POSITIONS * step, out.dtype), step

        def inputs(V: Array, step: int, p: int, count: int, c: int, c_end: int) -> None:
            transform(image, x, self.plane, self.outer[1], self.table, p, count, C, c, c_end, V, step)

        def outputs(V: Array, step: int, p: int, count: int, m: int, m_end: int) -> None:
            products(U, V, step, M, C, m, m_end, u, self.table, p, count, out, y, height, width, self.across, *rest)

        def some_panels(p: int, p_end: int) -> None:
            V, step = memory(self.together)
            for first in range(p, p_end, self.together):
                count = min(self.together, p_end - first)
                inputs(V, step, first, count, 0, C)
                outputs(V, step, first, count, 0, M)

        if self.panels >= FEW_GROUPS * self.together:
            share(pieces(self.panels, cost, self.together), some_panels)
            return
        V, step = memory(self.together)
        for first in range(0, self.panels, self.together):
            count = min(self.together, self.panels - first)
            share(pieces(C, count * POSITIONS * PANEL), lambda c, c_end: inputs(V, step, first, count, c, c_end))  # noqa: B023
            share(pieces(M, count * cost / M, 6), lambda m, m_end: outputs(V, step, first, count, m, m_end))  # noqa: B023


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
