"""ReduceSum, ReduceProd."""

from refexec.comparison import accumulation
from refexec.ops.math.cumulative import product
from refexec.ops.reduction.axes import reduced_axes, reduced_terms
from refexec.ops.reduction.over import lower_reductions, reduce_over
from refexec.registry import op


@op("ReduceSum", since=13, arithmetic="rounded", compare=accumulation(reduced_terms))
def reduce_sum_13(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """The sum over ``axes``: 0 over no element. Integers wrap."""
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    return reduce_over(data, axes=over, how="sum", keepdims=bool(keepdims))


@op("ReduceSum", since=11, like=reduce_sum_13)
def reduce_sum_11(data, /, *, axes=None, keepdims=1):
    """Before version 13: the axes are an attribute."""
    return reduce_sum_13(data, axes, keepdims=keepdims)


@op("ReduceSum", since=1, like=reduce_sum_13)
def reduce_sum_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_sum_11(data, axes=axes, keepdims=keepdims)


@op("ReduceProd", since=18, arithmetic="rounded", compare=product(reduced_terms))
def reduce_prod_18(data, axes=None, /, *, keepdims=1, noop_with_empty_axes=0):
    """The product over ``axes``: 1 over no element. Integers wrap."""
    over = reduced_axes(axes, data.ndim, noop_with_empty_axes)
    return reduce_over(data, axes=over, how="prod", keepdims=bool(keepdims))


@op("ReduceProd", since=11, also=(13,), like=reduce_prod_18)
def reduce_prod_11(data, /, *, axes=None, keepdims=1):
    """Before version 18: the axes are an attribute."""
    return reduce_prod_18(data, axes, keepdims=keepdims)


@op("ReduceProd", since=1, like=reduce_prod_18)
def reduce_prod_1(data, /, *, axes=None, keepdims=1):
    """Before version 11: the text does not speak of negative axes; they are read as later."""
    return reduce_prod_11(data, axes=axes, keepdims=keepdims)


lower_reductions("sum", reduce_sum_13, reduce_sum_11, reduce_sum_1)
lower_reductions("prod", reduce_prod_18, reduce_prod_11, reduce_prod_1)
