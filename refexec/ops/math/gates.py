"""HardSigmoid, HardSwish, Swish, SwiGLU, Gelu, Softsign: the input times a soft step, and soft steps."""

import numpy as np

from refexec.comparison import ulps
from refexec.errors import require
from refexec.ops.common import pi
from refexec.ops.math.bounds import elementwise, gate_error
from refexec.ops.math.erf import erfc
from refexec.ops.math.pointwise import each_element, pointwise
from refexec.ops.math.sigmoid import sigmoid
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.values import ulp, unit_roundoff


def hard_sigmoid_error(x, y, dtype, *, alpha, beta):
    """Two roundings, and perhaps those of alpha and beta; nothing is left of that far inside the flat parts."""
    inner = alpha * x + beta
    error = 3 * unit_roundoff(dtype) * (np.abs(alpha * x) + np.abs(beta)) + (np.abs(x) * ulp(alpha, dtype) + ulp(beta, dtype))
    beyond = np.maximum(np.maximum(inner - 1, -inner), 0)
    return np.maximum(error - beyond, 0)


@each_element
@op("HardSigmoid", since=1, also=(6, 22), arithmetic="rounded", compare=elementwise(hard_sigmoid_error))
def hard_sigmoid_1(X, /, *, alpha=0.2, beta=0.5):
    """Y = max(0, min(1, alpha * X + beta)); NaN stays NaN."""
    return np.maximum(0, np.minimum(1, alpha * X + beta))


def hard_swish_error(x, y, dtype):
    return np.abs(x) * hard_sigmoid_error(x, y, dtype, alpha=1 / 6, beta=0.5) + 2 * ulp(y, dtype)


@each_element
@op("HardSwish", since=14, also=(22,), arithmetic="rounded", compare=elementwise(hard_swish_error))
def hard_swish_14(X, /):
    """Y = X * max(0, min(1, X / 6 + 1 / 2)); NaN for -inf, where it is -inf * 0."""
    return X * np.maximum(0, np.minimum(1, X / 6 + 0.5))


def swish_error(x, y, dtype, *, alpha):
    """The sigmoid is off by a few roundoffs of 1. The rounding of alpha * x moves it by at most one of its own."""
    return 8 * unit_roundoff(dtype) * np.abs(x) + 2 * ulp(y, dtype) + np.abs(x) * np.abs(x) * ulp(alpha, dtype) / 4


@each_element
@op("Swish", since=24, arithmetic="rounded", compare=elementwise(swish_error))
def swish_24(X, /, *, alpha=1.0):
    """Y = X * sigmoid(alpha * X); NaN where an infinity meets 0."""
    return X * sigmoid(alpha * X)


def swi_glu_error(a, b, y, dtype, *, alpha):
    return np.abs(b) * swish_error(a, swish_24(a, alpha=alpha), dtype, alpha=alpha) + ulp(y, dtype)


@op("SwiGLU", since=28, arithmetic="rounded", compare=elementwise(swi_glu_error))
def swi_glu_28(A, B, /, *, alpha=1.0):
    """Y = A * sigmoid(alpha * A) * B. Nothing is broadcast."""
    require(A.shape == B.shape, "A and B have identical shapes", A=A.shape, B=B.shape)
    return pointwise(A, function=swish_24, alpha=alpha) * B


@op("Gelu", since=20, arithmetic="rounded", compare=elementwise(gate_error(8)))
def gelu_20(X, /, *, approximate="none"):
    """Y = X * (1 + erf(X / sqrt(2))) / 2, or with ``tanh`` X * (1 + tanh(sqrt(2 / pi) * (X + 0.044715 * X**3))) / 2.

    NaN for -inf, where it is -inf * 0.
    """
    require(approximate in ("none", "tanh"), 'approximate is "none" or "tanh"', approximate=approximate)
    if approximate == "tanh":
        return X * sigmoid(np.sqrt(2 / pi(X.dtype)) * (X + 0.044715 * X**3) * 2)
    return X * (erfc(X / -np.sqrt(X.dtype.type(2))) / 2)


@lowers(gelu_20)
def lower_gelu(attributes, shapes):
    if attributes["approximate"] not in ("none", "tanh"):
        return None
    return Lowered(pointwise, (0,), {"function": gelu_20, **attributes})


@each_element
@op("Softsign", since=1, also=(22,), arithmetic="rounded", compare=ulps(3))
def softsign_1(input, /):
    """input / (1 + |input|); NaN for an infinity."""
    return input / (1 + np.abs(input))
