"""Opspecs of If, Loop and Scan. Bodies see the values around them."""

from refexec.opspec import Draw, Out, copied, opspec
from refexec.types import BOOL, INT64, TensorType


def tensors(d: Draw) -> list:
    """The element types of tensors that a body may hand through."""
    return [t.elem for t in copied(d) if isinstance(t, TensorType)]


def states(d: Draw, least: int, most: int) -> list:
    """Values that a body changes step by step: tensors, now and then sequences and optionals."""
    others = [t for t in copied(d) if not isinstance(t, TensorType)]
    return [
        d.value(d.pick(others)) if others and d.integer(0, 3) == 3 else d.input("V", (0, 3), among=tensors(d))
        for _ in range(d.integer(least, most))
    ]  # fmt: skip


def as_out(operand) -> Out:
    """What a body gives in place of the operand: of what is no tensor, the type alone."""
    return Out(operand.type, operand.shape)


@opspec("If", 1, 11, 13, 16, 19, 21, 23, 24, 25)
def if_(d: Draw) -> None:
    """Both branches give values of the same types and, before version 11, shapes; since, of other sizes too."""
    cond = d.tensor(BOOL, d.pick([(), (1,)]))
    then_branch, results = d.body([], [None] * d.integer(1, 2), d.integer(1, 3), tensors=False)
    wanted = [Out(r.type, (None,) * len(r.shape) if d.since >= 11 and d.flag() else r.shape) for r in results]
    else_branch, others = d.body([], wanted, d.integer(0, 2))
    d.set("then_branch", then_branch)
    d.set("else_branch", else_branch)
    shapes = [tuple(n if n == m else None for n, m in zip(r.shape, o.shape, strict=True)) for r, o in zip(results, others, strict=True)]
    d.emit([cond], *(Out(r.type, shape) for r, shape in zip(results, shapes, strict=True)))


@opspec("Loop", 1, 11, 13, 16, 19, 21, 23, 24, 25)
def loop(d: Draw) -> None:
    """At most M trips; the body goes on as long as it says so, which it takes from the condition it gets, or finds out.

    After no trip the shape of a scan output is known from what the body declares.
    """
    trips = d.pick([2, 1, 3, 0])
    carried = states(d, d.signature.min_inputs - 2, 2)
    scans = [None] * d.integer(0 if carried else 1, 2)
    condition, decides = d.pick([None, True, True, False]), d.integer(0, 3) == 3
    inputs = [Out(INT64), Out(BOOL), *map(as_out, carried)]
    goes = trips > 0 and condition is not False
    wanted = [Out(BOOL), *map(as_out, carried), *scans]
    body, results = d.body(inputs, wanted, d.integer(1, 3), decides=decides, declares=not goes)
    d.set("body", body)
    count = None if decides and goes else trips * goes
    stacked = [Out(r.type, (count, *r.shape)) for r in results[1 + len(carried) :]]
    d.emit([d.constant(trips), None if condition is None else d.constant(condition, BOOL), *carried], *map(as_out, carried), *stacked)


@opspec("Scan", 9, 11, 16, 19, 21, 23, 24, 25)
def scan(d: Draw) -> None:
    """The body gets slices of the scan inputs along their axes; its scan outputs are put together along axes of their own."""
    length, carried = d.pick([2, 3, 1]), states(d, 0, 2)
    shapes = [d.shape(0, 2) for _ in range(d.integer(1, 2))]
    axes = [d.integer(0, len(s)) for s in shapes]
    scanned = [d.tensor(d.elem("V", tensors(d)), (*s[:a], length, *s[a:])) for s, a in zip(shapes, axes, strict=True)]
    slices = [Out(x.type, s) for x, s in zip(scanned, shapes, strict=True)]
    wanted = [*map(as_out, carried), *[None] * d.integer(0 if carried else 1, 2)]
    body, results = d.body([*map(as_out, carried), *slices], wanted, d.integer(1, 3))
    d.set("body", body)
    d.set("num_scan_inputs", len(scanned))
    if any(axes) or d.flag():
        signs = [d.since >= 11 and d.flag() for _ in axes]
        d.set("scan_input_axes", [a - len(x.shape) if back else a for a, x, back in zip(axes, scanned, signs, strict=True)])
    made = results[len(carried) :]
    d.attr("scan_input_directions", [[d.integer(0, 1) for _ in scanned]])
    d.attr("scan_output_directions", [[d.integer(0, 1) for _ in made]])
    places = [d.integer(0, len(r.shape)) for r in made]
    if any(places) or d.flag():
        signs = [d.since >= 11 and d.flag() for _ in places]
        d.set("scan_output_axes", [p - len(r.shape) - 1 if back else p for p, r, back in zip(places, made, signs, strict=True)])
    stacked = [Out(r.type, (*r.shape[:p], length, *r.shape[p:])) for r, p in zip(made, places, strict=True)]
    d.emit([*carried, *scanned], *map(as_out, carried), *stacked)


@opspec("Scan", 8)
def scan_of_a_batch(d: Draw) -> None:
    """Version 8: the first axis of everything is the batch, the second one of scan inputs the sequence."""
    batch, length = d.pick([1, 2]), d.pick([2, 3, 1])
    inner = [Out(d.elem("V", tensors(d)), d.shape(0, 2)) for _ in range(d.integer(0, 2))]
    slices = [Out(d.elem("V", tensors(d)), d.shape(0, 2)) for _ in range(d.integer(1, 2))]
    body, results = d.body([*inner, *slices], [*inner, *[None] * d.integer(0 if inner else 1, 2)], d.integer(1, 3))
    d.set("body", body)
    d.set("num_scan_inputs", len(slices))
    d.attr("directions", [[d.integer(0, 1) for _ in slices]])
    lengths = d.optional(lambda: d.constant([d.integer(1, length) for _ in range(batch)]))
    carried = [d.tensor(o.type, (batch, *o.shape)) for o in inner]
    scanned = [d.tensor(o.type, (batch, length, *o.shape)) for o in slices]
    stacked = [Out(r.type, (batch, length, *r.shape)) for r in results[len(inner) :]]
    d.emit([lengths, *carried, *scanned], *map(as_out, carried), *stacked)
