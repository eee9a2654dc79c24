"""Cosine windows and MelWeightMatrix."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import onnx

from conformance.exact import reals
from conformance.exact.families.fourier import cosine
from conformance.exact.formats import NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer
from conformance.exact.values import Case, Tensor

COEFFICIENTS = {
    "HannWindow": (Fraction(1, 2), Fraction(1, 2), Fraction(0)),
    "HammingWindow": (Fraction(25, 46), Fraction(21, 46), Fraction(0)),
    "BlackmanWindow": (Fraction(42, 100), Fraction(1, 2), Fraction(8, 100)),
}
"""a0, a1, a2 of a0 - a1 cos(x) + a2 cos(2 x), x = 2 pi n / N."""


def _datatype(type: str) -> int:
    return int(onnx.TensorProto.DataType.Value(type.upper()))


def _window(name: str, size: int, periodic: bool) -> list[Number]:
    """N is the size, or the size - 1 of a symmetric window; a symmetric one of one point divides 0 by 0."""
    period = size if periodic else size - 1
    if not period:
        return [NAN] * size
    a0, a1, a2 = COEFFICIENTS[name]
    return [a0 - a1 * cosine(Fraction(n, period)) + a2 * cosine(Fraction(2 * n, period)) for n in range(size)]


def _window_case(name: str, size: int, kind: str, type: str | None, periodic: int | None) -> Case:
    values = _window(name, size, periodic != 0)
    if is_integer(type or "float"):
        values = [int(v) for v in values]
    attributes = {"periodic": periodic, "output_datatype": None if type is None else _datatype(type)}
    return Case([Tensor(kind, (), (size,))], [Tensor(type or "float", (size,), tuple(values))], attributes)


def _declare(name: str) -> None:
    @oracle(name, 17, usual={"T1": "int64"})
    def window(types: Types, since: int) -> list[Case]:
        """The formula of the paper; an integer type cuts each number off."""
        kind, type = types["T1"], types["T2"]
        sizes = [(4, None), (4, 1), (5, 0), (8, 1), (9, 0), (2, 1), (3, 0), (1, 1)]
        sizes += [] if is_integer(type) else [(10, 1), (10, 0), (7, None), (12, 0), (16, 1)]
        found = [_window_case(name, size, kind, type, periodic) for size, periodic in sizes]
        if type == "float":
            found += [_window_case(name, 6, kind, None, None), _window_case(name, 1, kind, None, 0)]
        return found


for _name in COEFFICIENTS:
    _declare(_name)


def _mel(hertz: Number) -> Fraction:
    """2595 log10(1 + f / 700)."""
    return 2595 * reals.log(1 + Fraction(hertz) / 700) / reals.log(10)


def _hertz(mel: Fraction) -> Fraction:
    return 700 * (reals.power(10, mel / 2595) - 1)


def _edges(count: int, dft_length: int, rate: int, low: Fraction, high: Fraction, parts: int) -> list[int]:
    """The bins of the edges of the triangles: floor((dft_length + 1) f / rate) of equal steps on the mel scale."""
    start, step = _mel(low), (_mel(high) - _mel(low)) / parts
    return [int((dft_length + 1) * _hertz(start + i * step) // rate) for i in range(count + 2)]


def _mel_matrix(count: int, dft_length: int, rate: int, low: Fraction, high: Fraction) -> list[Fraction]:
    """Triangles from 0 at one edge to 1 at the next and 0 at the one after.

    The text does not say whether the last edge is the upper one or one step below it: the bins are the same with both.
    """
    edges = _edges(count, dft_length, rate, low, high, count + 1)
    if edges != _edges(count, dft_length, rate, low, high, count + 2) or len(set(edges)) < count + 2:
        raise ValueError(f"the text leaves these parameters open: {edges}")
    values = []
    for j in range(dft_length // 2 + 1):
        for a, b, c in zip(edges, edges[1:], edges[2:], strict=False):
            values.append(Fraction(j - a, b - a) if a <= j <= b else Fraction(c - j, c - b) if b <= j <= c else Fraction(0))
    return values


BANDS: list[tuple[int, int, int, Fraction, Fraction]] = [
    (1, 6, 7, Fraction(3, 16), Fraction(47, 16)), (2, 8, 9, Fraction(5, 16), Fraction(63, 16)),
    (3, 10, 11, Fraction(1, 2), Fraction(79, 16)), (2, 7, 16, Fraction(5, 8), Fraction(63, 8)),
    (1, 6, 7, Fraction(19, 16), Fraction(63, 16)), (1, 6, 70, Fraction(1), Fraction(119, 4)),
]  # fmt: skip
"""Number of bands, length of the DFT, samples per second, lower and upper edge."""


@oracle("MelWeightMatrix", 17, usual={"T1": "int64"})
def mel_weight_matrix(types: Types, since: int) -> list[Case]:
    """:func:`_mel_matrix` of scalars."""
    kind, edge, type = types["T1"], types["T2"], types["T3"]
    found = []
    for count, length, rate, low, high in BANDS:
        whole = [Tensor(kind, (), (v,)) for v in (count, length, rate)]
        edges = [Tensor(edge, (), (v,)) for v in (low, high)]
        values = _mel_matrix(count, length, rate, low, high)
        attributes: dict[str, Any] = {"output_datatype": _datatype(type)} if type != "float" or count == 1 else {}
        found.append(Case([*whole, *edges], [Tensor(type, (length // 2 + 1, count), tuple(values))], attributes))
    return found
