"""Units made of exponentials, and soft steps, in float64; see ``functions``."""

from __future__ import annotations

from refexec.kernels.functions import exp, expm1, falling_exp, function, log1p
from refexec.kernels.simd import absolute, inlined, maximum, minimum, select

__all__: list[str] = []


@inlined
def elu(x, alpha):
    return select(x < 0.0, expm1(x) * alpha, x)


@inlined
def celu(x, alpha):
    return maximum(0.0, x) + minimum(0.0, expm1(x / alpha) * alpha)


@inlined
def selu(x, alpha, gamma):
    return gamma * select(x <= 0.0, expm1(minimum(x, 0.0)) * alpha, x)


@inlined
def softplus(x):
    return maximum(x, 0.0) + log1p(falling_exp(-absolute(x)))


@inlined
def mish(x):
    """tanh(log(1 + e)) = n / (n + 2) with n = e * (e + 2)."""
    e = exp(select(x > 30.0, 30.0, x))
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


@inlined
def hard_sigmoid(x, alpha, beta):
    return maximum(0.0, minimum(1.0, x * alpha + beta))


@inlined
def hard_swish(x):
    return x * maximum(0.0, minimum(1.0, x / 6.0 + 0.5))


@inlined
def leaky_relu(x, alpha):
    return select(x < 0.0, x * alpha, x)


@inlined
def softsign(x):
    return x / (absolute(x) + 1.0)


for _name, _form, _ulps, _parameters in (
    ("elu", elu, 3, 1), ("celu", celu, 4, 1), ("selu", selu, 4, 2), ("softplus", softplus, 3, 0), ("mish", mish, 4, 0),
    ("hard_sigmoid", hard_sigmoid, 1, 2), ("hard_swish", hard_swish, 2, 0), ("leaky_relu", leaky_relu, 0.5, 1),
    ("softsign", softsign, 2, 0),
):  # fmt: skip
    function(_name, (1, _ulps), None, _form, _parameters)
