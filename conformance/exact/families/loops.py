"""Loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from onnx import GraphProto, NodeProto, TensorProto, TypeProto

from conformance.exact.families.bodies import COUNT, FLAG, any_length, graph, integer, nodes, truth
from conformance.exact.families.containers import held, ordinary
from conformance.exact.families.pieces import stacked
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Opt, Seq, Tensor, Value

LARGEST = 2**63 - 1


@oracle("Loop", 1, 11, 13, 16, 19, 21, 23, 24, 25)
def loop(types: Types, since: int) -> list[Case]:
    """for (i = 0; i < M && cond; ++i) body. M or cond may be left out; scan outputs have a new first axis, one entry for each round."""
    type = types["V"]
    p, q = held(type), held(type, other=True)
    made = [_exchange(p, q, integer(3), truth(True))]
    if types.tested != "V":
        return made
    if type == "float":
        made += _floats(since)
    if type == "int64":
        made += _counted(since)
    if type == "int32" and since >= 11:
        made.append(_example())
    if type == "seq(tensor(float))":
        made.append(_collected())
    if type == "optional(tensor(float))":
        made.append(_filled())
    return made


def _body(lines: Sequence[NodeProto], states: Mapping[str, Value | TypeProto], outputs: Mapping[str, Value | TypeProto]) -> GraphProto:
    return graph(lines, {"i": COUNT, "k": FLAG, **states}, outputs)


def _exchange(p: Value, q: Value, trips: Tensor | None, condition: Tensor | None) -> Case:
    """Three rounds in which two states change places; of tensors, the first one is collected."""
    if not isinstance(p, Tensor):
        body = _body([], {"p": p, "q": q}, {"k": FLAG, "q": q, "p": p})
        return Case([trips, condition, p, q], [q, p], {"body": body})
    assert isinstance(q, Tensor)
    body = _body(nodes("s = Identity p"), {"p": p, "q": q}, {"k": FLAG, "q": q, "p": p, "s": p})
    return Case([trips, condition, p, q], [q, p, stacked([p, q, p])], {"body": body})


NEVER = [(integer(0), None), (integer(0), truth(True)), (integer(3), truth(False)), (None, truth(False)), (integer(-1), None)]
"""M and cond of loops without a round."""

TWICE = [
    (None, truth(True), 2), (integer(LARGEST), truth(True), 2), (integer(3), truth(True), 2), (integer(2), truth(True), 2),
    (integer(1), truth(True), 1), (integer(3), None, 3),
]  # fmt: skip
"""M, cond and the number of rounds when the body's condition is true once, then false. Without cond it is ignored."""


def _floats(since: int) -> list[Case]:
    p, q = ordinary("float"), ordinary("float", start=2)
    made = [_exchange(p, q, integer(3), None), _sums(), *(_unrun(p, *given) for given in NEVER), *(_stopped(p, *given) for given in TWICE)]
    return [*made, _growing(), _nested()] if since >= 11 else made


def _unrun(p: Tensor, trips: Tensor | None, condition: Tensor | None) -> Case:
    """No round: the states are the initial ones, and scan outputs have no entry."""
    body = _body(nodes("r = Neg p", "s = Identity p"), {"p": p}, {"k": FLAG, "r": p, "s": p})
    return Case([trips, condition, p], [p, Tensor("float", (0, 2, 2), ())], {"body": body})


def _stopped(p: Tensor, trips: Tensor | None, condition: Tensor | None, rounds: int) -> Case:
    """The round that gives false is the last one. The condition is a state of its own, which changes in each round."""
    body = _body(
        nodes("r = Neg p", "d = Not c", "e = Identity c", "s = Identity i"), {"p": p, "c": FLAG}, {"e": FLAG, "r": p, "d": FLAG, "s": COUNT}
    )
    final = p.map(lambda v: v * (-1) ** rounds)
    collected = Tensor("int64", (rounds,), tuple(range(rounds)))
    return Case([trips, condition, p, truth(True)], [final, truth(rounds % 2 == 0), collected], {"body": body})


