"""Convolution of each channel with one filter of its own, in two dimensions: parts of rows of the map are the vectors.

A plane is copied between zeros first, which stay in the cache; with a step of several columns the columns that one tap meets are put side
by side. Then every tap of every output is a plain load, and four rows are computed at a time. What is left at the right and lower edge
is computed by vectors and rows that end there, some elements twice. A map narrower than a vector is written from the first row to the
last: what a row writes too much the next one writes over.
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
def framed(X, x, everything, height, width, P, p, pitch):
    """Copy the rows of one plane of X into a plane of zeros; p is where its first element goes. Zeros may be written behind a row."""
    L, z = lanes_of(X), zeros(X)
    whole = width // L * L
    rest = first_lanes(X, width - whole)
    readable = max(min(height, (everything - x - whole - L) // max(width, 1) + 1), 0)  # rows whose last vector ends within X
    for h in range(height):
        source, target = x + h * width, p + h * pitch
        for w in range(0, whole, L):
            store(P, target + w, load(X, source + w))
        if whole < width and h < readable:
            store(P, target + whole, select(rest, load(X, source + whole), z))
    for h in range(readable, height):
        for w in range(whole, width):
            put(P, p + h * pitch + w, at(X, x + h * width + w))


@jit
def framed_by_halves(X, x, everything, height, width, left, P, p, pitch, half):
    """The same, each row with its columns 0, 2, 4, ... of the framed plane first and those between them from ``half`` on."""
    L, z = lanes_of(X), zeros(X)
    for h in range(height):
        source, target = x + h * width - left, p + h * pitch
        for e in range(0, (left + width + 1) // 2, L):
            first = source + 2 * e
            column = lane_numbers(X) * 2 + (2 * e - left)
            if first >= 0 and first + 2 * L <= everything:
                a = evens_and_odds(load(X, first), load(X, first + L - 1))
                b = evens_and_odds(load(X, first + 1), load(X, first + L))
                store(P, target + e, select(column >= 0, select(column < width, a, z), z))
                store(P, target + half + e, select(column >= -1, select(column < width - 1, b, z), z))
            else:
                for one in range(2 * L):
                    w = 2 * e + one - left
                    put(P, target + (one % 2) * half + e + one // 2, at(X, source + left + w) if 0 <= w < width else 0.0)


@jit
def framed_by_phases(X, x, height, width, left, P, p, pitch, part, phases):
    """The same for any step: column c of the framed plane stands at ``c // phases`` of part ``c % phases``."""
    for h in range(height):
        for w in range(width):
            c = left + w
            put(P, p + h * pitch + (c % phases) * part + c // phases, at(X, x + h * width + w))


@inlined
def _taps(F, W, w):
    """Where the three columns of a window of 3 x 3 taps begin, and the taps."""
    columns = at(F, 0), at(F, 1), at(F, 2)
    return (
        columns,
        (broadcast(W, w), broadcast(W, w + 1), broadcast(W, w + 2)),
        (broadcast(W, w + 3), broadcast(W, w + 4), broadcast(W, w + 5)),
        (broadcast(W, w + 6), broadcast(W, w + 7), broadcast(W, w + 8)),
    )


@inlined
def _shared_rows(P, p, down, window):
    """Four neighbouring outputs of a column under a window of 3 x 3 taps, whose rows are ``down`` apart like the outputs."""
    columns, (w00, w01, w02), (w10, w11, w12), (w20, w21, w22) = window
    x0, x1, x2 = p + columns[0], p + columns[1], p + columns[2]
    z = zeros(P)
    a, b, c = load(P, x0), load(P, x1), load(P, x2)
    s = fma(w02, c, fma(w01, b, fma(w00, a, z)))
    a, b, c = load(P, x0 + down), load(P, x1 + down), load(P, x2 + down)
    s = fma(w12, c, fma(w11, b, fma(w10, a, s)))
    t = fma(w02, c, fma(w01, b, fma(w00, a, z)))
    a, b, c = load(P, x0 + 2 * down), load(P, x1 + 2 * down), load(P, x2 + 2 * down)
    s = fma(w22, c, fma(w21, b, fma(w20, a, s)))
    t = fma(w12, c, fma(w11, b, fma(w10, a, t)))
    u = fma(w02, c, fma(w01, b, fma(w00, a, z)))
    a, b, c = load(P, x0 + 3 * down), load(P, x1 + 3 * down), load(P, x2 + 3 * down)
    t = fma(w22, c, fma(w21, b, fma(w20, a, t)))
    u = fma(w12, c, fma(w11, b, fma(w10, a, u)))
    v = fma(w02, c, fma(w01, b, fma(w00, a, z)))
    a, b, c = load(P, x0 + 4 * down), load(P, x1 + 4 * down), load(P, x2 + 4 * down)
    u = fma(w22, c, fma(w21, b, fma(w20, a, u)))
    v = fma(w12, c, fma(w11, b, fma(w10, a, v)))
    a, b, c = load(P, x0 + 5 * down), load(P, x1 + 5 * down), load(P, x2 + 5 * down)
    v = fma(w22, c, fma(w21, b, fma(w20, a, v)))
    return s, t, u, v


@inlined
def _rows(P, p, second, third, fourth, F, taps, W, w):
    """Four outputs of a column under any window, those behind the first so many elements further on."""
    s, t, u, v = zeros(P), zeros(P), zeros(P), zeros(P)
    for k in range(taps):
        x, f = p + at(F, k), broadcast(W, w + k)
        s = fma(f, load(P, x), s)
        t = fma(f, load(P, x + second), t)
        u = fma(f, load(P, x + third), u)
        v = fma(f, load(P, x + fourth), v)
    return s, t, u, v


@inlined
def _written(s, shift, Y, y, R, r, residual, lo, hi):
    """min(max(s + shift + residual, lo), hi); a shift of -0.0 changes nothing."""
    s = s + shift
    if residual:
        s = s + load(R, r)
    s = select(s < lo, lo, s)
    store(Y, y, select(s > hi, hi, s))


@inlined
def _outputs(four, shift, Y, y, R, r, second, third, fourth, residual, lo, hi):
    s, t, u, v = four
    _written(s, shift, Y, y, R, r, residual, lo, hi)
    _written(t, shift, Y, y + second, R, r + second, residual, lo, hi)
    _written(u, shift, Y, y + third, R, r + third, residual, lo, hi)
    _written(v, shift, Y, y + fourth, R, r + fourth, residual, lo, hi)


@inlined
def plane_of_3x3(P, p, step, F, W, w, shift, Y, y, R, r, height, width, residual, lo, hi):
    """The output of a framed plane that begins at p, of four rows or more; the window's rows are ``step`` apart like those of outputs."""
    L = lanes_of(P)
    window = _taps(F, W, w)
    for row in range(0, height, 4):
        h = min(row, height - 4)
        for column in range(0, width, L):
            j = max(min(column, width - L), 0)
            here = h * width + j
            four = _shared_rows(P, p + h * step + j, step, window)
            _outputs(four, shift, Y, y + here, R, r + here, width, 2 * width, 3 * width, residual, lo, hi)


@jit
def plane(P, p, step, F, taps, W, w, shift, Y, y, R, r, height, width, residual, lo, hi):
    """The output of any framed plane. Rows of outputs are ``step`` apart in it; tap k of output 0 stands at p + F[k]."""
    L = lanes_of(P)
    q1, q2, q3 = min(1, height - 1), min(2, height - 1), min(3, height - 1)
    for row in range(0, height, 4):
        h = max(min(row, height - 4), 0)
        for column in range(0, width, L):
            j = max(min(column, width - L), 0)
            here = h * width + j
            four = _rows(P, p + h * step + j, q1 * step, q2 * step, q3 * step, F, taps, W, w)
            _outputs(four, shift, Y, y + here, R, r + here, q1 * width, q2 * width, q3 * width, residual, lo, hi)


@jit
def depthwise(X, W, C, layout, Y, i, i_end, follows, bias, per, R, residual, lo, hi):
    """The planes i to ``i_end`` of all images; plane p has filter and bias p % C."""
    L = lanes_of(X)
    h_in, w_in, top, left, h_out, w_out, kh, kw, sh, sw, dh, dw, height, width = layout
    taps, size, end, everything = kh * kw, height * width, i_end * height * width, X.size
    part = w_out if sw == 1 else -(-(w_out + sw - 1) // (sw * L)) * L
    pitch = part * sw
    framed_size = h_out * pitch + 2 * L
    offsets, frame = np.empty(taps, np.int64), np.zeros(2 * framed_size, X.dtype)
    ends = np.empty(2 * (size + L), X.dtype)  # of a plane whose last vector would end behind the output: its results, and what is added
    X, W, Y, F, P, S = memory(X), memory(W), memory(Y), memory(offsets), memory(frame), memory(ends)
    bias, R = memory(bias), memory(R)
    for k in range(taps):
        c = (k % kw) * dw
        put(F, k, (k // kw) * dh * pitch + (c % sw) * part + c // sw)
    shared = kh == kw == 3 and sh == dh and height >= 4
    if not follows:
        lo, hi = -np.inf, np.inf
    for p in range(i, i_end + 1):
        if p < i_end:
            x, start = p * h_in * w_in, p % 2 * framed_size + top * pitch
            if sw == 1:
                framed(X, x, everything, h_in, w_in, P, start + left, pitch)
            elif sw == 2:
                framed_by_halves(X, x, everything, h_in, w_in, left, P, start, pitch, part)
            else:
                framed_by_phases(X, x, h_in, w_in, left, P, start, pitch, part, sw)
        if p == i:
            continue
        q = p - 1  # its frame has left the processor's store buffer meanwhile
        start, y, w = q % 2 * framed_size, q * size, q % C * taps
        shift = broadcast(bias, q % C) if follows and per == PER_ROW else zeros(X) * -1.0
        inside = width >= L or y + size + L <= end
        to, t, added, r = (Y, y, R, y) if inside else (S, 0, S, size + L)
        if not inside:
            for one in range(size):
                put(S, r + one, at(R, y + one) if residual else 0.0)
        if shared:
            plane_of_3x3(P, start, sh * pitch, F, W, w, shift, to, t, added, r, height, width, residual, lo, hi)
        else:
            plane(P, start, sh * pitch, F, taps, W, w, shift, to, t, added, r, height, width, residual, lo, hi)
        if not inside:
            for one in range(size):
                put(Y, y + one, at(S, one))
    alive(offsets)
    alive(frame)
    alive(ends)
