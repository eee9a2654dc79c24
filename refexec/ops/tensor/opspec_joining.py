"""Opspecs of operators that join, split, repeat and rearrange tensors."""

from refexec.ops.tensor.opspec_shape import NEGATIVE_AXES, some_axes
from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import INT64


def resized(shape, axis: int, size: int | None):
    """A shape with another size at ``axis``."""
    return (*shape[:axis], size, *shape[axis + 1 :])


@opspec("Concat", 1, 4, 11, 13)
def concat(d: Draw) -> None:
    """One to four tensors that differ in the size of the axis; before version 4 the axis is 1 unless given."""
    first = d.input("T", (1, 4), empty=True)
    axis = d.axis(len(first.shape), default=1, negative=d.since >= NEGATIVE_AXES)
    rest = [d.tensor(first.elem, resized(first.sizes, axis, d.pick((first.sizes[axis], 1, 2, 3, 0)))) for _ in range(d.integer(0, 3))]
    d.emit([first, *rest], Out(first.elem, resized(first.sizes, axis, sum(o.sizes[axis] for o in (first, *rest)))))


def parts(d: Draw, size: int, least: int) -> list[int]:
    """Up to four sizes that add up to ``size``, none below ``least``."""
    found: list[int] = []
    for _ in range(d.integer(0, 3)):
        spare = size - sum(found) - least
        if spare >= least:
            found.append(d.integer(least, spare))
    return [*found, size - sum(found)]


def equal_parts(d: Draw, size: int, rest: bool) -> list[int]:
    """Up to four equal sizes that add up to ``size``; with ``rest`` the last may be smaller, but is not empty."""
    count = d.pick([k for k in range(1, 5) if size % k == 0 or (rest and (k - 1) * -(-size // k) < size)])
    part = -(-size // count)
    return [part] * (count - 1) + [size - part * (count - 1)]


@opspec("Split", 1, 2, 11, 13, 18)
def split(d: Draw) -> None:
    """Parts of given sizes, or equal ones; in version 1 the sizes are an input or an attribute."""
    x = d.input(d.signature.inputs[0].type_str, (1, 4), empty=True)
    axis = d.axis(len(x.shape), default=0, negative=d.since >= NEGATIVE_AXES)
    size = x.sizes[axis]
    sizes = None
    if d.flag():
        found = parts(d, size, 0 if d.since >= 11 else 1)
        if d.since >= 13 or (d.since == 1 and d.flag()):
            sizes = d.constant(found, x.elem) if d.since == 1 else d.constant(found)
        else:
            d.set("split", found)
    else:
        found = equal_parts(d, size, d.since >= 18)
        if d.has("num_outputs"):
            d.set("num_outputs", len(found))
    d.emit([x, sizes], *(Out(x.elem, resized(x.sizes, axis, n)) for n in found))


@opspec("Tile", 1)
def tile_one_axis(d: Draw) -> None:
    """The number of copies and the axis are of the type of the data."""
    x = d.input("T", (1, 4), empty=True)
    axis, count = d.integer(0, len(x.shape) - 1), d.integer(1, 3)
    result = resized(x.sizes, axis, x.sizes[axis] * count)
    d.emit([x, d.constant(float(count), x.elem), d.constant(float(axis), x.elem)], Out(x.elem, result))


@opspec("Tile", 6, 13)
def tile(d: Draw) -> None:
    x = d.input("T", empty=True)
    repeats = [d.pick((1, 2, 3, 1, 0)) for _ in x.sizes]
    d.emit([x, d.constant(repeats)], Out(x.elem, tuple(n * r for n, r in zip(x.sizes, repeats, strict=True))))


def blocks(d: Draw) -> tuple[int, Operand, list[int]]:
    """The size of a block, the input, and (N, C, H, W): the fewer channels, the smaller image."""
    b = d.set("blocksize", d.integer(1, 3))
    d.attr("mode", ["DCR", "CRD"])
    shape = [d.integer(1, 2), d.integer(1, 3), d.integer(1, 3), d.integer(1, 3)]
    N, C, H, W = shape
    deep = d.signature.name == "DepthToSpace"
    x = d.tensor(d.elem("T"), (N, C * b * b, H, W) if deep else (N, C, H * b, W * b))
    return b, x, shape


@opspec("DepthToSpace", 1, 11, 13, 28)
def depth_to_space(d: Draw) -> None:
    b, x, (N, C, H, W) = blocks(d)
    d.emit([x], Out(x.elem, (N, C, H * b, W * b)))


@opspec("SpaceToDepth", 1, 13, 28)
def space_to_depth(d: Draw) -> None:
    b, x, (N, C, H, W) = blocks(d)
    d.emit([x], Out(x.elem, (N, C * b * b, H, W)))


@opspec("ReverseSequence", 10, 28)
def reverse_sequence(d: Draw) -> None:
    """Batch and time are the first two axes, in either order."""
    x = d.input("T", (2, 4))
    batch = d.attr("batch_axis", [0, 1], 1)
    if batch == 0 or d.flag():
        d.set("time_axis", 1 - batch)
    lengths = d.tensor(INT64, (x.sizes[batch],), (0, x.sizes[1 - batch]))
    d.emit([x, lengths], Out(x.elem, x.shape))


@opspec("CenterCropPad", 18)
def center_crop_pad(d: Draw) -> None:
    """The middle, or zeros around it."""
    x = d.input("T")
    rank = len(x.shape)
    axes = d.set("axes", some_axes(d, rank)) if rank and d.flag() else range(rank)
    result = list(x.sizes)
    for a in axes:
        result[a] = d.integer(1, 6)
    d.emit([x, d.constant([result[a] for a in axes], d.elem("Tind"))], Out(x.elem, tuple(result)))
