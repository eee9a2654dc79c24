"""Child side of ONNX Runtime. Tensors go in and out through their memory, since NumPy lacks a third of the element types.

Strings, sequences, optionals and maps exist in onnxruntime's Python interface only as Python values, and narrow types only as
OrtValues: a run whose inputs are of the first kind and whose outputs are of both fetches them in two calls.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

from refexec.errors import UnsupportedError, UnsupportedType
from refexec.runtimes.wire import Refused
from refexec.types import STRING, ElementType, element_type, parse_type
from refexec.types import TensorType as _TensorType

__all__ = ["run"]

_LEVELS = {
    "off": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "layout": getattr(ort.GraphOptimizationLevel, "ORT_ENABLE_LAYOUT", ort.GraphOptimizationLevel.ORT_ENABLE_ALL),
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
_UNCARRIED = re.compile(r"cannot be linked to C type|Unexpected input data type\. Actual: \(\(map")
_last: tuple[str, Any] | None = None


def run(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one request."""
    if request.get("kernels"):
        return {"kernels": _kernels()}
    try:
        session = _session(request)
    except UnsupportedError:
        raise
    except Exception as error:
        raise Refused("load", error) from error
    names = request["outputs"] or [o.name for o in session.get_outputs()]
    try:
        values = _fetch(session, names, request["feeds"])
    except UnsupportedError:
        raise
    except Exception as error:
        if any(isinstance(v, dict) for v in request["feeds"].values()) and _UNCARRIED.search(str(error)):
            raise UnsupportedError("its Python interface cannot carry maps of these types") from error
        raise Refused("run", error) from error
    info = {"version": ort.__version__, "build": ort.get_build_info(), "providers": session.get_providers()}
    return {"values": values, "info": info}


def _kernels() -> list[list[Any]]:
    """[domain, operator, first version, last version, {type variable: types}] of each kernel of the CPU provider."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    found = [k for k in state.get_all_opkernel_def() if k.provider == "CPUExecutionProvider"]
    return [[k.domain, k.op_name, *k.version_range, {v: list(types) for v, types in k.type_constraints.items()}] for k in found]


def _session(request: Mapping[str, Any]) -> Any:
    """The session for a model and options; the last one is kept for further runs."""
    global _last
    options = request["options"]
    source = request.get("path") or request["model"]
    if isinstance(source, bytes):
        key = json.dumps([hashlib.sha256(source).hexdigest(), request["base_dir"], options], sort_keys=True)
        if _last is not None and _last[0] == key:
            return _last[1]
    _last = None
    chosen = ort.SessionOptions()
    chosen.graph_optimization_level = _LEVELS[options["optimization"]]
    chosen.intra_op_num_threads = options["threads"]
    chosen.inter_op_num_threads = 1
    if request["base_dir"] is not None and isinstance(source, bytes):
        chosen.add_session_config_entry("session.model_external_initializers_file_folder_path", request["base_dir"])
    for name, value in options["config"].items():
        chosen.add_session_config_entry(name, value)
    session = ort.InferenceSession(
        source, chosen, providers=["CPUExecutionProvider"], disabled_optimizers=options["disabled_optimizers"] or None
    )
    if isinstance(source, bytes):
        _last = key, session
    return session


def _fetch(session: Any, names: Sequence[str], feeds: Mapping[str, Any]) -> dict[str, Any]:
    declared = {o.name: o.type for o in session.get_outputs()}
    as_memory = [n for n in names if _travels_as_memory(declared.get(n, ""))]
    as_python = [n for n in names if n not in as_memory]
    types = {i.name: i.type for i in session.get_inputs()}
    held = {name: _ort_value(value) for name, value in feeds.items() if _travels_as_memory(types.get(name, "")) and value is not None}
    plain = {name: value for name, value in feeds.items() if name not in held}
    found: dict[str, Any] = {}
    if as_memory and all(_is_text(v) for v in plain.values()):
        texts = {name: _text_value(value) for name, value in plain.items()}
        results = session.run_with_ort_values(as_memory, {**held, **texts})
        found.update((name, _array(value)) for name, value in zip(as_memory, results, strict=True))
    elif as_memory:
        narrow = [n for n in as_memory if _element(declared[n]) not in _NUMPY]
        if narrow:
            raise UnsupportedError("its Python interface cannot give these types where an input is no tensor", outputs=narrow)
        as_python = list(names)
    if as_python:
        results = session.run(as_python, {**held, **plain})
        found.update(zip(as_python, results, strict=True))
    return {name: found[name] for name in names}


_NUMPY = {
    element_type(n)
    for n in "float32 float64 float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()  # noqa: SIM905
}


def _element(type_string: str) -> ElementType | None:
    """The element type of a tensor type string; None for what is no tensor."""
    try:
        parsed = parse_type(type_string)
    except UnsupportedType:
        return None
    return parsed.elem if isinstance(parsed, _TensorType) else None


def _travels_as_memory(type_string: str) -> bool:
    return _element(type_string) not in (None, STRING)


def _is_text(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "OUT"


def _ort_value(value: Any) -> Any:
    array = np.asarray(value)
    elem = element_type(array.dtype)
    made = ort.OrtValue.ortvalue_from_shape_and_type(list(array.shape), elem.number)
    data = _packed(array, elem)
    if len(data):
        if made.tensor_size_in_bytes() != len(data):
            raise UnsupportedError("onnxruntime stores this type in another size", type=elem.name)
        ctypes.memmove(made.data_ptr(), data, len(data))
    return made


def _packed(array: np.ndarray[Any, Any], elem: ElementType) -> bytes:
    if elem.bits < 8:
        from refexec.tensors import tensor_to_proto

        return tensor_to_proto(array).raw_data
    return np.ascontiguousarray(array).tobytes()


def _text_value(array: np.ndarray[Any, Any]) -> Any:
    """An OrtValue of strings, which only a model can make."""
    import onnx

    from refexec.tensors import tensor_to_proto

    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["text"], ["out"])], "text", [],
        [onnx.ValueInfoProto(name="out")], [tensor_to_proto(array.astype(object), "text")],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 16)], ir_version=8)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run_with_ort_values(["out"], {})[0]


def _array(value: Any) -> np.ndarray[Any, Any]:
    elem = element_type(int(value.element_type()))
    shape = tuple(value.shape())
    size = value.tensor_size_in_bytes()
    data = ctypes.string_at(value.data_ptr(), size) if size else b""
    if elem.bits < 8:
        import onnx

        from refexec.tensors import tensor_from_proto

        return tensor_from_proto(onnx.TensorProto(data_type=elem.number, dims=shape, raw_data=data), "a result of onnxruntime")
    return np.frombuffer(data, elem.dtype).reshape(shape)
