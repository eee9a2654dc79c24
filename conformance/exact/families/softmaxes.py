"""Softmax, LogSoftmax and the losses made of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import along, matrix, times, total
from conformance.exact.families.order import by_line, placements
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

__all__ = ["log_softmax", "softmax"]

Row = list[Number]
HALF = Fraction(1, 2)


def _exp(x: Number) -> Fraction:
    return Fraction(0) if x == -INF else reals.exp(x)


def softmax(row: Row) -> Row:
    """exp(x) / sum(exp(x)); NaN when a number is NaN or all are -infinity, 0 / 0."""
    if any(v != v for v in row) or all(v == -INF for v in row):
        return [NAN] * len(row)
    top = max(row)
    parts = [_exp(v if v == -INF else v - top) for v in row]
    return [p / sum(parts) for p in parts]


def log_softmax(row: Row) -> Row:
    """log(softmax(x)) = x - log(sum(exp(x)))."""
    if any(v != v for v in row) or all(v == -INF for v in row):
        return [NAN] * len(row)
    top = max(row)
    log_sum = top + reals.log(sum(_exp(v if v == -INF else v - top) for v in row))
    return [v if v == -INF else v - log_sum for v in row]


def _rows(type: str) -> list[Row]:
    """Equal numbers, numbers whose exponentials no type holds, -infinity, NaN. Infinity has no one meaning: the body subtracts it."""
    _, tiny, largest, _ = marks(type)
    return [
        [0, 0, 0, 0], [1, 1, 1, -INF], [1, 2, 3, 4], [HALF, -2, 0, 3], [1000, 1000, 999 if type != "bfloat16" else 996, 992],
        [0, 1, NAN, 2], [-1000, -1000, -INF, -1000], [largest, largest, -largest, 0], [-INF] * 4, [tiny, -tiny, 0, 5], [8, 8, 8, 0],
    ]  # fmt: skip


def _declare(name: str, function: Any) -> None:
    @oracle(name, 1, 11, 13)
    def normalized(types: Types, since: int) -> list[Case]:
        """The function of each line; for ``float`` along every axis too."""
        type = types["T"]
        x = matrix(type, _rows(type))
        found = [Case([x], [by_line(x, None, since, function)])]
        if type == "float":
            for shape, axis in placements(since):
                x = Tensor(type, shape, tuple(Fraction(v, 4) for v in (0, 3, -5, 2, 7, 1, 4, -3, 6, -2, 5, -4)))
                found.append(Case([x], [by_line(x, axis, since, function)], {} if axis is None else {"axis": axis}))
            far = matrix(type, [[-1000, 0], [0, -80], [50, 0], [0, 17]])
            found.append(Case([far], [by_line(far, 1, since, function)], {"axis": 1}))
        return found


_declare("Softmax", softmax)
_declare("LogSoftmax", log_softmax)


def loss(
    scores: Tensor, labels: Tensor, weights: Tensor | None = None, reduction: str | None = None, ignored: int | None = None
) -> tuple[Tensor, dict[str, Any]]:
    """-input[n, c, d] * weight[c], 0 where the label is ``ignored``; their sum; the sum by that of the weights that are not ignored."""
    losses: list[Number] = []
    applied: list[Fraction] = []
    for at in itertools.product(*map(range, labels.shape)):
        label = labels[at]
        kept = label != ignored
        applied.append((Fraction(weights.values[label]) if weights else Fraction(1)) if kept else Fraction(0))
        losses.append(times(-scores[(at[0], label, *at[1:])], applied[-1]) if kept else Fraction(0))
    attributes = {"reduction": reduction, "ignore_index": ignored}
    if reduction == "none":
        return Tensor(scores.type, labels.shape, tuple(losses)), attributes
    found = total(losses)
    if reduction != "sum" and not isinstance(found, float):
        found /= sum(applied)
    return Tensor(scores.type, (), (found,)), attributes


Choice = tuple[Sequence[int], bool, str | None, int | None]

CHOICES: list[Choice] = [
    ((2, 1, 0, 2), False, None, None), ((2, 1, 0, 2), True, None, None), ((2, 1, 0, 2), True, "mean", None),
    ((2, 1, 0, 2), False, "sum", None), ((2, 1, 0, 2), True, "sum", None), ((2, 1, 0, 2), False, "none", None),
    ((2, 1, 0, 2), True, "none", None), ((2, -1, 0, -1), False, "mean", -1), ((2, -1, 0, -1), True, "mean", -1),
    ((-1, 1, 2, 0), True, "sum", -1), ((2, -1, 0, 1), False, "none", -1), ((2, -1, 0, 1), True, "none", -1),
    ((2, 1, 2, 0), False, "mean", 2), ((2, 1, 2, 0), True, "mean", 0), ((255, 1, 255, 0), False, "mean", 255),
    ((0, 0, 1, 1), False, "none", -100), ((1, 0, 2, 2), True, "mean", -5),
]  # fmt: skip
"""Labels, whether there are weights, reduction, ignore_index."""


def _weights(type: str) -> Tensor:
    return Tensor(type, (3,), (HALF, Fraction(3), Fraction(5, 4)))


def _placed(scores: Tensor, labels: Sequence[int], kind: str) -> Tensor:
    """Labels in the shape of the scores without the classes."""
    return Tensor(kind, (scores.shape[0], *scores.shape[2:]), tuple(labels))


def _scores(type: str) -> list[Tensor]:
    """Four samples with three classes: (N, C), (N, C, d1) and (N, C, d1, d2)."""
    u = marks(type)[0]
    values = (-1 - u, -2, -3, HALF, -HALF / 2, 0, -4, -7, -8, 3, -1, Fraction(-5, 4))
    return [Tensor(type, shape, values) for shape in ((4, 3), (2, 3, 2), (1, 3, 2, 2))]


@oracle("NegativeLogLikelihoodLoss", 12, 13, 22)
def negative_log_likelihood(types: Types, since: int) -> list[Case]:
    """:func:`loss` for every choice of labels, weights, reduction and ignored label."""
    type, kind = types["T"], types["Tind"]
    found = []
    for scores in _scores(type):
        for labels, weighted, reduction, ignored in CHOICES:
            target, weights = _placed(scores, labels, kind), _weights(type) if weighted else None
            expected, attributes = loss(scores, target, weights, reduction, ignored)
            found.append(Case([scores, target, weights] if weights else [scores, target], [expected], attributes))
        if types.tested == "Tind":
            break
    return found + _special_losses(type, kind)


def _special_losses(type: str, kind: str) -> list[Case]:
    """Half-way means, a sum that overflows, infinities, NaN of a class that is not asked for."""
    u, tiny, largest, half = marks(type)
    rows: list[tuple[Row, str]] = [
        ([-1 - u, -1], "mean"), ([-1 - u, -1 - 2 * u], "mean"), ([-largest, -half], "sum"), ([tiny, 0], "mean"), ([-INF, 1], "mean"),
        ([INF, -INF], "sum"), ([NAN, 1], "none"), ([NAN, 1], "sum"),
    ]  # fmt: skip
    found = []
    for row, reduction in rows:
        scores, target = matrix(type, [[v, NAN] for v in row]), Tensor(kind, (2,), (0, 0))
        expected, attributes = loss(scores, target, None, reduction)
        found.append(Case([scores, target], [expected], attributes))
    return found


@oracle("SoftmaxCrossEntropyLoss", 12, 13)
def softmax_cross_entropy(types: Types, since: int) -> list[Case]:
    """The loss of log(softmax(scores)) along the classes, and that as the second output."""
    type, kind = types["T"], types["Tind"]
    found = []
    for scores in [*_scores(type), matrix(type, [[1000, 0, -1000], [-1000, -1000, -1000], [0, 8, 4], [marks(type)[1], -INF, 1]])]:
        logs = along(scores, 1, log_softmax)
        for i, (labels, weighted, reduction, ignored) in enumerate(CHOICES):
            target, weights = _placed(scores, labels, kind), _weights(type) if weighted else None
            expected, attributes = loss(logs, target, weights, reduction, ignored)
            inputs = [scores, target, weights] if weights else [scores, target]
            found.append(Case(inputs, [expected, logs] if i % 2 else [expected], attributes))
        if types.tested == "Tind":
            break
    return found
