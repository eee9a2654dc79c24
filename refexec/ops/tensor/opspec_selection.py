"""Opspecs of operators that select elements by a condition, a position or their value."""

from math import prod

import numpy as np

from refexec.ops.math.opspec_elementwise import partner
from refexec.ops.tensor.opspec_joining import resized
from refexec.ops.tensor.opspec_shape import NEGATIVE_AXES
from refexec.opspec import Draw, Out, broadcast, opspec
from refexec.types import BOOL, INT64


@opspec("Where", 9, 16)
def where(d: Draw) -> None:
    x = d.input("T", empty=True)
    condition = d.tensor(BOOL, partner(d, x))
    full = broadcast(condition.sizes, x.sizes)
    y = d.tensor(x.elem, [1 if d.integer(0, 3) == 3 else n for n in full][d.flag() and d.integer(0, len(full)) :])
    d.emit([condition, *((y, x) if d.flag() else (x, y))], Out(x.elem, full))


@opspec("Compress", 9, 11, 28)
def compress(d: Draw) -> None:
    """The condition may be shorter than the axis, or the flattened tensor."""
    x = d.input("T", (1, 4), empty=True)
    rank = len(x.shape)
    axis = d.attr("axis", range(-rank if d.since >= NEGATIVE_AXES else 0, rank))
    count = prod(x.sizes) if axis is None else x.sizes[axis]
    condition = d.tensor(BOOL, (count - d.integer(0, min(count, 2)),))
    d.emit([x, condition], Out(x.elem, (None,) if axis is None else resized(x.shape, axis % rank, None), x.span))


@opspec("NonZero", 9, 13)
def non_zero(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    d.emit([x], Out(INT64, (len(x.shape), None)))


@opspec("Trilu", 14)
def trilu(d: Draw) -> None:
    x = d.input("T", (2, 4), empty=True)
    d.attr("upper", [1, 0])
    rows, columns = x.sizes[-2:]
    k = d.optional(lambda: d.constant(d.pick([*range(columns + 2), *range(-rows - 1, 0)])))
    d.emit([x, k], Out(x.elem, x.shape))


@opspec("OneHot", 9, 11, 28)
def one_hot(d: Draw) -> None:
    """Some indices are beyond the depth, or far beyond: they are nowhere. Before version 11 none is negative. onnx wants no scalar."""
    depth, elem, shape = d.integer(1, 5), d.elem("T1"), d.shape(1, 3, empty=True)
    low = -depth - 1 if d.since >= NEGATIVE_AXES and elem.kind != "uint" and d.flag() else 0
    if elem.bits >= (64 if elem.is_integer else 32) and d.integer(0, 3) == 3:
        indices = d.constant(np.resize([2**32, 0, 2**32 + 2**10], shape), elem)
    elif elem.is_integer:
        indices = d.tensor(elem, shape, (low, depth))
    else:
        indices = d.constant(np.resize(np.arange(low, depth + 1)[:: d.pick((1, -1))], shape), elem)
    axis = d.axis(len(shape) + 1, negative=d.since >= NEGATIVE_AXES)
    values = d.tensor(d.elem("T3"), (2,))
    sizes = d.constant([depth] if d.flag() else depth, d.elem("T2"))
    d.emit([indices, sizes, values], Out(values.elem, (*shape[:axis], depth, *shape[axis:]), values.span))


@opspec("Unique", 11, 28)
def unique(d: Draw) -> None:
    """The distinct elements or slices. NaN, and the order of complex numbers, are not specified."""
    x = d.input("T", (0, 4), span=d.pick(((-2, 2), (-9, 9))))
    rank = len(x.shape)
    axis = d.attr("axis", range(-rank, rank))
    if x.elem.kind == "complex":
        d.set("sorted", 0)
    else:
        d.attr("sorted", [0, 1])
    shape = (None,) if axis is None else resized(x.shape, axis % rank, None)
    one_each = prod(x.sizes) if axis is None else x.sizes[axis]
    others = [Out(INT64, (None,)), Out(INT64, (one_each,)), Out(INT64, (None,))]
    d.emit([x], Out(x.elem, shape, x.span), *(o if d.flag() else None for o in others))


def special(d: Draw) -> None:
    """IsNaN and IsInf: now and then of a tensor with NaN and infinities."""
    x = d.input("T1", empty=True, sized=False)
    if d.flag():
        numbers = np.array([np.inf, 1, np.nan, -np.inf, -0.0, -2.5, np.inf])[: d.integer(1, 7)]
        x = d.constant(numbers.astype(x.elem.dtype), x.elem)
    for name in ("detect_negative", "detect_positive"):
        d.attr(name, [0, 1])
    d.emit([x], Out(BOOL, x.shape))


opspec("IsInf", 10, 20)(special)
opspec("IsNaN", 9, 13, 20)(special)
