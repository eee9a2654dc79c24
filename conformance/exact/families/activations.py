"""Activations with exponentials: Celu, Elu, Gelu, Mish, Selu, SwiGLU, Swish; and with limits: HardSigmoid, HardSwish, Softsign.

A formula that gives infinity times 0, or infinity by infinity, says nothing of an infinite input: that one is left out. So is, of float and
bfloat16, the smallest number where the result is x / 2 and a little more: that little, which lifts it above half-way, is lost in a double.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from conformance.exact import reals
from conformance.exact.formats import INF, NAN, Number, decode, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import floats
from conformance.exact.values import Case, Tensor

__all__ = ["inputs_of"]

NUMBERS = [Fraction(n, 8) for n in (-24, -18, -11, -8, -3, -1, 1, 3, 8, 11, 18, 24)]
ONE, ZERO = Fraction(1), Fraction(0)


def inputs_of(type: str, *, omit: tuple[Number, ...] = ()) -> list[Tensor]:
    """Two vectors: numbers around 0, and the extremes with NaN and the infinities that are not to be omitted."""
    far = [v for v in floats(type, special=True).values if not any(v is o or v == o for o in omit)]
    return [Tensor(type, (3, 4), tuple(NUMBERS)), Tensor(type, (len(far),), tuple(far))]


def hardly_above_half(type: str) -> tuple[Number, ...]:
    """The smallest number x above 0, if x / 2 and a multiple of x ** 2 are no more than x / 2 in a double."""
    return (decode(1, type),) if type in ("float", "bfloat16") else ()


def _cases(function: Callable[[Number], Number], inputs: list[Tensor], **attributes: float | str) -> list[Case]:
    return [Case([x], [x.map(function)], attributes) for x in inputs]


def _legacy(cases: list[Case], since: int) -> list[Case]:
    """Version 1 had the attribute consumed_inputs, without an effect."""
    return cases if since > 1 else [Case(c.inputs, c.outputs, {**c.attributes, "consumed_inputs": [0]}) for c in cases]


def single(text: str) -> Fraction:
    """The float attribute of a decimal number."""
    return Fraction(round_to(Fraction(text), "float"))


def _exp_minus_1(x: Number) -> Fraction:
    return Fraction(-1) if x == -INF else reals.expm1(Fraction(x))


@oracle("Elu", 1, 6, 22)
def elu(types: Types, since: int) -> list[Case]:
    """alpha * (exp(x) - 1) for x < 0, else x; alpha is 1 when not given."""

    def of(alpha: Fraction) -> Callable[[Number], Number]:
        return lambda x: alpha * _exp_minus_1(x) if x < 0 else x

    inputs = inputs_of(types["T"])
    return _legacy(_cases(of(ONE), inputs) + _cases(of(Fraction(5, 4)), inputs, alpha=1.25), since)


@oracle("Celu", 12, 28)
def celu(types: Types, since: int) -> list[Case]:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)); alpha is 1 when not given."""

    def of(alpha: Fraction) -> Callable[[Number], Number]:
        return lambda x: x if x >= 0 else alpha * _exp_minus_1(x if x == -INF else x / alpha)

    inputs = inputs_of(types["T"], omit=(NAN,))
    return _cases(of(ONE), inputs) + _cases(of(Fraction(5, 2)), inputs, alpha=2.5) + _cases(of(Fraction(1, 4)), inputs, alpha=0.25)


@oracle("Selu", 1, 6, 22)
def selu(types: Types, since: int) -> list[Case]:
    """gamma * (alpha * exp(x) - alpha) for x <= 0, gamma * x above. Version 6 has other defaults than 1."""

    def of(alpha: Fraction, gamma: Fraction) -> Callable[[Number], Number]:
        return lambda x: x if x != x or x == INF else gamma * alpha * _exp_minus_1(x) if x <= 0 else gamma * x

    later = Fraction("1.67326319217681884765625"), Fraction("1.05070102214813232421875")
    default = (single("1.6732"), single("1.0507")) if since == 1 else later
    inputs = inputs_of(types["T"])
    return _legacy(_cases(of(*default), inputs) + _cases(of(Fraction(2), Fraction(3)), inputs, alpha=2.0, gamma=3.0), since)


