"""Functions of one real number: Acos to Tanh, Exp, Log, Sqrt, Erf, Reciprocal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from conformance.exact import reals
from conformance.exact.formats import INF, NAN, Number, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import floats, is_integer
from conformance.exact.values import Case, Tensor

__all__: list[str] = []

Real = Callable[[Fraction], Fraction]
EXTRA = [Fraction(1, 2), Fraction(-5, 2), Fraction(10)]


def _everywhere(real: Real, at_inf: Number, at_minus_inf: Number) -> Callable[[Number], Number]:
    """``real`` with its limits at the infinities; NaN of NaN."""

    def function(x: Number) -> Number:
        if x != x:
            return NAN
        return at_inf if x == INF else at_minus_inf if x == -INF else real(Fraction(x))

    return function


def _between(real: Real, low: Number, high: Number, at: dict[Number, Number] | None = None) -> Callable[[Number], Number]:
    """``real`` from ``low`` to ``high``, NaN outside, and the values ``at`` its poles and infinities."""

    def function(x: Number) -> Number:
        if at is not None and x == x and x in at:
            return at[x]
        return real(Fraction(x)) if x == x and abs(x) != INF and low <= x <= high else NAN

    return function


FUNCTIONS: dict[str, tuple[Sequence[int], Callable[[Number], Number]]] = {
    "Acos": ((7, 22), _between(reals.acos, -1, 1)),
    "Acosh": ((9, 22), _between(reals.acosh, 1, INF, {INF: INF})),
    "Asin": ((7, 22), _between(reals.asin, -1, 1)),
    "Asinh": ((9, 22), _everywhere(reals.asinh, INF, -INF)),
    "Atan": ((7, 22), _everywhere(reals.atan, reals.PI / 2, -reals.PI / 2)),
    "Atanh": ((9, 22), _between(reals.atanh, -1, 1, {Fraction(1): INF, Fraction(-1): -INF})),
    "Cos": ((7, 22), _everywhere(reals.cos, NAN, NAN)),
    "Cosh": ((9, 22), _everywhere(reals.cosh, INF, INF)),
    "Exp": ((1, 6, 13), _everywhere(reals.exp, INF, Fraction(0))),
    "Log": ((1, 6, 13), _between(reals.log, 0, INF, {Fraction(0): -INF, INF: INF})),
    "Reciprocal": ((1, 6, 13), _between(lambda x: 1 / x, -INF, INF, {Fraction(0): INF, INF: Fraction(0), -INF: Fraction(0)})),
    "Sigmoid": ((1, 6, 13), _everywhere(reals.sigmoid, Fraction(1), Fraction(0))),
    "Sin": ((7, 22), _everywhere(reals.sin, NAN, NAN)),
    "Sinh": ((9, 22), _everywhere(reals.sinh, INF, -INF)),
    "Softplus": ((1, 22), _everywhere(reals.softplus, INF, Fraction(0))),
    "Sqrt": ((1, 6, 13), _between(reals.sqrt, 0, INF, {INF: INF})),
    "Tan": ((7, 22), _everywhere(reals.tan, NAN, NAN)),
    "Tanh": ((1, 6, 13), _everywhere(reals.tanh, Fraction(1), Fraction(-1))),
}
LEGACY = {name for name, (versions, _) in FUNCTIONS.items() if versions[:2] == (1, 6)}  # these had consumed_inputs


def _case(name: str, function: Callable[[Number], Number], type: str, since: int) -> list[Case]:
    x = floats(type, special=True)
    more = Tensor(type, (1, 3), tuple(round_to(v, type) for v in EXTRA))
    attributes = {"consumed_inputs": [0]} if since == 1 and name in LEGACY else {}
    return [Case([x], [x.map(function)], attributes), Case([more], [more.map(function)]), _empty(type), _scalar(type, function)]


def _scalar(type: str, function: Callable[[Number], Number]) -> Case:
    x = Tensor.of(type, Fraction(3, 4))
    return Case([x], [x.map(function)])


def _empty(type: str) -> Case:
    x = Tensor(type, (2, 0), ())
    return Case([x], [x])


def _declare(name: str, versions: Sequence[int], function: Callable[[Number], Number]) -> None:
    @oracle(name, *versions)
    def elementwise(types: Types, since: int) -> list[Case]:
        return _case(name, function, types["T"], since)


for _name, (_versions, _function) in FUNCTIONS.items():
    _declare(_name, _versions, _function)


@oracle("Erf", 9, 13)
def erf(types: Types, since: int) -> list[Case]:
    """erf(x). For an integer type only erf(0) is an integer; how the others are made integers is not said."""
    type = types["T"]
    if is_integer(type):
        zero = Tensor.of(type, [0, 0])
        return [Case([zero], [zero])]
    return _case("Erf", _everywhere(reals.erf, Fraction(1), Fraction(-1)), type, since)
