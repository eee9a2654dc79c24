"""ConvInteger and QLinearConv."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from conformance.exact.families.broadcasting import combine
from conformance.exact.families.placement import Index, built, scalar, vector
from conformance.exact.formats import INTEGERS
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Window:
    """The attributes of a convolution; None is not given."""

    pads: Sequence[int] | None = None
    strides: Sequence[int] | None = None
    dilations: Sequence[int] | None = None
    group: int | None = None
    auto_pad: str | None = None
    kernel_shape: Sequence[int] | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return {n: list(v) if isinstance(v, tuple) else v for n, v in vars(self).items() if v is not None}


@dataclass(frozen=True)
class Axis:
    """A spatial axis: the padding before it, its output length, stride and dilation."""

    begin: int
    length: int
    stride: int
    dilation: int


def _axes(window: Window, x: Tensor, w: Tensor) -> list[Axis]:
    """SAME_UPPER and SAME_LOWER make ceil(input / stride) outputs; an odd padding has its larger half at the end, or at the beginning."""
    found, rank = [], len(x.shape) - 2
    for a, (size, kernel) in enumerate(zip(x.shape[2:], w.shape[2:], strict=True)):
        stride = window.strides[a] if window.strides else 1
        dilation = window.dilations[a] if window.dilations else 1
        reach = (kernel - 1) * dilation + 1
        if window.auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            length = -(-size // stride)
            total = max((length - 1) * stride + reach - size, 0)
            begin = total // 2 if window.auto_pad == "SAME_UPPER" else total - total // 2
        else:
            begin, end = (window.pads[a], window.pads[a + rank]) if window.pads else (0, 0)
            length = (size + begin + end - reach) // stride + 1
        found.append(Axis(begin, length, stride, dilation))
    return found


def _convolved(x: Tensor, w: Tensor, window: Window, type: str) -> Tensor:
    """y[n, m, o] = sum over c and k of x[n, c, o * stride + k * dilation - begin] * w[m, c, k]; what is outside x adds nothing."""
    axes, group = _axes(window, x, w), window.group or 1
    inputs, outputs = w.shape[1], w.shape[0] // group
    taps = [*itertools.product(range(inputs), *map(range, w.shape[2:]))]

    def at(i: Index) -> Any:
        n, m, place = i[0], i[1], i[2:]
        total = 0
        for channel, *k in taps:
            source = [o * a.stride + t * a.dilation - a.begin for o, t, a in zip(place, k, axes, strict=True)]
            if all(0 <= s < size for s, size in zip(source, x.shape[2:], strict=True)):
                total += x[(n, m // outputs * inputs + channel, *source)] * w[(m, channel, *k)]
        return total

    return built(type, (x.shape[0], w.shape[0], *(a.length for a in axes)), at)


Sizes = tuple[tuple[int, ...], tuple[int, ...], Window]
"""The shapes of x and w, and the window."""

SIZES: list[Sizes] = [
    ((1, 1, 3, 3), (1, 1, 2, 2), Window()), ((1, 1, 3, 3), (1, 1, 2, 2), Window(pads=(1, 1, 1, 1))), ((1, 1, 3, 3), (2, 1, 2, 2), Window(pads=(1, 0, 0, 1), kernel_shape=(2, 2))),
    ((1, 1, 4, 4), (1, 1, 2, 2), Window(strides=(2, 2))), ((1, 1, 4, 4), (1, 1, 2, 2), Window(dilations=(2, 1))), ((1, 2, 2, 2), (2, 2, 2, 1), Window()),
    ((1, 4, 2, 2), (4, 2, 1, 2), Window(group=2)), ((1, 2, 3, 2), (4, 1, 2, 1), Window(group=2)), ((2, 1, 5), (1, 1, 3), Window(strides=(2,), pads=(1, 1))),
    ((1, 2, 7), (3, 2, 2), Window(dilations=(3,))), ((1, 1, 2, 2, 3), (1, 1, 1, 2, 2), Window()), ((1, 1, 4, 3), (1, 1, 3, 2), Window(auto_pad="SAME_UPPER")),
    ((1, 1, 4, 3), (1, 1, 3, 2), Window(auto_pad="SAME_LOWER")), ((1, 1, 5), (1, 1, 2), Window(auto_pad="SAME_UPPER", strides=(2,))), ((1, 1, 5), (1, 1, 2), Window(auto_pad="SAME_LOWER", strides=(2,))),
    ((1, 1, 4), (1, 1, 2), Window(auto_pad="VALID", strides=(1,))), ((1, 1, 3), (1, 1, 2), Window(auto_pad="NOTSET", pads=(2, 0))), ((1, 3, 2), (2, 3, 1), Window()),
]  # fmt: skip


def _ends(type: str, shape: Sequence[int], start: int = 0) -> Tensor:
    """The ends of the type and small numbers in turn."""
    form = INTEGERS[type]
    row = (form.lowest, 3, form.largest, 1, form.lowest + 1, 2, form.largest - 1, 5)
    count = start
    values = []
    for _ in itertools.product(*map(range, shape)):
        values.append(row[count % 8])
        count += 1
    return Tensor(type, tuple(shape), tuple(values))


def _small(type: str, shape: Sequence[int], start: int) -> Tensor:
    values = [(start + i * 3) % 7 for i, _ in enumerate(itertools.product(*map(range, shape)))]
    return Tensor(type, tuple(shape), tuple(values))


def _centred(x: Tensor, zero_point: Tensor | None) -> Tensor:
    """x - zero_point; a vector has one for each output channel, the first axis of w."""
    if zero_point is None:
        return x
    shape = (*zero_point.shape, *[1] * (len(x.shape) - 1)) if zero_point.shape else ()
    return combine(lambda v, z: v - z, x, Tensor(zero_point.type, shape, zero_point.values), type="int64")


def _integer_case(x: Tensor, w: Tensor, zx: Tensor | None, zw: Tensor | None, window: Window) -> Case:
    """The convolution of x - x_zero_point with w - w_zero_point: padding stands for the real number 0, which is the zero point."""
    inputs = [x, w, zx, zw]
    while inputs[-1] is None:
        inputs.pop()
    return Case(inputs, [_convolved(_centred(x, zx), _centred(w, zw), window, "int32")], window.attributes)


@oracle("ConvInteger", 10, usual={"T1": "uint8", "T2": "int8"})
def conv_integer(types: Types, since: int) -> list[Case]:
    """Zero points: none, one, and one for each output channel."""
    left, right = types["T1"], types["T2"]
    found = []
    for x_shape, w_shape, window in SIZES:
        x, w = _ends(left, x_shape), _ends(right, w_shape, 2)
        channels = vector(right, [(INTEGERS[right].largest, 1, INTEGERS[right].lowest, 3)[m % 4] for m in range(w_shape[0])])
        zx, zw = scalar(left, INTEGERS[left].largest - 3), scalar(right, INTEGERS[right].lowest + 2)
        found += [
            _integer_case(x, w, a, b, window) for a, b in ((None, None), (zx, None), (None, zw), (zx, zw), (None, channels), (zx, channels))
        ]
    return found


@dataclass(frozen=True)
class Quantized:
    """A tensor with its scale and zero point."""

    values: Tensor
    scale: Tensor
    zero_point: Tensor


def _linear_case(x: Quantized, w: Quantized, scale: Fraction, zero_point: Tensor, bias: Tensor | None, window: Window) -> Case:
    """saturate(round((sum + B) * x_scale * w_scale / y_scale) + y_zero_point), half to even, before the zero point is added."""
    type, (x_scale,) = zero_point.type, x.scale.values
    total = _convolved(_centred(x.values, x.zero_point), _centred(w.values, w.zero_point), window, "int32")
    form = INTEGERS[type]

    def at(i: Index) -> int:
        w_scale = w.scale.values[i[1] if w.scale.shape else 0]
        exact = (total[i] + (0 if bias is None else bias[i[1:2]])) * Fraction(x_scale) * w_scale / scale
        return int(min(max(round(exact) + zero_point.values[0], form.lowest), form.largest))

    inputs = [x.values, x.scale, x.zero_point, w.values, w.scale, w.zero_point, scalar("float", scale), zero_point]
    return Case([*inputs, *([] if bias is None else [bias])], [built(type, total.shape, at)], window.attributes)


def _weights(type: str, shape: Sequence[int], channels: bool) -> Quantized:
    """One scale, or powers of two for each output channel."""
    w = _small(type, shape, 2)
    if not channels:
        return Quantized(w, scalar("float", HALF), scalar(type, 1))
    scales = [(HALF, Fraction(2), Fraction(1), Fraction(1, 4))[m % 4] for m in range(shape[0])]
    return Quantized(w, vector("float", scales), vector(type, [(1, 3, 0, 2)[m % 4] for m in range(shape[0])]))


@oracle("QLinearConv", 10, usual={"T1": "uint8", "T2": "int8", "T3": "uint8", "T4": "int32"})
def q_linear_conv(types: Types, since: int) -> list[Case]:
    """Powers of two as scales, so that half-way results are exact; results beyond both ends; a bias; decimal scales."""
    left, right, to = types["T1"], types["T2"], types["T3"]
    form, found = INTEGERS[to], []
    for x_shape, w_shape, window in SIZES:
        x = Quantized(_small(left, x_shape, 1), scalar("float", 1), scalar(left, 2))
        bias = vector("int32", [(-9, 5, 30, -1)[m % 4] for m in range(w_shape[0])])
        for channels, scale, zero_point in (
            (False, 1, form.lowest + 3),
            (True, 2, form.largest - 2),
            (True, Fraction(1, 32), 1),
            (False, 4, 5),
        ):
            w = _weights(right, w_shape, channels)
            given = [bias] if types.tested == "T4" else [None, bias]
            found += [_linear_case(x, w, Fraction(scale), scalar(to, zero_point), b, window) for b in given]
    if types.tested != "T4":
        found += _decimal(left, right, to)
    far = vector("int32", [2**31 - 1 - 2**20])
    plain = Quantized(_small(right, (1, 1, 2), 2), scalar("float", HALF), scalar(right, 1))
    x = Quantized(_small(left, (1, 1, 4), 1), scalar("float", 1), scalar(left, 2))
    return [*found, _linear_case(x, plain, Fraction(1), scalar(to, 1), far, Window())]


def _decimal(left: str, right: str, to: str) -> list[Case]:
    """Scales that are float32 numbers next to decimal fractions: no result is near a half."""
    found = []
    for x_scale, w_scale, y_scale in (
        ("0.00369204697", "0.00172794575", "0.00162681262"),
        ("0.1", "0.3", "0.0713"),
        ("0.02", "0.7", "0.0131"),
    ):
        x = Quantized(_ends(left, (1, 1, 3, 3)), scalar("float", single(x_scale)), scalar(left, 3))
        w = Quantized(_small(right, (2, 1, 2, 2), 3), vector("float", [single(w_scale), single(w_scale) / 4]), vector(right, [1, 2]))
        found.append(_linear_case(x, w, single(y_scale), scalar(to, 7), None, Window(pads=(0, 1, 1, 0))))
    return found
