"""The discrete Fourier transform along the last axis, on real and imaginary parts apart.

NumPy's complex products are fused or not as the machine likes; these are of real numbers, each rounded, so that the bits are the same
everywhere.
"""

from __future__ import annotations

import numpy as np

from refexec.limits import claim
from refexec.ops.common import Array, pi
from refexec.ops.math.trigonometry import cos, sin

Parts = tuple[Array, Array]  # real and imaginary
LARGEST_FACTOR = 64  # prime factors of the length up to this one are summed term by term


def fourier(x: Parts, sign: int) -> Parts:
    """y[k] = sum over n of x[n] * exp(sign * 2j pi k n / N).

    Cooley and Tukey: for a prime factor p of N = p * m, that is the sum over r < p of exp(sign * 2j pi k r / N) times the transform
    of length m, at k mod m, of every p-th element from r on.
    """
    N = x[0].shape[-1]
    p = next((p for p in range(2, LARGEST_FACTOR + 1) if N % p == 0), N)
    if N == 1:
        return x
    if p > LARGEST_FACTOR:
        return chirped(x, sign)
    m = N // p
    re, im = fourier(tuple(part.reshape(*part.shape[:-1], m, p).swapaxes(-1, -2) for part in x), sign)
    k = np.arange(N)
    total = re[..., 0, k % m], im[..., 0, k % m]
    for r in range(1, p):
        term = times((re[..., r, k % m], im[..., r, k % m]), on_circle(r * k, N, sign, re.dtype))
        total = total[0] + term[0], total[1] + term[1]
    return total


def chirped(x: Parts, sign: int) -> Parts:
    """The same for any N: by k n = (k**2 + n**2 - (k - n)**2) / 2 it is a convolution, which is a product of transforms whose length M
    is a power of two (Bluestein)."""
    N = x[0].shape[-1]
    M = 1 << (2 * N - 2).bit_length()
    claim((*x[0].shape[:-1], M), x[0].dtype)
    n = np.arange(N)
    forward, backward = (on_circle(n * n, 2 * N, s, x[0].dtype) for s in (sign, -sign))
    kernel = tuple(np.concatenate([part, np.zeros(M - 2 * N + 1, part.dtype), part[:0:-1]]) for part in backward)
    padded = tuple(np.concatenate([part, np.zeros((*part.shape[:-1], M - N), part.dtype)], axis=-1) for part in times(x, forward))
    convolved = fourier(times(fourier(padded, -1), fourier(kernel, -1)), 1)
    re, im = times(tuple(part[..., :N] for part in convolved), forward)
    return re / M, im / M


def on_circle(numerator: Array, denominator: int, sign: int, dtype: np.dtype) -> Parts:
    """exp(sign * 2j pi numerator / denominator). Whole turns go first, then whole eighths: at multiples of them it is exact."""
    eighths, rest = np.divmod(8 * (numerator % denominator), denominator)
    mirrored = eighths % 2 == 1
    angle = np.where(mirrored, denominator - rest, rest) * (pi(dtype) / 4 / denominator)
    c, s = cos(angle), sin(angle)
    c, s = np.where(mirrored, s, c), np.where(mirrored, c, s)
    quarter = eighths // 2
    re = np.choose(quarter, [c, -s, -c, s])
    im = np.choose(quarter, [s, c, -s, -c])
    return re, sign * im


def times(a: Parts, b: Parts) -> Parts:
    """The complex product."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]
