"""Abs, Neg, Sign, Ceil, Floor, Round and Clip: results that are numbers of the type, unless an integer wraps."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from conformance.exact.formats import FLOATS, INTEGERS, NAN, Number, round_to, wrap
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer, numbers
from conformance.exact.values import Case, Tensor

__all__: list[str] = []

HALVES = [Fraction(n, 4) for n in (-18, -10, -6, -3, -2, -1, 1, 2, 3, 6, 9, 10, 14)]


def _legacy(since: int) -> dict[str, list[int]]:
    return {"consumed_inputs": [0]} if since == 1 else {}


@oracle("Abs", 1, 6, 13)
def absolute(types: Types, since: int) -> list[Case]:
    """|x|, in the bits of the type: the lowest signed integer stays what it is."""
    type = types["T"]
    x = numbers(type, special=True)
    return [Case([x], [x.map(lambda v: wrap(abs(v), type) if is_integer(type) else abs(v))], _legacy(since))]


@oracle("Neg", 1, 6, 13)
def negative(types: Types, since: int) -> list[Case]:
    """-x, in the bits of the type."""
    type = types["T"]
    x = numbers(type, special=True)
    return [Case([x], [x.map(lambda v: wrap(-v, type) if is_integer(type) else -v)], _legacy(since))]


@oracle("Sign", 9, 13)
def sign(types: Types, since: int) -> list[Case]:
    """1, -1 or 0; of NaN the text says nothing."""
    x = numbers(types["T"], special=True)
    x = Tensor(x.type, (len(x.values) - (NAN in x.values),), tuple(v for v in x.values if v == v))
    return [Case([x], [x.map(lambda v: (v > 0) - (v < 0))])]


def _step(nearest: Callable[[Fraction], int], type: str, keeps_zero_sign: bool, legacy: dict[str, list[int]]) -> list[Case]:
    """``nearest`` of halves and quarters, and of the extremes. NaN, infinities and, where the text says so, -0 stay what they are."""

    def function(x: Number) -> Number:
        return x if isinstance(x, float) else Fraction(nearest(Fraction(x)))

    near = Tensor(type, (len(HALVES),), tuple(HALVES))
    far = numbers(type, special=True)
    big = Tensor.of(type, [_odd_half(type), -_odd_half(type)])
    zero = [Tensor.of(type, [-0.0])] if keeps_zero_sign else []
    return [Case([x], [x.map(function)], legacy) for x in (near, far, big, *zero)]


def _odd_half(type: str) -> Fraction:
    """The largest number of a float type that is half-way between two integers."""
    form = FLOATS[type]
    return Fraction(2) ** (getattr(form, "mantissa", 0)) - Fraction(1, 2)


@oracle("Ceil", 1, 6, 13)
def ceil(types: Types, since: int) -> list[Case]:
    """The least integer that is not below x."""
    return _step(math.ceil, types["T"], since >= 13, _legacy(since))


@oracle("Floor", 1, 6, 13)
def floor(types: Types, since: int) -> list[Case]:
    """The greatest integer that is not above x."""
    return _step(math.floor, types["T"], since >= 13, _legacy(since))


@oracle("Round", 11, 22)
def nearest_integer(types: Types, since: int) -> list[Case]:
    """The nearest integer, halves to the even one."""
    return _step(round, types["T"], True, {})


def _clip(x: Number, low: Number, high: Number) -> Number:
    """Min(high, Max(x, low)); NaN is neither below nor above."""
    if x != x:
        return x
    return min(max(x, low), high)


@oracle("Clip", 1, 6)
def clip_by_attributes(types: Types, since: int) -> list[Case]:
    """min and max are float attributes. Version 1 defaults to the limits of the type, 6 to those of float, in each type that holds them."""
    type = types["T"]
    x = numbers(type, special=True)
    low, high = Fraction(-3, 4), Fraction(5, 4)
    largest = FLOATS[type if since == 1 else "float"].largest
    found = []
    for given in ({"min": low, "max": high}, {"min": low}, {"max": high}, {}):
        if since == 6 and type == "float16" and len(given) < 2:
            continue  # the default is no number of the type
        bounds = given.get("min", -largest), given.get("max", largest)
        attributes = {k: float(v) for k, v in given.items()}
        found.append(Case([x], [x.map(lambda v, b=bounds: _clip(v, *b))], {**attributes, **_legacy(since)}))
    return found


@oracle("Clip", 11, 12, 13)
def clip_by_inputs(types: Types, since: int) -> list[Case]:
    """min and max are scalar inputs that may be left out: the limits of the type. Since 13 the result is max when min > max."""
    type = types["T"]
    x = numbers(type, special=True)
    low, high, lowest, largest = _bounds(type)
    pairs: list[tuple[Number, Number]] = [(low, high), (low, None), (None, high), (None, None), (low, low)]
    if since >= 13:
        pairs.append((high, low))
    found = []
    for least, most in pairs:
        bounds = lowest if least is None else least, largest if most is None else most
        given = [None if b is None else Tensor.of(type, b) for b in (least, most)]
        found.append(Case([x, *given], [x.map(lambda v, b=bounds: _clip(v, *b))]))
    return found


def _bounds(type: str) -> tuple[Number, Number, Number, Number]:
    """Two bounds to try, and the lowest and the largest finite number."""
    if is_integer(type):
        form = INTEGERS[type]
        return (-1 if form.signed else 1), 2, form.lowest, form.largest
    largest = FLOATS[type].largest
    return round_to(Fraction(-3, 4), type), round_to(Fraction(5, 4), type), -largest, largest
