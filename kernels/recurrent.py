"""Recurrent layers: RNN, GRU and LSTM, step by step.

What the inputs add to every gate is one product for many steps; a step then adds the product of the states, which stay in the cache,
and applies the activations to one row of gates at a time. A gate's columns are filled up to whole panels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refexec.errors import require
from refexec.kernels.functions import apply
from refexec.kernels.gates import sigmoid
from refexec.kernels.gemm import block_of_panels, product_of_panels
from refexec.kernels.memory import Array, aligned, scratch
from refexec.kernels.simd import absolute, at, fma, jit, lanes_of, load, maximum, minimum, put, select, store
from refexec.kernels.tiles import KC, PER_COLUMN
from refexec.kernels.weights import GATES, PREPARED, absent, prepared, sized
from refexec.limits import active_budget, claim
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel
from refexec.values import round_quietly, widen

CODES = {
    "relu": 0, "tanh": 1, "sigmoid": 2, "affine": 3, "leakyrelu": 4, "thresholdedrelu": 5, "scaledtanh": 6, "hardsigmoid": 7,
    "softsign": 8,
}  # fmt: skip
NANOSECONDS = 0.03  # of one multiply-add
GATE_BYTES = 4 << 20  # of what the inputs add to the gates of some steps
LONG = 50_000_000  # nanoseconds of some steps


@jit
def activate(M, m, count, function, parameters, at_function, clip):
    """Activation ``at_function`` of whole vectors, in place."""
    code = at(function, at_function)
    alpha, beta = at(parameters, 2 * at_function), at(parameters, 2 * at_function + 1)
    L = lanes_of(M)
    if clip < np.inf:
        for j in range(m, m + count, L):
            store(M, j, minimum(maximum(load(M, j), -clip), clip))
    for j in range(m, m + count, L):
        x = load(M, j)
        if code == 2:
            y = sigmoid(x)
        elif code == 1:
            y = apply("tanh", x, x, 0.0, 0.0)
        elif code == 0:
            y = select(x < 0, 0.0, x)
        elif code == 3:
            y = x * alpha + beta
        elif code == 4:
            y = select(x < 0, x * alpha, x)
        elif code == 5:
            y = select(x < alpha, 0.0, x)
        elif code == 6:
            y = apply("tanh", x * beta, x, 0.0, 0.0) * alpha
        elif code == 7:
            y = minimum(maximum(x * alpha + beta, x * 0.0), x * 0.0 + 1.0)
        else:
            y = x / (absolute(x) + 1.0)
        store(M, j, y)


@jit
def state_product(S, s, padded, rows, R, r, K, columns, U, u, ldu):
    """Rows of states times panels."""
    width = 2 * lanes_of(S)
    for k in range(0, max(K, 1), KC):
        block_of_panels(S, s + k, padded, 1, R, r + k * width, K * width, width, min(KC, K - k), U, u, ldu, rows, columns, k > 0)


@jit
def lstm_row(G, g, U, u, S, c, P, p, padded, peepholes, coupled, function, parameters, first, clip):
    """One sequence's step: the new states go to the first and the third gate's place in U."""
    L = lanes_of(G)
    o, f, w = u + padded, u + 2 * padded, u + 3 * padded
    for j in range(0, 4 * padded, L):
        store(U, u + j, load(G, g + j) + load(U, u + j))
    if peepholes:
        for j in range(0, padded, L):
            old = load(S, c + j)
            store(U, u + j, fma(load(P, p + j), old, load(U, u + j)))
            store(U, f + j, fma(load(P, p + 2 * padded + j), old, load(U, f + j)))
    activate(U, u, padded, function, parameters, first, clip)
    if not coupled:
        activate(U, f, padded, function, parameters, first, clip)
    activate(U, w, padded, function, parameters, first + 1, clip)
    for j in range(0, padded, L):
        i = load(U, u + j)
        forget = 1.0 - i if coupled else load(U, f + j)
        new = fma(forget, load(S, c + j), i * load(U, w + j))
        store(U, f + j, new)
        store(U, w + j, new)
        if peepholes:
            store(U, o + j, fma(load(P, p + padded + j), new, load(U, o + j)))
    activate(U, o, padded, function, parameters, first, clip)
    activate(U, w, padded, function, parameters, first + 2, clip)
    for j in range(0, padded, L):
        store(U, u + j, load(U, o + j) * load(U, w + j))


@jit
def gru_gates(G, g, U, u, S, h, T, t, padded, function, parameters, first, clip):
    """The gates z and r of one sequence, and r * H in T."""
    L = lanes_of(G)
    for j in range(0, 2 * padded, L):
        store(U, u + j, load(G, g + j) + load(U, u + j))
    activate(U, u, 2 * padded, function, parameters, first, clip)
    for j in range(0, padded, L):
        store(T, t + j, load(U, u + padded + j) * load(S, h + j))


@jit
def gru_row(G, g, U, u, S, h, Rb, b, padded, linear, function, parameters, first, clip):
    """The new state of one sequence, in place of z."""
    L = lanes_of(G)
    new = u + 2 * padded
    for j in range(0, padded, L):
        v = load(U, new + j)
        if linear:
            v = load(U, u + padded + j) * (v + load(Rb, b + j))
        store(U, new + j, load(G, g + 2 * padded + j) + v)
    activate(U, new, padded, function, parameters, first + 1, clip)
    for j in range(0, padded, L):
        z = load(U, u + j)
        store(U, u + j, fma(z, load(S, h + j), (1.0 - z) * load(U, new + j)))


@jit
def keep(U, u, S, s, Y, y, hidden, padded):
    """Make a new state the state of a sequence, and its output unless ``y`` is negative."""
    for j in range(0, padded, lanes_of(U)):
        store(S, s + j, load(U, u + j))
    if y >= 0:
        for j in range(hidden):
            put(Y, y + j, at(U, u + j))


@jit
def scan(G, R, Rb, P, S, Y, ends, M, function, parameters, sizes, options, clip, s0, s1, d, n0, n1):
    """Steps s0 to s1 of the sequences n0 to n1 in direction d. S holds (direction, state, sequence, padded)."""
    directions, N, hidden, padded, gates, functions = sizes
    variant, peepholes, backward = options
    rows, ldu, first = n1 - n0, gates * padded, d * functions
    T = rows * ldu
    H = (2 * d * N + n0) * padded
    C = H + N * padded
    r = d * hidden * ldu
    split = gates == 3 and not variant
    for s in range(s0, s1):
        state_product(S, H, padded, rows, R, r, hidden, 2 * padded if split else ldu, M, 0, ldu)
        g = ((d * (s1 - s0) + s - s0) * N + n0) * ldu
        if gates == 3:
            for n in range(rows):
                gru_gates(G, g + n * ldu, M, n * ldu, S, H + n * padded, M, T + n * padded, padded, function, parameters, first, clip)
        if split:
            state_product(M, T, padded, rows, R, r + 2 * padded * hidden, hidden, padded, M, 2 * padded, ldu)
        for n in range(rows):
            u, h, c = n * ldu, H + n * padded, C + n * padded
            if gates == 4:
                lstm_row(G, g + u, M, u, S, c, P, 3 * d * padded, padded, peepholes, variant, function, parameters, first, clip)
            elif gates == 3:
                gru_row(G, g + u, M, u, S, h, Rb, d * padded, padded, variant, function, parameters, first, clip)
            else:
                for j in range(0, padded, lanes_of(G)):
                    store(M, u + j, load(G, g + u + j) + load(M, u + j))
                activate(M, u, padded, function, parameters, first, clip)
            end = ends[n0 + n]
            if s < end:
                position = end - 1 - s if backward else s
                keep(M, u, S, h, Y, ((position * directions + d) * N + n0 + n) * hidden, hidden, padded)
                if gates == 4:
                    keep(M, u + 2 * padded, S, c, Y, -1, hidden, padded)


@jit
def gates_of(X, W, w, B, b, G, g, K, columns, first, last):
    """What the inputs ``first`` to ``last`` add to the gates."""
    product_of_panels(
        X, first * K, K, 1, W, w, G, g + first * columns, columns, last - first, columns, K, B, True, B, b, PER_COLUMN, B, False,
        -np.inf, np.inf
    )  # fmt: skip


@kernel("recurrence", "float32", "float64", halves=True)
class Recurrence(Kernel):
    order = "x W', then B, then H R' are added; each product as in matmul"

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> dict[int, Any]:
        """What stands in the node's constants, by position, as ``scan`` needs it."""
        return {position: prepared(position, array, static) for position, array in constants.items() if position in PREPARED}

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        cell, reverse = static["cell"].__name__, static["reverse"]
        gates, states, D = GATES[cell], 2 if cell == "lstm_cell" else 1, len(reverse)
        (steps, N, K), (_, _, hidden) = shapes[0] or (), shapes[2] or ()
        if static["batch_first"]:
            steps, N = N, steps
        specs = [activation for direction in static["activations"] for activation in direction]
        function = np.array([CODES.get(name, -1) for name, _, _ in specs])
        numbers = [x or 0.0 for _, alpha, beta in specs for x in (alpha, beta)]
        whole = np.full(N, steps)
        clip = np.inf if static["clip"] is None else static["clip"]
        shape = (steps + states, D, N, hidden)

        def by_definition(y: Array, arrays: Sequence[Array | None], bias: Any = None, residual: Any = None) -> None:
            wide = [x if x is None or x.dtype.kind == "i" else widen(x) for x in arrays]
            y[...] = round_quietly(definition("recurrence")(*wide, **static), y.dtype)

        def run(y: Array, arrays: Sequence[Any], bias: Any, residual: Any) -> None:
            X, _, _, _, lengths, H, C, P = arrays = (*arrays, *[None] * 8)[:8]
            width = 64 // y.itemsize
            padded = -(-hidden // width) * width
            columns = gates * padded
            X = X.swapaxes(0, 1) if static["batch_first"] else X
            ends = whole
            if lengths is not None:
                ends = lengths.astype(np.int64)
                fit = np.all((ends >= 0) & (ends <= steps))
                require(fit, "lengths are from 0 to the number of steps", sequence_lens=ends, steps=steps)
                y[...] = 0
            S = np.zeros(claim((D, 2, N, padded), y.dtype), y.dtype)
            for state, given in enumerate((H, C)):
                if given is not None:
                    S[:, state, :, :hidden] = given.swapaxes(0, 1) if static["batch_first"] else given
            panels_W, panels_R, (biases, Rb), peepholes = (
                packed[i] if i in packed else prepared(i, absent(i, D, gates, hidden, y.dtype) if arrays[i] is None else arrays[i], static)
                for i in PREPARED
            )
            parameters = np.array(numbers, y.dtype)
            sizes = (D, N, hidden, padded, gates, len(specs) // D)
            memory, out, cost = S.reshape(-1), y.reshape(-1), NANOSECONDS * columns * (hidden + 50)
            own = max(1, min(int(GATE_BYTES // max(D * N * columns * y.itemsize, 1)), int(LONG // max(D * N * cost, 1))))
            last = int(ends.max(initial=0))
            for s0 in range(0, last, own):
                s1 = min(s0 + own, last)
                active_budget().trip(s1)
                G = aligned(*sized(D * (s1 - s0) * N * columns, y.dtype))
                for d, backward in enumerate(reverse):
                    x = inputs_of(X, s0, s1, ends if lengths is not None else None, backward)
                    parts = pieces((s1 - s0) * N, NANOSECONDS * columns * K, 6)
                    share(
                        parts,
                        lambda first, last, d=d, x=x, G=G, s0=s0, s1=s1: gates_of(
                            x, panels_W, d * K * columns, biases, d * columns, G, d * (s1 - s0) * N * columns, K, columns, first, last
                        ),
                    )

                def work(d: int, n0: int, n1: int, s0: int = s0, s1: int = s1, G: Array = G) -> None:
                    M = scratch((n1 - n0) * (columns + padded), y.dtype)
                    options = (static["variant"], P is not None, reverse[d])
                    scan(
                        G, panels_R, Rb, peepholes, memory, out, ends, M, function, parameters, sizes, options,
                        y.dtype.type(clip), s0, s1, d, n0, n1
                    )  # fmt: skip

                share([(d, *n) for d in range(D) for n in pieces(N, cost * (s1 - s0))], work)
            for state in range(states):
                y[steps + state] = S[:, state, :, :hidden]
            finite = np.isfinite(y).all(axis=(0, 3), keepdims=True)
            if not finite.all():  # a step may have been out of range where its result is not
                wide = np.empty_like(y)
                by_definition(wide, arrays)
                np.copyto(y, wide, where=~finite)

        return Binding(shape, run if (function >= 0).all() else by_definition)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """That of the operators: roundoffs of the largest value."""
        states = definition("recurrence")(*arrays, **static)
        return 512 * np.where(np.isfinite(states), np.abs(states), 0).max(initial=0.0)


def inputs_of(X: Array, s0: int, s1: int, ends: Array | None, backward: bool) -> Array:
    """The inputs of steps s0 to s1, as rows of one flat matrix; a sequence that has ended gives any."""
    if not backward:
        chosen = X[s0:s1]
    elif ends is None:
        chosen = X[len(X) - s1 : len(X) - s0][::-1]
    else:
        chosen = X[np.maximum(ends - 1 - np.arange(s0, s1)[:, None], 0), np.arange(len(ends))]
    return np.ascontiguousarray(chosen).reshape(-1)
