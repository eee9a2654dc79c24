"""LinearClassifier, LinearRegressor."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.ops.common import Array
from refexec.ops.math.matmul import matmul
from refexec.ops.traditionalml.scores import class_labels, classifier_types, pair, samples, transformed, transformed_bound
from refexec.registry import op
from refexec.values import unit_roundoff


def linear_bound(call: Call):
    """The classical bound of a sum of products, carried through the transform."""
    attributes, elem = call.attributes, call.elements[-1]
    coefficients, intercepts = np.abs(attributes["coefficients"]), attributes.get("intercepts")
    outputs = attributes.get("targets", len(coefficients) // max(call.inputs[0].shape[-1], 1))
    X = samples(call.inputs[0])
    magnitude = affine(np.abs(X), coefficients, None if intercepts is None else np.abs(intercepts), outputs)
    error = (X.shape[1] + 4) * unit_roundoff(elem.dtype) * (magnitude + 1)
    raw = call.evaluate(*call.inputs, post_transform="NONE")[-1]
    bound = transformed_bound(raw, np.broadcast_to(error, raw.shape), attributes["post_transform"], elem)
    return (*[None] * (len(call.outputs) - 1), bound)


def affine(X: Array, coefficients, intercepts, outputs: int) -> Array:
    """X @ coefficients' + intercepts, where ``coefficients`` lists the rows of [outputs, F]."""
    coefficients = np.array(coefficients, np.float64)
    fits = coefficients.size == outputs * X.shape[1] and outputs > 0
    require(fits, "there is one coefficient per output and feature", coefficients=coefficients.size, outputs=outputs, X=X.shape)
    scores = matmul(X, coefficients.reshape(outputs, -1), transpose_B=True)
    if intercepts is None or not len(intercepts):
        return scores
    require(len(intercepts) == outputs, "there is one intercept per output", intercepts=len(intercepts), outputs=outputs)
    return scores + np.array(intercepts, np.float64)


@op("LinearClassifier", since=1, domain="ai.onnx.ml", arithmetic="stated", compare=rounded(linear_bound), result_types=classifier_types)
def linear_classifier_1(
    X, /, *, ctx, classlabels_ints=None, classlabels_strings=None, coefficients, intercepts=None, multi_class=0, post_transform="NONE"
):
    """Z = post_transform(X @ coefficients' + intercepts) with a row of coefficients per class; Y is the label of the largest score.

    One row for two labels scores the second, which wins above 0; the first has minus that score, or 1 minus it where no
    transform or PROBIT follows. ``multi_class`` changes nothing. Of equal scores the first class wins.
    """
    labels = class_labels(classlabels_strings, classlabels_ints)
    X = samples(X)
    rows = 1 if len(labels) == 2 and len(coefficients) == X.shape[1] else len(labels)
    scores = affine(X, coefficients, intercepts, rows)
    if rows == len(labels):
        return labels[scores.argmax(axis=1)], ctx.as_type(transformed(scores, post_transform), "float32")
    both = transformed(pair(scores, post_transform in ("NONE", "PROBIT")), post_transform)
    return labels[(scores[:, 0] > 0).astype(int)], ctx.as_type(both, "float32")


@op("LinearRegressor", since=1, domain="ai.onnx.ml", arithmetic="rounded", compare=rounded(linear_bound))
def linear_regressor_1(X, /, *, coefficients=None, intercepts=None, post_transform="NONE", targets=1):
    """Y = post_transform(X @ coefficients' + intercepts), [N, targets], with a row of coefficients per target."""
    require(coefficients is not None, "coefficients are given")
    return transformed(affine(samples(X), coefficients, intercepts, targets), post_transform)
