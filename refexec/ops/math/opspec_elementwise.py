"""Opspecs of elementwise operators of mathematics."""

from collections.abc import Sequence

from refexec.opspec import DIMS, Draw, Out, broadcast, opspec
from refexec.types import ELEMENT_TYPES

ALPHAS = (0.5, 2.0, 0.0, -1.25)

UNARY = {
    "Abs": (1, 6, 13), "Acos": (7, 22), "Acosh": (9, 22), "Asin": (7, 22), "Asinh": (9, 22), "Atan": (7, 22),
    "Atanh": (9, 22), "Ceil": (1, 6, 13), "Cos": (7, 22), "Cosh": (9, 22), "Erf": (9, 13), "Exp": (1, 6, 13),
    "Floor": (1, 6, 13), "HardSwish": (14, 22), "Log": (1, 6, 13), "Mish": (18, 22), "Neg": (1, 6, 13),
    "Reciprocal": (1, 6, 13), "Relu": (1, 6, 13, 14), "Round": (11, 22), "Sigmoid": (1, 6, 13), "Sign": (9, 13),
    "Sin": (7, 22), "Sinh": (9, 22), "Softplus": (1, 22), "Softsign": (1, 22), "Sqrt": (1, 6, 13), "Tan": (7, 22),
    "Tanh": (1, 6, 13),
}  # fmt: skip
SPANS = {
    "Acos": (-1, 1),
    "Acosh": (1, 9),
    "Asin": (-1, 1),
    "Atanh": (-0.9, 0.9),
    "Log": (0.125, 9),
    "Reciprocal": (0.25, 9),
    "Sqrt": (0, 9),
}
"""Where the functions have values; now and then other numbers come too."""


def unary(d: Draw) -> None:
    """y = f(x), of the type and shape of x."""
    span = SPANS.get(d.signature.name)
    x = d.input("T", empty=True, sized=False, span=span if span is not None and d.integer(0, 3) else None)
    d.attr("consumed_inputs", [[0]])
    d.emit([x], Out(x.elem, x.shape))


for _name, _versions in UNARY.items():
    opspec(_name, *_versions)(unary)


WITH_NUMBERS = {
    "Celu": (12, 28), "Elu": (1, 6, 22), "HardSigmoid": (1, 6, 22), "LeakyRelu": (1, 6, 16), "Selu": (1, 6, 22), "Swish": (24,),
    "ThresholdedRelu": (10, 22),
}  # fmt: skip


def with_numbers(d: Draw) -> None:
    """y = f(x; alpha, beta, gamma)."""
    x = d.input("T", empty=True, sized=False)
    for name in ("alpha", "beta", "gamma"):
        d.attr(name, (0.5, 2.0) if d.signature.name == "Celu" else ALPHAS)
    d.attr("consumed_inputs", [[0]])
    d.emit([x], Out(x.elem, x.shape))


for _name, _versions in WITH_NUMBERS.items():
    opspec(_name, *_versions)(with_numbers)


