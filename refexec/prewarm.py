"""Compiling the kernels before they are needed: small models that take every way through them, in float32 and float64.

Compiled code depends on element types alone, not on sizes; of those only which way they lead matters here.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import onnx

from refexec.primitives import load_kernels
from refexec.session import Session
from refexec.types import FLOAT32, FLOAT64, ElementType, element_type
from refexec.values import round_quietly

__all__ = ["MODELS", "calls", "models"]

OPSET = 25
AROUND, NO_ROI, DOUBLED = np.array([0, 1, 0, 2]), np.empty(0, np.float32), np.array([1, 1, 2, 2], np.float32)

Models = tuple[tuple[str, tuple[Any, ...], str], ...]
"""Nodes that make y of a, b, c and so on; the shapes of those, or arrays; the letters of those that never change."""
MODELS: dict[str, Models] = {
    "matmul": (
        ("y = MatMul(a, b)", ((150, 300), (300, 40)), ""),
        ("y = MatMul(a, b)", ((7, 300), (300, 40)), "b"),
        ("y = MatMul(a, b)", ((1, 30), (30, 145)), ""),
        ("y = MatMul(a, b)", ((1, 30), (30, 145)), "b"),
        ("y = MatMul(a, b)", ((2, 1, 3, 5), (3, 5, 18)), ""),
        ("m = Gemm <transA = 1, transB = 1> (a, b, c) y = Relu(m)", ((30, 13), (35, 30), (35,)), "c"),
    ),
    "correlate": (
        ("y = Conv <pads = [1, 1, 1, 1]> (a, b)", ((1, 3, 9, 11), (7, 3, 3, 3)), ""),
        ("y = Conv <pads = [1, 1, 1, 1]> (a, b)", ((1, 3, 9, 11), (7, 3, 3, 3)), "b"),
        ("y = Conv(a, b)", ((1, 32, 18, 18), (32, 32, 3, 3)), "b"),
        ("y = Conv(a, b)", ((1, 30, 9, 9), (7, 30, 1, 1)), "b"),
        ("y = Conv <strides = [2, 1]> (a, b)", ((1, 33, 5, 4), (19, 33, 3, 3)), ""),
        ("y = Conv <group = 5, pads = [1, 1, 1, 1]> (a, b)", ((1, 5, 12, 21), (5, 1, 3, 3)), ""),
        ("y = Conv <group = 9, strides = [2, 2]> (a, b)", ((1, 9, 11, 13), (9, 1, 3, 3)), ""),
        ("y = Conv(a, b)", ((1, 2, 50), (3, 2, 5)), ""),
    ),
    "correlate_transposed": (
        ("y = ConvTranspose <strides = [2, 1]> (a, b, c)", ((1, 5, 4, 9), (5, 3, 3, 3), (3,)), ""),
        ("y = ConvTranspose <group = 2> (a, b)", ((2, 4, 17), (4, 2, 4)), ""),
    ),
    "attention": (
        ("y = Attention(a, b, c, d)", ((1, 4, 7, 16), (1, 2, 33, 16), (1, 2, 33, 24), (1, 1, 7, 33)), ""),
        ("y = Attention <softcap = 2.0> (a, b, c)", ((2, 2, 1, 8), (2, 1, 70, 8), (2, 1, 70, 9)), ""),
        ("y = Attention(a, b, c)", ((1, 1, 50, 5), (1, 1, 300, 5), (1, 1, 300, 16)), ""),
    ),
    "recurrence": (
        ("y = RNN <hidden_size = 9> (a, b, c)", ((2, 1, 3), (1, 9, 3), (1, 9, 9)), ""),
        ('y = RNN <hidden_size = 9, activations = ["Elu"]> (a, b, c)', ((2, 1, 3), (1, 9, 3), (1, 9, 9)), ""),
        ("y = GRU <hidden_size = 9> (a, b, c)", ((2, 1, 3), (1, 27, 3), (1, 27, 9)), ""),
        ("y = GRU <hidden_size = 9, linear_before_reset = 1> (a, b, c)", ((2, 1, 3), (1, 27, 3), (1, 27, 9)), ""),
        ("y = LSTM <hidden_size = 9> (a, b, c)", ((2, 1, 3), (1, 36, 3), (1, 36, 9)), ""),
    ),
    "reduce_over": (
        ("y = ReduceSum(a, b)", ((5, 201), np.array([1])), "b"),
        ("y = ReduceMean(a, b)", ((70, 37), np.array([0])), "b"),
    ),
    "standardize": (("y = InstanceNormalization(a, b, b)", ((2, 3, 5, 7), (3,)), ""),),
    "affine_per_channel": (
        ("y = BatchNormalization(a, b, b, b, b)", ((2, 5, 7, 7), (5,)), ""),
        ("y = BatchNormalization(a, b, b, b, b)", ((3, 37), (37,)), ""),
    ),
    "softmax": (("y = Softmax(a)", ((5, 131),), ""), ("y = Softmax <axis = 1> (a)", ((3, 20, 37),), "")),
    "log_softmax": (("y = LogSoftmax(a)", ((5, 131),), ""), ("y = LogSoftmax <axis = 1> (a)", ((3, 20, 37),), "")),
    "pointwise": (("y = Exp(a)", ((75,),), ""),),
    "power": (("y = Pow(a, b)", ((69,), (69,)), ""),),
    "pool_window": (("y = MaxPool <kernel_shape = [3, 2]> (a)", ((1, 2, 9, 35),), ""),),
    "laid_out": (("y = Transpose(a)", ((17, 41),), ""),),
    "picked": (("y = Pad(a, b, c)", ((5, 9), AROUND, ()), "bc"),),
    "mixed": (('y = Resize <mode = "linear"> (a, b, c)', ((1, 1, 9, 40), NO_ROI, DOUBLED), "bc"),),
    "sampled": (("y = GridSample(a, b)", ((1, 2, 4, 5), (1, 3, 7, 2)), ""),),
    "chain": (("m = Sub(a, b) y = Exp(m)", ((130, 40), (40,)), ""),),
}


def calls() -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """For each primitive, function and element type: the primitive, what is compiled in words, and the call that does it."""
    load_kernels()
    from refexec.kernels.functions import ULPS

    for element in (FLOAT32, FLOAT64):
        for name in ULPS:
            yield "pointwise", f"{name} {element}", partial(_function, name, element)
        for primitive in MODELS:
            yield primitive, f"{primitive} {element}", partial(_run, primitive, element)


def models(primitive: str, element: ElementType) -> Iterator[tuple[onnx.ModelProto, dict[str, Any]]]:
    """The models of a primitive for an element type, and what to feed."""
    for nodes, inputs, constants in MODELS[primitive]:
        given = [x if isinstance(x, np.ndarray) else numbers(x, element) for x in inputs]
        arrays = dict(zip(string.ascii_letters, given, strict=False))
        declared = ", ".join(f"{element_type(x.dtype).onnx_name}{list(x.shape)} {n}" for n, x in arrays.items() if n not in constants)
        model = onnx.parser.parse_model(f'<ir_version: 13, opset_import: ["" : {OPSET}]> g ({declared}) => (y) {{ {nodes} }}')
        model.graph.initializer.extend(onnx.numpy_helper.from_array(arrays[n], n) for n in constants)
        yield model, {n: x for n, x in arrays.items() if n not in constants}


def numbers(shape: tuple[int, ...], element: ElementType) -> np.ndarray[Any, Any]:
    """From 1/4 to 1; of types that are no floats 0 and 1."""
    count = math.prod(shape)
    if element.is_float:
        return round_quietly(np.linspace(0.25, 1, count), element.dtype).reshape(shape)
    return (np.arange(count) % 2).astype(element.dtype).reshape(shape)


def _run(primitive: str, element: ElementType) -> None:
    for model, feeds in models(primitive, element):
        for profile in ("deterministic", "fast"):
            Session(model, profile=profile).run(None, feeds)


def _function(name: str, element: ElementType) -> None:
    """A function of one element, which models reach one by one or as a step of a chain."""
    from refexec.kernels.pointwise import block_of

    x = np.full(64, 0.5, element.dtype)
    block_of(name)(x, 0, 1, x, 0, 1, x.copy(), 0, x.size, 1.0, 1.0)
