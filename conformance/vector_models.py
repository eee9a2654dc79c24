"""Operator cases of ONNX Runtime 0.3, as they stand in the case files, made into ONNX models and values.

A case is a JSON object: nodes with typed attributes (bodies included), the inputs and expected outputs with element type, dimensions
and values. A value with ``missing`` is an optional one that the case leaves out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, TypeProto, ValueInfoProto, helper

from refexec.types import element_type

__all__ = ["expected_values", "feeds", "model"]

Json = dict[str, Any]
ONNX_OPSET = 9  # beside a case of another domain
NUMBER_FIELDS = ("float_data", "double_data", "int32_data", "int64_data", "uint64_data")


def model(case: Json) -> onnx.ModelProto:
    """The model of a case. IR version 4 at least: bodies have initializers that are no inputs."""
    given = {v["name"]: v for v in case["inputs"] if not v.get("missing")}
    graph = helper.make_graph(
        [_node(n) for n in case["nodes"]],
        "case",
        [helper.make_value_info(name, _type(case, v)) for name, v in given.items()],
        [helper.make_value_info(v["name"], _type(case, v)) for v in case["outputs"] if not v.get("missing")],
        initializer=[_initializer(v) for v in given.values() if v.get("initializer")],
    )
    opsets = {"": ONNX_OPSET} | {case["domain"]: case["opset"]}
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    ir_version = helper.find_min_ir_version_for([o for o in imports if not o.domain], ignore_unknown=True)
    return helper.make_model(graph, opset_imports=imports, ir_version=max(4, ir_version))


def feeds(case: Json) -> dict[str, Any]:
    """What the case feeds, by name."""
    return {v["name"]: _value(v) for v in case["inputs"] if not v.get("missing") and not v.get("initializer")}


def expected_values(case: Json) -> list[Any]:
    """The expected outputs."""
    return [_value(v) for v in case["outputs"] if not v.get("missing")]


def _value(v: Json) -> Any:
    """An ndarray, a dict for a map, or a list of them."""
    if v.get("kind") == "map":
        return dict(v["items"])
    if v.get("kind") == "seq_map":
        return [dict(m["items"]) for m in v["maps"]]
    if v["dtype"] == "string":
        text = np.empty(len(v["values"]), object)
        text[:] = v["values"]
        return text.reshape(v["dims"])
    return np.array(v["values"], element_type(v["dtype"]).dtype).reshape(v["dims"])


def _initializer(v: Json) -> TensorProto:
    return helper.make_tensor(v["name"], element_type(v["dtype"]).number, v["dims"], v["values"])


def _type(case: Json, v: Json) -> TypeProto:
    if v.get("kind") in ("map", "seq_map"):
        of = TypeProto()
        of.map_type.key_type = element_type(v["key_type"]).number
        of.map_type.value_type.CopyFrom(helper.make_tensor_type_proto(element_type(v["value_type"]).number, []))
        return helper.make_sequence_type_proto(of) if v["kind"] == "seq_map" else of
    shape = None
    if case["add_shape"]:
        shape = ["symbolic" if axis == case["symbolic_dim"] else d for axis, d in enumerate(v["dims"])]
    return helper.make_tensor_type_proto(element_type(v["dtype"]).number, shape)


def _node(n: Json) -> NodeProto:
    inputs, outputs = ([*names] for names in (n["inputs"], n["outputs"]))
    for names in (inputs, outputs):
        while names and not names[-1]:
            names.pop()
    made = NodeProto(op_type=n["op"], domain=n["domain"], input=inputs, output=outputs)
    made.attribute.extend(_attribute(a) for a in n["attrs"])
    return made


def _attribute(a: Json) -> AttributeProto:
    made, value = AttributeProto(name=a["name"], type=AttributeProto.AttributeType.Value(a["type"])), a["value"]
    match a["type"]:
        case "FLOAT":
            made.f = value
        case "INT":
            made.i = value
        case "STRING":
            made.s = value.encode()
        case "FLOATS":
            made.floats.extend(value)
        case "INTS":
            made.ints.extend(value)
        case "STRINGS":
            made.strings.extend(text.encode() for text in value)
        case "TENSOR":
            made.t.CopyFrom(_tensor(value))
        case "GRAPH":
            made.g.CopyFrom(_body(value))
        case other:
            raise ValueError(f"an attribute of type {other}")
    return made


def _tensor(t: Json) -> TensorProto:
    made = TensorProto(name=t.get("name", ""), dims=t["dims"], data_type=element_type(t["dtype"]).number)
    for field in NUMBER_FIELDS:
        getattr(made, field).extend(t.get(field, ()))
    return made


def _body(g: Json) -> GraphProto:
    inputs, outputs = ([_body_value(v) for v in g[key]] for key in ("inputs", "outputs"))
    return helper.make_graph([_node(n) for n in g["nodes"]], "body", inputs, outputs, initializer=[_tensor(t) for t in g["initializers"]])


def _body_value(v: Json) -> ValueInfoProto:
    """A body's input or output; ONNX Runtime inferred the types that are not written, which are all float."""
    elem, shape = (v["type"]["elem"], v["type"]["shape"]) if v["type"] else ("float32", None)
    return helper.make_tensor_value_info(v["name"], element_type(elem).number, shape)
