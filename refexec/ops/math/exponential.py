"""Exp, Log."""

import numpy as np

from refexec.comparison import ulps
from refexec.ops.common import Array
from refexec.ops.math.pointwise import each_element, pointwise
from refexec.registry import op


@each_element
@op("Exp", since=1, also=(6, 13), arithmetic="rounded", compare=ulps(4))
def exp_1(input, /):
    """e ** x: +inf where that is too large, 0 for -inf."""
    return np.exp(input)


@each_element
@op("Log", since=1, also=(6, 13), arithmetic="rounded", compare=ulps(4))
def log_1(input, /):
    """The natural logarithm: -inf for either zero, NaN below."""
    return np.log(input)


def exp(x: Array) -> Array:
    """e ** x, for bodies."""
    return pointwise(x, function=exp_1)


def log(x: Array) -> Array:
    """The natural logarithm, for bodies."""
    return pointwise(x, function=log_1)
