"""Normalisation and reductions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.case import Array, Case, Form, Problem, simple
from benchmarks.gemm import numbers
from benchmarks.graph import Graph


def layer_norm(x: Array, scale: Array, bias: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-5)) * scale + bias)


def decomposed_layer_norm(graph: Graph, x: str, scale: str, bias: str) -> str:
    """LayerNormalization as exporters write it before opset 17."""
    centred = graph.node("Sub", x, graph.node("ReduceMean", x, axes=[-1]))
    variance = graph.node("ReduceMean", graph.node("Pow", centred, graph.constant(2)), axes=[-1])
    deviation = graph.node("Sqrt", graph.node("Add", variance, graph.constant(1e-5)))
    return graph.node("Add", graph.node("Mul", graph.node("Div", centred, deviation), scale), bias)


def _decomposed(x: Array, scale: Array, bias: Array) -> Problem:
    graph = Graph("layer norm")
    y = decomposed_layer_norm(graph, graph.input("x", x.shape), graph.constant(scale), graph.constant(bias))
    graph.result("Identity", "y", y)
    return Problem(graph.content(), {"x": x}, partial(layer_norm, x, scale, bias))


def cases() -> Iterator[Case]:
    group = "normalisation"
    for rows, width in ((128, 768), (1, 768), (512, 1024)):
        x, scale, bias = numbers(rows, width), numbers(width, seed=2), numbers(width, seed=3)
        operator = simple("LayerNormalization", {"x": x}, scale, bias, numpy=layer_norm)
        forms = (Form("op", operator), Form("decomposed", partial(_decomposed, x, scale, bias)))
        yield Case(f"LayerNormalization {rows}x{width}", group, forms)
    x = numbers(128, 768)
    yield _one("RMSNormalization 128x768", group, simple("RMSNormalization", {"x": x}, numbers(768, seed=2), opset=23))
    image, ones = numbers(1, 64, 56, 56), np.ones(64, np.float32)
    yield _one("InstanceNormalization 64@56", group, simple("InstanceNormalization", {"x": image}, ones, ones))
    yield _one(
        "GroupNormalization 64@56", group, simple("GroupNormalization", {"x": image}, ones, ones, opset=21, shape=image.shape, num_groups=8)
    )
    yield _one("BatchNormalization 64@56", group, simple("BatchNormalization", {"x": image}, ones, ones, ones, ones))
    wide = numbers(128, 3072)
    reductions: tuple[tuple[str, int, Callable[..., Array]], ...] = (
        ("ReduceMean", -1, np.mean),
        ("ReduceMean", 0, np.mean),
        ("ReduceMax", -1, np.max),
        ("ReduceMin", 0, np.min),
    )
    for op_type, axis, function in reductions:
        plain = partial(function, axis=axis, keepdims=True)
        yield _one(f"{op_type} 128x3072 axis {axis}", "reductions", simple(op_type, {"x": wide}, numpy=plain, axes=[axis]))
    axes: Array = np.array([-1], np.int64)
    yield _one("ReduceSum 128x3072", "reductions", simple("ReduceSum", {"x": wide}, axes, numpy=lambda x, _: x.sum(-1, keepdims=True)))
    yield _one("ReduceL2 128x3072", "reductions", simple("ReduceL2", {"x": wide}, axes=[-1]))
    yield _one("ArgMax 128x3072", "reductions", simple("ArgMax", {"x": wide}, dtype=np.int64, numpy=partial(np.argmax, axis=-1), axis=-1))
    channels = partial(np.mean, axis=(2, 3), keepdims=True)
    yield _one("ReduceMean 64@56 axes 2,3", "reductions", simple("ReduceMean", {"x": image}, numpy=channels, axes=[2, 3]))


def _one(name: str, group: str, build: Callable[[], Problem]) -> Case:
    return Case(name, group, (Form("op", build),))
