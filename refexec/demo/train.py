"""How the demo's models were made: ``python -m refexec.demo.train FOLDER`` makes them again.

Needs scikit-learn, which refexec itself does not. The data are the test part of "Optical Recognition of Handwritten Digits"
(E. Alpaydin, C. Kaynak, 1998, UCI Machine Learning Repository, CC BY 4.0) as scikit-learn ships it: 1797 images of 8x8 pixels
from 0 to 16. A small convolutional network is trained with NumPy on 1437 of them and quantized on the same ones: int8
activations with one scale and zero point per tensor, int8 weights with a scale per output channel. Weights stay in -64..64, so
that no 16-bit sum of two products saturates on processors without VNNI. The seed is fixed; another BLAS may change last bits.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Array = np.ndarray[Any, Any]

SAMPLES = 2  # of each digit, shipped: the first ones that training did not see
CHANNELS = (8, 16)
HIDDEN = 64
WEIGHT_LEVELS = 64
EPOCHS = 60
BATCH = 64


def train(images: Array, labels: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Weights of conv 3x3 - relu - conv 3x3 - relu - max pool 2x2 - dense - relu - dense, by Adam on the cross entropy."""
    shapes = {
        "conv1.w": (CHANNELS[0], 1, 3, 3), "conv2.w": (CHANNELS[1], CHANNELS[0], 3, 3),
        "dense1.w": (CHANNELS[1] * 16, HIDDEN), "dense2.w": (HIDDEN, 10),
    }  # fmt: skip
    weights: dict[str, Array] = {}
    for name, shape in shapes.items():
        fan_in = int(np.prod(shape[1:])) if name.startswith("conv") else shape[0]
        weights[name] = rng.standard_normal(shape) * np.sqrt(2 / fan_in)
        weights[name.replace(".w", ".b")] = np.zeros(shape[0] if name.startswith("conv") else shape[1])
    first = {k: np.zeros_like(v) for k, v in weights.items()}
    second = {k: np.zeros_like(v) for k, v in weights.items()}
    step = 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            gradients = backward(weights, images[chosen], labels[chosen])
            step += 1
            rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
            for k, g in gradients.items():
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g * g
                weights[k] -= rate * (first[k] / (1 - 0.9**step)) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
    return {k: v.astype(np.float32) for k, v in weights.items()}


