"""What a node is lowered to gives the bits of the operator's body."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.primitives import Epilogue
from refexec.registry import lookup
from refexec.schema import signature


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


X = noise(2, 4, 7, 6)
POOL: dict[str, Any] = {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 1]}
CASES: list[tuple[str, int, tuple[np.ndarray, ...], dict[str, Any]]] = [
    *(("AveragePool", opset, (X,), POOL) for opset in (1, 7, 10, 11, 19, 22)),
    ("AveragePool", 22, (X,), POOL | {"count_include_pad": 1, "ceil_mode": 1}),
    ("AveragePool", 19, (noise(1, 1, 5),), {"kernel_shape": [2], "strides": [2], "pads": [1, 1], "ceil_mode": 1}),
    ("MaxPool", 1, (X,), POOL),
    ("Conv", 11, (X, noise(6, 2, 3, 2), noise(6)), {"group": 2, "strides": [2, 1]}),
    ("ConvTranspose", 11, (X, noise(4, 3, 2, 3), noise(6)), {"group": 2, "strides": [2, 1]}),
    ("ConvTranspose", 22, (X, noise(4, 3, 2, 3)), {"output_shape": [13, 12], "strides": [2, 2]}),
    ("ConvTranspose", 7, (X, noise(4, 3, 2, 3)), {"output_shape": [13, 12], "strides": [2, 2]}),
    ("ConvInteger", 10, (np.arange(12, dtype=np.uint8).reshape(1, 1, 12), np.ones((2, 1, 3), np.int8), np.array(3, np.uint8)), {}),
]


@pytest.mark.parametrize(("name", "opset", "inputs", "attributes"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_lowering_and_body_agree(name: str, opset: int, inputs: tuple[np.ndarray, ...], attributes: dict[str, Any]) -> None:
    schema = signature("", name, opset)
    operator = lookup("", name, schema.since)
    full = {key: a.default for key, a in schema.attributes.items() if not a.required} | attributes
    assert operator.lowering is not None
    lowered = operator.lowering(full, tuple(x.shape for x in inputs))
    with np.errstate(all="ignore"):  # a mean over padding alone is 0 / 0
        y = lowered.primitive(*lowered.argument_values(inputs), **lowered.static)
        body = operator.function(*inputs, **full)
    if lowered.bias is not None:
        y = Epilogue(lowered.bias_axis)(y, inputs[lowered.bias])
    assert np.array_equal(y, body, equal_nan=True)
    assert np.array_equal(run_op(name, *inputs, opset=opset, outputs=1, **attributes), body, equal_nan=True)


def test_what_the_primitive_cannot_express_is_not_lowered() -> None:
    lowering = lookup("", "ConvTranspose", 11).lowering
    assert lowering is not None
    assert lowering({"group": 1, "output_padding": (1,), "strides": (2,)}, ((1, 1, 3), (1, 1, 3))) is None
    assert lowering({"group": 1}, ((1, 1, 3), (1, 1, 3), (2,))) is None
