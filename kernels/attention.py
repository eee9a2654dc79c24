"""Attention: ``softmax(Q K' scale + bias) V`` for a block of queries at a time, whose scores stay in the second-level cache.

The queries of all heads that share keys and values are the rows of one product. Keys are packed into panels while the first block
of rows needs them; where there is but one block, each panel is used while it is in the first-level cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from refexec.kernels.functions import apply, exp_of_reduced, of, reduced, scaled
from refexec.kernels.gemm import STRIP, pack_panels, product_of_panels, product_with
from refexec.kernels.memory import NOTHING, Array, flat, row_major, scratch
from refexec.kernels.simd import at, inlined, jit, lanes_of, largest, load, maximum, put, select, store, sum_of_lanes, zeros
from refexec.kernels.squares import add_products, transpose
from refexec.kernels.tiles import KC, NO_BIAS, strip
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel
from refexec.values import round_quietly, wide_dtype

ROWS = 48  # queries that are taken at a time
FEW = 8  # queries for which packing keys costs more than it saves
NANOSECONDS = 0.02  # of one multiply-add
Steps = tuple[int, int, int, int]


@jit
def panel_of_rows(K, k, row, count, D, P, p):
    """A panel whose columns are ``count`` rows of K, as keys are columns of K', and zero where there are no more."""
    L = lanes_of(K)
    width = 2 * L
    whole = D - D % L if count == width else 0
    for d in range(0, whole, L):
        transpose(K, k + d, row, P, p + d * width, width)
        transpose(K, k + L * row + d, row, P, p + d * width + L, width)
    for d in range(whole, D):
        for j in range(width):
            put(P, p + d * width + j, at(K, k + j * row + d) if j < count else 0)


@jit
def scores_in_place(X, x, rows, K, k, row, keys, D, Z, z, scores):
    """Scores of a few queries for ``keys`` keys, a multiple of four vectors, as the keys stand; D is whole vectors.

    Four sums at a time hide what one addition takes.
    """
    L = lanes_of(K)
    for j in range(0, keys, 4 * L):
        i = 0
        while rows - i >= 4:
            for part in range(j, j + 4 * L, L):
                p0, p1, p2, p3 = zeros(K), zeros(K), zeros(K), zeros(K)
                for d in range(0, D, L):
                    at_keys, q = k + part * row + d, x + i * D + d
                    p0, p1 = add_products(p0, K, at_keys, row, X, q), add_products(p1, K, at_keys, row, X, q + D)
                    p2, p3 = add_products(p2, K, at_keys, row, X, q + 2 * D), add_products(p3, K, at_keys, row, X, q + 3 * D)
                out = z + i * scores + part
                store(Z, out, p0)
                store(Z, out + scores, p1)
                store(Z, out + 2 * scores, p2)
                store(Z, out + 3 * scores, p3)
            i += 4
        while i < rows:
            p0, p1, p2, p3 = zeros(K), zeros(K), zeros(K), zeros(K)
            for d in range(0, D, L):
                at_keys, q = k + j * row + d, x + i * D + d
                p0, p1 = add_products(p0, K, at_keys, row, X, q), add_products(p1, K, at_keys + L * row, row, X, q)
                p2 = add_products(p2, K, at_keys + 2 * L * row, row, X, q)
                p3 = add_products(p3, K, at_keys + 3 * L * row, row, X, q)
            out = z + i * scores + j
            store(Z, out, p0)
            store(Z, out + L, p1)
            store(Z, out + 2 * L, p2)
            store(Z, out + 3 * L, p3)
            i += 1


@jit
def add_bias(M, s, T, bias, b):
    """A row of scores and its bias."""
    L = lanes_of(M)
    whole = T - T % L
    for j in range(0, whole, L):
        store(M, s + j, load(M, s + j) + load(bias, b + j))
    for j in range(whole, T):
        put(M, s + j, at(M, s + j) + at(bias, b + j))


@jit
def sees_nothing(bias, b, T):
    """Whether a row of the bias is -inf throughout."""
    hidden = True
    for j in range(T):
        hidden = hidden and at(bias, b + j) == -np.inf
    return hidden


@inlined
def falling(x):
    """exp(x) for x <= 0, and 0 where that is below the normal numbers. Not for NaN."""
    r, bits = reduced(x, 0.0)
    return select(x > of(x, -87.0, -708.0), scaled(exp_of_reduced(r), bits), 0.0)


