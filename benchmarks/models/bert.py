"""BERT-base as exporters write it at opset 14: LayerNormalization and Gelu in parts, a mask made from the attention mask."""

from __future__ import annotations

import numpy as np

from benchmarks.case import Problem
from benchmarks.graph import Array, Graph
from benchmarks.models.layers import split_heads, transformer_attention
from benchmarks.normalization import decomposed_layer_norm


def bert(
    length: int = 128,
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    words: int = 30522,
    positions: int = 512,
    batch: int = 1,
    dynamic: bool = False,
) -> Problem:
    graph = Graph("bert", opset=14)
    shape = ("batch", "length") if dynamic else (batch, length)
    ids, mask, types = (graph.input(name, shape, np.int64) for name in ("input_ids", "attention_mask", "token_type_ids"))
    x = _embedding(graph, ids, types, width, words, positions)
    mask = graph.node("Cast", graph.node("Unsqueeze", mask, graph.constant([1, 2], np.int64)), to=1)
    mask = graph.node("Mul", graph.node("Sub", graph.constant(1), mask), graph.constant(np.finfo(np.float32).min))
    for _ in range(layers):
        x = _layer(graph, x, mask, width, heads)
    graph.result("Identity", "last_hidden_state", x, shape=[*shape, width])
    first = graph.node("Gather", x, graph.constant(0, np.int64), axis=1)
    pooled = graph.node("Gemm", first, graph.weight(width, width, terms=width), graph.weight(width), transB=1)
    graph.result("Tanh", "pooler_output", pooled, shape=[shape[0], width])
    return Problem(graph.content(), inputs(batch, length, words))


def inputs(batch: int, length: int, words: int = 30522) -> dict[str, Array]:
    ids: Array = np.random.default_rng(7).integers(0, words, (batch, length))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def _embedding(graph: Graph, ids: str, types: str, width: int, words: int, positions: int) -> str:
    length = graph.node("Gather", graph.node("Shape", ids), graph.constant([1], np.int64), axis=0)
    numbers = graph.constant(np.arange(positions)[None], np.int64)
    numbers = graph.node("Slice", numbers, graph.constant([0], np.int64), length, graph.constant([1], np.int64))
    word = graph.node("Gather", graph.weight(words, width), ids)
    kind = graph.node("Gather", graph.weight(2, width), types)
    place = graph.node("Gather", graph.weight(positions, width), numbers)
    return _norm(graph, graph.node("Add", graph.node("Add", word, kind), place), width)


def _layer(graph: Graph, x: str, mask: str, width: int, heads: int) -> str:
    size = width // heads
    q, k, v = (_linear(graph, x, width, width) for _ in range(3))
    q, v = split_heads(graph, q, heads, size), split_heads(graph, v, heads, size)
    k = split_heads(graph, k, heads, size, (0, 2, 3, 1))
    mixed = _linear(graph, transformer_attention(graph, q, k, v, mask, width, heads), width, width)
    x = _norm(graph, graph.node("Add", mixed, x), width)
    inner = _linear(graph, x, width, 4 * width)
    erf = graph.node("Erf", graph.node("Div", inner, graph.constant(np.sqrt(2))))
    inner = graph.node("Mul", inner, graph.node("Add", erf, graph.constant(1)))
    inner = graph.node("Mul", inner, graph.constant(0.5))
    return _norm(graph, graph.node("Add", _linear(graph, inner, 4 * width, width), x), width)


def _linear(graph: Graph, x: str, inputs: int, outputs: int) -> str:
    return graph.node("Add", graph.weight(outputs), graph.node("MatMul", x, graph.weight(inputs, outputs, terms=inputs)))


def _norm(graph: Graph, x: str, width: int) -> str:
    return decomposed_layer_norm(graph, x, graph.constant(graph.random.uniform(0.8, 1.2, width)), graph.weight(width))
