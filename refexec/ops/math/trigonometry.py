"""Sin, Cos, Tan, their inverses, and the hyperbolic functions. Angles are in radians; outside the domain the result is NaN."""

import numpy as np

from refexec.comparison import ulps
from refexec.ops.common import Array
from refexec.ops.math.bounds import elementwise
from refexec.ops.math.pointwise import each_element, pointwise
from refexec.registry import op
from refexec.values import smallest_subnormal, ulp, unit_roundoff


def circular_error(x, y, dtype):
    """Taking multiples of pi / 2 off in the type itself leaves a few roundoffs of 1, however small the result."""
    return 8 * unit_roundoff(dtype) + 2 * ulp(y, dtype)


def tanh_error(x, y, dtype):
    """Rational functions scale x down before they scale it up again, which costs bits below the normal range."""
    return 16 * ulp(y, dtype) + 256 * smallest_subnormal(dtype)


@each_element
@op("Sin", since=7, also=(22,), arithmetic="rounded", compare=elementwise(circular_error))
def sin_7(input, /):
    """sin(x); NaN for an infinity."""
    return np.sin(input)


@each_element
@op("Cos", since=7, also=(22,), arithmetic="rounded", compare=elementwise(circular_error))
def cos_7(input, /):
    """cos(x); NaN for an infinity."""
    return np.cos(input)


@each_element
@op("Tan", since=7, also=(22,), arithmetic="rounded", compare=ulps(4))
def tan_7(input, /):
    """tan(x); NaN for an infinity."""
    return np.tan(input)


@each_element
@op("Asin", since=7, also=(22,), arithmetic="rounded", compare=ulps(8))
def asin_7(input, /):
    """The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]."""
    return np.arcsin(input)


@each_element
@op("Acos", since=7, also=(22,), arithmetic="rounded", compare=ulps(8))
def acos_7(input, /):
    """The angle in [0, pi] whose cosine is x; NaN outside [-1, 1]."""
    return np.arccos(input)


@each_element
@op("Atan", since=7, also=(22,), arithmetic="rounded", compare=ulps(8))
def atan_7(input, /):
    """The angle in [-pi/2, pi/2] whose tangent is x."""
    return np.arctan(input)


@each_element
@op("Sinh", since=9, also=(22,), arithmetic="rounded", compare=ulps(4))
def sinh_9(input, /):
    """(exp(x) - exp(-x)) / 2."""
    return np.sinh(input)


@each_element
@op("Cosh", since=9, also=(22,), arithmetic="rounded", compare=ulps(4))
def cosh_9(input, /):
    """(exp(x) + exp(-x)) / 2."""
    return np.cosh(input)


@each_element
@op("Tanh", since=1, also=(6, 13), arithmetic="rounded", compare=elementwise(tanh_error))
def tanh_1(input, /):
    """sinh(x) / cosh(x)."""
    return np.tanh(input)


@each_element
@op("Asinh", since=9, also=(22,), arithmetic="rounded", compare=ulps(4))
def asinh_9(input, /):
    """The x whose hyperbolic sine is the input."""
    return np.arcsinh(input)


@each_element
@op("Acosh", since=9, also=(22,), arithmetic="rounded", compare=ulps(4))
def acosh_9(input, /):
    """The x >= 0 whose hyperbolic cosine is the input; NaN below 1."""
    return np.arccosh(input)


@each_element
@op("Atanh", since=9, also=(22,), arithmetic="rounded", compare=ulps(4))
def atanh_9(input, /):
    """The x whose hyperbolic tangent is the input; infinite at -1 and 1, NaN beyond."""
    return np.arctanh(input)


def sin(x: Array) -> Array:
    """The sine, for bodies."""
    return pointwise(x, function=sin_7)


def cos(x: Array) -> Array:
    """The cosine, for bodies."""
    return pointwise(x, function=cos_7)


def cosh(x: Array) -> Array:
    """The hyperbolic cosine, for bodies."""
    return pointwise(x, function=cosh_9)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent, for bodies."""
    return pointwise(x, function=tanh_1)
