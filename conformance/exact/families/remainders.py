"""Mod: the remainder of floor division, or with fmod=1 of truncated division."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import broadcast_cases, paired
from conformance.exact.formats import INF, INTEGERS, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer
from conformance.exact.values import Case

__all__: list[str] = []


def _floor_remainder(a: Number, b: Number) -> Number:
    """a - floor(a / b) * b; at 28 for floats too: a zero has the sign of b, infinite b gives a or b, NaN for a infinite or b zero."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    if a != a or b != b or abs(a) == INF or not b:
        return NAN
    if not a:
        return math.copysign(0.0, b)
    if abs(b) == INF:
        return a if (a > 0) == (b > 0) else b
    return Fraction(a) - math.floor(Fraction(a) / Fraction(b)) * Fraction(b) or math.copysign(0.0, b)


def _truncated_remainder(a: Number, b: Number) -> Number:
    """a - trunc(a / b) * b: the sign of a; a itself for infinite b, NaN for a infinite or b zero."""
    if isinstance(a, int) and isinstance(b, int):
        return (abs(a) % abs(b)) * (-1 if a < 0 else 1)
    if a != a or b != b or abs(a) == INF or not b:
        return NAN
    if abs(b) == INF or not a:
        return a
    return Fraction(a) - math.trunc(Fraction(a) / Fraction(b)) * Fraction(b)


def _integers(type: str) -> list[tuple[int, int]]:
    """All signs and the extremes; no zero divisor and no -1, by which the lowest number has no quotient."""
    form = INTEGERS[type]
    pairs = [(7, 3), (-7, 3), (7, -3), (-7, -3), (6, 3), (-6, 3), (0, 5), (2, 5), (-2, 5), (2, -5), (5, 1)]
    pairs += [(form.largest, 10), (form.lowest, 10), (form.lowest, form.largest), (form.largest, form.largest - 1), (3, form.largest)]
    return [p for p in pairs if min(p) >= form.lowest]


def _floats(type: str) -> list[tuple[Number, Number]]:
    """All signs, an exact multiple, quotients far beyond the precision."""
    u, tiny, largest, _ = marks(type)
    n = Fraction
    pairs: list[tuple[Number, Number]] = [(n(7), n(3)), (n(-7), n(3)), (n(7), n(-3)), (n(-7), n(-3)), (n(9, 4), n(1, 2)), (n(-9, 4), 1 + u)]
    return [*pairs, (n(6), n(3)), (largest, n(3)), (-largest, 1 + u), (n(1), tiny), (1 + u, largest), (-tiny, n(1)), (5 * tiny, 3 * tiny)]


def _specials() -> list[tuple[Number, Number]]:
    n = Fraction
    pairs: list[tuple[Number, Number]] = [
        (INF, n(2)),
        (-INF, n(2)),
        (INF, INF),
        (n(2), n(0)),
        (n(0), n(0)),
        (n(2), -0.0),
        (NAN, n(2)),
        (n(2), NAN),
    ]
    return [*pairs, (n(2), INF), (n(-2), -INF), (n(0), n(3)), (NAN, INF), (INF, NAN)]


MIXED_INFINITIES: list[tuple[Number, Number]] = [(Fraction(2), -INF), (Fraction(-2), INF), (Fraction(-3, 2), INF)]
ZEROS: list[tuple[Number, Number]] = [
    (-0.0, Fraction(2)),
    (Fraction(0), Fraction(-2)),
    (-0.0, Fraction(-2)),
    (Fraction(0), -INF),
    (-0.0, INF),
]


def _with(case: Case, fmod: int) -> Case:
    return Case(case.inputs, case.outputs, {"fmod": fmod} if fmod else {})


@oracle("Mod", 10, 13, 28)
def mod(types: Types, since: int) -> list[Case]:
    """fmod=0 is for integers before 28, fmod=1 for floats at 13, and each for both where the text allows it."""
    type = types["T"]
    found = []
    if is_integer(type):
        ways = (0,) if since == 13 else (0, 1)
        for fmod in ways:
            function: Any = _truncated_remainder if fmod else _floor_remainder
            found += [_with(c, fmod) for c in (paired(function, type, _integers(type)), *broadcast_cases(function, type, since))]
        return found
    found += [_with(c, 1) for c in (paired(_truncated_remainder, type, _floats(type)), *broadcast_cases(_truncated_remainder, type, since))]
    if since >= 13:
        found.append(_with(paired(_truncated_remainder, type, [*_specials(), *MIXED_INFINITIES]), 1))
    if since >= 28:
        vectors = (_floats(type), [*_specials(), *MIXED_INFINITIES], ZEROS)
        found += [paired(_floor_remainder, type, pairs) for pairs in vectors]
    return found
