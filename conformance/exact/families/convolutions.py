"""Conv and ConvTranspose."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import matrix, reshaped, times, total, transposed
from conformance.exact.families.placement import Index, built, vector
from conformance.exact.families.sliding import Axis, Window, axes, inside, quarters, taps
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

PLAIN = Window()


@dataclass(frozen=True)
class Form:
    """Shapes of X and W, where the windows lie, and the number of groups; None is not given."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    window: Window = PLAIN
    group: int | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return {**self.window.attributes, "group": self.group}


def convolved(x: Tensor, w: Tensor, window: Window, group: int = 1, bias: Tensor | None = None, type: str | None = None) -> Tensor:
    """y[n, m, o] = sum over c and k of x[n, c, o * stride + k * dilation - begin] * w[m, c, k], and the bias of m."""
    found = axes(window, x.shape[2:], w.shape[2:])
    inputs, outputs = w.shape[1], w.shape[0] // group

    def at(i: Index) -> Number:
        first = i[1] // outputs * inputs
        met = [(k, p) for k, p in taps(found, i[2:]) if inside(found, p)]
        products = [times(x[(i[0], first + c, *p)], w[(i[1], c, *k)]) for c in range(inputs) for k, p in met]
        return total(products + ([bias[i[1:2]]] if bias else []))

    return built(type or x.type, (x.shape[0], w.shape[0], *(a.length for a in found)), at)


def rows(type: str) -> tuple[Tensor, Tensor]:
    """Two matrices, one of them transposed: half-way sums, some that a small product decides, overflow, infinities, NaN."""
    u, tiny, largest, _ = marks(type)
    one = Fraction(1)
    left: list[list[Number]] = [
        [one, u / 2, 0], [1 + u, u / 2, 0], [one, u / 2, u / 8], [tiny, tiny, tiny], [largest, 0, 0], [INF, 1, 1], [NAN, 1, 1], [-INF, INF, 1],
    ]  # fmt: skip
    left += [] if type == "double" else [[one, -1 - u, u / 4]]  # the first product and the second one leave little
    right: list[list[Number]] = [[1, 1, 1], [1 + u, 1, -1], [2, 1, 1], [Fraction(1, 2), 1, 1]]
    return matrix(type, left), transposed(matrix(type, right))


FORMS = [
    Form((1, 1, 3, 4), (1, 1, 2, 2)), Form((1, 1, 3, 3), (2, 1, 2, 2), Window((2, 2), (1, 1, 0, 0))), Form((2, 2, 3), (3, 2, 2), Window(pads=(0, 2))),
    Form((1, 1, 4, 5), (1, 1, 2, 2), Window(strides=(2, 3))), Form((1, 1, 4, 4), (1, 1, 2, 2), Window(dilations=(2, 1))),
    Form((1, 4, 3), (6, 2, 2), group=2), Form((1, 3, 2, 2), (6, 1, 1, 2), group=3), Form((1, 1, 7), (1, 1, 3), Window((3,), (2, 1), (2,), (2,))),
    Form((1, 2, 2, 2, 2), (1, 2, 1, 2, 2)), Form((1, 1, 4, 3), (1, 1, 3, 2), Window(auto_pad="SAME_UPPER")),
    Form((1, 1, 4, 3), (1, 1, 3, 2), Window(auto_pad="SAME_LOWER")), Form((1, 1, 5), (1, 1, 2), Window(dilations=(3,), auto_pad="SAME_LOWER")),
    Form((1, 1, 5), (1, 1, 2), Window(strides=(2,), auto_pad="VALID")), Form((1, 1, 3), (1, 1, 2), Window(pads=(2, 0), auto_pad="NOTSET")),
]  # fmt: skip
STRIDED = [Form((1, 1, 5), (1, 1, 2), Window(strides=(2,), auto_pad=pad)) for pad in ("SAME_UPPER", "SAME_LOWER")]
"""Version 1 wants an output of the size of the input, which a stride does not give."""


def _bias(type: str, count: int) -> Tensor:
    return vector(type, [Fraction(3 - 2 * i, 8) for i in range(count)])


