"""Small and whole models for benchmarks, written node by node with seeded weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

__all__ = ["Array", "Graph"]

Array = np.ndarray[Any, Any]
Dims = Sequence[int | str]


class Graph:
    """A model under construction. A method that adds something returns the name of its value."""

    def __init__(self, name: str, opset: int = 17, seed: int = 0) -> None:
        self.name = name
        self.random = np.random.default_rng(seed)
        self._opset = opset
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._constants: list[onnx.TensorProto] = []

    def input(self, name: str, shape: Dims, dtype: Any = np.float32) -> str:
        self._inputs.append(_info(name, shape, dtype))
        return name

    def output(self, name: str, shape: Dims | None = None, dtype: Any = np.float32) -> str:
        self._outputs.append(_info(name, shape, dtype))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weight(self, *shape: int, terms: int | None = None, gain: float = 1.0, dtype: Any = np.float32) -> str:
        """Normal numbers. With ``terms``, the number of products in a sum, the sums keep ``gain`` times the variance of what they
        sum, so that values neither grow nor vanish from layer to layer; without, the deviation is 0.02."""
        deviation = 0.02 if terms is None else math.sqrt(gain / terms)
        return self.constant(self.random.standard_normal(shape, np.float32) * np.float32(deviation), dtype)

    def node(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output."""
        return self.nodes(op_type, 1, *inputs, **attributes)[0]

    def nodes(self, op_type: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """A node with several outputs."""
        names = [f"v{len(self._nodes)}_{i}" if outputs > 1 else f"v{len(self._nodes)}" for i in range(outputs)]
        self._nodes.append(helper.make_node(op_type, inputs, names, **attributes))
        return names

    def result(self, op_type: str, name: str, *inputs: str, dtype: Any = np.float32, shape: Dims | None = None, **attributes: Any) -> str:
        """A node whose output is the model's."""
        self._nodes.append(helper.make_node(op_type, inputs, [name], **attributes))
        return self.output(name, shape, dtype)

    def content(self) -> bytes:
        """The bytes of the file. Shapes of outputs that were not given are inferred, which copies the weights."""
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid("", self._opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8 if self._opset < 21 else 10 if self._opset < 23 else 11)
        if any(not info.type.tensor_type.HasField("shape") for info in self._outputs):
            inferred = onnx.shape_inference.infer_shapes(model).graph.output
            for info, known in zip(model.graph.output, inferred, strict=True):
                info.CopyFrom(known)
        content: bytes = model.SerializeToString()
        return content


def _info(name: str, shape: Dims | None, dtype: Any) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
