"""Long vectors, twice as long as others: for what is done element by element, where two vectors are computed side by side.

On a machine that has such registers they are single instructions; no bit depends on it. What is left at the end of an array is a
long vector with ``count`` lanes that matter.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from refexec.kernels.access import loaded
from refexec.kernels.vectors import I32, Vector, address_of, called, index_of, instruction, repeated, vector_of

__all__ = [
    "filled", "load_long", "load_some", "lower", "narrowed", "polynomial", "store_some", "true_somewhere", "upper", "with_lane",
]  # fmt: skip


def _long_vector_of(array: Any) -> Vector:
    return Vector(array.dtype, 2 * vector_of(array).lanes)


@instruction
def load_long(typing: Any, array: Any, index: Any) -> Any:
    """The long vector at element ``index``: twice as many lanes. Two vectors are computed side by side, or one where the machine
    has such registers."""
    return loaded(array, index, _long_vector_of(array))


def _first(builder: Any, count: Any, lanes: int) -> Any:
    """The mask of the first ``count`` lanes."""
    numbers = ir.Constant(ir.VectorType(count.type, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, repeated(builder, count, numbers.type))


def _masked(name: str, vector: Any, value_first: bool) -> tuple[str, Any]:
    """LLVM's name and type of a masked load or store."""
    I1 = ir.VectorType(ir.IntType(1), vector.count)
    bits = 64 if isinstance(vector.element, ir.DoubleType) or getattr(vector.element, "width", 32) == 64 else 32
    kind = "i" if isinstance(vector.element, ir.IntType) else "f"
    operands = [vector, vector.as_pointer(), I32, I1] if value_first else [vector.as_pointer(), I32, I1, vector]
    full = f"llvm.masked.{name}.v{vector.count}{kind}{bits}.p0"
    return full, ir.FunctionType(ir.VoidType() if value_first else vector, operands)


@instruction
def load_some(typing: Any, array: Any, index: Any, count: Any, other: Any) -> Any:
    """The ``count`` elements from ``index`` on as a long vector, with ``other`` in the lanes that are left."""
    vector = _long_vector_of(array)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        index, count = (index_of(context, builder, args[i], sig.args[i]) for i in (1, 2))
        other = repeated(builder, context.cast(builder, args[3], sig.args[3], array.dtype), context.get_value_type(vector))
        of = context.get_value_type(vector)
        address = builder.bitcast(address_of(context, builder, sig.args[0], args[0], index, count), of.as_pointer())
        name, function = _masked("load", of, value_first=False)
        align = ir.Constant(I32, array.dtype.bitwidth // 8)
        operands = [address, align, _first(builder, count, vector.lanes), other]
        return builder.call(cgutils.get_or_insert_function(builder.module, function, name), operands)

    return vector(array, index, count, other), code


@instruction
def store_some(typing: Any, array: Any, index: Any, vector: Any, count: Any) -> Any:
    """Write the first ``count`` lanes of a vector to the array's memory from element ``index`` on."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        index, count = index_of(context, builder, args[1], sig.args[1]), index_of(context, builder, args[3], sig.args[3])
        of = context.get_value_type(vector)
        address = builder.bitcast(address_of(context, builder, sig.args[0], args[0], index, count), of.as_pointer())
        name, function = _masked("store", of, value_first=True)
        align = ir.Constant(I32, array.dtype.bitwidth // 8)
        operands = [args[2], address, align, _first(builder, count, vector.lanes)]
        builder.call(cgutils.get_or_insert_function(builder.module, function, name), operands)
        return context.get_dummy_value()

    return types.none(array, index, vector, count), code


@instruction
def filled(typing: Any, like: Any, value: Any) -> Any:
    """A vector of the type of another one with a number in every lane."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return repeated(builder, context.cast(builder, args[1], sig.args[1], like.elem), context.get_value_type(like))

    return like(like, value), code


@instruction
def polynomial(typing: Any, x: Any, coefficients: Any) -> Any:
    """c[0] + c[1] * x + c[2] * x**2 + ..., for a tuple of constants: Horner's rule with fused multiply-adds, for more than nine
    coefficients applied to the even and to the odd powers."""
    fused = called("fma")(typing, x, x, x)[1]

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def horner(value: Any, terms: list[Any]) -> Any:
            total = terms[-1]
            for term in reversed(terms[:-1]):
                total = fused(context, builder, x(x, x, x), [total, value, term])
            return total

        numbers = [context.cast(builder, c, types.float64, x.elem) for c in cgutils.unpack_tuple(builder, args[1])]
        terms = [repeated(builder, c, context.get_value_type(x)) for c in numbers]
        if len(terms) <= 9:
            return horner(args[0], terms)
        square = builder.fmul(args[0], args[0])
        return horner(args[0], [horner(square, terms[::2]), horner(square, terms[1::2])])

    return x(x, coefficients), code


def _half(a: Vector, upper: bool) -> Any:
    double = Vector(types.float64, a.lanes // 2)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        first = double.lanes if upper else 0
        lanes = ir.Constant(ir.VectorType(I32, double.lanes), list(range(first, first + double.lanes)))
        half = builder.shuffle_vector(args[0], ir.Constant(args[0].type, ir.Undefined), lanes)
        return builder.fpext(half, context.get_value_type(double))

    return double(a), code


@instruction
def lower(typing: Any, a: Any) -> Any:
    """The lower half of the lanes of a float32 vector, as float64."""
    return _half(a, upper=False)


@instruction
def upper(typing: Any, a: Any) -> Any:
    """The upper half of the lanes of a float32 vector, as float64."""
    return _half(a, upper=True)


@instruction
def narrowed(typing: Any, low: Any, high: Any) -> Any:
    """Two float64 vectors as one of float32, rounded."""
    single = Vector(types.float32, 2 * low.lanes)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        half = ir.VectorType(ir.FloatType(), low.lanes)
        lanes = ir.Constant(ir.VectorType(I32, single.lanes), list(range(single.lanes)))
        return builder.shuffle_vector(*[builder.fptrunc(a, half) for a in args], lanes)

    return single(low, high), code


@instruction
def with_lane(typing: Any, a: Any, index: Any, value: Any) -> Any:
    """The vector with another number in one lane; ``index`` is in range."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.insert_element(args[0], context.cast(builder, args[2], sig.args[2], a.elem), args[1])

    return a(a, index, value), code


@instruction
def true_somewhere(typing: Any, mask: Any) -> Any:
    """Whether a mask is true in one lane or more."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(mask.lanes))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(mask), code
