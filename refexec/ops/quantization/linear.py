"""QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, and how scales spread over a tensor."""

import numpy as np

from refexec.comparison import Call, discrete, is_float, ulps
from refexec.errors import require
from refexec.ops.common import Array, integer_range, normalize_axis, tensor_type
from refexec.registry import op
from refexec.types import ElementType, element_type
from refexec.values import round_to


def spread(parameter: Array, shape: tuple[int, ...], axis: int, block_size: int, name: str) -> Array:
    """``parameter`` in a form that broadcasts over ``shape``: one value in all, one per index of ``axis``, or one per block
    of ``block_size`` elements along ``axis`` (the last block may be shorter)."""
    require(block_size >= 0, "block_size is positive, or 0 for no blocks", block_size=block_size)
    if block_size:
        at = normalize_axis(axis, len(shape))
        blocked = (*shape[:at], -(-shape[at] // block_size), *shape[at + 1 :])
        require(parameter.shape == blocked, "there is one value per block", name=name, shape=parameter.shape, expected=blocked)
        return np.repeat(parameter, min(block_size, shape[at]), axis=at)[(slice(None),) * at + (slice(shape[at]),)]
    if parameter.size == 1 and parameter.ndim <= 1:
        return parameter.reshape(())
    require(parameter.ndim == 1, "without blocks there is one value, or a vector of them", name=name, shape=parameter.shape)
    at = normalize_axis(axis, len(shape))
    require(parameter.shape[0] == shape[at], "there is one value per index of axis", name=name, size=parameter.shape[0], axis=at, x=shape)
    return parameter.reshape(-1, *(1,) * (len(shape) - at - 1))


def quantized_type(attributes, inputs):
    """The zero point's type, else ``output_dtype``, else uint8."""
    if len(inputs) > 2 and inputs[2] is not None:
        return (inputs[2],)
    return (tensor_type(attributes.get("output_dtype") or "uint8"),)


def distance_to_tie(ratio: Array) -> Array:
    """How far numbers are from the next one half between two integers."""
    return np.abs(ratio - np.floor(ratio) - 0.5)


def tie(call: Call):
    """How much x may change before it is nearer to another level; None for float types."""
    if is_float(call.elements[0]):
        return None
    x, y_scale = call.inputs[0].astype(np.float64), call.inputs[1].astype(np.float64)
    if y_scale.shape not in ((), (1,)):
        y_scale = spread(y_scale, x.shape, call.attributes["axis"], call.attributes.get("block_size", 0), "y_scale")
    return (distance_to_tie(x / y_scale) * np.abs(y_scale)).reshape(x.shape)


def settled_level(ratio: Array, zero: Array, to: ElementType, saturate: bool = True) -> Array:
    """saturate(round(ratio) + zero), halves to even; NaN becomes ``zero``. Float types are rounded to as Cast does."""
    if to.is_float:
        require(not np.any(zero), "the zero point of a float type is 0", zero_point=zero)
        return round_to(ratio, to.dtype, "nearest_even", saturate)
    low, high = integer_range(to)
    zero = zero.astype(np.int64)
    level = np.rint(np.where(np.isnan(ratio), 0, ratio).astype(np.float64))
    return (np.clip(level, low - zero, high - zero).astype(np.int64) + zero).astype(to.dtype)


def check_zero_point(zero_point: Array | None, scale: Array) -> None:
    """Zero point and scale have one shape; of single values the rank does not matter."""
    same = zero_point is None or zero_point.shape == scale.shape or zero_point.size == scale.size == 1
    require(same, "the zero point has the shape of the scale", zero_point=getattr(zero_point, "shape", None), scale=scale.shape)


@op("QuantizeLinear", since=23, also=(24, 25, 28), arithmetic="stated", compare=discrete(tie), result_types=quantized_type)
def quantize_linear_23(x, y_scale, y_zero_point=None, /, *, ctx, axis=1, block_size=0, output_dtype=0, precision=0, saturate=1):
    """y = saturate(round(x / y_scale) + y_zero_point), halves to even.

    The division is made in ``precision``, else in the type of y_scale; float8e8m0, which holds powers of two only, leaves it in
    the type of x. Floats of 8 bits and less are rounded to by Cast's rules and have a zero point of 0. What NaN becomes is not
    specified; here it is the zero point.
    """
    divided_in = element_type(precision or (x if element_type(y_scale.dtype).name == "float8e8m0" else y_scale).dtype)
    to = element_type(y_zero_point.dtype if y_zero_point is not None else output_dtype or "uint8")
    require(output_dtype in (0, to.number), "output_dtype is the type of y_zero_point", output_dtype=output_dtype, y_zero_point=to)
    check_zero_point(y_zero_point, y_scale)
    scale = spread(y_scale, x.shape, axis, block_size, "y_scale")
    if divided_in.is_integer:  # the quotient of 32-bit integers, rounded to float64, is half-way only if it is so exactly
        ratio = x.astype(np.float64) / scale.astype(np.float64)
    else:
        ratio = ctx.as_type(x, divided_in) / ctx.as_type(scale, divided_in)
    zero = np.zeros((), to.dtype) if y_zero_point is None else spread(y_zero_point, x.shape, axis, block_size, "y_zero_point")
    return settled_level(ratio, zero, to, bool(saturate))


@op("QuantizeLinear", since=21, like=quantize_linear_23)
def quantize_linear_21(x, y_scale, y_zero_point=None, /, *, ctx, axis=1, block_size=0, output_dtype=0, saturate=1):
    """Before version 23: the division is made in the type of x and y_scale."""
    return quantize_linear_23(
        x, y_scale, y_zero_point, ctx=ctx, axis=axis, block_size=block_size, output_dtype=output_dtype, saturate=saturate
    )


@op("QuantizeLinear", since=19, like=quantize_linear_23)
def quantize_linear_19(x, y_scale, y_zero_point=None, /, *, ctx, axis=1, saturate=1):
    """Before version 21: no blocks, and the zero point alone decides the type."""
    return quantize_linear_23(x, y_scale, y_zero_point, ctx=ctx, axis=axis, saturate=saturate)


@op("QuantizeLinear", since=13, like=quantize_linear_23)
def quantize_linear_13(x, y_scale, y_zero_point=None, /, *, ctx, axis=1):
    """Before version 19: to 8-bit integers."""
    return quantize_linear_23(x, y_scale, y_zero_point, ctx=ctx, axis=axis)


@op("QuantizeLinear", since=10, like=quantize_linear_23)
def quantize_linear_10(x, y_scale, y_zero_point=None, /, *, ctx):
    """Before version 13: one scale for the whole tensor."""
    require(y_scale.size == 1, "y_scale is a scalar", y_scale=y_scale.shape)
    return quantize_linear_23(x, y_scale.reshape(()), None if y_zero_point is None else y_zero_point.reshape(()), ctx=ctx)


def dequantized_type(attributes, inputs):
    """``output_dtype``, else the type of the scale."""
    return (tensor_type(attributes["output_dtype"]) if attributes.get("output_dtype") else inputs[1],)


@op("DequantizeLinear", since=23, also=(24, 25, 28), arithmetic="rounded", compare=ulps(4), result_types=dequantized_type)
def dequantize_linear_23(x, x_scale, x_zero_point=None, /, *, axis=1, block_size=0, output_dtype=0):
    """y = (x - x_zero_point) * x_scale, the difference in exact integers."""
    check_zero_point(x_zero_point, x_scale)
    scale = spread(x_scale, x.shape, axis, block_size, "x_scale")
    if element_type(x.dtype).is_float:
        require(x_zero_point is None or not np.any(x_zero_point), "the zero point of a float type is 0", x_zero_point=x_zero_point)
        return x * scale
    zero = 0 if x_zero_point is None else spread(x_zero_point, x.shape, axis, block_size, "x_zero_point").astype(np.int64)
    return (x.astype(np.int64) - zero) * scale


@op("DequantizeLinear", since=21, like=dequantize_linear_23)
def dequantize_linear_21(x, x_scale, x_zero_point=None, /, *, axis=1, block_size=0):
    """Before version 23: the result has the type of x_scale."""
    return dequantize_linear_23(x, x_scale, x_zero_point, axis=axis, block_size=block_size)


@op("DequantizeLinear", since=13, also=(19,), like=dequantize_linear_23)
def dequantize_linear_13(x, x_scale, x_zero_point=None, /, *, axis=1):
    """Before version 21: no blocks."""
    return dequantize_linear_23(x, x_scale, x_zero_point, axis=axis)


@op("DequantizeLinear", since=10, like=dequantize_linear_23)
def dequantize_linear_10(x, x_scale, x_zero_point=None, /):
    """Before version 13: one scale for the whole tensor."""
    require(x_scale.size == 1, "x_scale is a scalar", x_scale=x_scale.shape)
    return dequantize_linear_23(x, x_scale.reshape(()), None if x_zero_point is None else x_zero_point.reshape(()))


@op("DynamicQuantizeLinear", since=11, arithmetic="stated", compare=discrete())
def dynamic_quantize_linear_11(x, /):
    """y_scale = (high - low) / 255 and y_zero_point = saturate(round(-low / y_scale)), where [low, high] is the range of x with
    0 in it; y is x so quantized to uint8. All in float32, as the function body says.

    Nothing but zeros has the scale 0, as has no element; the quotients are then NaN, which becomes 0.
    """
    low, high = x.min(initial=0), x.max(initial=0)
    y_scale = np.asarray((high - low) / x.dtype.type(255))
    zero = np.zeros((), np.uint8)
    y_zero_point = settled_level(-low / y_scale, zero, element_type("uint8"))
    return settled_level(x / y_scale, y_zero_point, element_type("uint8")), y_scale, y_zero_point
