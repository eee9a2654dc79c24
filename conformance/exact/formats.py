"""The number formats of ONNX as integer code: bits to numbers, numbers to bits, rounding. Nothing here uses a float library.

A number is an ``int`` or a ``Fraction``; what a fraction cannot be is a Python float: ``nan``, ``inf``, ``-inf``, ``-0.0``. Source: docs/technical
float4.md, float8.md, int4.md, int2.md of onnx 1.23 and IEEE 754.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

__all__ = ["FLOATS", "INF", "INTEGERS", "NAN", "Float", "Integer", "Number", "decode", "encode", "quantum", "round_to", "wrap"]

Number = Any
"""``int`` or ``Fraction``, or one of the floats nan, inf, -inf and -0.0."""

NAN, INF = math.nan, math.inf


@dataclass(frozen=True)
class Float:
    """A binary float format. ``nan`` says which bits are NaN: as IEEE 754, only all ones, only the sign bit, or none."""

    bits: int
    exponent: int
    mantissa: int
    bias: int
    infinity: bool = True
    nan: Literal["ieee", "all ones", "sign only", "none"] = "ieee"

    @property
    def lowest_exponent(self) -> int:
        """Of the smallest normal number; subnormal ones have its quantum."""
        return 1 - self.bias

    @cached_property
    def largest(self) -> Fraction:
        """The largest finite number."""
        ones = (1 << (self.bits - 1)) - 1
        value = self.decode(ones - (1 << self.mantissa) if self.infinity else ones - (self.nan == "all ones"))
        return Fraction(value)

    def decode(self, bits: int) -> Number:
        negative, rest = divmod(bits, 1 << (self.bits - 1))
        if self.nan == "sign only" and negative and not rest:
            return NAN
        exponent, mantissa = divmod(rest, 1 << self.mantissa)
        top = exponent == (1 << self.exponent) - 1
        if top and self.infinity:
            return NAN if mantissa else (-INF if negative else INF)
        if self.nan == "all ones" and top and mantissa == (1 << self.mantissa) - 1:
            return NAN
        if not rest:
            return -0.0 if negative else Fraction(0)
        significand = mantissa + (1 << self.mantissa if exponent else 0)
        value = significand * Fraction(2) ** (max(exponent, 1) - self.bias - self.mantissa)
        return -value if negative else value


@dataclass(frozen=True)
class PowersOfTwo:
    """float8e8m0: 2 ** (bits - 127), and NaN for all ones. No sign, no zero, no infinity."""

    bits: int = 8

    largest = Fraction(2) ** 127
    smallest = Fraction(1, 2**127)

    def decode(self, bits: int) -> Number:
        return NAN if bits == 255 else Fraction(2) ** (bits - 127)


@dataclass(frozen=True)
class Integer:
    bits: int
    signed: bool

    @property
    def lowest(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def largest(self) -> int:
        return (1 << (self.bits - self.signed)) - 1


FLOATS: dict[str, Float | PowersOfTwo] = {
    "double": Float(64, 11, 52, 1023),
    "float": Float(32, 8, 23, 127),
    "float16": Float(16, 5, 10, 15),
    "bfloat16": Float(16, 8, 7, 127),
    "float8e4m3fn": Float(8, 4, 3, 7, False, "all ones"),
    "float8e4m3fnuz": Float(8, 4, 3, 8, False, "sign only"),
    "float8e5m2": Float(8, 5, 2, 15),
    "float8e5m2fnuz": Float(8, 5, 2, 16, False, "sign only"),
    "float6e2m3": Float(6, 2, 3, 1, False, "none"),
    "float6e3m2": Float(6, 3, 2, 3, False, "none"),
    "float4e2m1": Float(4, 2, 1, 1, False, "none"),
    "float8e8m0": PowersOfTwo(),
}
INTEGERS = {f"{'' if signed else 'u'}int{bits}": Integer(bits, signed) for bits in (2, 4, 8, 16, 32, 64) for signed in (True, False)}


def decode(bits: int, to: str) -> Number:
    """The number that the bits of a float format stand for."""
    return FLOATS[to].decode(bits)


def encode(value: Number, to: str) -> int:
    """The bits of a number that the float format holds exactly. Raises ValueError for any other number."""
    form = FLOATS[to]
    guess = _bits(value, form) if isinstance(form, Float) else 255 if isinstance(value, float) else _exponent(Fraction(value)) + 127
    found = form.decode(guess) if 0 <= guess < 1 << form.bits else None
    if repr(found) != repr(value if isinstance(value, float) else Fraction(value)):
        raise ValueError(f"{value!r} is no number of {to}")
    return guess


def _bits(value: Number, form: Float) -> int:
    sign, top = 1 << (form.bits - 1), ((1 << form.exponent) - 1) << form.mantissa
    if isinstance(value, float):
        if math.isnan(value):
            return {
                "ieee": top + (1 << max(form.mantissa - 1, 0)),
                "all ones": top + (1 << form.mantissa) - 1,
                "sign only": sign,
                "none": -1,
            }[form.nan]
        return (sign if math.copysign(1, value) < 0 else 0) + (top if math.isinf(value) else 0)
    if not value:
        return 0
    magnitude = abs(Fraction(value))
    exponent = max(_exponent(magnitude), form.lowest_exponent)
    units = magnitude / Fraction(2) ** (exponent - form.mantissa)
    if units.denominator != 1:
        return -1
    normal = units >= 1 << form.mantissa
    return (sign if value < 0 else 0) + ((exponent + form.bias - 1) << form.mantissa if normal else 0) + int(units)


def _exponent(magnitude: Fraction) -> int:
    """floor(log2(magnitude))."""
    guess = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    return guess if Fraction(2) ** guess <= magnitude else guess - 1


def quantum(value: Number, of: str) -> Fraction:
    """The distance of the format's numbers around a finite number: one unit in the last place."""
    form = FLOATS[of]
    if isinstance(form, PowersOfTwo):
        return Fraction(2) ** _exponent(Fraction(value))
    exponent = form.lowest_exponent if not value else max(_exponent(abs(Fraction(value))), form.lowest_exponent)
    return Fraction(2) ** (min(exponent, _exponent(form.largest)) - form.mantissa)