def _sums() -> Case:
    """v = v + a, where a is of the enclosing graph; the first output is not asked for, two are collected."""
    v, a = Tensor("float", (), (Fraction(1, 2),)), Tensor("float", (), (Fraction(1, 4),))
    body = _body(nodes("r = Add v a", "s = Identity r", "t = Identity v"), {"v": v}, {"k": FLAG, "r": v, "s": v, "t": v})
    sums = [Fraction(n, 4) for n in (2, 3, 4, 5)]
    outputs = [None, Tensor("float", (3,), tuple(sums[1:])), Tensor("float", (3,), tuple(sums[:3]))]
    return Case([integer(3), None, v], outputs, {"body": body}, outer={"a": a})


def _growing() -> Case:
    """A state may change its shape."""
    v = ordinary("float", (1,))
    body = _body(nodes("r = Concat v v", axis=0), {"v": any_length(v)}, {"k": FLAG, "r": any_length(v)})
    return Case([integer(2), None, v], [Tensor("float", (4,), v.values * 4)], {"body": body})


def _nested() -> Case:
    """A loop in a loop, both of two rounds: v = v + a, with a from the outermost graph and the number of rounds from the middle one."""
    v, a = Tensor("float", (), (Fraction(1, 2),)), Tensor("float", (), (Fraction(1, 4),))
    inner = graph(nodes("t = Add u a"), {"j": COUNT, "l": FLAG, "u": v}, {"l": FLAG, "t": v})
    lines = [*nodes("n = Identity x0"), *nodes("r = Loop n _ v", body=inner), *nodes("s = Identity r")]
    body = _body(lines, {"v": v}, {"k": FLAG, "r": v, "s": v})
    sums = Tensor("float", (2,), (Fraction(1), Fraction(3, 2)))
    return Case([integer(2), None, v], [Tensor("float", (), sums.values[1:]), sums], {"body": body}, outer={"a": a})


def _counted(since: int) -> list[Case]:
    """The number of the round, from 0 on; since version 11 a loop needs no state."""
    v = integer(LARGEST)
    body = _body(nodes("r = Identity i", "s = Identity i"), {"v": v}, {"k": FLAG, "r": v, "s": v})
    numbers = Tensor("int64", (3,), (0, 1, 2))
    made = [Case([integer(3), truth(True), v], [integer(2), numbers], {"body": body})]
    if since >= 11:
        made.append(Case([integer(3), truth(True)], [numbers], {"body": _body(nodes("s = Identity i"), {}, {"k": FLAG, "s": v})}))
    return made


def _example() -> Case:
    """The one of the text: b = a - b while a + b > a - b, at most ten rounds; a is 3 and b 6 at first."""
    a, b = Tensor("int32", (), (3,)), Tensor("int32", (), (6,))
    lines = nodes("local = Add a b_in", "b_out = Sub a b_in", "keep = Greater local b_out", "value = Add b_in b_in")
    body = _body(lines, {"b_in": b}, {"keep": FLAG, "b_out": b, "value": b})
    return Case([integer(10), truth(True), b], [b, Tensor("int32", (2,), (12, -6))], {"body": body}, outer={"a": a})


def _collected() -> Case:
    """A sequence that gets one tensor more in each round."""
    start = Seq("tensor(float)", ())
    number = Tensor("float", (), (Fraction(0),))
    lines = [*nodes("f = Cast i", to=TensorProto.FLOAT), *nodes("r = SequenceInsert v f")]
    items = tuple(number.map(lambda v, n=n: v + n) for n in range(3))
    return Case([integer(3), None, start], [Seq(start.elem, items)], {"body": _body(lines, {"v": start}, {"k": FLAG, "r": start})})


def _filled() -> Case:
    """An optional that is empty before the first round."""
    start = Opt("tensor(float)", None)
    lines = [*nodes("f = Cast i", to=TensorProto.FLOAT), *nodes("r = Optional f")]
    final = Opt(start.elem, Tensor("float", (), (Fraction(1),)))
    return Case([integer(2), None, start], [final], {"body": _body(lines, {"v": start}, {"k": FLAG, "r": start})})
