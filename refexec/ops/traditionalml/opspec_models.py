"""Opspecs of linear models and support vector machines.

No score is that of another class: intercepts and rho are no multiples of 1/64, which sums of products are, but for 0, where a score of 0
is not above 0. For PROBIT scores are between 0 and 1.
"""

from itertools import combinations

from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import FLOAT32, INT64, STRING

DOMAIN = "ai.onnx.ml"
TRANSFORMS = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT")
SMALL = (0.125, 0.0625)
WEIGHTS = (0.5, -0.25, 1.0, 0.125, 0.0, -1.5)


def samples(d: Draw, variable: str, span=(-9, 9)) -> tuple[Operand, int, int]:
    """[N, F], or [F] of one sample; N and F."""
    x = d.input(variable, (1, 2), span=span)
    return x, x.sizes[0] if len(x.sizes) == 2 else 1, x.sizes[-1]


def labels(d: Draw, count: int, integers: str = "classlabels_ints"):
    """Class labels; returns their type."""
    if d.flag():
        d.set("classlabels_strings", d.order(("a", "b", "é", ""))[:count])
        return STRING
    d.set(integers, d.order((0, 1, 5, -3))[:count])
    return INT64


def transforms_to_probits(d: Draw, options=TRANSFORMS) -> bool:
    """Draws ``post_transform``, mostly none; whether it is PROBIT."""
    return d.attr("post_transform", options if d.integer(0, 2) == 2 else options[:1]) == options[-1]


def weights(d: Draw, count: int, probit: bool) -> list[float]:
    return [d.pick(SMALL if probit else WEIGHTS) / (count if probit else 1) for _ in range(count)]


@opspec("LinearRegressor", 1, domain=DOMAIN)
@opspec("LinearClassifier", 1, domain=DOMAIN)
def linear(d: Draw) -> None:
    """A row of coefficients for each target or class, or, where no transform follows, one for two classes; classes have intercepts."""
    classifies = d.has("multi_class")
    probit = transforms_to_probits(d)
    x, count, features = samples(d, d.signature.inputs[0].type_str, (0, 1) if probit else (-9, 9))
    rows = d.pick([2, 3, *[1] * ("post_transform" not in d.attributes)]) if classifies else d.attr("targets", [1, 2, 3])
    d.set("coefficients", [w for _ in range(rows) for w in weights(d, features, probit)])
    if classifies or probit or d.flag():
        d.set("intercepts", d.order((0.11, 0.27, 0.43))[:rows] if rows > 1 else [d.pick((0.11, 0.0))])
    if not classifies:
        d.emit([x], Out(FLOAT32, (count, rows)))
        return
    d.attr("multi_class", [0, 1])
    classes = max(rows, 2)
    elem = labels(d, classes)
    d.emit([x], Out(elem, (count,)), Out(FLOAT32, (count, classes)))


def kernel(d: Draw, probit: bool = False, kinds=("LINEAR", "POLY", "RBF", "SIGMOID")) -> None:
    """For PROBIT one between 0 and 1."""
    kind = d.set("kernel_type", "RBF") if probit else d.attr("kernel_type", kinds)
    gamma, coef0 = d.pick([0.25, 0.125, 0.5]), d.pick([0.0, 1.0, 0.5])
    used = {"POLY": [gamma, coef0, float(d.pick([2, 3, 1]))], "RBF": [gamma, 0.0, 0.0], "SIGMOID": [gamma, coef0, 0.0]}
    if kind != "LINEAR" or d.integer(0, 3) < 3:
        d.set("kernel_params", used.get(kind, [0.0, 0.0, 0.0]))


@opspec("SVMRegressor", 1, domain=DOMAIN)
def svm_regressor(d: Draw) -> None:
    """Without support vectors there is a coefficient for each feature."""
    probit = transforms_to_probits(d)
    x, count, features = samples(d, "T", (-2, 2))
    if d.integer(0, 3) == 3:
        kernel(d, kinds=("LINEAR",))
        d.set("coefficients", weights(d, features, probit))
    else:
        kernel(d, probit)
        vectors = d.set("n_supports", d.integer(1, 4))
        d.set("support_vectors", [d.pick(WEIGHTS) for _ in range(vectors * features)])
        d.set("coefficients", weights(d, vectors, probit))
    d.set("rho", [d.pick([0.11, 0.27, 0.0])])
    d.attr("one_class", [0] if probit else [0, 1])
    d.emit([x], Out(FLOAT32, (count, 1)))


@opspec("SVMClassifier", 1, domain=DOMAIN)
def svm_classifier(d: Draw) -> None:
    """Of two or three classes, which have as many pairs, but for two; with probabilities, or without.

    Without support vectors there is a row of coefficients for each class. The rows differ, so that no two classes have one score.
    """
    probit = transforms_to_probits(d)
    x, count, features = samples(d, "T1", (-2, 2))
    classes = d.integer(2, 3)
    if not probit and d.integer(0, 3) == 3:
        kernel(d, kinds=("LINEAR",))
        rows = [[0.11 * (c + 1) + d.pick(SMALL), *weights(d, features - 1, False)] for c in range(classes)]
        d.set("coefficients", [w for row in rows for w in row])
        d.set("rho", [d.pick([0.11, 0.27])])
        d.emit([x], Out(labels(d, classes), (count,)), Out(FLOAT32, (count, classes)))
        return
    kernel(d)
    sizes = d.set("vectors_per_class", [d.integer(1, 2) for _ in range(classes)])
    d.set("support_vectors", [d.pick(WEIGHTS) for _ in range(sum(sizes) * features)])
    d.set("coefficients", weights(d, (classes - 1) * sum(sizes), False))
    pairs = len(list(combinations(range(classes), 2)))
    d.set("rho", d.order((0.11, 0.27, -0.43, 0.0))[:pairs])
    if probit or d.flag():
        d.set("prob_a", [d.pick([-1.0, -0.5]) for _ in range(pairs)])
        d.set("prob_b", [d.pick([0.0, 0.25]) for _ in range(pairs)])
    elem = labels(d, classes)
    d.emit([x], Out(elem, (count,)), Out(FLOAT32, (count, classes)))
