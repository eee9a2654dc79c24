"""MaxPool, GlobalMaxPool, MaxRoiPool and MaxUnpool."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import small
from conformance.exact.families.lines import reduced
from conformance.exact.families.placement import Index, built, int64s
from conformance.exact.families.pools import SHAPES, TAIL, windows
from conformance.exact.families.sliding import Window, axes, inside, quarters, taps
from conformance.exact.formats import INF, INTEGERS
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer
from conformance.exact.values import Case, Tensor


def _number_of(place: Sequence[int], shape: Sequence[int], column_major: bool) -> int:
    """The place of an element when the tensor is flattened, its last axis or its first axis fastest."""
    pairs = list(zip(place, shape, strict=True))
    flat = 0
    for i, n in reversed(pairs) if column_major else pairs:
        flat = flat * n + i
    return flat


def _largest(x: Tensor, window: Window, since: int, column_major: bool = False) -> tuple[Tensor, Tensor]:
    """The largest element of each window, padding left out, and its place in x without the padding."""
    assert window.kernel_shape
    found = axes(window, x.shape[2:], window.kernel_shape, since >= 22)

    shape = (*x.shape[:2], *(a.length for a in found))

    def best(i: Index) -> tuple[int, ...]:
        return max(((*i[:2], *p) for _, p in taps(found, i[2:]) if inside(found, p)), key=lambda p: x[p])

    places = built("int64", shape, lambda i: _number_of(best(i), x.shape, column_major))
    return built(x.type, shape, lambda i: x[best(i)]), places


def _case(x: Tensor, window: Window, since: int, order: int | None = None, indices: bool = True) -> Case:
    y, places = _largest(x, window, since, order == 1)
    attributes = window.attributes | ({} if order is None else {"storage_order": order})
    return Case([x], [y, places] if since >= 8 and indices else [y], attributes)


def _extremes(type: str) -> Tensor:
    """The ends of the type, infinities, neighbours; no two equal numbers in a window of two, nor NaN, of which the text says nothing."""
    if is_integer(type):
        low, top = INTEGERS[type].lowest, INTEGERS[type].largest
        values: list[Any] = [low, low + 1, top, 0, top - 1, low, 1, top]
    else:
        u, tiny, largest, _ = marks(type)
        values = [-INF, -largest, -1, -1 - u, -tiny, 0, tiny, 1, 1 + u, largest, INF, -1]
    return Tensor(type, (1, 1, len(values)), tuple(values))


def _different(type: str, shape: Sequence[int]) -> Tensor:
    """Different numbers in no order; in an unsigned type all are positive."""
    if not is_integer(type):
        return quarters(type, shape)
    lowest = INTEGERS[type].lowest
    return Tensor(type, tuple(shape), tuple((i * 29) % 67 + (lowest and -33) for i in range(math.prod(shape))))


@oracle("MaxPool", 1, 8, 10, 11, 12, 22)
def max_pool(types: Types, since: int) -> list[Case]:
    """The largest number of each window, whatever its sign: padding never wins. From 8 on its place; ``storage_order`` counts columns first."""
    type = types["T"]
    found = [_case(_extremes(type), Window((k,)), since) for k in (1, 2)]
    found += [_case(_different(type, (1, 1, 3, 3)), Window((2, 2), pads), since) for pads in ((1, 1, 0, 0), (0, 1, 1, 1))]
    if types.tested == "T":
        lowest = INTEGERS[type].lowest if is_integer(type) else -INF
        found.append(_case(Tensor(type, (1, 1, 2), (lowest, lowest)), Window((2,), (1, 1)), since, None, False))
    if type != "float":
        return found
    for shape, window in windows(since, 10, 10) + ([TAIL] if since >= 22 else []):
        orders: list[int | None] = [None, 0, 1] if since >= 8 else [None]
        found += [_case(quarters(type, shape), window, since, o) for o in orders if o != 1 or shape[:2] == (1, 1)]
    return found


@oracle("GlobalMaxPool", 1, 22)
def global_max_pool(types: Types, since: int) -> list[Case]:
    """The largest number of each channel."""
    type = types["T"]
    inputs = [_extremes(type), Tensor(type, (1, 2, 2), (-INF, -INF, -3, -2)), *(quarters(type, shape) for shape in SHAPES)]
    return [Case([x], [reduced(x, range(2, len(x.shape)), True, max)]) for x in inputs]


def _peaks(type: str) -> Tensor:
    """Two images of 5 x 5 whose rows and columns 0 and 2 have large numbers: a bin that begins with one of them has it as its largest."""
    height = {0: 3, 2: 4}
    image = [height.get(r, 0) * 4 + height.get(c, 0) for r in range(5) for c in range(5)]
    low = marks(type)[0]
    return Tensor(type, (2, 1, 5, 5), tuple([*image, *(Fraction(v, 4) - 8 + 8 * low for v in image)]))


@oracle("MaxRoiPool", 1, 22)
def max_roi_pool(types: Types, since: int) -> list[Case]:
    """The largest number of each bin of the scaled region.

    Whether a region holds its last row and column is not said: the regions and the images give the same result either way.
    """
    type = types["T"]
    x = _peaks(type)
    found = []
    for scale in (None, Fraction(1, 2), Fraction(1, 4)):
        far = Fraction(3) / (scale or 1)
        rois = Tensor(type, (3, 5), (0, 0, 0, far, far, 1, 0, 0, far, far, 0, 0, 0, far, far))
        for height, width in ((1, 1), (2, 2), (1, 2), (2, 1)):

            def at(i: Index, images: tuple[int, ...] = (0, 1, 0), height: int = height, width: int = width) -> Any:
                rows, columns = _bin(i[2], height), _bin(i[3], width)
                return max(x[images[i[0]], i[1], r, c] for r in rows for c in columns)

            y = built(type, (3, 1, height, width), at)
            found.append(
                Case([x, rois], [y], {"pooled_shape": [height, width]} | ({} if scale is None else {"spatial_scale": float(scale)}))
            )
    return found


def _bin(index: int, count: int) -> range:
    """The positions of a region of 0 to 3 that are in the bin: 0 to 2, or 0 and 1, or from 2 on, which has no larger number than at 2."""
    return range(0, 3) if count == 1 else range(0, 2) if index == 0 else range(2, 3)


def _unpooled(x: Tensor, places: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Each number at its place of the flattened output, zeros elsewhere."""
    put = dict(zip(places, x.values, strict=True))
    return Tensor(x.type, tuple(shape), tuple(put.get(i, Fraction(0)) for i in range(math.prod(shape))))


