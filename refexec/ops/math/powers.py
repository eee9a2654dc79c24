"""Pow, Sqrt, Reciprocal."""

import numpy as np

from refexec.comparison import exact, ulps
from refexec.errors import require
from refexec.ops.common import Array, broadcast_shape, is_integer, matched, same, truncated
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op


@op("Sqrt", since=1, also=(6, 13), arithmetic="exact", compare=exact)
def sqrt_1(X, /):
    """Y = sqrt(X), NaN for negative X."""
    return np.sqrt(X)


@op("Reciprocal", since=1, also=(6, 13), arithmetic="exact", compare=exact)
def reciprocal_1(X, /):
    """Y = 1 / X."""
    return np.reciprocal(X)


@op("Pow", since=7, also=(12, 13, 15), arithmetic="rounded", compare=ulps(4), result_types=same, broadcasts=True)
def pow_7(X, Y, /):
    """Z = X ** Y in the type of X. Anything to the power 0 is 1, and 1 to any power is 1, NaN included.

    An integer to a whole power is exact and wraps; to a negative integer power it is undefined and refused. To any other float
    power it is computed in floating point and truncated, if it then has a value of its type.
    """
    if not is_integer(X):
        return whole_power(X, Y) if is_integer(Y) else np.power(X, Y.astype(X.dtype))
    if is_integer(Y):
        require(np.all(Y >= 0), "an integer is not raised to a negative integer power", least=Y.min(initial=0))
        return integer_power(X, Y)
    whole = (Y >= 0) & (Y < 2**63) & (np.mod(Y, 1) == 0)
    fractional = np.power(X.astype(Y.dtype), np.where(whole, 0, Y))
    return np.where(whole, integer_power(X, np.where(whole, Y, 0)), truncated(fractional, X.dtype))


@primitive
def power(X: Array, Y: Array, /, *, function) -> Array:
    """``function``, the body, which takes floats and integers."""
    return function(X, Y)


@lowers(pow_7)
def lower_pow(attributes, shapes):
    broadcast_shape(*shapes)
    return Lowered(power, (0, 1), {"function": pow_7})


def whole_power(X: Array, Y: Array) -> Array:
    """A float to an integer power. An exponent beyond 2**53 loses its parity in a float, so the sign is taken from the integer."""
    size = np.power(np.abs(X), Y.astype(X.dtype))
    return np.where(Y % 2 == 1, np.copysign(size, X), size)


def integer_power(X: Array, Y: Array) -> Array:
    """Modulo 2**64, which is exact in the low bits of every integer type."""
    return np.power(X.astype(np.uint64), Y.astype(np.uint64)).astype(X.dtype)


@op("Pow", since=1, like=pow_7, broadcasts=False)
def pow_1(X, Y, /, *, axis=None, broadcast=0):
    """Before version 7: Y is broadcast to X, if so asked."""
    return pow_7(X, matched(X, Y, axis, broadcast))
