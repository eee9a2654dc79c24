"""ReduceLogSum, ReduceLogSumExp."""

import numpy as np

from refexec.comparison import Call, is_float, rounded
from refexec.errors import require
from refexec.ops.common import Array, is_integer
from refexec.ops.math.exponential import exp, log
from refexec.ops.reduction.axes import exact_sum, reduced_axes, reduced_terms
from refexec.ops.reduction.over import reduce_over, total
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def log_sum_bound(call: Call):
    """The absolute error of a logarithm is the relative error of the sum, which cancellation makes larger; where that
    reaches one half, nothing is known."""
    data, *rest = call.inputs
    (y,), (element,) = call.outputs, call.elements
    if not is_float(element):
        return (None,)
    u = unit_roundoff(element.dtype)
    (magnitude,) = call.evaluate(np.abs(data), *rest)
    relative = (reduced_terms(*call.inputs, **call.attributes) + 2) * u * np.exp(magnitude - y)
    return (np.where(relative < 0.5, 2 * relative + 4 * u * np.abs(y) + smallest_subnormal(element.dtype), np.inf),)


def log_sum_exp_bound(call: Call):
    """exp(x - max) has the rounding of x - max as its relative error; the sum adds one rounding per term."""
    (y,), (element,) = call.outputs, call.elements
    if not is_float(element):
        return (None,)
    data, terms = call.inputs[0], reduced_terms(*call.inputs, **call.attributes)
    spread = np.where(np.isfinite(data), np.abs(data), 0).max(initial=0.0)
    return ((2 * spread + terms + 8 + 2 * np.abs(y)) * unit_roundoff(element.dtype),)


def truncated_log(summed: Array, dtype) -> Array:
    """log(summed) as an integer type, truncated toward zero."""
    require(np.all(summed > 0), "the logarithm of an integer sum is defined: the sum is greater than 0", total=summed)
    return np.trunc(log(summed.astype(np.float64))).astype(dtype)


@op("ReduceLogSum", since=18, also=(28,), arithmetic="rounded", compare=rounded(log_sum_bound))
def reduce_log_sum_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """log(the sum over ``axes``): -inf over no element, NaN for a negative sum, log(x) for a no-op.

    For integers it is the logarithm of the exact sum, truncated toward zero; that of 0 is undefined and refused.
    """
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    if is_integer(data):
        return truncated_log(exact_sum(data, over, keepdims), data.dtype)
    return log(total(data, over, bool(keepdims)))


@op("ReduceLogSum", since=11, also=(13,), like=reduce_log_sum_18)
def reduce_log_sum_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_log_sum_18(data, axes, keepdims=keepdims)


@op("ReduceLogSum", since=1, like=reduce_log_sum_18)
def reduce_log_sum_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_log_sum_11(data, axes=axes, keepdims=keepdims)


@op("ReduceLogSumExp", since=18, also=(28,), arithmetic="rounded", compare=rounded(log_sum_exp_bound))
def reduce_log_sum_exp_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """log(the sum of exp(x) over ``axes``): -inf over no element, x for a no-op.

    The maximum is subtracted first and added last, which changes no value but overflow. Integers are computed in float64,
    as in the function body, and truncated toward zero; over no element they are undefined and refused.
    """
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    if is_integer(data):
        result = log_sum_exp(data.astype(np.float64), over, keepdims)
        require(np.all(np.isfinite(result)), "the logarithm of an integer sum is over one element or more", data=data.shape, axes=over)
        return np.trunc(result).astype(data.dtype)
    return log_sum_exp(data, over, keepdims)


def log_sum_exp(x: Array, axes: tuple[int, ...], keepdims: int) -> Array:
    largest = reduce_over(x, axes=axes, how="max")
    shift = np.where(np.isfinite(largest), largest, 0)
    result = log(total(exp(x - shift), axes, keepdims=True)) + shift
    return result if keepdims else result.squeeze(axes)


@op("ReduceLogSumExp", since=11, also=(13,), like=reduce_log_sum_exp_18)
def reduce_log_sum_exp_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_log_sum_exp_18(data, axes, keepdims=keepdims)


@op("ReduceLogSumExp", since=1, like=reduce_log_sum_exp_18)
def reduce_log_sum_exp_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_log_sum_exp_11(data, axes=axes, keepdims=keepdims)
