"""DFT and STFT, by their sums."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import normal_axis
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

__all__ = ["cosine"]

Complex = tuple[Fraction, Fraction]
WHY = "the text fixes no order of the sum, and no wider type holds it: the error is one of the largest term, not of the result"


def cosine(turns: Fraction) -> Fraction:
    """cos(2 pi turns), exact where it is rational, and exactly opposite for opposite angles."""
    turns %= 1
    turns = min(turns, 1 - turns)
    if turns > Fraction(1, 4):
        return -cosine(Fraction(1, 2) - turns)
    exact = {Fraction(0): Fraction(1), Fraction(1, 6): Fraction(1, 2), Fraction(1, 4): Fraction(0)}
    return exact[turns] if turns in exact else reals.cos(2 * reals.PI * turns)


def _sine(turns: Fraction) -> Fraction:
    return cosine(turns - Fraction(1, 4))


def _known(x: Fraction) -> Fraction:
    """A sum of irrational numbers that vanishes leaves the error of its terms."""
    return x if abs(x) > Fraction(1, 10**40) else Fraction(0)


def transform(x: Sequence[Complex], inverse: bool = False) -> list[Complex]:
    """y[k] = sum of x[n] exp(-2 pi j k n / N); the inverse has the other sign and a factor 1 / N."""
    length = len(x)
    found = []
    for k in range(length):
        real = imaginary = Fraction(0)
        for n, (a, b) in enumerate(x):
            turns = Fraction(k * n, length) * (1 if inverse else -1)
            c, s = cosine(turns), _sine(turns)
            real, imaginary = real + a * c - b * s, imaginary + a * s + b * c
        scale = Fraction(1, length) if inverse else Fraction(1)
        found.append((_known(real * scale), _known(imaginary * scale)))
    return found


def _fitted(x: Sequence[Complex], length: int) -> list[Complex]:
    """Cut, or filled with zeros."""
    zero = Fraction(0)
    return [*x[:length], *[(zero, zero)] * (length - len(x))]


def _line(x: Sequence[Complex], length: int | None, inverse: bool, onesided: bool) -> list[Complex]:
    """One line; the one-sided inverse takes X[N - k] to be the conjugate of X[k] and gives a real signal."""
    if onesided and inverse:
        length = 2 * (len(x) - 1) if length is None else length
        half = _fitted(x, length // 2 + 1)
        return transform([*half, *((a, -b) for a, b in half[1 : (length + 1) // 2][::-1])], True)
    length = len(x) if length is None else length
    found = transform(_fitted(x, length), inverse)
    return found[: length // 2 + 1] if onesided else found


def _dft(x: Tensor, axis: int, length: int | None, inverse: bool, onesided: bool) -> Tensor:
    """The last axis has the real part and, if its length is 2, the imaginary one."""
    at = normal_axis(axis, len(x.shape))
    others = x.shape[:at] + x.shape[at + 1 : -1]
    lines = {}
    for i in itertools.product(*map(range, others)):
        places = [(*i[:at], n, *i[at:]) for n in range(x.shape[at])]
        line = [(Fraction(x[(*p, 0)]), Fraction(x[(*p, 1)]) if x.shape[-1] == 2 else Fraction(0)) for p in places]
        lines[i] = _line(line, length, inverse, onesided)
    parts = 1 if onesided and inverse else 2
    shape = (*x.shape[:at], len(next(iter(lines.values()))), *x.shape[at + 1 : -1], parts)
    values = (lines[(*i[:at], *i[at + 1 : -1])][i[at]][i[-1]] for i in itertools.product(*map(range, shape)))
    return Tensor(x.type, shape, tuple(values))


def _case(
    x: Tensor, since: int, kind: str, axis: int | None = None, length: int | None = None, inverse: bool = False, onesided: bool = False
) -> Case:
    """The axis is an attribute, 1 by default, in version 17; an input, -2 by default, in version 20."""
    used = axis if axis is not None else 1 if since == 17 else -2
    attributes: dict[str, Any] = {n: 1 for n, v in (("inverse", inverse), ("onesided", onesided)) if v}
    inputs: list[Tensor | None] = [x] if length is None else [x, Tensor(kind, (), (length,))]
    if axis is not None and since == 17:
        attributes["axis"] = axis
    elif axis is not None:
        inputs = [x, inputs[1] if len(inputs) > 1 else None, Tensor("int64", (), (axis,))]
    return Case(inputs, [_dft(x, used, length, inverse, onesided)], attributes, *_slack(x.type))


def _slack(type: str) -> tuple[int | None, str]:
    return (64, WHY) if type == "double" else (None, "")


def _signal(type: str, *shape: int) -> Tensor:
    """Small dyadic numbers; sums of them have no long cancellation."""
    u = marks(type)[0]
    pool = (Fraction(1), Fraction(9, 2), Fraction(-5, 4), 1 + u, Fraction(6), Fraction(-7, 2), Fraction(2), Fraction(3, 8))
    return Tensor(type, shape, tuple(pool[i % 8] for i in range(math.prod(shape))))


def _half_spectrum(type: str, length: int) -> Tensor:
    """Bins of a real signal: the first has no imaginary part, nor has the last when the signal's length is even."""
    bins: list[tuple[Any, Any]] = [(10, 0), (Fraction(3, 2), -2), (-1, Fraction(1, 4)), (2, 1)][: length // 2 + 1]
    if length % 2 == 0:
        bins[-1] = (bins[-1][0], 0)
    return Tensor(type, (1, len(bins), 2), tuple(v for b in bins for v in b))


def _whole(type: str, since: int, kind: str) -> list[Case]:
    """Lengths to 8, forward and back, one-sided; each axis.

    No sum here is half-way between two numbers: of length 6 that needs the factors 1/2 exactly, which a fast transform rounds.
    """
    found = []
    for n in (1, 2, 3, 4, 5, 6, 7, 8):
        real, complex_ = _signal(type, 1, n, 1), _signal(type, 1, n, 2)
        found += [_case(real, since, kind), _case(complex_, since, kind), _case(complex_, since, kind, None, None, True)]
        found += [_case(real, since, kind, None, None, False, True), _case(real, since, kind, None, None, True)]
    found += [_case(_half_spectrum(type, n), since, kind, None, None, True, True) for n in (2, 4)]
    short = Tensor(type, (1, 8, 1), (*_signal(type, 4).values, 0, 0, 0, 0))
    block = _signal(type, 2, 2, 3, 1)
    return [*found, _case(short, since, kind), *(_case(block, since, kind, axis) for axis in (None, 0, 1, 2, -2, -3, -4))]


def _of_a_length(type: str, since: int, kind: str) -> list[Case]:
    """Cut and filled, real and complex, forward, back and one-sided; the length of the one-sided inverse is that of its output."""
    found = []
    for length in (2, 3, 8):
        found += [_case(_signal(type, 2, 4, parts), since, kind, None, length, inverse) for parts in (1, 2) for inverse in (False, True)]
        found.append(_case(_signal(type, 2, 4, 1), since, kind, None, length, False, True))
    found += [_case(_half_spectrum(type, n), since, kind, None, n, True, True) for n in (2, 3, 4, 5)]
    found.append(_case(_signal(type, 2, 2, 3, 1), since, kind, 2, 4, False, True))
    return [*found, _case(_signal(type, 2, 3, 2, 2), since, kind, -2, 4, True)]


@oracle("DFT", 17, 20, usual={"T2": "int64"})
def dft(types: Types, since: int) -> list[Case]:
    """The sum of the text."""
    given = _of_a_length(types["T1"], since, types["T2"])
    return given if types.tested == "T2" else _whole(types["T1"], since, types["T2"]) + given


def _stft_case(x: Tensor, step: int, kind: str, window: Tensor | None, length: int | None, onesided: int | None) -> Case:
    """The transforms of signal[m * step : m * step + length] * window; a signal that is not one-sided by request is so by default."""
    batch, size, parts = x.shape
    frame = length if length is not None else window.shape[0] if window else size
    weights = window.values if window else (Fraction(1),) * frame
    values: list[Fraction] = []
    starts = range(0, size - frame + 1, step)
    bins = frame if onesided == 0 else frame // 2 + 1
    for b, start in itertools.product(range(batch), starts):
        held = [[Fraction(x[b, start + n, p]) * Fraction(weights[n]) for p in range(parts)] for n in range(frame)]
        spectrum = transform([(h[0], h[1] if parts == 2 else Fraction(0)) for h in held])
        values += [v for pair in spectrum[:bins] for v in pair]
    inputs: list[Tensor | None] = [x, Tensor(kind, (), (step,)), window, None if length is None else Tensor(kind, (), (length,))]
    expected = Tensor(x.type, (batch, len(starts), bins, 2), tuple(values))
    return Case(inputs, [expected], {"onesided": onesided}, *_slack(x.type))


@oracle("STFT", 17, usual={"T2": "int64"})
def stft(types: Types, since: int) -> list[Case]:
    """The frame's length is that of the input, else of the window, else of the signal."""
    type, kind = types["T1"], types["T2"]
    real, complex_ = _signal(type, 1, 8, 1), _signal(type, 1, 6, 2)
    window = Tensor(type, (4,), (Fraction(1, 2), Fraction(1), Fraction(3, 4), Fraction(1, 4)))
    short = Tensor(type, (3,), (Fraction(1, 2), Fraction(1), Fraction(2)))
    forms: list[tuple[Tensor, int, Tensor | None, int | None, int | None]] = [
        (real, 2, window, 4, None), (real, 2, window, None, None), (real, 4, None, 4, None), (real, 1, None, None, None),
        (real, 3, None, 4, None), (real, 3, window, 4, 0), (real, 2, window, 4, 1), (real, 5, short, 3, None), (real, 5, short, 3, 0),
        (_signal(type, 2, 4, 1), 1, short, None, 0), (complex_, 2, window, 4, 0), (complex_, 3, None, 3, 0), (complex_, 1, None, None, 0),
        (real, 1, None, 6, None), (real, 9, None, 8, None),
    ]  # fmt: skip
    return [_stft_case(x, step, kind, w, length, onesided) for x, step, w, length, onesided in forms]
