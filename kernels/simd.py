"""Vectors as values of numba code: the few LLVM instructions that kernels are written in.

A vector holds 32 bytes: eight float32 or four float64, or as many integers of the same width. Where a machine has no such
registers LLVM splits them; every operation here rounds once, ``fma`` too, so the bits do not depend on the instruction set.

Arrays are addressed as flat memory: ``load(A, i)`` reads the lanes from element ``i`` of the memory behind ``A``, whatever
A's shape. Nothing wraps around. With ``NUMBA_BOUNDSCHECK=1`` each access is checked against A's memory and raises IndexError.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from refexec.kernels.cache import Locator

__all__ = [
    "absolute", "alive", "as_floats", "as_integers", "at", "broadcast", "copy_sign", "either_nan", "evens_and_odds", "every_other",
    "first_lanes", "fma", "inlined", "interleaved", "jit", "lane", "lane_numbers", "lanes_of", "largest", "load", "load_first",
    "looked_up", "maximum", "memory", "minimum", "negated", "parted", "prefetch", "product_of_lanes", "put", "round_even", "select",
    "splat", "sqrt", "store", "store_first", "sum_of_lanes", "to_floats", "to_integers", "zeros",
]  # fmt: skip

BYTES = 32
CHECKED = bool(getattr(numba.config, "BOUNDSCHECK"))  # noqa: B009 - numba makes its settings at import

I32 = ir.IntType(32)


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    """``function`` compiled when it is first called, and kept in refexec's own folder."""
    config: Any = numba.config
    before = getattr(config, "CACHE_LOCATOR_CLASSES", "")
    config.CACHE_LOCATOR_CLASSES = f"{Locator.__module__}.{Locator.__qualname__}"
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=CHECKED, fastmath=False, **options)(function)
    finally:
        config.CACHE_LOCATOR_CLASSES = before


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


def _vector_of(array: Any) -> Vector:
    return Vector(array.dtype)


def _fields(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    """The fields of an array or a memory by name."""
    if isinstance(array_type, Memory):
        return cgutils.create_struct_proxy(array_type)(context, builder, value=array)
    return context.make_array(array_type)(context, builder, array)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any, count: Any) -> Any:
    """The address of element ``index`` of the memory behind an array, of which ``count`` elements are touched."""
    made = _fields(context, builder, array_type, array)
    if CHECKED:
        count = ir.Constant(index.type, count) if isinstance(count, int) else count
        outside = builder.or_(
            builder.icmp_signed("<", index, ir.Constant(index.type, 0)),
            builder.icmp_signed(">", builder.add(index, count), made.nitems),
        )
        with builder.if_then(outside, likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("a kernel touches memory outside its array",))
    return builder.gep(made.data, [index])


def _index(context: Any, builder: Any, value: Any, value_type: Any) -> Any:
    return context.cast(builder, value, value_type, types.intp)


def _repeated(builder: Any, value: Any, vector: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, vector.count), [0] * vector.count))


