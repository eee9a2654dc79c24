"""ScatterElements, ScatterND, Scatter: a copy of a tensor with some of its elements replaced or added to."""

import numpy as np

from refexec.comparison import Call, exact, is_float, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array
from refexec.ops.tensor.gather import along_axis, tuples
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff

REDUCTIONS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
UNDEFINED = {"O": ("add", "mul", "max", "min"), "c": ("max", "min")}


def scatter_bound(call: Call):
    """One rounding for each update that is added or multiplied into an element, in any order; otherwise nothing is rounded."""
    data, indices, updates = call.inputs
    element = call.elements[0]
    if not is_float(element):
        return (None,)
    if call.attributes.get("reduction", "none") not in ("add", "mul"):
        return (np.zeros(data.shape),)
    (roundings,) = call.evaluate(np.zeros_like(data), indices, np.ones_like(updates), reduction="add")
    (size,) = call.evaluate(np.abs(data), indices, np.abs(updates))
    return (roundings * (unit_roundoff(element.dtype) * size + smallest_subnormal(element.dtype)),)


def scattered(data: Array, places: tuple[Array, ...], updates: Array, reduction: str) -> Array:
    """A copy of ``data`` with ``updates`` at ``places``. With a reduction every update counts; without one the last does."""
    require(reduction == "none" or reduction in REDUCTIONS, "reduction is none, add, mul, max or min", reduction=reduction)
    defined = reduction not in UNDEFINED.get(data.dtype.kind, ())
    require(defined, "reduction is defined for the type of data", reduction=reduction, type=data.dtype)
    claim(data.shape, data.dtype)
    output = data.copy()
    if reduction == "none":
        output[(*places, ...)] = updates
    else:
        REDUCTIONS[reduction].at(output, (*places, ...), updates)
    return output


def until_18(reduction: str) -> str:
    """Check a reduction of versions 16 and 17."""
    require(reduction in ("none", "add", "mul"), "before version 18 reduction is none, add or mul", reduction=reduction)
    return reduction


@op("ScatterElements", since=18, arithmetic="rounded", compare=rounded(scatter_bound))
def scatter_elements_18(data, indices, updates, /, *, axis=0, reduction="none"):
    """output[indices[i, j, k], j, k] = updates[i, j, k] for ``axis`` 0, likewise for the other axes; else output = data.

    ``reduction`` combines the update with what is there, all of them where indices repeat. Without it repeated indices are
    not allowed, and which update stays is not specified. A NaN taken into *max* or *min* stays.
    """
    require(updates.shape == indices.shape, "updates has the shape of indices", updates=updates.shape, indices=indices.shape)
    return scattered(data, along_axis(indices, data.shape, axis), updates, reduction)


@op("ScatterElements", since=16, like=scatter_elements_18)
def scatter_elements_16(data, indices, updates, /, *, axis=0, reduction="none"):
    """Before version 18: no *max* and *min*."""
    return scatter_elements_18(data, indices, updates, axis=axis, reduction=until_18(reduction))


@op("ScatterElements", since=11, also=(13,), like=scatter_elements_18, arithmetic="exact", compare=exact)
def scatter_elements_11(data, indices, updates, /, *, axis=0):
    """Before version 16: no reduction."""
    return scatter_elements_18(data, indices, updates, axis=axis)


@op("Scatter", since=11, like=scatter_elements_11)
def scatter_11(data, indices, updates, /, *, axis=0):
    """Deprecated: ScatterElements under its old name."""
    return scatter_elements_11(data, indices, updates, axis=axis)


@op("Scatter", since=9, like=scatter_elements_11)
def scatter_9(data, indices, updates, /, *, axis=0):
    """ScatterElements under its old name."""
    return scatter_elements_11(data, indices, updates, axis=axis)


@op("ScatterND", since=18, arithmetic="rounded", compare=rounded(scatter_bound))
def scatter_nd_18(data, indices, updates, /, *, reduction="none"):
    """output[indices[i, j]] = updates[i, j], each row of ``indices`` naming an element or a slice; else output = data.

    ``reduction`` combines the update with what is there, all of them where rows repeat. Without it repeated rows are not
    allowed, and which update stays is not specified. A NaN taken into *max* or *min* stays.
    """
    places = tuples(indices, data.shape)
    shape = (*indices.shape[:-1], *data.shape[len(places) :])
    require(updates.shape == shape, "updates has one element or slice per index tuple", updates=updates.shape, expected=shape)
    return scattered(data, places, updates, reduction)


@op("ScatterND", since=16, like=scatter_nd_18)
def scatter_nd_16(data, indices, updates, /, *, reduction="none"):
    """Before version 18: no *max* and *min*."""
    return scatter_nd_18(data, indices, updates, reduction=until_18(reduction))


@op("ScatterND", since=11, also=(13,), like=scatter_nd_18, arithmetic="exact", compare=exact)
def scatter_nd_11(data, indices, updates, /):
    """Before version 16: no reduction."""
    return scatter_nd_18(data, indices, updates)
