"""Other spellings of a model that mean the same: each gives the model and what its inputs are called then."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import onnx

__all__ = ["TRANSFORMS", "renamed", "serialized"]

Transform = Callable[[onnx.ModelProto], tuple[onnx.ModelProto, dict[str, str]]]


def serialized(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Written and read."""
    return onnx.ModelProto.FromString(model.SerializeToString()), {}


def as_json(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Written as protobuf's JSON and read."""
    json: Any = onnx.serialization.registry.get("json")
    found: onnx.ModelProto = json.deserialize_proto(json.serialize_proto(model), onnx.ModelProto())
    return found, {}


def renamed(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Every value another name; names of bodies and functions stay apart from those around them."""
    result = copy.deepcopy(model)
    names: dict[str, str] = {"": ""}
    _rename(result.graph, names)
    for function in result.functions:
        own: dict[str, str] = {"": ""}
        for i, name in enumerate(function.input):
            function.input[i] = _new(own, name)
        _rename_nodes(function.node, own)
        for i, name in enumerate(function.output):
            function.output[i] = own[name]
    return result, {i.name: names[i.name] for i in model.graph.input}


def _new(names: dict[str, str], name: str) -> str:
    return names.setdefault(name, f"renamed/{len(names)}.{name[::-1]}")


def _rename(graph: Any, names: dict[str, str]) -> None:
    for part in (graph.input, graph.initializer):
        for item in part:
            item.name = _new(names, item.name)
    _rename_nodes(graph.node, names)
    for part in (graph.output, graph.value_info):
        for item in part:
            item.name = _new(names, item.name)


def _rename_nodes(nodes: Any, names: dict[str, str]) -> None:
    for node in nodes:
        inputs = [_new(names, n) for n in node.input]
        for attribute in node.attribute:
            for graph in [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs:
                _rename(graph, dict(names))
        outputs = [_new(names, n) for n in node.output]
        del node.input[:], node.output[:]
        node.input.extend(inputs)
        node.output.extend(outputs)


TRANSFORMS: dict[str, Transform] = {"serialization": serialized, "JSON": as_json, "renaming": renamed}
