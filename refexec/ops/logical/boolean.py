"""And, Or, Xor."""

import numpy as np

from refexec.comparison import exact
from refexec.ops.common import matched
from refexec.registry import op


@op("And", since=7, arithmetic="exact", compare=exact, broadcasts=True)
def and_7(A, B, /):
    """C = A and B."""
    return np.logical_and(A, B)


@op("Or", since=7, arithmetic="exact", compare=exact, broadcasts=True)
def or_7(A, B, /):
    """C = A or B."""
    return np.logical_or(A, B)


@op("Xor", since=7, arithmetic="exact", compare=exact, broadcasts=True)
def xor_7(A, B, /):
    """C = either A or B."""
    return np.logical_xor(A, B)


@op("And", since=1, like=and_7, broadcasts=False)
def and_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return and_7(A, matched(A, B, axis, broadcast))


@op("Or", since=1, like=or_7, broadcasts=False)
def or_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return or_7(A, matched(A, B, axis, broadcast))


@op("Xor", since=1, like=xor_7, broadcasts=False)
def xor_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return xor_7(A, matched(A, B, axis, broadcast))
