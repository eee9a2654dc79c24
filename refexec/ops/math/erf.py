"""Erf, and the error function that Gelu needs too, in float64 and in long double."""

import math

import numpy as np

from refexec.comparison import ulps
from refexec.ops.common import Array, is_integer, pi
from refexec.ops.math.pointwise import each_element
from refexec.registry import op

SERIES_ENDS = 2.0  # below: the Taylor series, from here on: the continued fraction
SERIES_TERMS = 60  # enough for 64 bits up to 2
FRACTION_TERMS = 100  # enough for 64 bits from 2 on

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def erf(x: Array) -> Array:
    """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x, for float64 and long double."""
    if x.dtype == np.float64:
        return np.asarray(_erf(x), np.float64)
    tail = 1 - _fraction(np.maximum(np.abs(x), SERIES_ENDS))
    return np.where(np.abs(x) >= SERIES_ENDS, np.copysign(tail, x), _series(np.clip(x, -SERIES_ENDS, SERIES_ENDS)))


def erfc(x: Array) -> Array:
    """1 - erf(x), which keeps its relative accuracy where erf(x) is next to 1."""
    if x.dtype == np.float64:
        return np.asarray(_erfc(x), np.float64)
    return np.where(x >= SERIES_ENDS, _fraction(np.maximum(x, SERIES_ENDS)), 1 - erf(np.minimum(x, SERIES_ENDS)))


def _series(x: Array) -> Array:
    """2 / sqrt(pi) * exp(-x * x) * (x + 2 x**3 / 3 + 4 x**5 / (3 * 5) + ...): all terms have one sign, nothing cancels."""
    term = total = x
    for n in range(1, SERIES_TERMS):
        term = term * (2 * x * x) / (2 * n + 1)
        total = total + term
    return 2 / _sqrt_pi(x) * np.exp(-x * x) * total


def _fraction(x: Array) -> Array:
    """exp(-x * x) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...)))), evaluated from the far end."""
    below = x
    for n in range(FRACTION_TERMS, 0, -1):
        below = x + n / 2 / below
    return np.exp(-x * x) / (_sqrt_pi(x) * below)


def _sqrt_pi(x: Array) -> Array:
    return np.sqrt(pi(x.dtype))


@each_element
@op("Erf", since=9, also=(13,), arithmetic="rounded", compare=ulps(4))
def erf_9(input, /):
    """The error function: odd, from -1 at -inf to 1 at inf. An integer type gets it truncated, so 0 unless it rounds to 1."""
    if is_integer(input):
        return np.trunc(erf(input.astype(np.float64))).astype(input.dtype)
    return erf(input)
