"""Tanh, the sigmoid, the error function and the gates made of them; see ``functions``.

Gelu in float32 is computed in float64, to a few bits more than the result has: so it keeps its digits where it is small.
"""

from __future__ import annotations

from refexec.kernels.functions import (
    EXP_32,
    INF,
    LN2_64,
    LOG2_E,
    SHIFT_64,
    expm1,
    expm1_of_reduced,
    falling_exp,
    function,
    of,
    power_of_two,
    reduced,
    scaled,
)  # fmt: skip
from refexec.kernels.long_vectors import lower, narrowed, polynomial, upper
from refexec.kernels.simd import absolute, as_integers, copy_sign, fma, inlined, select

__all__: list[str] = []

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


function("tanh", (1.5, 3), tanh_32, tanh_64)
function("sigmoid", (1.5, 1.5), sigmoid, sigmoid)
function("erf", (1, 2), erf_32, erf_64)
function("gelu", (1, 8), gelu_32, gelu_64)
function("gelu_tanh", (1, 8), gelu_tanh_32, gelu_tanh_64)
function("swish", (1.5, 1.5), swish, swish, 1)
