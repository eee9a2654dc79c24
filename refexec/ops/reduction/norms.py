"""ReduceL1, ReduceL2, ReduceSumSquare."""

from math import isqrt

import numpy as np

from refexec.comparison import Call, accumulation, is_float, rounded
from refexec.ops.common import is_integer
from refexec.ops.reduction.axes import exact_sum, reduced_axes, reduced_terms, wrapped
from refexec.ops.reduction.over import lower_reductions, reduce_over
from refexec.registry import op
from refexec.values import max_finite, smallest_subnormal, unit_roundoff


def euclidean_bound(call: Call):
    """The root halves the relative error of the sum. Squares may underflow, each by one subnormal, and overflow."""
    (y,), (element,) = call.outputs, call.elements
    if not is_float(element):
        return (None,)
    terms, dtype = reduced_terms(*call.inputs, **call.attributes), element.dtype
    bound = (terms / 2 + 2) * unit_roundoff(dtype) * y + np.sqrt(terms * smallest_subnormal(dtype))
    return (np.where(np.square(y) > max_finite(dtype), np.inf, bound),)


@op("ReduceL1", since=18, arithmetic="rounded", compare=accumulation(reduced_terms))
def reduce_l1_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """The sum of |x| over ``axes``: 0 over no element. Integers wrap. A no-op still takes |x|."""
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    return reduce_over(data, axes=over, how="l1", keepdims=bool(keepdims))


@op("ReduceL1", since=11, also=(13,), like=reduce_l1_18)
def reduce_l1_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_l1_18(data, axes, keepdims=keepdims)


@op("ReduceL1", since=1, like=reduce_l1_18)
def reduce_l1_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_l1_11(data, axes=axes, keepdims=keepdims)


@op("ReduceL2", since=18, arithmetic="rounded", compare=rounded(euclidean_bound))
def reduce_l2_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """sqrt(the sum of x * x over ``axes``): 0 over no element, |x| for a no-op.

    For integers it is the root of the exact sum, truncated; a root that does not fit wraps.
    """
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    if is_integer(data):
        total = exact_sum(data, over, keepdims, power=2)
        return wrapped(np.frompyfunc(isqrt, 1, 1)(total), data.dtype)
    return reduce_over(data, axes=over, how="l2", keepdims=bool(keepdims))


@op("ReduceL2", since=11, also=(13,), like=reduce_l2_18)
def reduce_l2_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_l2_18(data, axes, keepdims=keepdims)


@op("ReduceL2", since=1, like=reduce_l2_18)
def reduce_l2_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_l2_11(data, axes=axes, keepdims=keepdims)


@op("ReduceSumSquare", since=18, arithmetic="rounded", compare=accumulation(reduced_terms))
def reduce_sum_square_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """The sum of x * x over ``axes``: 0 over no element. Integers wrap. A no-op still squares."""
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    return reduce_over(data, axes=over, how="sum_square", keepdims=bool(keepdims))


@op("ReduceSumSquare", since=11, also=(13,), like=reduce_sum_square_18)
def reduce_sum_square_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_sum_square_18(data, axes, keepdims=keepdims)


@op("ReduceSumSquare", since=1, like=reduce_sum_square_18)
def reduce_sum_square_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_sum_square_11(data, axes=axes, keepdims=keepdims)


lower_reductions("l1", reduce_l1_18, reduce_l1_11, reduce_l1_1)
lower_reductions("l2", reduce_l2_18, reduce_l2_11, reduce_l2_1)
lower_reductions("sum_square", reduce_sum_square_18, reduce_sum_square_11, reduce_sum_square_1)
