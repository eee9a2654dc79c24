"""Opspecs of operators that work along one axis: softmax and its kin, cumulative sums and products, TopK."""

from refexec.opspec import Draw, Out, opspec
from refexec.types import INT64


@opspec("Softmax", 1, 11, 13)
@opspec("LogSoftmax", 1, 11, 13)
@opspec("Hardmax", 1, 11, 13)
def softmax(d: Draw) -> None:
    """Before version 13 over all axes from ``axis`` on."""
    x = d.input("T", (1, 4), empty=True, sized=False)
    d.axis(len(x.shape), negative=d.since >= 11)
    d.emit([x], Out(x.elem, x.shape))


@opspec("CumSum", 11, 14)
@opspec("CumProd", 26)
def cumulative(d: Draw) -> None:
    x = d.input("T", (1, 4), empty=True, sized=False)
    rank = len(x.shape)
    axis = d.constant(d.pick([*range(rank), *range(-rank, 0)]), d.elem("T2"))
    d.attr("exclusive", [0, 1])
    d.attr("reverse", [0, 1])
    d.emit([x, axis], Out(x.elem, x.shape))


@opspec("TopK", 1, 10, 11, 24)
def top_k(d: Draw) -> None:
    """One element or more; without ``sorted`` the order is open, so that one only."""
    x = d.input("T", (1, 4))
    axis = d.axis(len(x.shape), negative=d.since >= 11)
    k = d.integer(1, x.sizes[axis])
    if d.has("k"):
        d.set("k", k)
    d.attr("largest", [0, 1])
    d.attr("sorted", [1, 0] if k == 1 else [1])
    shape = (*x.sizes[:axis], k, *x.sizes[axis + 1 :])
    d.emit([x, None if d.has("k") else d.constant([k])], Out(x.elem, shape, x.span), Out(INT64, shape, (0, x.sizes[axis] - 1)))