def _shape_of(x: Tensor, window: Window) -> tuple[int, ...]:
    """stride * (size - 1) + kernel - pads, the size of the input of the pool that is undone."""
    assert window.kernel_shape
    rank = len(x.shape) - 2
    strides, pads = window.strides or (1,) * rank, window.pads or (0,) * (2 * rank)
    rows = zip(x.shape[2:], strides, window.kernel_shape, pads[:rank], pads[rank:], strict=True)
    return (*x.shape[:2], *((size - 1) * stride + kernel - begin - end for size, stride, kernel, begin, end in rows))


UNPOOLINGS: list[tuple[tuple[int, ...], tuple[int, ...], Window, tuple[int, ...] | None]] = [
    ((1, 1, 2, 2), (5, 7, 13, 10), Window((2, 2), strides=(2, 2)), None), ((1, 1, 3), (3, 0, 1), Window((2,)), None),
    ((1, 2, 2), (1, 3, 4, 7), Window((2,), strides=(2,)), None), ((2, 1, 2, 1), (1, 3, 8, 10), Window((2, 3), (0, 0, 0, 1), (1, 1)), None),
    ((1, 1, 2), (0, 2), Window((3,), (1, 0), (2,)), None), ((1, 1, 2), (1, 2), Window((2,), strides=(2,)), (5,)),
    ((1, 1, 2, 2), (5, 7, 13, 10), Window((2, 2), strides=(2, 2)), (4, 4)),
    ((1, 1, 2), (0, 2), Window((2,), strides=(2,)), (3,)), ((1, 1, 2), (0, 4), Window((3,), (1, 1), (2,)), (5,)),
    ((1, 1, 2), (2, 1), Window((3,), (1, 0), (2,)), (3,)),
]  # fmt: skip
"""Shape and places of the input, the pool, and the spatial sizes that are asked for: of rank 1, and places where both readings of the
index (into the shape that is asked for, or into that without asking) agree."""


@oracle("MaxUnpool", 9, 11, 22)
def max_unpool(types: Types, since: int) -> list[Case]:
    """Zeros, and each element of X at its place; places count the whole tensor and no padding; an output shape makes pads not matter."""
    type, found = types["T1"], []
    for shape, places, window, asked in UNPOOLINGS:
        values = list(itertools.islice(itertools.cycle(_extremes(type).values[1:]), len(places)))
        for x in (small(type, shape), Tensor(type, shape, tuple(values))):
            whole = (*shape[:2], *asked) if asked else _shape_of(x, window)
            inputs = [x, Tensor("int64", shape, places), *([int64s(whole)] if asked else [])]
            found.append(Case(inputs, [_unpooled(x, places, whole)], window.attributes))
    return found
