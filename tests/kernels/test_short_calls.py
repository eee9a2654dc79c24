"""Calls too short to be split go straight to compiled code: with the bits of a call that is split over threads."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import pytest

import refexec
from refexec import pool

CASES = {
    "constant B": "(float[5,7] x) => (float[N,M] y) <float[7,19] b> { y = MatMul(x, b) }",
    "B given": "(float[3,5,7] x, float[7,19] z) => (float[A,B,C] y) { y = MatMul(x, z) }",
    "vectors": "(float[7] x, float[7] z) => (float y) { y = MatMul(x, z) }",
    "transposed": "(float[7,5] x, float[19,7] z, float[19] c) => (float[N,M] y) { y = Gemm <transA = 1, transB = 1> (x, z, c) }",
    "transposed, constant B": "(float[7,5] x) => (float[N,M] y) <float[19,7] b> { y = Gemm <transA = 1, transB = 1> (x, b) }",
    "residual": "(float[5,7] x, float[5,19] r) => (float[N,M] y) <float[7,19] b> { p = MatMul(x, b) q = Add(p, r) y = Relu(q) }",
    "few pixels": "(float[2,4,5,5] x) => (float[A,B,C,D] y) <float[6,2,3,3] w, float[6] b> { y = Conv <group = 2> (x, w, b) }",
    "many pixels": "(float[2,4,11,11] x) => (float[A,B,C,D] y) <float[6,4,3,3] w> { y = Conv <pads = [1, 1, 1, 1]> (x, w) }",
    "depthwise": "(float[2,4,6,6] x) => (float[A,B,C,D] y) <float[4,1,3,3] w> { y = Conv <group = 4, pads = [1, 1, 1, 1]> (x, w) }",
    "layer": "(float[9,7] x) => (float[N,M] y) <float[7] w, float[7] b> { y = LayerNormalization(x, w, b) }",
    "batch": "(float[2,4,5] x) => (float[A,B,C] y) <float[4] w, float[4] v> { y = BatchNormalization(x, w, w, w, v) }",
    "rows": "(float[9,7] x) => (float[N,M] y) { y = Softmax(x) }",
    "elements": "(float[9,70] x) => (float[N,M] y) { y = Tanh(x) }",
}


def filled(graph: str) -> onnx.ModelProto:
    """The model with positive numbers as the initializers that stand in it by type alone."""
    head, _, rest = graph.partition(" => ")
    result, _, body = rest.partition(" {")
    names = ""
    if " <" in result:
        result, _, names = result.partition(" <")
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> g {head} => {result} {{{body}')
    rng = np.random.default_rng(5)
    for kind, name in (one.split() for one in names.rstrip(">").replace(", ", ";").split(";") if one):
        shape = [int(d) for d in kind.removeprefix("float[").rstrip("]").split(",")]
        model.graph.initializer.append(onnx.numpy_helper.from_array(rng.uniform(0.5, 2, shape).astype(np.float32), name))
    return model


def result(case: str, threads: int) -> Any:
    s = refexec.Session(filled(CASES[case]), threads=threads, profile="deterministic")
    rng = np.random.default_rng(6)
    shapes: dict[str, Any] = {i.name: i.type.shape for i in s.inputs}  # type: ignore[union-attr]
    feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    kept = {name: x.copy() for name, x in feeds.items()}
    (y,) = s.run(None, feeds)
    assert all(np.array_equal(x, feeds[name]) for name, x in kept.items())
    return y


@pytest.mark.parametrize("case", CASES)
def test_a_short_call_has_the_bits_of_one_that_is_split_over_threads(case: str) -> None:
    whole = result(case, 1)
    with patch.object(pool, "SHORT", 0):
        parts = result(case, 2)
    assert whole.tobytes() == parts.tobytes() and whole.shape == parts.shape
    assert (np.isfinite(whole).all() and np.ptp(whole) > 0) or whole.ndim == 0
