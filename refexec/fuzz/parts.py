"""What the steps of a reduction share: nodes wherever they stand, the names that they take, values with their types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import onnx

from refexec.proto_types import type_to_proto
from refexec.types import TensorType, ValueType

__all__ = ["Feeds", "Known", "Tries", "all_nodes", "graphs", "info", "nested", "taken"]

Feeds = dict[str, Any]


class Tries(Protocol):
    def holds(self, model: onnx.ModelProto, feeds: Feeds) -> bool:
        """Whether what one looks for is still there."""


@dataclass(frozen=True)
class Known:
    """A value as a user gives it, with its type: a list does not tell its own."""

    value: Any
    type: ValueType


def info(name: str, known: Known) -> onnx.ValueInfoProto:
    type = known.type
    shaped = TensorType(type.elem, known.value.shape) if isinstance(type, TensorType) else type
    return onnx.ValueInfoProto(name=name, type=type_to_proto(shaped))


def all_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    for nodes in (model.graph.node, *(f.node for f in model.functions)):
        yield from nested(nodes)


def nested(nodes: Any) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for graph in graphs(node):
            yield from nested(graph.node)


def graphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [g for a in node.attribute for g in ([a.g] if a.type == onnx.AttributeProto.GRAPH else a.graphs)]


def taken(node: onnx.NodeProto) -> list[str]:
    """The names that a node takes, those that its bodies take from outside too."""
    found = [n for n in node.input if n]
    for graph in graphs(node):
        own = {i.name for i in graph.input} | {w.name for w in graph.initializer} | {o for n in graph.node for o in n.output}
        found += [n for inner in graph.node for n in taken(inner) if n not in own]
        found += [o.name for o in graph.output if o.name not in own]
    return found
