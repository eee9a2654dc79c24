"""Elementwise functions and softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.case import Array, Case, Form, Problem, simple
from benchmarks.gemm import numbers
from benchmarks.graph import Graph

SIZE = (128, 3072)
SINGLE: dict[str, Callable[[Array], Array] | None] = {
    "Exp": np.exp,
    "Log": lambda x: np.log(np.abs(x)),
    "Erf": None,
    "Tanh": np.tanh,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Softplus": lambda x: np.logaddexp(x, np.float32(0)),
    "Sin": np.sin,
    "Elu": lambda x: np.where(x < 0, np.expm1(x), x),
}
CHEAP: dict[str, Callable[..., Array]] = {
    "Relu": lambda x: np.maximum(x, 0),
    "Sqrt": lambda x: np.sqrt(np.abs(x)),
    "Abs": np.abs,
    "HardSwish": lambda x: x * np.clip(x / 6 + np.float32(0.5), 0, 1),
}
SOFTMAX = ((1536, 128), (12, 512, 512), (1, 1000), (1, 50257))


def cases() -> Iterator[Case]:
    x = numbers(*SIZE)
    for name, function in SINGLE.items():
        yield _one(name, "transcendental", np.abs(x) if name == "Log" else x, function)
    yield Case("Gelu 128x3072", "transcendental", (Form("erf", partial(gelu_of_erf, x)), Form("op", simple("Gelu", {"x": x}, opset=20))))
    yield Case("Gelu tanh 128x3072", "transcendental", (Form("op", simple("Gelu", {"x": x}, opset=20, approximate="tanh")),))
    yield Case("SiLU 128x3072", "transcendental", (Form("decomposed", partial(silu, x)),))
    for shape in SOFTMAX:
        text = "x".join(map(str, shape))
        yield Case(f"Softmax {text}", "softmax", (Form("op", simple("Softmax", {"x": numbers(*shape)}, numpy=softmax, axis=-1)),))
    yield Case("LogSoftmax 128x1000", "softmax", (Form("op", simple("LogSoftmax", {"x": numbers(128, 1000)}, axis=-1)),))
    yield _one("Exp", "elementwise float64", x.astype(np.float64), np.exp)
    for name, function in CHEAP.items():
        yield _one(name, "arithmetic", np.abs(x) if name == "Sqrt" else x, function)
    big = numbers(802816)
    for op_type, plain in (("Add", np.add), ("Mul", np.multiply), ("Div", np.divide)):
        yield Case(f"{op_type} 802816", "arithmetic", (Form("op", simple(op_type, {"a": big, "b": big + 9}, numpy=plain)),))
    row = numbers(3072, seed=2)
    yield Case("Add 128x3072 + 3072", "arithmetic", (Form("op", simple("Add", {"a": x, "b": row}, numpy=np.add)),))


def _one(op_type: str, group: str, x: Array, function: Callable[..., Array] | None) -> Case:
    width = " float64" * (x.dtype == np.float64)
    return Case(f"{op_type} {SIZE[0]}x{SIZE[1]}{width}", group, (Form("op", simple(op_type, {"x": x}, numpy=function, opset=14)),))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def gelu_of_erf(x: Array) -> Problem:
    """As exporters write it before opset 20."""
    graph = Graph("gelu")
    name = graph.input("x", x.shape)
    erf = graph.node("Erf", graph.node("Div", name, graph.constant(np.sqrt(2))))
    product = graph.node("Mul", name, graph.node("Add", erf, graph.constant(1)))
    graph.result("Mul", "y", product, graph.constant(0.5))
    return Problem(graph.content(), {"x": x})


def silu(x: Array) -> Problem:
    graph = Graph("silu")
    name = graph.input("x", x.shape)
    graph.result("Mul", "y", name, graph.node("Sigmoid", name))
    return Problem(graph.content(), {"x": x}, lambda: x / (1 + np.exp(-x)))
