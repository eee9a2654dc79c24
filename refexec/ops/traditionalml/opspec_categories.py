"""Opspecs of values that are looked up in lists."""

import numpy as np

from refexec.opspec import Draw, Out, opspec
from refexec.types import FLOAT32, INT64, STRING

DOMAIN = "ai.onnx.ml"
TEXTS = ("a", "b", "", "é", "A")
INTEGERS = (1, 0, 3, -1, 7)
FLOATS = (0.125, 1.0, -0.5, 2.0, -1.125)
LISTS = {STRING: ("strings", TEXTS), INT64: ("int64s", INTEGERS), FLOAT32: ("floats", FLOATS)}


def some(d: Draw, values) -> list:
    """Different values in a drawn order."""
    return d.order(d.several(values, 1))


def default(d: Draw, elem) -> None:
    """The default of the results' type, perhaps."""
    name, values = {STRING: ("string", ("none", "")), INT64: ("int64", (9, 0)), FLOAT32: ("float", (0.5, 1.0))}[elem]
    d.attr(f"default_{name}", values)


@opspec("CategoryMapper", 1, domain=DOMAIN)
@opspec("LabelEncoder", 1, domain=DOMAIN)
def mapper(d: Draw) -> None:
    """Strings become integers, integers strings."""
    x = d.input("T1", (1, 2) if d.has("cats_strings") else (0, 4))
    count = d.integer(1, 5)
    if d.has("cats_strings"):
        d.set("cats_int64s", d.order(INTEGERS)[:count])
    d.set("cats_strings" if d.has("cats_strings") else "classes_strings", d.order(TEXTS)[:count])
    to = INT64 if x.elem is STRING else STRING
    default(d, to)
    d.emit([x], Out(to, x.shape))


@opspec("LabelEncoder", 2, 4, domain=DOMAIN)
def label_encoder(d: Draw) -> None:
    """Since version 4 a key may be there twice, and keys and values may be tensors."""
    x = d.input("T1", empty=True, sized=False)
    to = d.elem("T2")
    count = d.integer(1, 4)
    for prefix, elem in (("keys", x.elem), ("values", to)):
        name, values = LISTS.get(elem, (None, FLOATS if elem.is_float else INTEGERS))
        values = d.order(values)[:count]
        if prefix == "keys" and d.since >= 4 and count > 1 and d.flag():
            values[-1] = values[0]
        if name is None or (d.since >= 4 and d.flag()):
            d.set(f"{prefix}_tensor", np.array(values, elem.dtype))
            name = None
        else:
            d.set(f"{prefix}_{name}", values)
    if name is not None:
        default(d, to)
    elif d.flag():
        d.set("default_tensor", np.array([{STRING: "none"}.get(to, 9)], to.dtype))
    d.emit([x], Out(to, x.shape))


@opspec("OneHotEncoder", 1, domain=DOMAIN)
def one_hot_encoder(d: Draw) -> None:
    """Without ``zeros`` all elements are among the categories. Numbers lose their fraction."""
    zeros = d.attr("zeros", [1, 0])
    span = (-9, 9) if zeros else (0, 2)
    elem = d.elem("T")
    if elem is STRING and not zeros:
        cats = some(d, TEXTS)
        shape = d.shape(0, 3)
        x = d.constant(np.array([d.pick(cats) for _ in range(int(np.prod(shape)))]).reshape(shape), STRING)
    else:
        x = d.input("T", (0, 3), among=[elem], span=None if elem is STRING else span)
        cats = some(d, TEXTS if elem is STRING else INTEGERS) if zeros else d.order((0, 1, 2, 5))
    d.set("cats_strings" if elem is STRING else "cats_int64s", cats)
    d.emit([x], Out(FLOAT32, (*x.shape, len(cats))))
