"""What Attention and FlexAttention compute, on tensors [batch, heads, sequence, size] of exact numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from conformance.exact import reals
from conformance.exact.families.lines import dot, total
from conformance.exact.families.placement import Index, built
from conformance.exact.families.sliding import quarters
from conformance.exact.families.softmaxes import softmax
from conformance.exact.formats import INF, Number, round_to
from conformance.exact.values import Tensor

__all__ = [
    "Bounds", "Scores", "applied", "capped", "each", "joined", "merged", "parted", "products", "scored", "sixteenths", "tensor", "weighed",
]  # fmt: skip

Row = list[Number]
Scores = dict[tuple[int, int, int], Row]
"""The numbers of all keys, by batch, head and query."""


def sixteenths(type: str, shape: Sequence[int], start: int) -> Tensor:
    """Numbers of both signs; for ``double``, which no wider type rounds, of one sign, so that no sum cancels."""
    return quarters(type, shape, start).map(lambda v: (abs(v) if type == "double" else v) / 4)


def parted(x: Tensor, heads: int | None) -> Tensor:
    """[batch, sequence, heads * size] as [batch, heads, sequence, size]; a tensor of rank 4 as it is."""
    if len(x.shape) == 4:
        return x
    assert heads
    batch, length, size = x.shape[0], x.shape[1], x.shape[2] // heads
    return built(x.type, (batch, heads, length, size), lambda i: x[i[0], i[2], i[1] * size + i[3]])


def merged(x: Tensor) -> Tensor:
    """[batch, heads, sequence, size] as [batch, sequence, heads * size]."""
    batch, heads, length, size = x.shape
    return built(x.type, (batch, length, heads * size), lambda i: x[i[0], i[2] // size, i[1], i[2] % size])


def joined(past: Tensor | None, x: Tensor) -> Tensor:
    """The past of the sequence before its present."""
    if past is None:
        return x
    length = past.shape[2]
    shape = (*x.shape[:2], length + x.shape[2], x.shape[3])
    return built(x.type, shape, lambda i: past[i] if i[2] < length else x[i[0], i[1], i[2] - length, i[3]])


def products(q: Tensor, k: Tensor, factor: Fraction) -> Scores:
    """factor * Q K^T; consecutive query heads share a head of the keys."""
    share = q.shape[1] // k.shape[1]
    found = {}
    for b, h, i in itertools.product(*map(range, q.shape[:3])):
        query = [q[b, h, i, d] for d in range(q.shape[3])]
        keys = ([k[b, h // share, j, d] for d in range(q.shape[3])] for j in range(k.shape[2]))
        found[b, h, i] = [factor * dot(query, key) for key in keys]
    return found


def each(scores: Scores, function: Callable[[Number], Number]) -> Scores:
    return {place: [function(v) for v in row] for place, row in scores.items()}


def capped(scores: Scores, softcap: Fraction) -> Scores:
    """softcap * tanh(score / softcap)."""
    return each(scores, lambda v: softcap * reals.tanh(v / softcap)) if softcap else scores


@dataclass(frozen=True)
class Bounds:
    """Which keys a query may see: up to itself when ``causal``, and the window around it. ``offsets``: by batch, of query 0."""

    offsets: Sequence[int]
    ends: Sequence[int]
    causal: bool = False
    left: int = -1
    right: int = -1

    def sees(self, b: int, i: int, j: int) -> bool:
        """Keys from the end of a batch on are padding."""
        here = self.offsets[b] + i
        behind = self.left < 0 or j >= here - self.left
        ahead = self.right < 0 or j <= here + self.right
        return j < self.ends[b] and behind and ahead and (not self.causal or j <= here)


def _of_mask(mask: Tensor | None, place: Index) -> Number:
    """What a mask adds: False -infinity, nothing beyond its last column -infinity; axes of length 1 and missing ones are repeated."""
    if mask is None:
        return Fraction(0)
    at = [
        0 if n == 1 and a < len(mask.shape) - 1 else p
        for a, (p, n) in enumerate(zip(place[4 - len(mask.shape) :], mask.shape, strict=True))
    ]
    if at[-1] >= mask.shape[-1]:
        return -INF
    found = mask[tuple(at)]
    return found if not isinstance(found, bool) else Fraction(0) if found else -INF


def scored(scores: Scores, mask: Tensor | None, bounds: Bounds) -> tuple[Scores, Scores]:
    """The scores with the mask and -infinity for keys that are not seen, and what was added."""
    added = {
        (b, h, i): [_of_mask(mask, (b, h, i, j)) if bounds.sees(b, i, j) else -INF for j in range(len(row))]
        for (b, h, i), row in scores.items()
    }
    return {p: [total(pair) for pair in zip(row, added[p], strict=True)] for p, row in scores.items()}, added


def weighed(scores: Scores, added: Scores | None, precision: str | None) -> Scores:
    """The softmax of each row, a cast to the precision before and after it; 0 for a row without keys."""

    def near(v: Number) -> Number:
        return round_to(v, precision) if precision else v

    def weights(place: tuple[int, int, int], row: Row) -> Row:
        if added is not None and all(v == -INF for v in added[place]):
            return [Fraction(0)] * len(row)
        return [near(v) for v in softmax([near(v) for v in row])]

    return {p: weights(p, row) for p, row in scores.items()}


def applied(weights: Scores, v: Tensor, heads: int, length: int, type: str) -> Tensor:
    """The sums of the values with these weights."""
    share = heads // v.shape[1]
    shape = (v.shape[0], heads, length, v.shape[3])
    return built(type, shape, lambda i: dot(weights[i[0], i[1], i[2]], [v[i[0], i[1] // share, j, i[3]] for j in range(v.shape[2])]))


def tensor(scores: Scores, type: str) -> Tensor:
    """[batch, heads, queries, keys]."""
    last = max(scores)
    shape = (*(n + 1 for n in last), len(scores[last]))
    return built(type, shape, lambda i: scores[i[0], i[1], i[2]][i[3]])
