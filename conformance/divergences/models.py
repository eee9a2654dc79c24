"""Models of reproducers that ONNX's text form cannot express."""

from __future__ import annotations

import numpy as np
import onnx

__all__ = ["sparse_initializer"]


def sparse_initializer() -> onnx.ModelProto:
    """y = x + s, with s = (3, 0, 0, 4) given by its values 3 and 4 at the positions 0 and 3."""
    values = onnx.helper.make_tensor("s", onnx.TensorProto.FLOAT, [2], [3.0, 4.0])
    positions = onnx.numpy_helper.from_array(np.array([0, 3], dtype=np.int64), "positions")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "s"], ["y"])],
        "sparse",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [4])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [4])],
        sparse_initializer=[onnx.helper.make_sparse_tensor(values, positions, [4])],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=10)