@opspec("Gelu", 20)
def gelu(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    d.attr("approximate", ["none", "tanh"])
    d.emit([x], Out(x.elem, x.shape))


def aligned(d: Draw, a) -> tuple[int, ...]:
    """The shape of the second operand before version 7: that of ``a``, or, with ``broadcast``, a part of it from ``axis`` on."""
    if not d.flag():
        return a.sizes
    d.set("broadcast", 1)
    length = d.integer(0, len(a.sizes))
    if length == 0 or d.flag():
        return a.sizes[len(a.sizes) - length :]
    axis = d.set("axis", d.integer(0, len(a.sizes) - length))
    return a.sizes[axis : axis + length]


def partner(d: Draw, a) -> tuple[int, ...]:
    """A shape that broadcasts with that of ``a``."""
    return beside(d, a.sizes)


def beside(d: Draw, sizes) -> tuple[int, ...]:
    """A shape that broadcasts with this one: axes of size 1, axes left out at the front, or one added there."""
    shape = tuple(n if d.integer(0, 3) < 3 else 1 for n in sizes)
    way = d.integer(0, 5)
    if way == 4:
        return shape[d.integer(0, len(shape)) :]
    return (d.integer(1, 3), *shape) if way == 5 and len(shape) < 4 else shape


ARITHMETIC = {"Add": (1, 6, 7, 13, 14), "Div": (1, 6, 7, 13, 14), "Mul": (1, 6, 7, 13, 14), "Sub": (1, 6, 7, 13, 14)}


def arithmetic(d: Draw) -> None:
    """c = a op b, broadcast; an integer is not divided by 0, nor the lowest one by -1."""
    a = d.input("T", empty=True)
    shape = aligned(d, a) if d.since < 7 else partner(d, a)
    divides = d.signature.name == "Div"
    b = d.tensor(a.elem, shape, (1, 9) if divides and (a.elem.is_integer or d.integer(0, 3)) else None)
    d.attr("consumed_inputs", [[0, 0]])
    pair = (a, b) if d.since < 7 or divides or not d.flag() else (b, a)
    d.emit(pair, Out(a.elem, a.shape if d.since < 7 else broadcast(a.sizes, shape)))


for _name, _versions in ARITHMETIC.items():
    opspec(_name, *_versions)(arithmetic)


@opspec("Pow", 1, 7, 12, 13, 15)
def power(d: Draw) -> None:
    """z = x ** y; an integer base has an exponent that is an integer and not negative."""
    x = d.input("T", span=(0.125, 4) if d.integer(0, 3) else None)
    shape = aligned(d, x) if d.since < 7 else partner(d, x)
    exponent = d.elem("T1", [e for e in ELEMENT_TYPES if e.is_integer or x.elem.is_float]) if d.since >= 12 else x.elem
    y = d.tensor(exponent, shape, (0, 4) if x.elem.is_integer or d.integer(0, 3) else None)
    d.emit([x, y], Out(x.elem, x.shape if d.since < 7 else broadcast(x.sizes, shape)))


@opspec("Mod", 10, 13, 28)
def modulo(d: Draw) -> None:
    """Floats need fmod before version 28, and may be divided by 0 since version 13."""
    a = d.input("T", empty=True)
    shape = partner(d, a)
    spans = [(1, 9), *([] if a.elem.kind == "uint" else [(-9, -1)]), *([None] if a.elem.is_float and d.since > 10 else [])]
    b = d.tensor(a.elem, shape, d.pick(spans))
    if a.elem.is_float and d.since < 28:
        d.set("fmod", 1)
    else:
        d.attr("fmod", [0, 1])
    d.emit([a, b], Out(a.elem, broadcast(a.sizes, shape)))


VARIADIC = {"Max": (1, 6, 8, 12, 13), "Min": (1, 6, 8, 12, 13), "Mean": (1, 6, 8, 13), "Sum": (1, 6, 8, 13)}


def variadic(d: Draw) -> None:
    """One or more operands, of one shape before version 8, broadcast since."""
    x = d.input("T", empty=True)
    operands, shape = [x], x.sizes
    for _ in range(d.integer(0, 3)):
        operands.append(d.tensor(x.elem, beside(d, shape) if d.since >= 8 else shape))
        shape = broadcast(shape, operands[-1].sizes)
    d.attr("consumed_inputs", [[0] * len(operands)])
    d.emit(operands, Out(x.elem, shape))


for _name, _versions in VARIADIC.items():
    opspec(_name, *_versions)(variadic)


@opspec("Clip", 1, 6)
def clip_by_attributes(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    d.attr("min", [-1.5, 0.0])
    d.attr("max", [1.5, 3.0, 0.0])
    d.attr("consumed_inputs", [[0]])
    d.emit([x], Out(x.elem, x.shape))


@opspec("Clip", 11, 12, 13)
def clip_by_inputs(d: Draw) -> None:
    """The lower bound is not above the upper one."""
    x = d.input("T", empty=True, sized=False)
    between = d.pick([1, 0])
    low = d.optional(lambda: d.tensor(x.elem, (), (between - 1, between)))
    high = d.optional(lambda: d.tensor(x.elem, (), (between, d.pick([4, between]))))
    d.emit([x, low, high], Out(x.elem, x.shape))


def fitting(d: Draw, sizes: Sequence[int]) -> tuple[int, ...]:
    """A shape that broadcasts with ``sizes``, where either may be the larger."""
    shape = [d.pick(DIMS if n == 1 else (n, 1)) for n in sizes]
    return (*d.shape(0, 1), *shape) if d.flag() else tuple(shape[d.integer(0, len(shape)) :])


@opspec("Expand", 8, 13)
def expand(d: Draw) -> None:
    x = d.input("T", (0, 3), empty=True)
    shape = fitting(d, x.sizes)
    d.emit([x, d.constant(shape)], Out(x.elem, broadcast(x.sizes, shape)))


@opspec("PRelu", 1, 6, 7, 9, 16)
def prelu(d: Draw) -> None:
    """The slope is unidirectionally broadcast to x; before version 7 it has one number, or one for each channel."""
    x = d.input("T", (2, 4) if d.since < 7 else (0, 4))
    broadcast_to_x = [n if d.flag() else 1 for n in x.sizes][d.integer(0, len(x.sizes)) :]
    slope = d.tensor(x.elem, d.pick([(1,), x.sizes[1:2]]) if d.since < 7 else broadcast_to_x)
    d.attr("consumed_inputs", [[0]])
    d.emit([x, slope], Out(x.elem, x.shape))


@opspec("SwiGLU", 28)
def swiglu(d: Draw) -> None:
    """y = swish(a) * b, of one shape."""
    a = d.input("T", empty=True)
    d.attr("alpha", ALPHAS)
    d.emit([a, d.tensor(a.elem, a.sizes)], Out(a.elem, a.shape))
