"""Opspecs of quantization: one scale for all numbers, for each index of an axis, or for each block."""

import numpy as np

from refexec.opspec import Draw, Operand, Out, Span, opspec
from refexec.types import FLOAT32, INT32, UINT8, ElementType

WIDE = (-1e30, 1e30)
"""All but NaN and infinities, which no integer stands for."""


def granularity(d: Draw, x: Operand) -> tuple[int, ...]:
    """The shape of scale and zero point; sets ``axis`` and ``block_size``."""
    rank = len(x.shape)
    blocked = d.has("block_size") and rank > 0 and 0 not in x.shape
    kind = d.pick(["tensor", *["axis"] * (d.since >= 13 and rank > 1), *["block"] * blocked])
    if kind == "tensor":
        return ()
    at = d.axis(rank)
    if kind == "axis":
        return x.sizes[at : at + 1]
    size = d.set("block_size", d.integer(1, x.sizes[at]))
    return (*x.sizes[:at], -(-x.sizes[at] // size), *x.sizes[at + 1 :])


def scale_of(d: Draw, elem: ElementType, shape: tuple[int, ...]) -> Operand:
    """Positive numbers, of which the small ones make quotients large."""
    spans: tuple[Span, ...] = ((0.25, 2), (2.0**-8, 2.0**-5))
    return d.tensor(elem, shape, (1, 9) if elem.is_integer else d.pick(spans))


def zero_of(d: Draw, elem: ElementType, shape: tuple[int, ...]) -> Operand:
    """The zero point; of floats and int32 it is 0."""
    return d.constant(np.zeros(shape), elem) if elem.is_float or elem is INT32 else d.tensor(elem, shape)


@opspec("QuantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28)
def quantize(d: Draw) -> None:
    """The division is made in ``precision``, which is given where the type of the scale cannot tell."""
    of_x, of_scale, of_zero = (p.type_str for p in d.signature.inputs)
    x = d.input(of_x, empty=True, span=WIDE)
    elem = x.elem if of_scale == of_x else d.elem(of_scale)
    shape = granularity(d, x)
    scale = scale_of(d, elem, shape)
    to = d.elem(of_zero) if d.flag() else UINT8
    zero = zero_of(d, to, shape) if d.flag() or not (to is UINT8 or d.has("output_dtype")) else None
    if zero is None and to is not UINT8:
        d.set("output_dtype", to.number)
    else:
        d.attr("output_dtype", [to.number])
    if d.has("precision") and (elem.name == "float8e8m0" or (elem.is_integer and x.elem.is_float) or d.flag()):
        d.set("precision", d.pick([1, 10, 16]))
    d.attr("saturate", [0, 1])
    d.emit([x, scale, zero], Out(to, x.shape))


@opspec("DequantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28)
def dequantize(d: Draw) -> None:
    of_x, of_scale, _ = (p.type_str for p in d.signature.inputs)
    x = d.input(of_x, empty=True)
    elem = d.elem(of_scale)
    shape = granularity(d, x)
    scale = scale_of(d, elem, shape)
    zero = d.optional(lambda: zero_of(d, x.elem, shape))
    to = elem
    if d.has("output_dtype") and (elem.name == "float8e8m0" or d.flag()):
        to = d.elem("T3")
        d.set("output_dtype", to.number)
    d.emit([x, scale, zero], Out(to, x.shape))


@opspec("DynamicQuantizeLinear", 11)
def dynamic_quantize(d: Draw) -> None:
    """Not all of x is 0. Crooked spans keep quotients away from halves, which the rounding of the scale would decide."""
    span = d.pick([(0.57, 7.93), (-7.93, -0.57), (-2.9, 5.03)])
    x = d.input("T1", span=span) if span[0] * span[1] > 0 else d.fresh(FLOAT32, d.shape(0, 4), span)
    d.emit([x], Out(UINT8, x.shape), Out(FLOAT32), Out(UINT8))
