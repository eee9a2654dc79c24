"""Between memory and vectors: arrays are addressed as flat memory, without wrapping around."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from refexec.kernels.vectors import (
    CHECKED,
    I32,
    Memory,
    Vector,
    address_of,
    fields_of,
    index_of,
    instruction,
    repeated,
    vector_of,
)

__all__ = [
    "alive", "at", "broadcast", "lanes_of", "load", "load_first", "loaded", "looked_up", "memory", "prefetch", "put", "store",
    "store_first", "zeros",
]  # fmt: skip


@instruction
def memory(typing: Any, array: Any) -> Any:
    """An array as kernels pass it on: loops over arrays count references at every branch, loops over memory do not.

    The array must be in use until the kernel ends: :func:`alive` says so of one that was made in the kernel.
    """
    made = Memory(array.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        fields, found = cgutils.create_struct_proxy(made)(context, builder), fields_of(context, builder, sig.args[0], args[0])
        fields.data, fields.nitems = found.data, found.nitems
        return fields._getvalue()

    return made(array), code


@instruction
def alive(typing: Any, array: Any) -> Any:
    """Keep an array until here."""
    return types.none(array), lambda context, builder, sig, args: context.get_dummy_value()


def loaded(array: Any, index: Any, vector: Vector) -> Any:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = address_of(context, builder, sig.args[0], args[0], index_of(context, builder, args[1], sig.args[1]), vector.lanes)
        address = builder.bitcast(address, context.get_value_type(vector).as_pointer())
        return builder.load(address, align=array.dtype.bitwidth // 8)

    return vector(array, index), code


@instruction
def load(typing: Any, array: Any, index: Any) -> Any:
    """The vector at element ``index`` of the array's memory."""
    return loaded(array, index, vector_of(array))


@instruction
def store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write a vector to the array's memory from element ``index`` on."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = address_of(context, builder, sig.args[0], args[0], index_of(context, builder, args[1], sig.args[1]), vector.lanes)
        builder.store(args[2], builder.bitcast(address, context.get_value_type(vector).as_pointer()), align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, index, vector), code


def _first_lanes(context: Any, builder: Any, sig: Any, args: Any, vector: Vector) -> tuple[Any, Any]:
    """The address of ``args[1]`` and the mask of the lanes below ``args[2]``, of which there may be none or more than all."""
    index, count = (index_of(context, builder, args[i], sig.args[i]) for i in (1, 2))
    most, none = ir.Constant(count.type, vector.lanes), ir.Constant(count.type, 0)
    count = builder.select(builder.icmp_signed("<", count, most), count, most)
    if CHECKED:
        touches = builder.icmp_signed(">", count, none)
        for end in (index, builder.add(index, count)):
            address_of(context, builder, sig.args[0], args[0], builder.select(touches, end, none), 0)
    address = builder.gep(fields_of(context, builder, sig.args[0], args[0]).data, [index])
    numbers = ir.VectorType(ir.IntType(vector.elem.bitwidth), vector.lanes)
    count = builder.trunc(count, numbers.element) if vector.elem.bitwidth < 64 else count
    mask = builder.icmp_signed("<", ir.Constant(numbers, list(range(vector.lanes))), repeated(builder, count, numbers))
    return builder.bitcast(address, context.get_value_type(vector).as_pointer()), mask


def _masked(builder: Any, name: str, result: Any, of: Vector, args: list[Any]) -> Any:
    kinds = ir.FunctionType(result, [a.type for a in args])
    suffix = f"v{of.lanes}{'f' if isinstance(of.elem, types.Float) else 'i'}{of.elem.bitwidth}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, kinds, f"llvm.masked.{name}.{suffix}"), args)


@instruction
def load_first(typing: Any, array: Any, index: Any, count: Any, rest: Any) -> Any:
    """The first ``count`` lanes from element ``index`` of the array's memory on; the others are those of the vector ``rest``."""
    vector = vector_of(array)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address, mask = _first_lanes(context, builder, sig, args, vector)
        align = ir.Constant(I32, array.dtype.bitwidth // 8)
        return _masked(builder, "load", args[3].type, vector, [address, align, mask, args[3]])

    return vector(array, index, count, rest), code


@instruction
def store_first(typing: Any, array: Any, index: Any, count: Any, vector: Any) -> Any:
    """Write the first ``count`` lanes of a vector to the array's memory from element ``index`` on."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address, mask = _first_lanes(context, builder, sig, args, vector)
        _masked(builder, "store", ir.VoidType(), vector, [args[3], address, ir.Constant(I32, array.dtype.bitwidth // 8), mask])
        return context.get_dummy_value()

    return types.none(array, index, count, vector), code


@instruction
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of an element that will be read; the index may lie outside the array."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        made = fields_of(context, builder, sig.args[0], args[0])
        address = builder.bitcast(builder.gep(made.data, [index_of(context, builder, args[1], sig.args[1])]), ir.IntType(8).as_pointer())
        function = ir.FunctionType(ir.VoidType(), [address.type, I32, I32, I32])
        instruction = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
        builder.call(instruction, [address, *[ir.Constant(I32, n) for n in (0, 3, 1)]])  # to read, keep, data
        return context.get_dummy_value()

    return types.none(array, index), code


@instruction
def at(typing: Any, array: Any, index: Any) -> Any:
    """The single element ``index`` of the array's memory."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(address_of(context, builder, sig.args[0], args[0], index_of(context, builder, args[1], sig.args[1]), 1))

    return array.dtype(array, index), code


@instruction
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write the single element ``index`` of the array's memory."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = context.cast(builder, args[2], sig.args[2], array.dtype)
        builder.store(value, address_of(context, builder, sig.args[0], args[0], index_of(context, builder, args[1], sig.args[1]), 1))
        return context.get_dummy_value()

    return types.none(array, index, value), code


@instruction
def broadcast(typing: Any, array: Any, index: Any) -> Any:
    """Element ``index`` of the array's memory in every lane."""
    vector = vector_of(array)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(address_of(context, builder, sig.args[0], args[0], index_of(context, builder, args[1], sig.args[1]), 1))
        return repeated(builder, value, context.get_value_type(vector))

    return vector(array, index), code


@instruction
def zeros(typing: Any, array: Any) -> Any:
    """A vector of zeros of the array's type."""
    vector = vector_of(array)
    return vector(array), lambda context, builder, sig, args: ir.Constant(context.get_value_type(vector), None)


@instruction
def lanes_of(typing: Any, array: Any) -> Any:
    """How many elements of the array a vector holds; a constant of the compiled code."""
    vector = vector_of(array)
    lanes = vector.lanes
    return types.intp(array), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), lanes)


@instruction
def looked_up(typing: Any, array: Any, start: Any, table: Any, index: Any) -> Any:
    """The vector of the elements ``start + table[index + lane]`` of the array's memory; the table holds int64."""
    vector = vector_of(array)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        start, index = (index_of(context, builder, args[i], sig.args[i]) for i in (1, 3))
        places = address_of(context, builder, sig.args[2], args[2], index, vector.lanes)
        found = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for i in range(vector.lanes):
            place = builder.add(start, builder.load(builder.gep(places, [ir.Constant(index.type, i)])))
            found = builder.insert_element(
                found, builder.load(address_of(context, builder, sig.args[0], args[0], place, 1)), ir.Constant(I32, i)
            )  # fmt: skip
        return found

    return vector(array, start, table, index), code
