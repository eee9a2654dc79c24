"""ConvInteger and QLinearConv."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from conformance.exact.families.broadcasting import combine
from conformance.exact.families.convolutions import Form, convolved
from conformance.exact.families.placement import Index, built, scalar, vector
from conformance.exact.families.sliding import Window
from conformance.exact.formats import INTEGERS
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)


FORMS = [
    Form((1, 1, 3, 3), (1, 1, 2, 2)), Form((1, 1, 3, 3), (1, 1, 2, 2), Window(pads=(1, 1, 1, 1))), Form((1, 1, 3, 3), (2, 1, 2, 2), Window(pads=(1, 0, 0, 1), kernel_shape=(2, 2))),
    Form((1, 1, 4, 4), (1, 1, 2, 2), Window(strides=(2, 2))), Form((1, 1, 4, 4), (1, 1, 2, 2), Window(dilations=(2, 1))), Form((1, 2, 2, 2), (2, 2, 2, 1)),
    Form((1, 4, 2, 2), (4, 2, 1, 2), group=2), Form((1, 2, 3, 2), (4, 1, 2, 1), group=2), Form((2, 1, 5), (1, 1, 3), Window(strides=(2,), pads=(1, 1))),
    Form((1, 2, 7), (3, 2, 2), Window(dilations=(3,))), Form((1, 1, 2, 2, 3), (1, 1, 1, 2, 2)), Form((1, 1, 4, 3), (1, 1, 3, 2), Window(auto_pad="SAME_UPPER")),
    Form((1, 1, 4, 3), (1, 1, 3, 2), Window(auto_pad="SAME_LOWER")), Form((1, 1, 5), (1, 1, 2), Window(auto_pad="SAME_UPPER", strides=(2,))), Form((1, 1, 5), (1, 1, 2), Window(auto_pad="SAME_LOWER", strides=(2,))),
    Form((1, 1, 4), (1, 1, 2), Window(auto_pad="VALID", strides=(1,))), Form((1, 1, 3), (1, 1, 2), Window(auto_pad="NOTSET", pads=(2, 0))), Form((1, 3, 2), (2, 3, 1)),
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


def _integer_case(x: Tensor, w: Tensor, zx: Tensor | None, zw: Tensor | None, form: Form) -> Case:
    """The convolution of x - x_zero_point with w - w_zero_point: padding stands for the real number 0, which is the zero point."""
    y = convolved(_centred(x, zx), _centred(w, zw), form.window, form.group or 1, type="int32")
    return Case([x, w, zx, zw], [y], form.attributes)


@oracle("ConvInteger", 10, usual={"T1": "uint8", "T2": "int8"})
def conv_integer(types: Types, since: int) -> list[Case]:
    """Zero points: none, one, and one for each output channel."""
    left, right = types["T1"], types["T2"]
    found = []
    for form in FORMS:
        x, w = _ends(left, form.x), _ends(right, form.w, 2)
        channels = vector(right, [(INTEGERS[right].largest, 1, INTEGERS[right].lowest, 3)[m % 4] for m in range(form.w[0])])
        zx, zw = scalar(left, INTEGERS[left].largest - 3), scalar(right, INTEGERS[right].lowest + 2)
        found += [
            _integer_case(x, w, a, b, form) for a, b in ((None, None), (zx, None), (None, zw), (zx, zw), (None, channels), (zx, channels))
        ]
    return found


@dataclass(frozen=True)
class Quantized:
    """A tensor with its scale and zero point."""

    values: Tensor
    scale: Tensor
    zero_point: Tensor


def _linear_case(x: Quantized, w: Quantized, scale: Fraction, zero_point: Tensor, bias: Tensor | None, form: Form) -> Case:
    """saturate(round((sum + B) * x_scale * w_scale / y_scale) + y_zero_point), half to even, before the zero point is added."""
    type, (x_scale,) = zero_point.type, x.scale.values
    centred, weights = _centred(x.values, x.zero_point), _centred(w.values, w.zero_point)
    sums = convolved(centred, weights, form.window, form.group or 1, bias, type="int32")
    lowest, largest = INTEGERS[type].lowest, INTEGERS[type].largest

    def at(i: Index) -> int:
        w_scale = w.scale.values[i[1] if w.scale.shape else 0]
        exact = sums[i] * Fraction(x_scale) * w_scale / scale
        return int(min(max(round(exact) + zero_point.values[0], lowest), largest))

    inputs = [x.values, x.scale, x.zero_point, w.values, w.scale, w.zero_point, scalar("float", scale), zero_point]
    return Case([*inputs, bias], [built(type, sums.shape, at)], form.attributes)


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
    ends, found = INTEGERS[to], []
    for form in FORMS:
        x = Quantized(_small(left, form.x, 1), scalar("float", 1), scalar(left, 2))
        bias = vector("int32", [(-9, 5, 30, -1)[m % 4] for m in range(form.w[0])])
        for channels, scale, zero_point in (
            (False, 1, ends.lowest + 3),
            (True, 2, ends.largest - 2),
            (True, Fraction(1, 32), 1),
            (False, 4, 5),
        ):
            w = _weights(right, form.w, channels)
            given = [bias] if types.tested == "T4" else [None, bias]
            found += [_linear_case(x, w, Fraction(scale), scalar(to, zero_point), b, form) for b in given]
    if types.tested != "T4":
        found += _decimal(left, right, to)
    far = vector("int32", [2**31 - 1 - 2**20])
    plain = Quantized(_small(right, (1, 1, 2), 2), scalar("float", HALF), scalar(right, 1))
    x = Quantized(_small(left, (1, 1, 4), 1), scalar("float", 1), scalar(left, 2))
    return [*found, _linear_case(x, plain, Fraction(1), scalar(to, 1), far, Form(x.values.shape, plain.values.shape))]


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
        found.append(
            _linear_case(x, w, single(y_scale), scalar(to, 7), None, Form(x.values.shape, w.values.shape, Window(pads=(0, 1, 1, 0))))
        )
    return found
