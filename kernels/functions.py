"""Functions of vectors, as polynomials: exp, log, the error function, and what is made of them.

Each is written for float32, for float64, or for float64 alone; one that has no form for float32 is computed in float64 and rounded, so
that it is the nearest float32 but for one case in millions. ``ULPS`` says how far each was found to be off, in units in the last place
of the result: all of float32 against float64, and a dense sample of float64 against long double. The polynomials are minimax
approximations whose own error is below a tenth of that.

NaN gives NaN; the other special cases are those of the operators' definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import overload

from refexec.kernels.simd import (
    absolute,
    as_floats,
    as_integers,
    copy_sign,
    fma,
    inlined,
    lower,
    narrowed,
    polynomial,
    select,
    to_floats,
    upper,
)  # fmt: skip

__all__ = ["ULPS", "apply", "exp", "falling_exp", "log", "log1p", "of"]

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
# (tanh(x) / x - 1) / x**2, in powers of x**2, for |x| <= 0.55
TANH_32 = (-0.33333319425582886, 0.13332638144493103, -0.053857073187828064, 0.02108936384320259, -0.006297244690358639)
# erf(x) / x - 1, in powers of x**2, for |x| <= 0.93 and |x| <= 1
ERF_32 = (
    0.12837916612625122, -0.37612631916999817, 0.11283676326274872, -0.026858532801270485, 0.00519914785400033, -0.0008123186999000609,
    8.293012797366828e-05,
)  # fmt: skip
ERF_64 = (
    0.1283791670955126, -0.37612638903183876, 0.11283791670958747, -0.026866170645620812, 0.005223977629111059, -0.0008548327190604909,
    0.00012055337816975878, -1.4925739489820768e-05, 1.6463103380160973e-06, -1.637081417605796e-07, 1.4787744452260432e-08,
    -1.1835238721886938e-09, 6.692704481339286e-11,
)  # fmt: skip
# log(1 - erf(x)) / -x for x in [0.9, 4]
ERF_TAIL_32 = (
    1.1286371946334839, 0.6351975202560425, 0.10615994781255722, -0.023695379495620728, 0.003610742511227727, -0.00031495955772697926,
    1.044343298417516e-05,
)  # fmt: skip
# exp(x**2) * (1 - erf(x)) * (x + 4), in powers of (x - 4) / (x + 4), for x >= 0
ERFC_64 = (
    1.095995661000491, -0.9765487290808821, 0.7732087022652437, -0.5408538313132241, 0.3308515878777816, -0.17401093724035285,
    0.07638151491302814, -0.02637005333302386, 0.006112055622481928, -0.00028095893539005853, -0.00045505250677508815,
    0.00017681321990195608, -3.6357509830492877e-06, -1.8862328661264934e-05, 4.6955571491322505e-06, 1.4274534811602762e-06,
    -8.474450967581862e-07, -8.002242060814873e-08, 1.2467940892453612e-07, 4.304898032667102e-09, -1.5274243033896283e-08,
    -9.79039894410578e-10, 8.067998505036316e-10,
)  # fmt: skip
# exp(x**2 / 2) * (x + 3) times the normal distribution at -x, in powers of 1 / (x + 3), for x in [0, 14.5]: to 30 bits
NORMAL_TAIL = (
    0.39894670850478897, 1.1963962360401748, 3.209720166823983, 6.741003950429583, 18.738753007688963, -62.133483054017965,
    438.8340332393101, -2314.9770455476523, 5689.1547742091925, -6810.890222662787, 3292.865801200012,
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


# Tanh, sigmoid -----------------------------------------------------------------------------------------------------------------


@inlined
def one_and_exp(x):
    """1 + exp(x), with one rounding less than by that formula; for -127 <= x <= 88 in float32, -1000 <= x <= 709 in float64."""
    r, bits = reduced(x, 0.0)
    s = power_of_two(bits)
    return fma(s, expm1_of_reduced(r), s + 1.0)


@inlined
def tanh_32(x):
    a, z = absolute(x), x * x
    big = 1.0 - 2.0 / one_and_exp(select(a > 9.5, 9.5, a) * 2.0)
    return copy_sign(select(a >= 0.55, big, fma(a * z, polynomial(z, TANH_32), a)), x)


@inlined
def tanh_64(x):
    a = absolute(x)
    e = expm1(select(a > 20.0, 20.0, a) * 2.0)
    return select(x == x, copy_sign(e / (e + 2.0), x), x)


@inlined
def one_and_falling_exp(x):
    """1 + exp(-x) in two parts, and a factor that 1 over it takes: below -80 (-700) both are 2**64 (2**128) times smaller."""
    small = x < of(x, -80.0, -700.0)
    kept = select(x < of(x, -109.0, -753.0), of(x, -109.0, -753.0), x)
    r, bits = reduced(-select(kept > of(x, 88.0, 700.0), of(x, 88.0, 700.0), kept), select(small, of(x, -64.0, -128.0), 0.0))
    s, m = power_of_two(bits), expm1_of_reduced(r)
    one = select(small, 0.0, 1.0)
    most = s + one
    d = fma(s, m, most)
    return d, fma(s, m, most - d) + (one - (most - s)), select(small, of(x, 2.0**-64, 2.0**-128), 1.0)


@inlined
def sigmoid(x):
    d, lost, factor = one_and_falling_exp(x)
    y = 1.0 / d
    y = fma(y * lost, -y, y) * factor
    return select(x == x, select(x < of(x, -109.0, -753.0), 0.0, y), x)


@inlined
def times_sigmoid(y, x):
    """y / (1 + exp(-x))."""
    d, lost, factor = one_and_falling_exp(x)
    v = 1.0 / d
    q = y * v
    q = fma(fma(-q, lost, fma(-q, d, y)), v, q)
    q = select(absolute(y) < INF, q, y) * factor
    return select(x >= of(x, -109.0, -753.0), q, select(x == x, y * 0.0, x))


# The error function ------------------------------------------------------------------------------------------------------------


@inlined
def erf_32(x):
    a, z = absolute(x), x * x
    far = select(a > 4.0, 4.0, a)
    tail = falling_exp(-far * polynomial(far, ERF_TAIL_32))
    return select(a >= 0.93, copy_sign(1.0 - tail, x), fma(x, polynomial(z, ERF_32), x))


@inlined
def erfc_of_positive(a):
    """1 - erf(a) for a >= 0, in float64, as accurate where it is small; ``a * a`` is taken in two parts."""
    a = select(a > 28.0, 28.0, a)
    v = 1.0 / (a + 4.0)
    square = a * a
    e = falling_exp(-square)
    e = fma(e, fma(-a, a, square), e)
    return e * (v * polynomial((a - 4.0) * v, ERFC_64))


@inlined
def erf_64(x):
    a = absolute(x)
    return select(a >= 1.0, copy_sign(1.0 - erfc_of_positive(a), x), fma(x, polynomial(x * x, ERF_64), x))


# Gates: x times a soft step ----------------------------------------------------------------------------------------------------


@inlined
def brief_exp(x):
    """exp(x) for x in [-109, 0], in float64, to 28 bits."""
    t = fma(x, LOG2_E, SHIFT_64)
    r = fma(t - SHIFT_64, -LN2_64[0], x)
    return scaled(polynomial(r, EXP_32), as_integers(t) << 52)


@inlined
def gelu_brief(x):
    """x times the normal distribution, for results in float32."""
    a = absolute(x)
    a = select(a > 14.4, 14.4, a)
    v = 1.0 / (a + 3.0)
    tail = brief_exp(a * a * -0.5) * (v * polynomial(v, NORMAL_TAIL))
    return x * select(x < -14.4, 0.0, select(x < 0.0, tail, 1.0 - tail))


@inlined
def gelu_32(x):
    return narrowed(gelu_brief(lower(x)), gelu_brief(upper(x)))


@inlined
def gelu_64(x):
    tail = erfc_of_positive(absolute(x) * 0.7071067811865476) * 0.5
    return x * select(x < 0.0, tail, 1.0 - tail)


@inlined
def gelu_tanh_argument(x):
    return fma(x * x * x, 0.07135481627260025, x * 1.5957691216057308)


@inlined
def gelu_tanh_brief(x):
    u = gelu_tanh_argument(x)
    a = -absolute(u)
    e = brief_exp(select(a < -109.0, -109.0, a))
    return x * (select(u < 0.0, select(a < -109.0, 0.0, e), 1.0) / (e + 1.0))


@inlined
def gelu_tanh_32(x):
    return narrowed(gelu_tanh_brief(lower(x)), gelu_tanh_brief(upper(x)))


@inlined
def gelu_tanh_64(x):
    return times_sigmoid(x, gelu_tanh_argument(x))


@inlined
def swish(x, alpha):
    return times_sigmoid(x, x * alpha)


function("exp", (1, 1), exp, exp)
function("log", (1, 1.5), log, log)
function("log1p", (1, 2), None, log1p)
function("tanh", (1.5, 3), tanh_32, tanh_64)
function("sigmoid", (1.5, 1.5), sigmoid, sigmoid)
function("erf", (1, 2), erf_32, erf_64)
function("gelu", (1, 8), gelu_32, gelu_64)
function("gelu_tanh", (1, 8), gelu_tanh_32, gelu_tanh_64)
function("swish", (1.5, 1.5), swish, swish, 1)
