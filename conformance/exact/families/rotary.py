"""RotaryEmbedding."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import times, total
from conformance.exact.families.placement import Index, built
from conformance.exact.families.sliding import quarters
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)


def _rotated(line: Sequence[Number], cosines: Sequence[Number], sines: Sequence[Number], interleaved: bool) -> list[Number]:
    """cos * x1 - sin * x2 in place of x1, sin * x1 + cos * x2 in place of x2: halves of the rotated part, or neighbours; the rest stays."""
    half, found = len(cosines), list(line)
    for k, (c, s) in enumerate(zip(cosines, sines, strict=True)):
        a, b = (2 * k, 2 * k + 1) if interleaved else (k, k + half)
        found[a] = total([times(c, line[a]), -times(s, line[b])])
        found[b] = total([times(s, line[a]), times(c, line[b])])
    return found


@dataclass(frozen=True)
class Rotary:
    """The attributes, and whether positions choose the lines of the caches."""

    dimension: int = 0
    interleaved: bool = False
    heads: int | None = None
    positions: Tensor | None = None

    @property
    def attributes(self) -> dict[str, int]:
        found = {"rotary_embedding_dim": self.dimension, "interleaved": int(self.interleaved), "num_heads": self.heads or 0}
        return {n: v for n, v in found.items() if v}


def _rotary_case(x: Tensor, cosines: Tensor, sines: Tensor, form: Rotary) -> Case:
    """[batch, heads, sequence, size], or [batch, sequence, heads * size]; each head of a token is turned by the angles of its position."""
    flat = len(x.shape) == 3
    batch, length = x.shape[0], x.shape[1 if flat else 2]
    heads = form.heads or 1 if flat else x.shape[1]
    size = x.shape[-1] // heads if flat else x.shape[-1]
    held: dict[Index, Number] = {}
    for b, h, t in itertools.product(range(batch), range(heads), range(length)):
        places = [(b, t, h * size + k) if flat else (b, h, t, k) for k in range(size)]
        line = (form.positions[b, t],) if form.positions else (b, t)
        c, s = ([cache[(*line, k)] for k in range(cache.shape[-1])] for cache in (cosines, sines))
        held |= zip(places, _rotated([x[p] for p in places], c, s, form.interleaved), strict=True)
    inputs = [x, cosines, sines, *([form.positions] if form.positions else [])]
    return Case(inputs, [built(x.type, x.shape, held.__getitem__)], form.attributes)


@oracle("RotaryEmbedding", 23)
def rotary_embedding(types: Types, since: int) -> list[Case]:
    """Half-way sums, infinities and NaN; then whole and partial rotation, halves and neighbours, both ranks, with and without positions."""
    type, found = types["T"], []
    u, tiny, largest, _ = marks(type)
    positions = Tensor("int64", (2, 2), (2, 0, 1, 2))
    if types.tested == "T":
        rows: list[list[Number]] = [[1, 1 + u, -u / 2, u / 2], [largest, tiny, largest, tiny], [INF, 1, 1, NAN], [1 + u, 3, 1, 0]]
        line = Tensor(type, (1, 1, 4, 4), tuple(v for row in rows for v in row))
        cosines = Tensor(type, (1, 4, 2), (1, 1, HALF, HALF, 1, 0, HALF, 1))
        sines = Tensor(type, (1, 4, 2), (1, 1, HALF, HALF, 1, 1, u / 2, -1))
        found += [_rotary_case(line, cosines, sines, Rotary(0, interleaved)) for interleaved in (False, True)]
    for interleaved, given in itertools.product((False, True), (None, positions) if types.tested == "T" else (positions,)):
        for shape, heads in (((2, 1, 2, 4), None), ((2, 2, 2, 6), None), ((2, 2, 4), 1), ((2, 2, 8), 2), ((2, 2, 12), 2)):
            size = shape[-1] // (heads or 1)
            for dimension in (0, 2, 4) if size > 4 else (0, 2):
                half = (dimension or size) // 2
                caches = [quarters(type, (*((3,) if given else (2, 2)), half), start).map(lambda v: v / 8) for start in (2, 11)]
                found.append(_rotary_case(quarters(type, shape), caches[0], caches[1], Rotary(dimension, interleaved, heads, given)))
    return found
