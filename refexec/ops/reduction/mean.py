"""ReduceMean."""

from math import prod

import numpy as np

from refexec.comparison import accumulation
from refexec.errors import require
from refexec.ops.common import is_integer
from refexec.ops.reduction.axes import exact_sum, reduced_axes, reduced_terms, wrapped
from refexec.ops.reduction.over import lower_reductions, mean
from refexec.registry import op


@op("ReduceMean", since=18, arithmetic="rounded", compare=accumulation(reduced_terms, mean=True))
def reduce_mean_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """The sum over ``axes`` divided by the number of elements: NaN over no element.

    The mean of integers is that of the exact sum, truncated toward zero; over no element it is undefined and refused.
    """
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    if not is_integer(data):
        return mean(data, over, bool(keepdims))
    count = prod(data.shape[a] for a in over)
    total = exact_sum(data, over, keepdims)
    require(count > 0 or total.size == 0, "the mean of integers is over one element or more", data=data.shape, axes=over)
    return wrapped(np.sign(total) * (np.abs(total) // count), data.dtype)


@op("ReduceMean", since=11, also=(13,), like=reduce_mean_18)
def reduce_mean_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_mean_18(data, axes, keepdims=keepdims)


@op("ReduceMean", since=1, like=reduce_mean_18)
def reduce_mean_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_mean_11(data, axes=axes, keepdims=keepdims)


lower_reductions("mean", reduce_mean_18, reduce_mean_11, reduce_mean_1)
