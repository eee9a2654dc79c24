"""Add, Sub, Mul, Div: elementwise with multidirectional (NumPy) broadcasting. Integers wrap.

Before version 7 only B is broadcast, and only if ``broadcast`` says so: its shape is then a contiguous part of that of A, which
starts at ``axis`` or, without it, ends where that of A ends; a B of one element fits everywhere.
"""

import numpy as np

from refexec.comparison import exact
from refexec.ops.common import divide, matched
from refexec.registry import op


@op("Add", since=7, also=(13, 14), arithmetic="exact", compare=exact, broadcasts=True)
def add_7(A, B, /):
    """C = A + B."""
    return np.add(A, B)


@op("Sub", since=7, also=(13, 14), arithmetic="exact", compare=exact, broadcasts=True)
def sub_7(A, B, /):
    """C = A - B."""
    return np.subtract(A, B)


@op("Mul", since=7, also=(13, 14), arithmetic="exact", compare=exact, broadcasts=True)
def mul_7(A, B, /):
    """C = A * B."""
    return np.multiply(A, B)


@op("Div", since=7, also=(13, 14), arithmetic="exact", compare=exact, broadcasts=True)
def div_7(A, B, /):
    """C = A / B. Integers truncate toward zero; a zero integer divisor is undefined and refused."""
    return divide(A, B)


@op("Add", since=1, also=(6,), like=add_7, broadcasts=False)
def add_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return add_7(A, matched(A, B, axis, broadcast))


@op("Sub", since=1, also=(6,), like=sub_7, broadcasts=False)
def sub_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return sub_7(A, matched(A, B, axis, broadcast))


@op("Mul", since=1, also=(6,), like=mul_7, broadcasts=False)
def mul_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return mul_7(A, matched(A, B, axis, broadcast))


@op("Div", since=1, also=(6,), like=div_7, broadcasts=False)
def div_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return div_7(A, matched(A, B, axis, broadcast))