@instruction
def memory(typing: Any, array: Any) -> Any:
    """An array as kernels pass it on: loops over arrays count references at every branch, loops over memory do not.

    The array must be in use until the kernel ends: :func:`alive` says so of one that was made in the kernel.
    """
    made = Memory(array.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        fields, found = cgutils.create_struct_proxy(made)(context, builder), _fields(context, builder, sig.args[0], args[0])
        fields.data, fields.nitems = found.data, found.nitems
        return fields._getvalue()

    return made(array), code


@instruction
def alive(typing: Any, array: Any) -> Any:
    """Keep an array until here."""
    return types.none(array), lambda context, builder, sig, args: context.get_dummy_value()


def _loaded(array: Any, index: Any, vector: Vector) -> Any:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = _address(context, builder, sig.args[0], args[0], _index(context, builder, args[1], sig.args[1]), vector.lanes)
        address = builder.bitcast(address, context.get_value_type(vector).as_pointer())
        return builder.load(address, align=array.dtype.bitwidth // 8)

    return vector(array, index), code


@instruction
def load(typing: Any, array: Any, index: Any) -> Any:
    """The vector at element ``index`` of the array's memory."""
    return _loaded(array, index, _vector_of(array))


@instruction
def store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write a vector to the array's memory from element ``index`` on."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = _address(context, builder, sig.args[0], args[0], _index(context, builder, args[1], sig.args[1]), vector.lanes)
        builder.store(args[2], builder.bitcast(address, context.get_value_type(vector).as_pointer()), align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, index, vector), code


def _first_lanes(context: Any, builder: Any, sig: Any, args: Any, vector: Vector) -> tuple[Any, Any]:
    """The address of ``args[1]`` and the mask of the lanes below ``args[2]``, of which there may be none or more than all."""
    index, count = (_index(context, builder, args[i], sig.args[i]) for i in (1, 2))
    most, none = ir.Constant(count.type, vector.lanes), ir.Constant(count.type, 0)
    count = builder.select(builder.icmp_signed("<", count, most), count, most)
    if CHECKED:
        touches = builder.icmp_signed(">", count, none)
        for end in (index, builder.add(index, count)):
            _address(context, builder, sig.args[0], args[0], builder.select(touches, end, none), 0)
    address = builder.gep(_fields(context, builder, sig.args[0], args[0]).data, [index])
    numbers = ir.VectorType(ir.IntType(vector.elem.bitwidth), vector.lanes)
    count = builder.trunc(count, numbers.element) if vector.elem.bitwidth < 64 else count
    mask = builder.icmp_signed("<", ir.Constant(numbers, list(range(vector.lanes))), _repeated(builder, count, numbers))
    return builder.bitcast(address, context.get_value_type(vector).as_pointer()), mask


def _masked(builder: Any, name: str, result: Any, of: Vector, args: list[Any]) -> Any:
    kinds = ir.FunctionType(result, [a.type for a in args])
    suffix = f"v{of.lanes}{'f' if isinstance(of.elem, types.Float) else 'i'}{of.elem.bitwidth}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, kinds, f"llvm.masked.{name}.{suffix}"), args)


@instruction
def load_first(typing: Any, array: Any, index: Any, count: Any, rest: Any) -> Any:
    """The first ``count`` lanes from element ``index`` of the array's memory on; the others are those of the vector ``rest``."""
    vector = _vector_of(array)

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
        made = _fields(context, builder, sig.args[0], args[0])
        address = builder.bitcast(builder.gep(made.data, [_index(context, builder, args[1], sig.args[1])]), ir.IntType(8).as_pointer())
        function = ir.FunctionType(ir.VoidType(), [address.type, I32, I32, I32])
        instruction = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
        builder.call(instruction, [address, *[ir.Constant(I32, n) for n in (0, 3, 1)]])  # to read, keep, data
        return context.get_dummy_value()

    return types.none(array, index), code


@instruction
def at(typing: Any, array: Any, index: Any) -> Any:
    """The single element ``index`` of the array's memory."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, sig.args[0], args[0], _index(context, builder, args[1], sig.args[1]), 1))

    return array.dtype(array, index), code


@instruction
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write the single element ``index`` of the array's memory."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = context.cast(builder, args[2], sig.args[2], array.dtype)
        builder.store(value, _address(context, builder, sig.args[0], args[0], _index(context, builder, args[1], sig.args[1]), 1))
        return context.get_dummy_value()

    return types.none(array, index, value), code


@instruction
def broadcast(typing: Any, array: Any, index: Any) -> Any:
    """Element ``index`` of the array's memory in every lane."""
    vector = _vector_of(array)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(_address(context, builder, sig.args[0], args[0], _index(context, builder, args[1], sig.args[1]), 1))
        return _repeated(builder, value, context.get_value_type(vector))

    return vector(array, index), code


@instruction
def splat(typing: Any, value: Any) -> Any:
    """A number in every lane."""
    vector = Vector(value)
    return vector(value), lambda context, builder, sig, args: _repeated(builder, args[0], context.get_value_type(vector))


@instruction
def zeros(typing: Any, array: Any) -> Any:
    """A vector of zeros of the array's type."""
    vector = _vector_of(array)
    return vector(array), lambda context, builder, sig, args: ir.Constant(context.get_value_type(vector), None)


@instruction
def lanes_of(typing: Any, array: Any) -> Any:
    """How many elements of the array a vector holds; a constant of the compiled code."""
    vector = _vector_of(array)
    lanes = vector.lanes
    return types.intp(array), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), lanes)


def _vector(operands: Any) -> Any:
    """The vector type among the operands of an operation; numbers beside it are meant in every lane."""
    return next((t for t in operands if isinstance(t, Vector)), None)