@jit
def exponentials(M, s, T, padded, total, bias, b, biased, softcap):
    """Make the T scores of a row exp(score - largest), which are 0 from T to ``padded``, whole panels, and write their sum at ``total``.

    Where the largest score is infinite or no number the row is NaN, but 0 where the bias lets it see nothing; the sum is then 1.
    """
    L = lanes_of(M)
    if softcap > 0:
        for j in range(s, s + padded, L):
            store(M, j, apply("tanh", load(M, j) / softcap, softcap, 0.0, 0.0) * softcap)
    if biased:
        add_bias(M, s, T, bias, b)
    for j in range(T, padded):
        put(M, s + j, -np.inf)
    low = high = zeros(M) - np.inf
    for j in range(s, s + padded, 2 * L):
        low, high = maximum(load(M, j), low), maximum(load(M, j + L), high)
    m = largest(maximum(low, high))
    if np.isfinite(m):
        low = high = zeros(M)
        for j in range(s, s + padded, 2 * L):
            p, q = falling(load(M, j) - m), falling(load(M, j + L) - m)
            store(M, j, p)
            store(M, j + L, q)
            low, high = low + p, high + q
        put(M, total, sum_of_lanes(low + high))
    else:
        value = 0.0 if biased and sees_nothing(bias, b, T) else np.nan
        for j in range(T):
            put(M, s + j, value)
        put(M, total, 1)


@jit
def divide(Y, y, E, by):
    """Divide a row of the result."""
    L = lanes_of(Y)
    whole = E - E % L
    for j in range(y, y + whole, L):
        store(Y, j, load(Y, j) / by)
    for j in range(y + whole, y + E):
        put(Y, j, at(Y, j) / by)


