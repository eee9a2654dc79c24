"""Opspecs of optionals."""

from refexec.opspec import Draw, Operand, Out, opspec, out
from refexec.proto_types import type_to_proto
from refexec.types import BOOL, OptionalType, SequenceType, TensorType, ValueType


def kind(d: Draw, variable: str) -> ValueType:
    """A tensor, a sequence, or an optional one, whichever the type variable has."""
    tensor = TensorType(d.elem(variable))
    forms = (tensor, SequenceType(tensor), OptionalType(tensor), OptionalType(SequenceType(tensor)))
    return d.pick([t for t in forms if t in d.signature.variables[variable]])


def known(x: Operand):
    return x.shape if isinstance(x.type, TensorType) else x.items


@opspec("Optional", 15, 28)
def optional(d: Draw) -> None:
    """Of a value, or an empty one of a type."""
    type = kind(d, "V")
    if d.flag():
        d.set("type", type_to_proto(type))
        d.emit([None], Out(OptionalType(type), items=()))
    else:
        x = d.value(type)
        d.emit([x], Out(OptionalType(type), items=(known(x),)))


@opspec("OptionalGetElement", 15, 18, 28)
def get_element(d: Draw) -> None:
    """Of an optional that is not empty; since version 18 a tensor or sequence is handed through."""
    type = kind(d, "O")
    wrapped = isinstance(type, OptionalType)
    x = d.value(type, 1 if wrapped else 0)
    d.emit([x], out(type.elem, x.items[0]) if wrapped else out(type, known(x)))


@opspec("OptionalHasElement", 15, 18, 28)
def has_element(d: Draw) -> None:
    x = d.value(kind(d, "O")) if d.since < 18 or d.integer(0, 5) < 5 else None
    d.emit([x], Out(BOOL))
