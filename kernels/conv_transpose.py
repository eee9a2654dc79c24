"""Transposed convolutions: ``correlate_transposed`` for float32 and float64, and for the half types through float32.

Order: what the channels give at one position of the kernel for one position of X is a product in the order of ``tiles``; an element of Y,
which begins with 0, adds the positions of the kernel that meet it in row-major order; then come bias, residual and clamp.

Some channels of Y at a time: the products (channels * kernel, positions of X) stay in the cache while they are spread. A row of Y is
collected in as many pieces as the stride of the last axis, one for the columns of each phase, so that whole vectors are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec.kernels.gemm import MC, pack_panels, product_of_panels
from refexec.kernels.memory import NOTHING, Array, plain, scratch
from refexec.kernels.simd import alive, at, inlined, interleaved, jit, lanes_of, load, memory, put, select, store, zeros
from refexec.kernels.tiles import NO_BIAS, PER_ROW, finish
from refexec.pool import pieces, share
from refexec.primitives import PLAIN, Binding, Epilogue, Kernel, Shape, definition, kernel

__all__ = ["CorrelateTransposed"]

NANOSECONDS = 0.02  # of one multiply-add
PANEL = 16  # columns at most
TOGETHER = 1 << 16  # elements of the products that are spread at a time, about


@inlined
def _row_added(T, t, buffer, b, D, kept):
    """D elements of T added to the buffer. ``kept`` is 1 in the lanes of the last vector that no vector before it has added."""
    L = lanes_of(T)
    if D < L:
        for j in range(D):
            put(buffer, b + j, at(buffer, b + j) + at(T, t + j))
        return
    for j in range(0, D - L + 1, L):
        store(buffer, b + j, load(buffer, b + j) + load(T, t + j))
    if D % L:
        last = D - L
        store(buffer, b + last, load(buffer, b + last) + select(load(kept, 0) > 0, load(T, t + last), 0))


@inlined
def _phases_in_turn(buffer, b, room, first_slot, stride, begin, Y, y, width):
    """A row of Y from the phases at b: column j is the slot (j + begin) // stride of the phase (j + begin) % stride."""
    L = lanes_of(Y)
    done = 0
    if stride == 2:
        even = b + begin % 2 * room + begin // 2 - first_slot
        odd = b + (begin + 1) % 2 * room + (begin + 1) // 2 - first_slot
        for j in range(0, width - 2 * L + 1, 2 * L):
            low, high = interleaved(load(buffer, even + j // 2), load(buffer, odd + j // 2))
            store(Y, y + j, low)
            store(Y, y + j + L, high)
            done = j + 2 * L
    elif stride == 1:
        for j in range(0, width - L + 1, L):
            store(Y, y + j, load(buffer, b + begin - first_slot + j))
            done = j + L
    for column in range(done, min(done + stride, width)):
        source = b + (column + begin) % stride * room + (column + begin) // stride - first_slot
        for j in range(column, width, stride):
            put(Y, y + j, at(buffer, source))
            source += 1


@jit
def channel_spread(T, t, positions, D, taps, dilation, stride, begin, outer, pairs, tables, S, room, first_slot, Y, y, rows, width, kept):
    """A channel of Y from its products (kernel, positions) at t: added row by row in S, then moved to Y."""
    L = lanes_of(Y)
    for j in range(0, rows * stride * room, L):
        store(S, j, zeros(Y))
    for k in range(outer):
        for tap in range(taps):
            target = tap * dilation % stride * room + tap * dilation // stride - first_slot
            source = t + (k * taps + tap) * positions
            for i in range(at(tables, k), at(tables, k + 1)):
                _row_added(T, source + at(pairs, 2 * i), S, target + at(pairs, 2 * i + 1) * stride * room, D, kept)
    for row in range(rows):
        _phases_in_turn(S, row * stride * room, room, first_slot, stride, begin, Y, y + row * width, width)


@jit
def channels_transposed(
    X, W, Y, C, M, group, K, positions, D, taps, dilation, stride, begin, pairs, tables, first_slot, room, rows, width, together,
    S, p, t, follows, bias, per, R, residual, lo, hi, first, last,
):  # fmt: skip
    """Channels of Y, counted over the images, from filters (M, kernel, C / group).

    S holds a tile or a channel, packed panels from p on and products from t on."""
    L = lanes_of(X)
    c, m, plane, outer = C // group, M // group, rows * width, tables.size - 1
    made = np.ones(L, X.dtype)
    made[: L - D % L] = 0
    X, W, Y, S, pairs, tables, kept = memory(X), memory(W), memory(Y), memory(S), memory(pairs), memory(tables), memory(made)
    bias, R = memory(bias), memory(R)
    packed = -1
    channel = first
    while channel < last:
        in_group, g = channel % m, channel // m  # groups are counted over the images too
        some = min(together, last - channel, m - in_group)
        if g != packed:
            pack_panels(X, g * c * positions, positions, 1, c, positions, S, p)
            packed = g
        weights = (g % group * m + in_group) * K * c
        product_of_panels(
            W, weights, c, 1, S, p, S, t, positions, some * K, positions, c, S, False, bias, 0, NO_BIAS, R, False, lo, hi
        )  # fmt: skip
        for i in range(some):
            y = (channel + i) * plane
            channel_spread(
                S, t + i * K * positions, positions, D, taps, dilation, stride, begin, outer, pairs, tables, S, room, first_slot, Y, y,
                rows, width, kept,
            )  # fmt: skip
            if follows:
                finish(Y, y, plane, 1, plane, bias, (channel + i) % M, per, R, residual, lo, hi)
        channel += some
    alive(made)


def rows_met(window: Any, spatial: Sequence[int], image: Sequence[int]) -> tuple[Array, Array]:
    """(pairs, tables): for position k of the kernel on all axes but the last, ``pairs[tables[k] : tables[k + 1]]`` are where a row of X
    begins, and the row of the image that it is added to."""
    source, row, inside = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64), np.ones((1, 1), bool)  # (kernel, rows of X)
    for axis, size in enumerate(spatial[:-1]):
        i, k = np.arange(size), np.arange(window.kernel[axis])[:, None]
        o = i * window.strides[axis] + k * window.dilations[axis] - window.pads[axis][0]
        shape = source.shape[0] * len(k), source.shape[1] * size
        source = (source[:, None, :, None] + (i * prod(spatial[axis + 1 :]))[None, :] + 0 * k[:, None]).reshape(shape)
        row = (row[:, None, :, None] * image[axis] + o[:, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & ((o >= 0) & (o < image[axis]))[:, None, :]).reshape(shape)
    return np.stack([source[inside], row[inside]], axis=1).reshape(-1), np.concatenate([[0], np.cumsum(inside.sum(axis=1))])


def arranged(W: Array, group: int) -> Array:
    """Filters (C, M / group, kernel...) as (M, kernel, C / group), flat."""
    channels = W.shape[0] // group
    return plain(W.reshape(group, channels, -1 if W.size else 0).swapaxes(1, 2))


@kernel("correlate_transposed", "float32", "float64", halves=True)
class CorrelateTransposed(Kernel):
    """Products spread over an image."""

    epilogues = True

    order = "products as in tiles over the channels; then the positions of the kernel in row-major order"

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> Array | None:
        """Constant filters as (M, kernel, C / group)."""
        return arranged(constants[1], static["group"]) if 1 in constants else None

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        window, image, group = static["window"], static["image"], static["group"]
        (N, C, *spatial), (_, m, *_) = shapes[0] or (), shapes[1] or ()
        M, K, positions = group * m, prod(window.kernel), prod(spatial)
        taps, dilation, stride, begin = window.kernel[-1], window.dilations[-1], window.strides[-1], window.pads[-1][0]
        pairs, tables = rows_met(window, spatial, image)
        first_slot = min(0, begin // stride)  # of the phases, which hold the columns under the windows and those of the image
        room = max(spatial[-1] + (taps - 1) * dilation // stride, (image[-1] - 1 + begin) // stride + 1) - first_slot
        together = min(max(1, TOGETHER // max(K * positions, 1)), max(m, 1))
        rows = prod(image[:-1])
        p = max(rows * stride * room + PANEL, MC * PANEL)
        t = p + C // group * (positions + PANEL)
        sizes = (
            C, M, group, K, positions, spatial[-1], taps, dilation, stride, begin, pairs, tables, first_slot, room, rows, image[-1],
            together,
        )  # fmt: skip
        needed = t + together * K * positions
        cost = NANOSECONDS * K * positions * (C // group + 40)
        count = N * M if prod(image) else 0
        follows, per = epilogue != PLAIN, NO_BIAS if epilogue.axis is None else PER_ROW

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x, w = plain(arrays[0]), arranged(arrays[1], group) if packed is None else packed
            out, nothing = y.reshape(-1), NOTHING[y.dtype]
            rest = (
                follows, nothing if bias is None else plain(bias), per,
                nothing if residual is None else plain(residual), residual is not None,
                y.dtype.type(epilogue.lo), y.dtype.type(epilogue.hi),
            )  # fmt: skip
            parts = pieces(count, cost, together)
            share(parts, lambda *part: channels_transposed(x, w, out, *sizes, scratch(needed, y.dtype), p, t, *rest, *part))

        return Binding((N, M, *image), run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """One rounding per product and addition and two per block, of the sum of magnitudes. Source: Higham, Accuracy and
        Stability of Numerical Algorithms, section 3.1."""
        X, W = (np.abs(a) for a in arrays)
        terms = W.shape[0] // static["group"] * prod(W.shape[2:])
        return (terms + 2) * definition("correlate_transposed")(X, W, **static)
