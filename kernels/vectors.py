"""The numba types of vectors and memory, and what the instructions on them are built from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from refexec.kernels.cache import Locator

__all__ = [
    "I32", "Mask", "Memory", "Vector", "address_of", "called", "fields_of", "floats_like", "index_of", "inlined", "instruction",
    "integers_like", "jit", "repeated", "vector_among", "vector_of", "widened",
]  # fmt: skip

BYTES = 32
CHECKED = bool(getattr(numba.config, "BOUNDSCHECK"))  # noqa: B009 - numba makes its settings at import

I32 = ir.IntType(32)


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    """``function`` compiled when it is first called, and kept in refexec's own folder."""
    _name(function)
    config: Any = numba.config
    before = getattr(config, "CACHE_LOCATOR_CLASSES", "")
    config.CACHE_LOCATOR_CLASSES = f"{Locator.__module__}.{Locator.__qualname__}"
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=CHECKED, fastmath=False, **options)(function)
    finally:
        config.CACHE_LOCATOR_CLASSES = before


def _name(function: Callable[..., Any]) -> None:
    """Make the values that a function holds part of its name.

    Compiled code is found by its name in the whole process. Numba tells functions of one definition apart by a count of the process
    that compiled them, so without this two that were compiled in different processes may have one name.
    """
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    if not all(isinstance(value, str) for value in held):
        raise TypeError(f"{function.__qualname__} holds values that have no place in a name: {held}")
    function.__qualname__ = "_".join((function.__qualname__, *held))


def jit(function: Callable[..., Any]) -> Any:
    """A kernel: compiled once per machine, without the interpreter's lock, with IEEE arithmetic."""
    return _compiled(function)


def inlined(function: Callable[..., Any]) -> Any:
    """A part of kernels, inlined where it is called."""
    return _compiled(function, forceinline=True)


def instruction(function: Callable[..., Any]) -> Any:
    """A function of numba types that says what LLVM instructions a call becomes."""
    return intrinsic(function)


class Vector(types.Type):
    """The numba type of a vector; ``lanes`` elements of the numba type ``elem``."""

    def __init__(self, elem: Any, lanes: int | None = None) -> None:
        self.elem = elem
        self.lanes = lanes or BYTES * 8 // (32 if elem is types.boolean else elem.bitwidth)
        super().__init__(name=f"Vector({elem}, {self.lanes})")


class Mask(types.Type):
    """The result of comparing two vectors: a truth value per lane."""

    def __init__(self, vector: Vector) -> None:
        self.lanes = vector.lanes
        self.bits = vector.elem.bitwidth
        super().__init__(name=f"Mask({self.lanes}, {self.bits})")


class Memory(types.Type):
    """What :func:`memory` makes of an array: where its elements stand, and how many. It is not counted as a reference."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Memory({dtype})")


@register_model(Memory)
class _MemoryModel(models.StructModel):
    def __init__(self, manager: Any, memory: Memory) -> None:
        super().__init__(manager, memory, [("data", types.CPointer(memory.dtype)), ("nitems", types.intp)])


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, ir.VectorType(manager.lookup(vector.elem).get_value_type(), vector.lanes))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, mask: Mask) -> None:
        super().__init__(manager, mask, ir.VectorType(ir.IntType(1), mask.lanes))


def vector_of(array: Any) -> Vector:
    return Vector(array.dtype)


def fields_of(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    """The fields of an array or a memory by name."""
    if isinstance(array_type, Memory):
        return cgutils.create_struct_proxy(array_type)(context, builder, value=array)
    return context.make_array(array_type)(context, builder, array)


def address_of(context: Any, builder: Any, array_type: Any, array: Any, index: Any, count: Any) -> Any:
    """The address of element ``index`` of the memory behind an array, of which ``count`` elements are touched."""
    made = fields_of(context, builder, array_type, array)
    if CHECKED:
        count = ir.Constant(index.type, count) if isinstance(count, int) else count
        outside = builder.or_(
            builder.icmp_signed("<", index, ir.Constant(index.type, 0)),
            builder.icmp_signed(">", builder.add(index, count), made.nitems),
        )
        with builder.if_then(outside, likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("a kernel touches memory outside its array",))
    return builder.gep(made.data, [index])


def index_of(context: Any, builder: Any, value: Any, value_type: Any) -> Any:
    return context.cast(builder, value, value_type, types.intp)


def repeated(builder: Any, value: Any, vector: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, vector.count), [0] * vector.count))


def vector_among(operands: Any) -> Any:
    """The vector type among the operands of an operation; numbers beside it are meant in every lane."""
    return next((t for t in operands if isinstance(t, Vector)), None)


def widened(context: Any, builder: Any, operands: Any, args: Any, vector: Vector) -> list[Any]:
    """The operands as vectors."""
    made = []
    for value, operand in zip(args, operands, strict=True):
        if not isinstance(operand, Vector):
            value = repeated(builder, context.cast(builder, value, operand, vector.elem), context.get_value_type(vector))
        made.append(value)
    return made


def called(name: str) -> Any:
    """An operation that LLVM has for vectors of floats."""

    def typed(typing: Any, *operands: Any) -> Any:
        of = vector_among(operands)

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            vector = context.get_value_type(of)
            function = ir.FunctionType(vector, [vector] * len(args))
            instruction = cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.v{of.lanes}f{of.elem.bitwidth}")
            return builder.call(instruction, widened(context, builder, sig.args, args, of))

        return of(*operands), code

    return typed


def integers_like(vector: Vector) -> Vector:
    return Vector(types.int32 if vector.elem.bitwidth == 32 else types.int64, vector.lanes)


def floats_like(vector: Vector) -> Vector:
    return Vector(types.float32 if vector.elem.bitwidth == 32 else types.float64, vector.lanes)
