"""MatMul, Gemm and Det."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import aligned, combine, small
from conformance.exact.families.lines import dot, matrix, product, reshaped, times, total, transposed
from conformance.exact.formats import INF, INTEGERS, NAN, Number, wrap
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer, single
from conformance.exact.values import Case, Tensor

__all__ = ["SHAPES", "matmul"]

Row = list[Number]

SHAPES = [
    ((2, 3), (3, 2)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((1, 1), (1, 1)), ((2, 2, 3), (3, 2)), ((2, 1, 2, 2), (3, 2, 1)),
    ((2,), (2, 2, 3)), ((2, 2, 2), (2,)), ((1, 2, 2), (2, 2, 2)), ((2, 0), (0, 3)), ((0, 2), (2, 2)), ((2, 2, 1), (2, 1, 2)),
]  # fmt: skip
"""Shapes of the two inputs of a product as of numpy.matmul: vectors, matrices, stacks that broadcast, no elements."""


def matmul(a: Tensor, b: Tensor, type: str | None = None) -> Tensor:
    """The matrix product of the last two axes, the axes before broadcast; a vector is a row on the left, a column on the right."""
    left = reshaped(a, (1, *a.shape)) if len(a.shape) == 1 else a
    right = reshaped(b, (*b.shape, 1)) if len(b.shape) == 1 else b
    rows, columns = _rows(left), _rows(_swapped(right))
    padded = [(1,) * (max(len(left.shape), len(right.shape)) - len(t.shape)) + t.shape for t in (left, right)]
    stack = tuple(next((n for n in pair if n != 1), 1) for pair in zip(padded[0][:-2], padded[1][:-2], strict=True))
    shape = (*stack, left.shape[-2], right.shape[-1])
    values = []
    for *at, i, j in itertools.product(*map(range, shape)):
        places = [
            [0 if n == 1 else k for k, n in zip(at, p[:-2], strict=True)][len(p) - len(t.shape) :]
            for p, t in zip(padded, (left, right), strict=True)
        ]
        values.append(dot(rows[(*places[0], i)], columns[(*places[1], j)]))
    kept = shape[:-2] + shape[-2:-1] * (len(a.shape) > 1) + shape[-1:] * (len(b.shape) > 1)
    return Tensor(type or a.type, kept, tuple(values))


def _rows(x: Tensor) -> dict[tuple[int, ...], Row]:
    """The lines of the last axis by the index before it."""
    return {i: [x[(*i, k)] for k in range(x.shape[-1])] for i in itertools.product(*map(range, x.shape[:-1]))}


def _swapped(x: Tensor) -> Tensor:
    """The last two axes exchanged."""
    *stack, m, n = x.shape
    values = (x[(*i, r, c)] for i in itertools.product(*map(range, stack)) for c in range(n) for r in range(m))
    return Tensor(x.type, (*stack, n, m), tuple(values))


def _float_pair(type: str) -> tuple[Tensor, Tensor]:
    """Half-way sums of products, one that a last small product decides, overflow at the end and on the way, 0 times infinity, NaN."""
    u, tiny, largest, _ = marks(type)
    one = Fraction(1)
    rows: list[Row] = [
        [one, u, 0], [1 + u, u, 0], [one, u, u / 4], [tiny, tiny, tiny], [largest, 0, 0], [INF, 1, 1], [NAN, 1, 1], [1 + u, 1 + u, -1],
    ]  # fmt: skip
    columns: list[Row] = [[1, Fraction(1, 2), 1], [1 + u, 1, 0], [2, 1, 1]]
    return matrix(type, rows), transposed(matrix(type, columns))


def _integer_pairs(type: str) -> list[tuple[Tensor, Tensor]]:
    """Extremes; products and sums that wrap, as those of numpy do."""
    low, top = INTEGERS[type].lowest, INTEGERS[type].largest
    found = [([[low, top], [top, top], [1, 2]], [[1, 2], [1, 3]])]
    if INTEGERS[type].bits == 64:
        found.append(([[2**53, 1], [3037000499, 2**33]], [[1, 3037000499], [1, 2**31 - 1]]))
    return [(matrix(type, a), matrix(type, b)) for a, b in found]


def _of_type(x: Tensor) -> Tensor:
    """The integers modulo 2 ** bits."""
    return x.map(lambda v: wrap(int(v), x.type)) if is_integer(x.type) else x


@oracle("MatMul", 1, 9, 13)
def mat_mul(types: Types, since: int) -> list[Case]:
    """The product of numpy.matmul; integers are modulo 2 ** bits, as there."""
    type = types["T"]
    pairs = _integer_pairs(type) if is_integer(type) else [_float_pair(type)]
    pairs += [(small(type, a, 3), small(type, b)) for a, b in SHAPES]
    return [Case([a, b], [_of_type(matmul(a, b))]) for a, b in pairs]


def _gemm(a: Tensor, b: Tensor, c: Tensor | None, since: int, **attributes: Any) -> Case:
    """alpha * A' * B' + beta * C."""
    alpha, beta = (Fraction(attributes.get(n, 1)) for n in ("alpha", "beta"))
    left = transposed(a) if attributes.get("transA") else a
    right = transposed(b) if attributes.get("transB") else b
    y = matmul(left, right).map(lambda v: times(alpha, v))
    if c is not None:
        y = combine(lambda v, w: total((v, times(beta, w))), y, aligned(c, 2))
    if since < 7 and c is not None and c.shape != y.shape:
        attributes["broadcast"] = 1
    shown = {n: float(v) if isinstance(v, Fraction) else v for n, v in attributes.items()}
    return Case([a, b] if c is None else [a, b, c], [y], shown)


def _gemm_forms(type: str, since: int) -> list[Case]:
    """Both transpositions, each shape of C, factors; C may be absent since version 11."""
    a, b, full = small(type, (2, 3), 2), small(type, (3, 2)), small(type, (2, 2), 4)
    found = [
        _gemm(a, b, full, since),
        _gemm(a, b, full, since, alpha=Fraction(2), beta=Fraction(3)),
        _gemm(a, b, full, since, beta=Fraction(0)),
    ]
    for trans_a, trans_b in itertools.product((0, 1), repeat=2):
        pair = small(type, (3, 2) if trans_a else (2, 3)), small(type, (2, 3) if trans_b else (3, 2), 2)
        found.append(_gemm(*pair, full, since, transA=trans_a, transB=trans_b))
    found += [_gemm(a, b, small(type, shape, 5), since) for shape in ((2,), (1, 2), (2, 1), (1,), (), (1, 1))]
    if since >= 11:
        found += [_gemm(a, b, None, since), _gemm(a, b, None, since, alpha=Fraction(3), transA=0)]
    empty = small(type, (2, 0)), small(type, (0, 2))
    return [*found, _gemm(*empty, full, since)]


def _gemm_roundings(type: str, since: int) -> list[Case]:
    """Factors that are float32 numbers, half-way cases that C decides, overflow of the product only."""
    u, tiny, largest, half = marks(type)
    one = Fraction(1)
    a, b = matrix(type, [[one, u], [1 + u, u], [tiny, 0]]), matrix(type, [[one, 2], [one / 2, 1]])
    c = matrix(type, [[0, u / 4], [u / 8, 0], [tiny, one]])
    found = [_gemm(a, b, c, since), _gemm(a, b, c, since, alpha=single("0.1"), beta=single("0.3")), _gemm(a, b, c, since, alpha=one / 2)]
    eye, wide = matrix(type, [[1, 0], [0, 1]]), matrix(type, [[largest, largest], [INF, 1]])
    found.append(_gemm(wide, eye, matrix(type, [[half, half / 2], [1, -INF]]), since))
    if type != "double":
        found.append(_gemm(wide, eye, matrix(type, [[-largest, 0], [1, NAN]]), since, alpha=Fraction(2)))
    return found


@oracle("Gemm", 1, 6, 7, 9, 11, 13)
def gemm(types: Types, since: int) -> list[Case]:
    """alpha * A' * B' + beta * C; integers that stay in the range of the type."""
    type = types["T"]
    found = _gemm_forms(type, since)
    if not is_integer(type):
        return found + _gemm_roundings(type, since)
    top, bits = INTEGERS[type].largest, INTEGERS[type].bits
    values = [[top - 1, 0], [0, 2**53 + 1 if bits == 64 else 7]]
    return [*found, _gemm(matrix(type, values), matrix(type, [[1, 0], [0, 1]]), matrix(type, [[1, 0], [top, 2]]), since)]


def _determinant(rows: list[Row]) -> Number:
    """The sum over permutations of signed products."""
    found = []
    for order in itertools.permutations(range(len(rows))):
        inversions = sum(a > b for a, b in itertools.combinations(order, 2))
        found.append(product([Fraction((-1) ** inversions), *(rows[i][j] for i, j in enumerate(order))]))
    return total(found)


def _det(x: Tensor) -> Case:
    *stack, _, n = x.shape
    matrices = [[[x[(*at, i, j)] for j in range(n)] for i in range(n)] for at in itertools.product(*map(range, stack))]
    return Case([x], [Tensor(x.type, tuple(stack), tuple(map(_determinant, matrices)))])


@oracle("Det", 11, 22)
def det(types: Types, since: int) -> list[Case]:
    """Of one matrix a scalar, of a stack a stack; singular ones; half-way cases; overflow.

    A singular matrix whose elimination rounds is asked of float16 only: of [[1, 2, 3], [4, 5, 6], [7, 8, 9]] a double leaves 7e-16.
    """
    type = types["T"]
    u, tiny, largest, _ = marks(type)
    one = Fraction(1)
    half = one / 2
    pairs: list[list[Row]] = [
        [[1 + u, 0], [3, 3 * half]], [[1 + 3 * u, 5], [0, 3 * half]], [[0, 1], [1, 0]], [[2, 3], [4, 6]], [[largest, 1], [0, 2]],
        [[1, 2], [3, 4]], [[5, -3], [2, half]],
    ]  # fmt: skip
    cubes: list[list[Row]] = [[[2, -1, 0], [-1, 2, -1], [0, -1, 2]], [[0, 2, 0], [0, 0, 3], [5, 0, 0]], [[1, 2, 3], [2, 4, 6], [1, 1, 1]]]
    if type == "float16":
        cubes.append([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    lost: list[list[Row]] = [[[tiny, 0], [0, half]], [[3 * tiny, 0], [0, half]]]
    unknown: list[list[Row]] = [[[NAN, 1], [1, 1]], [[1, 1], [1, NAN]], [[INF, 1], [1, 2]], [[1, 2], [2, NAN]]]
    stacks = [
        Tensor(type, (len(m), len(m[0]), len(m[0])), tuple(v for rows in m for row in rows for v in row))
        for m in (pairs[:6], cubes, lost, unknown, pairs)
    ]
    found = [
        *stacks,
        reshaped(stacks[0], (2, 3, 2, 2)),
        matrix(type, cubes[0]),
        matrix(type, [[1 + u]]),
        matrix(type, [[-INF]]),
    ]
    found.append(matrix(type, [[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [2, 0, 0, 3]]))
    return [_det(x) for x in [*found, Tensor(type, (0, 2, 2), ())]]
