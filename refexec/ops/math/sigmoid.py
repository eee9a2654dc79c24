"""Sigmoid."""

import numpy as np

from refexec.ops.common import Array
from refexec.ops.math.bounds import elementwise
from refexec.ops.math.exponential import exp
from refexec.ops.math.pointwise import each_element
from refexec.registry import op
from refexec.values import ulp, unit_roundoff


def sigmoid_error(x, y, dtype):
    """(1 + tanh(x / 2)) / 2 and the usual rational functions are off by a few roundoffs of 1, however small the result."""
    return 4 * unit_roundoff(dtype) + 2 * ulp(y, dtype)


@each_element
@op("Sigmoid", since=1, also=(6, 13), arithmetic="rounded", compare=elementwise(sigmoid_error))
def sigmoid_1(X, /):
    """Y = 1 / (1 + exp(-X)), computed so that neither end overflows."""
    return sigmoid(X)


def sigmoid(x: Array) -> Array:
    e = exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))
