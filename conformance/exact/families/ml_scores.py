"""ai.onnx.ml: what post_transform makes of a row of scores, and the linear models."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.formats import INTEGERS
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer, single
from conformance.exact.values import Case, Tensor

__all__ = ["ML", "TRANSFORMS", "best", "labels_of", "probit", "transform"]

ML = "ai.onnx.ml"
TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def probit(p: Fraction) -> Fraction:
    """The x with (1 + erf(x / sqrt(2))) / 2 = p, by Newton's iteration; 0 < p < 1."""
    x = Fraction(0)
    for _ in range(12):
        error = (1 + reals.erf(x / reals.sqrt(2))) / 2 - p
        x = Fraction(round((x - error * reals.sqrt(2 * reals.PI) * reals.exp(x * x / 2)) * 10**50), 10**50)
    return x


def transform(name: str, scores: Sequence[Fraction]) -> list[Fraction]:
    """The row of scores after post_transform. SOFTMAX_ZERO is SOFTMAX as long as no score is 0."""
    if name == "NONE":
        return list(scores)
    if name == "LOGISTIC":
        return [1 / (1 + reals.exp(-s)) for s in scores]
    if name == "PROBIT":
        return [probit(s) for s in scores]
    powers = [reals.exp(s) for s in scores]
    return [p / sum(powers) for p in powers]


def best(scores: Sequence[Fraction]) -> int:
    """The place of the largest score, of which there is one."""
    if sorted(scores)[-1] == sorted(scores)[-2]:
        raise ValueError("two classes are equal")
    return max(range(len(scores)), key=lambda i: scores[i])


def labels_of(type: str, count: int, ints: str = "classlabels_ints") -> tuple[list[Any], str]:
    """Class labels of a type, and the attribute that holds them."""
    if type == "string":
        return ["b", "", "é", "A"][:count], "classlabels_strings"
    return [7, -(2**40), 3, 0][:count], ints


def rows_of(type: str) -> list[list[Fraction]]:
    """Two rows of two features."""
    if is_integer(type):
        return [[Fraction(3), Fraction(-2)], [Fraction(-1), Fraction(5)]]
    return [[Fraction(3, 4), Fraction(-5, 2)], [1 + Fraction(1, 2**20), Fraction(3, 8)]]


def linear(
    rows: Sequence[Sequence[Fraction]], weights: Sequence[Sequence[Fraction]], intercepts: Sequence[Fraction]
) -> list[list[Fraction]]:
    """x . w + b for each row x and each pair of w and b."""
    return [[sum((x * w for x, w in zip(row, ws, strict=True)), b) for ws, b in zip(weights, intercepts, strict=True)] for row in rows]


WEIGHTS = [[single("0.1"), Fraction(1, 4)], [Fraction(-1, 2), single("0.3")], [Fraction(1, 8), Fraction(-1, 16)]]
INTERCEPTS = [Fraction(1, 2), Fraction(3, 2), Fraction(-1, 8)]
SMALL = [[Fraction(1, 64), Fraction(-1, 64)], [Fraction(-1, 32), Fraction(1, 64)], [Fraction(0), Fraction(1, 32)]]
"""Weights that leave scores between 0 and 1 with the intercepts of PROBABLE."""
PROBABLE = [Fraction(1, 2), Fraction(3, 4), Fraction(1, 4)]


def _flat(rows: Sequence[Sequence[Fraction]]) -> list[float]:
    return [float(v) for row in rows for v in row]


@oracle("LinearRegressor", 1, domain=ML)
def linear_regressor(types: Types, since: int) -> list[Case]:
    """Y[n, t] = post_transform(X[n] . coefficients[t] + intercepts[t])."""
    rows = rows_of(types["T"])
    x = Tensor.of(types["T"], rows)
    cases = []
    for name in TRANSFORMS:
        weights, intercepts = (SMALL, PROBABLE) if name == "PROBIT" else (WEIGHTS, INTERCEPTS)
        scores = [transform(name, row) for row in linear(rows, weights, intercepts)]
        attributes = {"targets": 3, "coefficients": _flat(weights), "intercepts": _flat([intercepts]), "post_transform": name}
        cases.append(Case([x], [Tensor.of("float", scores)], attributes))
    single = linear(rows, WEIGHTS[:1], [Fraction(0)])
    return [*cases, Case([x], [Tensor.of("float", single)], {"coefficients": _flat(WEIGHTS[:1])}), *_large(types["T"])]


def _large(type: str) -> list[Case]:
    """Features that are no floats: their difference is exact all the same."""
    base = {"int64": 2**30, "int32": 2**30, "double": 2**30}.get(type)
    if base is None:
        return []
    x = Tensor(type, (1, 2), (base + 3, base))
    return [Case([x], [Tensor("float", (1, 1), (3,))], {"coefficients": [1.0, -1.0]})]


@oracle("LinearClassifier", 1, domain=ML)
def linear_classifier(types: Types, since: int) -> list[Case]:
    """Z = post_transform(X . coefficients[e] + intercepts[e]), Y the label of the largest score."""
    rows = rows_of(types["T1"])
    labels, name = labels_of(types["T2"], 3)
    cases = []
    for post in TRANSFORMS:
        weights, intercepts = (SMALL, PROBABLE) if post == "PROBIT" else (WEIGHTS, INTERCEPTS)
        scores = linear(rows, weights, intercepts)
        y = Tensor(types["T2"], (2,), tuple(labels[best(row)] for row in scores))
        z = Tensor.of("float", [transform(post, row) for row in scores])
        attributes = {"coefficients": _flat(weights), "intercepts": _flat([intercepts]), "post_transform": post, name: labels}
        cases.append(Case([Tensor.of(types["T1"], rows)], [y, z], attributes))
    return [*cases, _extremes(types["T1"], types["T2"])]


def _extremes(type: str, label_type: str) -> Case:
    """Two classes, no intercepts, one row."""
    large = Fraction(INTEGERS[type].largest if is_integer(type) else 2**40)
    labels, name = labels_of(label_type, 2)
    y, z = Tensor(label_type, (1,), (labels[1],)), Tensor("float", (1, 2), (-large, large / 2))
    return Case([Tensor(type, (1, 1), (large,))], [y, z], {"coefficients": [-1.0, 0.5], name: labels})