@oracle("Conv", 1, 11, 22)
def conv(types: Types, since: int) -> list[Case]:
    """Dot products of three terms, one rounding for sum and bias; for ``float`` every kind of window and groups."""
    type = types["T"]
    left, right = rows(type)
    x, w = reshaped(left, (1, 1, len(left.values))), reshaped(transposed(right), (right.shape[1], 1, 3))
    line = Window(strides=(3,))
    u = marks(type)[0]
    bias = vector(type, [0, u / 4, -1, u])
    found = [Case([x, w, b], [convolved(x, w, line, 1, b)], line.attributes) for b in (None, bias)]
    if type != "float":
        return found
    for form in FORMS + STRIDED * (since >= 11):
        x, w = quarters(type, form.x), quarters(type, form.w, 5)
        for b in (None, _bias(type, form.w[0])):
            y = convolved(x, w, form.window, form.group or 1, b)
            found.append(Case([x, w, b], [y], form.attributes))
    return found


@dataclass(frozen=True)
class Spread:
    """What only a transposed convolution has: elements added at the end, and the spatial output shape that is asked for."""

    output_padding: Sequence[int] | None = None
    output_shape: Sequence[int] | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return vars(self)


def _spread_axes(form: Form, spread: Spread, since: int) -> list[Axis]:
    """length = stride * (size - 1) + output_padding + (kernel - 1) * dilation + 1 - begin - end.

    With a length that is asked for, or size * stride of SAME_*, the padding follows. An odd one has its larger half at the beginning,
    with SAME_UPPER at the end; at version 1 the equations have it the other way round.
    """
    window, rank, found = form.window, len(form.x) - 2, []
    for a, (size, kernel) in enumerate(zip(form.x[2:], form.w[2:], strict=True)):
        stride, dilation = window.strides[a] if window.strides else 1, window.dilations[a] if window.dilations else 1
        more = spread.output_padding[a] if spread.output_padding else 0
        whole = stride * (size - 1) + more + (kernel - 1) * dilation + 1
        begin, end = (window.pads[a], window.pads[a + rank]) if window.pads else (0, 0)
        same = window.auto_pad in ("SAME_UPPER", "SAME_LOWER")
        if spread.output_shape or same:
            missing = whole - (spread.output_shape[a] if spread.output_shape else size * stride)
            at_end = (window.auto_pad == "SAME_UPPER") == (since >= 11)
            begin = missing // 2 if at_end else missing - missing // 2
            end = missing - begin
        found.append(Axis(size, begin, end, kernel, stride, dilation, whole - begin - end))
    return found


