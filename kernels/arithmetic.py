"""Arithmetic and comparison of vectors, as Python writes them; a number beside a vector is meant in every lane."""

from __future__ import annotations

import operator
from typing import Any

from numba import types
from numba.extending import overload

from refexec.kernels.vectors import Mask, Vector, called, floats_like, inlined, instruction, integers_like, repeated, vector_among, widened

__all__ = [
    "absolute", "as_floats", "as_integers", "copy_sign", "either_nan", "fma", "maximum", "minimum", "negated", "round_even", "select",
    "splat", "sqrt", "to_floats", "to_integers",
]  # fmt: skip


@instruction
def splat(typing: Any, value: Any) -> Any:
    """A number in every lane."""
    vector = Vector(value)
    return vector(value), lambda context, builder, sig, args: repeated(builder, args[0], context.get_value_type(vector))


@instruction
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""
    return called("fma")(typing, a, b, c)


@instruction
def sqrt(typing: Any, a: Any) -> Any:
    """The square root, correctly rounded."""
    return called("sqrt")(typing, a)


@instruction
def absolute(typing: Any, a: Any) -> Any:
    """The magnitude: the sign bit cleared."""
    return called("fabs")(typing, a)


@instruction
def copy_sign(typing: Any, magnitude: Any, sign: Any) -> Any:
    """The magnitude of one with the sign bit of the other."""
    return called("copysign")(typing, magnitude, sign)


@instruction
def round_even(typing: Any, a: Any) -> Any:
    """The nearest whole number, halves to the even one."""
    return called("roundeven")(typing, a)


def _operands(a: Any, b: Any) -> Any:
    """The vector type of two operands, of which one may be a number; None for others."""
    of = vector_among((a, b))
    return of if of is not None and all(t == of or isinstance(t, types.Number) for t in (a, b)) else None


def _define(symbol: Any, of_floats: str, of_integers: str | None) -> None:
    @instruction
    def operation(typing: Any, a: Any, b: Any) -> Any:
        of = vector_among((a, b))
        name = str(of_floats if isinstance(of.elem, types.Float) else of_integers)
        return of(a, b), lambda context, builder, sig, args: getattr(builder, name)(*widened(context, builder, sig.args, args, of))

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
        of = vector_among((a, b))

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            operands = widened(context, builder, sig.args, args, of)
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
    of = vector_among((a, b)) or Vector(types.float32 if mask.bits == 32 else types.float64, mask.lanes)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(args[0], *widened(context, builder, sig.args[1:], args[1:], of))

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


def _converted(a: Vector, result: Vector, instruction: str) -> Any:
    return result(a), lambda context, builder, sig, args: getattr(builder, instruction)(args[0], context.get_value_type(result))


@instruction
def as_integers(typing: Any, a: Any) -> Any:
    """The bits of floats as integers."""
    return _converted(a, integers_like(a), "bitcast")


@instruction
def as_floats(typing: Any, a: Any) -> Any:
    """Integers as the bits of floats."""
    return _converted(a, floats_like(a), "bitcast")


@instruction
def to_integers(typing: Any, a: Any) -> Any:
    """Whole numbers as integers; they must fit."""
    return _converted(a, integers_like(a), "fptosi")


@instruction
def to_floats(typing: Any, a: Any) -> Any:
    """Integers as floats, rounded."""
    return _converted(a, floats_like(a), "sitofp")
