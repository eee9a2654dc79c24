"""ReduceMax, ReduceMin."""

from refexec.comparison import exact
from refexec.ops.reduction.axes import reduced_axes
from refexec.ops.reduction.over import lower_reductions, reduce_over
from refexec.registry import op


@op("ReduceMax", since=18, also=(20,), arithmetic="exact", compare=exact)
def reduce_max_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """The largest over ``axes``: NaN if one is NaN. Over no element it is -inf, the least integer, or False."""
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    return reduce_over(data, axes=over, how="max", keepdims=bool(keepdims))


@op("ReduceMax", since=11, also=(12, 13), like=reduce_max_18)
def reduce_max_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_max_18(data, axes, keepdims=keepdims)


@op("ReduceMax", since=1, like=reduce_max_18)
def reduce_max_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_max_11(data, axes=axes, keepdims=keepdims)


@op("ReduceMin", since=18, also=(20,), arithmetic="exact", compare=exact)
def reduce_min_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """The least over ``axes``: NaN if one is NaN. Over no element it is +inf, the largest integer, or True."""
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    return reduce_over(data, axes=over, how="min", keepdims=bool(keepdims))


@op("ReduceMin", since=11, also=(12, 13), like=reduce_min_18)
def reduce_min_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_min_18(data, axes, keepdims=keepdims)


@op("ReduceMin", since=1, like=reduce_min_18)
def reduce_min_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_min_11(data, axes=axes, keepdims=keepdims)


lower_reductions("max", reduce_max_18, reduce_max_11, reduce_max_1)
lower_reductions("min", reduce_min_18, reduce_min_11, reduce_min_1)
