"""Convolution of each channel with one filter of its own, in two dimensions: parts of rows of the map are the vectors.

A plane is read where it stands, its edges through masks; windows of other sizes than 3 x 3 read a copy between zeros. What is left at
the right and lower edge is computed by vectors and rows that end there, some elements twice. A map narrower than a vector is written
from the first row to the last: what a row writes too much the next one writes over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refexec.kernels.simd import (
    alive,
    at,
    broadcast,
    evens_and_odds,
    first_lanes,
    fma,
    inlined,
    jit,
    lane,
    lane_numbers,
    lanes_of,
    load,
    memory,
    put,
    select,
    store,
    zeros,
)  # fmt: skip
from refexec.kernels.tiles import PER_ROW

__all__ = ["depthwise", "depthwise_layout", "ended"]


def depthwise_layout(here: Any) -> np.ndarray[Any, Any]:
    """What the kernel is told: the sizes of a plane, of the pads before it and of the padded plane, the window and the output."""
    (kh, kw), (sh, sw), (dh, dw) = here.kernel, here.window.strides, here.window.dilations
    return np.array([*here.inner, *here.before, *here.outer, kh, kw, sh, sw, dh, dw, *here.window.output], np.int64)


@jit
def framed(X, x, end, height, width, P, p, outer_width):
    """Copy the rows of one plane of X into a plane of zeros; p is where its first element goes. Zeros may be written behind a row."""
    L = lanes_of(X)
    for h in range(height):
        source, target = x + h * width, p + h * outer_width
        for w in range(0, width, L):
            if source + w + L <= end:
                store(P, target + w, select(first_lanes(X, width - w), load(X, source + w), zeros(X)))
            else:
                for one in range(w, width):
                    put(P, target + one, at(X, source + one))


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
def ended(s, shift, per, R, r, residual, lo, hi, follows):
    """min(max(s + shift + residual, lo), hi) as in ``finish``; the residual stands at r of R."""
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
def _row(X, x, row, tap, right, h_in, w_in, edge, masks):
    """What three taps meet in one row of the plane; zeros outside of it."""
    z = zeros(X)
    if row < 0 or row >= h_in:
        return z, z, z
    a, b, c = _three(X, x + row * w_in, tap, right)
    if edge:
        a = select(masks[0], select(masks[1], a, z), z)
        b = select(masks[2], select(masks[3], b, z), z)
        c = select(masks[4], select(masks[5], c, z), z)
    return a, b, c


@inlined
def part_of_3x3(
    X, x, h_in, w_in, top, left, down, right, dh, dw, W, w, Y, y, height, width, j_first, j_end, edge,
    follows, shift, per, R, residual, lo, hi,
):  # fmt: skip
    """The columns from ``j_first`` to ``j_end`` of a plane, whole vectors, for a window of nine taps; two rows at a time.

    Inlined so that ``right``, the step between columns, and ``edge``, whether a column of the only vector may lie outside, are constants
    in its loops.
    """
    L = lanes_of(X)
    w00, w01, w02 = broadcast(W, w), broadcast(W, w + 1), broadcast(W, w + 2)
    w10, w11, w12 = broadcast(W, w + 3), broadcast(W, w + 4), broadcast(W, w + 5)
    w20, w21, w22 = broadcast(W, w + 6), broadcast(W, w + 7), broadcast(W, w + 8)
    column = lane_numbers(X) * right + (j_first * right - left)
    m = column >= 0, column < w_in, column + dw >= 0, column + dw < w_in, column + 2 * dw >= 0, column + 2 * dw < w_in
    z = zeros(X)
    for row in range(0, height, 2):
        h = max(min(row, height - 2), 0)
        second = 0 if height == 1 else 1
        r = h * down - top
        q = r + second * down
        for j in range(j_first, j_end, L):
            p = x + j * right - left
            a, b, c = _row(X, p, r, dw, right, h_in, w_in, edge, m)
            s = fma(w02, c, fma(w01, b, fma(w00, a, z)))
            a, b, c = _row(X, p, q, dw, right, h_in, w_in, edge, m)
            t = fma(w02, c, fma(w01, b, fma(w00, a, z)))
            a, b, c = _row(X, p, r + dh, dw, right, h_in, w_in, edge, m)
            s = fma(w12, c, fma(w11, b, fma(w10, a, s)))
            a, b, c = _row(X, p, q + dh, dw, right, h_in, w_in, edge, m)
            t = fma(w12, c, fma(w11, b, fma(w10, a, t)))
            a, b, c = _row(X, p, r + 2 * dh, dw, right, h_in, w_in, edge, m)
            s = fma(w22, c, fma(w21, b, fma(w20, a, s)))
            a, b, c = _row(X, p, q + 2 * dh, dw, right, h_in, w_in, edge, m)
            t = fma(w22, c, fma(w21, b, fma(w20, a, t)))
            at_first = y + h * width + j
            at_second = at_first + second * width
            store(Y, at_first, ended(s, shift, per, R, at_first, residual, lo, hi, follows))
            store(Y, at_second, ended(t, shift, per, R, at_second, residual, lo, hi, follows))


@jit
def plane_of_3x3(
    X, x, h_in, w_in, top, left, down, right, dh, dw, W, w, Y, y, height, width, follows, shift, per, R, residual, lo, hi
):  # fmt: skip
    """One plane, for a window of nine taps and steps of one or two columns. A narrow row writes more than its elements."""
    L = lanes_of(X)
    rest = (follows, shift, per, R, residual, lo, hi)
    inner = -(-left // (right * L)) * L  # the columns before it are read through masks, and those from outer on
    outer = inner + max((w_in - 1 + left - 2 * dw - right * (inner - 1)) // (right * L), 0) * L
    outer = min(outer, inner + max(width - inner, 0) // L * L)
    if right == 1:
        part_of_3x3(X, x, h_in, w_in, top, left, down, 1, dh, dw, W, w, Y, y, height, width, inner, outer, False, *rest)
    else:
        part_of_3x3(X, x, h_in, w_in, top, left, down, 2, dh, dw, W, w, Y, y, height, width, inner, outer, False, *rest)
    for j0 in range(0, width, L):
        if inner <= j0 < outer:
            continue
        j = max(min(j0, width - L), 0)
        if right == 1:
            part_of_3x3(X, x, h_in, w_in, top, left, down, 1, dh, dw, W, w, Y, y, height, width, j, j + 1, True, *rest)
        else:
            part_of_3x3(X, x, h_in, w_in, top, left, down, 2, dh, dw, W, w, Y, y, height, width, j, j + 1, True, *rest)


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
            store(Y, y + j, ended(s, shift, per, R, y + j, residual, lo, hi, follows))
        else:
            for one in range(width):
                put(S, one, at(R, y + one) if residual else 0)
            s = ended(s, shift, per, S, 0, residual, lo, hi, follows)
            for one in range(width):
                put(Y, y + one, lane(s, one))


@jit
def depthwise(X, W, C, layout, Y, i, i_end, follows, bias, per, R, residual, lo, hi):
    """The planes i to ``i_end`` of all images; plane p has filter and bias p % C."""
    L = lanes_of(X)
    h_in, w_in, top, left, h_out, w_out, kh, kw, sh, sw, dh, dw, height, width = layout
    taps, end, everything = kh * kw, i_end * height * width, X.size
    offsets, lanes, plane = np.empty(taps, np.int64), np.empty(L, X.dtype), np.empty((h_out * w_out // L + 2 * sw + 2) * L, X.dtype)
    X, W, Y, F, S, P = memory(X), memory(W), memory(Y), memory(offsets), memory(lanes), memory(plane)
    bias, R = memory(bias), memory(R)
    for k in range(taps):
        put(F, k, (k // kw) * dh * w_out + (k % kw) * dw)
    for p in range(0, plane.size, L):
        store(P, p, zeros(X))
    for p in range(i, i_end):
        x, y, w = p * h_in * w_in, p * height * width, (p % C) * taps
        shift = broadcast(bias, p % C) if per == PER_ROW else zeros(X)
        stays_inside = x >= left and x + h_in * w_in + 2 * L * sw + 2 * dw <= everything
        if kh == kw == 3 and sw <= 2 and stays_inside and (width >= L or y + height * width + L <= end):
            plane_of_3x3(
                X, x, h_in, w_in, top, left, sh, sw, dh, dw, W, w, Y, y, height, width, follows, shift, per, R, residual, lo, hi
            )  # fmt: skip
        else:
            framed(X, x, everything, h_in, w_in, P, top * w_out + left, w_out)
            for h in range(height):
                any_row(P, h * sh * w_out, sw, W, w, F, taps, S, Y, y + h * width, width, end, follows, shift, per, R, residual, lo, hi)
    alive(offsets)
    alive(lanes)
    alive(plane)
