"""Opspecs of operators that change or tell the shape and leave the elements as they are."""

from math import prod

from refexec.opspec import Draw, Operand, Out, Shape, opspec
from refexec.types import INT64, ElementType, ValueType

NEGATIVE_AXES = 11
"""From this version on axes may be negative, unless an operator has its own rule."""


def some_axes(d: Draw, rank: int, least: int = 1, negative: bool | None = None) -> list[int]:
    """Distinct axes in any order, some of them counted from the end."""
    signed = d.since >= NEGATIVE_AXES if negative is None else negative
    axes = d.order(d.several(range(rank), least))
    return [a - rank if signed and d.flag() else a for a in axes]


@opspec("Identity", 1, 13)
def identity(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    d.emit([x], Out(x.elem, x.shape, x.span))


@opspec("Identity", 14, 16, 19, 21, 23, 24, 25)
def identity_of_values(d: Draw) -> None:
    """Of a tensor, a sequence or an optional."""
    elem = d.elem("V")
    types = [t for t in d.signature.variables["V"] if elements_of(t) is elem]
    x = d.value(d.pick(sorted(types, key=lambda t: len(str(t)))))
    d.emit([x], Out(x.type, x.shape, x.span, x.items))


def elements_of(type: ValueType) -> ElementType:
    """The element type inside a type."""
    return type if isinstance(type, ElementType) else elements_of(type.elem)


@opspec("Shape", 1, 13, 15, 19, 21, 23, 24, 25)
def shape(d: Draw) -> None:
    """The dimensions from ``start`` to before ``end``, which are clamped."""
    x = d.input("T", empty=True, sized=False)
    rank = len(x.shape)
    start = d.attr("start", range(-rank - 1, rank + 2), 0)
    end = d.attr("end", range(-rank - 1, rank + 2), rank)
    wanted = x.shape[slice(*(min(max(n + rank if n < 0 else n, 0), rank) for n in (start, end)))]
    known = [n for n in wanted if n is not None]
    d.emit([x], Out(INT64, (len(wanted),), (min(known), max(known)) if known and len(known) == len(wanted) else None))


@opspec("Size", 1, 13, 19, 21, 23, 24, 25)
def size(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    d.emit([x], Out(INT64, (), None if None in x.shape else (prod(x.sizes),) * 2))


@opspec("Transpose", 1, 13, 21, 23, 24, 25)
def transpose(d: Draw) -> None:
    x = d.input("T", (0, 5), empty=True, sized=False)
    perm = d.set("perm", d.order(range(len(x.shape)))) if x.shape and d.flag() else range(len(x.shape))[::-1]
    d.emit([x], Out(x.elem, tuple(x.shape[a] for a in perm), x.span))


def regrouped(d: Draw, sizes: tuple[int, ...]) -> list[int]:
    """A shape with as many elements: axes in another order, some of them merged, axes of size 1 added."""
    found: list[int] = []
    for n in d.order(sizes):
        if found and d.flag():
            found[-1] *= n
        else:
            found.append(n)
    if d.flag():
        found.insert(d.integer(0, len(found)), 1)
    return found


@opspec("Reshape", 1, 5, 13, 14, 19, 21, 23, 24, 25)
def reshape(d: Draw) -> None:
    """One dimension may be -1; 0 copies a dimension, or with ``allowzero`` is one of size 0."""
    x = d.input("T", empty=True)
    empty = 0 in x.sizes
    literal = d.attr("allowzero", [1, 0], 0)
    wanted = [*x.sizes, *[1] * d.integer(0, 1)] if empty and not literal else regrouped(d, x.sizes)
    written = list(wanted)
    if not literal:
        written = [0 if n == m and d.integer(0, 3) == 3 else n for n, m in zip(wanted, x.sizes, strict=False)] + wanted[len(x.sizes) :]
    if wanted and not empty and d.flag():
        written[d.integer(0, len(wanted) - 1)] = -1
    result = Out(x.elem, tuple(wanted), x.span)
    if d.has("shape"):
        d.set("shape", written)
        d.attr("consumed_inputs", [[0]])
        d.emit([x], result)
    else:
        d.emit([x, d.constant(written)], result)


def with_axes(d: Draw, x: Operand, axes: list[int] | None, result: Shape) -> None:
    """A node whose axes are an attribute before version 13, an input since."""
    if d.has("axes") and axes is not None:
        d.set("axes", axes)
    given = axes is not None and not d.has("axes")
    d.emit([x, d.constant(axes) if given else None], Out(x.elem, result, x.span))


@opspec("Squeeze", 1, 11, 13, 21, 23, 24, 25)
def squeeze(d: Draw) -> None:
    """Axes of size 1 are left out: the given ones, or all; in ascending order before version 11, whose inference needs that."""
    x = d.input("T", empty=True)
    single = [a for a, n in enumerate(x.sizes) if n == 1]
    if not single or not d.flag():
        with_axes(d, x, None, tuple(n for n in x.sizes if n != 1))
        return
    rank = len(x.sizes)
    axes = [single[i] for i in some_axes(d, len(single), negative=False)]
    written = [a - rank if d.flag() else a for a in axes] if d.since >= NEGATIVE_AXES else sorted(axes)
    with_axes(d, x, written, tuple(n for a, n in enumerate(x.sizes) if a not in axes))


@opspec("Unsqueeze", 1, 11, 13, 21, 23, 24, 25)
def unsqueeze(d: Draw) -> None:
    """Axes of size 1 are inserted, at these positions of the result; before version 11 in ascending order."""
    x = d.input("T", (0, 3), empty=True, sized=False)
    rank = len(x.shape) + d.integer(1, 2)
    places = d.order(range(rank))[: rank - len(x.shape)]
    axes = [a - rank if d.flag() else a for a in places] if d.since >= NEGATIVE_AXES else sorted(places)
    left = iter(x.shape)
    with_axes(d, x, axes, tuple(1 if a in places else next(left) for a in range(rank)))
