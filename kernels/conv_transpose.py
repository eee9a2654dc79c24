"""Transposed convolutions: ``correlate_transposed`` for float32 and float64, and for the half types through float32.

Order: what the channels give at one position of the kernel for one position of X is a product in the order of ``tiles``; an element of Y,
which begins with 0, adds the positions of the kernel that meet it in row-major order; then come bias, residual and clamp.

Some channels of Y at a time: the products (channels * kernel, positions of X) stay in the cache while they are spread. Each row of Y is
collected in as many buffers as the stride of the last axis, one for the columns of each phase, so that whole vectors are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec.kernels.gemm import MC, pack_panels, product_of_panels
from refexec.kernels.memory import NOTHING, Array, plain
from refexec.kernels.simd import at, inlined, interleaved, jit, lanes_of, load, put, select, store, zeros
from refexec.kernels.tiles import NO_BIAS, PER_ROW, finish
from refexec.pool import pieces, share
from refexec.primitives import PLAIN, Binding, Epilogue, Kernel, Shape, definition, kernel

__all__ = ["CorrelateTransposed"]

NANOSECONDS = 0.02  # of one multiply-add
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
def _phases_in_turn(buffer, room, first_slot, stride, begin, Y, y, width):
    """A row of Y: column j is the slot (j + begin) // stride of the phase (j + begin) % stride."""
    L = lanes_of(Y)
    done = 0
    if stride == 2:
        even = begin % 2 * room + begin // 2 - first_slot
        odd = (begin + 1) % 2 * room + (begin + 1) // 2 - first_slot
        for j in range(0, width - 2 * L + 1, 2 * L):
            low, high = interleaved(load(buffer, even + j // 2), load(buffer, odd + j // 2))
            store(Y, y + j, low)
            store(Y, y + j + L, high)
            done = j + 2 * L
    elif stride == 1:
        for j in range(0, width - L + 1, L):
            store(Y, y + j, load(buffer, begin - first_slot + j))
            done = j + L
    for column in range(done, min(done + stride, width)):
        source = (column + begin) % stride * room + (column + begin) // stride - first_slot
        for j in range(column, width, stride):
            put(Y, y + j, at(buffer, source))
            source += 1


@jit
def channels_transposed(
    X, W, Y, C, M, group, K, positions, D, taps, dilation, stride, begin, rows, sources, first_slot, room, width, together,
    follows, bias, per, R, residual, lo, hi, first, last,
):  # fmt: skip
    """Channels of Y, counted over the images."""
    L = lanes_of(X)
    panel = 2 * L
    c, m = C // group, M // group
    plane = (rows.size - 1) * width
    P = np.empty(c * (positions + panel), X.dtype)
    T = np.empty(together * K * positions, X.dtype)
    tile = np.empty(MC * panel, X.dtype)
    buffer = np.empty(stride * room + L, X.dtype)
    kept = np.ones(L, X.dtype)
    kept[: L - D % L] = 0
    packed = -1
    channel = first
    while channel < last:
        in_group = channel % m
        some = min(together, last - channel, m - in_group)
        g = channel // m  # counted over the images too
        if g != packed:
            pack_panels(X, g * c * positions, positions, 1, c, positions, P, 0)
            packed = g
        weights = g % group * c * m * K + in_group * K
        product_of_panels(
            W, weights, 1, m * K, P, 0, T, 0, positions, some * K, positions, c, tile, False, bias, 0, NO_BIAS, R, False, lo, hi
        )  # fmt: skip
        for i in range(some):
            y = (channel + i) * plane
            for row in range(rows.size - 1):
                for j in range(0, stride * room, L):
                    store(buffer, j, zeros(Y))
                for met in range(at(rows, row), at(rows, row + 1)):
                    source = i * K * positions + at(sources, met)
                    for k in range(taps):
                        target = k * dilation % stride * room + k * dilation // stride - first_slot
                        _row_added(T, source + k * positions, buffer, target, D, kept)
                _phases_in_turn(buffer, room, first_slot, stride, begin, Y, y + row * width, width)
            if follows:
                finish(Y, y, plane, 1, plane, bias, (channel + i) % M, per, R, residual, lo, hi)
        channel += some


def rows_of_image(window: Any, spatial: Sequence[int], image: Sequence[int]) -> tuple[Array, Array]:
    """(rows, sources): row i of an image adds the rows ``sources[rows[i] : rows[i + 1]]`` of the products of one channel, in order.

    A source is where the row begins for the first tap of the last axis, in (kernel, positions).
    """
    positions = prod(spatial)
    source, inside = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)  # (rows, taps)
    for axis, size in enumerate(spatial[:-1]):
        stride, k = window.strides[axis], np.arange(window.kernel[axis])
        o = np.arange(image[axis])[:, None] + window.pads[axis][0] - k * window.dilations[axis]
        met = (o % stride == 0) & (o >= 0) & (o // stride < size)
        own = k * prod(window.kernel[axis + 1 :]) * positions + o // stride * prod(spatial[axis + 1 :])
        shape = (source.shape[0] * own.shape[0], source.shape[1] * own.shape[1])
        source = (source[:, None, :, None] + own[:, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & met[:, None, :]).reshape(shape)
    return np.concatenate([[0], np.cumsum(inside.sum(axis=1))]), source[inside]


@kernel("correlate_transposed", "float32", "float64", halves=True)
class CorrelateTransposed(Kernel):
    """Products spread over an image."""

    order = "products as in tiles over the channels; then the positions of the kernel in row-major order"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        window, image, group = static["window"], static["image"], static["group"]
        (N, C, *spatial), (_, m, *_) = shapes[0] or (), shapes[1] or ()
        M, K, positions = group * m, prod(window.kernel), prod(spatial)
        taps, dilation, stride, begin = window.kernel[-1], window.dilations[-1], window.strides[-1], window.pads[-1][0]
        rows, sources = rows_of_image(window, spatial, image)
        first_slot = min(0, begin // stride)  # of the buffers, which hold the columns under the windows and those of the image
        room = max(spatial[-1] + (taps - 1) * dilation // stride, (image[-1] - 1 + begin) // stride + 1) - first_slot
        together = min(max(1, TOGETHER // max(K * positions, 1)), max(m, 1))
        sizes = (
            C,
            M,
            group,
            K,
            positions,
            spatial[-1],
            taps,
            dilation,
            stride,
            begin,
            rows,
            sources,
            first_slot,
            room,
            image[-1],
            together,
        )
        cost = NANOSECONDS * K * positions * (C // group + 40)
        count = N * M if prod(image) else 0
        follows, per = epilogue != PLAIN, NO_BIAS if epilogue.axis is None else PER_ROW

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x, w = (plain(a) for a in arrays)
            out, nothing = y.reshape(-1), NOTHING[y.dtype]
            rest = (
                follows, nothing if bias is None else plain(bias), per,
                nothing if residual is None else plain(residual), residual is not None,
                y.dtype.type(epilogue.lo), y.dtype.type(epilogue.hi),
            )  # fmt: skip
            parts = pieces(count, cost, together)
            share(parts, lambda *part: channels_transposed(x, w, out, *sizes, *rest, *part))

        return Binding((N, M, *image), run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """One rounding per product and addition and two per block, of the sum of magnitudes. Source: Higham, Accuracy and
        Stability of Numerical Algorithms, section 3.1."""
        X, W = (np.abs(a) for a in arrays)
        terms = W.shape[0] // static["group"] * prod(W.shape[2:])
        return (terms + 2) * definition("correlate_transposed")(X, W, **static)
