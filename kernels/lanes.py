"""Lanes of vectors: moved, numbered, and combined with each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from refexec.kernels.vectors import I32, Mask, index_of, instruction, integers_like, repeated, vector_of

__all__ = [
    "evens_and_odds", "every_other", "first_lanes", "interleaved", "lane", "lane_numbers", "largest", "parted", "product_of_lanes",
    "sum_of_lanes",
]  # fmt: skip


@instruction
def every_other(typing: Any, a: Any, b: Any) -> Any:
    """Lanes 0, 2, 4, ... of two vectors that follow each other."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.shuffle_vector(*args, ir.Constant(ir.VectorType(I32, a.lanes), list(range(0, 2 * a.lanes, 2))))

    return a(a, b), code


@instruction
def interleaved(typing: Any, a: Any, b: Any) -> Any:
    """Two vectors that follow each other, of lanes of a and b in turn: every_other undone."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        order = [lane for i in range(a.lanes) for lane in (i, i + a.lanes)]
        halves = [ir.Constant(ir.VectorType(I32, a.lanes), order[k : k + a.lanes]) for k in (0, a.lanes)]
        return context.make_tuple(builder, sig.return_type, [builder.shuffle_vector(*args, half) for half in halves])

    return types.UniTuple(a, 2)(a, b), code


@instruction
def parted(typing: Any, a: Any, b: Any) -> Any:
    """The lanes 0, 2, 4, ... and the lanes 1, 3, 5, ... of two vectors that follow each other: interleaved undone."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        orders = [ir.Constant(ir.VectorType(I32, a.lanes), list(range(k, 2 * a.lanes, 2))) for k in (0, 1)]
        return context.make_tuple(builder, sig.return_type, [builder.shuffle_vector(*args, order) for order in orders])

    return types.UniTuple(a, 2)(a, b), code


@instruction
def evens_and_odds(typing: Any, a: Any, b: Any) -> Any:
    """The lanes 0, 2, 4, ... of ``a`` followed by the lanes 1, 3, 5, ... of ``b``."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        order = [*range(0, a.lanes, 2), *range(a.lanes + 1, 2 * a.lanes, 2)]
        return builder.shuffle_vector(*args, ir.Constant(ir.VectorType(I32, a.lanes), order))

    return a(a, b), code


@instruction
def lane_numbers(typing: Any, array: Any) -> Any:
    """0, 1, 2, ... as integers of the width of the array's elements."""
    vector = integers_like(vector_of(array))

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(vector), list(range(vector.lanes)))

    return vector(array), code


@instruction
def first_lanes(typing: Any, array: Any, count: Any) -> Any:
    """The mask that is true in the first ``count`` lanes of the array's vectors."""
    vector = vector_of(array)
    lanes = vector.lanes

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        integers = ir.VectorType(I32, lanes)
        few = builder.trunc(index_of(context, builder, args[1], sig.args[1]), I32)
        return builder.icmp_signed("<", ir.Constant(integers, list(range(lanes))), repeated(builder, few, integers))

    return Mask(vector)(array, count), code


@instruction
def lane(typing: Any, a: Any, index: Any) -> Any:
    """One lane; ``index`` is in range."""
    return a.elem(a, index), lambda context, builder, sig, args: builder.extract_element(args[0], args[1])


def _folded(combine: Callable[[Any, Any, Any], Any]) -> Any:
    """A vector's lanes combined in a fixed tree: the lower half with the upper one, until one is left."""

    def typed(typing: Any, a: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            value, lanes = args[0], a.lanes
            while lanes > 1:
                lanes //= 2
                halves = [ir.Constant(ir.VectorType(I32, lanes), list(range(k, k + lanes))) for k in (0, lanes)]
                undefined = ir.Constant(value.type, ir.Undefined)
                value = combine(builder, *[builder.shuffle_vector(value, undefined, half) for half in halves])
            return builder.extract_element(value, ir.Constant(I32, 0))

        return a.elem(a), code

    return typed


def _larger(builder: Any, a: Any, b: Any) -> Any:
    greater = builder.select(builder.fcmp_ordered(">", a, b), a, b)
    return builder.select(builder.fcmp_unordered("uno", a, a), a, greater)


@instruction
def sum_of_lanes(typing: Any, a: Any) -> Any:
    """The sum of the lanes: halves are added until one element is left."""
    return _folded(lambda builder, low, high: builder.fadd(low, high))(typing, a)


@instruction
def product_of_lanes(typing: Any, a: Any) -> Any:
    """The product of the lanes, in the same tree."""
    return _folded(lambda builder, low, high: builder.fmul(low, high))(typing, a)


@instruction
def largest(typing: Any, a: Any) -> Any:
    """The largest lane; NaN where one is NaN."""
    return _folded(_larger)(typing, a)
