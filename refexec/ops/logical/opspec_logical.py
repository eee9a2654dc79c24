"""Opspecs of comparisons and of operators on truth values and bits."""

from refexec.ops.math.opspec_elementwise import aligned, partner
from refexec.opspec import Draw, Out, broadcast, opspec
from refexec.types import BOOL

BINARY = {
    "And": (1, 7), "Or": (1, 7), "Xor": (1, 7), "Equal": (1, 7, 11, 13, 19), "Greater": (1, 7, 9, 13), "Less": (1, 7, 9, 13),
    "GreaterOrEqual": (12, 16), "LessOrEqual": (12, 16), "BitwiseAnd": (18,), "BitwiseOr": (18,), "BitwiseXor": (18,),
}  # fmt: skip


def binary(d: Draw) -> None:
    """c = a op b, broadcast: truth values, or of the bitwise ones the type of a."""
    a = d.input("T", empty=True)
    shape = aligned(d, a) if d.since < 7 else partner(d, a)
    b = d.tensor(a.elem, shape)
    result = a.elem if d.signature.name.startswith("Bitwise") else BOOL
    d.emit([a, b], Out(result, a.shape if d.since < 7 else broadcast(a.sizes, shape)))


for _name, _versions in BINARY.items():
    opspec(_name, *_versions)(binary)


def unary(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    d.emit([x], Out(x.elem, x.shape))


opspec("Not", 1)(unary)
opspec("BitwiseNot", 18)(unary)


@opspec("BitShift", 11, 28)
def bit_shift(d: Draw) -> None:
    """By less than the bits of the type; since version 28 by any number."""
    x = d.input("T", empty=True)
    shape = partner(d, x)
    y = d.tensor(x.elem, shape, (0, x.elem.bits - 1) if d.since < 28 or d.flag() else (-2, x.elem.bits + 1))
    d.attr("direction", ["LEFT", "RIGHT"])
    d.emit([x, y], Out(x.elem, broadcast(x.sizes, shape)))
