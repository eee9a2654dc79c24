"""Functions of real numbers to fifty digits, on fractions: decimal arithmetic and series. The standard library only."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache

__all__ = [
    "PI", "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "erf", "exp", "expm1", "log", "log1p", "power", "sigmoid",
    "sin", "sinh", "softplus", "sqrt", "tan", "tanh",
]  # fmt: skip

DIGITS = 60
PI = Fraction("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")

_SMALL = Fraction(1, 10**DIGITS)


def _decimal(x: Fraction | int) -> Decimal:
    x = Fraction(x)
    return Decimal(x.numerator) / Decimal(x.denominator)


def exp(x: Fraction | int) -> Fraction:
    """Beyond 5000 as at 5000, which no number format reaches either."""
    x = max(min(Fraction(x), Fraction(5000)), Fraction(-5000))
    with localcontext(prec=DIGITS, Emin=-999999, Emax=999999):
        return Fraction(_decimal(x).exp())


def expm1(x: Fraction | int) -> Fraction:
    """exp(x) - 1, to as many digits near 0."""
    x = Fraction(x)
    return exp(x) - 1 if abs(x) > Fraction(1, 1000) else _series(x, 2, lambda k: x / k)


def log(x: Fraction | int) -> Fraction:
    """The natural logarithm; ``x`` > 0."""
    with localcontext(prec=DIGITS):
        return Fraction(_decimal(x).ln())


def log1p(x: Fraction | int) -> Fraction:
    """log(1 + x), to as many digits near 0; ``x`` > -1."""
    x = Fraction(x)
    return log(1 + x) if abs(x) > Fraction(1, 1000) else 2 * atanh(x / (2 + x))


def sigmoid(x: Fraction | int) -> Fraction:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + exp(-x))


def softplus(x: Fraction | int) -> Fraction:
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))."""
    return max(Fraction(x), Fraction(0)) + log1p(exp(-abs(Fraction(x))))


def sqrt(x: Fraction | int) -> Fraction:
    with localcontext(prec=DIGITS):
        return Fraction(_decimal(x).sqrt())


def power(x: Fraction | int, y: Fraction | int) -> Fraction:
    """``x ** y``, exact for integer ``y``; else ``x`` > 0."""
    if Fraction(y).denominator == 1:
        return Fraction(x) ** int(y)
    return exp(Fraction(y) * log(x))


def sinh(x: Fraction | int) -> Fraction:
    x = Fraction(x)
    if abs(x) > Fraction(1, 1000):
        return (exp(x) - exp(-x)) / 2
    return _series(x, 1, lambda k: x * x / ((2 * k) * (2 * k + 1)))


def cosh(x: Fraction | int) -> Fraction:
    return (exp(x) + exp(-x)) / 2


def tanh(x: Fraction | int) -> Fraction:
    return sinh(x) / cosh(x)


def _series(first: Fraction, start: int, ratio: Callable[[int], Fraction]) -> Fraction:
    """first * (1 + ratio(start) * (1 + ratio(start + 1) * ...)), until the terms are too small to matter."""
    total, term, k = first, first, start
    while abs(term) > _SMALL * abs(first):
        term = _short(term * ratio(k))
        total, k = total + term, k + 1
    return total


def _short(x: Fraction) -> Fraction:
    """The same number with fewer digits, so that fractions do not grow without end."""
    scale = 10 ** (DIGITS + 30)
    return Fraction(round(x * scale), scale)


@cache
def _long_pi() -> Fraction:
    """Four hundred digits, by 16 atan(1/5) - 4 atan(1/239) in integers: enough for the largest double."""
    scale = 10**410

    def atan_of_inverse(n: int) -> int:
        total, term, k = 0, scale // n, 0
        while term:
            total += (-1) ** k * (term // (2 * k + 1))
            term, k = term // (n * n), k + 1
        return total

    return Fraction(16 * atan_of_inverse(5) - 4 * atan_of_inverse(239), scale)


def _reduced(x: Fraction | int) -> Fraction:
    """``x`` less the nearest multiple of 2 pi."""
    x = Fraction(x)
    if abs(x) < 10**30:
        return x - round(x / (2 * PI)) * 2 * PI
    turn = 2 * _long_pi()
    return _short(x - round(x / turn) * turn)


def sin(x: Fraction | int) -> Fraction:
    x = _reduced(x)
    return _series(x, 1, lambda k: -x * x / ((2 * k) * (2 * k + 1)))


def cos(x: Fraction | int) -> Fraction:
    x = _reduced(x)
    return _series(Fraction(1), 1, lambda k: -x * x / ((2 * k - 1) * (2 * k)))


def tan(x: Fraction | int) -> Fraction:
    return sin(x) / cos(x)


def asin(x: Fraction | int) -> Fraction:
    """atan(x / sqrt(1 - x^2)); ``|x|`` <= 1."""
    x = Fraction(x)
    return atan(x / sqrt(1 - x * x)) if abs(x) < 1 else x * PI / 2


def acos(x: Fraction | int) -> Fraction:
    """2 atan(sqrt((1 - x) / (1 + x))); ``|x|`` <= 1."""
    x = Fraction(x)
    return 2 * atan(sqrt((1 - x) / (1 + x))) if x > -1 else PI


def acosh(x: Fraction | int) -> Fraction:
    """log(x + sqrt(x^2 - 1)); ``x`` >= 1."""
    x = Fraction(x)
    return log(x + sqrt(x * x - 1))


def asinh(x: Fraction | int) -> Fraction:
    """log(|x| + sqrt(x^2 + 1)) with the sign of x; atanh(x / sqrt(x^2 + 1)) near 0."""
    x = Fraction(x)
    root = sqrt(x * x + 1)
    if abs(x) < Fraction(1, 1000):
        return atanh(x / root)
    return log(x + root) if x > 0 else -log(root - x)


def atanh(x: Fraction | int) -> Fraction:
    """log((1 + x) / (1 - x)) / 2; ``|x|`` < 1."""
    x = Fraction(x)
    if abs(x) > Fraction(1, 100):
        return log((1 + x) / (1 - x)) / 2
    total, power_of_x, k = Fraction(0), x, 0
    while abs(power_of_x) > _SMALL * abs(x):
        total += power_of_x / (2 * k + 1)
        power_of_x, k = _short(power_of_x * x * x), k + 1
    return total


def atan(x: Fraction | int) -> Fraction:
    x = Fraction(x)
    if abs(x) > Fraction(1, 4):  # atan(x) = 2 atan(x / (1 + sqrt(1 + x^2)))
        return 2 * atan(_short(x / (1 + sqrt(1 + x * x))))
    total, power_of_x, k = Fraction(0), x, 0
    while abs(power_of_x) > _SMALL * abs(x):
        total += power_of_x * Fraction((-1) ** k, 2 * k + 1)
        power_of_x, k = _short(power_of_x * x * x), k + 1
    return total


def erf(x: Fraction | int) -> Fraction:
    x = Fraction(x)
    if abs(x) > 12:  # 1 - erf(12) < 1e-63
        return Fraction(1 if x > 0 else -1)
    total, term, k = Fraction(0), x, 0  # term: (-1)^k x^(2k+1) / k!
    while abs(term) > _SMALL * Fraction(1, 10**5) * abs(x) or k < x * x:
        total += term / (2 * k + 1)
        k += 1
        term = _wide(-term * x * x / k)
    return total * 2 / sqrt(PI)


def _wide(x: Fraction) -> Fraction:
    scale = 10 ** (2 * DIGITS + 80)
    return Fraction(round(x * scale), scale)
