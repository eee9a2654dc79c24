"""Circular and hyperbolic functions and their inverses, in float64; see ``functions``.

An angle is reduced by multiples of pi / 2 in three parts, which holds up to 2**30; a larger one is multiplied by as many bits of
2 / pi as it needs (Payne and Hanek, Radian reduction for trigonometric functions, 1983).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from refexec.kernels.functions import INF, LN2_64, NAN, SHIFT_64, exp, expm1, function, log, log1p
from refexec.kernels.long_vectors import polynomial, true_somewhere, with_lane
from refexec.kernels.simd import absolute, as_floats, as_integers, copy_sign, fma, inlined, instruction, jit, lane, select, sqrt

__all__ = ["atan", "cos", "sin"]

PI_2 = (1.5707963267948966, 6.123233995736766e-17, -1.497384905065873e-33)  # pi / 2 in three parts
PI_4 = (0.7853981633974483, 3.061616997868383e-17)
LARGE = 2.0**30

# (sin(r) / r - 1) / r**2 and (cos(r) - 1 + r**2 / 2) / r**4, in powers of r**2, for |r| <= pi / 4
SIN = (
    -0.16666666666666666, 0.0083333333333331, -0.0001984126984105813, 2.7557319130407763e-06, -2.5052086414214738e-08,
    1.605632237049552e-10, -7.489268007152403e-13,
)  # fmt: skip
COS = (
    0.041666666666666664, -0.0013888888888888438, 2.480158730124929e-05, -2.755731909628406e-07, 2.0876730865514782e-09,
    -1.1467924183903261e-11, 4.642130800700719e-14,
)  # fmt: skip
# (atan(x) / x - 1) / x**2, in powers of x**2, for |x| <= tan(pi / 8)
ATAN = (
    -0.33333333333333326, 0.19999999999997198, -0.14285714285336107, 0.11111111085229437, -0.09090908045325433, 0.07692280635130783,
    -0.06666196757979445, 0.05876738607329163, -0.05216636881548794, 0.044965497203410656, -0.03331518109465125, 0.015036594836701122,
)  # fmt: skip
# (asin(x) / x - 1) / x**2, in powers of x**2, for |x| <= 1/2
ASIN = (
    0.16666666666666657, 0.07500000000003167, 0.044642857139008396, 0.03038194468218268, 0.02237215036699512, 0.017352971584476143,
    0.01396149435543856, 0.011589787247423431, 0.009454988020996346, 0.010153543785658262, 0.00019197440064344095, 0.025918661190231188,
    -0.027581761906851278, 0.034481747634258264,
)  # fmt: skip

WINDOW = 6  # words of 32 bits of a product: 2 bits of the quadrant, 190 of its part


def two_over_pi(words: int) -> Any:
    """One word of zeros, then the bits of 2 / pi behind the point. pi is 16 atan(1/5) - 4 atan(1/239), in integers."""
    bits = 32 * words + 64

    def atan_of_inverse(n: int) -> int:
        term, total, k = (1 << bits) // n, 0, 0
        while term:
            total += term // (2 * k + 1) * (-1) ** k
            term, k = term // (n * n), k + 1
        return total

    digits = (2 << 2 * bits) // (16 * atan_of_inverse(5) - 4 * atan_of_inverse(239)) >> 64
    return np.array([0] + [digits >> 32 * (words - 1 - i) & 0xFFFFFFFF for i in range(words)], np.uint64)


TWO_OVER_PI = two_over_pi(40)


@instruction
def lanes_in(typing: Any, a: Any) -> Any:
    """How many lanes a vector has; a constant of the compiled code."""
    return types.intp(a), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), a.lanes)


@jit
def quarters(bits):
    """A float64 of at least 2**30, given by its bits, in quarters of a turn: which one it is next to, and how far from it in two parts."""
    exponent = ((bits >> 52) & 0x7FF) - 1075
    mantissa = np.uint64((bits & ((1 << 52) - 1)) | (1 << 52))
    low, high = mantissa & np.uint64(0xFFFFFFFF), mantissa >> np.uint64(32)
    start = exponent - 2 + 32
    word, shift = start // 32, np.uint64(start % 32)
    product = np.zeros(WINDOW + 2, np.uint64)  # the least significant word first; carries beyond the window are whole turns
    for i in range(WINDOW):
        at = word + WINDOW - 1 - i
        both = (TWO_OVER_PI[at] << np.uint64(32)) | TWO_OVER_PI[at + 1]
        part = (both >> (np.uint64(32) - shift)) & np.uint64(0xFFFFFFFF)
        for j, factor in ((0, low), (1, high)):
            carry = part * factor
            k = i + j
            while k < WINDOW and carry > np.uint64(0):
                total = product[k] + (carry & np.uint64(0xFFFFFFFF))
                product[k] = total & np.uint64(0xFFFFFFFF)
                carry = (carry >> np.uint64(32)) + (total >> np.uint64(32))
                k += 1
    quadrant = np.int64(product[WINDOW - 1] >> np.uint64(30))
    top = np.float64(product[WINDOW - 1] & np.uint64(0x3FFFFFFF))
    negative = top >= 2.0**29
    if negative:
        quadrant += 1
        top -= 2.0**30
    a, b, c, d = (
        top * 2.0**-30, np.float64(product[WINDOW - 2]) * 2.0**-62, np.float64(product[WINDOW - 3]) * 2.0**-94,
        np.float64(product[WINDOW - 4]) * 2.0**-126,
    )  # fmt: skip
    near = ((d + c) + b) + a
    sign = -1.0 if bits < 0 else 1.0
    return quadrant * (-1 if bits < 0 else 1), sign * near, sign * ((((a - near) + b) + c) + d)


@inlined
def quadrant(x):
    """x = q * pi / 2 + r + rest: r, the rest, and q, of which the last two bits count."""
    t = fma(x, 0.6366197723675814, SHIFT_64)
    n = t - SHIFT_64
    q = as_integers(t)
    exact = fma(n, -PI_2[0], x)
    r = fma(n, -PI_2[1], exact)
    rest = fma(n, -PI_2[2], fma(n, -PI_2[1], exact - r))
    large = select(absolute(x) < INF, absolute(x), 0.0) > LARGE
    if true_somewhere(large):
        near, far = r, r
        for i in range(lanes_in(x)):
            if LARGE < abs(lane(x, i)) < INF:
                whole, first, second = quarters(lane(as_integers(x), i))
                q, near, far = with_lane(q, i, whole), with_lane(near, i, first), with_lane(far, i, second)
        product = near * PI_2[0]
        rest = select(large, fma(near, PI_2[0], -product) + fma(near, PI_2[1], far * PI_2[0]), rest)
        r = select(large, product, r)
    return r, rest, q


@inlined
def sin_and_cos(r, rest):
    z = r * r
    half = z * 0.5
    w = 1.0 - half
    return r + fma(r * z, polynomial(z, SIN), rest), w + ((1.0 - w - half) + fma(z * z, polynomial(z, COS), -(r * rest)))


@inlined
def turned(s, c, q):
    """The sine of r + q * pi / 2."""
    y = select((q & 1) == 0, s, c)
    return as_floats(as_integers(y) ^ ((q & 2) << 62))


@inlined
def sin(x):
    r, rest, q = quadrant(x)
    s, c = sin_and_cos(r, rest)
    return select(absolute(x) < 1e-9, x, turned(s, c, q))


@inlined
def cos(x):
    r, rest, q = quadrant(x)
    s, c = sin_and_cos(r, rest)
    return turned(s, c, q + 1)


@inlined
def tan(x):
    r, rest, q = quadrant(x)
    s, c = sin_and_cos(r, rest)
    return select(absolute(x) < 1e-9, x, turned(s, c, q) / turned(s, c, q + 1))


@inlined
def atan(x):
    a = absolute(x)
    high, middle = a > 2.414213562373095, a > 0.4142135623730950
    t = select(high, -1.0, select(middle, a - 1.0, a)) / select(high, a, select(middle, a + 1.0, 1.0))
    z = t * t
    first, second = (
        select(high, PI_2[0], select(middle, PI_4[0], 0.0)),
        select(high, PI_2[1], select(middle, PI_4[1], 0.0)),
    )
    return copy_sign(first + (fma(t * z, polynomial(z, ATAN), second) + t), x)


@inlined
def half_angle(a):
    """asin(sqrt((1 - a) / 2)) for a in [1/2, 1]."""
    z = (1.0 - a) * 0.5
    s = sqrt(z)
    return fma(s * z, polynomial(z, ASIN), s)


@inlined
def asin(x):
    a, z = absolute(x), x * x
    far = PI_2[0] - (half_angle(a) * 2.0 - PI_2[1])
    return copy_sign(select(a > 0.5, far, fma(a * z, polynomial(z, ASIN), a)), x)


@inlined
def acos(x):
    a, z = absolute(x), x * x
    far = half_angle(a) * 2.0
    near = PI_2[0] - (x - fma(x * z, -polynomial(z, ASIN), PI_2[1]))
    return select(a > 0.5, select(x < 0.0, 2.0 * PI_2[0] - (far - 2.0 * PI_2[1]), far), near)


@inlined
def sinh(x):
    a = absolute(x)
    t, root = expm1(select(a > 700.0, 700.0, a)), exp(a * 0.5)
    return copy_sign(select(a > 700.0, root * 0.5 * root, (t + t / (t + 1.0)) * 0.5), x)


@inlined
def cosh(x):
    a = absolute(x)
    e, root = exp(select(a > 700.0, 700.0, a)), exp(a * 0.5)
    return select(a > 700.0, root * 0.5 * root, fma(e, 0.5, 0.5 / e))


@inlined
def asinh(x):
    a = absolute(x)
    z = a * a
    near = log1p(a + z / (sqrt(z + 1.0) + 1.0))
    return copy_sign(select(a > 2.0**28, log(a) + LN2_64[0], near), x)


@inlined
def acosh(x):
    t = x - 1.0
    near = log1p(t + sqrt(t * (t + 2.0)))
    return select(x < 1.0, NAN, select(x > 2.0**28, log(x) + LN2_64[0], near))


@inlined
def atanh(x):
    a = absolute(x)
    return copy_sign(log1p(2.0 * a / (1.0 - a)) * 0.5, x)


for _name, _form, _ulps in (
    ("sin", sin, 1.5), ("cos", cos, 1.5), ("tan", tan, 3), ("asin", asin, 3), ("acos", acos, 2), ("atan", atan, 2),
    ("sinh", sinh, 3), ("cosh", cosh, 3), ("asinh", asinh, 3), ("acosh", acosh, 3), ("atanh", atanh, 3),
):  # fmt: skip
    function(_name, (1, _ulps), None, _form)
