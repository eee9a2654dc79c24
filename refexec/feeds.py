"""Feeds: one stated rule for each kind of thing a caller may hand in.

- ndarray of any layout, byte order or subclass but masked: taken as it is, never written, never kept after the run. Its
  element type must be the declared one; float64 never silently becomes float32.
- NumPy scalar: as a 0-d array.
- Python number, bool, str, or (nested) list of them: becomes an array of the declared type; integers must be in its range,
  a float is no integer.
- Text arrays (``<U3``) and object arrays of ``str``: string tensors.
- list or tuple where a sequence is declared, None or a value for an optional, dict for a map.
- onnx TensorProto: its tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import onnx

from refexec.errors import FeedError
from refexec.plan import Plan, ValueInfo
from refexec.tensors import tensor_from_proto
from refexec.types import ElementType, MapType, OptionalType, SequenceType, SparseTensorType, TensorType, ValueType, element_type
from refexec.values import Optional as OptionalValue
from refexec.values import Sequence as SequenceValue
from refexec.values import SparseTensor, round_to, value_type_of, widen

__all__ = ["prepare", "prepare_one"]


def prepare(plan: Plan, feeds: Mapping[str, Any], wide: bool) -> list[Any]:
    """The values of a plan's inputs, checked against their declared types; symbolic dimensions must agree."""
    symbols: dict[str, tuple[int, str]] = {}
    values = []
    for info in plan.inputs:
        value, declared = feeds[info.name], info.type
        if not wide and type(declared) is TensorType and _is(value, declared.elem) and value.shape == declared.shape:
            values.append(_read_only(value))
        else:
            values.append(prepare_one(info, value, wide, symbols))
    return values


def prepare_one(info: ValueInfo, value: Any, wide: bool, symbols: dict[str, tuple[int, str]] | None = None) -> Any:
    """One feed as a value of its declared type. Raises FeedError naming the input and what was seen."""
    found = _value(value, info.type, f"input {info.name!r}", {} if symbols is None else symbols)
    return _wide(found) if wide else found


def _value(value: Any, declared: ValueType | None, what: str, symbols: dict[str, tuple[int, str]]) -> Any:
    match declared:
        case None:
            return _undeclared(value, what)
        case TensorType(elem, shape):
            array = _tensor(value, elem, what)
            _check_shape(array.shape, shape, what, symbols)
            return array
        case SequenceType(inner):
            if not isinstance(value, (list, tuple, SequenceValue)):
                raise FeedError(f"{what} is a sequence: feed a list", declared=str(declared), seen=type(value).__name__)
            return SequenceValue(inner, [_value(v, inner, f"{what}[{i}]", {}) for i, v in enumerate(value)])
        case OptionalType(inner):
            if isinstance(value, OptionalValue):
                value = value.value
            return OptionalValue(inner, None if value is None else _value(value, inner, what, symbols))
        case MapType(key, inner):
            if not isinstance(value, Mapping):
                raise FeedError(f"{what} is a map: feed a dict", declared=str(declared), seen=type(value).__name__)
            keys: Any = _tensor(list(value), key, f"{what} keys") if value else []
            return {
                k.item() if isinstance(k, np.generic) else k: _value(v, inner, f"{what}[{k!r}]", {})
                for k, v in zip(keys, value.values(), strict=True)
            }
        case SparseTensorType(elem):
            if not isinstance(value, SparseTensor) or element_type(value.values.dtype) is not elem:
                raise FeedError(f"{what} is a sparse tensor: feed a SparseTensor", declared=str(declared), seen=type(value).__name__)
            return value
    raise FeedError(f"{what} has a type that cannot be fed", declared=str(declared))


def _undeclared(value: Any, what: str) -> Any:
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], np.ndarray):
        return SequenceValue(value_type_of(value[0]), list(value))
    if isinstance(value, (np.ndarray, np.generic)):
        return _tensor(value, element_type(value.dtype), what)
    raise FeedError(f"{what} has no declared type: feed an array", seen=type(value).__name__)


def _tensor(value: Any, elem: ElementType, what: str) -> np.ndarray[Any, Any]:
    if _is(value, elem):
        return _read_only(value)
    if isinstance(value, onnx.TensorProto):
        value = tensor_from_proto(value, what)
    if isinstance(value, np.ma.MaskedArray):
        raise FeedError(f"{what}: a masked array has no plain values")
    if isinstance(value, (np.ndarray, np.generic)):
        array = _array(value, elem, what)
    elif isinstance(value, (bool, int, float, complex, str, list, tuple)):
        array = _from_python(value, elem, what)
    else:
        raise FeedError(f"{what} is a tensor: feed an array", declared=elem.name, seen=type(value).__name__)
    return _read_only(array)