@jit
def attend(Q, q, K, k, V, v, bias, b, biased, Y, sizes, scale, softcap, M, places, n, n_end, first, last):
    """The queries ``first`` to ``last`` of each head n to ``n_end`` of keys and values, of all samples.

    ``q``, ``k``, ``v`` and ``b`` say where an array begins and what is between its samples, heads and rows, whose elements stand
    side by side. ``sizes`` are the heads of K, the heads of Q for each of them, S, T, D and E; ``places`` those of ``workspace`` in M.
    """
    G, group, S, T, D, E = sizes
    X, Z, totals, tile, P, W, spare, _ = places
    width = 2 * lanes_of(Q)
    panels = -(-T // width)
    scores = panels * width + width  # between two rows: so that they do not compete for the same cache lines
    several = last - first > ROWS
    for head in range(n, n_end):
        sample, g = head // G, head % G
        keys, values, out = k[0] + sample * k[1] + g * k[2], v[0] + sample * v[1] + g * v[2], (head * group) * S * E
        for r in range(first, last, ROWS):
            rows = min(ROWS, last - r)
            for i in range(rows):
                h, query = g * group + (r + i) // S, (r + i) % S
                place = q[0] + sample * q[1] + h * q[2] + query * q[3]
                for d in range(D):
                    put(M, X + i * D + d, at(Q, place + d) * scale)
            in_place = T - T % (2 * width) if last - first <= FEW and D % lanes_of(Q) == 0 and D <= KC else 0
            scores_in_place(M, X, rows, K, keys, k[3], in_place, D, M, Z, scores)
            for p in range(in_place // width, panels):
                panel = P + (p * D * width if several else 0)
                if r == first:
                    j = p * width
                    panel_of_rows(K, keys + j * k[3], k[3], min(width, T - j), D, M, panel)
                for d in range(0, max(D, 1), KC):
                    strip(M, X + d, D, 1, M, panel + d * width, width, min(KC, D - d), M, Z + p * width, scores, rows, d > 0)
            for i in range(rows):
                h, query = g * group + (r + i) // S, (r + i) % S
                at_bias = b[0] + sample * b[1] + h * b[2] + query * b[3]
                exponentials(M, Z + i * scores, T, panels * width, totals + i, bias, at_bias, biased, softcap)
            if several and r == first:
                pack_panels(V, values, v[3], 1, T, E, M, W)
            y = out + r * E
            if several:
                product_of_panels(
                    M, Z, scores, 1, M, W, Y, y, E, rows, E, T, M[tile:], False, bias, 0, NO_BIAS, bias, False, softcap, softcap
                )  # fmt: skip
            else:
                product_with(
                    M, Z, scores, 1, V, values, v[3], 1, Y, y, E, rows, E, T, M[spare:], M[tile:], False, bias, 0, NO_BIAS, bias, False,
                    softcap, softcap
                )  # fmt: skip
            for i in range(rows):
                divide(Y, y + i * E, E, at(M, totals + i))


def workspace(rows: int, T: int, D: int, E: int, width: int, several: bool) -> tuple[int, ...]:
    """Where in its memory ``attend`` has scaled queries, scores, their sums, a tile, packed keys, packed values and what a product
    packs, and how many elements that are. All keys and values are packed when there are several blocks of rows."""
    panels = -(-T // width)
    keys = (panels if several else 1) * D * width
    values = -(-E // width) * width * T if several else 0
    sizes = rows * D, rows * (panels + 1) * width, rows, STRIP + rows * width, keys, values, min(T, KC) * (E + width)
    return tuple(accumulate(sizes, initial=0))


@kernel("attention", "float32", "float64", halves=True)
class Attention(Kernel):
    order = (
        "scores over D and the mixture of values over the keys as in matmul; the sum of exponentials in as many partial sums as a "
        "panel has columns, key j in sum j % columns, whose halves are added; the mixture is divided by it"
    )

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        (B, H, S, D), (_, G, T, _), (_, _, _, E) = (shape or () for shape in shapes[:3])
        group = H // max(G, 1)
        sizes = (G, group, S, T, D, E)
        rows = group * S
        scale = max(D, 1) ** -0.5 if static["scale"] is None else static["scale"]
        cost = NANOSECONDS * T * (D + E + 40)
        contiguous = [begins(row_major(shape)) for shape in ((B, H, S, D), (B, G, T, D), (B, G, T, E))]
        places = {several: [workspace(min(rows, ROWS), T, D, E, width, several) for width in (16, 8)] for several in (False, True)}

        def run(y: Array, arrays: Sequence[Array], extra_bias: Array | None, residual: Array | None) -> None:
            Q, K, V = (rows_of(x.astype(y.dtype, copy=False), at) for x, at in zip(arrays, contiguous, strict=False))
            bias = arrays[3] if len(arrays) > 3 else None
            at_bias = (NOTHING[y.dtype], (0, 0, 0, 0)) if bias is None else rows_of(bias.reshape((1,) * (4 - bias.ndim) + bias.shape))
            factors = y.dtype.type(scale), y.dtype.type(static["softcap"])
            out = y.reshape(-1)
            parts = [(*n, 0, rows) for n in pieces(B * G, cost * rows)]
            if len(parts) == 1 and B * G:
                parts = [(0, B * G, *r) for r in pieces(rows, cost * B * G, ROWS)]

            def work(n: int, n_end: int, first: int, last: int) -> None:
                own = places[last - first > ROWS][y.itemsize == 8]
                M = scratch(own[-1], y.dtype)
                attend(*Q, *K, *V, *at_bias, bias is not None, out, sizes, *factors, M, own, n, n_end, first, last)

            share(parts, work)
            finite = np.isfinite(y)
            if not finite.all():  # a step may have been out of range where the result is not
                to = wide_dtype(y.dtype)  # for all of them: values may be of a wider type than queries
                wide = definition("attention")(*[None if x is None else x.astype(to) for x in arrays], **static)
                y[...] = np.where(finite.all(axis=-1, keepdims=True), y, round_quietly(wide, y.dtype))

        return Binding((B, H, S, E), run)

    def bound(self, arrays: Sequence[Any], static: Mapping[str, Any]) -> Any:
        """That of the operator: what an error of a score makes of a probability, and what it makes of the mixture."""
        Q, K, V = arrays[:3]
        bias = arrays[3] if len(arrays) > 3 else None
        D, T, group = Q.shape[3], K.shape[2], Q.shape[1] // K.shape[1]
        scale = D**-0.5 if static["scale"] is None else static["scale"]
        magnitude = np.abs(Q) @ np.repeat(np.abs(K), group, axis=1).swapaxes(2, 3) * scale
        largest_bias = 0 if bias is None else np.where(np.isfinite(bias), np.abs(bias), 0).max(axis=-1, keepdims=True, initial=0.0)
        finite = np.where(np.isfinite(magnitude), magnitude, 0).max(axis=-1, keepdims=True, initial=0.0)
        u = np.finfo(np.float32).eps / 2 if Q.dtype != np.longdouble else np.finfo(np.float64).eps / 2
        absolute = (D + 16) * (finite + largest_bias)
        relative = np.expm1(np.minimum(2 * absolute * u, 80)) / u + T + 16
        mixed = np.where(np.isfinite(V), np.abs(V), 0).max(axis=2, keepdims=True, initial=0.0)
        return relative * np.repeat(mixed, group, axis=1)


def rows_of(x: Array, contiguous: Steps | None = None) -> tuple[Array, Steps]:
    """The memory of an array of rank 4 whose rows are contiguous; where it begins, and its steps between samples, heads and rows,
    which are ``contiguous`` in an array that is."""
    if contiguous is not None and x.flags.c_contiguous:
        return x.reshape(-1), contiguous
    if x.strides[-1] != x.itemsize and x.shape[-1] > 1:
        x = np.ascontiguousarray(x)
    memory, start, steps = flat(x)
    return memory, begins([0 if size == 1 else step for size, step in zip(x.shape, steps, strict=True)], start)


def begins(steps: Sequence[int], start: int = 0) -> Steps:
    """Where an array of rank 4 begins, and its steps but for the last."""
    samples, heads, rows, _ = steps
    return start, samples, heads, rows
