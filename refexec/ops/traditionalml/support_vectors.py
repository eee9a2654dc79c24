"""SVMClassifier, SVMRegressor."""

import itertools

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import RuleViolation, require
from refexec.limits import claim
from refexec.ops.common import Array
from refexec.ops.math.exponential import exp
from refexec.ops.math.matmul import matmul
from refexec.ops.math.trigonometry import tanh
from refexec.ops.reduction.over import total
from refexec.ops.traditionalml.pairwise_coupling import probabilities
from refexec.ops.traditionalml.scores import class_labels, classifier_types, pair, samples, transformed, transformed_bound
from refexec.registry import op
from refexec.values import unit_roundoff


def kernel(X: Array, V: Array, kernel_type: str, kernel_params) -> Array:
    """K[n, s] of sample n and vector s. With kernel_params = (gamma, coef0, degree):

    LINEAR: x . v. POLY: (gamma x . v + coef0) ** degree. RBF: exp(-gamma |x - v|**2). SIGMOID: tanh(gamma x . v + coef0).
    """
    if kernel_type == "LINEAR":
        return matmul(X, V, transpose_B=True)
    require(kernel_params is not None and len(kernel_params) == 3, "kernel_params are gamma, coef0, degree", kernel_params=kernel_params)
    gamma, coef0, degree = kernel_params
    match kernel_type:
        case "POLY":
            return np.power(gamma * matmul(X, V, transpose_B=True) + coef0, degree)
        case "RBF":
            claim((len(X), *V.shape), X.dtype)
            return exp(-gamma * total(np.square(X[:, None] - V), 2))
        case "SIGMOID":
            return tanh(gamma * matmul(X, V, transpose_B=True) + coef0)
    raise RuleViolation("kernel_type is LINEAR, POLY, RBF or SIGMOID", kernel_type=kernel_type)


def kernel_error(X: Array, V: Array, kernel_type: str, kernel_params) -> tuple[Array, Array]:
    """The magnitude of K, and how many roundoffs K may be off by: sums of products are off by their number times the same sum over
    magnitudes."""
    terms = X.shape[1] + 6
    product = matmul(np.abs(X), np.abs(V), transpose_B=True)
    if kernel_type == "LINEAR":
        return product, terms * product
    gamma, coef0, degree = map(abs, kernel_params)
    argument = gamma * product + coef0
    if kernel_type == "POLY":
        return argument**degree, terms * max(degree, 1) * argument**degree
    if kernel_type == "SIGMOID":
        return np.ones_like(product), terms * argument + 4
    exponent = gamma * np.square(X[:, None] - V).sum(axis=2)
    K = np.exp(-exponent)
    return K, (terms * exponent + 4) * K


def machine(X, coefficients, support_vectors, count, kernel_type):
    """The vectors [S, F] that samples meet and the coefficients: without support vectors each row of coefficients is a vector of a
    linear kernel."""
    coefficients = np.array(coefficients or (), np.float64)
    if count:
        vectors = np.array(support_vectors or (), np.float64)
        require(vectors.size == count * X.shape[1], "support_vectors are [vectors, F]", size=vectors.size, vectors=count, X=X.shape)
        return vectors.reshape(count, -1), coefficients, kernel_type
    fits = X.shape[1] > 0 and coefficients.size and coefficients.size % X.shape[1] == 0
    require(fits, "without support vectors, coefficients are [outputs, F]", size=coefficients.size, X=X.shape)
    return coefficients.reshape(-1, X.shape[1]), np.ones(()), "LINEAR"


def largest_error(call: Call, count: int) -> tuple[Array, Array]:
    """Per sample [N, 1]: how wrong any of its raw scores may be."""
    a, u = call.attributes, unit_roundoff(call.elements[-1].dtype)
    X = samples(call.inputs[0])
    V, coefficients, kernel_type = machine(X, a.get("coefficients"), a.get("support_vectors"), count, a["kernel_type"])
    magnitude, error = kernel_error(X, V, kernel_type, a.get("kernel_params"))
    weight = np.abs(coefficients).reshape(-1, len(V)).sum(axis=0) if count else np.ones(len(V))
    return u * matmul(error + (count + 4) * magnitude, weight[:, None]) + 4 * u * (np.abs(a["rho"]).max() + 1)


def regressor_bound(call: Call):
    if call.attributes["one_class"]:
        return (None,)
    (raw,) = call.evaluate(*call.inputs, post_transform="NONE")
    error = largest_error(call, call.attributes["n_supports"])
    return (transformed_bound(raw, error, call.attributes["post_transform"], call.elements[0]),)


