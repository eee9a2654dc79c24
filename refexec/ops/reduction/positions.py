"""ArgMax, ArgMin."""

import numpy as np

from refexec.comparison import Call, discrete
from refexec.errors import require
from refexec.ops.common import normalize_axis
from refexec.registry import op


def lead(call: Call):
    """How far the chosen element is from the next best: another index is right where the errors exceed it."""
    data, axis, (reduced, *_) = call.inputs[0].astype(np.float64), call.attributes["axis"], call.outputs
    if data.shape[axis] == 1:
        return np.full(reduced.shape, np.inf)
    chosen = np.take_along_axis(data, reduced.reshape(np.take(data, [0], axis).shape), axis)
    return np.partition(np.abs(data - chosen), 1, axis).take(1, axis).reshape(reduced.shape)


@op("ArgMax", since=12, also=(13,), arithmetic="exact", compare=discrete(lead))
def arg_max_12(data, /, *, axis=0, keepdims=1, select_last_index=0):
    """The index along ``axis`` of the largest element: of the first of several, or the last if so asked.

    NaN is not specified; here it counts as the largest.
    """
    return position(np.argmax, data, axis, keepdims, select_last_index)


@op("ArgMax", since=11, like=arg_max_12)
def arg_max_11(data, /, *, axis=0, keepdims=1):
    """Before version 12: the first of several."""
    return arg_max_12(data, axis=axis, keepdims=keepdims)


@op("ArgMax", since=1, like=arg_max_12)
def arg_max_1(data, /, *, axis=0, keepdims=1):
    """Before version 11: the text does not speak of a negative axis; it is read as later."""
    return arg_max_11(data, axis=axis, keepdims=keepdims)


@op("ArgMin", since=12, also=(13,), arithmetic="exact", compare=discrete(lead))
def arg_min_12(data, /, *, axis=0, keepdims=1, select_last_index=0):
    """The index along ``axis`` of the least element: of the first of several, or the last if so asked.

    NaN is not specified; here it counts as the least.
    """
    return position(np.argmin, data, axis, keepdims, select_last_index)


@op("ArgMin", since=11, like=arg_min_12)
def arg_min_11(data, /, *, axis=0, keepdims=1):
    """Before version 12: the first of several."""
    return arg_min_12(data, axis=axis, keepdims=keepdims)


@op("ArgMin", since=1, like=arg_min_12)
def arg_min_1(data, /, *, axis=0, keepdims=1):
    """Before version 11: the text does not speak of a negative axis; it is read as later."""
    return arg_min_11(data, axis=axis, keepdims=keepdims)


def position(choose, data, axis, keepdims, last):
    """``choose`` is argmax or argmin, which take the first of several; the last is the first from the other end."""
    axis = normalize_axis(axis, data.ndim)
    size = data.shape[axis]
    require(size > 0, "the axis is not empty", data=data.shape, axis=axis)
    index = size - 1 - choose(np.flip(data, axis), axis=axis) if last else choose(data, axis=axis)
    return np.asarray(np.expand_dims(index, axis) if keepdims else index, np.int64)
