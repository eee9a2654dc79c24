"""Functions of vectors, as polynomials: no call of a mathematical library, whose bits differ from machine to machine."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import overload

from refexec.kernels.simd import Vector, absolute, as_floats, as_integers, copy_sign, fma, inlined, select

__all__ = ["exp_of_negative", "sigmoid", "tanh"]

LOG2E = 1.4426950408889634


def exp_of_negative(x: Any) -> Any:
    """e**x for x up to 0, within 1.1 units in the last place; 0 where that is below the smallest normal number. Not for NaN.

    x = n ln 2 + r: adding a large number rounds x / ln 2 to the whole number n, which then stands in the sum's last bits.
    """


@overload(exp_of_negative, jit_options={"forceinline": True})
def _exp_of_negative(x):
    if isinstance(x, Vector) and x.elem == types.float32:
        return lambda x: _exp_of_negative_32(x)
    if isinstance(x, Vector) and x.elem == types.float64:
        return lambda x: _exp_of_negative_64(x)
    return None


@inlined
def _exp_of_negative_32(x):
    shifted = fma(x, LOG2E, 12582912.0)  # 1.5 * 2**23
    n = shifted - 12582912.0
    r = fma(n, -0.693359375, x)
    r = fma(n, 2.12194440e-4, r)
    p = fma(r, 1.9875691500e-4, 1.3981999507e-3)
    p = fma(p, r, 8.3334519073e-3)
    p = fma(p, r, 4.1665795894e-2)
    p = fma(p, r, 1.6666665459e-1)
    p = fma(p, r, 5.0000001201e-1)
    y = fma(p, r * r, r) + 1.0
    return select(x > -87.0, as_floats(as_integers(y) + (as_integers(shifted) << 23)), 0.0)


@inlined
def _exp_of_negative_64(x):
    shifted = fma(x, LOG2E, 6755399441055744.0)  # 1.5 * 2**52
    n = shifted - 6755399441055744.0
    r = fma(n, -0.6931471803691238, x)
    r = fma(n, -1.9082149292705877e-10, r)
    p = fma(r, 1 / 6227020800, 1 / 479001600)
    p = fma(p, r, 1 / 39916800)
    p = fma(p, r, 1 / 3628800)
    p = fma(p, r, 1 / 362880)
    p = fma(p, r, 1 / 40320)
    p = fma(p, r, 1 / 5040)
    p = fma(p, r, 1 / 720)
    p = fma(p, r, 1 / 120)
    p = fma(p, r, 1 / 24)
    p = fma(p, r, 1 / 6)
    p = fma(p, r, 0.5)
    y = fma(p, r * r, r) + 1.0
    return select(x > -708.0, as_floats(as_integers(y) + (as_integers(shifted) << 52)), 0.0)


@inlined
def sigmoid(x):
    """1 / (1 + e**-x), within 2 units in the last place."""
    e = exp_of_negative(copy_sign(x, -1.0))
    return select(x != x, x, select(x < 0, e, 1.0) / (e + 1.0))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent, within 2 units in the last place: an odd polynomial below 0.625, above it (1 - e**-2x) / (1 + e**-2x)."""


@overload(tanh, jit_options={"forceinline": True})
def _tanh(x):
    if isinstance(x, Vector) and x.elem == types.float32:
        return lambda x: _tanh_of(x, _small_tanh_32(x))
    if isinstance(x, Vector) and x.elem == types.float64:
        return lambda x: _tanh_of(x, _small_tanh_64(x))
    return None


@inlined
def _tanh_of(x, small):
    e = exp_of_negative(absolute(x) * -2.0)
    return copy_sign(select(absolute(x) > 0.625, (1.0 - e) / (e + 1.0), small), x)


@inlined
def _small_tanh_32(x):
    z = x * x
    p = fma(z, -5.70498872745e-3, 2.06390887954e-2)
    p = fma(p, z, -5.37397155531e-2)
    p = fma(p, z, 1.33314422036e-1)
    p = fma(p, z, -3.33332819422e-1)
    return fma(p, z * x, x)


@inlined
def _small_tanh_64(x):
    z = x * x
    p = fma(z, -9.64399179425052238628e-1, -9.92877231001918586564e1)
    p = fma(p, z, -1.61468768441708447952e3)
    q = fma(z + 1.12811678491632931402e2, z, 2.23548839060100448583e3)
    q = fma(q, z, 4.84406305325125486048e3)
    return fma(p / q, z * x, x)
