"""A tagger of two bidirectional LSTM layers, as exporters write it: each layer's directions are moved behind each other."""

from __future__ import annotations

import numpy as np

from benchmarks.case import Problem
from benchmarks.graph import Graph


def bilstm(length: int = 128, words: int = 20000, embedding: int = 300, hidden: int = 512, tags: int = 50) -> Problem:
    graph = Graph("bilstm", opset=14)
    ids = np.random.default_rng(7).integers(0, words, (length, 1))
    x, inputs = graph.node("Gather", graph.weight(words, embedding), graph.input("ids", ids.shape, np.int64)), embedding
    for _ in range(2):
        weights = [
            graph.weight(2, 4 * hidden, inputs, terms=inputs),
            graph.weight(2, 4 * hidden, hidden, terms=hidden),
            graph.weight(2, 8 * hidden),
        ]
        state = graph.constant(np.zeros((2, 1, hidden)))
        y = graph.nodes("LSTM", 3, x, *weights, "", state, state, hidden_size=hidden, direction="bidirectional")[0]
        y = graph.node("Transpose", y, perm=[0, 2, 1, 3])
        x, inputs = graph.node("Reshape", y, graph.constant([0, 0, -1], np.int64)), 2 * hidden
    scores = graph.node("MatMul", x, graph.weight(inputs, tags, terms=inputs))
    graph.result("Add", "scores", scores, graph.weight(tags), shape=[length, 1, tags])
    return Problem(graph.content(), {"ids": ids})
