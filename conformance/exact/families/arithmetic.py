"""Add, Sub, Mul, Div and Pow."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.families.broadcasting import broadcast_cases, combine, paired
from conformance.exact.formats import FLOATS, INF, INTEGERS, NAN, Float, Number, wrap
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import integers, is_integer
from conformance.exact.values import Case, Tensor

__all__ = ["marks", "of_numbers"]

Binary = Callable[[Any, Any], Any]


def of_numbers(exact: Binary, type: str) -> Binary:
    """``exact`` on the numbers of a type: integers wrap; infinities, NaN and -0 follow IEEE 754, as Python's own floats do."""

    def function(a: Number, b: Number) -> Number:
        if is_integer(type):
            return wrap(exact(int(a), int(b)), type)
        if not isinstance(a, float) and not isinstance(b, float):
            return exact(Fraction(a), Fraction(b))
        found = exact(float(a), float(b))
        return found if abs(found) == INF or found != found else Fraction(found)

    return function


def marks(type: str) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """The distance from 1 to the next number, the smallest number, the largest one, and half of the largest one's last place."""
    form = FLOATS[type]
    assert isinstance(form, Float)
    largest = form.largest
    smallest = Fraction(2) ** (form.lowest_exponent - form.mantissa)
    return Fraction(1, 2**form.mantissa), smallest, largest, largest / (2 ** (form.mantissa + 1) - 1) / 2


