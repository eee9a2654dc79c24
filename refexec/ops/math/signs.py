"""Abs, Neg, Sign."""

import numpy as np

from refexec.comparison import Call, discrete, exact
from refexec.registry import op


@op("Abs", since=1, also=(6, 13), arithmetic="exact", compare=exact)
def abs_1(X, /):
    """Y = |X|. The least of the signed integers has no positive counterpart and stays as it is."""
    return np.abs(X)


@op("Neg", since=1, also=(6, 13), arithmetic="exact", compare=exact)
def neg_1(X, /):
    """Y = -X. The least of the signed integers has no positive counterpart and stays as it is."""
    return np.negative(X)


def distance_to_zero(call: Call):
    return np.abs(call.inputs[0].astype(np.float64))


@op("Sign", since=9, also=(13,), arithmetic="exact", compare=discrete(distance_to_zero))
def sign_9(input, /):
    """1 above zero, -1 below, 0 at zero; NaN stays NaN, which the text leaves open."""
    return np.sign(input)
