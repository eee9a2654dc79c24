"""Softmax and its logarithm along one axis, for float32 and float64, and for the half types through float32.

The largest value is taken off first, and what the rounding of that difference loses is added to the exponent again. For the logarithm
the exponentials that are 1 are counted and the others summed apart, so that it keeps its digits where one value is far above the others.

Along the last axis there are as many running sums as a long vector has lanes (sixteen of float32, eight of float64): element i is in
sum i modulo that, and the sums are folded in halves. Along another axis there is one sum per column, from the first element on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec import pool
from refexec.kernels.functions import apply, scaled_exp
from refexec.kernels.long_vectors import filled, load_long, load_some, store_some
from refexec.kernels.memory import Array
from refexec.kernels.simd import inlined, jit, lanes_of, largest, select, store, sum_of_lanes
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, kernel

__all__ = ["LogSoftmax", "Softmax"]

NANOSECONDS = 0.5  # of one element
COLUMNS = 512  # columns that are taken at a time along an axis that is not the last
BLOCK = 1 << 16  # elements of them
# of the exponentials, so that small ones keep their digits
SCALE = {np.dtype(np.float32): np.float32(2.0**64), np.dtype(np.float64): np.float64(2.0**128)}

_LOWEST = -np.inf


@inlined
def larger(a, b):
    """The larger one. Where one is NaN either may be: the sum of the exponentials is NaN then."""
    return select(a > b, a, b)


@inlined
def below(x, most):
    """x - most, and its exponential, scaled: what the rounding of the difference lost is added again."""
    t = x - most
    back = t - x
    return t, scaled_exp(t, (x - (t - back)) - (back + most))


@inlined
def summed(total, count, t, e):
    """The sum of the exponentials below 1 and the number of those that are 1, with one more."""
    top = t == 0.0
    return total + select(top, 0.0, e), count + select(top, 1.0, 0.0)


@jit
def along_rows(X, Y, first, end, N, scale, logarithm):
    """Rows ``first`` to ``end``, of N elements each."""
    L = 2 * lanes_of(X)
    whole = N - N % L
    few = N - whole
    for row in range(first, end):
        x, y = row * N, row * N
        m = load_some(X, x + whole, few, _LOWEST)
        n = m
        i = 0
        while i + 2 * L <= whole:
            m, n = larger(load_long(X, x + i), m), larger(load_long(X, x + i + L), n)
            i += 2 * L
        if i < whole:
            m = larger(load_long(X, x + i), m)
        most = largest(larger(m, n))
        total, count = filled(m, 0.0), filled(m, 0.0)
        if logarithm:
            for i in range(0, whole, L):
                t, e = below(load_long(X, x + i), most)
                total, count = summed(total, count, t, e)
            if few:
                t, e = below(load_some(X, x + whole, few, _LOWEST), most)
                total, count = summed(total, count, t, e)
            others = filled(m, sum_of_lanes(total) / scale + (sum_of_lanes(count) - 1))
            shift = apply("log1p", others, others, 0.0, 0.0)
            for i in range(0, whole, L):
                store(Y, y + i, (load_long(X, x + i) - most) - shift)
            if few:
                store_some(Y, y + whole, (load_some(X, x + whole, few, _LOWEST) - most) - shift, few)
        else:
            for i in range(0, whole, L):
                t, e = below(load_long(X, x + i), most)
                total = total + e
                store(Y, y + i, e)
            if few:
                t, e = below(load_some(X, x + whole, few, _LOWEST), most)
                total = total + e
                store_some(Y, y + whole, e, few)
            factor = 1 / sum_of_lanes(total)
            for i in range(0, whole, L):
                store(Y, y + i, load_long(Y, y + i) * factor)
            if few:
                store_some(Y, y + whole, load_some(Y, y + whole, few, 0.0) * factor, few)


@jit
def along_columns(X, Y, x, N, inner, columns, scale, logarithm, M, S, C):
    """``columns`` columns of N elements, ``inner`` apart, from element x on. M, S and C hold a number per column, and one vector more."""
    L = 2 * lanes_of(X)
    for j in range(0, columns, L):
        few = min(columns - j, L)
        m = load_some(X, x + j, few, _LOWEST)
        for k in range(1, N):
            m = larger(load_some(X, x + k * inner + j, few, _LOWEST), m)
        store(M, j, m)
        store(S, j, filled(m, 0.0))
        store(C, j, filled(m, 0.0))
    for k in range(N):
        for j in range(0, columns, L):
            few = min(columns - j, L)
            at = x + k * inner + j
            t, e = below(load_some(X, at, few, _LOWEST), load_long(M, j))
            if logarithm:
                total, count = summed(load_long(S, j), load_long(C, j), t, e)
                store(S, j, total)
                store(C, j, count)
            else:
                store(S, j, load_long(S, j) + e)
                store_some(Y, at, e, few)
    for j in range(0, columns, L):
        if logarithm:
            others = load_long(S, j) / scale + (load_long(C, j) - 1.0)
            store(S, j, apply("log1p", others, others, 0.0, 0.0))
        else:
            store(S, j, 1.0 / load_long(S, j))
    for k in range(N):
        for j in range(0, columns, L):
            few = min(columns - j, L)
            at = x + k * inner + j
            if logarithm:
                store_some(Y, at, (load_some(X, at, few, _LOWEST) - load_long(M, j)) - load_long(S, j), few)
            else:
                store_some(Y, at, load_some(Y, at, few, 0.0) * load_long(S, j), few)


@jit
def blocks_of_columns(X, Y, first, end, N, inner, width, scale, logarithm):
    """Blocks ``first`` to ``end`` of ``width`` columns; each outer index has as many as its columns need."""
    L = 2 * lanes_of(X)
    M, S, C = np.empty(width + L, X.dtype), np.empty(width + L, X.dtype), np.empty(width + L, X.dtype)
    per = -(-inner // width)
    for block in range(first, end):
        outer, j = block // per, block % per * width
        along_columns(X, Y, outer * N * inner + j, N, inner, min(width, inner - j), scale, logarithm, M, S, C)


class _AlongAxis(Kernel):
    logarithm = False
    order = "over the axis: along the last one into as many sums as a long vector has lanes, folded in halves; else one sum"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        (shape,) = shapes
        assert shape is not None
        outer, N, inner = parts(shape, static)
        rows = inner == 1
        width = max(16, min(COLUMNS, BLOCK // max(N, 1) // 16 * 16))
        units, size = (outer, N) if rows else (outer * -(-inner // width), N * width)
        work = units * size * NANOSECONDS
        logarithm = self.logarithm

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            if not y.size:
                return
            x = arrays[0]
            x, out = (x if x.flags.c_contiguous else np.ascontiguousarray(x)).reshape(-1), y.reshape(-1)
            scale = SCALE[y.dtype]
            if rows and work <= pool.SHORT:
                along_rows(x, out, 0, outer, N, scale, logarithm)
            elif rows:
                share(pieces(units, size * NANOSECONDS), lambda first, end: along_rows(x, out, first, end, N, scale, logarithm))
            else:
                share(
                    pieces(units, size * NANOSECONDS),
                    lambda first, end: blocks_of_columns(x, out, first, end, N, inner, width, scale, logarithm),
                )

        return Binding(shape, run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """The rounding of x - max is a relative error of its exponential, that of each addition one of the sum."""
        x = arrays[0]
        outer, N, inner = parts(x.shape, static)
        if not x.size:
            return np.zeros(x.shape)
        with np.errstate(all="ignore"):
            t = x.reshape(outer, N, inner)
            t = t - t.max(axis=1, keepdims=True)
            e = np.exp(t)
            total = e.sum(axis=1, keepdims=True)
            terms = (N / 8 if inner == 1 else N) + 8 + (np.abs(np.where(np.isfinite(t), t, 0)) * e).sum(axis=1, keepdims=True) / total
            finite = np.where(np.isfinite(t), np.abs(t), 0)
            found = 2 * finite + terms + 4 * np.log(total) if self.logarithm else (finite + terms + 4) * e / total
            return np.where(np.isfinite(found), found, 0).reshape(x.shape)


@kernel("softmax", "float32", "float64", halves=True)
class Softmax(_AlongAxis):
    pass


@kernel("log_softmax", "float32", "float64", halves=True)
class LogSoftmax(_AlongAxis):
    logarithm = True


def parts(shape: tuple[int, ...], static: Mapping[str, Any]) -> tuple[int, int, int]:
    """How many elements stand before the axis, along it, and behind it."""
    axis = static["axis"]
    if static.get("to_end"):
        return prod(shape[:axis]), prod(shape[axis:]), 1
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
