"""Equal, Greater, GreaterOrEqual, Less, LessOrEqual. NaN is neither equal to anything nor greater nor less."""

from dataclasses import replace

import numpy as np

from refexec.comparison import Call, discrete
from refexec.ops.common import matched
from refexec.registry import op


def distance(call: Call):
    """How far apart the operands are: the decision may flip where their error is larger. None for strings."""
    A, B = call.inputs
    return None if A.dtype == object else np.abs(np.subtract(A, B, dtype=np.float64))


def distance_1(call: Call):
    """As ``distance``, with B broadcast as before version 7."""
    A, B = call.inputs
    return distance(replace(call, inputs=(A, matched(A, B, call.attributes.get("axis"), call.attributes.get("broadcast", 0)))))


@op("Equal", since=7, also=(11, 13, 19), arithmetic="exact", compare=discrete(distance), broadcasts=True)
def equal_7(A, B, /):
    """C = (A == B). NaN equals nothing; strings are compared by code point."""
    return np.equal(A, B).astype(bool)


@op("Greater", since=7, also=(9, 13), arithmetic="exact", compare=discrete(distance), broadcasts=True)
def greater_7(A, B, /):
    """C = (A > B)."""
    return np.greater(A, B)


@op("Less", since=7, also=(9, 13), arithmetic="exact", compare=discrete(distance), broadcasts=True)
def less_7(A, B, /):
    """C = (A < B)."""
    return np.less(A, B)


@op("GreaterOrEqual", since=12, also=(16,), arithmetic="exact", compare=discrete(distance), broadcasts=True)
def greater_or_equal_12(A, B, /):
    """C = (A >= B)."""
    return np.greater_equal(A, B)


@op("LessOrEqual", since=12, also=(16,), arithmetic="exact", compare=discrete(distance), broadcasts=True)
def less_or_equal_12(A, B, /):
    """C = (A <= B)."""
    return np.less_equal(A, B)


@op("Equal", since=1, like=equal_7, broadcasts=False, compare=discrete(distance_1))
def equal_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return equal_7(A, matched(A, B, axis, broadcast))


@op("Greater", since=1, like=greater_7, broadcasts=False, compare=discrete(distance_1))
def greater_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return greater_7(A, matched(A, B, axis, broadcast))


@op("Less", since=1, like=less_7, broadcasts=False, compare=discrete(distance_1))
def less_1(A, B, /, *, axis=None, broadcast=0):
    """Before version 7: B is broadcast to A, if so asked."""
    return less_7(A, matched(A, B, axis, broadcast))
