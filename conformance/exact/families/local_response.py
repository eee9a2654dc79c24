"""LRN."""

from __future__ import annotations

from fractions import Fraction

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.placement import built
from conformance.exact.families.sliding import quarters
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

DEFAULTS = {"alpha": single("0.0001"), "beta": Fraction(3, 4), "bias": Fraction(1)}


def _divided(x: Number, region: list[Number], size: int, alpha: Fraction, beta: Fraction, bias: Fraction) -> Number:
    """x / (bias + alpha / size * sum of squares) ** beta."""
    if any(v != v for v in [x, *region]):
        return NAN
    if any(isinstance(v, float) for v in region):
        return NAN if isinstance(x, float) else Fraction(0)
    return x / reals.power(bias + alpha / size * sum((v * v for v in region), Fraction(0)), beta)


def _response(x: Tensor, size: int, given: dict[str, Fraction]) -> Case:
    """The region of channel c: from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), as far as there are channels."""
    before, after = (size - 1) // 2, size // 2

    def at(i: tuple[int, ...]) -> Number:
        n, c, *place = i
        region = [x[(n, k, *place)] for k in range(max(0, c - before), min(x.shape[1] - 1, c + after) + 1)]
        return _divided(x[i], region, size, **(DEFAULTS | given))

    return Case([x], [built(x.type, x.shape, at)], {"size": size} | {n: float(v) for n, v in given.items()})


@oracle("LRN", 1, 13)
def lrn(types: Types, since: int) -> list[Case]:
    """Odd and even sizes, more than there are channels too; any number of spatial axes; half-way quotients; overflow on the way."""
    type = types["T"]
    u, tiny, largest, _ = marks(type)
    plain = {"alpha": Fraction(3), "beta": Fraction(1), "bias": Fraction(1)}
    ones = Tensor(type, (1, 3, 1, 1), (1, 1, 1))
    halves = Tensor(type, (1, 1, 1, 4), (tiny, 3 * tiny, 1 + u, -1))
    strange = Tensor(type, (1, 4, 1, 2), (INF, 1, 2, NAN, 1, 0, 2, -INF))
    found = [_response(ones, 3, plain), _response(halves, 1, {"alpha": Fraction(0), "beta": Fraction(1), "bias": Fraction(2)})]
    found += [_response(strange, 2, plain), _response(strange, 1, {})]
    if type != "double":
        wide = {"alpha": Fraction(1), "beta": Fraction(1, 2), "bias": Fraction(0) + 1}
        found.append(_response(Tensor(type, (1, 2, 1, 1), (largest, -largest)), 3, wide))
    for shape in ((1, 4, 1, 2), (2, 3, 1, 1), (4, 2, 1, 2), (1, 3, 2), (1, 2, 1, 2, 2)):
        for size in (1, 2, 3, 4, 5):
            given = {"alpha": single("0.3"), "beta": Fraction(1, 2), "bias": single("1.2")}
            found += [_response(quarters(type, shape), size, g) for g in ({}, given)]
    return found
