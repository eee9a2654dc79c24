"""LayerNormalization, RMSNormalization and GroupNormalization: a first stage in the precision of stash_type, a second one in the type of X.

Each equation of the first stage is rounded to the stash type, "the floating-point precision used in stage one", its end to the type of X.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import onnx

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import combine
from conformance.exact.families.lines import matrix, normal_axis, times, total
from conformance.exact.families.normalizations import EPSILON, mean
from conformance.exact.families.placement import built, vector
from conformance.exact.families.sliding import quarters
from conformance.exact.formats import INF, NAN, Number, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)
THREE = Fraction(3)
"""An epsilon that makes 4 of a variance of 1, whose root is exact."""

Row = list[Number]
Rounding = Callable[[Number], Number]
Stage = Callable[[Row, Fraction, Rounding], Row]


def _attributes(epsilon: Fraction, stash: str | None, **others: int | None) -> dict[str, Any]:
    """Those that differ from their default."""
    kind = None if stash is None else int(onnx.TensorProto.DataType.Value(stash.upper()))
    return {**others, "stash_type": kind, "epsilon": None if epsilon == EPSILON else epsilon}


def _special(row: Row) -> bool:
    return any(isinstance(v, float) and v for v in row)


def _standardized(row: Row, epsilon: Fraction, near: Rounding) -> tuple[Number, Row, Fraction]:
    """Mean = ReduceMean(X), D = Sub(X, Mean), StdDev = Sqrt(Add(ReduceMean(Mul(D, D)), epsilon)): Mean, D and StdDev."""
    centre = near(mean(row))
    distances = [Fraction(near(Fraction(v) - Fraction(centre))) for v in row]
    spread = near(mean([near(d * d) for d in distances]))
    return centre, list(distances), Fraction(near(reals.sqrt(Fraction(near(Fraction(spread) + epsilon)))))


def _layer(row: Row, epsilon: Fraction, near: Rounding) -> Row:
    """Normalized = Mul(D, InvStdDev), then Mean, then InvStdDev = Reciprocal(StdDev)."""
    if _special(row):
        return [NAN] * len(row) + [total(row), NAN]
    centre, distances, deviation = _standardized(row, epsilon, near)
    inverse = near(1 / deviation)
    return [near(d * inverse) for d in distances] + [centre, inverse]


def _group(row: Row, epsilon: Fraction, near: Rounding) -> Row:
    """(x - mean) / sqrt(variance + epsilon)."""
    if _special(row):
        return [NAN] * len(row)
    _, distances, deviation = _standardized(row, epsilon, near)
    return [near(d / deviation) for d in distances]


def _root_mean_square(row: Row, epsilon: Fraction, near: Rounding) -> Row:
    """RMS = Sqrt(Add(ReduceMean(Mul(X, X)), epsilon)), Normalized = Div(X, RMS)."""
    if _special(row):
        divisor = NAN if any(v != v for v in row) else INF
        return [NAN if isinstance(v, float) or divisor != divisor else Fraction(0) for v in row]
    squares = near(mean([near(Fraction(v) ** 2) for v in row]))
    root = Fraction(near(reals.sqrt(Fraction(near(Fraction(squares) + epsilon)))))
    return [near(Fraction(v) / root) for v in row]


def _first(x: Tensor, size: int, stage: Stage, epsilon: Fraction, stash: str | None) -> list[Row]:
    """The stage for each ``size`` elements, cast to the stash type before; no type, no rounding."""

    def near(v: Number) -> Number:
        return round_to(v, stash) if stash else v

    cast = [near(v) for v in x.values]
    return [stage(cast[k : k + size], epsilon, near) for k in range(0, len(cast), size)]


def _back(x: Tensor, size: int, rows: Sequence[Row], stash: str) -> Tensor:
    """The normalized numbers as ones of the stash type, then of the type of x."""
    return Tensor(x.type, x.shape, tuple(round_to(round_to(v, stash), x.type) for row in rows for v in row[:size]))


def _scaled(first: Tensor, scale: Tensor, bias: Tensor | None) -> Tensor:
    """Normalized * Scale + B; of the type of the scale."""
    y = combine(times, first, scale, type=scale.type)
    return y if bias is None else combine(lambda v, b: total([v, b]), y, bias)


def _layer_case(
    x: Tensor, scale: Tensor, bias: Tensor | None = None, axis: int | None = None, epsilon: Fraction = EPSILON, stash: str | None = None
) -> Case:
    """Y, Mean and InvStdDev; the last two have the stash type and ones in place of the normalized axes."""
    place, used = normal_axis(-1 if axis is None else axis, len(x.shape)), stash or "float"
    size = math.prod(x.shape[place:])
    rows = _first(x, size, _layer, epsilon, used)
    shape = (*x.shape[:place], *[1] * (len(x.shape) - place))
    saved = [Tensor(used, shape, tuple(row[size + k] for row in rows)) for k in (0, 1)]
    y = _scaled(_back(x, size, rows, used), scale, bias)
    return Case([x, scale, bias], [y, *saved], _attributes(epsilon, stash, axis=axis))


PLACES: list[tuple[tuple[int, ...], tuple[int, ...], int | None]] = [
    ((2, 3), (3,), None), ((2, 3), (3,), -1), ((2, 3), (2, 3), 0), ((2, 2, 2), (2, 2), 1), ((2, 2, 2), (2,), 2), ((2, 2, 2), (2, 2), -2),
    ((2, 3), (1,), -1), ((2, 2, 2), (2, 2, 2), 0), ((2, 3), (2, 1), -1), ((4,), (), 0), ((1, 2, 2, 2), (2, 1, 1), -3),
]  # fmt: skip
"""Shapes of X and of the scale, which broadcasts, and the axis."""


def _powers(type: str, shape: Sequence[int]) -> Tensor:
    """A scale that no product with it rounds."""
    return built(type, shape, lambda i: [Fraction(-2), HALF, Fraction(4)][sum(i) % 3])


@oracle("LayerNormalization", 17)
def layer_normalization(types: Types, since: int) -> list[Case]:
    """Normalized numbers of 1/2, with half-way sums in the second stage; sums beyond float16; NaN; then any numbers, with powers of two as scale."""
    type, stash = types["T"], "bfloat16" if types["U"] == "bfloat16" else None
    u = marks(type)[0]
    pairs = matrix(type, [[1, -1], [4, 2], [3, 5]])
    found = [
        _layer_case(pairs, vector(type, [2, 2]), vector(type, [u / 2, -u / 2]), None, THREE, stash),
        _layer_case(pairs, vector(type, [1 + u, 3]), vector(type, [0, 1]), 1, THREE, stash),
        _layer_case(matrix(type, [[300, -300], [5, 5]]), vector(type, [1, 1]), None, None, EPSILON, stash),
        _layer_case(matrix(type, [[INF, 1], [NAN, 1], [-INF, INF]]), vector(type, [1, 0]), None, None, EPSILON, stash),
    ]
    for shape, scale, axis in PLACES if stash is None else []:
        x, factors = quarters(type, shape), _powers(type, scale)
        found += [_layer_case(x, factors, None, axis), _layer_case(x, factors, None, axis, single("0.01"), "float")]
        found.append(_layer_case(x, factors, _powers(type, scale).map(lambda v: v * 0 + 1), axis, Fraction(2) ** 20, None))
    return found + (_beyond_single(_layer_case) if type == "double" and stash is None else [])


def _beyond_single(made: Callable[[Tensor, Tensor], Case]) -> list[Case]:
    """double numbers that float32 does not tell apart; quotients that are float32 numbers in the end."""
    one = vector("double", [1, 1])
    return [made(matrix("double", rows), one) for rows in ([[10**8 + 1, 10**8 + 2]], [[1 + Fraction(1, 2**30), 1]], [[1, 2], [3, -5]])]


def _root_case(x: Tensor, scale: Tensor, axis: int | None = None, epsilon: Fraction = EPSILON, stash: str | None = None) -> Case:
    size = math.prod(x.shape[normal_axis(-1 if axis is None else axis, len(x.shape)) :])
    rows = _first(x, size, _root_mean_square, epsilon, stash or "float")
    y = _scaled(_back(x, size, rows, stash or "float"), scale, None)
    return Case([x, scale], [y], _attributes(epsilon, stash, axis=axis))


@oracle("RMSNormalization", 23)
def rms_normalization(types: Types, since: int) -> list[Case]:
    """As LayerNormalization, without a mean; the scale and Y may have another type than X."""
    type, to = types["T"], types["V"]
    u = marks(to)[0]
    pairs = matrix(type, [[1, -1], [-1, -1]])
    found = [
        _root_case(pairs, vector(to, [1 + u, 3]), None, THREE),
        _root_case(matrix(type, [[3, -3], [-3, -3]]), vector(to, [1 + u, 2]), None, Fraction(7)),
        _root_case(matrix(type, [[300, -300], [0, 0]]), vector(to, [1, 2])),
        _root_case(matrix(type, [[INF, 1], [NAN, 1], [-INF, INF]]), vector(to, [1, 2])),
    ]
    for shape, scale, axis in PLACES if type == to else []:
        x, factors = quarters(type, shape), _powers(to, scale)
        found += [_root_case(x, factors, axis), _root_case(x, factors, axis, single("0.01"), "float")]
    if type == to:
        found += [_root_case(pairs, vector(to, [1 + u, 3]), None, THREE, stash) for stash in ("float16", "bfloat16", "double")]
        found.append(_root_case(quarters(type, (2, 3)), vector(to, [1, 2, 4]), None, EPSILON, "double"))
    return found + (_beyond_single(_root_case) if type == to == "double" else [])


def _group_case(
    x: Tensor, scale: Row, bias: Row, groups: int, since: int, epsilon: Fraction = EPSILON, stash: str | None = None, free: bool = False
) -> Case:
    """Rows of all elements of a group of channels; at version 18 a scale for each group and no stash type, later one for each channel.

    ``free``: stage one has roundings, whose number depends on the equations that are taken; float32 shows them.
    """
    size, share = math.prod(x.shape[1:]) // groups, x.shape[1] // groups
    used = stash or ("float" if since >= 21 else None)
    rows = _first(x, size, _group, epsilon, used)
    first = _back(x, size, rows, used) if used else Tensor(x.type, x.shape, tuple(v for row in rows for v in row[:size]))
    by_channel = [[row[c if since >= 21 else c // share] for c in range(x.shape[1])] for row in (scale, bias)]
    y = built(x.type, x.shape, lambda i: total([times(first[i], by_channel[0][i[1]]), by_channel[1][i[1]]]))
    count = x.shape[1] if since >= 21 else groups
    inputs = [x, vector(x.type, scale[:count]), vector(x.type, bias[:count])]
    ulps = {"float": 4, "double": 4 * 2**29}.get(x.type) if used and free else None
    why = "version 21 names the precision of stage one but not its equations" if ulps else ""
    return Case(inputs, [y], _attributes(epsilon, stash, num_groups=groups), ulps, why)


GROUPS = [((1, 4, 2), 2), ((2, 4, 1, 1), 2), ((1, 4, 1, 2), 1), ((1, 4, 2, 1), 4), ((1, 2, 2, 2, 1), 2), ((1, 6, 2), 3), ((2, 2, 3), 1)]


@oracle("GroupNormalization", 18, 21)
def group_normalization(types: Types, since: int) -> list[Case]:
    """As LayerNormalization over the channels of a group."""
    type = types["T"]
    u = marks(type)[0]
    pairs = Tensor(type, (1, 4, 1), (1, -1, 4, 2))
    found = [
        _group_case(pairs, [2, 2, -2, 2], [u / 2, -u / 2, u / 2, u / 2], 2, since, THREE),
        _group_case(pairs, [1 + u, 3, -5, 7], [0, 1, -1, 2], 2, since, THREE),
        _group_case(Tensor(type, (1, 2, 2), (300, -300, 5, 5)), [1, 2], [0, 0], 2, since),
        _group_case(Tensor(type, (1, 2, 2), (INF, 1, NAN, 1)), [1, 0], [0, 1], 2, since),
    ]
    for shape, groups in GROUPS:
        scale: Row = [-2, HALF, 4, 1, -1, Fraction(1, 4)]
        for epsilon, stash in ((EPSILON, None), (single("0.01"), "float" if since >= 21 else None)):
            found.append(_group_case(quarters(type, shape), scale, [0] * 6, groups, since, epsilon, stash, free=True))
    if since >= 21 and type == "double":
        found.append(_group_case(Tensor(type, (1, 2, 1), (10**8 + 1, 10**8 + 2)), [1, 1], [0, 0], 1, since))
    return found
