"""ai.onnx.preview.training Gradient, of functions whose value is one number.

The text also has a Gradient of a Gradient, the second derivative. No case asks for it: refexec has no rule for it and refuses it by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from onnx import NodeProto, TensorProto
from onnx.helper import make_node

from conformance.exact import reals
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float
from conformance.exact.values import Case, Tensor

TRAINING = "ai.onnx.preview.training"


def _nodes(*lines: str) -> list[NodeProto]:
    """From lines such as ``y = Add a b``."""
    made = []
    for line in lines:
        result, _, call = line.partition(" = ")
        op, *inputs = call.split()
        made.append(make_node(op, inputs, [result], keepdims=0) if op == "ReduceSum" else make_node(op, inputs, [result]))
    return made


def _gradient(inputs: Sequence[Tensor], outputs: Sequence[Tensor | None], before: Sequence[NodeProto], **attributes: Any) -> Case:
    return Case(inputs, outputs, {"y": "y", **attributes}, before=before)


def _vectors(type: str) -> tuple[Tensor, Tensor]:
    a = Tensor(type, (3,), (Fraction(1, 2), Fraction(-3, 4), Fraction(5)))
    return a, Tensor(type, (3,), (Fraction(2), Fraction(1, 8), Fraction(-7, 2)))


@oracle("Gradient", 1, domain=TRAINING, usual={"T1": "float", "T2": "float"})
def gradient(types: Types, since: int) -> list[Case]:
    """dy / dx for each x of xs, at the values that the inputs give to xs and then to zs."""
    if types.tested == "T1" and not is_float(types["T1"]):
        return [_constant(types["T1"])]
    t = types["T2"] if types.tested == "T2" else types["T1"]
    wider = [*_functions(t), *_graphs(t), _broadcast(t)] if types.tested == "T1" and t == "float" else []
    return [*_products(t), *_arithmetic(t), *wider]


def _products(t: str) -> list[Case]:
    """y = a b: b and a. With the names in another order the values go elsewhere; outputs may be left out."""
    a, b = Tensor(t, (), (Fraction(-3, 4),)), Tensor(t, (), (Fraction(5, 8),))
    before = _nodes("y = Mul x0 x1")
    return [
        _gradient([a, b], [b, a], before, xs=["x0", "x1"]),
        _gradient([a, b], [b, a], before, xs=["x1", "x0"]),
        _gradient([a, b], [None, a], before, xs=["x0", "x1"]),
        _gradient([a, b], [b], before, xs=["x0"], zs=["x1"]),
        _gradient([a, b], [b], before, xs=["x1"], zs=["x0"]),
    ]


def _arithmetic(t: str) -> list[Case]:
    """(a^3 - a) / b; an intermediate h = a + b; a factor that collects what it is broadcast to."""
    a, b = Fraction(-3, 4), Fraction(8)
    x, z = Tensor(t, (), (a,)), Tensor(t, (), (b,))
    cube = _nodes("s = Mul x0 x0", "c = Mul s x0", "d = Sub c x0", "y = Div d x1")
    by_a, by_b = Tensor(t, (), ((3 * a * a - 1) / b,)), Tensor(t, (), (-(a**3 - a) / b**2,))
    inner = _nodes("h = Add x0 x1", "n = Neg h", "p = Mul n x1", "y = Mul p h")
    row = Tensor(t, (1,), (a,))
    return [
        _gradient([x, z], [by_a, by_b], cube, xs=["x0", "x1"]),
        _gradient([x, z], [Tensor(t, (), (-2 * a * b,))], inner, xs=["h"], zs=["x1"]),
        _gradient([row, z], [Tensor(t, (1,), (b,)), Tensor(t, (), (a,))], _nodes("y = Mul x0 x1"), xs=["x0", "x1"]),
    ]


def _functions(t: str) -> list[Case]:
    """Sums of one function of each element."""
    a, b = _vectors(t)
    derivatives = {
        "Sin": reals.cos,
        "Exp": reals.exp,
        "Tanh": lambda v: 1 - reals.tanh(v) ** 2,
        "Sigmoid": lambda v: reals.sigmoid(v) * reals.sigmoid(-v),
        "Neg": lambda v: Fraction(-1),
        "Reciprocal": lambda v: -1 / v**2,
        "Relu": lambda v: Fraction(int(v > 0)),
        "Abs": lambda v: Fraction(1 if v > 0 else -1),
    }
    why = "the text does not say where a derivative is rounded"
    cases = [
        Case([a], [a.map(d)], {"y": "y", "xs": ["x0"]}, ulps=4, why=why, before=_nodes(f"f = {op} x0", "y = ReduceSum f"))
        for op, d in derivatives.items()
    ]
    quotient = _nodes("f = Div x0 x1", "y = ReduceSum f")
    by_b = Tensor(t, (3,), tuple(-v / w**2 for v, w in zip(a.values, b.values, strict=True)))
    return [*cases, _gradient([a, b], [b.map(lambda v: 1 / v), by_b], quotient, xs=["x0", "x1"])]


def _graphs(t: str) -> list[Case]:
    """One tensor used twice, an intermediate tensor, and a matrix product."""
    a, b = _vectors(t)
    twice = _nodes("s = Mul x0 x0", "c = Mul s x0", "d = Sub c x0", "y = ReduceSum d")
    inner = _nodes("h = Sin x0", "p = Mul h x1", "q = Mul p h", "y = ReduceSum q")
    by_h = Tensor(t, (3,), tuple(2 * v * w for v, w in zip(a.values, b.values, strict=True)))
    m = [[Fraction(1), Fraction(2)], [Fraction(-3), Fraction(1, 2)]]
    n = [[Fraction(5, 4), Fraction(-1)], [Fraction(3), Fraction(7)]]
    by_m = [[sum(n[j], Fraction(0)) for j in range(2)] for _ in range(2)]
    by_n = [[m[0][i] + m[1][i] for _ in range(2)] for i in range(2)]
    product = _nodes("p = MatMul x0 x1", "y = ReduceSum p")
    return [
        _gradient([a], [a.map(lambda v: 3 * v * v - 1)], twice, xs=["x0"]),
        _gradient([a, b], [by_h], inner, xs=["h"], zs=["x1"]),
        _gradient([Tensor.of(t, m), Tensor.of(t, n)], [Tensor.of(t, by_m), Tensor.of(t, by_n)], product, xs=["x0", "x1"]),
    ]


def _broadcast(t: str) -> Case:
    """A factor for all elements collects what each contributes."""
    a, _ = _vectors(t)
    c = Tensor(t, (1,), (Fraction(3, 2),))
    return _gradient([a, c], [a.map(lambda v: Fraction(3, 2)), Tensor(t, (1,), (sum(a.values),))],
                     _nodes("p = Mul x0 x1", "y = ReduceSum p"), xs=["x0", "x1"])  # fmt: skip


def _constant(type: str) -> Case:
    """y = a f(z) for a z of another type, by which nothing is derived: f(z)."""
    a = Tensor("float", (), (Fraction(3, 2),))
    z: Tensor
    if type in ("complex64", "complex128"):  # f counts the elements
        z, factor = Tensor(type, (2,), ((Fraction(1), Fraction(2)), (Fraction(0), Fraction(-1)))), Fraction(2)
        first = make_node("Size", ["x1"], ["n"])
    else:
        value: Any = "2.5" if type == "string" else True if type == "bool" else 100
        z, factor = Tensor(type, (), (value,)), Fraction(value)
        first = make_node("Identity", ["x1"], ["n"])
    before = [first, make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT), *_nodes("y = Mul x0 f")]
    return _gradient([a, z], [Tensor("float", (), (factor,))], before, xs=["x0"], zs=["x1"])
