"""Opspecs of reductions along axes."""

import numpy as np

from refexec.opspec import Draw, Operand, Out, elements, opspec
from refexec.types import ELEMENT_TYPES, INT64

FLOATS = [e for e in ELEMENT_TYPES if e.is_float]
REDUCTIONS = {
    "ReduceL1": (1, 11, 13, 18), "ReduceL2": (1, 11, 13, 18), "ReduceLogSum": (1, 11, 13, 18, 28),
    "ReduceLogSumExp": (1, 11, 13, 18, 28), "ReduceMax": (1, 11, 12, 13, 18, 20), "ReduceMean": (1, 11, 13, 18),
    "ReduceMin": (1, 11, 12, 13, 18, 20), "ReduceProd": (1, 11, 13, 18), "ReduceSum": (1, 11, 13),
    "ReduceSumSquare": (1, 11, 13, 18),
}  # fmt: skip
SPANS = {"ReduceL2": (-9, 9), "ReduceLogSum": (1, 9), "ReduceLogSumExp": (0, 9)}
"""Where the results fit in the integer types."""
NEAR_POWERS_OF_E = (8886110, 8886111, 2, 1, 24154952, 24154953, 3, 7)
"""Integers whose logarithms are next to 16, 1 and 17: a float32 does not tell on which side."""
NEAR_E = (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11)
"""The sum of exp(-n) is e, but for less than a float32 tells of 690 + 1."""


def data(d: Draw) -> Operand:
    """What is reduced: no empty mean, no logarithm of an empty sum of integers; version 12 does not speak of empty extremes."""
    name = d.signature.name
    span = SPANS.get(name)
    floats = span is not None and d.flag()
    integers = [e for e in elements(d.signature, "T") if e.is_integer]
    if name.startswith("ReduceLog") and integers and not floats and d.integer(0, 3) == 3:
        if name == "ReduceLogSumExp":
            return d.constant(690 - np.array(NEAR_E).reshape(d.pick([(-1,), (-1, 1), (1, -1)])), d.elem("T", integers))
        values = np.roll(NEAR_POWERS_OF_E, -d.integer(0, len(NEAR_POWERS_OF_E) - 1))
        return d.constant(np.resize(values, d.shape()), d.elem("T", integers))
    empty = floats or not (name.startswith("ReduceLog") or name == "ReduceMean" or d.since == 12)
    return d.input("T", among=FLOATS if floats else None, empty=empty, sized=not empty, span=None if floats and d.flag() else span)


def reduction(d: Draw) -> None:
    x = data(d)
    rank = len(x.shape)
    axes = d.order(d.several(range(rank), 1)) if rank and d.flag() else []
    written = [a - rank if d.since >= 11 and d.flag() else a for a in axes]
    if axes and d.has("axes"):
        d.set("axes", written)
    given = d.constant(written) if not d.has("axes") and (axes or d.flag()) else None
    reduced = axes or ([] if d.attr("noop_with_empty_axes", [0, 1], 0) else range(rank))
    kept = d.attr("keepdims", [0, 1])
    shape = tuple(1 if a in reduced else n for a, n in enumerate(x.shape) if kept or a not in reduced)
    d.emit([x, given], Out(x.elem, shape))


for _name, _versions in REDUCTIONS.items():
    opspec(_name, *_versions)(reduction)


@opspec("ArgMax", 1, 11, 12, 13)
@opspec("ArgMin", 1, 11, 12, 13)
def position(d: Draw) -> None:
    """The first of the extreme elements along an axis, or the last."""
    x = d.input("T", (1, 4))
    axis = d.axis(len(x.shape), negative=d.since >= 11)
    kept = d.attr("keepdims", [0, 1])
    d.attr("select_last_index", [0, 1])
    shape = (*x.sizes[:axis], *([1] if kept else []), *x.sizes[axis + 1 :])
    d.emit([x], Out(INT64, shape, (0, x.sizes[axis] - 1)))
