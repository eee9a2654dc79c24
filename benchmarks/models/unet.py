"""A small U-Net: four levels down by MaxPool, three up by ConvTranspose and the last by Resize, each joined by Concat."""

from __future__ import annotations

import numpy as np

from benchmarks.case import Problem
from benchmarks.graph import Graph
from benchmarks.models.layers import convolution

LEVELS = 4


def unet(image: int = 256, width: int = 32, batchnorm: bool = False) -> Problem:
    graph = Graph("unet")

    def double(x: str, inputs: int, outputs: int) -> str:
        for first, last in ((inputs, outputs), (outputs, outputs)):
            x = graph.node("Relu", convolution(graph, x, first, last, batchnorm=batchnorm))
        return x

    x, channels, joined = graph.input("input", [1, 3, image, image]), 3, []
    for level in range(LEVELS):
        x, channels = double(x, channels, width << level), width << level
        joined.append(x)
        x = graph.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x, channels = double(x, channels, width << LEVELS), width << LEVELS
    for level in reversed(range(LEVELS)):
        half = width << level
        if level:
            x = graph.node("ConvTranspose", x, graph.weight(channels, half, 2, 2, terms=channels), graph.weight(half), strides=[2, 2])
        else:
            x = graph.node("Resize", x, "", graph.constant([1, 1, 2, 2]), mode="linear", coordinate_transformation_mode="half_pixel")
            x = convolution(graph, x, channels, half, 1, gain=1)
        x, channels = double(graph.node("Concat", x, joined[level], axis=1), 2 * half, half), half
    x = convolution(graph, x, channels, 1, 1, gain=1)
    graph.result("Sigmoid", "mask", x, shape=[1, 1, image, image])
    return Problem(graph.content(), {"input": graph.random.standard_normal((1, 3, image, image), np.float32)})
