"""BatchNormalization, InstanceNormalization, MeanVarianceNormalization, LpNormalization and LRN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import along, matrix, reduced, times, total
from conformance.exact.families.placement import built, vector
from conformance.exact.families.pools import lp_norm
from conformance.exact.families.sliding import quarters
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

__all__ = ["EPSILON", "mean"]

EPSILON = single("1e-5")
HALF = Fraction(1, 2)
QUARTER = Fraction(1, 4)


def mean(values: Sequence[Number]) -> Fraction:
    return sum(map(Fraction, values), Fraction(0)) / len(values)


def variance(values: Sequence[Number]) -> Fraction:
    """The mean of the squared distances from the mean: of the population, not of a sample."""
    centre = mean(values)
    return mean([(v - centre) ** 2 for v in values])


def normalized(x: Number, centre: Number, spread: Fraction, scale: Number = 1, bias: Number = 0) -> Number:
    """(x - centre) / sqrt(spread) * scale + bias; ``spread`` has epsilon in it."""
    return total([times(times(total([x, -centre]), 1 / reals.sqrt(spread)), scale), bias])


@dataclass(frozen=True)
class Batch:
    """X, then one number for each channel: scale, bias, running mean and running variance."""

    x: Tensor
    scale: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor

    @property
    def inputs(self) -> list[Tensor]:
        return [self.x, self.scale, self.bias, self.mean, self.variance]

    def by_channel(self, function: Callable[[list[Any]], Any]) -> tuple[Any, ...]:
        """``function`` of the elements of each channel; a tensor of rank 1 is one channel, one per activation has them over N."""
        apart = {1, *range(2, len(self.x.shape))} if len(self.mean.shape) > 1 else {1}
        return reduced(self.x, [a for a in range(len(self.x.shape)) if a not in apart], False, function).values

    def applied(self, centres: Sequence[Number], spreads: Sequence[Number], epsilon: Fraction) -> Tensor:
        """The normalized X."""
        rank = len(self.mean.shape)

        def at(i: tuple[int, ...]) -> Number:
            c = 0
            for k, n in zip(i[1 : 1 + rank], self.mean.shape, strict=False):
                c = c * n + k
            return normalized(self.x[i], centres[c], Fraction(spreads[c]) + epsilon, self.scale.values[c], self.bias.values[c])

        return built(self.x.type, self.x.shape, at)


def _batch(types: Sequence[str], x: Tensor, shape: tuple[int, ...] | None = None) -> Batch:
    """Small numbers for each channel; ``types`` of scale and bias, and of mean and variance."""
    size = shape or (x.shape[1] if len(x.shape) > 1 else 1,)
    count = len(quarters(types[0], size).values)
    rows = [[Fraction(v, 4) for v in (3, -4, 5, 2, 7, -1)], [Fraction(v, 4) for v in (-1, 2, 6, -5, 0, 3)]]
    rows += [[Fraction(v, 4) for v in (2, -3, 1, 4, -2, 6)], [Fraction(v, 4) for v in (3, 5, 1, 2, 9, 7)]]
    return Batch(x, *(Tensor(types[k // 2], size, tuple(row[:count])) for k, row in enumerate(rows)))


def _edges(types: Sequence[str]) -> tuple[Batch, Fraction]:
    """A divisor of 1, so that sums are half-way; extremes, infinities and NaN."""
    u, tiny, largest, _ = marks(types[0])
    x = Tensor(types[0], (1, 2, 6), (1, 1 + u, tiny, INF, NAN, -INF, 1, -1 - u, 1 - u, largest, -largest, 0))
    exact = types[0] == types[1]
    bias = vector(types[1], [u / 2 if exact else HALF, 0])
    rows = [vector(types[1], [1, -2]), bias, vector(types[2], [0, 0]), vector(types[2], [3 * QUARTER, 3 * QUARTER])]
    return Batch(x, *rows), QUARTER


def _tested(batch: Batch, attributes: dict[str, Any], epsilon: Fraction = EPSILON) -> Case:
    y = batch.applied(batch.mean.values, batch.variance.values, epsilon)
    return Case(batch.inputs, [y], attributes | ({} if epsilon == EPSILON else {"epsilon": float(epsilon)}))


def _updated(running: Tensor, current: Sequence[Number], momentum: Fraction) -> Tensor:
    """running * momentum + current * (1 - momentum)."""
    pairs = zip(running.values, current, strict=True)
    return Tensor(running.type, running.shape, tuple(r * momentum + c * (1 - momentum) for r, c in pairs))


def _trained(batch: Batch, attributes: dict[str, Any], momentum: str | None = None) -> tuple[Case, list[Tensor]]:
    """The case with Y and the running mean and variance of the population, and the current mean and variance."""
    centres, spreads = batch.by_channel(mean), batch.by_channel(variance)
    factor = single(momentum or "0.9")
    y = batch.applied(centres, spreads, EPSILON)
    running = [_updated(batch.mean, centres, factor), _updated(batch.variance, spreads, factor)]
    current = [Tensor(batch.mean.type, batch.mean.shape, values) for values in (centres, spreads)]
    return Case(batch.inputs, [y, *running], attributes | ({} if momentum is None else {"momentum": float(factor)})), current


def _old_training(batch: Batch, attributes: dict[str, Any]) -> list[Case]:
    """The text does not say which variance runs: it is compared where all are equal, constant channels or momentum 1; nor what is saved of it."""
    case, current = _trained(batch, attributes)
    still, _ = _trained(batch, attributes, "1")
    y, running_mean, _ = case.outputs
    found = [
        Case(case.inputs, [y, running_mean, None, current[0], None], case.attributes),
        Case(still.inputs, [*still.outputs, None, None], still.attributes),
    ]
    shape = batch.x.shape
    constant = built(batch.x.type, shape, lambda i: Fraction(3 * i[1] - 1, 2))
    flat, current = _trained(Batch(constant, *batch.inputs[1:]), attributes, "0.75")
    return [*found, Case(flat.inputs, [*flat.outputs, current[0], None], flat.attributes)]


SHAPES = [(1, 2, 2, 2), (2, 2, 1, 2), (2, 1, 2, 1)]
MORE_SHAPES = [(2, 2), (2, 2, 3), (1, 2, 1, 2, 2)]


@oracle("BatchNormalization", 1, 6, 7, 9)
def old_batch_normalization(types: Types, since: int) -> list[Case]:
    """Before 7 is_test says which mode it is, then the number of outputs."""
    type = types["T"]
    common: dict[str, Any] = {"consumed_inputs": [0, 0, 0, 1, 1]} if since == 1 else {}
    test = common | ({"is_test": 1} if since < 7 else {})
    edges, epsilon = _edges([type] * 3)
    if since == 1:
        edges = Batch(Tensor(type, (1, 2, 2, 3), edges.x.values), *edges.inputs[1:])
    found = [_tested(edges, test, epsilon)]
    for shape in SHAPES + MORE_SHAPES * (since > 1):
        batch = _batch([type] * 2, quarters(type, shape))
        found += [_tested(batch, test), *_old_training(batch, common)]
    if since < 9:
        found.append(_tested(_batch([type] * 2, quarters(type, (2, 2, 1, 1))), test | {"spatial": 1}))
    if since == 7:
        for shape in ((2, 2, 1, 2), (3, 1, 2)):
            batch = _batch([type] * 2, quarters(type, shape), shape[1:])
            found += [_tested(batch, {"spatial": 0}), *_old_training(batch, {"spatial": 0})]
    if since == 9:
        batch = _batch([type] * 2, quarters(type, (4,)))
        found.append(_tested(batch, {}))
    return found


@oracle("BatchNormalization", 14, 15)
def batch_normalization(types: Types, since: int) -> list[Case]:
    """training_mode says which mode it is; the running variance is that of the population."""
    of = [types["T"], *([types["T"], types["U"]] if since == 14 else [types["T1"], types["T2"]])]
    edges, epsilon = _edges(of)
    found = [_tested(edges, {}, epsilon)]
    for shape in [*SHAPES, *MORE_SHAPES, (4,)]:
        batch = _batch(of[1:], quarters(of[0], shape))
        found += [_tested(batch, {}), _tested(batch, {"training_mode": 0}, single("0.01"))]
        found += [_trained(batch, {"training_mode": 1}, momentum)[0] for momentum in (None, "0.25", "1", "0") if len(shape) > 1]
    if since == 15 and of[0] == "float16":  # the sum is beyond float16, the mean is not
        far = Tensor("float16", (2, 1, 2), (60000, 60032, 60064, 60096))
        found.append(_trained(_batch(of[1:], far), {"training_mode": 1}, "0")[0])
    return found


def _instances(x: Tensor, scale: Sequence[Number], bias: Sequence[Number], epsilon: Fraction) -> Tensor:
    """scale * (x - mean) / sqrt(variance + epsilon) + B, mean and variance of one channel of one instance."""
    space = range(2, len(x.shape))
    centres, spreads = reduced(x, space, True, mean), reduced(x, space, True, variance)

    def at(i: tuple[int, ...]) -> Number:
        place = (*i[:2], *[0] * (len(i) - 2))
        return normalized(x[i], centres[place], spreads[place] + epsilon, scale[i[1]], bias[i[1]])

    return built(x.type, x.shape, at)


@oracle("InstanceNormalization", 1, 6, 22)
def instance_normalization(types: Types, since: int) -> list[Case]:
    """Generic numbers; a divisor of 1, whose sums are half-way; constant channels; a sum of squares beyond the type."""
    type = types["T"]
    u = marks(type)[0]
    common: dict[str, Any] = {"consumed_inputs": [0]} if since == 1 else {}
    rows: list[tuple[Tensor, list[Number], list[Number], Fraction]] = [
        (quarters(type, shape), [Fraction(3, 4), -2], [-8, 8] if type == "double" else [-1, HALF], epsilon)
        for shape in [(1, 2, 2, 2), (2, 2, 1, 3)] + [(2, 2, 3), (1, 2, 1, 2, 2)] * (since > 1)
        for epsilon in (EPSILON, single("0.01"))
    ]
    plain = Tensor(type, (1, 2, 1, 2), (1, -1, 5, 5))
    rows += [(plain, [3, 1], [0, 0], EPSILON), (plain, [1 + u, 1], [u / 2, u], Fraction(0) + 3)]
    if type == "float16":
        rows.append((Tensor(type, (1, 1, 1, 4), (300, -300, 600, -600)), [1], [0], EPSILON))
    return [
        Case(
            [x, vector(type, scale), vector(type, bias)], [_instances(x, scale, bias, epsilon)],
            common | ({} if epsilon == EPSILON else {"epsilon": float(epsilon)}),
        )
        for x, scale, bias, epsilon in rows
    ]  # fmt: skip


def _standard(x: Tensor, axes: Sequence[int]) -> Tensor:
    """(x - mean) / sqrt(variance) over ``axes``; 0 for a constant, as the body has it."""
    centres, spreads = reduced(x, axes, True, mean), reduced(x, axes, True, variance)

    def at(i: tuple[int, ...]) -> Number:
        place = tuple(0 if a in axes else k for a, k in enumerate(i))
        return normalized(x[i], centres[place], spreads[place]) if spreads[place] else Fraction(0)

    return built(x.type, x.shape, at)


@oracle("MeanVarianceNormalization", 9, 13)
def mean_variance_normalization(types: Types, since: int) -> list[Case]:
    """The body adds 1e-9 to the root, which the text does not: the numbers are so large that it does not matter."""
    type = types["T"]
    size = 2**26 if type == "double" else 64
    found = []
    for shape, axes in (
        ((2, 2, 1, 3), None),
        ((1, 2, 2, 2), None),
        ((2, 2, 3), [0]),
        ((2, 3), [0, 1]),
        ((2, 2, 1, 2), [1, 3]),
        ((2, 4), [1]),
    ):
        x = quarters(type, shape).map(lambda v: v * size)
        found.append(Case([x], [_standard(x, axes or (0, 2, 3))], {} if axes is None else {"axes": axes}))
    constant = Tensor(type, (1, 2, 1, 2), (3, 3, -size, size))
    return [*found, Case([constant], [_standard(constant, (0, 2, 3))])]


@oracle("LpNormalization", 1, 22)
def lp_normalization(types: Types, since: int) -> list[Case]:
    """x / (sum of |x| ** p) ** (1 / p); 0 where that is 0."""
    type = types["T"]
    _, tiny, largest, _ = marks(type)
    rows: list[list[Number]] = [[1, -3, 0, 0], [3, -4, 12, 0], [0, 0, 0, -0.0], [1, 1, -1, 2], [INF, 1, -2, 0], [NAN, 1, 2, 3]]
    rows += [] if type == "double" else [[largest, -largest, 0, 1], [tiny, tiny, 0, -tiny]]
    inputs = [(matrix(type, rows), None), (matrix(type, rows), -1), (quarters(type, (2, 3)), 0), (quarters(type, (2, 2, 2)), 1)]
    found = []
    for p in (None, 1, 2):

        def divided(line: list[Any], p: int = p or 2) -> list[Number]:
            norm = lp_norm(line, p)
            if isinstance(norm, float):
                return [NAN if norm != norm or (isinstance(v, float) and v) else Fraction(0) for v in line]
            return [v / norm if norm else Fraction(0) for v in line]

        for x, axis in inputs:
            found.append(Case([x], [along(x, -1 if axis is None else axis, divided)], {"p": p, "axis": axis}))
    return found