@oracle("HardSigmoid", 1, 6, 22)
def hard_sigmoid(types: Types, since: int) -> list[Case]:
    """max(0, min(1, alpha * x + beta)); 0.2 and 0.5 when not given."""

    def of(alpha: Fraction, beta: Fraction) -> Callable[[Number], Number]:
        return lambda x: ONE if x == INF else ZERO if x == -INF else max(ZERO, min(ONE, alpha * x + beta))

    inputs = inputs_of(types["T"], omit=(NAN,))
    given = _cases(of(Fraction(3, 8), Fraction(1, 4)), inputs, alpha=0.375, beta=0.25)
    return _legacy(_cases(of(single("0.2"), Fraction(1, 2)), inputs) + given, since)


@oracle("HardSwish", 14, 22)
def hard_swish(types: Types, since: int) -> list[Case]:
    """x * max(0, min(1, x / 6 + 1 / 2))."""
    return _cases(
        lambda x: x if x == INF else x * max(ZERO, min(ONE, x / 6 + ONE / 2)),
        inputs_of(types["T"], omit=(NAN, -INF, *hardly_above_half(types["T"]))),
    )


@oracle("Softsign", 1, 22)
def softsign(types: Types, since: int) -> list[Case]:
    """x / (1 + |x|)."""
    return _cases(lambda x: x if x != x else x / (1 + abs(x)), inputs_of(types["T"], omit=(INF, -INF)))


@oracle("Mish", 18, 22)
def mish(types: Types, since: int) -> list[Case]:
    """x * tanh(softplus(x))."""
    inputs = inputs_of(types["T"], omit=(-INF,))
    return _cases(lambda x: x if x != x or x == INF else x * reals.tanh(reals.softplus(x)), inputs)


def _swish(x: Number, alpha: Fraction) -> Number:
    """x * sigmoid(alpha * x)."""
    return x if x != x or x == INF else x * reals.sigmoid(alpha * x)


@oracle("Swish", 24)
def swish(types: Types, since: int) -> list[Case]:
    """x * sigmoid(alpha * x); alpha is 1 when not given."""
    inputs = inputs_of(types["T"], omit=(-INF, *hardly_above_half(types["T"])))
    return _cases(lambda x: _swish(x, ONE), inputs) + _cases(lambda x: _swish(x, Fraction(13, 8)), inputs, alpha=1.625)


@oracle("SwiGLU", 28)
def swiglu(types: Types, since: int) -> list[Case]:
    """swish(a) * b; the shapes are equal."""
    found = []
    for a in inputs_of(types["T"], omit=(NAN, INF, -INF, *hardly_above_half(types["T"]))):
        b = Tensor(a.type, a.shape, tuple(Fraction(i % 5 - 2, 2) or Fraction(3) for i in range(len(a.values))))
        for alpha, attributes in ((ONE, {}), (Fraction(-3, 4), {"alpha": -0.75})):
            values = tuple(_swish(x, alpha) * y for x, y in zip(a.values, b.values, strict=True))
            found.append(Case([a, b], [Tensor(a.type, a.shape, values)], attributes))
    return found


def _gelu(x: Number) -> Number:
    """0.5 * x * (1 + erf(x / sqrt(2)))."""
    return x if x != x or x == INF else x / 2 * (1 + reals.erf(x / reals.sqrt(2)))


def _gelu_by_tanh(x: Number) -> Number:
    """0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))."""
    if x != x or x == INF:
        return x
    return x / 2 * (1 + reals.tanh(reals.sqrt(2 / reals.PI) * (x + Fraction("0.044715") * x**3)))


@oracle("Gelu", 20)
def gelu(types: Types, since: int) -> list[Case]:
    """With the error function, or with the function that stands for it when approximate is "tanh"."""
    inputs = inputs_of(types["T"], omit=(-INF, *hardly_above_half(types["T"])))
    return _cases(_gelu, inputs) + _cases(_gelu, inputs, approximate="none") + _cases(_gelu_by_tanh, inputs, approximate="tanh")
