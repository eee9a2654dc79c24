"""Opspecs of layers without weights."""

from math import prod

import numpy as np

from refexec.opspec import Draw, Out, opspec
from refexec.types import BOOL


@opspec("Dropout", 1, 6, 7, 10)
def dropout_by_attributes(d: Draw) -> None:
    """Outside training there is no mask before version 7."""
    x = d.input("T", empty=True, sized=False)
    d.attr("consumed_inputs", [[0]])
    d.attr("ratio", [0.25, 0.0])
    masked = not d.attr("is_test", [1, 0], 0) and d.flag()
    d.emit([x], Out(x.elem, x.shape), Out(x.elem if d.since < 10 else BOOL, x.shape) if masked else None)


@opspec("Dropout", 12, 13, 22)
def dropout_by_inputs(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    ratio = d.optional(lambda: d.constant(np.array(d.pick([0.5, 0.0, 0.25])), d.elem("T1")))
    training = d.optional(lambda: d.constant(np.array(d.flag()), BOOL))
    d.attr("seed", [0, 7])
    d.emit([x, ratio, training], Out(x.elem, x.shape), Out(BOOL, x.shape) if d.flag() else None)


@opspec("Flatten", 1, 9, 11, 13, 21, 23, 24, 25)
def flatten(d: Draw) -> None:
    x = d.input("T", empty=True)
    axis = d.axis(len(x.sizes), negative=d.since >= 11, beyond=True)
    d.emit([x], Out(x.elem, (prod(x.sizes[:axis]), prod(x.sizes[axis:])), x.span))


@opspec("Shrink", 9)
def shrink(d: Draw) -> None:
    """Of integers nothing overflows."""
    x = d.input("T", empty=True, sized=False)
    d.attr("bias", [1.0, 1.5] if x.elem.is_integer else [0.5, -1.25])
    d.attr("lambd", [1.0, 2.0] if x.elem.is_integer else [1.0, 0.0])
    d.emit([x], Out(x.elem, x.shape))
