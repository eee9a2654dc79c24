"""SequenceMap."""

from __future__ import annotations

from fractions import Fraction

from conformance.exact.families.bodies import COUNT, any_length, graph, nodes
from conformance.exact.families.containers import element, is_tensor, ordinary, rare
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Seq, Tensor


def _sequence(items: list[Tensor]) -> Seq:
    return Seq(f"tensor({items[0].type})", tuple(items))


@oracle("SequenceMap", 17)
def sequence_map(types: Types, since: int) -> list[Case]:
    """The sequences of what the body gives for the i-th tensors of the input sequences; an input tensor is the same for each i."""
    if types.tested == "S":
        made = [_mapped(element(types["S"]))]
        return made + _traps() if types["S"] == "seq(tensor(float))" else made
    return [_with_tensor(types["V"]) if is_tensor(types["V"]) else _with_sequence(element(types["V"]))]


def _mapped(type: str) -> Case:
    a = [ordinary(type), rare(type)]
    body = graph(nodes("y = Identity p"), {"p": a[0]}, {"y": a[0]})
    return Case([_sequence(a)], [_sequence(a)], {"body": body})


def _with_tensor(type: str) -> Case:
    """Two outputs: the samples, and the tensor once for each."""
    a, b = [ordinary("float"), rare("float")], rare(type)
    body = graph(nodes("y = Identity q", "z = Identity p"), {"p": a[0], "q": b}, {"y": b, "z": a[0]})
    return Case([_sequence(a), b], [_sequence([b, b]), _sequence(a)], {"body": body})


def _with_sequence(type: str) -> Case:
    a, b = [ordinary("float"), rare("float")], [rare(type), ordinary(type)]
    body = graph(nodes("y = Identity q"), {"p": a[0], "q": b[0]}, {"y": b[0]})
    return Case([_sequence(a), _sequence(b)], [_sequence(b)], {"body": body})


def _traps() -> list[Case]:
    return [_none(), _shapes(), _outer(), _mixed()]


def _none() -> Case:
    """No sample: no tensor."""
    a = ordinary("float")
    body = graph(nodes("y = Identity p", "z = Shape p"), {"p": a}, {"y": a, "z": Tensor("int64", (2,), (0, 0))})
    return Case([Seq("tensor(float)", ())], [Seq("tensor(float)", ()), Seq("tensor(int64)", ())], {"body": body})


def _shapes() -> Case:
    """Samples of different shapes, and an output of another type; one output is not asked for."""
    a = [ordinary("float", (3,)), ordinary("float", (1,)), Tensor("float", (0,), ())]
    sizes = [Tensor("int64", (), (n,)) for n in (3, 1, 0)]
    body = graph(nodes("y = Identity p", "z = Size p"), {"p": any_length(a[0])}, {"y": any_length(a[0]), "z": COUNT})
    return Case([_sequence(a)], [_sequence(a), _sequence(sizes)], {"body": body})


def _numbers(*values: int) -> list[Tensor]:
    return [Tensor("float", (), (Fraction(v, 4),)) for v in values]


def _outer() -> Case:
    """p + c, where c is of the enclosing graph."""
    a, (c,) = _numbers(1, 2, 3), _numbers(5)
    body = graph(nodes("y = Add p c"), {"p": c}, {"y": c})
    return Case([_sequence(a)], [_sequence(_numbers(6, 7, 8))], {"body": body}, outer={"c": c})


def _mixed() -> Case:
    """p - q + r - s, where q and s are tensors and p and r come from sequences."""
    p, r, (q, s) = _numbers(1, 2, 3), _numbers(10, 20, 30), _numbers(5, 7)
    body = graph(nodes("a = Sub p q", "b = Add a r", "y = Sub b s"), dict.fromkeys("pqrs", q), {"y": q})
    return Case([_sequence(p), q, _sequence(r), s], [_sequence(_numbers(-1, 10, 21))], {"body": body})
