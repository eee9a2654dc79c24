"""The tiles that matrix products and convolutions are made of: up to six rows by one panel of columns.

Accumulation order, of every product in ``refexec.kernels``: one accumulator per element of the result; ``s = fma(a, b, s)`` over k
from 0 on, in blocks of ``KC`` terms whose sums are added in order. An element depends on its row and its column alone, not on
the tile, the thread or the instruction set that it is computed with.

A panel is two vectors wide: 16 columns of float32, 8 of float64. The element (i, k) of the left side stands at
``a + i * row + k * step`` of A, row k of the panel at ``b + k * ldb`` of B, row i of the result at ``c + i * ldc`` of C.
"""

from __future__ import annotations

from refexec.kernels.simd import at, broadcast, fma, inlined, jit, lanes_of, load, prefetch, put, select, store, zeros

__all__ = [
    "KC",
    "NO_BIAS",
    "PANEL_BYTES",
    "PER_COLUMN",
    "PER_ROW",
    "finish",
    "pack_rows",
    "row_of_panels",
    "spread",
    "strip",
    "strip_of_packed",
]

PANEL_BYTES = 64  # of one row of a panel: two vectors
KC = 256  # terms whose sum is one block; part of what the results are
NO_BIAS, PER_COLUMN, PER_ROW = 0, 1, 2


@inlined
def _write(C, c, low, high, more):
    """Two vectors of a row, added to what stands there when ``more``."""
    L = lanes_of(C)
    if more:
        low = load(C, c) + low
        high = load(C, c + L) + high
    store(C, c, low)
    store(C, c + L, high)


@jit
def tile6(A, a, row, step, B, b, ldb, K, C, c, ldc, more):
    """Six rows."""
    L = lanes_of(A)
    z = zeros(A)
    p0, q0, p1, q1, p2, q2, p3, q3, p4, q4, p5, q5 = z, z, z, z, z, z, z, z, z, z, z, z
    for _ in range(K):
        low, high = load(B, b), load(B, b + L)
        x = broadcast(A, a)
        p0, q0 = fma(x, low, p0), fma(x, high, q0)
        x = broadcast(A, a + row)
        p1, q1 = fma(x, low, p1), fma(x, high, q1)
        x = broadcast(A, a + 2 * row)
        p2, q2 = fma(x, low, p2), fma(x, high, q2)
        x = broadcast(A, a + 3 * row)
        p3, q3 = fma(x, low, p3), fma(x, high, q3)
        x = broadcast(A, a + 4 * row)
        p4, q4 = fma(x, low, p4), fma(x, high, q4)
        x = broadcast(A, a + 5 * row)
        p5, q5 = fma(x, low, p5), fma(x, high, q5)
        a += step
        b += ldb
    _write(C, c, p0, q0, more)
    _write(C, c + ldc, p1, q1, more)
    _write(C, c + 2 * ldc, p2, q2, more)
    _write(C, c + 3 * ldc, p3, q3, more)
    _write(C, c + 4 * ldc, p4, q4, more)
    _write(C, c + 5 * ldc, p5, q5, more)


@jit
def tile4(A, a, row, step, B, b, ldb, K, C, c, ldc, more):
    """Four rows."""
    L = lanes_of(A)
    z = zeros(A)
    p0, q0, p1, q1, p2, q2, p3, q3 = z, z, z, z, z, z, z, z
    for _ in range(K):
        low, high = load(B, b), load(B, b + L)
        x = broadcast(A, a)
        p0, q0 = fma(x, low, p0), fma(x, high, q0)
        x = broadcast(A, a + row)
        p1, q1 = fma(x, low, p1), fma(x, high, q1)
        x = broadcast(A, a + 2 * row)
        p2, q2 = fma(x, low, p2), fma(x, high, q2)
        x = broadcast(A, a + 3 * row)
        p3, q3 = fma(x, low, p3), fma(x, high, q3)
        a += step
        b += ldb
    _write(C, c, p0, q0, more)
    _write(C, c + ldc, p1, q1, more)
    _write(C, c + 2 * ldc, p2, q2, more)
    _write(C, c + 3 * ldc, p3, q3, more)


@jit
def tile2(A, a, row, step, B, b, ldb, K, C, c, ldc, more):
    """Two rows."""
    L = lanes_of(A)
    z = zeros(A)
    p0, q0, p1, q1 = z, z, z, z
    for _ in range(K):
        low, high = load(B, b), load(B, b + L)
        x = broadcast(A, a)
        p0, q0 = fma(x, low, p0), fma(x, high, q0)
        x = broadcast(A, a + row)
        p1, q1 = fma(x, low, p1), fma(x, high, q1)
        a += step
        b += ldb
    _write(C, c, p0, q0, more)
    _write(C, c + ldc, p1, q1, more)


@jit
def tile1(A, a, step, B, b, ldb, K, C, c, more):
    """One row."""
    L = lanes_of(A)
    p, q = zeros(A), zeros(A)
    for _ in range(K):
        x = broadcast(A, a)
        p, q = fma(x, load(B, b), p), fma(x, load(B, b + L), q)
        a += step
        b += ldb
    _write(C, c, p, q, more)


