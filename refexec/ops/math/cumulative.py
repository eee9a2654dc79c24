"""CumSum, CumProd, and how far a product may be off."""

import numpy as np

from refexec.comparison import Call, Comparison, accumulation, is_float, rounded
from refexec.ops.common import Array, normalize_axis, scalar
from refexec.registry import op
from refexec.values import max_finite, smallest_subnormal, unit_roundoff


def product(terms) -> Comparison:
    """A product of ``terms(*inputs, **attributes)`` factors: one roundoff per factor, and what partial products lose by
    underflow, which the other factors may grow. Where a partial product may overflow nothing is known."""

    def product_bound(call: Call):
        (x, *rest), (y,), (element,) = call.inputs, call.outputs, call.elements
        if not is_float(element):
            return (None,)
        factors = terms(*call.inputs, **call.attributes)
        (growth,) = call.evaluate(np.maximum(np.abs(x), 1), *rest)
        lost = factors * smallest_subnormal(element.dtype) * growth
        bound = (factors + 1) * unit_roundoff(element.dtype) * np.abs(y) + lost
        return (np.where(growth > max_finite(element.dtype), np.inf, bound),)

    return rounded(product_bound)


def length(x, axis, /, **attributes) -> int:
    """How many elements the last output element is made of."""
    return x.shape[int(axis.item())]


@op("CumSum", since=11, also=(14,), arithmetic="rounded", compare=accumulation(length))
def cum_sum_11(x, axis, /, *, exclusive=0, reverse=0):
    """y[j] = x[0] + ... + x[j] along ``axis``; without x[j] if ``exclusive``; from the other end if ``reverse``. Integers wrap."""
    return accumulated(np.cumsum, 0, x, axis, exclusive, reverse)


@op("CumProd", since=26, arithmetic="rounded", compare=product(length))
def cum_prod_26(x, axis, /, *, exclusive=0, reverse=0):
    """y[j] = x[0] * ... * x[j] along ``axis``; without x[j] if ``exclusive``; from the other end if ``reverse``. Integers wrap."""
    return accumulated(np.cumprod, 1, x, axis, exclusive, reverse)


def accumulated(accumulate, neutral: int, x: Array, axis: Array, exclusive: int, reverse: int) -> Array:
    """Exclusive: the neutral element comes first and the last element is left out."""
    at = normalize_axis(scalar(axis, "axis"), x.ndim)
    if reverse:
        x = np.flip(x, at)
    if exclusive and x.shape[at]:
        first = np.full((*x.shape[:at], 1, *x.shape[at + 1 :]), neutral, x.dtype)
        x = np.concatenate([first, x[(slice(None),) * at + (slice(-1),)]], axis=at)
    y = accumulate(x, axis=at, dtype=x.dtype)
    return np.flip(y, at) if reverse else y
