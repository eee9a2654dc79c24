"""Other spellings of a model."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from refexec import Session
from refexec.fuzz.choosers import RandomChooser
from refexec.fuzz.graph import generate
from refexec.fuzz.itself import Transforms
from refexec.fuzz.targets import expected_of
from refexec.fuzz.transforms import TRANSFORMS, renamed


@pytest.mark.parametrize("seed", range(20))
def test_refexec_gives_the_same_bits_after_each_transform(seed: int) -> None:
    made = generate(RandomChooser(seed))
    expected = expected_of(made.model, made.feeds)
    assert isinstance(expected, dict)
    assert Transforms().judge(made.model, made.feeds, expected) is None


def test_renaming_renames_every_value_and_bodies_stay_apart() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 21]> g (bool c, float x) => (float y) {
        y = If (c) <then_branch = t () => (float a) { a = Neg(x) }, else_branch = e () => (float a) { a = Identity(x) }> }"""
    )
    other, names = renamed(model)
    assert set(names) == {"c", "x"} and not {n for n in names.values()} & {"c", "x", "y", "a"}
    feeds = {names["c"]: np.array(True), names["x"]: np.array(2, np.float32)}
    assert Session(other).run(None, feeds)[0] == -2
    assert model.graph.node[0].input[0] == "c"  # the given model is as it was


def test_there_are_transforms() -> None:
    assert set(TRANSFORMS) == {"serialization", "JSON", "renaming"}
