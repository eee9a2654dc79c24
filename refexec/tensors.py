"""TensorProto and SparseTensorProto to arrays and back, strictly.

Every rule of the comments in ``onnx.proto`` is checked. Nothing is guessed: a tensor with two data fields is an error, since readers
differ in which one they take. Arrays that come from a model are read-only and in native byte order.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import SparseTensorProto, TensorProto

from refexec.errors import AmbiguousModel, ExternalDataError, InvalidModel, RuleViolation, UnsupportedError, UnsupportedType
from refexec.types import ELEMENT_TYPES, INT64, STRING, ElementType, element_type
from refexec.values import SparseTensor

__all__ = ["packed_bytes", "sparse_from_proto", "tensor_from_proto", "tensor_to_proto"]

Array = np.ndarray[Any, Any]
External = Callable[[TensorProto], Any]
"""Gives the bytes of a tensor whose data stand in another file, as an object with the buffer protocol."""

_INT64_MAX = 2**63 - 1
_NUMPY_MAX_RANK = 64
_WIDE_FIELDS = {
    "float32": "float_data",
    "complex64": "float_data",
    "float64": "double_data",
    "complex128": "double_data",
    "int64": "int64_data",
    "uint32": "uint64_data",
    "uint64": "uint64_data",
    "string": "string_data",
}
_DATA_FIELD = {e: _WIDE_FIELDS.get(e.name, "int32_data") for e in ELEMENT_TYPES}
_TYPED_FIELDS = tuple(sorted(set(_DATA_FIELD.values())))
_FIELD_DTYPE: dict[str, np.dtype[Any]] = {
    "float_data": np.dtype(np.float32),
    "double_data": np.dtype(np.float64),
    "int32_data": np.dtype(np.int32),
    "int64_data": np.dtype(np.int64),
    "uint64_data": np.dtype(np.uint64),
}


def tensor_from_proto(proto: TensorProto, where: str, external: External | None = None) -> Array:
    """The tensor as a read-only array of ``tuple(proto.dims)``; strings as ``str`` in an object array.

    ``where`` says in messages what the tensor is. ``external`` is called for a tensor with data_location EXTERNAL; where the host is
    little-endian, elements have 8 bits or more and the buffer is aligned, the array is a view of what it returns. Padding bits after the
    last element of a packed type are not looked at.

    Raises UnsupportedType for a data_type that onnx does not define, AmbiguousModel when two data fields are set, InvalidModel for every
    other broken rule, ExternalDataError for external data of another length, UnsupportedError for segments and for a rank above NumPy's 64.
    """
    elem = _element_type_of(proto, where)
    dims = _checked_dims(proto.dims, where, max(1, elem.dtype.itemsize))
    if proto.HasField("segment"):
        raise UnsupportedError(f"{where}: a tensor stored in segments cannot be read", segment=str(proto.segment))
    field = _data_field(proto, elem, where)
    count = math.prod(dims)
    if field == "string_data":
        array = _strings(proto, count, dims, where)
    elif field is None:
        if count:
            raise InvalidModel(f"{where}: the tensor has no data", dims=list(dims), type=elem)
        array = np.empty(0, elem.dtype)
    elif field in _FIELD_DTYPE:
        array = _typed(proto, field, elem, count, dims, where)
    else:
        array = _raw(_buffer(proto, field, where, external), field, elem, count, dims, where)
    array = array.reshape(dims)
    array.flags.writeable = False
    return array


def _element_type_of(proto: TensorProto, where: str) -> ElementType:
    try:
        return element_type(proto.data_type)
    except UnsupportedType:
        raise UnsupportedType(f"{where}: data_type is not an element type that onnx defines", data_type=proto.data_type) from None


def _checked_dims(dims: Any, where: str, itemsize: int) -> tuple[int, ...]:
    sizes = tuple(dims)
    if len(sizes) > _NUMPY_MAX_RANK:
        raise UnsupportedError(f"{where}: NumPy holds tensors of rank up to {_NUMPY_MAX_RANK}", rank=len(sizes))
    if any(d < 0 for d in sizes):
        raise InvalidModel(f"{where}: a dimension is negative", dims=list(sizes))
    if math.prod(d for d in sizes if d) * itemsize > _INT64_MAX:
        raise InvalidModel(f"{where}: the size of the tensor does not fit in 64 bits", dims=list(sizes))
    return sizes


def packed_bytes(proto: TensorProto, where: str) -> int:
    """The number of bytes that raw_data or external data of this tensor has: its elements at their storage size, rounded up.

    Raises as ``tensor_from_proto`` does for data_type and dims, InvalidModel for strings, which are not stored so.
    """
    elem = _element_type_of(proto, where)
    if elem is STRING:
        raise InvalidModel(f"{where}: strings are stored in string_data only")
    return -(-math.prod(_checked_dims(proto.dims, where, elem.dtype.itemsize)) * elem.bits // 8)


def _data_field(proto: TensorProto, elem: ElementType, where: str) -> str | None:
    """The one field that holds the data, None when no field is set."""
    found = [name for name in _TYPED_FIELDS if len(getattr(proto, name))]
    if proto.HasField("raw_data"):
        found.append("raw_data")
    if proto.data_location == TensorProto.EXTERNAL:
        found.append("external_data")
    if len(found) > 1:
        raise AmbiguousModel(f"{where}: more than one field holds data: {' and '.join(found)}", type=elem)
    if not found:
        return None
    allowed = ("string_data",) if elem is STRING else (_DATA_FIELD[elem], "raw_data", "external_data")
    if found[0] not in allowed:
        raise InvalidModel(f"{where}: {found[0]} cannot hold elements of type {elem}", allowed=" or ".join(allowed))
    return found[0]


def _check_length(found: int, needed: int, field: str, elem: ElementType, dims: tuple[int, ...], where: str) -> None:
    if found != needed:
        unit = "items" if field in _TYPED_FIELDS else "bytes"
        error = ExternalDataError if field == "external_data" else InvalidModel
        raise error(f"{where}: {field} has {found} {unit}, its type and dims need {needed}", type=elem, dims=list(dims))


def _strings(proto: TensorProto, count: int, dims: tuple[int, ...], where: str) -> Array:
    _check_length(len(proto.string_data), count, "string_data", STRING, dims, where)
    array = np.empty(count, np.object_)
    for index, text in enumerate(proto.string_data):
        try:
            array[index] = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidModel(f"{where}: string_data[{index}] is not UTF-8: {error.reason}", byte=error.start, text=text) from None
    return array


def _typed(proto: TensorProto, field: str, elem: ElementType, count: int, dims: tuple[int, ...], where: str) -> Array:
    items: Array = np.array(getattr(proto, field), dtype=_FIELD_DTYPE[field])
    if elem.kind == "complex":
        _check_length(len(items), 2 * count, field, elem, dims, where)
        return items.view(elem.dtype)
    if elem.bits in (2, 4):  # each item of int32_data is one packed byte
        _check_length(len(items), -(-count * elem.bits // 8), field, elem, dims, where)
        return _unpack(_in_range(items, 0, 255, field, elem, where).astype(np.uint8), elem, count)
    _check_length(len(items), count, field, elem, dims, where)
    if items.dtype == elem.dtype:
        return items
    if elem.kind == "int":
        return _in_range(items, -(1 << elem.bits - 1), (1 << elem.bits - 1) - 1, field, elem, where).astype(elem.dtype)
    if elem.kind == "uint":
        return _in_range(items, 0, (1 << elem.bits) - 1, field, elem, where).astype(elem.dtype)
    if elem.kind == "bool":
        return _in_range(items, 0, 1, field, elem, where).astype(np.bool_)
    patterns = _in_range(items, 0, (1 << elem.bits) - 1, field, elem, where)
    return patterns.astype(np.uint16 if elem.bits == 16 else np.uint8).view(elem.dtype)


def _in_range(items: Array, low: int, high: int, field: str, elem: ElementType, where: str) -> Array:
    outside = np.flatnonzero((items < low) | (items > high))
    if outside.size:
        index = int(outside[0])
        raise InvalidModel(
            f"{where}: {field}[{index}] is {items[index]}, outside {low} to {high} for elements of type {elem}", count=int(outside.size)
        )
    return items


def _buffer(proto: TensorProto, field: str, where: str, external: External | None) -> Any:
    if field == "raw_data":
        return proto.raw_data
    if external is None:
        raise InvalidModel(f"{where}: the data stand in another file, and none can be read here")
    return external(proto)


def _raw(buffer: Any, field: str, elem: ElementType, count: int, dims: tuple[int, ...], where: str) -> Array:
    stored: Array = np.frombuffer(buffer, np.uint8) if memoryview(buffer).nbytes else np.empty(0, np.uint8)
    _check_length(stored.size, -(-count * elem.bits // 8), field, elem, dims, where)
    if elem.bits < 8:
        return _unpack(stored, elem, count)
    if elem.kind == "bool":
        _in_range(stored, 0, 1, field, elem, where)
    swap = sys.byteorder == "big" and elem.dtype.itemsize > 1
    if not swap and stored.ctypes.data % elem.dtype.alignment == 0:
        return stored.view(elem.dtype)
    array = stored.copy()
    if swap:
        part = elem.dtype.itemsize // (2 if elem.kind == "complex" else 1)
        array = np.ascontiguousarray(array.reshape(-1, part)[:, ::-1]).reshape(-1)
    return array.view(elem.dtype)


def _unpack(packed: Array, elem: ElementType, count: int) -> Array:
    """The first ``count`` elements of 2, 4 or 6 bits; element 0 is in the lowest bits of byte 0."""
    codes: Array
    if elem.bits == 6:
        b = np.zeros((-(-count // 4), 3), np.uint8)
        b.reshape(-1)[: packed.size] = packed
        first, second, third = b.T
        codes = np.stack([first, first >> 6 | second << 2, second >> 4 | third << 4, third >> 2], 1)
    else:
        codes = packed[:, None] >> np.arange(0, 8, elem.bits, dtype=np.uint8)
    codes = codes.reshape(-1)[:count] & np.uint8((1 << elem.bits) - 1)
    return codes.view(elem.dtype)


def _pack(array: Array, elem: ElementType) -> Array:
    """The inverse of ``_unpack``, padded with zero bits."""
    codes = array.view(np.uint8) & np.uint8((1 << elem.bits) - 1)
    group = 4 if elem.bits == 6 else 8 // elem.bits
    padded = np.zeros((-(-codes.size // group), group), np.uint8)
    padded.reshape(-1)[: codes.size] = codes
    if elem.bits == 6:
        a, b, c, d = padded.T
        size = -(-codes.size * 6 // 8)
        return np.stack([a | b << 6, b >> 2 | c << 4, c >> 4 | d << 2], 1).reshape(-1)[:size]
    shifted: Array = padded << np.arange(0, 8, elem.bits, dtype=np.uint8)
    return np.asarray(np.bitwise_or.reduce(shifted, axis=1))


def tensor_to_proto(array: Any, name: str = "") -> TensorProto:
    """A TensorProto with the values of ``array``: raw_data, packed for types below 8 bits, string_data for text.

    Raises UnsupportedType for a dtype that is no ONNX element type, RuleViolation for text that is not ``str`` or not encodable.
    """
    array = np.asarray(array)
    elem = element_type(array.dtype)
    proto = TensorProto(dims=array.shape, data_type=elem.number, name=name)
    if elem is STRING:
        proto.string_data.extend(_encoded(array))
        return proto
    flat: Array = array.astype(elem.dtype, order="C", copy=False).reshape(-1)
    if elem.bits < 8:
        flat = _pack(flat, elem)
    elif sys.byteorder == "big" and elem.dtype.kind in "fiuc" and elem.dtype.itemsize > 1:
        flat = flat.byteswap()
    elif sys.byteorder == "big" and elem.dtype.itemsize == 2:
        flat = flat.view(np.uint16).byteswap()
    proto.raw_data = flat.tobytes()
    return proto


def _encoded(array: Array) -> list[bytes]:
    result = []
    for index, text in enumerate(array.flat):
        if not isinstance(text, str):
            raise RuleViolation("a string tensor holds str", index=index, type=type(text).__name__)
        try:
            result.append(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise RuleViolation("a string tensor holds text that UTF-8 can encode", index=index, text=text, reason=error.reason) from None
    return result


def sparse_from_proto(proto: SparseTensorProto, where: str, external: External | None = None) -> SparseTensor:
    """The sparse tensor with its values [NNZ] and its indices, [NNZ] or [NNZ, rank]; nothing is densified.

    Raises InvalidModel unless the indices are int64, inside ``dims``, ascending (row by row) and each there once, and what
    ``tensor_from_proto`` raises for values and indices.
    """
    dims = _checked_dims(proto.dims, where, 1)
    if not dims:
        raise InvalidModel(f"{where}: a sparse tensor needs at least one dimension")
    for part in ("values", "indices"):
        if not proto.HasField(part):
            raise InvalidModel(f"{where}: {part} of the sparse tensor is not set")
    if proto.indices.data_type != INT64.number:
        raise InvalidModel(f"{where}: the indices of a sparse tensor are int64", data_type=proto.indices.data_type)
    values = tensor_from_proto(proto.values, f"{where}, values", external)
    indices = tensor_from_proto(proto.indices, f"{where}, indices", external)
    if values.ndim != 1:
        raise InvalidModel(f"{where}: the values of a sparse tensor have the shape [NNZ]", shape=list(values.shape))
    if indices.shape not in ((len(values),), (len(values), len(dims))):
        raise InvalidModel(
            f"{where}: the indices of a sparse tensor have the shape [NNZ] or [NNZ, rank]",
            shape=list(indices.shape),
            nnz=len(values),
            rank=len(dims),
        )
    _check_indices(indices, dims, where)
    return SparseTensor(values, indices, dims)


def _check_indices(indices: Array, dims: tuple[int, ...], where: str) -> None:
    bounds: Array = np.array(dims if indices.ndim == 2 else math.prod(dims), np.int64)
    outside = np.argwhere((indices < 0) | (indices >= bounds))
    if len(outside):
        row = int(outside[0][0])
        raise InvalidModel(f"{where}: indices[{row}] is outside the dims", index=indices[row].tolist(), dims=list(dims))
    linear: Array = np.asarray(np.ravel_multi_index(tuple(indices.T), dims)) if indices.ndim == 2 else indices
    wrong = np.flatnonzero(np.diff(linear) <= 0)
    if wrong.size:
        row = int(wrong[0])
        raise InvalidModel(
            f"{where}: the indices are not ascending, each once, from indices[{row}] to indices[{row + 1}]",
            first=indices[row].tolist(),
            second=indices[row + 1].tolist(),
        )
