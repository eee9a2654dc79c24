"""One step of GPT-2 small with the keys and values of earlier tokens as inputs and outputs."""

from __future__ import annotations

import numpy as np

from benchmarks.case import Problem
from benchmarks.graph import Array, Graph
from benchmarks.models.layers import split_heads, transformer_attention
from benchmarks.normalization import decomposed_layer_norm


def gpt2(past: int = 512, layers: int = 12, width: int = 768, heads: int = 12, words: int = 50257, positions: int = 1024) -> Problem:
    graph = Graph("gpt2", opset=14)
    kept = (1, heads, past, width // heads)
    feeds: dict[str, Array] = {"input_ids": np.array([[words // 3]], np.int64), "position_ids": np.array([[past]], np.int64)}
    x = graph.weight(words, width)
    token = graph.node("Gather", x, graph.input("input_ids", [1, 1], np.int64))
    place = graph.node("Gather", graph.weight(positions, width), graph.input("position_ids", [1, 1], np.int64))
    x = graph.node("Add", token, place)
    for number in range(layers):
        for part in ("key", "value"):
            name = f"past_key_values.{number}.{part}"
            graph.input(name, kept)
            feeds[name] = graph.random.standard_normal(kept, np.float32)
        x = _layer(graph, x, number, width, heads, past)
    x = _norm(graph, x, width)
    graph.result("MatMul", "logits", x, graph.weight(width, words, terms=width), shape=[1, 1, words])
    return Problem(graph.content(), feeds)


def _layer(graph: Graph, x: str, number: int, width: int, heads: int, past: int) -> str:
    size = width // heads
    qkv = _linear(graph, _norm(graph, x, width), width, 3 * width)
    q, k, v = graph.nodes("Split", 3, qkv, graph.constant([width] * 3, np.int64), axis=2)
    q, k, v = (split_heads(graph, part, heads, size) for part in (q, k, v))
    k, v = (_appended(graph, f"{number}.{part}", new, (1, heads, past + 1, size)) for part, new in (("key", k), ("value", v)))
    mixed = transformer_attention(graph, q, graph.node("Transpose", k, perm=[0, 1, 3, 2]), v, None, width, heads)
    x = graph.node("Add", _linear(graph, mixed, width, width), x)
    inner = _gelu(graph, _linear(graph, _norm(graph, x, width), width, 4 * width))
    return graph.node("Add", x, _linear(graph, inner, 4 * width, width))


def _appended(graph: Graph, name: str, new: str, shape: tuple[int, ...]) -> str:
    return graph.result("Concat", f"present.{name}", f"past_key_values.{name}", new, axis=2, shape=shape)


def _linear(graph: Graph, x: str, inputs: int, outputs: int) -> str:
    """As the one-dimensional convolutions of GPT-2 are written: a Gemm on rows."""
    rows = graph.node("Reshape", x, graph.constant([-1, inputs], np.int64))
    y = graph.node("Gemm", rows, graph.weight(inputs, outputs, terms=inputs), graph.weight(outputs))
    return graph.node("Reshape", y, graph.constant([1, -1, outputs], np.int64))


def _gelu(graph: Graph, x: str) -> str:
    """Gelu by tanh, in parts."""
    cubed = graph.node("Mul", graph.node("Pow", x, graph.constant(3)), graph.constant(0.044715))
    inner = graph.node("Mul", graph.node("Add", x, cubed), graph.constant(np.sqrt(2 / np.pi)))
    return graph.node("Mul", graph.node("Mul", x, graph.constant(0.5)), graph.node("Add", graph.node("Tanh", inner), graph.constant(1)))


def _norm(graph: Graph, x: str, width: int) -> str:
    return decomposed_layer_norm(graph, x, graph.constant(graph.random.uniform(0.8, 1.2, width)), graph.weight(width))
