"""ConvInteger, QLinearConv, and the primitive they are written in."""

from math import prod

import numpy as np

from refexec.comparison import discrete, exact
from refexec.errors import require
from refexec.ops.common import Array, integer_range, scalar
from refexec.ops.nn.conv import conv_windows, correlate, per_filter
from refexec.ops.nn.windows import Windows
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op
from refexec.types import element_type


@primitive
def correlate_integer(
    x: Array, w: Array, x_zero_point: Array | None = None, w_zero_point: Array | None = None, *, window: Windows, group: int
) -> Array:
    """The correlation of x - x_zero_point, which is 0 outside, with w - w_zero_point, as int32 that wraps.

    x_zero_point is one value, w_zero_point one or one per filter. Sums of such products are exact in float64.
    """
    centred_x = x.astype(np.float64) - (0 if x_zero_point is None else x_zero_point.astype(np.float64).reshape(-1))
    centred_w = w.astype(np.float64) - (0 if w_zero_point is None else first_axis(w_zero_point.astype(np.float64), w.ndim))
    sums = correlate(centred_x, centred_w, window=window, group=group)
    return sums.astype(np.int64).astype(np.int32)


def first_axis(values, rank):
    """One value, or one per index of the first axis, in a form that broadcasts over a tensor of ``rank``."""
    return values.reshape(-1, *(1,) * (rank - 1))


def check_zero_points(filters, x, w):
    """Check the shapes ``x`` and ``w`` of the two zero points; None is absent."""
    require(x is None or prod(x) == 1, "x_zero_point is a scalar", x_zero_point=x)
    require(
        w is None or w in ((), (1,), (filters,)), "w_zero_point is a scalar or has one value per filter", w_zero_point=w, filters=filters
    )


@op("ConvInteger", since=10, arithmetic="exact", compare=exact)
def conv_integer_10(
    x, w, x_zero_point=None, w_zero_point=None, /, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None,
    strides=None,
):  # fmt: skip
    """Conv on (x - x_zero_point) and (w - w_zero_point) in 32-bit integers, which may wrap. Padding is x_zero_point."""
    check_zero_points(w.shape[0] if w.ndim else 0, shape_of(x_zero_point), shape_of(w_zero_point))
    window = conv_windows(x.shape, w.shape, auto_pad, dilations, group, kernel_shape, pads, strides)
    return correlate_integer(x, w, x_zero_point, w_zero_point, window=window, group=group)


def shape_of(x):
    """The shape of an optional input."""
    return None if x is None else x.shape


@lowers(conv_integer_10)
def lower_conv_integer(attributes, shapes):
    """One call of ``correlate_integer``."""
    x, w, x_zero_point, w_zero_point = (*shapes, None, None)[:4]
    check_zero_points(w[0] if w else 0, x_zero_point, w_zero_point)
    names = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
    window = conv_windows(x, w, *(attributes.get(name) for name in names))
    return Lowered(correlate_integer, tuple(range(len(shapes))), {"window": window, "group": attributes["group"]})


def level_margin(call):
    """How far the result before rounding is from where it would round to another level, in levels."""
    levels = unrounded(*call.inputs, **call.attributes)
    return np.abs(levels - np.floor(levels) - 0.5)


@op("QLinearConv", since=10, arithmetic="stated", compare=discrete(level_margin))
def q_linear_conv_10(
    x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B=None, /, *, auto_pad="NOTSET", dilations=None,
    group=1, kernel_shape=None, pads=None, strides=None,
):  # fmt: skip
    """y = saturate(round((conv(x - x_zero_point, w - w_zero_point) + B) * x_scale * w_scale / y_scale) + y_zero_point).

    Products are summed in 32-bit integers. Halves round to even; the specification names no precision for the scales, and
    here their product and quotient are made in float64. NaN, of which it does not speak, gives y_zero_point.
    """
    levels = unrounded(
        x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B, auto_pad=auto_pad, dilations=dilations, group=group,
        kernel_shape=kernel_shape, pads=pads, strides=strides,
    )  # fmt: skip
    zero = scalar(y_zero_point.astype(np.int64), "y_zero_point")
    low, high = integer_range(element_type(y_zero_point.dtype))
    level = np.rint(np.where(np.isnan(levels), 0, levels))
    return (np.clip(level, low - zero, high - zero).astype(np.int64) + zero).astype(y_zero_point.dtype)


def unrounded(
    x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B=None, /, *, auto_pad="NOTSET", dilations=None,
    group=1, kernel_shape=None, pads=None, strides=None,
):  # fmt: skip
    """The levels of the output before they are rounded and y_zero_point is added; arguments are those of the operator."""
    window = conv_windows(x.shape, w.shape, auto_pad, dilations, group, kernel_shape, pads, strides)
    check_zero_points(w.shape[0], x_zero_point.shape, w_zero_point.shape)
    require(w_scale.size in (1, w.shape[0]), "w_scale is a scalar or has one value per filter", w_scale=w_scale.shape, w=w.shape)
    require(
        w_scale.size == w_zero_point.size, "w_scale and w_zero_point have the same shape", w_scale=w_scale.shape, seen=w_zero_point.shape
    )
    sums = correlate_integer(x, w, x_zero_point, w_zero_point, window=window, group=group).astype(np.float64)
    if B is not None:
        sums = sums + per_filter(B, w.shape[0], x.ndim)
    scale = scalar(x_scale, "x_scale") * w_scale.astype(np.float64) / scalar(y_scale, "y_scale")
    return sums * first_axis(scale, x.ndim - 1)
