"""Convolutions: every geometry within the bound, the order of additions, threads, batches."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from refexec import Session
from tests.kernels.fused import in_order


def model_of(X: Any, W: Any, bias: Any = None, constant: bool = True, **attributes: Any) -> onnx.ModelProto:
    kind = helper.np_dtype_to_tensor_dtype(X.dtype)
    values = {"w": W} | ({} if bias is None else {"b": bias})
    inputs = [helper.make_tensor_value_info("x", kind, [None] * X.ndim)]
    inputs += [] if constant else [helper.make_tensor_value_info(n, kind, v.shape) for n, v in values.items()]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", *values], ["y"], **attributes)], "conv", inputs, [helper.make_tensor_value_info("y", kind, None)],
        [onnx.numpy_helper.from_array(v, n) for n, v in values.items()] if constant else [],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def conv(X: Any, W: Any, bias: Any = None, threads: int = 1, constant: bool = True, **attributes: Any) -> Any:
    feeds = {"x": X} if constant else {"x": X, "w": W} | ({} if bias is None else {"b": bias})
    session = Session(model_of(X, W, bias, constant, **attributes), profile="deterministic", verify_kernels=True, threads=threads)
    return session.run(None, feeds)[0]


def numbers(seed: int, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@st.composite
def geometries(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    rank = draw(st.integers(1, 3))
    group = draw(st.sampled_from((1, 1, 2, 8)))
    depth, per_group = draw(st.sampled_from((1, 1, 3, 40))), draw(st.sampled_from((1, 1, 2, 7, 20)))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    dilations, strides = ([draw(st.sampled_from((1, 1, 2, 3))) for _ in range(rank)] for _ in range(2))
    pads = [draw(st.integers(0, 2)) for _ in range(2 * rank)]
    least = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    spatial = [draw(st.integers(low, low + draw(st.sampled_from((3, 9, 20 if rank < 3 else 6))))) for low in least]
    attributes = {"group": group, "dilations": dilations, "strides": strides, "pads": pads}
    return (draw(st.integers(0, 2)), depth * group, *spatial), (per_group * group, depth, *kernel), attributes


@settings(max_examples=120, deadline=None)
@given(geometry=geometries(), with_bias=st.booleans(), constant=st.booleans(), dtype=st.sampled_from((np.float32, np.float32, np.float64)))
def test_every_geometry_is_within_the_bound_and_has_the_same_bits_for_two_threads(
    geometry: Any, with_bias: bool, constant: bool, dtype: Any
) -> None:
    x, w, attributes = geometry
    X, W = numbers(1, x, dtype), numbers(2, w, dtype)
    bias = numbers(3, w[:1], dtype) if with_bias else None
    y = conv(X, W, bias, constant=constant, **attributes)  # verify_kernels raises
    assert conv(X, W, bias, threads=2, constant=constant, **attributes).tobytes() == y.tobytes()


def element(X: Any, W: Any, at: tuple[int, ...], strides: Any, dilations: Any, pads: Any, group: int) -> Any:
    """One element by the chain of fused multiply-adds over channel and position; outside the image are zeros."""
    n, m, *o = at
    depth, *kernel = W.shape[1:]
    g = m // (W.shape[0] // group)
    pairs = []
    for c in range(depth):
        for k in product(*map(range, kernel)):
            where = [p * s + i * d - b for p, s, i, d, b in zip(o, strides, k, dilations, pads, strict=False)]
            inside = all(0 <= i < size for i, size in zip(where, X.shape[2:], strict=True))
            pairs.append((W[(m, c, *k)], X[(n, g * depth + c, *where)] if inside else 0.0))
    return in_order(pairs, X.dtype)


@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((1, 40, 9, 11), (7, 40, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((2, 40, 20, 21), (7, 40, 3, 3), {"strides": [2, 2], "pads": [0, 1, 1, 0]}),
        ((1, 300, 5, 5), (20, 300, 1, 1), {}),
        ((1, 6, 14, 14), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
        ((1, 6, 15, 15), (6, 1, 3, 3), {"group": 6, "strides": [2, 2]}),
        ((3, 6, 5, 5), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
        ((1, 8, 30), (4, 4, 5), {"group": 2, "dilations": [2]}),
        ((1, 2, 5, 6, 7), (3, 2, 2, 3, 2), {"pads": [1, 0, 1, 0, 1, 1]}),
    ],
)
def test_elements_are_chains_of_fused_multiply_adds_in_blocks_of_256(x: Any, w: Any, attributes: Any) -> None:
    X, W = numbers(4, x), numbers(5, w)
    y = conv(X, W, **attributes)
    rank = len(x) - 2
    strides, dilations = attributes.get("strides", [1] * rank), attributes.get("dilations", [1] * rank)
    pads, group = attributes.get("pads", [0] * 2 * rank)[:rank], attributes.get("group", 1)
    rng = np.random.default_rng(6)
    corners = [tuple(0 for _ in y.shape), tuple(d - 1 for d in y.shape)]
    for at in corners + [tuple(int(rng.integers(d)) for d in y.shape) for _ in range(12)]:
        assert y[at] == element(X, W, at, strides, dilations, pads, group)


def test_an_image_alone_has_the_bits_that_it_has_in_a_batch() -> None:
    X, W = numbers(7, (3, 16, 12, 12)), numbers(8, (24, 16, 3, 3))
    assert conv(X, W)[1:2].tobytes() == conv(X[1:2], W).tobytes()


def test_a_weight_that_is_infinite_meets_the_zeros_of_the_pads() -> None:
    X, W = np.ones((1, 8, 9, 9), np.float32), np.ones((8, 1, 3, 3), np.float32)
    W[0, 0, 0, 0] = np.inf
    y = conv(X, W, group=8, pads=[1, 1, 1, 1])
    assert np.isnan(y[0, 0, 0]).all()
    assert np.isinf(y[0, 0, 1:, 1:]).all()
    assert np.isfinite(y[0, 1:]).all()


@pytest.mark.parametrize("dtype", [np.float16])
def test_half_types_add_in_float32_and_round_once(dtype: Any) -> None:
    X, W = numbers(9, (1, 5, 7, 7), dtype), numbers(10, (3, 5, 3, 3), dtype)
    y = conv(X, W)
    expected = element(X.astype(np.float32), W.astype(np.float32), (0, 2, 3, 4), [1, 1], [1, 1], [0, 0], 1)
    assert y[0, 2, 3, 4] == expected.astype(dtype)
