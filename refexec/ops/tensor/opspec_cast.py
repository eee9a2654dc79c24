"""Opspecs of conversions between element types."""

import numpy as np

from refexec.opspec import Draw, Operand, Out, Span, opspec
from refexec.types import ELEMENT_TYPES, STRING, ElementType, TensorType
from refexec.values import highest, lowest, max_finite, round_to, ulp

OVERFLOW_SINCE = 13
"""The version that defines what numbers beyond the range of the type become."""


def cast_span(source: ElementType, to: ElementType, since: int) -> Span | None:
    """Where numbers lie whose result the text states.

    Floats have that in the range of an integer type, positive numbers as float8e8m0, numbers in its range as a float without infinity
    that is no 8-bit one.
    """
    scale = source.name == "float8e8m0"
    if source is to or source.kind in ("bool", "string"):
        return None
    if to.is_integer and (source.is_float or since < OVERFLOW_SINCE):
        low, high = int(lowest(to.dtype)), int(highest(to.dtype))
        if scale:
            return (1, 2.0 ** (high.bit_length() - 1))
        return (inner_end(source, low), inner_end(source, high)) if source.is_float else (low, min(high, 2**62))
    if to.name == "float8e8m0":
        return (0.5, 96)
    if to.is_float and to.bits < 8:
        return (0.5, 4) if scale else (-6, 6)
    if since < OVERFLOW_SINCE:
        return (1, 9) if to.kind == "bool" else (-1000, 1000)
    return None


def inner_end(source: ElementType, end: int) -> float:
    """The number of a float type that is next to the end of an integer type, on its inner side."""
    near = float(round_to(np.float64(end), source.dtype))
    limited = float(np.clip(near, -max_finite(source.dtype), max_finite(source.dtype)))
    return limited if abs(limited) <= abs(end) else limited - np.sign(end) * float(ulp(np.nextafter(abs(limited), 0), source.dtype))


def numbers_of(to: ElementType) -> list[str]:
    """Literals of numbers of a type."""
    if to.is_integer:
        return (
            ["1", "0", str(int(highest(to.dtype))), str(int(lowest(to.dtype)))]
            + ["-1"] * (to.kind == "int")
            + ["100", "7"] * (to.bits >= 8)
        )
    if to.name == "float8e8m0":
        return ["1", "0.5", "4e0", "2"]
    above_tie = ["1.000000059604644775390626"]  # of two float32 numbers, by less than a float64 tells
    return (
        ["1.5", "-0.5", "1e0", "3", "0.1"] + ["100.5", "1e-5", "-2E2", "+INF", "-inf", "nan"] * (to.bits >= 8) + above_tie * (to.bits >= 32)
    )


def text_free(source: ElementType) -> list[float]:
    """Floats whose plain decimal representation has no choice: not whole, and short."""
    if source.name == "float8e8m0":
        return [0.5, 0.25]
    return [0.5, -1.5] + [0.25, 1.75] * (source.bits > 4) + [-2.375, 314.125] * (source.bits >= 16)


def operand(d: Draw, source: ElementType, to: ElementType) -> Operand:
    """What is cast: strings are literals, and floats that become strings are written in one way only."""
    written = numbers_of(to) if source is STRING else text_free(source) if source.is_float and to is STRING else None
    if written is None or source is to:
        return d.input("T1", among=[source], span=cast_span(source, to, d.since), empty=True, sized=False)
    start, shape = d.integer(0, len(written) - 1), d.shape(0, 3, empty=True)
    values = np.array(written[start:] + written[:start], object if source is STRING else np.float64)
    return d.constant(np.resize(values, shape).astype(source.dtype), source)


def source_of(d: Draw) -> ElementType:
    """The type of a value that exists, or any."""
    found = [v.elem for v in reversed(d.scope.visible()) if v.type in d.signature.variables["T1"]]
    return d.pick(found) if found and d.integer(0, 3) else d.elem("T1")


def stated(source: ElementType, to: ElementType) -> bool:
    """Whether the text says what a cast gives: not for truth values as strings, strings as truth values, False as float8e8m0."""
    return {source.kind, to.kind} != {"bool", "string"} and (source.kind != "bool" or to.name != "float8e8m0")


@opspec("Cast", 1, 6, 9, 13, 19, 21, 23, 24, 25, 28)
@opspec("CastLike", 15, 19, 21, 23, 24, 25)
def cast(d: Draw) -> None:
    """``to`` is a number, before version 6 a name, and in CastLike the type of the second operand."""
    source = source_of(d)
    targets = [t.elem for t in d.signature.variables["T2"] if isinstance(t, TensorType) and stated(source, t.elem)]
    like = d.input("T2", (0, 2), among=targets, empty=True, sized=False) if d.signature.name == "CastLike" else None
    to = d.elem("T2", targets) if like is None else like.elem
    if like is None:
        names = {"float32": "FLOAT", "float64": "DOUBLE"}
        d.set("to", names.get(to.name, to.name.upper()) if d.since == 1 else to.number)
    d.attr("saturate", [0, 1])
    d.attr("round_mode", ["nearest", "down", "up"])
    x = operand(d, source, to)
    d.emit([x, like], Out(to, x.shape))


@opspec("BitCast", 26)
def bit_cast(d: Draw) -> None:
    """The types have as many bits; the bits of a bool are 0 or 1."""
    x = d.input("T1", empty=True, sized=False, span=(0, 1) if d.integer(0, 7) == 7 else None)
    binary = x.elem.kind in ("int", "uint") and x.span is not None and x.span[0] >= 0 and x.span[1] <= 1
    to = d.elem("T2", [e for e in ELEMENT_TYPES if e.bits == x.elem.bits and (e.kind != "bool" or binary or e is x.elem)])
    d.set("to", to.number)
    d.emit([x], Out(to, x.shape))
