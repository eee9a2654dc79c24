"""onnx.reference in a child process."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from refexec.errors import RuntimeUnderTestError, UnsupportedError
from refexec.runtimes.reference import OnnxReference
from tests.runtimes.models import binary


@pytest.fixture(scope="module")
def reference() -> Iterator[OnnxReference]:
    made = OnnxReference(timeout=60)
    yield made
    made.close()


def test_tensors_strings_and_sequences_come_back(reference: OnnxReference) -> None:
    model = binary(
        "g (float[2] x, string[2] s) => (float[2] y, string[2] t, seq(float[2]) q) "
        "{ y = Neg(x) t = Identity(s) q = SequenceConstruct(x, y) }"
    )
    found = reference.run(model, {"x": np.array([1, -2], np.float32), "s": np.array(["a", "ü"], object)}).values
    assert found["y"].tolist() == [-1, 2]
    assert found["t"].tolist() == ["a", "ü"]
    assert [v.tolist() for v in found["q"]] == [[1, -2], [-1, 2]]


def test_only_the_outputs_asked_for_come_back(reference: OnnxReference) -> None:
    model = binary("g (float[2] x) => (float[2] y, float[2] z) { y = Neg(x) z = Abs(x) }")
    assert list(reference.run(model, {"x": np.ones(2, np.float32)}, ["z"]).values) == ["z"]


def test_a_refusal_is_typed(reference: OnnxReference) -> None:
    with pytest.raises(RuntimeUnderTestError, match=r"onnx\.reference refused") as raised:
        reference.run(b"no model", {})
    assert raised.value.seen["stage"] == "load"
    model = binary("g (float[2] x, float[3] z) => (float[2] y) { y = Add(x, z) }")
    with pytest.raises(RuntimeUnderTestError) as at_run:
        reference.run(model, {"x": np.ones(2, np.float32), "z": np.ones(3, np.float32)})
    assert at_run.value.seen["stage"] == "run"


def test_it_has_no_options(reference: OnnxReference) -> None:
    with pytest.raises(UnsupportedError):
        reference.run(b"", {}, options={"optimization": "off"})
