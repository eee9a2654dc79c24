"""Attention: ``softmax(Q K' scale + bias) V`` for a block of queries at a time, whose scores stay in the second-level cache.

The queries of all heads that share keys and values are the rows of one product. Keys are packed into panels while the first block
of rows needs them; where there is but one block, each panel is used while it is in the first-level cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from refexec.kernels.functions import exp_of_negative, tanh
from refexec.kernels.gemm import STRIP, pack_panels, product_of_panels, product_with
from refexec.kernels.memory import NOTHING, Array, aligned, flat
from refexec.kernels.simd import at, inlined, jit, lanes_of, largest, load, maximum, put, store, sum_of_lanes, transpose, zeros
from refexec.kernels.tiles import KC, NO_BIAS, strip
from refexec.limits import claim
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, kernel

ROWS = 24  # queries that are taken at a time
NANOSECONDS = 0.02  # of one multiply-add


@jit
def pack_keys(K, k, row, count, D, root, P, p):
    """A panel of ``count`` keys, each times ``root``: row d holds element d of every key, zero where there are no more keys."""
    L = lanes_of(K)
    width = 2 * L
    whole = D - D % L if count == width else 0
    for d in range(0, whole, L):
        transpose(K, k + d, row, P, p + d * width, width)
        transpose(K, k + L * row + d, row, P, p + d * width + L, width)
    for d in range(whole, D):
        for j in range(width):
            put(P, p + d * width + j, at(K, k + j * row + d) if j < count else 0)
    for i in range(p, p + D * width, L):
        store(P, i, load(P, i) * root)


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


@jit
def exponentials(M, s, T, padded, total, bias, b, biased, softcap):
    """Make the T scores of a row exp(score - largest), which are 0 from T to ``padded``, whole panels, and write their sum at ``total``.

    Where the largest score is infinite or no number the row is NaN, but 0 where the bias lets it see nothing; the sum is then 1.
    """
    L = lanes_of(M)
    if softcap > 0:
        for j in range(s, s + padded, L):
            store(M, j, tanh(load(M, j) / softcap) * softcap)
    if biased:
        add_bias(M, s, T, bias, b)
    for j in range(T, padded):
        put(M, s + j, -np.inf)
    top = zeros(M) - np.inf
    for j in range(s, s + padded, L):
        top = maximum(load(M, j), top)
    m = largest(top)
    if np.isfinite(m):
        sums = zeros(M)
        for j in range(s, s + padded, L):
            e = exp_of_negative(load(M, j) - m)
            store(M, j, e)
            sums = sums + e
        put(M, total, sum_of_lanes(sums))
    else:
        value = 0.0 if biased and sees_nothing(bias, b, T) else np.nan
        for j in range(T):
            put(M, s + j, value)
        put(M, total, 1)


@jit
def divided(Y, y, E, by):
    """Divide a row of the result; False where that is infinite or no number."""
    L = lanes_of(Y)
    whole = E - E % L
    wrong = zeros(Y)
    for j in range(y, y + whole, L):
        v = load(Y, j) / by
        store(Y, j, v)
        wrong = wrong + (v - v)
    finite = sum_of_lanes(wrong) == 0
    for j in range(y + whole, y + E):
        v = at(Y, j) / by
        put(Y, j, v)
        finite = finite and v - v == 0
    return finite


@jit
def attend(Q, q, K, k, V, v, bias, b, biased, Y, sizes, root, softcap, M, places, n, n_end, first, last):
    """The queries ``first`` to ``last`` of each head n to ``n_end`` of keys and values, of all samples.

    ``q``, ``k``, ``v`` and ``b`` say where an array begins and what is between its samples, heads and rows, whose elements stand
    side by side. ``sizes`` are the heads of K, the heads of Q for each of them, S, T, D and E; ``places`` those of ``workspace`` in M.
    """
    G, group, S, T, D, E = sizes
    X, Z, totals, tile, P, W, spare, _ = places
    width = 2 * lanes_of(Q)
    panels = -(-T // width)
    scores = row_of_scores(T, width)
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
                    put(M, X + i * D + d, at(Q, place + d) * root)
            for p in range(panels):
                panel = P + (p * D * width if several else 0)
                if r == first:
                    j = p * width
                    pack_keys(K, keys + j * k[3], k[3], min(width, T - j), D, root, M, panel)
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
                if not divided(Y, y + i * E, E, at(M, totals + i)):  # the sum may be too large where the mean is not
                    normalise(M, Z + i * scores, panels * width, at(M, totals + i))
                    product_with(
                        M, Z + i * scores, scores, 1, V, values, v[3], 1, Y, y + i * E, E, 1, E, T, M[spare:], M[tile:], False, bias, 0,
                        NO_BIAS, bias, False, softcap, softcap
                    )  # fmt: skip


@jit
def normalise(M, s, padded, by):
    """Make the exponentials of a row probabilities."""
    for j in range(s, s + padded, lanes_of(M)):
        store(M, j, load(M, j) / by)


@inlined
def row_of_scores(T, width):
    """The elements between two rows of scores: whole panels, and one more so that rows do not compete for the same cache lines."""
    return -(-T // width) * width + width


def workspace(T: int, D: int, E: int, width: int, several: bool) -> tuple[int, ...]:
    """Where in its memory ``attend`` has scaled queries, scores, their sums, a tile, packed keys, packed values and what a product
    packs, and how many elements that are. All keys and values are packed when there are several blocks of rows."""
    keys = (-(-T // width) if several else 1) * D * width
    values = -(-E // width) * width * T if several else 0
    sizes = ROWS * D, ROWS * row_of_scores.py_func(T, width), ROWS, STRIP + ROWS * width, keys, values, min(T, KC) * (E + width)
    return tuple(accumulate(sizes, initial=0))


@kernel("attention", "float32", "float64", halves=True)
class Attention(Kernel):
    order = (
        "scores over D and the mixture of values over the keys as in matmul; the sum of exponentials in as many partial sums as a "
        "vector has lanes, key j in sum j % lanes, whose halves are added; the mixture is divided by it"
    )

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        (B, H, S, D), (_, G, T, _), (_, _, _, E) = (shape or () for shape in shapes[:3])
        group = H // max(G, 1)
        sizes = (G, group, S, T, D, E)
        rows = group * S
        root = np.longdouble(max(D, 1)) ** -0.25 if static["scale"] is None else np.sqrt(np.longdouble(static["scale"]))
        cost = NANOSECONDS * T * (D + E + 40)

        def run(y: Array, arrays: Sequence[Array], extra_bias: Array | None, residual: Array | None) -> None:
            width = 64 // y.itemsize
            Q, K, V = (rows_of(x) for x in arrays[:3])
            bias = arrays[3]
            biased = bias is not None
            at_bias = (NOTHING[y.dtype], (0, 0, 0, 0))
            if bias is not None:
                at_bias = rows_of(bias.reshape((1,) * (4 - bias.ndim) + bias.shape))
            factors = y.dtype.type(root), y.dtype.type(static["softcap"])
            out = y.reshape(-1)
            parts = [(*n, 0, rows) for n in pieces(B * G, cost * rows)]
            if len(parts) == 1 and B * G:
                parts = [(0, B * G, *r) for r in pieces(rows, cost * B * G, ROWS)]

            def work(n: int, n_end: int, first: int, last: int) -> None:
                places = workspace(T, D, E, width, last - first > ROWS)
                M = aligned(claim(places[-1:], y.dtype)[0], y.dtype)
                attend(*Q, *K, *V, *at_bias, biased, out, sizes, *factors, M, places, n, n_end, first, last)

            share(parts, work)

        return Binding((B, H, S, E), run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """That of the operator: what an error of a score makes of a probability, and what it makes of the mixture."""
        Q, K, V, bias = arrays
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


def rows_of(x: Array) -> tuple[Array, tuple[int, int, int, int]]:
    """The memory of an array of rank 4 whose rows are contiguous; where it begins, and its steps between samples, heads and rows."""
    if x.strides[-1] != x.itemsize and x.shape[-1] > 1:
        x = np.ascontiguousarray(x)
    memory, start, steps = flat(x)
    moves = [0 if size == 1 else step for size, step in zip(x.shape[:3], steps, strict=False)]
    return memory, (start, moves[0], moves[1], moves[2])
