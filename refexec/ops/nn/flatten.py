"""Flatten."""

from math import prod

from refexec.comparison import exact
from refexec.errors import require
from refexec.registry import op


@op("Flatten", since=11, also=(13, 21, 23, 24, 25), arithmetic="exact", compare=exact)
def flatten_11(input, /, *, axis=1):
    """A matrix: the dimensions before ``axis`` are the rows, those from it on the columns. A negative one counts from the end."""
    require(-input.ndim <= axis <= input.ndim, "axis is in [-rank, rank]", axis=axis, rank=input.ndim)
    cut = axis + input.ndim if axis < 0 else axis
    return input.reshape(prod(input.shape[:cut]), prod(input.shape[cut:]))


@op("Flatten", since=1, also=(9,), like=flatten_11)
def flatten_1(input, /, *, axis=1):
    """Before version 11: ``axis`` is not negative."""
    require(axis >= 0, "axis is in [0, rank]", axis=axis, rank=input.ndim)
    return flatten_11(input, axis=axis)
