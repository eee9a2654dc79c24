"""Opspecs of convolutions and of Col2Im."""

from math import prod

from refexec.ops.nn.opspec_windows import image, windows
from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import FLOAT32, INT32, ElementType


def divisors(n: int) -> list[int]:
    return [k for k in range(1, n + 1) if n % k == 0]


def filters(d: Draw, x: Operand, elem: ElementType) -> tuple[Operand, tuple[int, ...]]:
    """The weights of a convolution over ``x``, and the shape of the result; the attributes are given."""
    channels = x.sizes[1]
    group = d.attr("group", divisors(channels)[::-1], 1)
    kernel, output = windows(d, x.sizes[2:])
    d.attr("kernel_shape", [kernel])
    number = group * d.integer(1, 3)
    return d.tensor(elem, (number, channels // group, *kernel)), (x.sizes[0], number, *output)


@opspec("Conv", 1, 11, 22)
def conv(d: Draw) -> None:
    x = image(d)
    w, shape = filters(d, x, x.elem)
    d.emit([x, w, d.optional(lambda: d.tensor(x.elem, shape[1:2]))], Out(x.elem, shape))


@opspec("ConvInteger", 10)
def conv_integer(d: Draw) -> None:
    x = image(d, "T1")
    w, shape = filters(d, x, d.elem("T2"))
    x_zero_point = d.optional(lambda: d.tensor(x.elem, ()))
    w_zero_point = d.optional(lambda: d.tensor(w.elem, d.pick([(), shape[1:2]])))
    d.emit([x, w, x_zero_point, w_zero_point], Out(INT32, shape))


@opspec("QLinearConv", 10)
def q_linear_conv(d: Draw) -> None:
    """The scale and the zero point of w are both scalars, or have one number for each filter."""
    x = image(d, "T1")
    w, shape = filters(d, x, d.elem("T2"))
    per_filter = d.pick([(), shape[1:2]])
    result = d.elem("T3")

    def quantized(elem: ElementType, of: tuple[int, ...] = ()) -> list[Operand]:
        return [d.tensor(FLOAT32, of, (0.25, 4)), d.tensor(elem, of)]

    bias = d.optional(lambda: d.tensor(INT32, shape[1:2], (-1000, 1000)))
    d.emit([x, *quantized(x.elem), w, *quantized(w.elem, per_filter), *quantized(result), bias], Out(result, shape))


@opspec("ConvTranspose", 1, 11, 22)
def conv_transpose(d: Draw) -> None:
    """With SAME no padding is negative, and there is no output_padding, of which the inference of onnx makes a larger output.

    Version 1 wants the size of the input with SAME: the strides are then 1. It says two things about which side gets more of an odd
    padding when there are both auto_pad and output_shape. An output_shape below the input gives the inference of onnx a rank of 2.
    """  # fmt: skip
    x = image(d, most=100)
    channels = x.sizes[1]
    group = d.attr("group", divisors(channels)[::-1], 1)
    auto = d.attr("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"], "NOTSET") if d.flag() else "NOTSET"
    same, explicit = auto.startswith("SAME"), auto == "NOTSET" and d.flag()
    asked = (d.since > 1 or not same) and d.flag()
    dilated, strided, extended = d.flag(), d.flag(), (asked or not same) and d.flag()
    kernel, dilations, strides, extra, begins, ends, output = [], [], [], [], [], [], []
    most = 3 if len(x.sizes) < 5 else 2
    for size in x.sizes[2:]:
        k, dilation = d.integer(1, 3), d.integer(1, most) if dilated else 1
        extent = (k - 1) * dilation + 1
        longest = 1 if same and d.since == 1 else extent if same else most
        stride = d.integer(1, min(most, longest)) if strided else 1
        more = d.integer(0, max(stride, dilation) - 1) if extended else 0
        full = stride * (size - 1) + more + extent
        begin = d.integer(0, min(2, full - 1)) if explicit else 0
        end = d.integer(0, min(2, full - 1 - begin)) if explicit else 0
        padded = stride * size if same else full - begin - end
        length = full - d.integer(0, min(3, full - size)) if asked else padded
        for values, value in (
            (kernel, k), (dilations, dilation), (strides, stride), (extra, more), (begins, begin), (ends, end), (output, length)
        ):  # fmt: skip
            values.append(value)
    for name, given, of_axes in (
        ("dilations", dilated, dilations), ("strides", strided, strides), ("output_padding", extended, extra),
        ("pads", explicit, begins + ends), ("output_shape", asked, output),
    ):  # fmt: skip
        if given:
            d.set(name, of_axes)
    d.attr("kernel_shape", [kernel])
    per_group = d.integer(1, 3)
    w = d.tensor(x.elem, (channels, per_group, *kernel))
    shape = (x.sizes[0], group * per_group, *output)
    d.emit([x, w, d.optional(lambda: d.tensor(x.elem, shape[1:2]))], Out(x.elem, shape))


@opspec("DeformConv", 19, 22)
def deform_conv(d: Draw) -> None:
    """With more than 2 spatial axes, where the text gives the mask one weight for each axis and element, there is no mask."""
    x = image(d)
    w, shape = filters(d, x, x.elem)
    taps = d.attr("offset_group", divisors(x.sizes[1])[::-1], 1) * prod(w.sizes[2:])
    rank = len(x.sizes) - 2
    offset = d.tensor(x.elem, (shape[0], taps * rank, *shape[2:]), (-2, 2))
    bias = d.optional(lambda: d.tensor(x.elem, shape[1:2]))
    mask = d.optional(lambda: d.tensor(x.elem, (shape[0], taps, *shape[2:]))) if rank < 3 else None
    d.emit([x, w, offset, bias, mask], Out(x.elem, shape))


@opspec("CausalConvWithState", 27)
def causal_conv(d: Draw) -> None:
    x = d.input("T", (3, 3))
    batch, channels, _ = x.sizes
    k = d.integer(1, 4)
    w = d.tensor(x.elem, (channels, 1, k))
    bias = d.optional(lambda: d.tensor(x.elem, (channels,)))
    past = d.optional(lambda: d.tensor(x.elem, (batch, channels, k - 1)))
    d.attr("activation", ["silu", "swish", "none"])
    d.emit([x, w, bias, past], Out(x.elem, x.shape), Out(x.elem, (batch, channels, k - 1)))


@opspec("Col2Im", 18)
def col2im(d: Draw) -> None:
    """Blocks of what has no sum have one element and so do not overlap."""
    elem = d.elem("T")
    pictured = d.shape(2, 3)
    block, output = windows(d, pictured, largest=1 if elem.kind in ("string", "bool") else 3)
    channels = d.integer(1, 3)
    x = d.tensor(elem, (d.integer(1, 2), channels * prod(block), prod(output)))
    d.emit([x, d.constant(pictured), d.constant(block)], Out(elem, (x.sizes[0], channels, *pictured)))