def _quotient(a: Any, b: Any) -> Any:
    """a / b as IEEE 754 has it when b is 0; integers are truncated."""
    if isinstance(a, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    if b:
        return a / b
    return NAN if not a or a != a else INF if a > 0 else -INF


def _integer_pairs(type: str) -> list[list[tuple[int, int]]]:
    """Each integer of :func:`integers` with itself, and with another one: the extremes wrap."""
    v = [int(x) for x in integers(type).values]
    return [list(zip(v, v, strict=True)), list(zip(v, v[3:] + v[:3], strict=True))]


def _sums(type: str) -> list[tuple[Number, Number]]:
    """Half-way cases down to an even and up to an even number, cancellation, overflow just and not quite."""
    u, tiny, largest, half = marks(type)
    one = Fraction(1)
    finite = [
        (one, u / 2),
        (1 + u, u / 2),
        (one, tiny),
        (one, -1 - u),
        (tiny, tiny),
        (largest, half),
        (largest, half / 2),
        (largest, largest),
    ]
    return [*finite, (largest, -largest), (-largest, -half), (INF, one), (INF, -INF), (NAN, one), (-INF, -INF), (Fraction(5, 2), -u)]


def _differences(type: str) -> list[tuple[Number, Number]]:
    return [(a, -b) for a, b in _sums(type)]


def _products(type: str) -> list[tuple[Number, Number]]:
    """Half-way cases of normal and of subnormal results, overflow, 0 times infinity."""
    u, tiny, largest, _ = marks(type)
    half, normal = Fraction(1, 2), tiny / u
    finite = [(1 + u, Fraction(3, 2)), (1 + 3 * u, Fraction(3, 2)), (-1 - u, 1 + u), (tiny, half), (3 * tiny, half), (normal, half)]
    return [*finite, (largest, Fraction(2)), (largest, -1 - u), (tiny, tiny), (INF, Fraction(0)), (-INF, Fraction(2)), (NAN, half)]


def _quotients(type: str) -> list[tuple[Number, Number]]:
    """Periodic fractions, half-way cases of subnormal results, overflow, division by 0 and by infinity."""
    _, tiny, largest, _ = marks(type)
    zero, one, two = Fraction(0), Fraction(1), Fraction(2)
    finite = [(one, 3 * one), (-two, 3 * one), (tiny, two), (3 * tiny, two), (largest, one / 2), (one, largest), (largest, tiny)]
    return [*finite, (one, zero), (-one, zero), (zero, zero), (INF, INF), (one, INF), (-INF, two), (NAN, one)]


def _divisions(type: str) -> list[list[tuple[int, int]]]:
    """All signs; neither 0 nor the lowest number by -1, which have no value."""
    form = INTEGERS[type]
    pairs = [(7, 2), (-7, 2), (7, -2), (-7, -2), (1, 3), (-1, 3), (0, -5), (form.largest, 2), (form.lowest, 3), (form.lowest, form.largest)]
    pairs += [(form.largest, form.largest), (form.largest - 1, form.largest), (form.largest, -1)]
    return [[p for p in pairs if min(p) >= form.lowest]]


BASIC: dict[str, tuple[Binary, Callable[[str], list[tuple[Number, Number]]], Callable[[str], list[list[tuple[int, int]]]]]] = {
    "Add": (operator.add, _sums, _integer_pairs),
    "Sub": (operator.sub, _differences, _integer_pairs),
    "Mul": (operator.mul, _products, _integer_pairs),
    "Div": (_quotient, _quotients, _divisions),
}


def _declare(name: str) -> None:
    exact, floats, whole = BASIC[name]

    @oracle(name, 1, 6, 7, 13, 14)
    def basic(types: Types, since: int) -> list[Case]:
        type = types["T"]
        function = of_numbers(exact, type)
        vectors: Sequence[Sequence[tuple[Number, Number]]] = whole(type) if is_integer(type) else [floats(type)]
        found = [paired(function, type, pairs) for pairs in vectors]
        if since == 1:
            found[0] = Case(found[0].inputs, found[0].outputs, {"consumed_inputs": [0, 0]})
        return found + broadcast_cases(function, type, since)


for _name in BASIC:
    _declare(_name)


def _power(x: Number, y: Number, type: str) -> Number:
    """x ** y for the exponents that the cases use: integers, or x > 0."""
    if isinstance(x, float) or isinstance(y, float):
        return float(x) ** float(y)
    x, y = Fraction(x), Fraction(y)
    if abs(x) == 1 and y.denominator == 1:
        return x if y % 2 else Fraction(1)
    if is_integer(type):
        return int(x ** int(y))
    if not x:
        return Fraction(not y)
    if x < 0 and y.denominator != 1:
        return NAN
    return reals.power(x, y)


ROOTS = [
    (Fraction(9, 4), Fraction(1, 2)),
    (2, Fraction(1, 2)),
    (-1, Fraction(1, 2)),
    (3, Fraction(-5, 2)),
    (Fraction(1, 2), Fraction(3, 4)),
]


def _powers(type: str, exponent: str) -> list[tuple[Number, Number]]:
    """Base and exponent: exact, rounded, overflowing and vanishing results; no integer to a negative power, which is no integer."""
    signed = exponent not in INTEGERS or INTEGERS[exponent].signed
    pairs: list[tuple[Number, Number]] = [(2, 0), (0, 0), (0, 3), (3, 2), (-3, 3), (-2, 4), (1, 100), (-1, 101), (5, 1)]
    if type in INTEGERS:
        deep = {"int32": [(3, 19), (-2, 31)], "int64": [(3, 39), (-2, 63)]}[type]
        return pairs + deep
    u, tiny, largest, _ = marks(type)
    pairs += [(1 + u, 2), (largest, 2), (tiny, 2), (3, 5)]
    if signed:
        pairs += [(2, -3), (3, -1), (-largest, -1)]
    return pairs


def _power_cases(type: str, exponent: str) -> list[Case]:
    pairs = _powers(type, exponent)
    found = [_power_case(type, exponent, pairs)]
    if exponent in INTEGERS:  # an odd and an even exponent that no float holds
        found.append(_power_case(type, exponent, [(-1, INTEGERS[exponent].largest), (-1, INTEGERS[exponent].largest - 1)]))
    elif type in FLOATS:
        found.append(_power_case(type, exponent, ROOTS))
    if (type, exponent) == ("float", "float"):
        found.append(_power_case(type, exponent, [(INF, 2), (INF, -1), (-INF, 3), (NAN, 1), (2, INF), (2, -INF)]))
    return found


def _power_case(type: str, exponent: str, pairs: Sequence[tuple[Number, Number]]) -> Case:
    x = Tensor(type, (len(pairs),), tuple(p[0] for p in pairs))
    y = Tensor(exponent, (len(pairs),), tuple(p[1] for p in pairs))
    return Case([x, y], [combine(lambda a, b: _power(a, b, type), x, y)])


@oracle("Pow", 1, 7)
def pow_of_one_type(types: Types, since: int) -> list[Case]:
    """x ** exponent, both of one type."""
    type = types["T"]
    return _power_cases(type, type) + broadcast_cases(lambda a, b: _power(a, b, type), type, since)


@oracle("Pow", 12, 13, 15)
def pow_of_two_types(types: Types, since: int) -> list[Case]:
    """x ** exponent in the type of x; the exponent has its own."""
    type, exponent = types["T"], types["T1"]
    found = _power_cases(type, exponent)
    if types.tested == "T1" and exponent in INTEGERS:
        found += _power_cases("int32", exponent) + _power_cases("int64", exponent)
    return found if type != exponent else found + broadcast_cases(lambda a, b: _power(a, b, type), type, since)