def _widened(context: Any, builder: Any, operands: Any, args: Any, vector: Vector) -> list[Any]:
    """The operands as vectors."""
    made = []
    for value, operand in zip(args, operands, strict=True):
        if not isinstance(operand, Vector):
            value = _repeated(builder, context.cast(builder, value, operand, vector.elem), context.get_value_type(vector))
        made.append(value)
    return made


def _called(name: str) -> Any:
    """An operation that LLVM has for vectors of floats."""

    def typed(typing: Any, *operands: Any) -> Any:
        of = _vector(operands)

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            vector = context.get_value_type(of)
            function = ir.FunctionType(vector, [vector] * len(args))
            instruction = cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.v{of.lanes}f{of.elem.bitwidth}")
            return builder.call(instruction, _widened(context, builder, sig.args, args, of))

        return of(*operands), code

    return typed


@instruction
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""
    return _called("fma")(typing, a, b, c)


@instruction
def sqrt(typing: Any, a: Any) -> Any:
    """The square root, correctly rounded."""
    return _called("sqrt")(typing, a)


@instruction
def absolute(typing: Any, a: Any) -> Any:
    """The magnitude: the sign bit cleared."""
    return _called("fabs")(typing, a)


@instruction
def copy_sign(typing: Any, magnitude: Any, sign: Any) -> Any:
    """The magnitude of one with the sign bit of the other."""
    return _called("copysign")(typing, magnitude, sign)


@instruction
def round_even(typing: Any, a: Any) -> Any:
    """The nearest whole number, halves to the even one."""
    return _called("roundeven")(typing, a)


# Arithmetic and comparison, as Python writes them ------------------------------------------------------------------------------


def _operands(a: Any, b: Any) -> Any:
    """The vector type of two operands, of which one may be a number; None for others."""
    of = _vector((a, b))
    return of if of is not None and all(t == of or isinstance(t, types.Number) for t in (a, b)) else None


def _define(symbol: Any, of_floats: str, of_integers: str | None) -> None:
    @instruction
    def operation(typing: Any, a: Any, b: Any) -> Any:
        of = _vector((a, b))
        name = str(of_floats if isinstance(of.elem, types.Float) else of_integers)
        return of(a, b), lambda context, builder, sig, args: getattr(builder, name)(*_widened(context, builder, sig.args, args, of))

    @overload(symbol, jit_options={"forceinline": True})
    def implementation(a, b):
        of = _operands(a, b)
        if of is not None and (of_integers is not None or isinstance(of.elem, types.Float)):
            return lambda a, b: operation(a, b)
        return None


for _symbol, _float, _integer in (
    (operator.add, "fadd", "add"), (operator.sub, "fsub", "sub"), (operator.mul, "fmul", "mul"), (operator.truediv, "fdiv", None),
):  # fmt: skip
    _define(_symbol, _float, _integer)
for _symbol, _integer in (
    (operator.and_, "and_"), (operator.or_, "or_"), (operator.xor, "xor"), (operator.lshift, "shl"), (operator.rshift, "ashr"),
):  # fmt: skip
    _define(_symbol, _integer, _integer)


@instruction
def negated(typing: Any, a: Any) -> Any:
    return a(a), lambda context, builder, sig, args: builder.fneg(args[0])


@overload(operator.neg, jit_options={"forceinline": True})
def _negation(a):
    return (lambda a: negated(a)) if isinstance(a, Vector) and isinstance(a.elem, types.Float) else None


def _define_comparison(symbol: Any, sign: str) -> None:
    @instruction
    def comparison(typing: Any, a: Any, b: Any) -> Any:
        of = _vector((a, b))

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            operands = _widened(context, builder, sig.args, args, of)
            if not isinstance(of.elem, types.Float):
                return builder.icmp_signed(sign, *operands)
            return (builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered)(sign, *operands)

        return Mask(of)(a, b), code

    @overload(symbol, jit_options={"forceinline": True})
    def implementation(a, b):
        return (lambda a, b: comparison(a, b)) if _operands(a, b) is not None else None


for _symbol, _sign in (
    (operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">="), (operator.eq, "=="), (operator.ne, "!="),
):  # fmt: skip
    _define_comparison(_symbol, _sign)


@instruction
def either_nan(typing: Any, a: Any, b: Any) -> Any:
    """Where one of two vectors is NaN."""
    return Mask(a)(a, b), lambda context, builder, sig, args: builder.fcmp_unordered("uno", *args)


