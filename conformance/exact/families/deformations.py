"""Col2Im and DeformConv."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import times, total
from conformance.exact.families.placement import Index, built, filled, int64s, vector
from conformance.exact.families.sliding import Axis, Window, axes, inside, quarters, taps
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float, is_integer
from conformance.exact.values import PARTS, Case, Tensor

APART: list[tuple[tuple[int, ...], tuple[int, ...], Window]] = [
    ((2, 3), (2, 3), Window()), ((4, 3), (2, 3), Window(strides=(2, 1))), ((2, 4), (1, 2), Window(strides=(1, 2))),
    ((4, 2), (2, 1), Window(dilations=(2, 1))), ((2, 2), (2, 2), Window(pads=(1, 0, 1, 1), strides=(2, 2))), ((2, 1, 2), (1, 1, 2), Window()),
]  # fmt: skip
"""Image, block and window: each element of the image lies in one block."""

MEETING: list[tuple[tuple[int, ...], tuple[int, ...], Window]] = [
    ((3, 3), (2, 2), Window()), ((2, 2), (2, 2), Window(pads=(0, 1, 1, 0))), ((2, 3), (1, 2), Window(pads=(0, 1, 0, 0))),
    ((3, 4), (2, 2), Window(dilations=(2, 1), strides=(1, 2))), ((5, 2), (1, 1), Window(strides=(2, 1))), ((2, 2, 2), (1, 2, 2), Window(pads=(0, 0, 1, 0, 0, 0))),
]  # fmt: skip
"""Blocks that overlap, or leave elements of the image out."""


def _sum(type: str, values: Sequence[Any]) -> Any:
    """The sum of the elements that meet, part by part of a complex one; of bool and string there is only one."""
    if type in PARTS:
        return tuple(map(total, zip(*values, strict=True)))
    return total(values) if is_float(type) or is_integer(type) else values[0]


def _image(columns: Tensor, image: tuple[int, ...], block: tuple[int, ...], window: Window) -> Tensor:
    """Element k of block b goes to b * stride + k * dilation - begin of its channel; blocks and their elements in lexicographic order."""
    found = axes(window, image, block)
    batch, channels = columns.shape[0], columns.shape[1] // math.prod(block)
    met: dict[Index, list[Any]] = {}
    for n, c in itertools.product(range(batch), range(channels)):
        for index, b in enumerate(itertools.product(*(range(a.length) for a in found))):
            for element, (_, place) in enumerate(taps(found, b)):
                met.setdefault((n, c, *place), []).append(columns[n, c * math.prod(block) + element, index])
    zero = (0, 0) if columns.type in PARTS else Fraction(0)
    return built(columns.type, (batch, channels, *image), lambda i: _sum(columns.type, met.get(i, [zero])))


def _columns(type: str, batch: int, channels: int, image: Sequence[int], block: Sequence[int], window: Window) -> tuple[int, int, int]:
    """The shape of the input: [N, C * product of the block shape, L]."""
    return batch, channels * math.prod(block), math.prod(a.length for a in axes(window, image, block))


def _addends(type: str, shape: Sequence[int]) -> Tensor:
    """Small numbers, for float types with half-way sums among them."""
    if not is_float(type):
        values: list[Any] = [(i * 5) % 7 - 3 * (type[0] == "i") for i in range(math.prod(shape))]
        return Tensor(type, tuple(shape), tuple((Fraction(v, 4), -v) if type in PARTS else v for v in values))
    u, tiny, _, half = marks(type)
    row = [1, u / 2, 1 + u, u / 8, tiny, Fraction(3, 4), -1 - u, half, INF, 2, NAN]
    return Tensor(type, tuple(shape), tuple(row[i % 8 if math.prod(shape) < 16 else i % 11] for i in range(math.prod(shape))))


@oracle("Col2Im", 18)
def col2im(types: Types, since: int) -> list[Case]:
    """Blocks that do not meet only move, of any type; those that do are added up, where a type has a sum (bool and string have none)."""
    type, found = types["T"], []
    for image, block, window in APART + (MEETING if is_float(type) or is_integer(type) or type in PARTS else []):
        for batch, channels in ((1, 1), (2, 1), (1, 2)):
            shape = _columns(type, batch, channels, image, block, window)
            x = filled(type, shape) if (image, block, window) in APART else _addends(type, shape)
            y = _image(x, image, block, window)
            found.append(Case([x, int64s(image), int64s(block)], [y], window.attributes))
    return found


def _interpolated(x: Tensor, n: int, c: int, found: Sequence[Axis], place: Sequence[Fraction]) -> Number:
    """Linear in each axis between the neighbours; 0 in the padding and outside."""
    corners = itertools.product(*((p // 1, p // 1 + 1) for p in place))
    terms = []
    for corner in corners:
        weight = math.prod((1 - abs(p - k) for p, k in zip(place, corner, strict=True)), start=Fraction(1))
        if weight and inside(found, [int(k) for k in corner]):
            terms.append(times(weight, x[(n, c, *map(int, corner))]))
    return total(terms)


def _deformed(
    x: Tensor, w: Tensor, offset: Tensor, bias: Tensor | None, mask: Tensor | None, window: Window, group: int = 1, offset_group: int = 1
) -> Tensor:
    """A convolution whose element k is read at its place + offset[k], times mask[k]; each offset group has offsets and masks of its own.

    The channels of the offset are ordered by offset group, element of the kernel, spatial axis.
    """
    found, rank = axes(window, x.shape[2:], w.shape[2:]), len(x.shape) - 2
    inputs, outputs = w.shape[1], w.shape[0] // group
    elements, share = math.prod(w.shape[2:]), x.shape[1] // offset_group

    def at(i: Index) -> Number:
        n, m, *output = i
        terms = [] if bias is None else [bias[(m,)]]
        for c in range(inputs):
            channel = m // outputs * inputs + c
            for element, (k, place) in enumerate(taps(found, output)):
                number = channel // share * elements + element
                moved = [p + Fraction(offset[(n, number * rank + a, *output)]) for a, p in enumerate(place)]
                factor = w[(m, c, *k)] if mask is None else times(w[(m, c, *k)], mask[(n, number, *output)])
                terms.append(times(_interpolated(x, n, channel, found, moved), factor))
        return total(terms)

    return built(x.type, (x.shape[0], w.shape[0], *(a.length for a in found)), at)


DEFORMED: list[tuple[tuple[int, ...], tuple[int, ...], Window, int, int]] = [
    ((1, 1, 3, 3), (1, 1, 2, 2), Window(), 1, 1), ((1, 1, 3, 3), (1, 1, 2, 1), Window((2, 1), (1, 0, 0, 1)), 1, 1), ((1, 1, 3, 3), (1, 1, 1, 1), Window(), 1, 1),
    ((2, 1, 4, 4), (1, 1, 2, 2), Window(None, (0, 1, 1, 0), (2, 3)), 1, 1), ((1, 1, 4, 4), (2, 1, 2, 2), Window(dilations=(2, 1)), 1, 1),
    ((1, 4, 2, 2), (2, 2, 1, 2), Window(), 2, 1), ((1, 4, 2, 2), (2, 4, 1, 2), Window(), 1, 2), ((1, 4, 2, 2), (4, 2, 2, 1), Window(), 2, 4), ((1, 2, 4), (1, 2, 2), Window(), 1, 1),
]  # fmt: skip
"""Shapes of X and W, window, group, offset_group."""


def _offsets(type: str, shape: Sequence[int], found: Sequence[Axis], kernel: Sequence[int]) -> Tensor:
    """Quarters of a pixel, at most as many as keep the place inside the padded input, or two sizes away, far outside: what holds less than
    a pixel outside is open (known difference deform-conv-beside-the-border)."""
    steps = [Fraction(s, 4) for s in (1, 0, -2, 3, 5, -3, 2, -5)]
    rank, elements = len(found), list(itertools.product(*map(range, kernel)))

    def at(i: Index) -> Fraction:
        number, a = divmod(i[1], rank)
        axis, k = found[a], elements[number % len(elements)][a]
        place = axis.places(i[2 + a])[k]
        step = steps[(sum(i) * 3 + i[1]) % len(steps)]
        moved = place + step
        if -axis.begin <= moved <= axis.size - 1 + axis.end:
            return step
        return Fraction(0) if i[1] % 3 else Fraction(2 * axis.size + 2)

    return built(type, shape, at)


def _deformed_cases(type: str, x: Tensor, w: Tensor, window: Window, group: int, offset_group: int) -> list[Case]:
    """With and without bias and mask; groups of one are not given."""
    found = axes(window, x.shape[2:], w.shape[2:])
    elements, outputs = offset_group * math.prod(w.shape[2:]), [a.length for a in found]
    offset = _offsets(type, (x.shape[0], elements * len(outputs), *outputs), found, w.shape[2:])
    bias = vector(type, [Fraction(3 - 2 * m, 8) for m in range(w.shape[0])])
    mask = built(type, (x.shape[0], elements, *outputs), lambda i: Fraction((sum(i) * 3 + i[1]) % 5, 4))
    attributes = window.attributes | {n: g for n, g in (("group", group), ("offset_group", offset_group)) if g > 1}
    made = []
    for b, given in ((None, None), (bias, None), (None, mask), (bias, mask)):
        inputs = [x, w, offset, *([] if b is given is None else [b]), *([given] if given else [])]
        made.append(Case(inputs, [_deformed(x, w, offset, b, given, window, group, offset_group)], attributes))
    return made


@oracle("DeformConv", 19, 22)
def deform_conv(types: Types, since: int) -> list[Case]:
    """Interpolated numbers with half-way sums; for ``float`` every kind of window, groups, and offsets that leave the input."""
    type = types["T"]
    u, tiny, largest, _ = marks(type)
    x = Tensor(type, (1, 1, 3, 3), (1, 1 + u, tiny, 1 + 2 * u, 1, tiny, 0, largest, -INF))
    offset = Tensor(type, (1, 2, 3, 3), tuple(Fraction(v, 2) for v in (0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0)))
    w, bias = Tensor(type, (1, 1, 1, 1), (1,)), vector(type, [u / 2])
    found = [Case([x, w, offset], [_deformed(x, w, offset, None, None, Window())])]
    found.append(Case([x, w, offset, bias], [_deformed(x, w, offset, bias, None, Window())]))
    if type == "float":
        for x_shape, w_shape, window, group, offset_group in DEFORMED:
            found += _deformed_cases(type, quarters(type, x_shape), quarters(type, w_shape, 5), window, group, offset_group)
    return found