def _is(value: Any, elem: ElementType) -> bool:
    """Whether a value is an array of numbers of that type as it stands."""
    return type(value) is np.ndarray and value.dtype is elem.dtype and elem.kind != "string"


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _array(value: Any, elem: ElementType, what: str) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    if elem.kind == "string":
        if array.dtype.kind == "U":
            return array.astype(object)
        if array.dtype != object:
            raise FeedError(f"{what} is a string tensor", seen=array.dtype.name)
        bad = next((v for v in array.flat if not isinstance(v, str)), None)
        if bad is not None:
            raise FeedError(f"{what} is a string tensor: its items are str", seen=type(bad).__name__)
        return array
    if array.dtype.newbyteorder("=") != elem.dtype:
        raise FeedError(f"{what} has another element type", declared=elem.name, seen=array.dtype.name)
    return array.astype(elem.dtype, copy=False)


def _from_python(value: Any, elem: ElementType, what: str) -> np.ndarray[Any, Any]:
    try:
        if elem.kind == "string":
            return _array(np.array(value, dtype=object), elem, what)
        array, kind = _numbers(value, elem)
    except ValueError:
        raise FeedError(f"{what}: the nested lists have different lengths") from None
    except OverflowError:
        raise FeedError(f"{what}: a value is out of the range of float64") from None
    if array.size == 0:
        return np.zeros(array.shape, elem.dtype)
    allowed = {"bool": "b", "int": "iu", "uint": "iu", "float": "iuf", "complex": "iufc"}[elem.kind]
    if kind not in allowed:
        raise FeedError(f"{what}: these Python values cannot be {elem.name}", seen=array.dtype.name)
    if elem.is_integer:
        low, high = _integer_range(elem)
        least, most = int(array.min()), int(array.max())
        if least < low or most > high:
            raise FeedError(f"{what}: a value is out of the range of {elem.name}", least=least, most=most)
        return array.astype(elem.dtype)
    return round_to(array.astype(np.float64), elem.dtype) if elem.is_float else array.astype(elem.dtype)


def _numbers(value: Any, elem: ElementType) -> tuple[np.ndarray[Any, Any], str]:
    """Python values as an array, and its kind. NumPy makes floats or objects of ints that no type of its own holds: where integers are
    declared they stay ints, of kind "i", elsewhere they are float64. Raises OverflowError for one that float64 does not hold."""
    array = np.array(value)
    if array.dtype != object and not (elem.is_integer and array.dtype.kind == "f"):
        return array, array.dtype.kind
    exact = np.array(value, dtype=object)
    if elem.is_integer and all(type(v) is int for v in exact.flat):
        return exact, "i"
    if all(isinstance(v, Real) for v in exact.flat):
        return exact.astype(np.float64), "f"
    return array, array.dtype.kind


def _integer_range(elem: ElementType) -> tuple[int, int]:
    return (0, (1 << elem.bits) - 1) if elem.kind == "uint" else (-(1 << (elem.bits - 1)), (1 << (elem.bits - 1)) - 1)


def _check_shape(shape: Sequence[int], declared: Sequence[Any] | None, what: str, symbols: dict[str, tuple[int, str]]) -> None:
    if declared is None:
        return
    if len(shape) != len(declared):
        raise FeedError(f"{what} has another rank", declared=list(declared), seen=list(shape))
    for axis, (size, dim) in enumerate(zip(shape, declared, strict=True)):
        if isinstance(dim, int) and dim >= 0 and size != dim:
            raise FeedError(f"{what} has another size on axis {axis}", declared=list(declared), seen=list(shape))
        if isinstance(dim, str):
            bound, where = symbols.setdefault(dim, (size, what))
            if bound != size:
                raise FeedError(f"dimension {dim!r} cannot be {bound} and {size}", first=where, second=f"{what} axis {axis}")


def _wide(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return widen(value)
    if isinstance(value, SequenceValue):
        return SequenceValue(value.elem_type, [_wide(v) for v in value])
    if isinstance(value, OptionalValue):
        return value if value.value is None else OptionalValue(value.elem_type, _wide(value.value))
    return value