@op("SVMRegressor", since=1, domain="ai.onnx.ml", arithmetic="rounded", compare=rounded(regressor_bound))
def svm_regressor_1(
    X, /, *, coefficients=None, kernel_params=None, kernel_type="LINEAR", n_supports=0, one_class=0, post_transform="NONE", rho=None,
    support_vectors=None,
):  # fmt: skip
    """Y[n, 0] = rho + sum over s of coefficients[s] * K(X[n], support_vectors[s]); rho + coefficients . X[n] without support vectors.

    ``one_class``: 1 where that is above 0, else -1, before the transform.
    """
    X = samples(X)
    require(rho is not None and len(rho) == 1, "rho is one number", rho=rho)
    require(n_supports >= 0, "n_supports is not negative", n_supports=n_supports)
    V, coefficients, kernel_type = machine(X, coefficients, support_vectors, n_supports, kernel_type)
    fits = coefficients.shape == (n_supports,) if n_supports else len(V) == 1
    require(fits, "there is one coefficient per support vector, or one per feature", coefficients=coefficients.size)
    Y = total(kernel(X, V, kernel_type, kernel_params) * coefficients, 1, keepdims=True) + rho[0]
    return transformed(np.where(Y > 0, 1.0, -1.0).astype(Y.dtype) if one_class else Y, post_transform)


def classifier_bound(call: Call):
    """Probabilities may come from an iteration that stops within 0.005 / classes."""
    a, X = call.attributes, call.inputs[0]
    error = largest_error(call, sum(a.get("vectors_per_class") or ()))
    raw = call.evaluate(X, post_transform="NONE")[1]
    if a.get("prob_a") and a.get("vectors_per_class"):
        error = error * np.abs(a["prob_a"]).max() + 0.005 / raw.shape[1]
    return None, transformed_bound(raw, np.broadcast_to(error, raw.shape), a["post_transform"], call.elements[1])


@op("SVMClassifier", since=1, domain="ai.onnx.ml", arithmetic="stated", compare=rounded(classifier_bound), result_types=classifier_types)
def svm_classifier_1(
    X, /, *, ctx, classlabels_ints=None, classlabels_strings=None, coefficients=None, kernel_params=None, kernel_type="LINEAR",
    post_transform="NONE", prob_a=None, prob_b=None, rho=None, support_vectors=None, vectors_per_class=None,
):  # fmt: skip
    """Y: the label with the most votes of the machines for each pair of classes. Z: their scores, or probabilities of the classes
    when ``prob_a`` and ``prob_b`` are given.

    The machine of classes i < j votes for i where rho + sum of coefficient * K over the vectors of both is above 0. Row j - 1 of
    the coefficients [classes - 1, vectors] holds those of the vectors of i, row i those of j. Of two classes Z is [-score, score].
    Without support vectors the score of class c is rho[0] + coefficients[c] . x, and the largest wins. Of equals the first wins.
    """
    X = samples(X)
    labels = class_labels(classlabels_strings, classlabels_ints)
    sizes = tuple(vectors_per_class or ())
    require(min(sizes, default=0) >= 0, "vectors_per_class are not negative", vectors_per_class=sizes)
    V, coefficients, kernel_type = machine(X, coefficients, support_vectors, sum(sizes), kernel_type)
    pairs = list(itertools.combinations(range(len(labels)), 2))
    rho = tuple(rho or ())
    K = kernel(X, V, kernel_type, kernel_params)
    if not sum(sizes):
        require(len(V) == len(labels) and len(rho) >= 1, "there is a row of coefficients per class, and rho", rows=len(V), rho=rho)
        return labels[(K + rho[0]).argmax(axis=1)], ctx.as_type(transformed(K + rho[0], post_transform), "float32")
    fits = len(sizes) == len(labels) > 1 and len(rho) == len(pairs) and coefficients.size == (len(labels) - 1) * len(V)
    require(fits, "vectors_per_class, rho and coefficients fit the number of classes", classes=len(labels), rho=len(rho), of=sizes)
    decisions = pairwise(K, coefficients.reshape(-1, len(V)), np.cumsum((0, *sizes)), pairs) + np.array(rho)
    votes = np.zeros((len(X), len(labels)), np.int64)
    for column, (i, j) in enumerate(pairs):
        votes[:, i] += decisions[:, column] > 0
        votes[:, j] += decisions[:, column] <= 0
    scores = decisions
    if prob_a or prob_b:
        fits = len(prob_a or ()) == len(prob_b or ()) == len(pairs)
        require(fits, "prob_a and prob_b have one number per pair of classes", prob_a=prob_a, prob_b=prob_b, pairs=len(pairs))
        scores = probabilities(decisions * np.array(prob_a) + np.array(prob_b), len(labels), pairs)
    elif len(pairs) == 1:
        scores = pair(decisions, probability=False)
    return labels[votes.argmax(axis=1)], ctx.as_type(transformed(scores, post_transform), "float32")


def pairwise(K: Array, coefficients: Array, starts: Array, pairs) -> Array:
    """[N, pairs]: the decision of each pair of classes, but for rho."""
    parts = [slice(a, b) for a, b in itertools.pairwise(starts)]
    both = [
        matmul(K[:, parts[i]], coefficients[j - 1, parts[i]]) + matmul(K[:, parts[j]], coefficients[i, parts[j]]) for i, j in pairs
    ]  # fmt: skip
    return np.stack(both, axis=1)
