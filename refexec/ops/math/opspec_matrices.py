"""Opspecs of matrix products and determinants."""

from collections.abc import Sequence

from refexec.ops.math.opspec_elementwise import ALPHAS, fitting
from refexec.opspec import DIMS, Draw, Operand, Out, broadcast, opspec
from refexec.types import INT32, ElementType, element_type

Sizes = tuple[int, ...]
EIGHT_BIT_FLOATS = ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz")


def right_operand(d: Draw, left: Sequence[int]) -> Sizes:
    """A shape of matrices or of a vector that ``left`` multiplies."""
    return left[-1:] if d.integer(0, 3) == 3 else (*fitting(d, left[:-2]), left[-1], d.pick(DIMS))


def product(left: Sizes, right: Sizes) -> Sizes:
    return (*broadcast(left[:-2], right[:-2]), *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))


@opspec("MatMul", 1, 9, 13)
def matmul(d: Draw) -> None:
    a = d.input("T", (1, 4), empty=True)
    b = d.tensor(a.elem, right_operand(d, a.sizes))
    d.emit([a, b], Out(a.elem, product(a.sizes, b.sizes)))


@opspec("Gemm", 1, 6, 7, 9, 11, 13)
def gemm(d: Draw) -> None:
    """Y = alpha * A' @ B' + beta * C; the factors of integers are whole."""
    a = d.input("T", (2, 2), empty=True)
    m, k = reversed(a.sizes) if d.attr("transA", [0, 1]) else a.sizes
    n = d.pick(DIMS)
    b = d.tensor(a.elem, (n, k) if d.attr("transB", [0, 1]) else (k, n))
    c = d.tensor(a.elem, addend(d, m, n)) if d.since < 11 or d.flag() else None
    for name in ("alpha", "beta"):
        d.attr(name, ALPHAS if a.elem.is_float else (2.0, 0.0, 3.0, *[-1.0] * (a.elem.kind == "int")))
    d.emit([a, b, c], Out(a.elem, (m, n)))


def addend(d: Draw, m: int, n: int) -> Sizes:
    """The shape of C: before version 7 that of the product, or, with ``broadcast``, one that the older broadcasting has too."""
    if d.since >= 7:
        return tuple(d.pick((size, 1)) for size in (m, n))[d.integer(0, 2) :]
    return d.pick([(m, n), (n,), (1,)]) if d.attr("broadcast", [0, 1]) else (m, n)


def per_row(d: Draw, shape: Sizes) -> Sizes:
    """The shape of a scale or zero point of the matrices on the left."""
    return d.pick([(), shape[:1] if len(shape) == 2 else (*shape[:-1], 1)]) if len(shape) > 1 else ()


def per_column(d: Draw, shape: Sizes) -> Sizes:
    """The shape of a scale or zero point of the matrices on the right."""
    return d.pick([(), shape[1:] if len(shape) == 2 else (*shape[:-2], 1, shape[-1])]) if len(shape) > 1 else ()


@opspec("MatMulInteger", 10)
def matmul_integer(d: Draw) -> None:
    a = d.input("T1", (1, 4), empty=True)
    b = d.tensor(d.elem("T2"), right_operand(d, a.sizes))
    a_zero = d.optional(lambda: d.tensor(a.elem, per_row(d, a.sizes)))
    b_zero = d.optional(lambda: d.tensor(b.elem, per_column(d, b.sizes)))
    d.emit([a, b, a_zero, b_zero], Out(INT32, product(a.sizes, b.sizes)))


@opspec("QLinearMatMul", 10, 21)
def qlinear_matmul(d: Draw) -> None:
    """Of integers or of float8 types, whose zero points are 0."""
    scale_type = d.elem("TS") if d.since >= 21 else element_type("float32")
    a = d.input("T1", (1, 4), empty=True)
    alike = [element_type(n) for n in (EIGHT_BIT_FLOATS if a.elem.is_float else ("uint8", "int8"))]
    b = d.tensor(d.elem("T2", alike), right_operand(d, a.sizes))
    y_elem = d.elem("T3", alike)

    def level(elem: ElementType, shape: Sizes) -> list[Operand]:
        return [d.tensor(scale_type, shape, (0.125, 2)), d.tensor(elem, shape, (0, 0) if elem.is_float else None)]

    operands = [a, *level(a.elem, per_row(d, a.sizes)), b, *level(b.elem, per_column(d, b.sizes)), *level(y_elem, ())]
    d.emit(operands, Out(y_elem, product(a.sizes, b.sizes)))


@opspec("Det", 11, 22)
def determinant(d: Draw) -> None:
    batch, size = d.shape(0, 2, empty=True), d.pick(DIMS)
    x = d.tensor(d.elem("T"), (*batch, size, size))
    d.emit([x], Out(x.elem, batch))
