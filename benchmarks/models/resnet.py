"""ResNet-50, in the form of torchvision: the stride stands in the 3x3 convolution."""

from __future__ import annotations

from benchmarks.case import Problem
from benchmarks.graph import Graph
from benchmarks.models.layers import convolution

STAGES = (3, 4, 6, 3)


def resnet(image: int = 224, width: int = 64, batch: int = 1, batchnorm: bool = False, dynamic: bool = False) -> Problem:
    graph = Graph("resnet50")
    x = graph.input("input", ["batch" if dynamic else batch, 3, image, image])
    x = graph.node("Relu", convolution(graph, x, 3, width, 7, 2, batchnorm=batchnorm))
    x = graph.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = width
    for stage, blocks in enumerate(STAGES):
        inner = width << stage
        for block in range(blocks):
            x = _bottleneck(graph, x, channels, inner, 2 if stage and not block else 1, batchnorm)
            channels = 4 * inner
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x), axis=1)
    shape = ["batch" if dynamic else batch, 1000]
    graph.result("Gemm", "output", x, graph.weight(1000, channels, terms=channels), graph.weight(1000), transB=1, shape=shape)
    return Problem(graph.content(), {"input": graph.random.standard_normal((batch, 3, image, image), "float32")})


def _bottleneck(graph: Graph, x: str, channels: int, inner: int, stride: int, batchnorm: bool) -> str:
    y = graph.node("Relu", convolution(graph, x, channels, inner, 1, batchnorm=batchnorm))
    y = graph.node("Relu", convolution(graph, y, inner, inner, 3, stride, batchnorm=batchnorm))
    y = convolution(graph, y, inner, 4 * inner, 1, batchnorm=batchnorm, gain=0.5)
    if channels != 4 * inner:
        x = convolution(graph, x, channels, 4 * inner, 1, stride, batchnorm=batchnorm, gain=1)
    return graph.node("Relu", graph.node("Add", y, x))
