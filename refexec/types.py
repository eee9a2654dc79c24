"""ONNX types: the table of element types, and value types (tensor, sequence, optional, map, sparse tensor).

Element types are instances of :class:`ElementType`; compare them with ``is``. The spelling in type strings follows the
schemas of ``onnx.defs``: ``tensor(float)``, ``seq(tensor(int64))``, ``optional(seq(tensor(string)))``, ``map(int64,tensor(float))``.
Source: ``onnx.proto`` (TensorProto.DataType), docs/IR.md "Standard data types".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import ml_dtypes
import numpy as np

from refexec.errors import UnsupportedType

Kind = Literal["float", "int", "uint", "bool", "complex", "string"]
Dim = int | str | None
"""A dimension: a number, a symbol, or unknown."""


@dataclass(frozen=True, eq=False, slots=True)
class ElementType:
    """One row of the element type table."""

    name: str  # the name used in this project, NumPy's where NumPy has one: "float32"
    onnx_name: str  # the name in type strings: "float"
    number: int  # TensorProto.DataType
    dtype: np.dtype[Any]  # how arrays of it are held
    bits: int  # storage size of an element; 0 for strings
    kind: Kind

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return element_type, (self.number,)

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")


def _row(name: str, onnx_name: str, number: int, scalar: Any, bits: int, kind: Kind) -> ElementType:
    return ElementType(name, onnx_name, number, np.dtype(scalar), bits, kind)


ELEMENT_TYPES: tuple[ElementType, ...] = (
    _row("float32", "float", 1, np.float32, 32, "float"),
    _row("uint8", "uint8", 2, np.uint8, 8, "uint"),
    _row("int8", "int8", 3, np.int8, 8, "int"),
    _row("uint16", "uint16", 4, np.uint16, 16, "uint"),
    _row("int16", "int16", 5, np.int16, 16, "int"),
    _row("int32", "int32", 6, np.int32, 32, "int"),
    _row("int64", "int64", 7, np.int64, 64, "int"),
    _row("string", "string", 8, np.object_, 0, "string"),
    _row("bool", "bool", 9, np.bool_, 8, "bool"),
    _row("float16", "float16", 10, np.float16, 16, "float"),
    _row("float64", "double", 11, np.float64, 64, "float"),
    _row("uint32", "uint32", 12, np.uint32, 32, "uint"),
    _row("uint64", "uint64", 13, np.uint64, 64, "uint"),
    _row("complex64", "complex64", 14, np.complex64, 64, "complex"),
    _row("complex128", "complex128", 15, np.complex128, 128, "complex"),
    _row("bfloat16", "bfloat16", 16, ml_dtypes.bfloat16, 16, "float"),
    _row("float8e4m3fn", "float8e4m3fn", 17, ml_dtypes.float8_e4m3fn, 8, "float"),
    _row("float8e4m3fnuz", "float8e4m3fnuz", 18, ml_dtypes.float8_e4m3fnuz, 8, "float"),
    _row("float8e5m2", "float8e5m2", 19, ml_dtypes.float8_e5m2, 8, "float"),
    _row("float8e5m2fnuz", "float8e5m2fnuz", 20, ml_dtypes.float8_e5m2fnuz, 8, "float"),
    _row("uint4", "uint4", 21, ml_dtypes.uint4, 4, "uint"),
    _row("int4", "int4", 22, ml_dtypes.int4, 4, "int"),
    _row("float4e2m1", "float4e2m1", 23, ml_dtypes.float4_e2m1fn, 4, "float"),
    _row("float8e8m0", "float8e8m0", 24, ml_dtypes.float8_e8m0fnu, 8, "float"),
    _row("uint2", "uint2", 25, ml_dtypes.uint2, 2, "uint"),
    _row("int2", "int2", 26, ml_dtypes.int2, 2, "int"),
    _row("float6e2m3", "float6e2m3", 27, ml_dtypes.float6_e2m3fn, 6, "float"),
    _row("float6e3m2", "float6e3m2", 28, ml_dtypes.float6_e3m2fn, 6, "float"),
)

_BY_NUMBER = {e.number: e for e in ELEMENT_TYPES}
_BY_NAME = {e.name: e for e in ELEMENT_TYPES} | {e.onnx_name: e for e in ELEMENT_TYPES}
_BY_DTYPE = {e.dtype: e for e in ELEMENT_TYPES}

MOVED = tuple(e.name for e in ELEMENT_TYPES if e.kind in ("float", "int", "uint", "bool") and e.dtype.itemsize <= 8)  # by kernels

FLOAT32, FLOAT64, FLOAT16, BFLOAT16 = (_BY_NAME[n] for n in ("float32", "float64", "float16", "bfloat16"))
INT32, INT64, UINT8, INT8, BOOL, STRING = (_BY_NAME[n] for n in ("int32", "int64", "uint8", "int8", "bool", "string"))


def element_type(key: int | str | np.dtype[Any] | type | ElementType) -> ElementType:
    """The element type for a TensorProto.DataType number, a name, or a dtype. Text dtypes (``<U3``) count as string.

    Raises UnsupportedType for anything else, TensorProto.UNDEFINED (0) included.
    """
    if isinstance(key, ElementType):
        return key
    found: ElementType | None
    if isinstance(key, int):
        found = _BY_NUMBER.get(key)
    elif isinstance(key, str):
        found = _BY_NAME.get(key)
    else:
        dtype = np.dtype(key)
        found = _BY_DTYPE.get(dtype.newbyteorder("=")) or (_BY_NAME["string"] if dtype.kind in "UTS" else None)
    if found is None:
        raise UnsupportedType("not an ONNX element type", key=key)
    return found


@dataclass(frozen=True, slots=True)
class TensorType:
    """``tensor(elem)``; ``shape`` is None when the rank is unknown."""

    elem: ElementType
    shape: tuple[Dim, ...] | None = None

    def __str__(self) -> str:
        return f"tensor({self.elem.onnx_name})"


@dataclass(frozen=True, slots=True)
class SparseTensorType:
    elem: ElementType
    shape: tuple[Dim, ...] | None = None

    def __str__(self) -> str:
        return f"sparse_tensor({self.elem.onnx_name})"


@dataclass(frozen=True, slots=True)
class SequenceType:
    elem: ValueType

    def __str__(self) -> str:
        return f"seq({self.elem})"


@dataclass(frozen=True, slots=True)
class OptionalType:
    elem: ValueType

    def __str__(self) -> str:
        return f"optional({self.elem})"


@dataclass(frozen=True, slots=True)
class MapType:
    key: ElementType
    value: ValueType

    def __str__(self) -> str:
        return f"map({self.key.onnx_name},{self.value})"


ValueType = TensorType | SparseTensorType | SequenceType | OptionalType | MapType


def without_shape(value_type: ValueType) -> ValueType:
    """The same type with every tensor's shape unknown: what type strings and type variables speak of."""
    match value_type:
        case TensorType(_, None):
            return value_type
        case TensorType(elem):
            return TensorType(elem)
        case SparseTensorType(elem):
            return SparseTensorType(elem)
        case SequenceType(inner):
            return SequenceType(without_shape(inner))
        case OptionalType(inner):
            return OptionalType(without_shape(inner))
        case MapType(key, value):
            return MapType(key, without_shape(value))


