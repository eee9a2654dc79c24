"""In the deterministic profile the bits of whole models depend on nothing but their inputs."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import pytest

from benchmarks.models import MODELS
from refexec import Session, pool
from tests.kernels.calls import chain
from tests.kernels.compared import spaced

BATCHED = {
    "convolutions": (
        "(float[N, 4, 9, 10] x) => (float[N, K] y) <float[20, 4, 3, 3] w, float[20, 1, 3, 3] d> {"
        " a = Conv <pads = [1, 1, 1, 1]> (x, w) b = Relu(a) c = Conv <group = 20, strides = [1, 1]> (b, d) e = Add(c, c)"
        " p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (e) g = GlobalAveragePool(p) f = Flatten(g) s = Softmax(f) y = Tanh(s) }"
    ),
    "attention": (
        "(float[N, 9, 24] x) => (float[N, S, D] y) <float[24, 24] w, float[24] v> {"
        " q = MatMul(x, w) n = LayerNormalization(q, v, v) y = Attention <q_num_heads = 3, kv_num_heads = 3> (n, x, q) }"
    ),
    "rows": "(float[N, 300] x) => (float[N, 37] y) <float[300, 37] w, float[37] b> { g = Gemm(x, w, b) h = Gelu(g) y = LogSoftmax(h) }",
}


def batched(name: str) -> onnx.ModelProto:
    """The model with numbers for its initializers, whose types the text gives."""
    text, rng = BATCHED[name], np.random.default_rng(1)
    head, _, rest = text.partition("<")
    declared, _, body = rest.partition(">")
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 23]> m {head}{body}')
    for one in declared.split("float")[1:]:
        sizes, _, label = one.strip(" ,").partition("] ")
        shape = [int(n) for n in sizes.strip("[").split(",")]
        model.graph.initializer.append(onnx.numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) / 4, label.strip(" ,")))
    return model


def results(model: Any, feeds: Any, threads: int = 1, profile: str = "deterministic") -> list[bytes]:
    with patch.object(pool, "SHORT", 0):
        return [y.tobytes() for y in Session(model, profile=profile, threads=threads).run(None, feeds)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("profile", ["deterministic", "fast"])
def test_threads_layout_and_observers_leave_the_bits_of_the_benchmarked_models(name: str, profile: str) -> None:
    problem = MODELS[name][1]()
    expected = results(problem.content, problem.feeds, profile=profile)
    assert results(problem.content, problem.feeds, 2, profile) == expected
    assert results(problem.content, {n: spaced(x) for n, x in problem.feeds.items()}, 2, profile) == expected
    session = Session(problem.content, profile=profile)
    observed = [y.tobytes() for y in session.observe(problem.feeds, lambda event: None)]
    assert profile == "fast" or observed == expected


def test_so_they_do_for_a_chain() -> None:
    model, feeds = chain()
    expected = results(model, feeds)
    assert results(model, feeds, 2) == expected
    assert results(model, {n: spaced(x) for n, x in feeds.items()}) == expected
    assert [y.tobytes() for y in Session(model, profile="deterministic").observe(feeds, lambda event: None)] == expected


@pytest.mark.parametrize("name", BATCHED)
def test_a_sample_has_the_bits_that_it_has_at_any_place_of_any_batch(name: str) -> None:
    model = batched(name)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(2).standard_normal((7, *shape[1:])).astype(np.float32)
    session = Session(model, profile="deterministic", threads=2)
    with patch.object(pool, "SHORT", 0):
        (whole,) = session.run(None, {"x": x})
        for i in range(7):
            assert session.run(None, {"x": x[i : i + 1]})[0].tobytes() == whole[i : i + 1].tobytes()
        assert session.run(None, {"x": x[::-1]})[0].tobytes() == whole[::-1].tobytes()
        assert session.run(None, {"x": x[2:5]})[0].tobytes() == whole[2:5].tobytes()
