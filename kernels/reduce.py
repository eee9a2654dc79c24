"""Reductions in a fixed tree: ``reduce_over`` for float32 and float64, and for the half types through float32.

The elements that make one result are taken in row-major order, in the order of ``trees``. Where axes that stay lie between those
that are reduced, the last of the reduced ones come first. Products of float32 are computed in float64, and so are, once more, results that
are not finite: what is added may have been out of range where the result is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec import pool
from refexec.kernels.epilogue import followed
from refexec.kernels.memory import Array, plain
from refexec.kernels.simd import at, inlined, jit, lane, lanes_of, load, load_first, put, splat, sqrt, store, store_first, zeros
from refexec.kernels.trees import (
    AS_IT_IS,
    DEVIATION,
    LARGEST,
    MAGNITUDE,
    NEGATED,
    PRODUCT,
    SUM,
    combined,
    combined_row,
    eight,
    neutral,
    term,
)
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel
from refexec.values import round_quietly

__all__ = ["ReduceOver"]

NANOSECONDS = 0.1  # of one element
FEW = 8  # matrices that are split by columns
STRIP = 256  # columns whose partial results stand in the first-level cache

EXTREMES = ("max", "min")
LEAST = {"l2": 2.0**-40}  # below it squares may have been too near to 0 for float32

NOTHING_MORE, MEAN, ROOT, NEGATION = 0, 1, 2, 3  # what is done with the result


@inlined
def finished(more, v, count):
    if more == MEAN:
        return v / count
    if more == ROOT:
        return sqrt(v)
    if more == NEGATION:
        return v * -1.0
    return v


@inlined
def each_row(A, Y, n, way, kind, more, count, i, i_end):
    centre = zeros(A)
    for row in range(i, i_end):
        put(Y, row, lane(finished(more, splat(combined_row(A, row * n, n, way, kind, centre)), count), 0))


@jit
def reduce_rows(A, Y, n, way, kind, more, count, i, i_end):
    """Rows i to ``i_end`` of n elements each, to one element each, which then is made of ``count`` elements.

    What is frequent has code of its own.
    """
    if way == SUM and kind == AS_IT_IS:
        each_row(A, Y, n, SUM, AS_IT_IS, more, count, i, i_end)
    elif way == LARGEST and kind == AS_IT_IS:
        each_row(A, Y, n, LARGEST, AS_IT_IS, more, count, i, i_end)
    else:
        each_row(A, Y, n, way, kind, more, count, i, i_end)


@inlined
def eight_apart(A, a, step, count):
    """Eight vectors ``step`` apart, of which ``count`` columns count."""
    if count >= lanes_of(A):
        return (
            load(A, a), load(A, a + step), load(A, a + 2 * step), load(A, a + 3 * step),
            load(A, a + 4 * step), load(A, a + 5 * step), load(A, a + 6 * step), load(A, a + 7 * step),
        )  # fmt: skip
    z = zeros(A)
    return (
        load_first(A, a, count, z), load_first(A, a + step, count, z), load_first(A, a + 2 * step, count, z),
        load_first(A, a + 3 * step, count, z), load_first(A, a + 4 * step, count, z), load_first(A, a + 5 * step, count, z),
        load_first(A, a + 6 * step, count, z), load_first(A, a + 7 * step, count, z),
    )  # fmt: skip


@inlined
def strip_of_columns(A, a, step, n, columns, S, way, kind, centre):
    """The n elements of each column, ``step`` apart, combined per lane: lane l of the columns stands at ``l * STRIP`` of S.

    Lanes that have no elements are not written.
    """
    L = lanes_of(A)
    k = 0
    while n - k >= 8 * L:
        for of in range(L):
            row = a + (k + of) * step
            for j in range(0, columns, L):
                v0, v1, v2, v3, v4, v5, v6, v7 = eight_apart(A, row + j, L * step, columns - j)
                v = eight(way, kind, centre, v0, v1, v2, v3, v4, v5, v6, v7)
                s = of * STRIP + j
                store(S, s, v if k == 0 else combined(way, load(S, s), v))
        k += 8 * L
    while k < n:
        row, lane_at = a + k * step, (k % L) * STRIP
        for j in range(0, columns, L):
            v = term(kind, load(A, row + j) if columns - j >= L else load_first(A, row + j, columns - j, zeros(A)), centre)
            s = lane_at + j
            store(S, s, v if k < L else combined(way, load(S, s), v))
        k += 1


@inlined
def lane_of_column(S, s, at, used, rest):
    return load(S, s + at * STRIP) if at < used else rest


@jit
def reduce_columns(A, Y, n, columns, way, kind, more, count, o, o_end, j, j_end):
    """Matrices o to ``o_end`` of n rows each, to one row each; of that the columns j to ``j_end``."""
    L = lanes_of(A)
    S = np.empty(L * STRIP, A.dtype)
    centre = zeros(A)
    used, none = min(L, n), neutral(A, way)
    for matrix in range(o, o_end):
        for first in range(j, j_end, STRIP):
            some = min(STRIP, j_end - first)
            strip_of_columns(A, matrix * n * columns + first, columns, n, some, S, way, kind, centre)
            for c in range(0, some, L):
                total = eight(
                    way, AS_IT_IS, centre,
                    lane_of_column(S, c, 0, used, none), lane_of_column(S, c, 1, used, none),
                    lane_of_column(S, c, 2, used, none), lane_of_column(S, c, 3, used, none),
                    lane_of_column(S, c, 4, used, none), lane_of_column(S, c, 5, used, none),
                    lane_of_column(S, c, 6, used, none), lane_of_column(S, c, 7, used, none),
                )  # fmt: skip
                y = matrix * columns + first + c
                if some - c >= L:
                    store(Y, y, finished(more, total, count))
                else:
                    store_first(Y, y, some - c, finished(more, total, count))


HOW = {
    "sum": (SUM, AS_IT_IS, NOTHING_MORE),
    "mean": (SUM, AS_IT_IS, MEAN),
    "prod": (PRODUCT, AS_IT_IS, NOTHING_MORE),
    "max": (LARGEST, AS_IT_IS, NOTHING_MORE),
    "min": (LARGEST, NEGATED, NEGATION),
    "l1": (SUM, MAGNITUDE, NOTHING_MORE),
    "l2": (SUM, DEVIATION, ROOT),
    "sum_square": (SUM, DEVIATION, NOTHING_MORE),
}


OVER_NOTHING = {"prod": 1.0, "mean": np.nan, "max": -np.inf, "min": np.inf}  # and 0 for sums


def groups(shape: Sequence[int], axes: Sequence[int]) -> list[tuple[bool, int]]:
    """The axes of a shape, those of one element left out, with neighbours of a kind as one: (whether it is reduced, its size)."""
    found: list[tuple[bool, int]] = []
    for axis, size in enumerate(shape):
        if size != 1:
            if found and found[-1][0] == (axis in axes):
                found[-1] = (found[-1][0], found[-1][1] * size)
            else:
                found.append((axis in axes, size))
    return found


def passes(shape: Sequence[int], axes: Sequence[int]) -> list[tuple[int, int, int]]:
    """What is reduced one after the other: (matrices, rows, columns), the rows of each matrix to one."""
    left = groups(shape, axes)
    found = []
    for i in reversed([i for i, (reduced, _) in enumerate(left) if reduced]):
        found.append((prod(size for _, size in left[:i]), left[i][1], prod(size for reduced, size in left[i + 1 :] if not reduced)))
    return found or [(prod(shape), 1, 1)]


@jit
def all_within(Y, least):
    """Whether all are numbers, not infinite and not nearer to 0 than ``least``."""
    within = True
    for i in range(len(Y)):
        within &= least <= abs(at(Y, i)) < np.inf
    return within


@kernel("reduce_over", "float32", "float64", halves=True)
class ReduceOver(Kernel):
    epilogues = True
    order = "k modulo the number of lanes; per lane in blocks of eight terms, each a tree; then a tree of the lanes"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        (shape,) = shapes
        assert shape is not None
        axes, how = static["axes"], static["how"]
        y_shape = tuple(1 if axis in axes else size for axis, size in enumerate(shape) if axis not in axes or static.get("keepdims", True))
        way, kind, more = HOW[how]
        n = prod(shape[axis] for axis in axes)
        if not n:
            value = OVER_NOTHING.get(how, 0.0)
            return Binding(y_shape, followed(lambda y, arrays, bias, residual: y.fill(value), epilogue))
        *before, last = passes(shape, axes)
        kinds = [kind, *[AS_IT_IS] * len(before)]
        firsts = [(m * c, one_pass(m, r, c, way, own, NOTHING_MORE, n)) for (m, r, c), own in zip(before, kinds, strict=False)]
        to_y = one_pass(*last, way, kinds[-1], more, n)

        def reduced(x: Array, y: Array) -> None:
            for size, reduce in firsts:
                between = np.empty(size, y.dtype)
                reduce(x, between)
                x = between
            to_y(x, y)

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x, out = plain(arrays[0]), y.reshape(-1)
            if how != "prod" or y.dtype == np.float64:
                reduced(x, out)
            if y.dtype == np.float64 or how in EXTREMES or (how != "prod" and all_within(out, LEAST.get(how, 0.0))):
                return
            wide = np.empty(out.size, np.float64)
            reduced(x.astype(np.float64), wide)
            if how == "prod":
                out[...] = round_quietly(wide, y.dtype)
            else:
                np.copyto(out, round_quietly(wide, y.dtype), where=~(np.isfinite(out) & (out >= LEAST.get(how, -np.inf))))

        return Binding(y_shape, followed(run, epilogue))

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """A rounding per addition or factor and two more, of the result of the magnitudes."""
        x = np.abs(arrays[0])
        n = prod(x.shape[axis] for axis in static["axes"])
        return (n + 2) * definition("reduce_over")(x, **static)


def one_pass(matrices: int, rows: int, columns: int, *what: int) -> Callable[[Array, Array], None]:
    """Each matrix to one row; the work is split over the matrices, or where there are few of them over the columns."""
    cost = rows * NANOSECONDS
    total = matrices * columns * cost

    def of_rows(A: Array, Y: Array) -> None:
        if total <= pool.SHORT:
            reduce_rows(A, Y, rows, *what, 0, matrices)
            return
        share(pieces(matrices, cost), lambda i, i_end: reduce_rows(A, Y, rows, *what, i, i_end))

    def of_columns(A: Array, Y: Array) -> None:
        if matrices >= FEW:
            parts = [(*part, 0, columns) for part in pieces(matrices, cost * columns)]
        else:
            parts = [(0, matrices, *part) for part in pieces(columns, cost * matrices, STRIP)]
        share(parts, lambda o, o_end, j, j_end: reduce_columns(A, Y, rows, columns, *what, o, o_end, j, j_end))

    return of_rows if columns == 1 else of_columns
