"""Convolution of each channel with one filter of its own, in two dimensions: parts of rows of the map are the vectors.

Each plane is copied between zeros first. What is left at the right and lower edge is computed by vectors and rows that end there, some
elements twice. A map narrower than a vector is written from the first row to the last: what a row
writes too much the next one writes over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refexec.kernels.simd import (
    alive,
    at,
    broadcast,
    evens_and_odds,
    fma,
    inlined,
    jit,
    lane,
    lanes_of,
    load,
    memory,
    put,
    select,
    store,
    zeros,
)
from refexec.kernels.tiles import PER_ROW

__all__ = ["depthwise", "depthwise_layout"]


def depthwise_layout(here: Any) -> np.ndarray[Any, Any]:
    """What the kernel is told: the sizes of a plane, of the pads before it and of the padded plane, the window and the output."""
    (kh, kw), (sh, sw), (dh, dw) = here.kernel, here.window.strides, here.window.dilations
    return np.array([*here.inner, *here.before, *here.outer, kh, kw, sh, sw, dh, dw, *here.window.output], np.int64)


@jit
def framed(X, x, height, width, top, left, outer_height, outer_width, P):
    """One plane amid zeros, at the start of P."""
    L = lanes_of(X)
    size = outer_height * outer_width
    for p in range(0, size, L):
        store(P, p, zeros(X))
    for h in range(height):
        source, target = x + h * width, (h + top) * outer_width + left
        whole = width - width % L
        for w in range(0, whole, L):
            store(P, target + w, load(X, source + w))
        for w in range(whole, width):
            put(P, target + w, at(X, source + w))


@inlined
def _every(X, x, step, S):
    """The vector of every ``step``-th element from ``x`` on."""
    L = lanes_of(X)
    if step == 2:
        return evens_and_odds(load(X, x), load(X, x + L - 1))
    for i in range(L):
        put(S, i, at(X, x + i * step))
    return load(S, 0)


@inlined
def _ended(s, shift, per, R, r, residual, lo, hi, follows):
    if follows:
        if per == PER_ROW:
            s = s + shift
        if residual:
            s = s + load(R, r)
        s = select(s < lo, lo, s)
        s = select(s > hi, hi, s)
    return s


@inlined
def _three(X, x, tap, right):
    """What three taps of a row meet, as vectors of elements that are ``right``, 1 or 2, apart."""
    L = lanes_of(X)
    if right == 1:
        return load(X, x), load(X, x + tap), load(X, x + 2 * tap)
    x0, x1, x2 = x, x + tap, x + 2 * tap
    return (
        evens_and_odds(load(X, x0), load(X, x0 + L - 1)),
        evens_and_odds(load(X, x1), load(X, x1 + L - 1)),
        evens_and_odds(load(X, x2), load(X, x2 + L - 1)),
    )


@inlined
def rows_of_3x3(X, x, down, tap_down, tap, right, W, w, Y, y, rows, width, follows, shift, per, R, residual, lo, hi):
    """``rows`` rows of at least a vector each, for a window of nine taps; two rows of the result at a time.

    Inlined so that ``right`` is a constant in its loops."""
    L = lanes_of(X)
    w00, w01, w02 = broadcast(W, w), broadcast(W, w + 1), broadcast(W, w + 2)
    w10, w11, w12 = broadcast(W, w + 3), broadcast(W, w + 4), broadcast(W, w + 5)
    w20, w21, w22 = broadcast(W, w + 6), broadcast(W, w + 7), broadcast(W, w + 8)
    z = zeros(X)
    for row in range(0, rows, 2):
        h = max(min(row, rows - 2), 0)
        second = 0 if rows == 1 else 1
        for j0 in range(0, width, L):
            j = min(j0, width - L)
            p = x + h * down + j * right
            q = p + second * down
            a, b, c = _three(X, p, tap, right)
            s = fma(w02, c, fma(w01, b, fma(w00, a, z)))
            a, b, c = _three(X, q, tap, right)
            t = fma(w02, c, fma(w01, b, fma(w00, a, z)))
            a, b, c = _three(X, p + tap_down, tap, right)
            s = fma(w12, c, fma(w11, b, fma(w10, a, s)))
            a, b, c = _three(X, q + tap_down, tap, right)
            t = fma(w12, c, fma(w11, b, fma(w10, a, t)))
            a, b, c = _three(X, p + 2 * tap_down, tap, right)
            s = fma(w22, c, fma(w21, b, fma(w20, a, s)))
            a, b, c = _three(X, q + 2 * tap_down, tap, right)
            t = fma(w22, c, fma(w21, b, fma(w20, a, t)))
            at_first = y + h * width + j
            at_second = at_first + second * width
            store(Y, at_first, _ended(s, shift, per, R, at_first, residual, lo, hi, follows))
            store(Y, at_second, _ended(t, shift, per, R, at_second, residual, lo, hi, follows))


@jit
def any_row(X, x, right, W, w, F, taps, S, Y, y, width, end, follows, shift, per, R, residual, lo, hi):
    """One row, for any window. A vector that ends behind ``end`` is written element by element."""
    L = lanes_of(X)
    for j0 in range(0, width, L):
        j = max(min(j0, width - L), 0)
        s = zeros(X)
        for k in range(taps):
            at_tap = x + j * right + at(F, k)
            s = fma(broadcast(W, w + k), load(X, at_tap) if right == 1 else _every(X, at_tap, right, S), s)
        if y + j + L <= end:
            store(Y, y + j, _ended(s, shift, per, R, y + j, residual, lo, hi, follows))
        else:
            for one in range(width):
                put(S, one, at(R, y + one) if residual else 0)
            s = _ended(s, shift, per, S, 0, residual, lo, hi, follows)
            for one in range(width):
                put(Y, y + one, lane(s, one))


@jit
def depthwise(X, W, C, layout, Y, i, i_end, follows, bias, per, R, residual, lo, hi):
    """The planes i to ``i_end`` of all images; plane p has filter and bias p % C."""
    L = lanes_of(X)
    h_in, w_in, top, left, h_out, w_out, kh, kw, sh, sw, dh, dw, height, width = layout
    taps, down = kh * kw, sh * w_out
    offsets, lanes, plane = np.empty(taps, np.int64), np.empty(L, X.dtype), np.empty(h_out * w_out + 2 * L * sw, X.dtype)
    X, W, Y, F, S, P = memory(X), memory(W), memory(Y), memory(offsets), memory(lanes), memory(plane)
    bias, R = memory(bias), memory(R)
    for k in range(taps):
        put(F, k, (k // kw) * dh * w_out + (k % kw) * dw)
    end = i_end * height * width
    for p in range(i, i_end):
        w = (p % C) * taps
        shift = broadcast(bias, p % C) if per == PER_ROW else zeros(X)
        framed(X, p * h_in * w_in, h_in, w_in, top, left, h_out, w_out, P)
        y = p * height * width
        if kh == kw == 3 and sw == 1 and width >= L:
            rows_of_3x3(P, 0, down, dh * w_out, dw, 1, W, w, Y, y, height, width, follows, shift, per, R, residual, lo, hi)
        elif kh == kw == 3 and sw == 2 and width >= L:
            rows_of_3x3(P, 0, down, dh * w_out, dw, 2, W, w, Y, y, height, width, follows, shift, per, R, residual, lo, hi)
        else:
            for h in range(height):
                any_row(P, h * down, sw, W, w, F, taps, S, Y, y + h * width, width, end, follows, shift, per, R, residual, lo, hi)
    alive(offsets)
    alive(lanes)
    alive(plane)
