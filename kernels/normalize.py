"""Normalisations: ``standardize`` and ``affine_per_channel`` for float32 and float64, and for the half types through float32.

Sums are those of ``trees``. A row of x has n elements; scale and bias have one value for every ``run`` of them. Row r takes the
values from ``r % period * (n / run)`` on: with the rows (N, C) of an instance normalisation the period is C and a run is a row, with
those of a group normalisation the period is the number of groups and a run is a channel, in a layer normalisation each element has its own.
A row of float32 whose squares leave the range of the type is computed once more, in float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec import pool
from refexec.kernels.epilogue import followed
from refexec.kernels.memory import NOTHING, Array, plain
from refexec.kernels.simd import (
    broadcast,
    fma,
    inlined,
    jit,
    lane,
    lanes_of,
    load,
    load_first,
    select,
    splat,
    sqrt,
    store,
    store_first,
    zeros,
)  # fmt: skip
from refexec.kernels.trees import AS_IT_IS, DEVIATION, SUM, combined_row
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel
from refexec.values import round_quietly

NANOSECONDS = 0.3  # of one element
LEAST = 2.0**-100


@inlined
def standardized(v, mean, inverse, scale, bias):
    return fma((v - mean) * inverse, scale, bias)


@inlined
def by_element(X, Y, at, n, mean, inverse, scale, bias, p, shifted):
    """``n`` elements from ``at`` on, each with a scale of its own, and a bias where ``shifted``."""
    L = lanes_of(X)
    none = zeros(X) * -1.0  # a product and -0 is the product
    whole = n - n % L
    for j in range(0, whole, L):
        b = load(bias, p + j) if shifted else none
        store(Y, at + j, standardized(load(X, at + j), mean, inverse, load(scale, p + j), b))
    rest = n - whole
    if rest:
        b = load_first(bias, p + whole, rest, none) if shifted else none
        v, s = load_first(X, at + whole, rest, none), load_first(scale, p + whole, rest, none)
        store_first(Y, at + whole, rest, standardized(v, mean, inverse, s, b))


@inlined
def by_run(X, Y, at, n, mean, inverse, scale, bias):
    """``n`` elements from ``at`` on with one scale and one bias."""
    L = lanes_of(X)
    whole = n - n % L
    for j in range(0, whole, L):
        store(Y, at + j, standardized(load(X, at + j), mean, inverse, scale, bias))
    rest = n - whole
    if rest:
        v = load_first(X, at + whole, rest, mean)
        store_first(Y, at + whole, rest, standardized(v, mean, inverse, scale, bias))


@jit
def standardize_rows(X, Y, n, centred, epsilon, scale, bias, period, run, scaled, shifted, i, i_end):
    """Rows i to ``i_end``: y = (x - mean) / sqrt(variance + epsilon) * scale + bias. The mean is 0 where not ``centred``.

    Returns whether every root was taken of a number in the range in which float32 squares are.
    """
    mean, zero, one = zeros(X), zeros(X), zeros(X) + 1.0
    per_row, within = n // run, True
    for row in range(i, i_end):
        x = row * n
        if centred:
            mean = splat(combined_row(X, x, n, SUM, AS_IT_IS, zero)) / n
        variance = splat(combined_row(X, x, n, SUM, DEVIATION, mean)) / n
        radicand = variance + epsilon
        within &= LEAST <= lane(radicand, 0) < np.inf
        inverse = one / sqrt(radicand)
        p = row % period * per_row
        if run == 1 and scaled and shifted:
            by_element(X, Y, x, n, mean, inverse, scale, bias, p, True)
        elif run == 1 and scaled:
            by_element(X, Y, x, n, mean, inverse, scale, bias, p, False)
        else:
            for k in range(per_row):
                s = broadcast(scale, p + k) if scaled else one
                b = broadcast(bias, p + k) if shifted else zero * -1.0
                by_run(X, Y, x + k * run, run, mean, inverse, s, b)
    return within


@inlined
def affine(v, mean, factor, shift, lo, hi):
    v = (v - mean) * factor + shift
    v = select(v < lo, lo, v)
    return select(v > hi, hi, v)


@jit
def affine_rows(X, Y, n, mean, factor, shift, period, lo, hi, i, i_end):
    """Rows i to ``i_end``: y = (x - mean) * factor + shift, each step rounded, and clamped, each row with one of ``period`` parameters."""
    L = lanes_of(X)
    whole, rest = n - n % L, n % L
    for row in range(i, i_end):
        at, p = row * n, row % period
        m, f, s = broadcast(mean, p), broadcast(factor, p), broadcast(shift, p)
        for j in range(at, at + whole, L):
            store(Y, j, affine(load(X, j), m, f, s, lo, hi))
        if rest:
            store_first(Y, at + whole, rest, affine(load_first(X, at + whole, rest, m), m, f, s, lo, hi))


@jit
def affine_elements(X, Y, n, mean, factor, shift, lo, hi, i, i_end):
    """The same where each of the n elements of a row has its own parameters."""
    L = lanes_of(X)
    z, whole, rest = zeros(X), n - n % L, n % L
    for row in range(i, i_end):
        at = row * n
        for j in range(0, whole, L):
            store(Y, at + j, affine(load(X, at + j), load(mean, j), load(factor, j), load(shift, j), lo, hi))
        if rest:
            j = whole
            m, f, s = load_first(mean, j, rest, z), load_first(factor, j, rest, z), load_first(shift, j, rest, z)
            store_first(Y, at + j, rest, affine(load_first(X, at + j, rest, z), m, f, s, lo, hi))


def layout(shape: Sequence[int], view: Sequence[int], axes: Sequence[int]) -> tuple[int, int] | None:
    """(period, run) of parameters of a shape that broadcasts to ``view``, of which the last axes are normalised over.

    None where they do not repeat like that.
    """
    full = (1,) * (len(view) - len(shape)) + tuple(shape)
    varies = [(axis in axes, own == size, size) for axis, (own, size) in enumerate(zip(full, view, strict=True)) if size != 1]
    outer = [(v, size) for inner, v, size in varies if not inner]
    own = [(v, size) for inner, v, size in varies if inner]
    if [v for v, _ in outer] != sorted(v for v, _ in outer) or [v for v, _ in own] != sorted((v for v, _ in own), reverse=True):
        return None
    return prod(size for v, size in outer if v), prod(size for v, size in own if not v)


@kernel("standardize", "float32", "float64", halves=True)
class Standardize(Kernel):
    epilogues = True
    order = "the sums as in reduce_over: of x, then of (x - mean) squared; then (x - mean) * (1 / root), times scale plus bias at once"

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> dict[int, Array]:
        """Scale and bias as vectors."""
        return {position: plain(array) for position, array in constants.items() if position > 0}

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: dict[int, Array], epilogue: Epilogue) -> Binding:
        shape = shapes[0]
        assert shape is not None
        view, axes, spread = static["view"], static["axes"], static.get("spread")
        n = prod(view[axis] for axis in axes)
        rows = prod(view) // n if n else 0
        seen = [spread or s for s in shapes[1:] if s is not None]
        layouts = {layout(s, view, axes) for s in seen} or {(1, n)}
        common = layouts.pop() if len(layouts) == 1 else None
        period, run = common or (rows, 1)
        epsilon, centred, scaled, shifted = float(static["epsilon"]), bool(static.get("centred", True)), len(seen) > 0, len(seen) > 1

        def parameter(arrays: Sequence[Array], at: int) -> Array:
            if common is None:
                return plain(np.broadcast_to(arrays[at].reshape(seen[at - 1]), view))
            return packed[at] if at in packed else plain(arrays[at])

        def fill(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            nothing = NOTHING[y.dtype]
            scale = parameter(arrays, 1) if scaled else nothing
            shift = parameter(arrays, 2) if shifted else nothing
            x, out = plain(arrays[0]), y.reshape(-1)

            def some(i: int, i_end: int) -> None:
                within = standardize_rows(x, out, n, centred, epsilon, scale, shift, period, run, scaled, shifted, i, i_end)
                if within or y.dtype == np.float64:
                    return
                if i_end > i + 1:
                    for row in range(i, i_end):
                        some(row, row + 1)
                    return
                first, few = i % period * (n // run), n // run
                a, b = (
                    v[first : first + few].astype(np.float64) if v is not nothing else NOTHING[np.dtype(np.float64)] for v in (scale, shift)
                )
                wide = np.empty(n)
                given = x[i * n : i_end * n].astype(np.float64)
                standardize_rows(given, wide, n, centred, epsilon, a, b, 1, run, scaled, shifted, 0, 1)
                out[i * n : i_end * n] = round_quietly(wide, y.dtype)

            if rows * n * NANOSECONDS <= pool.SHORT:
                some(0, rows)
                return
            share(pieces(rows, n * NANOSECONDS), some)

        return Binding(shape, followed(fill, epilogue))

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """The errors of the mean and the variance, as large as they may get, and four roundings of the result.

        Source: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
        """
        X, *parameters = arrays
        u = 2.0**-24 if X.dtype == np.float64 else 2.0**-53
        view, axes, spread = static["view"], static["axes"], static.get("spread")
        x = X.reshape(view)
        n = prod(view[axis] for axis in axes)
        over = definition("reduce_over")
        deviation, error = x, np.zeros_like(x)
        if static.get("centred", True):
            deviation = x - over(x, axes=axes, how="mean")
            error = u * ((n + 2) * over(np.abs(x), axes=axes, how="mean") + np.abs(x) + np.abs(deviation))
        largest = np.abs(deviation) + error
        radicand = over(np.square(deviation), axes=axes, how="mean") + static["epsilon"]
        of_radicand = over(error * (largest + np.abs(deviation)), axes=axes, how="mean")
        of_radicand = of_radicand + (n + 4) * u * over(np.square(largest), axes=axes, how="mean") + 2 * u * radicand
        greatest = (1 + 4 * u) / np.sqrt(np.maximum(radicand - of_radicand, 0))
        of_value = np.nan_to_num(largest * greatest - np.abs(deviation) / np.sqrt(radicand), nan=np.inf)
        found = of_value / u + 4 * np.abs(deviation) / np.sqrt(radicand)
        sizes = [np.abs(p.reshape(spread or p.shape)) for p in parameters]
        found = found * sizes[0] if sizes else found
        found = found + sizes[1] if len(sizes) > 1 else found
        return found.reshape(X.shape)


@kernel("affine_per_channel", "float32", "float64", halves=True)
class AffinePerChannel(Kernel):
    epilogues = True
    order = "(x - mean) * (scale / sqrt(var + epsilon)) + B, each step rounded"

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> tuple[Array, Array, Array] | None:
        """The factors of constant parameters."""
        if not constants.keys() >= {1, 2, 3, 4}:
            return None
        return factors([constants[i] for i in (1, 2, 3, 4)], static["epsilon"])

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        shape, per = shapes[0], shapes[1]
        assert shape is not None and per is not None
        channels = prod(per)
        n = prod(shape[2:]) if len(per) == 1 and len(shape) > 1 else 1
        each = n == 1
        n, rows = (channels, prod(shape) // max(channels, 1)) if each else (n, prod(shape[:2]))
        clamps = epilogue if not epilogue.residual else Epilogue()
        epsilon, lo, hi = static["epsilon"], float(clamps.lo), float(clamps.hi)

        def fill(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            mean, factor, shift = factors(arrays[1:], epsilon) if packed is None else packed
            x, out, low, high = plain(arrays[0]), y.reshape(-1), y.dtype.type(lo), y.dtype.type(hi)

            def work(i: int, i_end: int) -> None:
                if each:
                    affine_elements(x, out, n, mean, factor, shift, low, high, i, i_end)
                else:
                    affine_rows(x, out, n, mean, factor, shift, channels, low, high, i, i_end)

            if rows * n * NANOSECONDS <= pool.SHORT:
                work(0, rows)
            else:
                share(pieces(rows, n * NANOSECONDS), work)

        return Binding(shape, followed(fill, epilogue) if epilogue.residual else fill)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """Eight roundings of the sizes of the terms."""
        sizes = [np.abs(a) for a in arrays]
        return 8 * definition("affine_per_channel")(sizes[0], sizes[1], sizes[2], -sizes[3], arrays[4], **static)


def factors(parameters: Sequence[Array], epsilon: float) -> tuple[Array, Array, Array]:
    """Mean, factor and shift from scale, B, mean and variance."""
    scale, B, mean, var = parameters
    factor = scale / np.sqrt(var + var.dtype.type(epsilon))
    return plain(mean), plain(factor), plain(B)
