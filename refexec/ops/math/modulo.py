"""Mod."""

import numpy as np

from refexec.comparison import Call, discrete
from refexec.errors import require
from refexec.ops.common import is_integer
from refexec.registry import op


def distance_to_multiple(call: Call):
    """How far A is from a multiple of B, where the remainder jumps."""
    A, B = (x.astype(np.float64) for x in call.inputs)
    remainder = np.abs(np.remainder(A, B))
    return np.minimum(remainder, np.abs(B) - remainder)


@op("Mod", since=28, arithmetic="exact", compare=discrete(distance_to_multiple), broadcasts=True)
def mod_28(A, B, /, *, fmod=0):
    """A - floor(A / B) * B, which has the sign of B; with ``fmod`` A - trunc(A / B) * B, which has the sign of A.

    The quotient is exact, however large, and the remainder rounded at most once. A zero has the sign that the text gives the
    result. For floats A = inf or B = 0 gives NaN; A modulo inf is A, or without ``fmod``, for other signs, that infinity. A zero
    integer divisor is undefined and refused.
    """
    require(fmod in (0, 1), "fmod is 0 or 1", fmod=fmod)
    require(not is_integer(A) or np.all(B != 0), "an integer divisor is not 0")
    return np.fmod(A, B) if fmod else np.remainder(A, B)


@op("Mod", since=10, also=(13,), like=mod_28)
def mod_10(A, B, /, *, fmod=0):
    """Before version 28: floats with ``fmod`` only. Integers may have it too, although version 13 speaks of floats there."""
    require(fmod or is_integer(A), "fmod is 1 for floating-point inputs", fmod=fmod, A=A.dtype)
    return mod_28(A, B, fmod=fmod)