@jit
def row_of_panels(A, a, step, B, b, panel, ldb, K, C, c, more):
    """One row by four panels, which are ``panel`` elements apart: enough sums at a time to hide what one addition takes."""
    L = lanes_of(A)
    z = zeros(A)
    p0, q0, p1, q1, p2, q2, p3, q3 = z, z, z, z, z, z, z, z
    for _ in range(K):
        x = broadcast(A, a)
        p0, q0 = fma(x, load(B, b), p0), fma(x, load(B, b + L), q0)
        p1, q1 = fma(x, load(B, b + panel), p1), fma(x, load(B, b + panel + L), q1)
        p2, q2 = fma(x, load(B, b + 2 * panel), p2), fma(x, load(B, b + 2 * panel + L), q2)
        p3, q3 = fma(x, load(B, b + 3 * panel), p3), fma(x, load(B, b + 3 * panel + L), q3)
        a += step
        b += ldb
    _write(C, c, p0, q0, more)
    _write(C, c + 2 * L, p1, q1, more)
    _write(C, c + 4 * L, p2, q2, more)
    _write(C, c + 6 * L, p3, q3, more)


@jit
def strip(A, a, row, step, B, b, ldb, K, C, c, ldc, rows, more):
    """``rows`` rows by one panel."""
    while rows >= 6 and rows != 8:
        tile6(A, a, row, step, B, b, ldb, K, C, c, ldc, more)
        a, c, rows = a + 6 * row, c + 6 * ldc, rows - 6
    while rows >= 4:
        tile4(A, a, row, step, B, b, ldb, K, C, c, ldc, more)
        a, c, rows = a + 4 * row, c + 4 * ldc, rows - 4
    if rows >= 2:
        tile2(A, a, row, step, B, b, ldb, K, C, c, ldc, more)
        a, c, rows = a + 2 * row, c + 2 * ldc, rows - 2
    if rows:
        tile1(A, a, step, B, b, ldb, K, C, c, more)


@jit
def strip_and_next(A, a, row, step, B, b, ldb, K, C, c, ldc, rows, more, following):
    """The same, and meanwhile the next panel comes nearer: K rows from ``following`` on."""
    width = 2 * lanes_of(A)
    lines = K // max(rows // 6, 1) + 1
    while rows >= 6:
        for _ in range(lines):
            prefetch(B, following)
            following += width
        tile6(A, a, row, step, B, b, ldb, K, C, c, ldc, more)
        a, c, rows = a + 6 * row, c + 6 * ldc, rows - 6
    strip(A, a, row, step, B, b, ldb, K, C, c, ldc, rows, more)


@jit
def pack_rows(W, w, M, K, P, p):
    """Write the M x K matrix at ``w`` of W to P from ``p`` on, as ``strip_of_packed`` reads it: per block of KC terms its rows in
    sixes, term by term."""
    for k in range(0, K, KC):
        block = min(KC, K - k)
        for i in range(0, M, 6):
            some = min(6, M - i)
            for term in range(block):
                for row in range(some):
                    put(P, p + row, at(W, w + (i + row) * K + k + term))
                p += some


@jit
def strip_of_packed(A, a, B, b, ldb, K, C, c, ldc, rows, more):
    """``rows`` rows by one panel, for rows that stand in sixes, term by term."""
    while rows >= 6:
        tile6(A, a, 1, 6, B, b, ldb, K, C, c, ldc, more)
        a, c, rows = a + 6 * K, c + 6 * ldc, rows - 6
    if rows:
        strip(A, a, 1, rows, B, b, ldb, K, C, c, ldc, rows, more)


@jit
def spread(T, t, ldt, C, c, row, column, rows, columns, more):
    """Copy a tile that was computed aside to where ``row`` and ``column`` say, added to what stands there when ``more``."""
    for i in range(rows):
        for j in range(columns):
            value = at(T, t + i * ldt + j)
            if more:
                value = at(C, c + i * row + j * column) + value
            put(C, c + i * row + j * column, value)


@inlined
def _clamped(v, lo, hi):
    v = select(v < lo, lo, v)
    return select(v > hi, hi, v)


@jit
def finish(C, c, ldc, rows, columns, bias, first, per, R, residual, lo, hi):
    """min(max(y + bias + residual, lo), hi) on a block of the result; NaN passes.

    ``bias[first + j]`` belongs to column j (PER_COLUMN), ``bias[first + i]`` to row i (PER_ROW); the residual stands in R where
    the result stands in C.
    """
    L = lanes_of(C)
    whole = columns - columns % L
    for i in range(rows):
        at_row = c + i * ldc
        for j in range(0, whole, L):
            v = load(C, at_row + j)
            if per == PER_COLUMN:
                v = v + load(bias, first + j)
            elif per == PER_ROW:
                v = v + broadcast(bias, first + i)
            if residual:
                v = v + load(R, at_row + j)
            store(C, at_row + j, _clamped(v, lo, hi))
        for j in range(whole, columns):
            y = at(C, at_row + j)
            if per == PER_COLUMN:
                y = y + at(bias, first + j)
            elif per == PER_ROW:
                y = y + at(bias, first + i)
            if residual:
                y = y + at(R, at_row + j)
            if y < lo:
                y = lo
            if y > hi:
                y = hi
            put(C, at_row + j, y)


@jit
def emit(C, c, Y, y, ldy, rows, columns, follows, bias, first, per, R, residual, lo, hi):
    """A finished panel of C to rows of Y that are ``ldy`` apart, with what follows as in ``finish``; the bias is PER_ROW."""
    L = lanes_of(C)
    if columns < 2 * L:
        spread(C, c, 2 * L, Y, y, ldy, 1, rows, columns, False)
        if follows:
            finish(Y, y, ldy, rows, columns, bias, first, per, R, residual, lo, hi)
        return
    for i in range(rows):
        low, high = load(C, c), load(C, c + L)
        if follows:
            if per == PER_ROW:
                b = broadcast(bias, first + i)
                low, high = low + b, high + b
            if residual:
                low, high = low + load(R, y), high + load(R, y + L)
            low, high = _clamped(low, lo, hi), _clamped(high, lo, hi)
        store(Y, y, low)
        store(Y, y + L, high)
        c += 2 * L
        y += ldy