def round_to(value: Number, to: str, saturate: bool = False) -> Number:
    """To the nearest number of a float format, half-way cases to the even one (IEEE 754 roundTiesToEven).

    Beyond the largest number: that number when ``saturate`` or the format has neither infinity nor NaN; else infinity where it has one,
    else NaN. Zeros keep their sign where the format has two.
    """
    form = FLOATS[to]
    if isinstance(form, PowersOfTwo):
        raise ValueError("float8e8m0 has no one rounding: Cast names three")
    saturate = saturate or form.nan == "none"
    if isinstance(value, float):
        if math.isinf(value) and saturate:
            return form.largest if value > 0 else -form.largest
        if math.isinf(value) and not form.infinity:
            return NAN
        return Fraction(0) if value == 0 and form.nan == "sign only" else value
    value = Fraction(value)
    step = quantum(value, to)
    magnitude = round(abs(value) / step) * step  # round() of a Fraction takes half to even
    if _exponent(abs(value) or Fraction(1)) > _exponent(form.largest) or magnitude > form.largest:
        beyond = form.largest if saturate else INF if form.infinity else NAN
        return beyond if value > 0 else -beyond
    if value < 0 and not magnitude:
        return Fraction(0) if form.nan == "sign only" else -0.0
    return magnitude if value >= 0 else -magnitude


def wrap(value: int, to: str) -> int:
    """An integer modulo 2 ** bits, in the range of an integer type."""
    form = INTEGERS[to]
    return (value - form.lowest) % (1 << form.bits) + form.lowest
