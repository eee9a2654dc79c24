"""If."""

from __future__ import annotations

from onnx import GraphProto

from conformance.exact.families.bodies import COUNT, FLAG, graph, integer, nodes, truth
from conformance.exact.families.containers import held, ordinary
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor, Value


def _branch(name: str, value: Value) -> GraphProto:
    """A graph that gives the value of the enclosing graph called ``name``.

    No operator of every version passes on a sequence or an optional of every type, hence a loop of one round whose state it is.
    """
    result = f"{name}_out"
    if isinstance(value, Tensor):
        return graph(nodes(f"{result} = Identity {name}"), {}, {result: value})
    body = graph([], {"i": COUNT, "k": FLAG, "v": value}, {"k": FLAG, "v": value})
    return graph(nodes(f"{result} = Loop one _ {name}", body=body), {}, {result: value}, {"one": 1})


def _choice(then: Value, otherwise: Value, condition: Tensor) -> Case:
    chosen = then if condition.values[0] else otherwise
    branches = {"then_branch": _branch("a", then), "else_branch": _branch("b", otherwise)}
    return Case([condition], [chosen], branches, outer={"a": then, "b": otherwise})


@oracle("If", 1, 11, 13, 16, 19, 21, 23, 24, 25)
def choose(types: Types, since: int) -> list[Case]:
    """What then_branch gives when the condition is true, else what else_branch gives. Branches may use names of the enclosing graph."""
    type = types["V"]
    then, otherwise = held(type), held(type, other=True)
    made = [_choice(then, otherwise, truth(True)), _choice(then, otherwise, truth(False))]
    if types.tested == "V" and type == "bool":
        return [*made, _own_condition()]
    return made + _traps(since) if types.tested == "V" and type == "float" else made


def _traps(since: int) -> list[Case]:
    a, b = ordinary("float"), ordinary("float", start=2)
    made = [_choice(a, b, Tensor("bool", shape, (value,))) for shape in ((1,), (1, 1)) for value in (True, False)]
    made += [_several(a, b), _nested(a, b)]
    if since >= 11:
        made += [_choice(a, ordinary("float", (3,)), truth(False)), _not_taken(a)]
    return made


def _several(a: Tensor, b: Tensor) -> Case:
    """Outputs meet by position; one is not asked for."""
    then = graph(nodes("p = Identity a", "q = Identity b", "r = Identity a"), {}, {"p": a, "q": b, "r": a})
    otherwise = graph(nodes("p = Identity b", "q = Identity a", "r = Identity b"), {}, {"q": a, "p": b, "r": b})
    return Case([truth(False)], [a, None, b], {"then_branch": then, "else_branch": otherwise}, outer={"a": a, "b": b})


def _nested(a: Tensor, b: Tensor) -> Case:
    """A branch of a branch sees the names of both graphs around it."""
    deep = graph(nodes("d = Identity c"), {}, {"d": a})
    other = graph(nodes("e = Identity b"), {}, {"e": b})
    inner = nodes("c = Identity a", "f = If x0", then_branch=deep, else_branch=other)
    branches = {"then_branch": graph(inner, {}, {"f": a}), "else_branch": _branch("b", b)}
    return Case([truth(True)], [a], branches, outer={"a": a, "b": b})


def _own_condition() -> Case:
    """Both branches give the condition itself, one of them its opposite."""
    then = graph(nodes("p = Not x0"), {}, {"p": FLAG})
    return Case([truth(True)], [truth(False)], {"then_branch": then, "else_branch": graph(nodes("q = Identity x0"), {}, {"q": FLAG})})


def _not_taken(a: Tensor) -> Case:
    """An index out of bounds is an error; the graph of the other branch is not run."""
    then = graph(nodes("p = Gather a i"), {}, {"p": ordinary("float", (2,))})
    otherwise = graph(nodes("q = Gather a j"), {}, {"q": ordinary("float", (2,))})
    outer = {"a": a, "i": integer(5), "j": integer(1)}
    return Case([truth(False)], [Tensor("float", (2,), a.values[2:])], {"then_branch": then, "else_branch": otherwise}, outer=outer)
