"""Draws that operators with sliding windows share."""

from collections.abc import Sequence
from math import prod

from refexec.ops.nn.windows import ceil_div
from refexec.opspec import Draw, Operand


def image(d: Draw, variable: str = "T", most: int = 500) -> Operand:
    """(N, C, D1, ...); now and then N is 0. Of those that exist, one of at most so many elements."""
    if d.integer(0, 15) < 15:
        return d.input(variable, (3, 5), where=lambda v: prod(v.sizes) <= most)
    return d.fresh(d.elem(variable), (0, *d.shape(2, 3)))


def windows(d: Draw, spatial: Sequence[int], *, pool: bool = False, largest: int = 3) -> tuple[list[int], list[int]]:
    """The kernel and the output per axis. Windows of a pool all meet the input: no mean or maximum of nothing.

    With SAME a stride is no larger than a window, so that no padding is negative. VALID with ceil_mode is not drawn: the text and the
    inference of onnx disagree. AveragePool-11 rounds auto_pad down where the later versions do not: there the strides are 1. Where the
    text does not leave out windows that start in the padding at the end, there are none.
    """  # fmt: skip
    left_out, rounded_down = d.since >= 22 and d.signature.name != "LpPool", d.signature.label == "AveragePool-11"
    auto = d.attr("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"], "NOTSET") if d.flag() else "NOTSET"
    same, explicit = auto.startswith("SAME"), auto == "NOTSET" and d.flag()
    up = auto != "VALID" and d.attr("ceil_mode", [1, 0], 0) == 1
    dilated, strided = d.has("dilations") and d.flag(), d.flag()
    kernel, dilations, begins, ends, strides, output = [], [], [], [], [], []
    for size in spatial:
        roomy = explicit or same
        k = d.integer(1, largest if roomy else min(largest, size))
        farthest = size if roomy or k == 1 else (size - 1) // (k - 1)
        dilation = d.integer(1, min(3, farthest)) if dilated else 1
        extent = (k - 1) * dilation + 1
        most = extent - 1 if pool else 2
        begin = d.integer(0, most) if explicit else 0
        needed = max(extent - size - begin, 0)
        end = d.integer(needed, max(needed, most)) if explicit else 0
        longest = extent if same else extent - end if up and not left_out else 3
        stride = d.integer(1, min(3, longest)) if strided and not (rounded_down and auto != "NOTSET") else 1
        room = size + begin + end - extent
        count = ceil_div(size, stride) if same else (ceil_div(room, stride) if up else room // stride) + 1
        if up and count > 1 and (count - 1) * stride >= size + begin:
            count -= 1
        for values, value in (
            (kernel, k), (dilations, dilation), (begins, begin), (ends, end), (strides, stride), (output, count)
        ):  # fmt: skip
            values.append(value)
    for name, given, values in (("dilations", dilated, dilations), ("strides", strided, strides), ("pads", explicit, begins + ends)):
        if given:
            d.set(name, values)
    return kernel, output
