"""MobileNetV2, in the form of torchvision."""

from __future__ import annotations

from benchmarks.case import Problem
from benchmarks.graph import Graph
from benchmarks.models.layers import convolution

# expansion, output channels, blocks, stride of the first block
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet(image: int = 224, width: float = 1.0, batchnorm: bool = False) -> Problem:
    graph = Graph("mobilenetv2")

    def channels(count: int) -> int:
        return max(8, int(count * width + 4) // 8 * 8)

    def six(x: str) -> str:
        return graph.node("Clip", x, graph.constant(0), graph.constant(6))

    x, now = graph.input("input", [1, 3, image, image]), channels(32)
    x = six(convolution(graph, x, 3, now, 3, 2, batchnorm=batchnorm))
    for expansion, count, blocks, first in STAGES:
        for block in range(blocks):
            stride, inner, out = first if not block else 1, now * expansion, channels(count)
            y = x if expansion == 1 else six(convolution(graph, x, now, inner, 1, batchnorm=batchnorm))
            y = six(convolution(graph, y, inner, inner, 3, stride, group=inner, batchnorm=batchnorm))
            y = convolution(graph, y, inner, out, 1, batchnorm=batchnorm, gain=1)
            x, now = graph.node("Add", x, y) if stride == 1 and now == out else y, out
    last = channels(1280)
    x = six(convolution(graph, x, now, last, 1, batchnorm=batchnorm))
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x), axis=1)
    graph.result("Gemm", "output", x, graph.weight(1000, last, terms=last), graph.weight(1000), transB=1, shape=[1, 1000])
    return Problem(graph.content(), {"input": graph.random.standard_normal((1, 3, image, image), "float32")})