def windows(x: Array) -> Array:
    """(N, C, H, W) -> (N, H, W, C * 9), the 3x3 surroundings of each pixel, zeros outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return seen.transpose(0, 2, 3, 1, 4, 5).reshape(x.shape[0], x.shape[2], x.shape[3], -1)


def forward(w: dict[str, Array], images: Array) -> dict[str, Array]:
    """Every value of the network, by the names that the ONNX graph has."""
    v: dict[str, Array] = {"scaled": images / 16}
    for i, source in ((1, "scaled"), (2, "relu1")):
        v[f"conv{i}.cols"] = windows(v[source])
        kernel = w[f"conv{i}.w"]
        v[f"conv{i}"] = (v[f"conv{i}.cols"] @ kernel.reshape(len(kernel), -1).T + w[f"conv{i}.b"]).transpose(0, 3, 1, 2)
        v[f"relu{i}"] = np.maximum(v[f"conv{i}"], 0)
    n, c, h, width = v["relu2"].shape
    v["pool"] = v["relu2"].reshape(n, c, h // 2, 2, width // 2, 2).max(axis=(3, 5))
    v["flat"] = v["pool"].reshape(n, -1)
    v["dense1"] = v["flat"] @ w["dense1.w"] + w["dense1.b"]
    v["relu3"] = np.maximum(v["dense1"], 0)
    v["logits"] = v["relu3"] @ w["dense2.w"] + w["dense2.b"]
    return v


def backward(w: dict[str, Array], images: Array, labels: Array) -> dict[str, Array]:
    """Gradients of the mean cross entropy."""
    v = forward(w, images)
    exponents = np.exp(v["logits"] - v["logits"].max(axis=1, keepdims=True))
    d = exponents / exponents.sum(axis=1, keepdims=True)
    d[np.arange(len(labels)), labels] -= 1
    d /= len(labels)
    g = {"dense2.w": v["relu3"].T @ d, "dense2.b": d.sum(axis=0)}
    d = (d @ w["dense2.w"].T) * (v["dense1"] > 0)
    g |= {"dense1.w": v["flat"].T @ d, "dense1.b": d.sum(axis=0)}
    up = (d @ w["dense1.w"].T).reshape(v["pool"].shape).repeat(2, axis=2).repeat(2, axis=3)
    largest = v["pool"].repeat(2, axis=2).repeat(2, axis=3) == v["relu2"]
    d = up * largest * (v["conv2"] > 0)
    for i in (2, 1):
        rows = d.transpose(0, 2, 3, 1).reshape(-1, d.shape[1])
        cols = v[f"conv{i}.cols"].reshape(len(rows), -1)
        kernel = w[f"conv{i}.w"]
        g |= {f"conv{i}.w": (rows.T @ cols).reshape(kernel.shape), f"conv{i}.b": rows.sum(axis=0)}
        if i == 2:  # the transposed convolution: kernels turned by half a turn, channels exchanged
            turned = kernel[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
            d = (windows(d) @ turned.reshape(len(turned), -1).T).transpose(0, 3, 1, 2) * (v["conv1"] > 0)
    return g


LAYERS: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
    ("Div", ["pixels", "sixteen"], "scaled", {}),
    ("Conv", ["scaled", "conv1.w", "conv1.b"], "conv1", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("Relu", ["conv1"], "relu1", {}),
    ("Conv", ["relu1", "conv2.w", "conv2.b"], "conv2", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("Relu", ["conv2"], "relu2", {}),
    ("MaxPool", ["relu2"], "pool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Flatten", ["pool"], "flat", {"axis": 1}),
    ("Gemm", ["flat", "dense1.w", "dense1.b"], "dense1", {}),
    ("Relu", ["dense1"], "relu3", {}),
    ("Gemm", ["relu3", "dense2.w", "dense2.b"], "logits", {}),
    ("Softmax", ["logits"], "probabilities", {"axis": 1}),
)
QUANTIZED = ("scaled", "relu1", "relu2", "relu3", "logits")


def float_model(w: dict[str, Array]) -> onnx.ModelProto:
    nodes = [helper.make_node(op, ins, [out], name=out, **attributes) for op, ins, out, attributes in LAYERS]
    return model(nodes, {**w, "sixteen": np.float32(16)}, "digits-float32")


def int8_model(w: dict[str, Array], values: dict[str, Array]) -> onnx.ModelProto:
    """The same graph with QuantizeLinear and DequantizeLinear around each layer."""
    constants: dict[str, Any] = {"sixteen": np.float32(16)}
    scales: dict[str, np.float32] = {}
    nodes: list[onnx.NodeProto] = []
    renamed: dict[str, str] = {}
    for op, inputs, out, attributes in LAYERS:
        ins = [renamed.get(i, i) for i in inputs]
        if op in ("Conv", "Gemm"):
            ins[1:] = quantized_weights(w, inputs, scales[inputs[0]], 0 if op == "Conv" else 1, constants, nodes)
        nodes.append(helper.make_node(op, ins, [out], name=out, **attributes))
        if out in ("pool", "flat"):
            scales[out] = scales[inputs[0]]
            renamed[out] = quantize(out, scales[out], constants[f"{inputs[0]}.zero"], constants, nodes)
        if out in QUANTIZED:
            low, high = min(float(values[out].min()), 0.0), max(float(values[out].max()), 0.0)
            scales[out] = np.float32((high - low) / 255)
            zero = np.int8(np.clip(np.rint(-128 - low / scales[out]), -128, 127))
            renamed[out] = quantize(out, scales[out], zero, constants, nodes)
    return model(nodes, constants, "digits-int8")


def quantize(name: str, scale: np.float32, zero: np.int8, constants: dict[str, Any], nodes: list[onnx.NodeProto]) -> str:
    constants |= {f"{name}.scale": scale, f"{name}.zero": zero}
    ends = [f"{name}.scale", f"{name}.zero"]
    nodes.append(helper.make_node("QuantizeLinear", [name, *ends], [f"{name}.int8"], name=f"{name}.quantize"))
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}.int8", *ends], [f"{name}.back"], name=f"{name}.dequantize"))
    return f"{name}.back"


def quantized_weights(
    w: dict[str, Array], inputs: list[str], input_scale: np.float32, axis: int, constants: dict[str, Any], nodes: list[onnx.NodeProto]
) -> list[str]:
    """Names of the dequantized weights (int8, a scale per channel) and bias (int32, at the scale of the products)."""
    weight, bias = w[inputs[1]], w[inputs[2]]
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = (np.abs(weight).max(axis=others) / WEIGHT_LEVELS).astype(np.float32)
    spread = scale.reshape([-1 if i == axis else 1 for i in range(weight.ndim)])
    products = (scale * input_scale).astype(np.float32)
    for name, values, step, kind in ((inputs[1], weight / spread, scale, np.int8), (inputs[2], bias / products, products, np.int32)):
        constants |= {f"{name}.int": np.rint(values).astype(kind), f"{name}.scale": step, f"{name}.zero": np.zeros(len(step), kind)}
        at = axis if name == inputs[1] else 0
        node = helper.make_node(
            "DequantizeLinear", [f"{name}.int", f"{name}.scale", f"{name}.zero"], [name], name=f"{name}.dequantize", axis=at
        )
        nodes.append(node)
    return inputs[1:]


def model(nodes: list[onnx.NodeProto], constants: dict[str, Any], name: str) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", 10])],
        initializers,
    )  # fmt: skip
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10, producer_name="refexec.demo.train",
        doc_string="Digits 0 to 9 from images of 8x8 pixels between 0 and 16.",
    )  # fmt: skip
    onnx.checker.check_model(made, full_check=True)
    return made


def main(folder: str) -> None:
    """Train, quantize, and write the two models and the samples into ``folder``."""
    data = importlib.import_module("sklearn.datasets").load_digits()
    images, labels = data.images.reshape(-1, 1, 8, 8), data.target
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))
    held, used = order[:360], order[360:]
    weights = train(images[used], labels[used], rng)
    for part, chosen in (("training", used), ("held out", held)):
        right = forward(weights, images[chosen])["logits"].argmax(axis=1) == labels[chosen]
        print(f"{part}: {right.sum()} of {len(chosen)} right")
    target = Path(folder)
    onnx.save(float_model(weights), target / "digits-float32.onnx")
    onnx.save(int8_model(weights, forward(weights, images[used])), target / "digits-int8.onnx")
    shown = np.concatenate([[held[labels[held] == digit][k] for digit in range(10)] for k in range(SAMPLES)])
    samples = {"pixels": images[shown].astype(np.float32), "labels": labels[shown].astype(np.int64)}
    np.savez_compressed(target / "samples.npz", allow_pickle=False, **samples)


if __name__ == "__main__":
    main(*sys.argv[1:])
