"""LeakyRelu, PRelu, ThresholdedRelu: linear on either side of a threshold."""

import numpy as np

from refexec.comparison import Call, discrete, exact
from refexec.errors import require
from refexec.ops.common import unidirectional
from refexec.ops.math.bounds import elementwise
from refexec.ops.math.pointwise import each_element
from refexec.registry import op
from refexec.values import ulp, widen, zero


def leaky_relu_error(x, y, dtype, *, alpha):
    """The product is rounded once, and alpha perhaps to the type of x."""
    return ulp(y, dtype) + np.abs(x) * ulp(alpha, dtype)


@each_element
@op("LeakyRelu", since=1, also=(6, 16), arithmetic="rounded", compare=elementwise(leaky_relu_error))
def leaky_relu_1(X, /, *, alpha=0.01):
    """Y = alpha * X where X < 0, else X."""
    return np.where(X < 0, alpha * X, X)


@op("PRelu", since=7, also=(9, 16), arithmetic="exact", compare=exact)
def prelu_7(X, slope, /):
    """Y = slope * X where X < 0, else X. ``slope`` broadcasts to X, one way."""
    unidirectional(slope, X.shape, name="slope")
    return np.where(X < 0, slope * X, X)


@op("PRelu", since=1, also=(6,), like=prelu_7)
def prelu_1(X, slope, /):
    """Before version 7: ``slope`` has one element, or one per channel (dimension 1)."""
    shared = slope.size == 1
    require(
        shared or (X.ndim >= 2 and slope.shape == X.shape[1:2]), "slope has one element or one per channel", slope=slope.shape, X=X.shape
    )
    return prelu_7(X, slope.reshape(()) if shared else slope.reshape(-1, *[1] * (X.ndim - 2)))


def distance_to_threshold(call: Call):
    return np.abs(call.inputs[0] - call.attributes["alpha"])


@op("ThresholdedRelu", since=10, also=(22,), arithmetic="exact", compare=discrete(distance_to_threshold))
def thresholded_relu_10(X, /, *, alpha=1.0):
    """Y = X where X > alpha, else 0; NaN is not greater and becomes 0."""
    return np.where(widen(X) > alpha, X, zero(X.dtype))
