"""LinearAttention."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

from conformance.exact import reals
from conformance.exact.families.lines import dot
from conformance.exact.families.placement import Index, built
from conformance.exact.families.sliding import quarters
from conformance.exact.formats import Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor


@dataclass(frozen=True)
class Heads:
    """The sizes: ``queries`` and ``keys`` are numbers of heads."""

    batch: int
    length: int
    queries: int
    keys: int
    key_size: int
    value_size: int


@dataclass(frozen=True)
class Given:
    """The inputs."""

    q: Tensor
    k: Tensor
    v: Tensor
    past: Tensor | None = None
    decay: Tensor | None = None
    beta: Tensor | None = None

    @property
    def inputs(self) -> list[Tensor | None]:
        return [*vars(self).values()]


Matrix = list[list[Fraction]]


def _row(x: Tensor, b: int, t: int, head: int, size: int) -> list[Fraction]:
    """The numbers of a head, which are packed in the last axis."""
    return [Fraction(x[b, t, head * size + i]) for i in range(size)]


def _gates(given: Given, form: Heads, b: int, t: int, head: int) -> list[Fraction]:
    """exp(decay) of each key dimension; a head may have one for all."""
    if given.decay is None:
        return [Fraction(1)] * form.key_size
    if given.decay.shape[2] == form.keys * form.key_size:
        return [reals.exp(g) for g in _row(given.decay, b, t, head, form.key_size)]
    return [reals.exp(Fraction(given.decay[b, t, head]))] * form.key_size


def _step(state: Matrix, k: list[Fraction], v: list[Fraction], gates: list[Fraction], beta: Fraction | None) -> Matrix:
    """S = g * S + k v^T; with beta S = g * S + beta * k (v - (g * S)^T k)^T."""
    kept = [[g * s for s in row] for row, g in zip(state, gates, strict=True)]
    seen = [Fraction(0) if beta is None else dot(column, k) for column in zip(*kept, strict=True)]
    rate = 1 if beta is None else beta
    return [[s + rate * a * (b - o) for s, b, o in zip(row, v, seen, strict=True)] for row, a in zip(kept, k, strict=True)]


def _linear_case(form: Heads, given: Given, rule: str | None, scale: Fraction | None, type: str) -> Case:
    """o = scale * S^T q after each token, for each head of the queries that shares the state; the state has a type of its own."""
    factor, share, d, e = scale or 1 / reals.sqrt(form.key_size), form.queries // form.keys, form.key_size, form.value_size
    found: dict[Index, Number] = {}
    ends: dict[Index, Fraction] = {}
    for b, h in itertools.product(range(form.batch), range(form.keys)):
        state = [[Fraction(given.past[b, h, i, j]) if given.past else Fraction(0) for j in range(e)] for i in range(d)]
        for t in range(form.length):
            beta = None if given.beta is None else Fraction(given.beta[b, t, h if given.beta.shape[2] > 1 else 0])
            state = _step(state, _row(given.k, b, t, h, d), _row(given.v, b, t, h, e), _gates(given, form, b, t, h), beta)
            for n in range(h * share, (h + 1) * share):
                query = _row(given.q, b, t, n, d)
                found |= {(b, t, n * e + j): factor * dot(query, column) for j, column in enumerate(zip(*state, strict=True))}
        ends |= {(b, h, i, j): state[i][j] for i in range(d) for j in range(e)}
    y = built(given.q.type, (form.batch, form.length, form.queries * e), found.__getitem__)
    present = built(type, (form.batch, form.keys, d, e), ends.__getitem__)
    attributes = {"q_num_heads": form.queries, "kv_num_heads": form.keys, "update_rule": rule, "scale": scale}
    return Case(given.inputs, [y, present], attributes)


SIZES = [Heads(1, 1, 1, 1, 2, 2), Heads(1, 3, 1, 1, 4, 1), Heads(2, 2, 2, 1, 1, 2), Heads(1, 2, 4, 2, 2, 1), Heads(1, 2, 2, 2, 1, 3)]


def _given(form: Heads, type: str, past: Tensor | None, wide: bool | None, shared: bool | None) -> Given:
    """``wide``: a decay for each key dimension; ``shared``: one beta for all heads; None for no decay, no beta."""

    def made(size: int, start: int) -> Tensor:
        return quarters(type, (form.batch, form.length, size), start).map(lambda v: v / 16)

    q, k, v = (made(form.queries * form.key_size, 1), made(form.keys * form.key_size, 7), made(form.keys * form.value_size, 13))
    decay = None if wide is None else made(form.keys * (form.key_size if wide else 1), 19)
    return Given(q, k, v, past, decay, None if shared is None else made(1 if shared else form.keys, 23))


@oracle("LinearAttention", 27)
def linear_attention(types: Types, since: int) -> list[Case]:
    """Each rule, decay for each head and for each key dimension, beta for each head and for all, with and without a state and a scale.

    Without a past state nothing says which type the present one has, except where it can only be float.
    """
    type, to = types["T"], types["S"]
    found = []
    for form, rule in itertools.product(SIZES, (None, "linear", "gated", "delta", "gated_delta")):
        past = quarters(to, (form.batch, form.keys, form.key_size, form.value_size), 3)
        none = None if type == to == "float" else past
        gated, delta = rule is None or "gated" in rule, rule is None or "delta" in rule
        for wide, state, scale in (
            (False, none, None),
            (True, past, Fraction(3, 4)),
            (True, none, single("0.3")),
            (False, past, Fraction(1)),
        ):
            given = _given(form, type, state, wide if gated else None, not wide if delta else None)
            found.append(_linear_case(form, given, rule, scale, to))
    return found