@instruction
def _either(typing: Any, a: Any, b: Any) -> Any:
    return a(a, b), lambda context, builder, sig, args: builder.or_(*args)


@overload(operator.or_, jit_options={"forceinline": True})
def _either_mask(a, b):
    return (lambda a, b: _either(a, b)) if isinstance(a, Mask) and a == b else None


@instruction
def select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """Lane by lane ``a`` where the mask is true, else ``b``; they may be numbers, two of them for floats."""
    of = _vector((a, b)) or Vector(types.float32 if mask.bits == 32 else types.float64, mask.lanes)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(args[0], *_widened(context, builder, sig.args[1:], args[1:], of))

    return of(mask, a, b), code


@inlined
def maximum(a, b):
    """The larger one; NaN where one is NaN; of two zeros ``b``."""
    return select(a != a, a, select(a > b, a, b))


@inlined
def minimum(a, b):
    """The smaller one; NaN where one is NaN; of two zeros ``b``."""
    return select(a != a, a, select(a < b, a, b))


# Between floats and integers ---------------------------------------------------------------------------------------------------


def _integer_of(vector: Vector) -> Vector:
    return Vector(types.int32 if vector.elem.bitwidth == 32 else types.int64, vector.lanes)


def _float_of(vector: Vector) -> Vector:
    return Vector(types.float32 if vector.elem.bitwidth == 32 else types.float64, vector.lanes)


def _converted(a: Vector, result: Vector, instruction: str) -> Any:
    return result(a), lambda context, builder, sig, args: getattr(builder, instruction)(args[0], context.get_value_type(result))


@instruction
def as_integers(typing: Any, a: Any) -> Any:
    """The bits of floats as integers."""
    return _converted(a, _integer_of(a), "bitcast")


@instruction
def as_floats(typing: Any, a: Any) -> Any:
    """Integers as the bits of floats."""
    return _converted(a, _float_of(a), "bitcast")


@instruction
def to_integers(typing: Any, a: Any) -> Any:
    """Whole numbers as integers; they must fit."""
    return _converted(a, _integer_of(a), "fptosi")


@instruction
def to_floats(typing: Any, a: Any) -> Any:
    """Integers as floats, rounded."""
    return _converted(a, _float_of(a), "sitofp")


# Moved lanes -------------------------------------------------------------------------------------------------------------------


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
def looked_up(typing: Any, array: Any, start: Any, table: Any, index: Any) -> Any:
    """The vector of the elements ``start + table[index + lane]`` of the array's memory; the table holds int64."""
    vector = _vector_of(array)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        start, index = (_index(context, builder, args[i], sig.args[i]) for i in (1, 3))
        places = _address(context, builder, sig.args[2], args[2], index, vector.lanes)
        found = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for i in range(vector.lanes):
            place = builder.add(start, builder.load(builder.gep(places, [ir.Constant(index.type, i)])))
            found = builder.insert_element(
                found, builder.load(_address(context, builder, sig.args[0], args[0], place, 1)), ir.Constant(I32, i)
            )  # fmt: skip
        return found

    return vector(array, start, table, index), code


# Across lanes ------------------------------------------------------------------------------------------------------------------


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
def lane_numbers(typing: Any, array: Any) -> Any:
    """0, 1, 2, ... as integers of the width of the array's elements."""
    vector = _integer_of(_vector_of(array))

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(vector), list(range(vector.lanes)))

    return vector(array), code


@instruction
def first_lanes(typing: Any, array: Any, count: Any) -> Any:
    """The mask that is true in the first ``count`` lanes of the array's vectors."""
    vector = _vector_of(array)
    lanes = vector.lanes

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        integers = ir.VectorType(I32, lanes)
        few = builder.trunc(_index(context, builder, args[1], sig.args[1]), I32)
        return builder.icmp_signed("<", ir.Constant(integers, list(range(lanes))), _repeated(builder, few, integers))

    return Mask(vector)(array, count), code


@instruction
def evens_and_odds(typing: Any, a: Any, b: Any) -> Any:
    """The lanes 0, 2, 4, ... of ``a`` followed by the lanes 1, 3, 5, ... of ``b``."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        order = [*range(0, a.lanes, 2), *range(a.lanes + 1, 2 * a.lanes, 2)]
        return builder.shuffle_vector(*args, ir.Constant(ir.VectorType(I32, a.lanes), order))

    return a(a, b), code


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
