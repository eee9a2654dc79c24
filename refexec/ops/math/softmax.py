"""Softmax, LogSoftmax, Hardmax."""

from math import prod

import numpy as np

from refexec.comparison import Call, discrete, rounded
from refexec.errors import require
from refexec.ops.common import Array, as_2d, normalize_axis
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op
from refexec.values import smallest_subnormal, unit_roundoff


def one_axis(x, axis):
    """How many elements are normalized together."""
    return x.shape[axis]


def all_from(x, axis):
    """How many elements are normalized together before version 13."""
    return prod(x.shape[axis:])


def softmax_bound(terms):
    """Relative error of exp(x - max) is the rounding of x - max; that of the sum grows with the number of terms."""

    def bound(call: Call):
        (x,), (y,), dtype = call.inputs, call.outputs, call.elements[0].dtype
        spread = np.where(np.isfinite(x), np.abs(x), 0).max(initial=0.0)
        count = terms(x, **call.attributes)
        return ((2 * spread + count + 8) * unit_roundoff(dtype) * np.abs(y) + 2 * smallest_subnormal(dtype),)

    return rounded(bound)


def log_softmax_bound(terms):
    """The absolute error of a logarithm is the relative error of its argument."""

    def bound(call: Call):
        (x,), (y,), dtype = call.inputs, call.outputs, call.elements[0].dtype
        spread = np.where(np.isfinite(x), np.abs(x), 0).max(initial=0.0)
        count = terms(x, **call.attributes)
        return ((2 * spread + count + 8 + np.abs(y)) * unit_roundoff(dtype),)

    return rounded(bound)


@primitive
def softmax(x: Array, /, *, axis: int, to_end: bool = False) -> Array:
    """exp(x) / sum(exp(x)) along ``axis``, or with ``to_end`` along all axes from it on, taken as one."""
    line = joined(x, axis) if to_end else x
    e = np.exp(line - line.max(axis=axis, keepdims=True, initial=-np.inf))
    return (e / e.sum(axis=axis, keepdims=True)).reshape(x.shape)


@primitive
def log_softmax(x: Array, /, *, axis: int, to_end: bool = False) -> Array:
    """x - max - log(1 + the sum of exp(x - max) over all but the first largest), along the same."""
    if not x.size:
        return x
    line = joined(x, axis) if to_end else x
    shifted = line - line.max(axis=axis, keepdims=True)
    first = np.expand_dims(shifted.argmax(axis=axis), axis)
    others = np.exp(shifted)
    np.put_along_axis(others, first, 0 * np.take_along_axis(shifted, first, axis), axis=axis)  # 0, or NaN of a NaN
    return (shifted - np.log1p(others.sum(axis=axis, keepdims=True))).reshape(x.shape)


@op("Softmax", since=13, arithmetic="rounded", compare=softmax_bound(one_axis))
def softmax_13(input, /, *, axis=-1):
    """exp(x) / sum(exp(x)) along ``axis``. The maximum is subtracted first, which changes no value but overflow.

    A NaN or +inf, or nothing but -inf, along the axis gives NaN there.
    """
    return softmax(input, axis=normalize_axis(axis, input.ndim))


@op("LogSoftmax", since=13, arithmetic="rounded", compare=log_softmax_bound(one_axis))
def log_softmax_13(input, /, *, axis=-1):
    """x - max - log(1 + the sum of exp(x - max) over all but the first largest) along ``axis``.

    So it stays finite where softmax underflows to 0, and keeps its digits where softmax is almost 1.
    """
    return log_softmax(input, axis=normalize_axis(axis, input.ndim))


@op("Hardmax", since=13, arithmetic="exact", compare=discrete())
def hardmax_13(input, /, *, axis=-1):
    """1 for the first of the largest values along ``axis``, else 0."""
    axis = normalize_axis(axis, input.ndim)
    output = np.zeros_like(input)
    if input.size:
        first = np.expand_dims(input.argmax(axis=axis), axis)
        np.put_along_axis(output, first, np.ones((), input.dtype), axis=axis)
    return output


@op("Softmax", since=1, also=(11,), like=softmax_13, compare=softmax_bound(all_from))
def softmax_1(input, /, *, axis=1):
    """Before version 13: over all dimensions from ``axis`` on, taken as one."""
    return softmax(input, axis=first_axis(axis, input.ndim), to_end=True)


@op("LogSoftmax", since=1, also=(11,), like=log_softmax_13, compare=log_softmax_bound(all_from))
def log_softmax_1(input, /, *, axis=1):
    """Before version 13: over all dimensions from ``axis`` on, taken as one."""
    return log_softmax(input, axis=first_axis(axis, input.ndim), to_end=True)


@op("Hardmax", since=1, also=(11,), like=hardmax_13)
def hardmax_1(input, /, *, axis=1):
    """Before version 13: over all dimensions from ``axis`` on, taken as one."""
    return as_2d(hardmax_13, input, axis)


def first_axis(axis: int, rank: int) -> int:
    """The first of the axes that are taken as one; there may be none of them."""
    require(-rank <= axis <= rank, "axis is in [-rank, rank]", axis=axis, rank=rank)
    return axis + rank if axis < 0 else axis


def joined(x: Array, axis: int) -> Array:
    """``x`` with all axes from ``axis`` on taken as one."""
    return x.reshape(*x.shape[:axis], prod(x.shape[axis:]))


for _body, _primitive in ((softmax_13, softmax), (log_softmax_13, log_softmax)):

    @lowers(_body)
    def lower_one_axis(attributes, shapes, primitive=_primitive):
        return Lowered(primitive, (0,), {"axis": normalize_axis(attributes["axis"], len(shapes[0]))})


for _body, _primitive in ((softmax_1, softmax), (log_softmax_1, log_softmax)):

    @lowers(_body)
    def lower_all_from(attributes, shapes, primitive=_primitive):
        return Lowered(primitive, (0,), {"axis": first_axis(attributes["axis"], len(shapes[0])), "to_end": True})
