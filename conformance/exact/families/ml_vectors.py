"""ai.onnx.ml: support vector machines. The text names the parts; kernels and decision are those of the method itself."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.families.ml_scores import ML, TRANSFORMS, labels_of, rows_of, transform
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Any_, Case, Tensor

GAMMA, COEF0 = Fraction(1, 4), Fraction(1, 2)
VECTORS = [[Fraction(1, 2), Fraction(-1, 4)], [Fraction(1), Fraction(3, 4)], [Fraction(-1, 2), Fraction(1, 8)]]
COEFFICIENTS = [Fraction(3, 4), Fraction(-1, 2), Fraction(5, 8)]
Row = Sequence[Fraction]


def kernel(name: str, u: Row, v: Row) -> Fraction:
    """u.v, (gamma u.v + coef0)^3, exp(-gamma |u - v|^2), tanh(gamma u.v + coef0)."""
    dot = sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))
    if name == "LINEAR":
        return dot
    if name == "RBF":
        return reals.exp(-GAMMA * sum((a - b) ** 2 for a, b in zip(u, v, strict=True)))
    inner = GAMMA * dot + COEF0
    return inner**3 if name == "POLY" else reals.tanh(inner)


def _parameters(name: str) -> dict[str, Any]:
    return {"kernel_type": name, "kernel_params": [float(GAMMA), float(COEF0), 3.0]}


def _decision(name: str, row: Row, rho: Fraction) -> Fraction:
    return sum((c * kernel(name, row, v) for c, v in zip(COEFFICIENTS, VECTORS, strict=True)), rho)


def _machine(rho: Fraction) -> dict[str, Any]:
    return {
        "support_vectors": [float(v) for row in VECTORS for v in row],
        "coefficients": [float(c) for c in COEFFICIENTS],
        "rho": [float(rho)],
    }


@oracle("SVMRegressor", 1, domain=ML)
def svm_regressor(types: Types, since: int) -> list[Case]:
    """sum(coefficients[i] * K(X, support_vectors[i])) + rho; its sign for a one-class machine; X . coefficients + rho without vectors."""
    rows = rows_of(types["T"])
    x = Tensor.of(types["T"], rows)
    cases = []
    for name in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        for one_class in (0, 1):
            scores = [_decision(name, row, Fraction(-1, 8)) for row in rows]
            values = [Fraction(1 if s > 0 else -1) for s in scores] if one_class else scores
            attributes = {**_machine(Fraction(-1, 8)), **_parameters(name), "n_supports": 3, "one_class": one_class}
            cases.append(Case([x], [Tensor("float", (2, 1), tuple(values))], attributes))
    plain = [row[0] * Fraction(3, 4) + row[1] * Fraction(-1, 2) + Fraction(9, 8) for row in rows]
    linear = {"coefficients": [0.75, -0.5], "rho": [1.125], "kernel_type": "LINEAR"}
    logistic = [transform("LOGISTIC", [s])[0] for s in plain]
    return [
        *cases,
        Case([x], [Tensor("float", (2, 1), tuple(plain))], linear),
        Case([x], [Tensor("float", (2, 1), tuple(logistic))], {**linear, "post_transform": "LOGISTIC"}),
    ]


@oracle("SVMClassifier", 1, domain=ML)
def svm_classifier(types: Types, since: int) -> list[Case]:
    """Of two classes: the first where the decision is above 0; its probability is 1 / (1 + exp(prob_a * decision + prob_b)).

    Raw scores of support vectors have no formula in the text: only their shape is compared. Nor have probabilities of more classes,
    which no case asks for.
    """
    cases = [_two_classes(types, name, rated) for name in ("LINEAR", "POLY", "RBF", "SIGMOID") for rated in (False, True)]
    return [*cases, *(_without_vectors(types, post) for post in TRANSFORMS if post != "PROBIT")]


def _two_classes(types: Types, name: str, rated: bool) -> Case:
    rows = rows_of(types["T1"])
    labels, attribute = labels_of(types["T2"], 2)
    decisions = [_decision(name, row, Fraction(-1, 8)) for row in rows]
    a, b = Fraction(-2), Fraction(1, 4)
    first = [1 / (1 + reals.exp(a * d + b)) for d in decisions]
    y = [labels[0 if d > 0 else 1] for d in decisions]
    z = Tensor("float", (2, 2), tuple(v for p in first for v in (p, 1 - p))) if rated else Any_("float", (2, 2))
    attributes = {**_machine(Fraction(-1, 8)), **_parameters(name), "vectors_per_class": [1, 2], attribute: labels}
    if rated:
        attributes |= {"prob_a": [float(a)], "prob_b": [float(b)]}
    inputs, outputs = [Tensor.of(types["T1"], rows)], [Tensor(types["T2"], (2,), tuple(y)), z]
    return Case(inputs, outputs, attributes)


def _without_vectors(types: Types, post: str) -> Case:
    """A linear model of three classes: X . coefficients[e] + rho."""
    rows = rows_of(types["T1"])
    labels, attribute = labels_of(types["T2"], 3)
    weights = [[Fraction(1, 4), Fraction(1, 8)], [Fraction(-1, 2), Fraction(3, 8)], [Fraction(3, 16), Fraction(-1, 4)]]
    scores = [[row[0] * w[0] + row[1] * w[1] + Fraction(1, 32) for w in weights] for row in rows]
    y = [labels[max(range(3), key=lambda i: s[i])] for s in scores]
    z = [transform(post, s) for s in scores]
    attributes = {"coefficients": [float(v) for w in weights for v in w], "rho": [1 / 32], "post_transform": post, attribute: labels}
    return Case([Tensor.of(types["T1"], rows)], [Tensor(types["T2"], (2,), tuple(y)), Tensor.of("float", z)], attributes)
