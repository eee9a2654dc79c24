"""Graphs in attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onnx import GraphProto, NodeProto, TensorProto, TypeProto, ValueInfoProto
from onnx.helper import make_graph, make_node, make_tensor, make_value_info

from conformance.exact.values import Tensor, Value, type_proto

__all__ = ["COUNT", "FLAG", "any_length", "graph", "integer", "nodes", "truth"]


def integer(value: int) -> Tensor:
    """An int64 scalar."""
    return Tensor("int64", (), (value,))


def truth(value: bool) -> Tensor:
    """A bool scalar."""
    return Tensor("bool", (), (value,))


COUNT, FLAG = integer(0), truth(True)
"""For the types of a graph's inputs and outputs."""


def nodes(*lines: str, **attributes: Any) -> list[NodeProto]:
    """From lines such as ``y = Add a b``; ``_`` is an input that is left out. The attributes are those of the last node."""
    made = []
    for line in lines:
        results, _, call = line.partition(" = ")
        op, *inputs = call.split()
        made.append(make_node(op, ["" if name == "_" else name for name in inputs], results.split()))
    if attributes:
        last = make_node(made[-1].op_type, list(made[-1].input), list(made[-1].output), **attributes)
        made[-1] = last
    return made


def graph(
    body: Sequence[NodeProto],
    inputs: Mapping[str, Value | TypeProto],
    outputs: Mapping[str, Value | TypeProto],
    initializers: Mapping[str, int] | None = None,
) -> GraphProto:
    """The values give the types of inputs and outputs; initializers are int64 scalars."""
    constants = [make_tensor(name, TensorProto.INT64, [], [value]) for name, value in (initializers or {}).items()]
    return make_graph(list(body), "body", _infos(inputs), _infos(outputs), constants)


def _infos(values: Mapping[str, Value | TypeProto]) -> list[ValueInfoProto]:
    return [make_value_info(name, v if isinstance(v, TypeProto) else type_proto(v)) for name, v in values.items()]


def any_length(x: Tensor) -> TypeProto:
    """The type of a tensor whose axes change."""
    made = type_proto(x)
    for axis in made.tensor_type.shape.dim:
        axis.Clear()
    return made
