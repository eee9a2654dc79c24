"""What the models of this folder share: samples, class labels, and the transforms of scores."""

from statistics import NormalDist

import numpy as np

from refexec.errors import RuleViolation, require
from refexec.ops.common import Array, tensor_type
from refexec.ops.math.exponential import exp
from refexec.ops.math.sigmoid import sigmoid
from refexec.ops.reduction.over import total
from refexec.values import smallest_subnormal, unit_roundoff

NEAR_ZERO = 1e-7
"""Scores up to this magnitude count as zero for SOFTMAX_ZERO."""


def samples(X: Array) -> Array:
    """X as [N, F] in float64; a vector is one sample."""
    require(X.ndim in (1, 2), "X is [N, F], or [F] for one sample", X=X.shape)
    return real(X.reshape(-1, X.shape[-1]) if X.ndim == 2 else X[None])


def real(X: Array) -> Array:
    """Numbers as float64; long double stays what it is."""
    return X.astype(np.result_type(X.dtype, np.float64), copy=False)


def exactly_one(rule: str, **lists):
    """The name and value of the one list that is set; an empty one counts as not set. ``rule`` is the constant text of the rule."""
    found = [(name, value) for name, value in lists.items() if value is not None and len(value)]
    require(len(found) == 1, rule, set=[name for name, _ in found])
    return found[0]


def class_labels(strings, ints) -> Array:
    """The labels, one per class."""
    name, labels = exactly_one("one and only one list of class labels is set", strings=strings, ints=ints)
    return np.array(labels, dtype=object if name == "strings" else np.int64)


def classifier_types(attributes, inputs):
    """Labels are strings or int64; scores are float32."""
    return tensor_type("string" if attributes.get("classlabels_strings") else "int64"), tensor_type("float32")


def pair(score: Array, probability: bool) -> Array:
    """[N, 2] from the one score [N, 1] of the second of two classes: with 1 - score for the first if it is a probability, with
    -score if it is a margin."""
    return np.concatenate([1 - score if probability else -score, score], axis=1)


def transformed(scores: Array, post_transform: str) -> Array:
    """The scores [N, E] after ``post_transform``.

    LOGISTIC: 1 / (1 + exp(-x)). SOFTMAX: over the scores of a sample. SOFTMAX_ZERO: the same over those that are not zero, zeros
    stay 0. PROBIT: the quantile of the standard normal distribution, infinite at 0 and 1, NaN outside [0, 1].
    """
    match post_transform:
        case "NONE":
            return scores
        case "LOGISTIC":
            return sigmoid(scores)
        case "SOFTMAX":
            return softmax(scores, np.full(scores.shape, True))
        case "SOFTMAX_ZERO":
            return softmax(scores, ~(np.abs(scores) <= NEAR_ZERO))
        case "PROBIT":
            return np.array([quantile(float(p)) for p in scores.flat], scores.dtype).reshape(scores.shape)
    raise RuleViolation("post_transform is NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT", post_transform=post_transform)


def softmax(scores: Array, counted: Array) -> Array:
    """Softmax over the ``counted`` scores of each row; the others are 0."""
    largest = scores.max(axis=1, keepdims=True, initial=-np.inf, where=counted)
    e = np.where(counted, exp(scores - largest), 0)
    return e / np.where(counted.any(axis=1, keepdims=True), total(e, 1, keepdims=True), 1)


def quantile(p: float) -> float:
    """x such that a standard normal variable is below x with probability p."""
    if 0 < p < 1:
        return NormalDist().inv_cdf(p)
    return -np.inf if p == 0 else np.inf if p == 1 else np.nan


def transformed_bound(raw: Array, error: Array, post_transform: str, elem) -> Array:
    """How wrong transformed scores may be when the scores ``raw`` are wrong by ``error``: the derivative of the transform times
    that, and a few roundoffs of its own."""
    u = unit_roundoff(elem.dtype)
    y = np.abs(transformed(raw, post_transform))
    match post_transform:
        case "NONE":
            bound = error
        case "LOGISTIC":
            bound = error / 4 + 4 * u
        case "PROBIT":
            bound = (error + 2 * u) * np.sqrt(2 * np.pi) * np.exp(np.where(np.isfinite(y), y, 0) ** 2 / 2) + 8 * u * y
        case _:
            spread = np.abs(raw).max(axis=1, keepdims=True, initial=0)
            bound = (2 * np.max(error, axis=1, keepdims=True, initial=0) + (2 * spread + raw.shape[1] + 8) * u) * y
    return bound + smallest_subnormal(elem.dtype)
