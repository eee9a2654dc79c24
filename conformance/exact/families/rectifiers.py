"""Activations that only compare and multiply."""

from __future__ import annotations

from fractions import Fraction

from conformance.exact.formats import INF
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import floats, numbers
from conformance.exact.values import Case


@oracle("Relu", 1, 6, 13, 14)
def relu(types: Types, since: int) -> Case:
    """y = max(0, x); the sign of a zero is not fixed, so -0 is left out."""
    x = numbers(types["T"], special=True)
    return Case([x], [x.map(lambda v: v if v != v or v > 0 else Fraction(0))])


@oracle("LeakyRelu", 1, 6, 16)
def leaky_relu(types: Types, since: int) -> Case:
    """f(x) = alpha * x for x < 0, f(x) = x for x >= 0. alpha is an attribute, hence a float32."""
    alpha = Fraction(0.3125)
    x = floats(types["T"], special=True)
    return Case([x], [x.map(lambda v: -INF if v == -INF else v if v != v or v >= 0 else alpha * v)], {"alpha": float(alpha)})
