"""Convolution of each channel with one filter of its own, in two dimensions: parts of rows of the map are the vectors.

Each plane is copied between zeros first. Four rows are computed at a time. What is left at the right and lower edge is computed by
vectors and rows that end there, some elements twice. A map narrower than a vector is written from the first row to the last: what a row
writes too much the next one writes over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refexec.kernels.simd import at, broadcast, evens_and_odds, fma, inlined, jit, lane, lanes_of, load, put, select, store, zeros
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


@jit
def four_rows(X, x, down, W, w, F, taps, T):
    """Four rows of one vector, next to each other in X; the sums are written to T."""
    L = lanes_of(X)
    z = zeros(X)
    s0, s1, s2, s3 = z, z, z, z
    for k in range(taps):
        f, at_tap = broadcast(W, w + k), x + at(F, k)
        s0 = fma(f, load(X, at_tap), s0)
        s1 = fma(f, load(X, at_tap + down), s1)
        s2 = fma(f, load(X, at_tap + 2 * down), s2)
        s3 = fma(f, load(X, at_tap + 3 * down), s3)
    store(T, 0, s0)
    store(T, L, s1)
    store(T, 2 * L, s2)
    store(T, 3 * L, s3)


@jit
def any_rows(X, x, down, right, rows, W, w, F, taps, S, T):
    """One to four rows of one vector of elements that are ``right`` apart; the sums are written to T."""
    L = lanes_of(X)
    for row in range(rows):
        s = zeros(X)
        for k in range(taps):
            s = fma(broadcast(W, w + k), _every(X, x + row * down + at(F, k), right, S), s)
        store(T, row * L, s)


@jit
def depthwise(X, W, C, layout, Y, i, i_end, follows, bias, per, R, residual, lo, hi):
    """The planes i to ``i_end`` of all images; plane p has filter and bias p % C."""
    L = lanes_of(X)
    h_in, w_in, top, left, h_out, w_out, kh, kw, sh, sw, dh, dw, height, width = layout
    taps, down = kh * kw, sh * w_out
    F = np.empty(taps, np.int64)
    for k in range(taps):
        F[k] = (k // kw) * dh * w_out + (k % kw) * dw
    S, T = np.empty(L, X.dtype), np.empty(4 * L, X.dtype)
    P = np.empty(h_out * w_out + 2 * L * sw, X.dtype)
    rows, end = min(4, height), i_end * height * width
    for p in range(i, i_end):
        w = (p % C) * taps
        shift = broadcast(bias, p % C) if per == PER_ROW else zeros(X)
        framed(X, p * h_in * w_in, h_in, w_in, top, left, h_out, w_out, P)
        for h0 in range(0, height, rows):
            h = min(h0, height - rows)
            for j0 in range(0, width, L):
                j = max(min(j0, width - L), 0)
                if rows == 4 and sw == 1:
                    four_rows(P, h * down + j, down, W, w, F, taps, T)
                else:
                    any_rows(P, h * down + j * sw, down, sw, rows, W, w, F, taps, S, T)
                for row in range(rows):
                    y = (p * height + h + row) * width + j
                    s = load(T, row * L)
                    if y + L <= end:
                        if follows:
                            s = s + shift if per == PER_ROW else s
                            s = s + load(R, y) if residual else s
                            s = select(s < lo, lo, s)
                            s = select(s > hi, hi, s)
                        store(Y, y, s)
                    else:
                        for one in range(width):
                            v = lane(s, one)
                            if follows:
                                v = v + at(bias, p % C) if per == PER_ROW else v
                                v = v + at(R, y + one) if residual else v
                                v = lo if v < lo else v
                                v = hi if v > hi else v
                            put(Y, y + one, v)
