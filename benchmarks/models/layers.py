"""What several models share."""

from __future__ import annotations

import numpy as np

from benchmarks.graph import Graph

__all__ = ["convolution", "split_heads", "transformer_attention"]


def convolution(
    graph: Graph,
    x: str,
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    group: int = 1,
    batchnorm: bool = False,
    gain: float = 2.0,
) -> str:
    """A convolution without activation. The batch normalisation behind it is folded into weight and bias, or stands on its own."""
    weight = graph.weight(outputs, inputs // group, kernel, kernel, terms=inputs // group * kernel * kernel, gain=gain)
    shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4, "dilations": [1, 1], "group": group}
    if not batchnorm:
        return graph.node("Conv", x, weight, graph.weight(outputs), **shape)
    scale, variance = (graph.constant(graph.random.uniform(0.8, 1.2, outputs)) for _ in range(2))
    shift, mean = graph.weight(outputs), graph.weight(outputs)
    return graph.node("BatchNormalization", graph.node("Conv", x, weight, **shape), scale, shift, mean, variance)


def split_heads(graph: Graph, x: str, heads: int, size: int, perm: tuple[int, ...] = (0, 2, 1, 3)) -> str:
    """[batch, length, heads * size] to [batch, heads, length, size]; ``batch`` and ``length`` are those of ``x``."""
    return graph.node("Transpose", graph.node("Reshape", x, graph.constant([0, 0, heads, size], np.int64)), perm=perm)


def transformer_attention(graph: Graph, q: str, k_transposed: str, v: str, mask: str | None, width: int, heads: int) -> str:
    """Attention of heads, decomposed, back to [batch, length, width]."""
    scores = graph.node("Div", graph.node("MatMul", q, k_transposed), graph.constant(np.sqrt(width // heads)))
    if mask is not None:
        scores = graph.node("Add", scores, mask)
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), v)
    return graph.node("Reshape", graph.node("Transpose", mixed, perm=[0, 2, 1, 3]), graph.constant([0, 0, width], np.int64))
