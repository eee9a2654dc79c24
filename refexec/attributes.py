"""Attributes of a node as Python values: ints, floats (of float32 value), str, read-only arrays, types, tuples of these.

Graph attributes become plans; references to a function's attribute are replaced by the caller's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx

from refexec.errors import InvalidModel
from refexec.proto_types import type_to_proto
from refexec.schema import ATTRIBUTE_TYPES, Signature
from refexec.tensors import sparse_from_proto, tensor_from_proto, tensor_to_proto
from refexec.types import type_from_proto

__all__ = ["complete", "decode", "encode"]

GraphBuilder = Callable[[str, Any], Any]


def decode(node: Any, where: object, given: Mapping[str, Any] | None, build_graph: GraphBuilder, external: Any = None) -> dict[str, Any]:
    """The attributes that ``node`` sets.

    Args:
        node: a NodeProto.
        where: how messages name the node.
        given: inside a function body, the values of the function's attributes; None elsewhere.
        build_graph: ``(attribute name, GraphProto) -> plan``.
        external: reads external tensor data.
    """
    values: dict[str, Any] = {}
    for proto in node.attribute:
        if proto.ref_attr_name:
            if given is not None and proto.ref_attr_name in given:
                values[proto.name] = _referenced(given[proto.ref_attr_name], proto, where)
            continue
        values[proto.name] = decode_value(proto, where, build_graph, external)
    return values


def _referenced(value: Any, proto: Any, where: object) -> Any:
    """The function's attribute that ``proto`` refers to. Raises InvalidModel when its value is not of the type stated."""
    kind = ATTRIBUTE_TYPES.get(proto.type)
    members = value if isinstance(value, tuple) else (value,)
    wanted = {"FLOAT": float, "INT": int, "STRING": str, "TENSOR": np.ndarray}.get(str(kind).removesuffix("S"))
    if str(kind).endswith("S") != isinstance(value, tuple) or (wanted is not None and not all(isinstance(m, wanted) for m in members)):
        message = f"{where}: attribute {proto.name!r} refers to {proto.ref_attr_name!r}, which is of another type"
        raise InvalidModel(message, stated=kind, has=type(value).__name__)
    return value


def decode_value(proto: Any, where: object, build_graph: GraphBuilder, external: Any = None) -> Any:
    """The value of one AttributeProto."""
    kind = ATTRIBUTE_TYPES.get(proto.type)
    what = f"{where}, attribute {proto.name!r}"

    def text(data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidModel(f"{what}: a STRING attribute is UTF-8 text", at=error.start) from None

    match kind:
        case "FLOAT":
            return proto.f
        case "INT":
            return proto.i
        case "STRING":
            return text(proto.s)
        case "TENSOR":
            return tensor_from_proto(proto.t, what, external)
        case "GRAPH":
            return build_graph(proto.name, proto.g)
        case "SPARSE_TENSOR":
            return sparse_from_proto(proto.sparse_tensor, what, external)
        case "TYPE_PROTO":
            return type_from_proto(proto.tp)
        case "FLOATS":
            return tuple(proto.floats)
        case "INTS":
            return tuple(proto.ints)
        case "STRINGS":
            return tuple(map(text, proto.strings))
        case "TENSORS":
            return tuple(tensor_from_proto(t, what, external) for t in proto.tensors)
        case "GRAPHS":
            return tuple(build_graph(f"{proto.name}[{i}]", g) for i, g in enumerate(proto.graphs))
        case "SPARSE_TENSORS":
            return tuple(sparse_from_proto(t, what, external) for t in proto.sparse_tensors)
        case "TYPE_PROTOS":
            return tuple(type_from_proto(t) for t in proto.type_protos)
    raise InvalidModel(f"{what}: the attribute has no type", type=proto.type)


def complete(set_values: Mapping[str, Any], node: Any, signature: Signature, where: object) -> dict[str, Any]:
    """The set attributes and the schema's defaults.

    Raises InvalidModel for an attribute that the schema does not have, has with another type, or requires and does not find.
    """
    for proto in node.attribute:
        formal = signature.attributes.get(proto.name)
        if formal is None:
            raise InvalidModel(f"{where}: {signature.label} has no attribute {proto.name!r}", has=sorted(signature.attributes))
        kind = ATTRIBUTE_TYPES.get(proto.type)
        if kind != formal.type:
            raise InvalidModel(f"{where}: attribute {proto.name!r} of {signature.label} is of type {formal.type}", seen=kind)
    values = {
        name: tuple(a.default) if isinstance(a.default, list) else a.default
        for name, a in signature.attributes.items()
        if a.default is not None
    }
    values.update(set_values)
    for name, formal in signature.attributes.items():
        if formal.required and name not in values:
            raise InvalidModel(f"{where}: {signature.label} requires attribute {name!r}")
    return values


def encode(name: str, value: Any, kind: str = "") -> Any:
    """An AttributeProto of a value; ``kind`` is the schema's type of it, so that whole numbers may be floats and lists may be empty.

    Raises InvalidModel for a value that no attribute holds.
    """
    if isinstance(value, np.ndarray) and kind in ("", "TENSOR"):
        return onnx.helper.make_attribute(name, tensor_to_proto(value))
    if kind == "TYPE_PROTO" and not isinstance(value, onnx.TypeProto):
        return onnx.helper.make_attribute(name, type_to_proto(value))
    if kind == "FLOAT":
        value = float(value)
    elif kind == "FLOATS":
        value = [float(v) for v in value]
    empty = kind and isinstance(value, (list, tuple)) and not value
    try:
        return onnx.helper.make_attribute(name, value, attr_type=onnx.AttributeProto.AttributeType.Value(kind) if empty else None)
    except (TypeError, ValueError) as error:
        raise InvalidModel(f"{value!r} cannot be the attribute {name!r}", type=kind or "unknown", reason=error) from error
