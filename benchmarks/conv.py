"""Convolutions with bias and Relu: the layers of ResNet and MobileNet, dilation, groups, float64; and ConvTranspose.

A layer counts with the better of two times: alone, and as part of a chain of six, in which a runtime that changes the layout of its
tensors does so once. Where a layer cannot follow itself, the chain alternates with the layer that leads back, and the layer's share
is its part of all products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.case import Array, Case, Form, Problem
from benchmarks.graph import Graph

CHAIN = 6


@dataclass(frozen=True)
class Layer:
    """A convolution of square maps of ``size``, and what follows it."""

    inputs: int
    outputs: int
    size: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    group: int = 1
    batch: int = 1
    six: bool = False  # Relu6
    dtype: type = np.float32

    @property
    def padding(self) -> int:
        return self.dilation * (self.kernel // 2)

    @property
    def products(self) -> int:
        return self.inputs * self.outputs // self.group * self.kernel**2 * (self.size // self.stride) ** 2

    @property
    def back(self) -> Layer:
        return replace(self, inputs=self.outputs, outputs=self.inputs)

    @property
    def text(self) -> str:
        unusual = {"s": self.stride, "d": self.dilation, "g": self.group, "b": self.batch}
        parts = [f"{self.kernel}x{self.kernel}", f"{self.inputs}-{self.outputs}@{self.size}"]
        parts += [f"{letter}{value}" for letter, value in unusual.items() if value > 1]
        return " ".join([*parts, *["float64"] * (self.dtype is np.float64)])

    def add(self, graph: Graph, x: str) -> str:
        terms = self.inputs // self.group * self.kernel**2
        weight = graph.weight(self.outputs, self.inputs // self.group, self.kernel, self.kernel, terms=terms, gain=2, dtype=self.dtype)
        attributes: dict[str, Any] = {"kernel_shape": [self.kernel] * 2, "strides": [self.stride] * 2, "dilations": [self.dilation] * 2}
        attributes |= {"pads": [self.padding] * 4, "group": self.group}
        y = graph.node("Conv", x, weight, graph.weight(self.outputs, dtype=self.dtype), **attributes)
        return graph.node("Clip", y, graph.constant(0, self.dtype), graph.constant(6, self.dtype)) if self.six else graph.node("Relu", y)

    def case(self, group: str) -> Case:
        one = Form("one", lambda: problem([self]))
        if self.stride > 1:
            return Case(self.text, group, (one,))
        layers = [self, self.back] * (CHAIN // 2)
        share = self.products / sum(layer.products for layer in layers)
        return Case(self.text, group, (one, Form("chain", lambda: problem(layers), share)))


def problem(layers: list[Layer]) -> Problem:
    first = layers[0]
    graph = Graph("layers")
    shape = (first.batch, first.inputs, first.size, first.size)
    value = graph.input("x", shape, first.dtype)
    for layer in layers:
        value = layer.add(graph, value)
    graph.result("Identity", "y", value, dtype=first.dtype)
    feeds: dict[str, Array] = {"x": graph.random.standard_normal(shape, np.float32).astype(first.dtype)}
    return Problem(graph.content(), feeds)


THREE = tuple(Layer(*layer) for layer in ((64, 64, 56), (128, 128, 28), (256, 256, 14), (512, 512, 7), (256, 256, 56)))
POINTWISE = ((64, 256, 56), (256, 64, 56), (256, 1024, 14), (2048, 512, 7), (16, 96, 112), (24, 144, 56))
OTHERS = (
    Layer(3, 64, 224, kernel=7, stride=2),
    *(Layer(*layer, kernel=1) for layer in POINTWISE),
    Layer(256, 256, 28, dilation=2),
    Layer(128, 128, 56, group=32),
    Layer(128, 128, 56, stride=2),
    Layer(64, 64, 28, batch=8),
)


def transposed(inputs: int, outputs: int, size: int, kernel: int, stride: int) -> Case:
    def build() -> Problem:
        graph = Graph("upwards")
        x: Array = graph.random.standard_normal((1, inputs, size, size), np.float32)
        weight = graph.weight(inputs, outputs, kernel, kernel, terms=inputs)
        pads = [(kernel - stride) // 2] * 4
        graph.result("ConvTranspose", "y", graph.input("x", x.shape), weight, graph.weight(outputs), strides=[stride] * 2, pads=pads)
        return Problem(graph.content(), {"x": x})

    return Case(f"{kernel}x{kernel} {inputs}-{outputs}@{size} s{stride}", "ConvTranspose", (Form("one", build),))


def cases() -> Iterator[Case]:
    yield from (layer.case("Conv 3x3") for layer in THREE)
    yield from (layer.case("Conv others") for layer in OTHERS)
    yield replace(THREE[1], dtype=np.float64).case("Conv float64")
    yield transposed(128, 64, 32, 2, 2)
    yield transposed(64, 32, 56, 4, 2)
