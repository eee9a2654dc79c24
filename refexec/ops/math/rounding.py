"""Ceil, Floor, Round: whole numbers, NaN, the infinities and both zeros stay as they are."""

import numpy as np

from refexec.comparison import Call, discrete
from refexec.registry import op


def distance_to_whole(call: Call):
    """How far the input is from a whole number, where Ceil and Floor step."""
    (x,) = call.inputs
    return np.abs(x - np.rint(x))


def distance_to_half(call: Call):
    """How far the input is from half-way between two whole numbers, where Round steps."""
    (x,) = call.inputs
    return np.abs(x - np.floor(x) - 0.5)


@op("Ceil", since=1, also=(6, 13), arithmetic="exact", compare=discrete(distance_to_whole))
def ceil_1(X, /):
    """The least whole number that is not below X."""
    return np.ceil(X)


@op("Floor", since=1, also=(6, 13), arithmetic="exact", compare=discrete(distance_to_whole))
def floor_1(X, /):
    """The largest whole number that is not above X."""
    return np.floor(X)


@op("Round", since=11, also=(22,), arithmetic="exact", compare=discrete(distance_to_half))
def round_11(X, /):
    """The nearest whole number; of two that are equally near the even one."""
    return np.rint(X)
