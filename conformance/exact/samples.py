"""Numbers to try, for each type: few, with half-way cases for results, extremes and, on wish, NaN and infinities."""

from __future__ import annotations

from fractions import Fraction

from conformance.exact.formats import FLOATS, INF, INTEGERS, NAN, Float, decode, round_to
from conformance.exact.values import Tensor

__all__ = ["floats", "has_infinity", "has_nan", "integers", "is_float", "is_integer", "numbers", "single", "spread", "usual"]


def is_float(type: str) -> bool:
    return type in FLOATS


def is_integer(type: str) -> bool:
    return type in INTEGERS


def has_nan(type: str) -> bool:
    form = FLOATS.get(type)
    return form is not None and getattr(form, "nan", "all ones") != "none"


def has_infinity(type: str) -> bool:
    return getattr(FLOATS.get(type), "infinity", False)


def single(text: str) -> Fraction:
    """What an attribute of type float holds of a decimal number: the float32 next to it."""
    return Fraction(round_to(Fraction(text), "float"))


def spread(type: str) -> list[Fraction]:
    """Finite numbers of a float type: small odd ones, the neighbours of 1, the smallest subnormal, the smallest normal, the largest."""
    form = FLOATS[type]
    if not isinstance(form, Float):  # float8e8m0
        return [Fraction(2) ** e for e in (0, 1, -1, 4, -127, 127)]
    one = form.bias << form.mantissa
    bits = [one - 1, one, one + 1, one + (1 << form.mantissa) // 2, 1, 1 << form.mantissa]
    found = [Fraction(decode(b, type)) for b in bits]
    return [*found, -found[2], -found[3], form.largest, -form.largest]


def floats(type: str, *, special: bool = False) -> Tensor:
    """A vector of :func:`spread` and 0; with NaN and the infinities where the type has them and ``special`` asks for them."""
    more = ([NAN] if has_nan(type) else []) + ([INF, -INF] if has_infinity(type) else []) if special else []
    zero = [Fraction(0)] if isinstance(FLOATS[type], Float) else []
    values = list(dict.fromkeys(spread(type))) + zero + more
    return Tensor(type, (len(values),), tuple(values))


def integers(type: str) -> Tensor:
    """A vector of the lowest, the largest and small integers of the type."""
    form = INTEGERS[type]
    values = [
        v
        for v in dict.fromkeys([form.lowest, form.lowest + 1, -1, 0, 1, 2, 3, form.largest - 1, form.largest])
        if form.lowest <= v <= form.largest
    ]
    return Tensor(type, (len(values),), tuple(values))


def numbers(type: str, *, special: bool = False) -> Tensor:
    """:func:`floats` or :func:`integers`."""
    return integers(type) if is_integer(type) else floats(type, special=special)


def usual(type: str, count: int) -> list[object]:
    """``count`` distinguishable values of any tensor type, in a fixed order, repeating where the type has fewer."""
    if type == "string":
        return [("", "a", "B", "é", "aa", "z z")[i % 6] + "x" * (i // 6) for i in range(count)]
    if type == "bool":
        return [i % 3 != 1 for i in range(count)]
    if type in INTEGERS:
        form = INTEGERS[type]
        return [
            form.lowest + (i * 5 + 3) % (form.largest - form.lowest + 1)
            if form.bits <= 4
            else (i * 37 + 11) % 100 - (50 if form.signed else 0)
            for i in range(count)
        ]
    if type in ("complex64", "complex128"):
        return [(Fraction(i + 1, 2), Fraction(-i, 4)) for i in range(count)]
    values = spread(type)
    return [values[i % len(values)] for i in range(count)]
