"""Random numbers: those that leave nothing to chance, and the shape and type of the others."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from conformance.exact.families.containers import number, ordinary
from conformance.exact.formats import FLOATS, INF, quantum
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Any_, Case, Tensor

ONE = Fraction(1)


def _parameters(type: str) -> list[Fraction]:
    """Float32 numbers, as attributes are; for a narrower type two of them lie half-way between its numbers."""
    narrow = type in ("float16", "bfloat16")
    u = quantum(1, type) / 2 if narrow else quantum(1, "float")
    return [1 + u, -1 - 3 * u, Fraction(0), quantum(0, type if narrow else "float"), Fraction(65504), -single("0.1")]


def _constant_draws(normal: bool, type: str) -> list[tuple[dict[str, float], Fraction]]:
    """Attributes that leave one value: a deviation of 0 from the mean, or equal bounds."""
    if normal:
        return [({"mean": float(v), "scale": 0.0}, v) for v in _parameters(type)]
    return [({"low": float(v), "high": float(v)}, v) for v in _parameters(type)]


SHAPES: list[tuple[int, ...]] = [(2, 3), (4,), (), (2, 0)]


def _filled(type: str, shape: tuple[int, ...], value: Fraction) -> Tensor:
    return Tensor(type, shape, (value,) * math.prod(shape))


def _declare(name: str, *, normal: bool) -> None:
    @oracle(name, 1, 22)
    def drawn(types: Types, since: int) -> list[Case]:
        """Numbers of the shape and the type that attributes name; float when ``dtype`` is not given."""
        type = types["T"]
        dtype = {"dtype": number(type)}
        certain = _constant_draws(normal, type)
        made = [Case([], [_filled(type, (3,), v)], {**dtype, "shape": [3], **given}) for given, v in certain]
        made += [Case([], [_filled(type, shape, certain[0][1])], {**dtype, "shape": list(shape), **certain[0][0]}) for shape in SHAPES]
        made += [Case([], [Any_(type, shape)], {**dtype, "shape": list(shape), "seed": 1.5}) for shape in SHAPES]
        if type == "float":
            made += [
                Case([], [Any_(type, (2, 2))], {"shape": [2, 2]}),
                Case([], [_filled(type, (3,), certain[0][1])], {"shape": [3], **certain[0][0]}),
            ]
        return made

    @oracle(f"{name}Like", 1, 22)
    def drawn_like(types: Types, since: int) -> list[Case]:
        """Numbers of the shape of the input, of the type ``dtype``; when that is not given, of the input's type."""
        from_type, type = types["T1"], types["T2"]
        made = []
        for shape in SHAPES:
            given, v = _constant_draws(normal, type)[0]
            made.append(Case([ordinary(from_type, shape)], [_filled(type, shape, v)], {"dtype": number(type), **given}))
            made.append(Case([ordinary(from_type, shape)], [Any_(type, shape)], {"dtype": number(type), "seed": -2.0}))
        if types.tested == "T1" and from_type not in FLOATS:
            return made
        same = types.type
        return made + [Case([ordinary(same, (2, 2))], [_filled(same, (2, 2), v)], given) for given, v in _constant_draws(normal, same)]


for _name, _normal in (("RandomNormal", True), ("RandomUniform", False)):
    _declare(_name, normal=_normal)


@oracle("Bernoulli", 15, 22)
def bernoulli(types: Types, since: int) -> list[Case]:
    """1 with the probability that the input gives, else 0; the type is ``dtype``, else that of the input."""
    from_type, type = types["T1"], types["T2"]
    made = [_certain(from_type, type, {"dtype": number(type)}), _certain(from_type, type, {"dtype": number(type), "seed": 3.0})]
    half = Tensor(from_type, (2, 2), (Fraction(1, 2),) * 4)
    made.append(Case([half], [Any_(type, (2, 2))], {"dtype": number(type)}))
    made += [_certain(from_type, type, {"dtype": number(type)}, ()), Case([_zero(from_type)], [_zero(type)], {"dtype": number(type)})]
    return [*made, _certain(from_type, from_type, {})] if types.tested == "T1" else made


def _zero(type: str) -> Tensor:
    return Tensor(type, (0, 3), ())


def _certain(from_type: str, type: str, attributes: dict[str, Any], shape: tuple[int, ...] = (2, 4)) -> Case:
    drawn = [i % 3 == 1 for i in range(math.prod(shape))]
    p = Tensor(from_type, shape, tuple(Fraction(v) for v in drawn))
    return Case([p], [Tensor(type, shape, tuple(v if type == "bool" else int(v) for v in drawn))], attributes)


@oracle("Multinomial", 7, 22)
def multinomial(types: Types, since: int) -> list[Case]:
    """In each row ``sample_size`` numbers of classes; the input has logarithms of probabilities up to a factor.

    A class with -infinity has the probability 0; so has, in effect, one that lies 2000 below another: exp(-2000) < 10 ** -868.
    """
    from_type, type = types["T1"], types["T2"]
    rows = [[0, -INF, -INF], [-INF, -INF, -5], [1024, -1024, -INF], [-3072, -1024, -INF]]
    x, found = Tensor.of(from_type, rows), [0, 2, 0, 1]
    made = []
    for size in (1, 3):
        expected = Tensor(type, (4, size), tuple(v for v in found for _ in range(size)))
        made.append(Case([x], [expected], {"dtype": number(type), "sample_size": size}))
    made.append(Case([Tensor(from_type, (2, 1), (ONE, -ONE))], [Tensor(type, (2, 1), (0, 0))], {"dtype": number(type)}))
    made.append(Case([Tensor(from_type, (2, 2), (ONE,) * 4)], [Any_(type, (2, 5))], {"dtype": number(type), "sample_size": 5, "seed": 1.0}))
    if type == "int32":
        made.append(Case([x], [Tensor(type, (4, 1), tuple(found))]))
    return made
