"""The folder ``logical``: And, Or, Xor, Not; Equal, Greater, Less and their kin; BitShift and the bitwise operators."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import broadcast_cases, combine, paired, small
from conformance.exact.formats import INF, INTEGERS, NAN, wrap
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import integers, is_integer
from conformance.exact.values import Case, Tensor

__all__: list[str] = []

Binary = Callable[[Any, Any], Any]
TRUTH = [(False, False), (False, True), (True, False), (True, True)]
TEXTS = [
    ("a", "a"),
    ("a", "A"),
    ("", ""),
    ("", " "),
    ("é", "e\u0301"),
    ("é", "é"),
    ("ab", "a"),
    ("日本", "日本"),
    ("a\0b", "a\0c"),
    ("10", "1e1"),
]


def _declare_logic(name: str, function: Binary) -> None:
    @oracle(name, 1, 7)
    def logic(types: Types, since: int) -> list[Case]:
        return [paired(function, "bool", TRUTH), *broadcast_cases(function, "bool", since)]


for _name, _logic in {"And": operator.and_, "Or": operator.or_, "Xor": operator.xor}.items():
    _declare_logic(_name, _logic)


@oracle("Not", 1)
def negation(types: Types, since: int) -> list[Case]:
    """True for false, false for true."""
    shapes = [Tensor.of("bool", [[True, False], [False, False]]), Tensor.of("bool", True), Tensor("bool", (0, 3), ())]
    return [Case([x], [x.map(operator.not_)]) for x in shapes]


def _compared(type: str) -> list[list[tuple[Any, Any]]]:
    """Equal and neighbouring numbers, the extremes; zeros of both signs are equal, NaN to nothing."""
    if type == "bool":
        return [TRUTH]
    if type == "string":
        return [TEXTS]
    if is_integer(type):
        v = list(integers(type).values)
        return [list(zip(v, v, strict=True)), list(zip(v, v[1:] + v[:1], strict=True)), list(zip(v, v[-1:] + v[:-1], strict=True))]
    u, tiny, largest, half = marks(type)
    one, zero = Fraction(1), Fraction(0)
    pairs = [
        (one, one),
        (one, 1 + u),
        (1 + u, one),
        (1 - u / 2, one),
        (-one, -1 - u),
        (tiny, zero),
        (zero, -tiny),
        (largest, largest - 2 * half),
    ]
    zeros: list[tuple[Any, Any]] = [(zero, -0.0), (-0.0, zero)]
    beyond: list[tuple[Any, Any]] = [
        (INF, INF),
        (INF, -INF),
        (-INF, -largest),
        (largest, INF),
        (NAN, NAN),
        (NAN, one),
        (one, NAN),
        (NAN, INF),
    ]
    return [[*pairs, *zeros], beyond]


COMPARISONS: dict[str, tuple[Sequence[int], Binary]] = {
    "Equal": ((1, 7, 11, 13, 19), operator.eq),
    "Greater": ((1, 7, 9, 13), operator.gt),
    "GreaterOrEqual": ((12, 16), operator.ge),
    "Less": ((1, 7, 9, 13), operator.lt),
    "LessOrEqual": ((12, 16), operator.le),
}


def _declare_comparison(name: str, versions: Sequence[int], function: Binary) -> None:
    @oracle(name, *versions)
    def comparison(types: Types, since: int) -> list[Case]:
        type = types["T"]
        return [paired(function, type, p, "bool") for p in _compared(type)] + broadcast_cases(function, type, since, "bool")


for _name, (_versions, _comparison) in COMPARISONS.items():
    _declare_comparison(_name, _versions, _comparison)


def _declare_bitwise(name: str, function: Binary) -> None:
    @oracle(name, 18)
    def bitwise(types: Types, since: int) -> list[Case]:
        """On the bits in two's complement, as Python's integers have them."""
        type = types["T"]
        v = list(integers(type).values)
        pairs = [list(zip(v, v[k:] + v[:k], strict=True)) for k in (1, 3)] + [[(0x55, 0x33), (0x0F, 0x55), (0x7F, 1)]]
        return [paired(function, type, p) for p in pairs] + broadcast_cases(function, type, since)


for _name, _bitwise in {"BitwiseAnd": operator.and_, "BitwiseOr": operator.or_, "BitwiseXor": operator.xor}.items():
    _declare_bitwise(_name, _bitwise)


@oracle("BitwiseNot", 18)
def complement(types: Types, since: int) -> list[Case]:
    """Each bit inverted."""
    type = types["T"]
    return [Case([x], [x.map(lambda v: wrap(~v, type))]) for x in (integers(type), small(type, (2, 1, 2)), small(type, ()))]


def _shift(x: int, y: int, left: bool, type: str) -> int:
    """Bits that leave the type are lost; all of them for a count below 0 or as great as the width, which leaves the sign's extension."""
    bits = INTEGERS[type].bits
    if not 0 <= y < bits:
        return -1 if x < 0 and not left else 0
    return wrap(x << y, type) if left else x >> y


def _counts(type: str, since: int) -> list[list[tuple[int, int]]]:
    """Values and counts. Counts beyond the width, and signed numbers, have a meaning since version 28."""
    form = INTEGERS[type]
    low, high, bits = form.lowest, form.largest, form.bits
    found = [[(1, 1), (2, 2), (4, 1), (high, 1), (high, bits - 1), (1, bits - 1), (high, 0), (0, 3), (high - 1, 2), (0x55, 3)]]
    if since >= 28:
        found.append([(high, bits), (high, bits + 1), (1, high), (0, bits)])
        if form.signed:
            found.append([(-1, 1), (-8, 2), (-7, 1), (low, 1), (low, bits - 1), (-1, bits - 1), (low, bits - 2), (low + 1, 3)])
            found.append([(-1, bits), (low, high), (5, -1), (-5, -1), (low, low), (high, low), (-1, -bits)])
    return found


@oracle("BitShift", 11, 28)
def bit_shift(types: Types, since: int) -> list[Case]:
    """x * 2^y in the bits of the type, or floor(x / 2^y)."""
    type = types["T"]
    found = []
    for direction in ("LEFT", "RIGHT"):

        def function(x: int, y: int, left: bool = direction == "LEFT") -> int:
            return _shift(x, y, left, type)

        cases = [paired(function, type, p) for p in _counts(type, since)]
        x, y = small(type, (2, 3), 40), small(type, (2, 1))
        cases += [Case([x, y], [combine(function, x, y)]), *broadcast_cases(function, type, since)]
        found += [Case(c.inputs, c.outputs, {"direction": direction}) for c in cases]
    return found
