"""Value types as ``onnx.TypeProto``."""

from __future__ import annotations

from typing import Any

import onnx

from refexec.types import MapType, OptionalType, SequenceType, SparseTensorType, TensorType, ValueType

__all__ = ["type_to_proto"]


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
