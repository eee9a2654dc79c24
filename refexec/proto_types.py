"""Value types as ``onnx.TypeProto``, and what a declaration says."""

from __future__ import annotations

from typing import Any

import onnx

from refexec.errors import UnsupportedType, shown
from refexec.types import MapType, OptionalType, SequenceType, SparseTensorType, TensorType, ValueType, type_from_proto

__all__ = ["declared_type", "type_to_proto"]


def type_to_proto(value_type: ValueType) -> Any:
    """The TypeProto of a value type; the inverse of :func:`refexec.types.type_from_proto`."""
    match value_type:
        case TensorType(elem, shape):
            return onnx.helper.make_tensor_type_proto(elem.number, shape)
        case SparseTensorType(elem, shape):
            return onnx.helper.make_sparse_tensor_type_proto(elem.number, shape)
        case SequenceType(inner):
            return onnx.helper.make_sequence_type_proto(type_to_proto(inner))
        case OptionalType(inner):
            return onnx.helper.make_optional_type_proto(type_to_proto(inner))
        case MapType(key, inner):
            return onnx.helper.make_map_type_proto(key.number, type_to_proto(inner))


def declared_type(value: Any, where: str = "") -> ValueType | None:
    """The type of a ValueInfoProto; None when it has none. Raises UnsupportedType naming the value."""
    try:
        return type_from_proto(value.type) if value.type.WhichOneof("value") else None
    except UnsupportedType as error:
        error.add_note(f"in the declared type of {shown(value.name)!r}{f' of {where}' if where else ''}")
        raise
