"""Convolution with 3 x 3 windows that move by one: Winograd's F(2, 3), four multiplications where the direct sum has nine.

The map is cut into tiles of 2 x 2 outputs, each of which sees 4 x 4 inputs d. With the filter g, the outputs of a tile are

    Y = A' ((G g G') * (B' d B)) A,   * element by element, summed over the channels.

Each of the 16 elements is one product of matrices: (filters, channels) by (channels, tiles). Sixteen tiles are a panel. Tiles are read and
written four at a time, in which a row of tiles ends at most once.

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refexec.kernels.conv import NANOSECONDS, Correlate
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
)  # fmt: skip
from refexec.kernels.tiles import KC, NO_BIAS, PER_ROW, strip_of_packed
from refexec.kernels.winograd_tiles import (
    COLUMNS,
    FIELDS,
    FIRST,
    PANEL,
    POSITIONS,
    SECOND,
    TARGET,
    TILE,
    WHOLE,
    A,
    B,
    G,
    Tiles,
    Transformed,
    moderate,
    suits,
)  # fmt: skip
from refexec.pool import pieces, share
from refexec.primitives import PLAIN, Binding, Epilogue, Kernel, Shape, kernel

__all__ = ["Winograd"]

LINE = 16  # elements between positions that keep them apart in the first-level cache
FEW_GROUPS = 8  # of panels, which threads split by channels and filters instead


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
                    run_group(
                        here, image, start + first // here.rows * here.depth * here.plane, U, POSITIONS * first * here.depth, out,
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


def run_group(here: Tiles, image: Array, x: int, U: Array, u: int, out: Array, y: int, rest: tuple[Any, ...]) -> None:
    """One group of one image."""
    C, M = here.depth, here.rows
    height, width = here.window.output
    cost = POSITIONS * PANEL * NANOSECONDS * C * M  # of a panel

    def memory(count: int) -> tuple[Array, int]:
        step = count * C * PANEL + LINE
        return aligned(POSITIONS * step, out.dtype), step

    def inputs(V: Array, step: int, p: int, count: int, c: int, c_end: int) -> None:
        transform(image, x, here.plane, here.outer[1], here.table, p, count, C, c, c_end, V, step)

    def outputs(V: Array, step: int, p: int, count: int, m: int, m_end: int) -> None:
        products(U, V, step, M, C, m, m_end, u, here.table, p, count, out, y, height, width, here.across, *rest)

    def some_panels(p: int, p_end: int) -> None:
        V, step = memory(here.together)
        for first in range(p, p_end, here.together):
            count = min(here.together, p_end - first)
            inputs(V, step, first, count, 0, C)
            outputs(V, step, first, count, 0, M)

    if here.panels >= FEW_GROUPS * here.together:
        share(pieces(here.panels, cost, here.together), some_panels)
        return
    V, step = memory(here.together)
    for first in range(0, here.panels, here.together):
        count = min(here.together, here.panels - first)
        share(pieces(C, count * POSITIONS * PANEL), lambda c, c_end: inputs(V, step, first, count, c, c_end))  # noqa: B023
        share(pieces(M, count * cost / M, 6), lambda m, m_end: outputs(V, step, first, count, m, m_end))  # noqa: B023
