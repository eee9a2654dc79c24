"""Clip."""

import numpy as np

from refexec.comparison import exact
from refexec.ops.common import Array, integer_range, scalar
from refexec.registry import op
from refexec.values import max_finite


@op("Clip", since=13, arithmetic="exact", compare=exact)
def clip_13(input, min=None, max=None, /, *, ctx):
    """Min(max, Max(input, min)): where min > max, all is max. NaN stays NaN, and a NaN bound bounds nothing.

    An absent bound is the least or the largest finite value of the type, so that no infinity passes.
    """
    low, high = (None if bound is None else one(bound, name) for bound, name in ((min, "min"), (max, "max")))
    return clipped(input, low, high, ctx)


@op("Clip", since=11, also=(12,), like=clip_13)
def clip_11(input, min=None, max=None, /, *, ctx):
    """Before version 13 the text leaves min > max open; here it is as later."""
    return clip_13(input, min, max, ctx=ctx)


@op("Clip", since=6, like=clip_13)
def clip_6(input, /, *, min=-3.4028234663852886e38, max=3.4028234663852886e38, ctx):
    """Before version 11: the bounds are attributes; by default those of float32, whatever the type."""
    return clipped(input, input.dtype.type(min), input.dtype.type(max), ctx)


@op("Clip", since=1, like=clip_13)
def clip_1(input, /, *, min=None, max=None, ctx):
    """Before version 6: an absent bound is that of the type."""
    low, high = (None if bound is None else input.dtype.type(bound) for bound in (min, max))
    return clipped(input, low, high, ctx)


def one(bound: Array, name: str) -> Array:
    """The bound as a scalar tensor; it may have the shape [1]."""
    scalar(bound, name)
    return bound.reshape(())


def clipped(x: Array, low, high, ctx) -> Array:
    """``x`` between ``low`` and ``high``, which are of its dtype or None."""
    elem = ctx.output_types[0].elem
    least, most = (-max_finite(elem), max_finite(elem)) if elem.is_float else integer_range(elem)
    low = x.dtype.type(least) if low is None else low
    high = x.dtype.type(most) if high is None else high
    x = np.where(x < low, low, x)
    return np.where(x > high, high, x)
