"""Values as the protobuf messages that onnx's test data have."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from refexec.errors import UnsupportedType
from refexec.tensors import tensor_to_proto
from refexec.types import MapType, OptionalType, SequenceType, SparseTensorType, TensorType, ValueType

__all__ = ["value_to_proto"]


def value_to_proto(value: Any, declared: ValueType | None, name: str) -> Any:
    """The protobuf message that onnx's test data have for a value of this type."""
    match declared:
        case SequenceType(inner):
            sequence = onnx.SequenceProto(name=name, elem_type=_kind(inner, onnx.SequenceProto))
            getattr(sequence, f"{_field(inner)}_values").extend(value_to_proto(v, inner, "") for v in value)
            return sequence
        case OptionalType(inner):
            optional = onnx.OptionalProto(name=name)
            if value is not None:
                optional.elem_type = _kind(inner, onnx.OptionalProto)
                getattr(optional, f"{_field(inner)}_value").CopyFrom(value_to_proto(value, inner, ""))
            return optional
        case MapType(key, inner):
            found = onnx.MapProto(name=name, key_type=key.number)
            held = [np.asarray(v, inner.elem.dtype) if isinstance(inner, TensorType) else v for v in value.values()]
            found.values.CopyFrom(value_to_proto(held, SequenceType(inner), ""))
            if key.kind == "string":
                found.string_keys.extend(k.encode() for k in value)
            else:
                found.keys.extend(value)
            return found
        case SparseTensorType():
            dense = tensor_to_proto(value.values, name)
            return onnx.SparseTensorProto(values=dense, indices=tensor_to_proto(value.indices), dims=value.shape)
    if not isinstance(value, np.ndarray):
        raise UnsupportedType("the type of this value is not known", name=name, declared=declared)
    return tensor_to_proto(value, name)


def _field(inner: ValueType) -> str:
    names = {TensorType: "tensor", SparseTensorType: "sparse_tensor", SequenceType: "sequence", MapType: "map", OptionalType: "optional"}
    return names[type(inner)]


def _kind(inner: ValueType, proto: Any) -> int:
    return int(proto.DataType.Value(_field(inner).upper()))
