"""One operator on sequences whose tensors have different shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

import refexec
from refexec.types import element_type


def run_op(op_type: str, *inputs: Any, opset: int = 24, limits: refexec.Limits | None = None, **attributes: Any) -> Any:
    """The output of one node; a list is a sequence of tensors of any shape."""
    helper = onnx.helper
    names = [f"in{i}" for i in range(len(inputs))]
    values = [[np.asarray(v) for v in x] if isinstance(x, list) else np.asarray(x) for x in inputs]
    types = []
    for value in values:
        first = value[0] if isinstance(value, list) else value
        tensor = helper.make_tensor_type_proto(element_type(first.dtype).number, None if isinstance(value, list) else first.shape)
        types.append(helper.make_sequence_type_proto(tensor) if isinstance(value, list) else tensor)
    node = helper.make_node(op_type, names, ["out"], **attributes)
    graph = helper.make_graph([node], op_type, list(map(helper.make_value_info, names, types)), [onnx.ValueInfoProto(name="out")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return refexec.run(model, dict(zip(names, values, strict=True)), limits=limits)[0]
