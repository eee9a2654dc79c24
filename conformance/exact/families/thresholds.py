"""ThresholdedRelu, Shrink and PRelu: what an element becomes depends on where it lies."""

from __future__ import annotations

from fractions import Fraction

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import combine, small
from conformance.exact.formats import INF, INTEGERS, Number, wrap
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import floats, is_integer, numbers
from conformance.exact.values import Case, Tensor

__all__: list[str] = []


@oracle("ThresholdedRelu", 10, 22)
def thresholded_relu(types: Types, since: int) -> list[Case]:
    """x for x > alpha, else 0; alpha is 1 when not given. Of NaN too: it is not above alpha."""
    x = floats(types["T"], special=True)
    below = Fraction(-5, 4)
    return [
        Case([x], [x.map(lambda v: v if v > 1 else Fraction(0))]),
        Case([x], [x.map(lambda v: v if v > below else Fraction(0))], {"alpha": float(below)}),
    ]


def _shrink(x: Number, lambd: Fraction, bias: Fraction) -> Number:
    """x + bias below -lambd, x - bias above lambd, else 0."""
    if x < -lambd:
        return x + bias if abs(x) != INF else x
    return 0 if not x > lambd else x - bias if abs(x) != INF else x


@oracle("Shrink", 9)
def shrink(types: Types, since: int) -> list[Case]:
    """lambd is 0.5 and bias 0 when not given; for integers an integer bias."""
    x = numbers(types["T"], special=True)
    half, none = Fraction(1, 2), Fraction(0)
    found = [Case([x], [x.map(lambda v: _shrink(v, half, none))])]
    for lambd, bias in ((Fraction(3, 2), Fraction(1)), (Fraction(1), none), (Fraction(0), Fraction(1))):
        expected = x.map(lambda v, lambd=lambd, bias=bias: _shrink(v, lambd, bias))
        found.append(Case([x], [expected], {"lambd": float(lambd), "bias": float(bias)}))
    return found


def _prelu(x: Number, slope: Number) -> Number:
    """slope * x for x < 0, else x."""
    if not x < 0:
        return x
    return slope * x if abs(x) != INF else x * (1 if slope > 0 else -1)


def _prelu_values(type: str) -> tuple[Tensor, Tensor, Tensor]:
    """Elements and slopes in pairs, and the results: half-way products, overflow; integers that wrap."""
    if is_integer(type):
        form = INTEGERS[type]
        pairs: list[tuple[Number, Number]] = [(-3, 5), (4, 7), (0, 9), (-1, -2), (form.largest, 3), (form.lowest, 1), (form.lowest, 3)]
        pairs = [(x, slope) for x, slope in pairs if min(x, slope) >= form.lowest]
    else:
        u, tiny, largest, _ = marks(type)
        pairs = [(-1 - u, Fraction(3, 2)), (-tiny, Fraction(1, 2)), (-3 * tiny, Fraction(1, 2)), (-largest, 2), (largest, 2), (1, 3)]
        pairs += [(-1, Fraction(0)), (INF, 2), (-INF, 2), (-INF, -2), (-2, -1 - u), (0, 5)]
    x, slope = (Tensor(type, (len(pairs),), tuple(p[i] for p in pairs)) for i in (0, 1))
    function = (lambda a, b: wrap(_prelu(a, b), type)) if is_integer(type) else _prelu
    return x, slope, combine(function, x, slope)


SLOPES = [((2, 3), (3,)), ((2, 3), (2, 1)), ((1, 2, 2), (2,)), ((2, 2), ()), ((2, 2, 2), (2, 1, 1)), ((1, 2, 2), (1, 1))]
"""Since version 7 the slope broadcasts to x."""


@oracle("PRelu", 7, 9, 16)
def prelu(types: Types, since: int) -> list[Case]:
    """The slope meets x by unidirectional broadcasting."""
    x, slope, y = _prelu_values(types["T"])
    found = [Case([x, slope], [y])]
    for shape, slopes in SLOPES:
        x = _signed(types["T"], shape)
        slope = small(types["T"], slopes, 2)
        found.append(Case([x, slope], [combine(_prelu, x, slope)]))
    return found


def _signed(type: str, shape: tuple[int, ...]) -> Tensor:
    """Small numbers, two of three negative where the type has such."""
    unsigned = is_integer(type) and not INTEGERS[type].signed
    x = small(type, shape)
    return x if unsigned else Tensor(type, shape, tuple(v if i % 3 == 1 else -v for i, v in enumerate(x.values)))


@oracle("PRelu", 1, 6)
def prelu_of_channels(types: Types, since: int) -> list[Case]:
    """One slope for all, or one for each channel, which is axis 1."""
    attributes = {"consumed_inputs": [0, 0]} if since == 1 else {}
    x, slope, y = _prelu_values(types["T"])
    row = (1, *x.shape)
    found = [Case([Tensor(x.type, row, x.values), slope], [Tensor(y.type, row, y.values)], attributes)]
    for shape, count in (((2, 3), 1), ((2, 3), 3), ((1, 2, 2), 2), ((1, 3, 2, 2), 3)):
        x, slope = _signed(types["T"], shape), small(types["T"], (count,), 2)
        channels = Tensor(slope.type, (count, *[1] * (len(shape) - 2)), slope.values)
        found.append(Case([x, slope], [combine(_prelu, x, channels)], attributes))
    return found
