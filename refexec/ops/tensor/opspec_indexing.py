"""Opspecs of operators that read or write at positions which a tensor tells."""

import numpy as np

from refexec.ops.tensor.opspec_joining import resized
from refexec.ops.tensor.opspec_shape import NEGATIVE_AXES
from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import INT64


def bounds(d: Draw, size: int) -> tuple[int, int]:
    """Where indices of an axis lie; before version 11 they are not negative."""
    return (-size if d.since >= NEGATIVE_AXES and d.flag() else 0), size - 1


@opspec("Gather", 1, 11, 13)
def gather(d: Draw) -> None:
    data = d.input("T", (1, 4))
    axis = d.axis(len(data.shape), default=0)
    indices = d.tensor(d.elem("Tind"), d.shape(0, 2, empty=True), bounds(d, data.sizes[axis]))
    d.emit([data, indices], Out(data.elem, (*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]), data.span))


def smaller(d: Draw, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that is nowhere larger."""
    return tuple(n - d.integer(0, n - 1) for n in sizes)


@opspec("GatherElements", 11, 13)
def gather_elements(d: Draw) -> None:
    """The indices may be more than the axis has elements."""
    data = d.input("T", (1, 4))
    axis = d.axis(len(data.shape), default=0)
    shape = resized(smaller(d, data.sizes), axis, d.integer(1, 4))
    indices = d.tensor(d.elem("Tind"), shape, bounds(d, data.sizes[axis]))
    d.emit([data, indices], Out(data.elem, shape, data.span))


def reduction(d: Draw, data: Operand) -> str:
    """What happens to elements that several updates mean: the types have what the reduction needs."""
    known = ["none", "add", "mul"] + ["max", "min"] * (d.since >= 18)
    number = data.elem.is_float or data.elem.is_integer
    return str(d.attr("reduction", known if number else known[:3] if data.elem.kind == "complex" else known[:1], "none"))


@opspec("Scatter", 9)
@opspec("ScatterElements", 11, 13, 16, 18)
def scatter_elements(d: Draw) -> None:
    """Without a reduction no element is meant twice: indices differ along the axis."""
    data = d.input("T", (1, 4))
    axis = d.axis(len(data.shape), default=0)
    elem, shape, size = d.elem("Tind"), smaller(d, data.sizes), data.sizes[axis]
    if reduction(d, data) == "none":
        turned = (sum(np.indices(shape)) + d.integer(0, size - 1)) % size
        indices = d.constant(negated(d, turned, size), elem)
    else:
        shape = resized(shape, axis, d.integer(1, 4))
        indices = d.tensor(elem, shape, bounds(d, size))
    d.emit([data, indices, d.tensor(data.elem, shape)], Out(data.elem, data.shape))


def negated(d: Draw, indices: np.ndarray, sizes) -> np.ndarray:
    """Indices of which some count from the end."""
    if d.since < NEGATIVE_AXES or not d.flag():
        return indices
    return np.where((indices + d.integer(0, 1)) % 2 == 1, indices - sizes, indices)


def index_tuples(d: Draw, sizes: tuple[int, ...], shape: tuple[int, ...], distinct: bool) -> np.ndarray:
    """Positions in a tensor of these sizes, in an array of ``shape`` and one axis more, which holds the tuples."""
    places = np.array(list(np.ndindex(sizes)))
    step = 1 if distinct else d.integer(1, 5)
    chosen = places[(d.integer(0, len(places) - 1) + step * np.arange(np.prod(shape, dtype=int))) % len(places)]
    return negated(d, chosen, np.array(sizes)).reshape(*shape, len(sizes))


@opspec("GatherND", 11, 12, 13)
def gather_nd(d: Draw) -> None:
    """Elements or slices at index tuples, after common batch axes."""
    data = d.input("T", (1, 4))
    rank = len(data.shape)
    batch = d.attr("batch_dims", range(rank), 0)
    depth = d.integer(1, rank - batch)
    outer = (*data.sizes[:batch], *d.shape(0, 2))
    indices = index_tuples(d, data.sizes[batch : batch + depth], outer, distinct=False)
    d.emit([data, d.constant(indices)], Out(data.elem, (*outer, *data.shape[batch + depth :]), data.span))


@opspec("ScatterND", 11, 13, 16, 18)
def scatter_nd(d: Draw) -> None:
    """Without a reduction no element or slice is meant twice."""
    data = d.input("T", (1, 4))
    depth = d.integer(1, len(data.shape))
    sizes = data.sizes[:depth]
    distinct = reduction(d, data) == "none"
    most = int(np.prod(sizes)) if distinct else 6
    outer = d.pick([s for s in ((1,), (2,), (), (1, 2), (3,), (2, 2), (0,)) if np.prod(s) <= most])
    indices = index_tuples(d, sizes, outer, distinct)
    d.emit([data, d.constant(indices), d.tensor(data.elem, (*outer, *data.sizes[depth:]))], Out(data.elem, data.shape))


@opspec("TensorScatter", 24)
def tensor_scatter(d: Draw) -> None:
    """In linear mode the update ends inside the cache; in circular mode indices wrap around."""
    cache = d.input("T", (2, 4))
    rank = len(cache.shape)
    axis = d.axis(rank, low=1) if rank > 2 else d.set("axis", d.pick((1, -1))) % rank
    longest = cache.sizes[axis]
    length = d.integer(1, longest)
    mode = d.attr("mode", ["linear", "circular"])
    last = longest - length if mode == "linear" else longest + 1
    starts = d.optional(lambda: d.tensor(INT64, cache.sizes[:1], (0, last)))
    d.emit([cache, d.tensor(cache.elem, resized(cache.sizes, axis, length)), starts], Out(cache.elem, cache.shape))
