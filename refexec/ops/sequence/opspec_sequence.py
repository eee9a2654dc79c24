"""Opspecs of sequences, of which the shapes of all tensors are known."""

from refexec.opspec import DIMS, Draw, Items, Operand, Out, opspec, out
from refexec.types import INT64, SequenceType, TensorType


def sequence(d: Draw, least: int = 0, where=None) -> Operand:
    return d.value(SequenceType(TensorType(d.elem("S"))), least, where)


def same(type: SequenceType, items: Items) -> Out:
    return Out(type, items=tuple(items))


@opspec("SequenceEmpty", 11)
def empty(d: Draw) -> None:
    elem = d.elem("S")
    d.attr("dtype", [elem.number]) if elem.name == "float32" else d.set("dtype", elem.number)
    d.emit([], same(SequenceType(TensorType(elem)), ()))


@opspec("SequenceConstruct", 11)
def construct(d: Draw) -> None:
    first = d.input("T", empty=True)
    tensors = [first, *(d.input("T", among=[first.elem], empty=True) for _ in range(d.integer(0, 3)))]
    d.emit(tensors, same(SequenceType(first.type), (x.shape for x in tensors)))


def position(d: Draw, least: int, most: int) -> tuple[Operand, int]:
    at = d.pick([*range(most + 1), *range(least, 0)])
    return d.constant(at, d.elem("I")), at


@opspec("SequenceAt", 11)
def at(d: Draw) -> None:
    items = sequence(d, 1)
    where, index = position(d, -len(items.items), len(items.items) - 1)
    d.emit([items, where], out(items.type.elem, items.items[index]))


@opspec("SequenceErase", 11)
def erase(d: Draw) -> None:
    items = sequence(d, 1)
    left, where, index = list(items.items), None, -1
    if d.flag():
        where, index = position(d, -len(left), len(left) - 1)
    del left[index]
    d.emit([items, where], same(items.type, left))


@opspec("SequenceInsert", 11)
def insert(d: Draw) -> None:
    items = sequence(d)
    more, where, index = list(items.items), None, len(items.items)
    x = d.input("T", among=[items.type.elem.elem], empty=True)
    if d.flag():
        where, index = position(d, -len(more), len(more))
    more.insert(index, x.shape)
    d.emit([items, x, where], same(items.type, more))


@opspec("SequenceLength", 11)
def length(d: Draw) -> None:
    d.emit([sequence(d)], Out(INT64))


def differing(shapes: Items) -> list[int]:
    """The axes along which shapes of one rank differ."""
    return [a for a, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]


@opspec("ConcatFromSequence", 11)
def concat(d: Draw) -> None:
    """The tensors have one shape but for the axis along which they are joined; stacked, they have one shape."""
    new = d.attr("new_axis", [0, 1])

    def fits(shapes: Items) -> bool:
        return len({len(s) for s in shapes}) == 1 and len(shapes[0]) + new > 0 and len(differing(shapes)) <= 1 - new

    def make() -> Items:
        first, at = d.shape(1 - new, 3), d.integer(0, 2)
        at = min(at, len(first) - 1)
        return tuple(first if new else (*first[:at], d.pick(DIMS), *first[at + 1 :]) for _ in range(d.integer(1, 3)))

    items = d.value(SequenceType(TensorType(d.elem("S"))), 1, fits, make)
    first, rank = items.items[0], len(items.items[0])
    if new:
        at = d.axis(rank + 1)
        shape = (*first[:at], len(items.items), *first[at:])
    else:
        apart = differing(items.items)
        at = apart[0] if apart else d.integer(0, rank - 1)
        d.set("axis", at - rank * d.integer(0, 1))
        shape = (*first[:at], sum(s[at] for s in items.items), *first[at + 1 :])
    d.emit([items], Out(items.type.elem, shape))


@opspec("SplitToSequence", 11, 24)
def split(d: Draw) -> None:
    """Sizes are positive. ``keepdims`` is without effect where sizes are given."""
    x = d.input("T", (1, 4))
    at = d.axis(len(x.shape))
    size, sizes, given = x.sizes[at], [1] * x.sizes[at], None
    keepdims = d.attr("keepdims", [0, 1])
    kind = d.integer(0, 2)
    if kind == 1:
        part = d.integer(1, size + 1)
        given, sizes = d.constant(part, d.elem("I")), [min(part, size - start) for start in range(0, size, part)]
    elif kind == 2:
        ends = [*d.several(range(1, size)), size]
        sizes = [b - a for a, b in zip([0, *ends], ends, strict=False)]
        given = d.constant(sizes, d.elem("I"))
    parts = [(n,) if keepdims or given is not None else () for n in sizes]
    d.emit([x, given], same(SequenceType(x.type), ((*x.shape[:at], *p, *x.shape[at + 1 :]) for p in parts)))


@opspec("SequenceMap", 17)
def map_(d: Draw) -> None:
    """The body gets an item of each sequence, and tensors as they are. Items have one rank; sequences one length, 0 in inputs only."""

    def of_one_rank(shapes: Items) -> bool:
        return len({len(s) for s in shapes}) == 1

    def make(length: int) -> Items:
        first = d.shape(0, 3)
        return (first,) * length if d.flag() else tuple(d.shape(len(first), len(first)) for _ in range(length))

    def more() -> Operand:
        if d.flag():
            return d.input("V")
        return d.value(SequenceType(TensorType(d.elem("V"))), 0, lambda s: len(s) == length and of_one_rank(s), lambda: make(length))

    first = d.value(SequenceType(TensorType(d.elem("S"))), 0, of_one_rank, lambda: make(d.pick([2, 1, 3, 0])))
    length = len(first.items)
    inputs = [first, *(more() for _ in range(d.integer(0, 2)))]
    samples = [Out(x.type, x.shape) if x.items is None else Out(x.type.elem, sample(x.items)) for x in inputs]
    body, results = d.body(samples, [None] * d.integer(1, 2), d.integer(1, 3))
    d.set("body", body)
    d.emit(inputs, *(same(SequenceType(r.type), (r.shape,) * length) for r in results))


def sample(shapes: Items) -> tuple:
    """The shape of each of them, with None where they differ; that of none is anything."""
    return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True))
