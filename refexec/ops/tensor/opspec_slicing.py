"""Opspecs of operators that cut parts out of a tensor or put something around it."""

import numpy as np

from refexec.ops.tensor.opspec_shape import NEGATIVE_AXES, some_axes
from refexec.opspec import Draw, Out, opspec
from refexec.types import INT32, INT64


def slice_of(d: Draw, size: int, step: int, largest: int) -> tuple[int, int]:
    """A start and an end; either may lie beyond the axis where the version says what that means."""
    if step > 0:
        start, end = d.pick([*range(size + 2), *range(-size, 0)]), d.pick([largest, size, *range(-size, size), size + 1])
    else:
        lowest = [-largest, -size - 1] if d.since >= NEGATIVE_AXES else []
        start, end = d.pick([size - 1, *range(-size, size)]), d.pick([*lowest, *range(-size, size)])
    return start, end


@opspec("Slice", 1, 10, 11, 13)
def slice_(d: Draw) -> None:
    """On each of some axes from start to before end; starts, ends and axes are attributes before version 10."""
    x = d.input("T", (1, 4))
    rank = len(x.shape)
    elem = d.elem("Tind") if d.since >= 10 else INT64
    largest = int(np.iinfo(elem.dtype).max)
    axes = some_axes(d, rank) if d.flag() else None
    over = range(rank) if axes is None else axes
    steps = [d.pick((1, 2, -1, 3, -2)) for _ in over] if d.since >= 10 and d.flag() else None
    result, limits = list(x.sizes), []
    for i, a in enumerate(over):
        step = steps[i] if steps else 1
        start, end = slice_of(d, x.sizes[a], step, largest)
        limits.append((start, end))
        result[a] = len(range(x.sizes[a])[slice(start, end, step)])
    starts, ends = map(list, zip(*limits, strict=True))
    out = Out(x.elem, tuple(result), x.span)
    if d.since < 10:
        d.set("starts", starts)
        d.set("ends", ends)
        if axes is not None:
            d.set("axes", axes)
        d.emit([x], out)
    else:
        d.emit([x, *(None if n is None else d.constant(n, elem) for n in (starts, ends, axes, steps))], out)


def widths(d: Draw, size: int, mode: str) -> tuple[int, int]:
    """How many elements are added before and after an axis, or removed; no element that is repeated is removed."""
    most = {"constant": 3, "edge": 3, "reflect": size - 1, "wrap": size + 1}[mode]
    removed = (size - 1) // 2 if d.since >= 2 and d.integer(0, 3) == 3 else 0
    if removed <= 0:
        return d.integer(0, min(most, 3)), d.integer(0, min(most, 3))
    begin, end = -d.integer(0, removed), -d.integer(0, removed)
    if mode in ("constant", "edge") and d.flag():
        end = d.integer(0, 3)
    return begin, end


@opspec("Pad", 1, 2, 11, 13, 18, 19, 21, 23, 24, 25)
def pad(d: Draw) -> None:
    """Numbers of elements before and after each axis, in attributes before version 11; some axes only, since version 18."""
    mode = d.attr("mode", ["constant", "reflect", "edge", "wrap"][: 4 if d.since >= 19 else 3])
    x = d.input("T", (0, 4), empty=mode == "constant")
    rank = len(x.shape)
    axes = some_axes(d, rank) if d.since >= 18 and rank and d.flag() else None
    over = range(rank) if axes is None else axes
    pads = [widths(d, x.sizes[a], mode) for a in over]
    result = list(x.sizes)
    for a, (begin, end) in zip(over, pads, strict=True):
        result[a] += begin + end
    written = [begin for begin, _ in pads] + [end for _, end in pads]
    out = Out(x.elem, tuple(result))
    if d.since < 11:
        d.set("paddings" if d.since == 1 else "pads", written)
        d.attr("value", [1.5, -2.0])
        d.emit([x], out)
    else:
        value = d.tensor(x.elem, ()) if d.flag() or x.elem.name == "float8e8m0" else None  # which has no 0
        places = None
        if axes is not None:
            elem = d.elem("Tind")
            places = d.given(axes, elem) if elem is INT32 else d.constant(axes)  # onnx's inference reads those it knows as int64
        d.emit([x, d.constant(written), value, places], out)
