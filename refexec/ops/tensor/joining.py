"""Concat, Split."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import normalize_axis, vector
from refexec.registry import op


@op("Concat", since=4, also=(11, 13), arithmetic="exact", compare=exact)
def concat_4(*inputs, axis):
    """The inputs one after the other along ``axis``; all other dimensions are equal."""
    first = inputs[0]
    at = normalize_axis(axis, first.ndim)
    rest = {(*x.shape[:at], *x.shape[at + 1 :]) for x in inputs if x.ndim == first.ndim}
    require(
        len(rest) == 1 and all(x.ndim == first.ndim for x in inputs),
        "inputs differ only in the size of axis",
        shapes=[x.shape for x in inputs],
        axis=at,
    )
    claim((*first.shape[:at], sum(x.shape[at] for x in inputs), *first.shape[at + 1 :]), first.dtype)
    return np.concatenate(inputs, axis=at)


@op("Concat", since=1, like=concat_4)
def concat_1(*inputs, axis=None):
    """Before version 4: ``axis`` is 1 unless given."""
    return concat_4(*inputs, axis=1 if axis is None else axis)


@op("Split", since=18, arithmetic="exact", compare=exact)
def split_18(input, split=None, /, *, ctx, axis=0, num_outputs=None):
    """Parts along ``axis``: of the sizes ``split``, or ``num_outputs`` equal ones, the last smaller when they do not divide."""
    require((split is None) != (num_outputs is None), "either split or num_outputs is given", split=split, num_outputs=num_outputs)
    at = normalize_axis(axis, input.ndim)
    size = input.shape[at]
    if split is None:
        require(num_outputs == ctx.outputs, "num_outputs is the number of outputs", num_outputs=num_outputs, outputs=ctx.outputs)
        part = -(-size // num_outputs)
        split = [max(0, min(part, size - i * part)) for i in range(num_outputs)]
    sizes = vector(split, "split")
    require(len(sizes) == ctx.outputs, "split has one size per output", split=sizes, outputs=ctx.outputs)
    require(
        all(s >= 0 for s in sizes) and sum(sizes) == size,
        "the sizes are not negative and add up to the dimension",
        split=sizes,
        dimension=size,
    )
    return tuple(np.split(input, np.cumsum(sizes)[:-1], axis=at))


@op("Split", since=13, like=split_18)
def split_13(input, split=None, /, *, ctx, axis=0):
    """Before version 18: without sizes, as many equal parts as there are outputs."""
    if split is None:
        parts = ctx.outputs
        size = input.shape[normalize_axis(axis, input.ndim)]
        require(size % parts == 0, "the number of outputs divides the dimension", dimension=size, outputs=parts)
        split = [size // parts] * parts
    return split_18(input, split, ctx=ctx, axis=axis)


@op("Split", since=2, also=(11,), like=split_13)
def split_2(input, /, *, ctx, axis=0, split=None):
    """Before version 13: the sizes are an attribute."""
    return split_13(input, split, ctx=ctx, axis=axis)


@op("Split", since=1, like=split_13, renames={"split": "split_"})
def split_1(input, split=None, /, *, ctx, axis=None, split_=None):
    """Version 1: the sizes are an input, of the type of the data, or an attribute; the input wins. ``axis`` is 0 unless given."""
    require(split is None or np.all(np.mod(split, 1) == 0), "the sizes are whole numbers", split=split)
    return split_13(input, split if split is not None else split_, ctx=ctx, axis=0 if axis is None else axis)
