"""The tree in which kernels combine elements: sums, products and maxima of rows.

The elements that make one result are dealt out to the lanes of a vector, element k to lane k modulo their number. A lane takes its
elements eight at a time, combined in a tree, and what does not fill such a block one by one; the lanes are combined in a tree of halves.
"""

from __future__ import annotations

import numpy as np

from refexec.kernels.simd import (
    absolute,
    either_nan,
    inlined,
    lanes_of,
    largest,
    load,
    load_first,
    maximum,
    product_of_lanes,
    select,
    sum_of_lanes,
    zeros,
)

__all__ = [
    "AS_IT_IS", "DEVIATION", "LARGEST", "MAGNITUDE", "NEGATED", "PRODUCT", "SUM", "combined", "combined_row", "eight", "neutral", "term",
]  # fmt: skip

SUM, PRODUCT, LARGEST = 0, 1, 2  # how elements are combined
AS_IT_IS, MAGNITUDE, NEGATED, DEVIATION = 0, 1, 2, 3  # what is combined of each: x, |x|, -x, (x - centre) squared


@inlined
def combined(way, a, b):
    if way == SUM:
        return a + b
    if way == PRODUCT:
        return a * b
    return maximum(a, b)


@inlined
def neutral(A, way):
    """What changes nothing: -0 for sums, since 0 + -0 is 0 and -0 + -0 is -0."""
    if way == SUM:
        return zeros(A) * -1.0
    if way == PRODUCT:
        return zeros(A) + 1.0
    return zeros(A) - np.inf


@inlined
def term(kind, v, centre):
    if kind == MAGNITUDE:
        v = absolute(v)
    elif kind == NEGATED:
        v = v * -1.0
    elif kind == DEVIATION:
        v = v - centre
        v = v * v
    return v


@inlined
def without_term(A, way, kind, centre):
    """The element whose term is neutral."""
    if kind == DEVIATION:
        return zeros(A) + centre
    if kind == NEGATED:
        return zeros(A) + np.inf
    return neutral(A, way)


@inlined
def greater(a, b):
    return select(a > b, a, b)


@inlined
def eight(way, kind, centre, a, b, c, d, e, f, g, h):
    """The terms of eight vectors, combined in a tree of halves."""
    if kind != AS_IT_IS:
        a, b, c, d = term(kind, a, centre), term(kind, b, centre), term(kind, c, centre), term(kind, d, centre)
        e, f, g, h = term(kind, e, centre), term(kind, f, centre), term(kind, g, centre), term(kind, h, centre)
    if way == SUM:
        return ((a + e) + (c + g)) + ((b + f) + (d + h))
    if way == PRODUCT:
        return ((a * e) * (c * g)) * ((b * f) * (d * h))
    largest = greater(greater(greater(a, e), greater(c, g)), greater(greater(b, f), greater(d, h)))
    return select(either_nan(a, e) | either_nan(c, g) | either_nan(b, f) | either_nan(d, h), np.nan, largest)


@inlined
def combined_row(A, a, n, way, kind, centre):
    """``n`` elements that follow each other, combined."""
    L = lanes_of(A)
    s = neutral(A, way)
    for _ in range(n // (8 * L)):
        x = eight(
            way, kind, centre, load(A, a), load(A, a + L), load(A, a + 2 * L), load(A, a + 3 * L),
            load(A, a + 4 * L), load(A, a + 5 * L), load(A, a + 6 * L), load(A, a + 7 * L),
        )  # fmt: skip
        s = combined(way, s, x)
        a += 8 * L
    for _ in range(n % (8 * L) // L):
        s = combined(way, s, term(kind, load(A, a), centre))
        a += L
    rest = n % L
    if rest:
        s = combined(way, s, term(kind, load_first(A, a, rest, without_term(A, way, kind, centre)), centre))
    if way == SUM:
        return sum_of_lanes(s)
    if way == PRODUCT:
        return product_of_lanes(s)
    return largest(s)
