"""The 8-bit models of :data:`conformance.real_models.CONTRIB`: all but their recurrent layers, against onnxruntime.

Their recurrent layers are com.microsoft's DynamicQuantizeLSTM, which refexec does not implement: the whole model is refused with an
error that names it. The rest (embeddings, DynamicQuantizeLinear, MatMulInteger, attention) is run with the values that
onnxruntime's recurrent layers gave and with those that it quantised, and every quantised tensor must be equal. Float outputs are
held to the bound of the float models.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from conformance.ort_child import run_onnxruntime
from conformance.real_models import FROM_ONNXRUNTIME, RealModel, WheelAbsent
from refexec.errors import RefexecError, UnsupportedOperator
from refexec.session import Session

__all__ = ["Split", "quantized_differences", "quantized_report", "refusal", "split"]

RECURRENT = ("com.microsoft", "DynamicQuantizeLSTM")
_UINT8, _INT32, _FLOAT = onnx.TensorProto.UINT8, onnx.TensorProto.INT32, onnx.TensorProto.FLOAT
QUANTIZED = {"DynamicQuantizeLinear": (_UINT8, _FLOAT, _UINT8), "MatMulInteger": (_INT32,)}
"""Element types of the outputs that must be equal."""

PRECISE = {"session.x64quantprecision": "1"}
"""Makes onnxruntime's 8-bit products exact on processors without VNNI."""


@dataclass(frozen=True)
class Split:
    """A model cut at its recurrent layers and before its quantisation steps."""

    whole: bytes  # the model with every cut and every quantised value as an output, for onnxruntime
    rest: bytes  # the same without recurrent layers: their results are inputs
    cut: tuple[str, ...]  # names of these results, and of the values that are quantised
    quantized: tuple[str, ...]  # names of the values that must be equal


def split(content: bytes) -> Split:
    """Cut ``content`` at DynamicQuantizeLSTM; onnxruntime needs all cut values once, refexec gets them as feeds."""
    model = onnx.load_from_string(content)
    recurrent = [node for node in model.graph.node if (node.domain, node.op_type) == RECURRENT]
    others = [node for node in model.graph.node if (node.domain, node.op_type) != RECURRENT]
    used = {name for node in others for name in node.input} | {o.name for o in model.graph.output}
    cut = tuple(name for node in recurrent for name in node.output if name and name in used)
    quantised = tuple(node.input[0] for node in others if node.op_type == "DynamicQuantizeLinear")
    steps = [node for node in others if not node.domain and node.op_type in QUANTIZED]
    typed = [pair for node in steps for pair in zip(node.output, QUANTIZED[node.op_type], strict=True)]
    known = {o.name for o in model.graph.output}
    extra = [onnx.helper.make_tensor_value_info(name, elem, None) for name, elem in typed if name and name not in known]
    fed = [onnx.helper.make_tensor_value_info(name, _FLOAT, None) for name in dict.fromkeys((*cut, *quantised))]

    whole, rest = onnx.ModelProto(), onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.output.extend([*extra, *(v for v in fed if v.name not in known)])
    rest.CopyFrom(model)
    rest.graph.ClearField("node")
    rest.graph.node.extend(others)
    rest.graph.input.extend(v for v in fed if v.name in cut)
    rest.graph.output.extend(extra)
    return Split(whole.SerializeToString(), rest.SerializeToString(), tuple(v.name for v in fed), tuple(name for name, _ in typed if name))


def refusal(content: bytes) -> str | None:
    """What refexec says to the whole model: the message of the UnsupportedOperator error, None when there is none."""
    try:
        Session(content)
    except UnsupportedOperator as error:
        return str(error)
    return None


def quantized_differences(model: RealModel, where: Path) -> tuple[list[str], int]:
    """Which quantised tensors and outputs do not agree, and how many were compared."""
    content, feeds = model.load(where)
    parts = split(content)
    expected, _ = run_onnxruntime(parts.whole, feeds, PRECISE)
    session = Session(parts.rest)
    names = [o.name for o in session.outputs]
    found, compared = [], 0
    for i, given in enumerate(feeds):
        ours = dict(zip(names, session.run(names, {**given, **{name: expected[i][name] for name in parts.cut}}), strict=True))
        for name in names:
            y, e = ours[name], expected[i][name]
            compared += 1
            problem = _far(y, e) if name not in parts.quantized and y.dtype.kind == "f" else _unequal(y, e)
            if problem:
                found.append(f"input {i}, {name}: {problem}")
    return found, compared


def _unequal(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> str | None:
    if (ours.dtype, ours.shape) != (theirs.dtype, theirs.shape):
        return f"{ours.dtype} {ours.shape}, onnxruntime has {theirs.dtype} {theirs.shape}"
    wrong = ours != theirs
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {wrong.size} differ, first at {list(at)}: {ours[at]!r}, onnxruntime {theirs[at]!r}"


def _far(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> str | None:
    distance, scale = float(np.abs(ours - theirs).max()), float(np.abs(theirs).max())
    return None if distance <= FROM_ONNXRUNTIME * scale else f"{distance:.3g} from onnxruntime, {FROM_ONNXRUNTIME * scale:.3g} allowed"


def quantized_report(model: RealModel, where: Path) -> tuple[int, str]:
    """Number of problems, and one line for a table."""
    try:
        content, _ = model.load(where)
        said = refusal(content)
        differences, compared = quantized_differences(model, where)
    except WheelAbsent as error:
        return 0, f"absent: {error}"
    except (RefexecError, RuntimeError) as error:
        return 1, f"{type(error).__name__}: {str(error)[:160]}"
    named = said is not None and RECURRENT[1] in said
    line = f"needs {RECURRENT[0]}:{RECURRENT[1]}; without it {compared - len(differences)} of {compared} tensors agree"
    return len(differences) + (not named), "; ".join([line, *differences[:3]])
