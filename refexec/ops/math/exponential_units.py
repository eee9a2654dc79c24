"""Elu, Celu, Selu, Softplus, Mish: units made of exponentials."""

import numpy as np

from refexec.errors import require
from refexec.ops.common import Array
from refexec.ops.math.bounds import elementwise, gate_error
from refexec.ops.math.pointwise import each_element, pointwise
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.values import ulp, unit_roundoff


def elu_error(x, y, dtype, *, alpha):
    """exp(x) - 1, when computed so, is off by a few roundoffs of 1."""
    return np.abs(alpha) * 6 * unit_roundoff(dtype) + ulp(alpha, dtype) + 2 * ulp(y, dtype)


@each_element
@op("Elu", since=1, also=(6, 22), arithmetic="rounded", compare=elementwise(elu_error))
def elu_1(X, /, *, alpha=1.0):
    """Y = alpha * (exp(X) - 1) where X < 0, else X."""
    return np.where(X < 0, alpha * np.expm1(np.minimum(X, 0)), X)


def celu_error(x, y, dtype, *, alpha):
    """As for Elu; the rounding of x / alpha moves the exponential by x / alpha roundoffs of itself."""
    exponential = np.abs(alpha) * np.exp(np.where(x < 0, x / alpha, 0))
    u = unit_roundoff(dtype)
    return (np.abs(alpha) + exponential) * 6 * u + 4 * u * np.abs(x) * (1 + exponential / np.abs(alpha)) + 2 * ulp(y, dtype)


@op("Celu", since=12, also=(28,), arithmetic="rounded", compare=elementwise(celu_error))
def celu_12(X, /, *, alpha=1.0):
    """Y = max(0, X) + min(0, alpha * (exp(X / alpha) - 1))."""
    require(alpha != 0, "alpha is not 0, as X is divided by it")
    return np.maximum(0, X) + np.minimum(0, alpha * np.expm1(X / alpha))


@lowers(celu_12)
def lower_celu(attributes, shapes):
    return Lowered(pointwise, (0,), {"function": celu_12, **attributes}) if attributes["alpha"] != 0 else None


def selu_error(x, y, dtype, *, alpha, gamma):
    """alpha * exp(x) - alpha, when computed so, is off by a few roundoffs of alpha; gamma and alpha are perhaps rounded."""
    u = unit_roundoff(dtype)
    return np.abs(gamma) * np.abs(alpha) * 12 * u + 4 * ulp(y, dtype)


@each_element
@op("Selu", since=6, also=(22,), arithmetic="rounded", compare=elementwise(selu_error))
def selu_6(X, /, *, alpha=1.6732631921768188, gamma=1.0507010221481323):
    """Y = gamma * alpha * (exp(X) - 1) where X <= 0, else gamma * X."""
    return gamma * np.where(X <= 0, alpha * np.expm1(np.minimum(X, 0)), X)


@each_element
@op("Selu", since=1, like=selu_6)
def selu_1(X, /, *, alpha=1.6732, gamma=1.0507):
    """Before version 6: the coefficients have five digits."""
    return selu_6(X, alpha=alpha, gamma=gamma)


def softplus_error(x, y, dtype):
    """ln(exp(x) + 1), when computed so, is off by a few roundoffs of 1, and of itself."""
    return 8 * unit_roundoff(dtype) + 4 * ulp(y, dtype)


@each_element
@op("Softplus", since=1, also=(22,), arithmetic="rounded", compare=elementwise(softplus_error))
def softplus_1(X, /):
    """Y = ln(exp(X) + 1), computed so that exp does not overflow."""
    return softplus(X)


def softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@each_element
@op("Mish", since=18, also=(22,), arithmetic="rounded", compare=elementwise(gate_error(16)))
def mish_18(X, /):
    """Y = X * tanh(ln(exp(X) + 1)); NaN for -inf, where it is -inf * 0."""
    return X * np.tanh(softplus(X))
