"""The primitive that reductions, means and norms are written in."""

from math import prod

import numpy as np

from refexec.ops.common import Array, least, normalize_axes
from refexec.ops.reduction.axes import reduced_axes
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers
from refexec.values import highest

KERNEL_TYPES = ("float32", "float64", "float16", "bfloat16")


@primitive
def reduce_over(x: Array, *, axes: tuple[int, ...], how: str, keepdims: bool = True) -> Array:
    """The elements over ``axes`` as one: their sum, mean, prod, max, min, l1 (sum of magnitudes), sum_square or l2 (root of it).

    Over no element the sums are 0, the product is 1, the mean NaN, and the extremes are the least and the greatest value of the type.
    Integers wrap. NaN is the maximum and the minimum.
    """
    over = {"axis": axes, "keepdims": keepdims}
    match how:
        case "sum":
            return np.add.reduce(x, dtype=x.dtype, **over)
        case "mean":
            return np.divide(np.add.reduce(x, dtype=x.dtype, **over), x.dtype.type(prod(x.shape[axis] for axis in axes)))
        case "prod":
            return np.multiply.reduce(x, dtype=x.dtype, **over)
        case "max":
            return np.maximum.reduce(x, initial=least(x.dtype), **over)
        case "min":
            return np.minimum.reduce(x, initial=np.inf if x.dtype.kind == "f" else highest(x.dtype), **over)
        case "l1":
            return np.add.reduce(np.abs(x), dtype=x.dtype, **over)
        case "sum_square":
            return np.add.reduce(np.square(x), dtype=x.dtype, **over)
        case "l2":
            return np.sqrt(np.add.reduce(np.square(x), dtype=x.dtype, **over))
    raise ValueError(how)


def mean(x: Array, axes: tuple[int, ...] | int, keepdims: bool = True) -> Array:
    """The mean over ``axes`` in the type of ``x``; NaN over no element."""
    return reduce_over(x, axes=tuple_of(axes, x.ndim), how="mean", keepdims=keepdims)


def total(x: Array, axes: tuple[int, ...] | int | None = None, keepdims: bool = False) -> Array:
    """The sum over ``axes``, by default over all, in the type of ``x``."""
    return reduce_over(x, axes=tuple_of(axes, x.ndim), how="sum", keepdims=keepdims)


def product(x: Array, axes: tuple[int, ...] | int | None = None, keepdims: bool = False) -> Array:
    """The product over ``axes``, by default over all, in the type of ``x``."""
    return reduce_over(x, axes=tuple_of(axes, x.ndim), how="prod", keepdims=keepdims)


def tuple_of(axes: tuple[int, ...] | int | None, rank: int) -> tuple[int, ...]:
    """Axes counted from 0."""
    return normalize_axes(range(rank) if axes is None else axes if isinstance(axes, tuple) else (axes,), rank)


def lower_reductions(how, *bodies):
    """Lower bodies of a reduction to one call of ``reduce_over``, where the axes are constant."""

    def lower(attributes, shapes):
        over = reduced_axes(attributes.get("axes"), len(shapes[0]), attributes.get("noop_with_empty_axes", 0))
        return Lowered(reduce_over, (0,), {"axes": over, "how": how, "keepdims": bool(attributes["keepdims"])})

    for body in bodies:
        lowers(body, types=KERNEL_TYPES, constants=("axes",))(lower)