def _transposed(x: Tensor, w: Tensor, found: Sequence[Axis], group: int = 1, bias: Tensor | None = None) -> Tensor:
    """y[n, m, i * stride + k * dilation - begin] gains x[n, c, i] * w[c, m, k]; y begins as the bias of m."""
    inputs, outputs = w.shape[0] // group, w.shape[1]
    gained: dict[Index, list[Number]] = {}
    for n, c, *i in itertools.product(*map(range, x.shape)):
        for m, *k in itertools.product(*map(range, w.shape[1:])):
            place = [s * a.stride + t * a.dilation - a.begin for s, t, a in zip(i, k, found, strict=True)]
            gained.setdefault((n, c // inputs * outputs + m, *place), []).append(times(x[(n, c, *i)], w[(c, m, *k)]))

    def at(i: Index) -> Number:
        return total(gained.get(i, []) + ([bias[i[1:2]]] if bias else []))

    return built(x.type, (x.shape[0], outputs * group, *(a.length for a in found)), at)


TRANSPOSED: list[tuple[Form, Spread]] = [
    (Form((1, 1, 2, 3), (1, 1, 2, 2)), Spread()), (Form((1, 1, 3, 3), (1, 2, 2, 2), Window((2, 2), (1, 0, 0, 1))), Spread()),
    (Form((2, 2, 3), (2, 2, 2), Window(strides=(3,))), Spread()), (Form((1, 1, 2, 2), (1, 1, 2, 2), Window(dilations=(2, 1))), Spread()),
    (Form((1, 4, 2), (4, 2, 2), group=2), Spread()), (Form((1, 4, 1, 1), (4, 2, 1, 1), group=2), Spread()),
    (Form((1, 2, 2, 1, 2), (2, 1, 1, 2, 1), Window(strides=(2, 1, 1))), Spread()),
    (Form((1, 1, 3), (1, 1, 2), Window(strides=(2,), auto_pad="VALID")), Spread()),
    (Form((1, 1, 3), (1, 1, 3), Window(strides=(2,))), Spread((1,))), (Form((1, 1, 3), (1, 1, 3), Window(None, (1, 1), (2,))), Spread((1,))),
    (Form((1, 1, 2), (1, 1, 1), Window(strides=(3,))), Spread((2,))), (Form((1, 1, 2), (1, 1, 2), Window(None, (0, 1), (2,), (2,))), Spread()),
    (Form((1, 1, 3), (1, 1, 3), Window(strides=(2,))), Spread(None, (6,))), (Form((1, 1, 3), (1, 1, 3), Window(strides=(2,))), Spread(None, (5,))),
    (Form((1, 1, 3), (1, 1, 4), Window(strides=(2,), auto_pad="SAME_UPPER")), Spread(None, (5,))),
    (Form((1, 1, 3), (1, 1, 4), Window(strides=(2,), auto_pad="SAME_LOWER")), Spread(None, (5,))),
    (Form((1, 1, 3), (1, 1, 3), Window(None, (2, 2), (2,))), Spread(None, (7,))), (Form((1, 1, 3), (1, 1, 3), Window(strides=(2,))), Spread((1,), (5,))),
    (Form((1, 1, 2, 2), (1, 1, 3, 3), Window(strides=(1, 2))), Spread(None, (3, 4))), (Form((1, 1, 3), (1, 1, 3), Window(auto_pad="SAME_UPPER")), Spread()),
    (Form((1, 1, 3), (1, 1, 3), Window(auto_pad="SAME_LOWER")), Spread()), (Form((1, 1, 3), (1, 1, 3), Window(auto_pad="NOTSET")), Spread()),
]  # fmt: skip
SAME: list[tuple[Form, Spread]] = [
    (Form((1, 1, 3), (1, 1, kernel), Window(strides=(stride,), auto_pad=pad)), Spread())
    for pad in ("SAME_UPPER", "SAME_LOWER")
    for kernel, stride in ((2, 1), (3, 2), (2, 2), (4, 2))
]
"""At version 1 the attribute and the equations disagree about an odd padding, and a stride has no output of the input's size."""


def _overlapping(type: str) -> tuple[Tensor, Tensor]:
    """Lines of three against kernels of three with stride 1: three numbers meet in the middle of each line."""
    left, _ = rows(type)
    x = Tensor(type, (left.shape[0], 1, 3), left.values)
    return x, Tensor(type, (1, 2, 3), (1, 1, 1, 1, Fraction(1, 2), 2))


@oracle("ConvTranspose", 1, 11, 22)
def conv_transpose(types: Types, since: int) -> list[Case]:
    """Sums of up to three products, one rounding for sum and bias; for ``float`` every way of padding and groups."""
    type = types["T"]
    x, w = _overlapping(type)
    middle = Form(x.shape, w.shape, Window(pads=(1, 1)))
    found = [Case([x, w], [_transposed(x, w, _spread_axes(middle, Spread(), since))], middle.attributes)]
    if type != "float":
        return found
    for form, spread in TRANSPOSED + SAME * (since >= 11):
        x, w = quarters(type, form.x), quarters(type, form.w, 5)
        group = form.group or 1
        for b in (None, _bias(type, form.w[1] * group)):
            y = _transposed(x, w, _spread_axes(form, spread, since), group, b)
            found.append(Case([x, w, b], [y], form.attributes | spread.attributes))
            explicit = replace(form, window=replace(form.window, kernel_shape=form.w[2:]))
            found.append(Case([x, w, b], [y], explicit.attributes | spread.attributes))
    return found