def without_shapes(value_types: Iterable[ValueType | None]) -> tuple[ValueType | None, ...]:
    """Each type without its shapes; an unknown type stays unknown."""
    return tuple([None if t is None else without_shape(t) for t in value_types])


@cache
def parse_type(text: str) -> ValueType:
    """Read a type string of ``onnx.defs``. Raises UnsupportedType when it is not one."""
    text = text.strip()
    head, opened, rest = text.partition("(")
    inner = rest[:-1]
    if opened and rest.endswith(")"):
        if head == "tensor":
            return TensorType(element_type(inner))
        if head == "sparse_tensor":
            return SparseTensorType(element_type(inner))
        if head == "seq":
            return SequenceType(parse_type(inner))
        if head == "optional":
            return OptionalType(parse_type(inner))
        if head == "map":
            key, _, value = inner.partition(",")
            return MapType(element_type(key.strip()), parse_type(value if "(" in value else f"tensor({value.strip()})"))
    raise UnsupportedType("not an ONNX type string", text=text)


def type_from_proto(proto: Any) -> ValueType:
    """The value type of an ``onnx.TypeProto``. Raises UnsupportedType for an unset or opaque type."""
    which = proto.WhichOneof("value")
    if which == "tensor_type":
        return TensorType(element_type(proto.tensor_type.elem_type), _shape_from_proto(proto.tensor_type))
    if which == "sparse_tensor_type":
        return SparseTensorType(element_type(proto.sparse_tensor_type.elem_type), _shape_from_proto(proto.sparse_tensor_type))
    if which == "sequence_type":
        return SequenceType(type_from_proto(proto.sequence_type.elem_type))
    if which == "optional_type":
        return OptionalType(type_from_proto(proto.optional_type.elem_type))
    if which == "map_type":
        return MapType(element_type(proto.map_type.key_type), type_from_proto(proto.map_type.value_type))
    raise UnsupportedType("the type is not set or not known", type=which)


def _shape_from_proto(tensor_type: Any) -> tuple[Dim, ...] | None:
    if not tensor_type.HasField("shape"):
        return None
    return tuple(d.dim_value if d.WhichOneof("value") == "dim_value" else _symbol(d.dim_param) for d in tensor_type.shape.dim)


def _symbol(name: str) -> str | None:
    """The name of a symbolic dimension; what has no letter or digit ("", "?") names nothing: the dimension is unknown."""
    return name if any(c.isalnum() for c in name) else None
