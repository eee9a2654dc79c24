"""onnx's shape inference says nothing of an exact case that its result is not, or the difference is decided."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest

from conformance.instances import instances
from conformance.shape_contract import Inference, contradiction, known, problems

PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_inferred_types_and_shapes_are_those_of_the_results(part: int) -> None:
    counts: Counter[str] = Counter()
    inference = Inference()
    try:
        chosen = [i for k, i in enumerate(instances()) if k % PARTS == part]
        found = [(i, wrong) for i, wrong in problems(chosen, inference, counts)]
    finally:
        inference.close()
    label = [(f"{i.signature.domain}:{i.signature.name}".removeprefix(":"), i.signature.since) for i, _ in found]
    assert [f"{i}: {wrong}" for (i, wrong), key in zip(found, label, strict=True) if key not in known()] == []
    assert counts["stated"] > 100


@pytest.mark.parametrize(
    ("elem", "shape", "value", "words"),
    [
        (1, [2], np.zeros(2, np.float32), None),
        (1, ["n"], np.zeros(2, np.float32), None),
        (1, None, np.zeros((2, 3), np.float32), None),
        (1, [3], np.zeros(2, np.float32), "inferred shape"),
        (1, [2, 1], np.zeros(2, np.float32), "inferred shape"),
        (10, [2], np.zeros(2, np.float32), "inferred float16"),
        (1, [2], [np.zeros(2, np.float32)], "got list"),
    ],
)
def test_a_contradiction_is_found(elem: int, shape: Any, value: Any, words: str | None) -> None:
    found = contradiction(onnx.helper.make_tensor_type_proto(elem, shape), value)
    assert found is None if words is None else words in str(found)


def test_a_child_that_died_is_started_again() -> None:
    inference = Inference()
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 14]> g (float[2] x) => (y) { y = Relu (x) }').SerializeToString()
    try:
        assert isinstance(inference.types(model), list)
        assert inference._child is not None
        inference._child.kill()
        inference._child.wait()
        assert isinstance(inference.types(model), list)
        assert isinstance(inference.types(b"no model"), str)
    finally:
        inference.close()
