"""What many operators share: axes, integer division, flattening, names of types.

Differences of kind (integer, float, string) live here, so that operator bodies need not ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np

from refexec.errors import RuleViolation, UnsupportedError, require
from refexec.types import ElementType, TensorType, element_type
from refexec.values import lowest

Array = np.ndarray[Any, Any]


def tensor_type(name: str | int | Any) -> TensorType:
    """The type ``tensor(name)``, for ``result_types``."""
    return TensorType(element_type(name))


def same(attributes: Any, inputs: Any) -> tuple[Any, ...]:
    """``result_types`` of operators whose output has the type of the first input."""
    return (inputs[0],)


def normalize_axis(axis: int, rank: int) -> int:
    """``axis`` counted from the front; a negative one counts from the end."""
    require(-rank <= axis < rank, "axis is in [-rank, rank - 1]", axis=axis, rank=rank)
    return axis % rank


def normalize_axes(axes: Iterable[int], rank: int) -> tuple[int, ...]:
    """``axes`` counted from the front, in the order given, each at most once."""
    found = tuple(normalize_axis(int(axis), rank) for axis in axes)
    require(len(set(found)) == len(found), "axes are distinct", axes=found)
    return found


def broadcast_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that ``shapes`` broadcast to (multidirectional, NumPy's rule)."""
    rank = max(map(len, shapes), default=0)
    columns = list(zip(*((1,) * (rank - len(s)) + tuple(s) for s in shapes), strict=True))
    full = tuple(next((d for d in column if d != 1), 1) for column in columns)
    fits = all(d in (1, f) for column, f in zip(columns, full, strict=True) for d in column)
    require(fits, "shapes broadcast together: aligned at the end, each dimension is equal or 1", shapes=shapes)
    return full


def broadcasts_to(own: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a tensor of a shape broadcasts to ``shape`` without changing it."""
    return len(own) <= len(shape) and all(d in (1, s) for d, s in zip(own[::-1], shape[::-1], strict=False))


def unidirectional(x: Array, shape: tuple[int, ...], **named: Any) -> None:
    """Check that ``x`` broadcasts to ``shape`` without changing it; ``named`` names it in the message."""
    require(broadcasts_to(x.shape, shape), "the operand is unidirectionally broadcastable", shape=x.shape, to=shape, **named)


def vector(x: Any, name: str) -> tuple[int, ...]:
    """A 1-D tensor of integers, or an INTS attribute, as Python ints. ``name`` names it in the message."""
    require(getattr(x, "ndim", 1) == 1, "a list of integers is a 1-D tensor", name=name, shape=getattr(x, "shape", None))
    return tuple(int(v) for v in x)


def scalar(x: Array, name: str) -> Any:
    """The one element of a tensor as a Python value. ``name`` names the tensor in the message."""
    require(x.size == 1, "a scalar operand has one element", name=name, shape=x.shape)
    return x.item()


def in_range(indices: Array, size: int) -> Array:
    """Indices in [-size, size - 1], negative ones counted from the end."""
    if indices.size and indices.min() >= 0 and indices.max() < size:
        return indices
    bad = (indices < -size) | (indices >= size)
    if bad.any():
        at = int(np.argmax(bad))
        raise RuleViolation("indices are in [-s, s - 1], s being the size of the axis", index=int(indices.flat[at]), position=at, s=size)
    return np.where(indices < 0, indices + size, indices)


def integer_range(elem: ElementType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    return (0, 2**elem.bits - 1) if elem.kind == "uint" else (-(2 ** (elem.bits - 1)), 2 ** (elem.bits - 1) - 1)


def is_integer(x: Array) -> bool:
    """Whether the elements are integers (4-bit and 2-bit ones too); booleans are not."""
    return element_type(x.dtype).is_integer if x.dtype.kind == "V" else x.dtype.kind in "iu"


def divide(a: Array, b: Array) -> Array:
    """a / b; integers truncate toward zero, and the least integer over -1 is itself.

    A zero divisor is undefined for integers and refused.
    """
    if not is_integer(a):
        return np.divide(a, b)
    require(not np.any(b == 0), "an integer divisor is not 0")
    quotient = np.floor_divide(a, b)
    inexact = np.remainder(a, b) != 0
    return quotient + (inexact & ((a < 0) != (b < 0))).astype(quotient.dtype)


def as_2d(function: Any, x: Array, axis: int, **attributes: Any) -> Array:
    """``function`` on ``x`` as a matrix: all dimensions before ``axis`` are rows, all from it on are columns."""
    axis = axis + x.ndim if axis < 0 else axis
    require(0 <= axis <= x.ndim, "axis is in [-rank, rank]", axis=axis, rank=x.ndim)
    rows = int(np.prod(x.shape[:axis], dtype=np.int64))
    columns = int(np.prod(x.shape[axis:], dtype=np.int64))
    return function(x.reshape(rows, columns), **attributes).reshape(x.shape)


def least(dtype: np.dtype[Any]) -> Any:
    """The value below all others of a dtype, long double included: what the maximum over no element is."""
    return -np.inf if dtype.kind == "f" else lowest(dtype)


def truncated(x: Array, dtype: np.dtype[Any]) -> Array:
    """Floats without their fraction as an integer dtype. One that has no value there (NaN too) is undefined and refused."""
    values = np.trunc(x)
    low, high = integer_range(element_type(dtype))
    within = (values >= low) & (values < high + 1)
    require(np.all(within), "a result that is computed in floating point has a value of its integer type", type=dtype)
    return values.astype(dtype)


def matched(A: Array, B: Array, axis: int | None, broadcast: int) -> Array:
    """``B`` in a shape that broadcasts to ``A`` by the rule before version 7: only ``B`` is broadcast, only if so asked, and its
    dimensions are those of ``A`` from ``axis`` on or at the end. A dimension of 1 is expanded, which the text calls missing yet."""
    if not broadcast:
        require(A.shape == B.shape, "without broadcast=1, A and B have the same shape", A=A.shape, B=B.shape)
        return B
    if B.size == 1 and B.ndim <= A.ndim:
        return B.reshape(())
    start = A.ndim - B.ndim if axis is None else axis
    fits = start >= 0 and start + B.ndim <= A.ndim and all(b in (1, a) for a, b in zip(A.shape[start:], B.shape, strict=False))
    require(fits, "the shape of B is a contiguous part of that of A, or B has one element", A=A.shape, B=B.shape, axis=axis)
    return B.reshape(B.shape + (1,) * (A.ndim - start - B.ndim))


def from_extra(module: str, extra: str, operator: str) -> Any:
    """A module that comes with one of refexec's extras. Raises UnsupportedError naming the extra when it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        raise UnsupportedError(f"{operator} needs the extra: pip install 'refexec[{extra}]'", module=module) from None


def pi(dtype: np.dtype[Any]) -> Any:
    """The number of ``dtype`` that is nearest to pi."""
    return dtype.type("3.14159265358979323846264338327950288")
