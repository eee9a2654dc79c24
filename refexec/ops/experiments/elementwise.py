"""Affine, Scale, ImageScaler, ParametricSoftplus, ScaledTanh."""

import numpy as np

from refexec.comparison import ulps
from refexec.errors import require
from refexec.ops.math.exponential_units import softplus_1
from refexec.ops.math.pointwise import pointwise
from refexec.ops.math.trigonometry import tanh
from refexec.registry import op


@op("Affine", since=1, arithmetic="rounded", compare=ulps(4))
def affine_1(X, /, *, alpha=1.0, beta=0.0):
    """Y = alpha * X + beta."""
    return alpha * X + beta


@op("Scale", since=1, arithmetic="rounded", compare=ulps(4))
def scale_1(input, /, *, scale=1.0):
    """output = scale * input."""
    return scale * input


@op("ImageScaler", since=1, arithmetic="rounded", compare=ulps(4))
def image_scaler_1(input, /, *, bias=None, scale=1.0):
    """output[n, c, h, w] = scale * input[n, c, h, w] + bias[c]; without ``bias`` nothing is added."""
    require(input.ndim == 4, "input is of shape [N, C, H, W]", input=input.shape)
    if bias is None:
        return scale * input
    require(len(bias) == input.shape[1], "bias has one number per channel", bias=bias, input=input.shape)
    return scale * input + np.array(bias, input.dtype)[:, None, None]


@op("ParametricSoftplus", since=1, arithmetic="rounded", compare=ulps(8))
def parametric_softplus_1(X, /, *, alpha=None, beta=None):
    """Y = alpha * ln(exp(beta * X) + 1)."""
    require(alpha is not None and beta is not None, "alpha and beta are given", alpha=alpha, beta=beta)
    return alpha * pointwise(beta * X, function=softplus_1)


@op("ScaledTanh", since=1, arithmetic="rounded", compare=ulps(4))
def scaled_tanh_1(input, /, *, alpha=None, beta=None):
    """output = alpha * tanh(beta * input)."""
    require(alpha is not None and beta is not None, "alpha and beta are given", alpha=alpha, beta=beta)
    return alpha * tanh(beta * input)
