"""Functions of vectors, as polynomials: what they are known by, exp and log. ``gates``, ``units`` and ``trigonometry`` have the others.

Each is written for float32, for float64, or for float64 alone; one that has no form for float32 is computed in float64 and rounded, so
that it is the nearest float32 but for one case in millions. ``ULPS`` says how far each was found to be off, in units in the last place
of the result: samples over all of float32 against float64, and of float64 against long double. The polynomials are minimax
approximations whose own error is below a tenth of that.

NaN gives NaN; the other special cases are those of the operators' definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import overload

from refexec.kernels.long_vectors import lower, narrowed, polynomial, upper
from refexec.kernels.simd import absolute, as_floats, as_integers, fma, inlined, select, to_floats

__all__ = [
    "EXP_32", "INF", "LN2_64", "LOG2_E", "NAN", "SHIFT_64", "ULPS", "apply", "exp", "expm1", "expm1_of_reduced", "falling_exp",
    "function", "log", "log1p", "of", "power_of_two", "reduced", "scaled", "scaled_exp",
]  # fmt: skip

INF, NAN = float("inf"), float("nan")
LOG2_E = 1.4426950408889634
LN2_32 = (0.6931471824645996, -1.9046542121259336e-09)  # ln 2 in two parts
LN2_64 = (0.6931471805599453, 2.3190468138462996e-17)
SHIFT_32, SHIFT_64 = 12582912.0, 6755399441055744.0  # 1.5 * 2**23, 1.5 * 2**52: adding one rounds to a whole number

# exp(r) for |r| <= ln(2) / 2
EXP_32 = (1.0, 1.0, 0.4999999403953552, 0.16666509211063385, 0.04166821017861366, 0.008370090276002884, 0.0013828466180711985)
EXPM1_32 = EXP_32[2:]  # (exp(r) - 1 - r) / r**2
EXPM1_64 = (
    0.5, 0.16666666666666688, 0.04166666666666649, 0.008333333333313748, 0.0013888888888984323, 0.00019841269904295188,
    2.4801587130618146e-05, 2.7557227122433483e-06, 2.755743136916655e-07, 2.5114688473714164e-08, 2.0869094740121623e-09,
)  # fmt: skip
# (log(1 + f) - f + f**2 / 2) / f**3 for 1 + f in [sqrt(1/2), sqrt(2)]
LOG_32 = (
    0.3333333134651184, -0.250008225440979, 0.2000124454498291, -0.16623322665691376, 0.14201466739177704, -0.1316024512052536,
    0.12763173878192902, -0.07636040449142456,
)  # fmt: skip
# (log((1 + s) / (1 - s)) / s - 2) / s**2, in powers of s**2, for the same range
LOG_64 = (
    0.6666666666666666, 0.4000000000000519, 0.285714285692747, 0.22222222632476044, 0.18181776036725775, 0.15387099118871056,
    0.13249510186655175, 0.13259831768400132,
)  # fmt: skip

Function = Callable[..., Any]
ULPS: dict[str, tuple[float, float]] = {}  # by name, in float32 and in float64
_forms: dict[str, tuple[Function | None, Function, int]] = {}


def function(name: str, ulps: tuple[float, float], single: Function | None, double: Function, parameters: int = 0) -> None:
    """Make a function known by its name: its forms get a vector, or two for one of two arguments, and then its parameters."""
    ULPS[name] = ulps
    _forms[name] = single, double, parameters


def apply(name: Any, x: Any, z: Any, p: Any, q: Any) -> Any:
    """The function of that name, a constant, of a vector x (and z) with parameters p and q. For compiled code."""


@overload(apply, jit_options={"forceinline": True}, prefer_literal=True)
def _apply(name, x, z, p, q):
    if not isinstance(name, types.StringLiteral):
        return None
    single, double, parameters = _forms[name.literal_value]
    if x.elem is types.float32 and single is None:
        return {
            0: lambda name, x, z, p, q: narrowed(double(lower(x)), double(upper(x))),
            1: lambda name, x, z, p, q: narrowed(double(lower(x), p), double(upper(x), p)),
            2: lambda name, x, z, p, q: narrowed(double(lower(x), p, q), double(upper(x), p, q)),
            -2: lambda name, x, z, p, q: narrowed(double(lower(x), lower(z)), double(upper(x), upper(z))),
        }[parameters]
    chosen: Function = double if x.elem is types.float64 or single is None else single
    return {
        0: lambda name, x, z, p, q: chosen(x),
        1: lambda name, x, z, p, q: chosen(x, p),
        2: lambda name, x, z, p, q: chosen(x, p, q),
        -2: lambda name, x, z, p, q: chosen(x, z),
    }[parameters]


def of(x: Any, single: Any, double: Any) -> Any:
    """The first of two constants for a vector of float32, the second for one of float64. For compiled code."""


@overload(of, jit_options={"forceinline": True})
def _of(x, single, double):
    return (lambda x, single, double: single) if x.elem.bitwidth == 32 else (lambda x, single, double: double)


# Exponentials ------------------------------------------------------------------------------------------------------------------


@inlined
def reduced(x, shift):
    """x = n * ln(2) + r, with r between -ln(2) / 2 and ln(2) / 2: r, and n + shift in the place of the exponent."""
    ln2 = of(x, LN2_32, LN2_64)
    rounding = shift + of(x, SHIFT_32, SHIFT_64)
    t = fma(x, LOG2_E, rounding)
    n = t - rounding
    return fma(n, -ln2[1], fma(n, -ln2[0], x)), as_integers(t) << of(x, 23, 52)


@inlined
def expm1_of_reduced(r):
    return fma(r * r, polynomial(r, of(r, EXPM1_32, EXPM1_64)), r)


def exp_of_reduced(r: Any) -> Any:
    """exp(r)."""


@overload(exp_of_reduced, jit_options={"forceinline": True})
def _exp_of_reduced(r):
    return (lambda r: polynomial(r, EXP_32)) if r.elem is types.float32 else (lambda r: expm1_of_reduced(r) + 1.0)


@inlined
def scaled(significand, bits):
    """The significand times the power of two in the place of the exponent."""
    return as_floats(as_integers(significand) + bits)


@inlined
def power_of_two(bits):
    """The power of two in the place of the exponent."""
    return as_floats(bits + of(bits, 0x3F800000, 0x3FF0000000000000))


@inlined
def exp(x):
    """e ** x; results below the normal range are scaled down at the end, so that they are rounded once."""
    small = x < of(x, -87.0, -708.0)
    least, most = of(x, -104.0, -746.0), of(x, 88.7228317, 709.782712893384)
    kept = select(x < least, least, x)
    r, bits = reduced(select(kept > most, most, kept), select(small, of(x, 64.0, 128.0), 0.0))
    y = scaled(exp_of_reduced(r), bits) * select(small, of(x, 2.0**-64, 2.0**-128), 1.0)
    return select(x <= most, y, x + INF)


@inlined
def scaled_exp(x, rest):
    """exp(x + rest) * 2**64 (2**128 in float64) for x <= 0, where the rest is less than a roundoff of x."""
    least = of(x, -104.0, -746.0)
    r, bits = reduced(select(x < least, least, x), of(x, 64.0, 128.0))
    y = select(x < least, 0.0, scaled(exp_of_reduced(r + rest), bits))
    return select(x <= 0.0, y, x)


@inlined
def falling_exp(x):
    """exp(x) for x <= 0."""
    return scaled_exp(x, 0.0) * of(x, 2.0**-64, 2.0**-128)


@inlined
def expm1(x):
    """exp(x) - 1, in float64."""
    kept = select(x < -40.0, -40.0, x)
    r, bits = reduced(select(kept > 709.0, 709.0, kept), 0.0)
    s = power_of_two(bits)
    y = select(x < 709.0, fma(s, expm1_of_reduced(r), s - 1.0), exp(x))
    return select(absolute(x) < 1e-17, x, y)


# Logarithms --------------------------------------------------------------------------------------------------------------------


@inlined
def log(x):
    """The natural logarithm: k * ln(2) + log(1 + f), with 1 + f between sqrt(1/2) and sqrt(2)."""
    mantissa = of(x, 23, 52)
    small = x < of(x, 2.0**-126, 2.0**-1022)
    normal = select(small, x * of(x, 2.0**25, 2.0**54), x)
    bits = as_integers(normal)
    k = (bits - of(x, 0x3F3504F3, 0x3FE6A09E667F3BCD)) >> mantissa
    f = as_floats(bits - (k << mantissa)) - 1.0
    y = _log(f, to_floats(k) - select(small, of(x, 25.0, 54.0), 0.0))
    y = select(x < INF, y, x)
    return select(x > 0.0, y, select(x == 0.0, -INF, NAN))


@inlined
def log1p(x):
    """log(1 + x), in float64: what 1 + x loses is added again."""
    u = x + 1.0
    lost = select(u < INF, x - (u - 1.0), 0.0) / u
    y = select(u > 0.0, log(u) + lost, log(u))
    return select(absolute(x) < 1e-17, x, y)


def _log(f: Any, k: Any) -> Any:
    """log(1 + f) + k * ln(2)."""


@inlined
def _log_32(f, k):
    return fma(k, LN2_32[0], f + fma(k, LN2_32[1], f * f * fma(f, polynomial(f, LOG_32), -0.5)))


@inlined
def _log_64(f, k):
    s, half = f / (f + 2.0), f * f * 0.5
    z = s * s
    return k * LN2_64[0] - ((half - fma(s, half + z * polynomial(z, LOG_64), k * LN2_64[1])) - f)


@overload(_log, jit_options={"forceinline": True})
def _log_of(f, k):
    return (lambda f, k: _log_32(f, k)) if f.elem is types.float32 else (lambda f, k: _log_64(f, k))


function("exp", (1, 1), exp, exp)
function("log", (1, 1.5), log, log)
function("log1p", (1, 2), None, log1p)
