"""BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot, BitShift, on two's complement."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.registry import op


@op("BitwiseAnd", since=18, arithmetic="exact", compare=exact, broadcasts=True)
def bitwise_and_18(A, B, /):
    """C = A & B."""
    return np.bitwise_and(A, B)


@op("BitwiseOr", since=18, arithmetic="exact", compare=exact, broadcasts=True)
def bitwise_or_18(A, B, /):
    """C = A | B."""
    return np.bitwise_or(A, B)


@op("BitwiseXor", since=18, arithmetic="exact", compare=exact, broadcasts=True)
def bitwise_xor_18(A, B, /):
    """C = A ^ B."""
    return np.bitwise_xor(A, B)


@op("BitwiseNot", since=18, arithmetic="exact", compare=exact)
def bitwise_not_18(X, /):
    """Y = ~X."""
    return np.bitwise_not(X)


@op("BitShift", since=11, also=(28,), arithmetic="exact", compare=exact, broadcasts=True)
def bit_shift_11(X, Y, /, *, direction):
    """X moved by Y bits: to the left bits leave at the top, to the right copies of the sign bit enter there.

    By a negative number of bits, or by the width of the type or more, all bits leave: the result is 0, or -1 for a negative X
    that is moved to the right. Before version 28, which knows no signs, the text leaves this open.
    """
    require(direction in ("LEFT", "RIGHT"), 'direction is "LEFT" or "RIGHT"', direction=direction)
    inside = np.less(Y, 8 * X.dtype.itemsize) & (Y >= 0)
    count = np.where(inside, Y, 0)
    if direction == "LEFT":
        return np.where(inside, np.left_shift(X, count), X.dtype.type(0))
    return np.where(inside, np.right_shift(X, count), (X < 0) * X.dtype.type(-1 if X.dtype.kind == "i" else 0))
