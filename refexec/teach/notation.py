"""Values and models as text, for the data files of worked examples and known differences.

A tensor is written as in ONNX's text form: ``float[2,3] {0, 1, 2, 3, 4, 5}``, ``int64 {7}`` for a scalar, ``string[2] {"a", "b"}``.
In a data file

- a string is a tensor,
- a list is a sequence of tensors; ``{seq = "float", items = []}`` names the type of an empty one,
- ``{optional = "float", value = "float {1}"}`` is an optional, without ``value`` an empty one; its type may be a ``seq(tensor(float))``,
- ``{map = "map(string,tensor(float))", keys = ["a"], values = [1]}`` is a map.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
import onnx.parser

from refexec.errors import InvalidModel
from refexec.proto_types import type_to_proto
from refexec.schema import standard_domains
from refexec.types import ElementType, MapType, OptionalType, SequenceType, TensorType, ValueType, element_type, parse_type
from refexec.values import round_to

__all__ = ["Written", "model_of", "opsets_of", "read_value", "same_value", "write_value"]

Written = str | list[Any] | dict[str, Any]
"""A value as it stands in a data file."""

_TENSOR = re.compile(r"\s*(\w+)\s*(?:\[([\d,\s]*)\])?\s*\{(.*)\}\s*", re.DOTALL)
RELATIVE, ABSOLUTE = 1e-5, 1e-6


def read_value(written: Written) -> tuple[ValueType, Any]:
    """Type and value, as a session takes them. Raises InvalidModel for text that is no value."""
    if isinstance(written, str):
        array = _tensor(written)
        return TensorType(element_type(array.dtype), array.shape), array
    if isinstance(written, list):
        items = [read_value(item) for item in written]
        if not items:
            raise InvalidModel("an empty sequence is written {seq = TYPE, items = []}")
        kind = items[0][0]
        return SequenceType(TensorType(kind.elem) if isinstance(kind, TensorType) else kind), [value for _, value in items]
    if "seq" in written:
        return SequenceType(_type(written["seq"])), [read_value(item)[1] for item in written["items"]]
    if "optional" in written:
        held = written.get("value")
        return OptionalType(_type(written["optional"])), None if held is None else read_value(held)[1]
    if "map" in written:
        kind = parse_type(written["map"])
        if not isinstance(kind, MapType):
            raise InvalidModel("not the type of a map", seen=written["map"])
        return kind, dict(zip(written["keys"], written["values"], strict=True))
    raise InvalidModel("not a value", seen=str(written)[:200])


def _type(text: str) -> ValueType:
    return parse_type(text if "(" in text else f"tensor({text})")


def _tensor(text: str) -> np.ndarray[Any, Any]:
    found = _TENSOR.fullmatch(text)
    if found is None:
        raise InvalidModel("a tensor is written float[2] {1, 2}", seen=text[:200])
    elem = element_type(found[1])
    shape = tuple(int(n) for n in (found[2] or "").split(",") if n.strip())
    values = _values(found[3], elem)
    exact = np.array(values, np.object_)  # NumPy would make text of fixed length of strings, and floats of large integers
    made = _rounded(exact.astype(np.float64), elem) if elem.is_float else exact.astype(elem.dtype)
    if made.size != int(np.prod(shape)):
        raise InvalidModel("the shape does not have as many elements as are written", shape=shape, seen=text[:200])
    return made.reshape(shape)


def _rounded(numbers: np.ndarray[Any, Any], elem: ElementType) -> np.ndarray[Any, Any]:
    """A written infinity stays one where the type has it; a number beyond the largest one becomes that."""
    return np.where(np.isinf(numbers), round_to(numbers, elem.dtype, saturate=False), round_to(numbers, elem.dtype))


def _values(text: str, elem: ElementType) -> list[Any]:
    if elem.kind == "string":
        return list(json.loads(f"[{text}]"))
    words = text.replace(",", " ").split()
    if elem.kind == "bool":
        return [{"true": True, "1": True, "false": False, "0": False}[word] for word in words]
    return [complex(word) if elem.kind == "complex" else float(word) if elem.is_float else int(word) for word in words]


def write_value(value: Any) -> str:
    """A value as text that a person reads; tensors as :func:`read_value` reads them."""
    if value is None:
        return "none"
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        elem = element_type(array.dtype)
        shape = f"[{','.join(map(str, array.shape))}]" if array.ndim else ""
        return f"{elem.onnx_name}{shape} {{{', '.join(_word(v, elem) for v in array.reshape(-1))}}}"
    if isinstance(value, Mapping):
        items = (f"{key!r}: {write_value(held) if isinstance(held, np.ndarray) else held}" for key, held in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(write_value, value)) + "]"
    return str(value)


def _word(value: Any, elem: ElementType) -> str:
    if elem.kind == "string":
        return json.dumps(value, ensure_ascii=False)
    if elem.kind == "bool":
        return "true" if value else "false"
    if elem.kind == "complex":
        return f"{value.real:.7g}{value.imag:+.7g}j"
    return f"{float(value):.7g}" if elem.is_float else str(int(value))


def same_value(expected: Any, found: Any) -> bool:
    """Whether ``found`` is what was written: type and shape, integers and text exactly, floats to the six digits that are written."""
    if expected is None or found is None:
        return expected is found
    if isinstance(expected, list | tuple):
        same_length = isinstance(found, list | tuple) and len(expected) == len(found)
        return same_length and all(same_value(e, f) for e, f in zip(expected, found, strict=True))
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and expected.keys() == found.keys() and all(
            same_value(np.asarray(expected[k]).astype(np.asarray(found[k]).dtype), np.asarray(found[k])) for k in expected
        )  # fmt: skip
    if not isinstance(found, np.ndarray) or expected.dtype != found.dtype or expected.shape != found.shape:
        return False
    elem = element_type(expected.dtype)
    if not (elem.is_float or elem.kind == "complex"):
        return bool(np.array_equal(expected, found))
    wide = np.complex128 if elem.kind == "complex" else np.float64
    with np.errstate(all="ignore"):
        return bool(np.allclose(found.astype(wide), expected.astype(wide), rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))


def model_of(text: str, opsets: Mapping[str, int], inputs: Mapping[str, ValueType], outputs: Iterable[str]) -> onnx.ModelProto:
    """A model of nodes in ONNX's text form, one or several: ``y = Softmax <axis = 1> (x)``.

    Inputs get the types of their values; outputs are named only. Domains stand before operators: ``ai.onnx.ml.Scaler``.
    ONNX's text form has no sparse tensors: ``sparse_value`` is written dense.
    """
    names = f"({', '.join(inputs)}) => ({', '.join(outputs)})"
    imports = ", ".join(f'"{domain}": {version}' for domain, version in opsets.items())
    try:
        model = onnx.parser.parse_model(f"<ir_version: {onnx.IR_VERSION}, opset_import: [{imports}]> example {names} {{ {text} }}")
    except onnx.parser.ParseError as error:
        raise InvalidModel("not ONNX text", reason=str(error), seen=text[:500]) from None
    for info, value_type in zip(model.graph.input, inputs.values(), strict=True):
        info.type.CopyFrom(type_to_proto(value_type))
    for attribute in (a for node in model.graph.node for a in node.attribute if a.name == "sparse_value"):
        dense = onnx.numpy_helper.to_array(attribute.t)
        places = np.flatnonzero(dense)
        values, indices = onnx.numpy_helper.from_array(dense.reshape(-1)[places]), onnx.numpy_helper.from_array(places.astype(np.int64))
        sparse = onnx.helper.make_sparse_tensor(values, indices, dense.shape)
        attribute.CopyFrom(onnx.helper.make_attribute(attribute.name, sparse))
    return model


def opsets_of(domain: str, version: int) -> dict[str, int]:
    """What a model imports that is about one operator version: beside another domain, the newest ai.onnx."""
    return {"": version} if not domain else {"": standard_domains()[""], domain: version}
