"""Small models for tests of runtimes and comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx


def parsed(body: str, opset: int = 17, ir: int = 8) -> Any:
    """A model from the text of its graph and functions."""
    return onnx.parser.parse_model(f'<ir_version: {ir}, opset_import: ["" : {opset}, "local" : 1]> {body}')


def binary(body: str, opset: int = 17, ir: int = 8) -> bytes:
    content: bytes = parsed(body, opset, ir).SerializeToString()
    return content


def with_initializers(model: Any, **arrays: Any) -> Any:
    """The model with these initializers."""
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items())
    return model


DIVIDE = "g (int32[N] a, int32[N] b) => (int32[N] y) { y = Div(a, b) }"
LEAST = {"a": np.array([-(2**31)], np.int32), "b": np.array([-1], np.int32)}  # the quotient is no int32: x86 raises SIGFPE
ENDLESS = """g (float[1] x) => (float[1] y) {
  n = Constant<value_int = 4000000000000000000>() c = Constant<value = bool {1}>()
  y = Loop(n, c, x) <body = b (int64 i, bool on, float[1] v) => (bool on2, float[1] w) { on2 = Identity(on) w = Sqrt(v) }>
}"""
