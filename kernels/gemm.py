"""Products of matrices: ``matmul`` for float32 and float64, and for the half types through float32.

The order of additions is that of ``tiles``. A constant right side is packed once into panels, (panel, K, 16 columns), the last
one filled with zeros; another one is packed block by block, or read where it stands when there are few rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec import pool
from refexec.kernels.epilogue import Tail
from refexec.kernels.memory import Array, aligned, flat, offsets, plain, row_major
from refexec.kernels.simd import alive, at, broadcast, fma, jit, lanes_of, load, memory, put, store, zeros
from refexec.kernels.tiles import KC, PANEL_BYTES, PER_COLUMN, PER_ROW, finish, row_of_panels, spread, strip, strip_and_next
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, kernel

__all__ = ["MC", "pack_panels", "product_of_panels", "product_with"]

NANOSECONDS = 0.02  # of one multiply-add
MOST_PLACES = 8  # layouts of arguments whose offsets are kept

MC = 144  # rows that are taken at a time, so that their blocks stay in the second-level cache
NC = 256  # columns that are taken at a time
STRIP = 1024  # columns whose sums stand in the first-level cache
FEW = 24  # rows for which packing costs more than it saves


@jit
def pack_panels(B, b, row, column, K, N, P, p):
    """Write the K x N matrix at ``b`` of B, with these steps between rows and columns, as panels from element ``p`` of P on."""
    L = lanes_of(B)
    width = 2 * L
    for j0 in range(0, N, width):
        some = min(width, N - j0)
        source, target = b + j0 * column, p + j0 * K
        if some == width and column == 1:
            for k in range(K):
                store(P, target + k * width, load(B, source + k * row))
                store(P, target + k * width + L, load(B, source + k * row + L))
            continue
        for k in range(K):
            for j in range(some):
                put(P, target + k * width + j, at(B, source + k * row + j * column))
            for j in range(some, width):
                put(P, target + k * width + j, 0)


@jit
def block_of_panels(A, a, row, step, P, p, panel, ldb, K, C, c, ldc, rows, columns, more):
    """One block of K terms for ``columns``, whole panels that are ``panel`` elements apart. A single last row takes four at a time."""
    width = 2 * lanes_of(A)
    alone = 0
    if rows % 6 == 1:
        alone = columns - columns % (4 * width)
        left, at_row = a + (rows - 1) * row, c + (rows - 1) * ldc
        for j in range(0, alone, 4 * width):
            row_of_panels(A, left, step, P, p + j // width * panel, panel, ldb, K, C, at_row + j, more)
    for j in range(0, columns, width):
        some = rows - 1 if j < alone else rows
        right = p + j // width * panel
        strip_and_next(A, a, row, step, P, right, ldb, K, C, c + j, ldc, some, more, right + panel)


@jit
def tail_of_panels(A, a, row, step, P, p, K, C, c, ldc, rows, columns, T, more):
    """One block of K terms for the columns that fill no panel, through a tile aside."""
    width = 2 * lanes_of(A)
    strip(A, a, row, step, P, p, width, K, T, 0, width, rows, False)
    spread(T, 0, width, C, c, ldc, 1, rows, columns, more)


@jit
def product_of_panels(A, a, row, step, P, p, C, c, ldc, rows, columns, K, T, follows, bias, first, per, R, residual, lo, hi):
    """C = A B for B in panels of K rows, and what follows. T is (MC, panel)."""
    width = 2 * lanes_of(A)
    for j in range(0, columns, NC):
        few = min(NC, columns - j)
        whole = few - few % width
        for i in range(0, rows, MC):
            some = min(MC, rows - i)
            at_block = c + i * ldc + j
            for k in range(0, max(K, 1), KC):
                block = min(KC, K - k)
                left, right = a + i * row + k * step, p + j * K + k * width
                block_of_panels(A, left, row, step, P, right, K * width, width, block, C, at_block, ldc, some, whole, k > 0)
                if few > whole:
                    tail_of_panels(
                        A, left, row, step, P, right + whole * K, block, C, at_block + whole, ldc, some, few - whole, T, k > 0
                    )  # fmt: skip
            if follows:
                finish(C, at_block, ldc, some, few, bias, first + (i if per == PER_ROW else j), per, R, residual, lo, hi)


@jit
def row_in_place(A, a, step, B, b, ldb, K, C, c, columns, T, more):
    """One row by whole vectors of a matrix as it stands, for one block of K terms.

    Four rows of B at a time, so that memory is read in long runs; the sums so far stand in T.
    """
    L = lanes_of(A)
    for j0 in range(0, columns, STRIP):
        some = min(STRIP, columns - j0)
        for j in range(0, some, L):
            store(T, j, zeros(A))
        k = 0
        while k < K:
            left, right, terms = a + k * step, b + k * ldb + j0, min(4, K - k)
            x0 = broadcast(A, left)
            if terms == 4:
                x1, x2, x3 = broadcast(A, left + step), broadcast(A, left + 2 * step), broadcast(A, left + 3 * step)
                for j in range(0, some, L):
                    v = fma(x1, load(B, right + ldb + j), fma(x0, load(B, right + j), load(T, j)))
                    store(T, j, fma(x3, load(B, right + 3 * ldb + j), fma(x2, load(B, right + 2 * ldb + j), v)))
            else:
                terms = 1
                for j in range(0, some, L):
                    store(T, j, fma(x0, load(B, right + j), load(T, j)))
            k += terms
        for j in range(0, some, L):
            store(C, c + j0 + j, load(C, c + j0 + j) + load(T, j) if more else load(T, j))


@jit
def product_with(
    A, a, row, step, B, b, b_row, b_column, C, c, ldc, rows, columns, K, P, T, follows, bias, first, per, R, residual, lo, hi
):  # fmt: skip
    """C = A B for B as it stands, and what follows. P holds KC x min(columns, NC), rounded up to whole panels."""
    width = 2 * lanes_of(A)
    in_place = rows < FEW and b_column == 1
    group = columns if in_place else NC
    for j in range(0, columns, group):
        few = min(group, columns - j)
        whole = few - few % width
        for k in range(0, max(K, 1), KC):
            block = min(KC, K - k)
            right = b + k * b_row + j * b_column
            if in_place:
                pack_panels(B, right + whole, b_row, 1, block, few - whole, P, 0)
            else:
                pack_panels(B, right, b_row, b_column, block, few, P, 0)
            for i in range(0, rows, MC):
                some = min(MC, rows - i)
                left, at_block = a + i * row + k * step, c + i * ldc + j
                if in_place and rows == 1:
                    row_in_place(A, left, step, B, right, b_row, block, C, at_block, whole, T, k > 0)
                elif in_place:
                    block_of_panels(A, left, row, step, B, right, width, b_row, block, C, at_block, ldc, some, whole, k > 0)
                else:
                    block_of_panels(A, left, row, step, P, 0, block * width, width, block, C, at_block, ldc, some, whole, k > 0)
                if few > whole:
                    tail = 0 if in_place else whole * block
                    tail_of_panels(A, left, row, step, P, tail, block, C, at_block + whole, ldc, some, few - whole, T, k > 0)
    if follows:
        finish(C, c, ldc, rows, columns, bias, first, per, R, residual, lo, hi)


@jit
def rows_by_panels(A, a, row, step, P, C, N, K, i, i_end, j, j_end, follows, bias, per, R, residual, lo, hi):
    """Rows i to ``i_end`` by columns j to ``j_end`` of a product with packed panels; j begins a panel."""
    tile = np.empty(MC * 2 * lanes_of(A), A.dtype)
    A, P, C, T, bias, R = memory(A), memory(P), memory(C), memory(tile), memory(bias), memory(R)
    product_of_panels(
        A, a + i * row, row, step, P, j * K, C, i * N + j, N, i_end - i, j_end - j, K, T, follows, bias, j, per, R, residual, lo, hi
    )
    alive(tile)


@jit
def stack_of_products(
    A, a_at, a_row, a_step, B, b_at, b_row, b_column, C, M, N, K, n, n_end, i, i_end, j, j_end, follows, bias, per, R, residual, lo, hi
):  # fmt: skip
    """Products n to ``n_end`` of a stack, each of them rows i to ``i_end`` by columns j to ``j_end``."""
    width = 2 * lanes_of(A)
    columns = j_end - j
    tile, panels = np.empty(MC * width, A.dtype), np.empty(min(K, KC) * (min(columns, NC) + width), A.dtype)
    A, a_at, B, b_at, C, T, P = memory(A), memory(a_at), memory(B), memory(b_at), memory(C), memory(tile), memory(panels)
    bias, R = memory(bias), memory(R)
    for product in range(n, n_end):
        product_with(
            A, at(a_at, product) + i * a_row, a_row, a_step, B, at(b_at, product) + j * b_column, b_row, b_column,
            C, product * M * N + i * N + j, N, i_end - i, columns, K, P, T, follows, bias, j, per, R, residual, lo, hi
        )  # fmt: skip
    alive(tile)
    alive(panels)


@kernel("matmul", "float32", "float64", halves=True)
class MatMul(Kernel):
    epilogues = True
    column_bias = True
    order = "over k from 0 on, in blocks of 256 terms whose sums are added in order; each step a fused multiply-add"

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> Array | None:
        """A constant matrix B as panels."""
        B = constants.get(1)
        if B is None or B.ndim != 2:
            return None
        memory, start, (row, column) = flat(B.T if static.get("transpose_B") else B)
        K, N = B.shape[::-1] if static.get("transpose_B") else B.shape
        width = PANEL_BYTES // B.itemsize
        panels = aligned(-(-N // width) * width * K, B.dtype)
        pack_panels(memory, start, row, column, K, N, panels, 0)
        return panels

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Array | None, epilogue: Epilogue) -> Binding:
        A, B = (tuple(s or ()) for s in shapes)
        a_shape = (1, *A) if len(A) == 1 else A
        b_shape = (*B, 1) if len(B) == 1 else B
        a_own, b_own = a_shape, b_shape
        if static.get("transpose_A"):
            a_shape = (*a_shape[:-2], a_shape[-1], a_shape[-2])
        if static.get("transpose_B"):
            b_shape = (*b_shape[:-2], b_shape[-1], b_shape[-2])
        batch = np.broadcast_shapes(a_shape[:-2], b_shape[:-2])
        M, K, N = a_shape[-2], a_shape[-1], b_shape[-1]
        shape = (*batch, *((M,) if len(A) > 1 else ()), *((N,) if len(B) > 1 else ()))
        tail = Tail(epilogue, PER_COLUMN)
        transposes_A, transposes_B = bool(static.get("transpose_A")), bool(static.get("transpose_B"))
        rows = prod(batch) * M
        work = rows * N * (K + 8) * NANOSECONDS

        def with_panels(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x, out = arrays[0], y.reshape(-1)
            (follows, biases, per), rest = tail(y, bias, residual)
            memory, start, row, step = plain(x) if x.flags.c_contiguous else None, 0, K, 1
            if transposes_A or memory is None:
                x = x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), K)
                memory, start, (row, step) = flat(x.T if transposes_A else x)
            if work <= pool.SHORT:
                rows_by_panels(memory, start, row, step, packed, out, N, K, 0, rows, 0, N, follows, biases, per, *rest)
                return
            share(
                grid(rows, N, K, PANEL_BYTES // y.itemsize),
                lambda i, i_end, j, j_end: rows_by_panels(
                    memory, start, row, step, packed, out, N, K, i, i_end, j, j_end, follows, biases, per, *rest
                ),
            )  # fmt: skip

        places: dict[Any, tuple[Array, Array]] = {}
        own_steps = row_major(a_own), row_major(b_own)

        def located(a: Array, b: Array) -> tuple[Any, ...]:
            """Memory, first element and steps of both sides."""
            if a.flags.c_contiguous and b.flags.c_contiguous:
                left, a_start, a_steps, right, b_start, b_steps = plain(a), 0, own_steps[0], plain(b), 0, own_steps[1]
            else:
                (left, a_start, a_steps), (right, b_start, b_steps) = flat(a.reshape(a_own)), flat(b.reshape(b_own))
            a_steps = (*a_steps[:-2], a_steps[-1], a_steps[-2]) if transposes_A else a_steps
            b_steps = (*b_steps[:-2], b_steps[-1], b_steps[-2]) if transposes_B else b_steps
            key = a_start, a_steps, b_start, b_steps
            found = places.get(key)
            if found is None:
                found = at_products(batch, a_shape, *key[:2]), at_products(batch, b_shape, *key[2:])
                if len(places) < MOST_PLACES:
                    places[key] = found
            return left, found[0], *a_steps[-2:], right, found[1], *b_steps[-2:]

        def stacked(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            sides = located(arrays[0], arrays[1])
            first, rest = tail(y, bias, residual)
            out = y.reshape(-1)
            count = len(sides[1])
            if work <= pool.SHORT:
                stack_of_products(*sides, out, M, N, K, 0, count, 0, M, 0, N, *first, *rest)
                return
            parts = [(*n, 0, M, 0, N) for n in pieces(count, M * N * K * NANOSECONDS)]
            if len(parts) == 1 and count == 1:
                parts = [(0, 1, *part) for part in grid(M, N, K, PANEL_BYTES // y.itemsize)]
            share(parts, lambda *part: stack_of_products(*sides, out, M, N, K, *part, *first, *rest))

        return Binding(shape, stacked if packed is None or (transposes_A and batch) else with_panels)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """K + 2 roundings of the sum of magnitudes. Source: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1."""
        A, B = arrays
        A = A.swapaxes(-1, -2) if static.get("transpose_A") else A
        B = B.swapaxes(-1, -2) if static.get("transpose_B") else B
        return (A.shape[-1] + 2) * np.matmul(np.abs(A), np.abs(B))


def at_products(batch: tuple[int, ...], shape: tuple[int, ...], start: int, steps: tuple[int, ...]) -> Array:
    """Where each matrix of a stack that is broadcast to ``batch`` begins."""
    own, steps = shape[:-2], steps[:-2]
    repeated = tuple(0 if size == 1 else step for size, step in zip(own, steps, strict=True))
    return offsets(start, batch, (0,) * (len(batch) - len(own)) + repeated)


def grid(rows: int, columns: int, K: int, panel: int) -> list[tuple[int, int, int, int]]:
    """Parts of a product: ranges of rows and of columns. Rows are split first, columns where there are few rows."""
    cost = (K + 8) * NANOSECONDS
    if rows >= columns or rows >= 8 * MC:
        return [(*part, 0, columns) for part in pieces(rows, cost * columns, 6)]
    return [(0, rows, *part) for part in pieces(columns, cost * rows, panel)]
