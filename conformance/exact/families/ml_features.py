"""ai.onnx.ml: columns of features picked, joined, scaled, replaced and encoded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.formats import FLOATS, INF, INTEGERS, NAN, Number, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import floats, is_float, numbers, usual
from conformance.exact.values import Case, Tensor

ML = "ai.onnx.ml"
NARROW = {"float": Fraction(1, 2**23), "double": Fraction(1, 2**52), "int32": Fraction(1), "int64": Fraction(1)}
"""The distance of the numbers of each type that are next to 1."""


def odd(type: str) -> list[Number]:
    """Six numbers of the type, two of them half-way between two of float where the type has such numbers."""
    if is_float(type):
        return [
            Fraction(3, 4),
            Fraction(-5, 2),
            1 + NARROW[type],
            1 + Fraction(1, 2**24) if type == "double" else 7,
            Fraction(0),
            Fraction(1, 8),
        ]
    return [3, -5, 2**24 + 1, 2**24 + 3, 0, 1]


@oracle("ArrayFeatureExtractor", 1, domain=ML)
def array_feature_extractor(types: Types, since: int) -> list[Case]:
    """Z[..., j] = X[..., Y[j]]: the indices apply to the last axis."""
    values, picked = usual(types["T"], 12), (2, 0, 2, 1)
    indices = Tensor("int64", (4,), picked)

    def of(shape: tuple[int, ...]) -> Case:
        rows = [values[i : i + 3] for i in range(0, 12, 3)]
        z = Tensor(types["T"], (*shape[:-1], 4), tuple(row[j] for row in rows for j in picked))
        return Case([Tensor(types["T"], shape, tuple(values)), indices], [z])

    return [of((4, 3)), of((2, 2, 3))]


@oracle("Binarizer", 1, domain=ML)
def binarizer(types: Types, since: int) -> list[Case]:
    """1 where X > threshold, else 0, in the type of X; NaN is not greater."""
    x = numbers(types["T"], special=True)
    large = Tensor(types["T"], (2,), (2**24, 2**24 + (1 if types["T"] != "float" else 2)))

    def of(x: Tensor, threshold: float) -> Case:
        return Case([x], [x.map(lambda v: Fraction(int(v > threshold)))], {"threshold": threshold})

    by_default = Case([x], of(x, 0.0).outputs)
    return [by_default, of(x, 1.0), of(x, 0.5), of(large, 2.0**24)]


@oracle("FeatureVectorizer", 1, domain=ML)
def feature_vectorizer(types: Types, since: int) -> list[Case]:
    """The inputs side by side, as float; a 1-D input is one row."""
    t, v = types["T1"], odd(types["T1"])
    a, b = Tensor(t, (2, 2), tuple(v[:4])), Tensor(t, (2, 1), tuple(v[4:]))
    joined = Tensor("float", (2, 3), (v[0], v[1], v[4], v[2], v[3], v[5]))
    row = Tensor(t, (6,), tuple(v))
    return [
        Case([a, b], [joined], {"inputdimensions": [2, 1]}),
        Case([row], [Tensor("float", (1, 6), row.values)], {"inputdimensions": [6]}),
    ]


@oracle("Imputer", 1, domain=ML)
def imputer(types: Types, since: int) -> list[Case]:
    """X where it is not replaced_value, else imputed_value: one for all, or one for each column."""
    t = types["T"]
    return _float_imputer(t) if is_float(t) else _integer_imputer(t)


def _float_imputer(t: str) -> list[Case]:
    tenth = Fraction(round_to(Fraction(1, 10), "float"))
    near = Fraction(round_to(Fraction(1, 10), t)) if t == "double" else tenth + Fraction(1, 2**27)
    x = Tensor(t, (2, 4), (tenth, near, NAN, tenth, 0, tenth, INF, FLOATS[t].largest))

    def of(hit: Callable[[Number], bool], replaced: float, imputed: list[Fraction]) -> Case:
        y = tuple(imputed[i % 4 % len(imputed)] if hit(v) else v for i, v in enumerate(x.values))
        attributes = {"replaced_value_float": replaced, "imputed_value_floats": [float(v) for v in imputed]}
        return Case([x], [Tensor(t, x.shape, y)], attributes)

    columns = [Fraction(n, 4) for n in (3, -5, 7, 9)]
    return [
        of(lambda v: v == tenth, float(tenth), columns),
        of(lambda v: bool(v != v), NAN, columns[:1]),
        of(lambda v: v == 0, 0.0, columns[:1]),
    ]


def _integer_imputer(t: str) -> list[Case]:
    low, high = INTEGERS[t].lowest, INTEGERS[t].largest
    x = Tensor(t, (2, 3), (low, low + 1, 0, high, low, 0))

    def of(replaced: int, imputed: list[int]) -> Case:
        y = tuple(imputed[i % 3 % len(imputed)] if v == replaced else v for i, v in enumerate(x.values))
        return Case([x], [Tensor(t, x.shape, y)], {"replaced_value_int64": replaced, "imputed_value_int64s": imputed})

    return [of(low, [high, -1, 5]), of(0, [high]), of(high, [low])]


@oracle("Normalizer", 1, domain=ML)
def normalizer(types: Types, since: int) -> list[Case]:
    """MAX: X / max(X), L1: X / sum(X), L2: sqrt(X^2 / sum(X^2)), for each row; X where the divisor is 0.

    As it is written L2 has no sign, and its braces do not match (row normalizer-l2-sign): only numbers from 0 on are divided by it.
    """
    t = types["T"]
    signed = Tensor(t, (4, 3), (3, 1, 2, -4, -2, -8, 0, 0, 0, 5, -7, 11))
    shapes = [signed, Tensor(t, (3,), (3, 4, 12)), Tensor(t, (2, 2), (2**24, 1, -3, 3))]
    positive = [shapes[1], Tensor(t, (3, 3), (3, 1, 2, 0, 0, 0, 5, 7, 11))]
    return [
        *(_normalized(x, "L2") for x in positive),
        *(_normalized(x, norm) for x in shapes for norm in ("MAX", "L1")),
        Case([shapes[1]], [Tensor("float", (3,), (Fraction(1, 4), Fraction(1, 3), 1))]),
    ]


def _normalized(x: Tensor, norm: str) -> Case:
    width = x.shape[-1]
    rows = [x.values[i : i + width] for i in range(0, len(x.values), width)]
    divisors: dict[str, Callable[[tuple[int, ...]], int]] = {"MAX": max, "L1": sum, "L2": lambda row: sum(v * v for v in row)}
    divisor = divisors[norm]

    def of(v: int, by: int) -> Fraction:
        return Fraction(v) if by == 0 else reals.sqrt(Fraction(v * v, by)) if norm == "L2" else Fraction(v, by)

    return Case([x], [Tensor("float", x.shape, tuple(of(v, divisor(row)) for row in rows for v in row))], {"norm": norm})


@oracle("OneHotEncoder", 1, domain=ML)
def one_hot_encoder(types: Types, since: int) -> list[Case]:
    """A new last axis of len(cats): 1 at the place of the category, all 0 for none. Floats are first cast to integers."""
    t = types["T"]
    cats: list[Any]
    if t == "string":
        x, cats, name = Tensor(t, (2, 2), ("b", "", "B", "é")), ["", "é", "b"], "cats_strings"
    else:
        values: list[Number] = [Fraction(7, 4), -1, Fraction(-1, 2), 5] if is_float(t) else [1, -1, 0, INTEGERS[t].largest]
        x, cats, name = Tensor(t, (2, 2), tuple(values)), [-1, 0, 1], "cats_int64s"
    hot = [Fraction(int((v if t == "string" else int(v)) == c)) for v in x.values for c in cats]
    y = Tensor("float", (2, 2, 3), tuple(hot))
    return [Case([x], [y], {name: cats}), Case([x], [y], {name: cats, "zeros": 1})]


@oracle("Scaler", 1, domain=ML)
def scaler(types: Types, since: int) -> list[Case]:
    """(X - offset) * scale, as float; one offset and scale for all, or one for each column."""
    t, v = types["T"], odd(types["T"])
    x = Tensor(t, (2, 3), tuple(v))
    offsets, scales = [Fraction(1, 2), Fraction(-3), Fraction(0)], [Fraction(3), Fraction(1, 4), Fraction(5, 8)]

    def of(offset: list[Fraction], scale: list[Fraction]) -> Case:
        y = tuple((value - offset[i % len(offset)]) * scale[i % len(scale)] for i, value in enumerate(v))
        return Case([x], [Tensor("float", (2, 3), y)], {"offset": [float(o) for o in offset], "scale": [float(s) for s in scale]})

    special = floats(t, special=True) if is_float(t) else Tensor(t, (1,), (INTEGERS[t].largest,))
    plain = Case([special], [Tensor("float", special.shape, special.values)], {"offset": [0.0], "scale": [1.0]})
    return [of(offsets, scales), of(offsets[:1], scales[:1]), plain]
