"""Shrink."""

import math

import numpy as np

from refexec.errors import require
from refexec.ops.common import Array, is_integer
from refexec.ops.math.bounds import elementwise
from refexec.registry import op
from refexec.values import ulp


def shrink_error(x, y, dtype, *, bias, lambd):
    """The roundings of y and of bias. Where x is so near lambd that the rounding of lambd decides, nothing is known."""
    undecided = np.abs(np.abs(x) - lambd) <= ulp(lambd, dtype) / 2
    return np.where(undecided, np.inf, ulp(y, dtype) + ulp(bias, dtype))


@op("Shrink", since=9, arithmetic="rounded", compare=elementwise(shrink_error))
def shrink_9(input, /, *, bias=0.0, lambd=0.5):
    """x + bias where x < -lambd, x - bias where x > lambd, else 0. Integers wrap, after a fraction is cut off."""
    return np.where(input < -lambd, moved(input, bias), np.where(input > lambd, moved(input, -bias), input.dtype.type(0)))


def moved(x: Array, by: float) -> Array:
    """x + by; for integers exactly, without the fraction, and modulo the range of the type."""
    if not is_integer(x):
        return x + by
    require(math.isfinite(by), "the bias of an integer tensor is finite", bias=by)
    whole = math.floor(by)
    wrapped = np.uint64(whole % 2**64).astype(x.dtype)
    up = (by != whole) & (x < -whole)  # a negative sum with a fraction is truncated upwards
    return x + wrapped + up.astype(x.dtype)
