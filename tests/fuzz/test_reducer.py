"""Models made smaller: what is left, and that values inside are those of the reference run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest

from refexec import Session
from refexec.fuzz.reducer import reduce


def parsed(body: str, opset: int = 17) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {body}')


def has(op: str) -> Callable[[onnx.ModelProto, dict[str, Any]], bool]:
    """Whether a model runs a node of this operator."""

    def check(model: onnx.ModelProto, feeds: dict[str, Any]) -> bool:
        ran: list[str] = []
        try:
            Session(model).observe(feeds, lambda event: ran.append(event.node.op_type))
        except Exception:
            return False
        return op in ran

    return check


CHAIN = "(float[3] x) => (float[3] y) { a = Neg(x) b = Exp(a) c = Sqrt(b) d = Add(c, a) y = Mul(d, d) }"


def test_one_node_is_left_on_the_values_that_it_had() -> None:
    x = np.array([0, -2, 1], np.float32)
    found = reduce(parsed(CHAIN), {"x": x}, has("Sqrt"))
    assert [n.op_type for n in found.model.graph.node] == ["Sqrt"]
    (value,) = found.feeds.values()
    onnx.checker.check_model(found.model, full_check=True)
    assert value.dtype == np.float32 and Session(found.model).run(None, found.feeds)


def test_frozen_values_keep_what_depends_on_them() -> None:
    def large(model: onnx.ModelProto, feeds: dict[str, Any]) -> bool:  # the square of 3 + 4 is 49, whatever made the 3 and the 4
        try:
            return any(np.any(v == 49) for v in Session(model).run(None, feeds))
        except Exception:
            return False

    model = parsed("(float x) => (float y) { a = Add(x, x) b = Sub(x, a) c = Abs(b) d = Add(a, c) y = Mul(d, d) }")
    found = reduce(model, {"x": np.array(7 / 3, np.float32)}, large)
    assert [n.op_type for n in found.model.graph.node] == ["Mul"]
    assert [float(v) for v in found.feeds.values()] == [7.0]


@pytest.mark.parametrize("op", ["Sin", "Cos"])
def test_a_node_in_a_body_stands_alone_at_the_end(op: str) -> None:
    model = parsed(
        """(float x) => (float z) { c = Constant <value = bool {1}> () n = Constant <value = int64 {2}> ()
        y = Loop (n, c, x) <body = b (int64 i, bool k, float s) => (bool k2, float t) {
            u = Sin(s) v = If (k) <then_branch = e () => (float p) { p = Cos(u) }, else_branch = f () => (float p) { p = Tan(u) }>
            t = Add(u, v) k2 = Identity(k) }>
        z = Neg(y) }"""
    )
    found = reduce(model, {"x": np.array(1, np.float32)}, has(op))
    assert [n.op_type for n in found.model.graph.node] == [op]


def test_a_node_in_a_function_stands_alone_at_the_end() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17, "f" : 1]> g (float x) => (float y) { y = f.twice (x) }
        <domain: "f", opset_import: ["" : 17]> twice (a) => (b) { c = Ceil(a) b = Add(c, c) }"""
    )
    found = reduce(model, {"x": np.array(1.5, np.float32)}, has("Ceil"))
    assert [n.op_type for n in found.model.graph.node] == ["Ceil"] and not found.model.functions


def test_two_nodes_stay_where_both_are_needed() -> None:
    def both(model: onnx.ModelProto, feeds: dict[str, Any]) -> bool:
        return has("Exp")(model, feeds) and has("Add")(model, feeds)

    found = reduce(parsed(CHAIN), {"x": np.zeros(3, np.float32)}, both)
    assert sorted(n.op_type for n in found.model.graph.node) == ["Add", "Exp"]


def test_attributes_inputs_sizes_and_numbers_are_simplified() -> None:
    model = parsed("(float[4, 6] x, float lo, float hi) => (float[4, 6] z) { y = Clip(x, lo, hi) z = Softmax <axis = 0> (y) }")
    feeds = {"x": np.full((4, 6), 0.123456, np.float32), "lo": np.array(0, np.float32), "hi": np.array(1, np.float32)}
    clip = reduce(model, feeds, has("Clip"))
    assert len(clip.model.graph.node[0].input) == 1 and [v.size for v in clip.feeds.values()] == [1]
    softmax = reduce(model, feeds, has("Softmax"))
    assert not softmax.model.graph.node[0].attribute and set(np.ravel(next(iter(softmax.feeds.values())))) <= {0.0, 1.0}


def test_sequences_are_frozen_with_their_type() -> None:
    model = parsed("(float[4] x) => (float[2] y) { s = SplitToSequence(x, n) i = Constant <value = int64 {1}> () y = SequenceAt(s, i) }")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(2), "n"))
    found = reduce(model, {"x": np.arange(4, dtype=np.float32)}, has("SequenceAt"))
    assert [n.op_type for n in found.model.graph.node] == ["SequenceAt"]
    assert found.model.graph.input[0].type.HasField("sequence_type")


def test_the_given_model_is_not_changed() -> None:
    model = parsed(CHAIN)
    before = model.SerializeToString()
    reduce(model, {"x": np.zeros(3, np.float32)}, has("Exp"))
    assert model.SerializeToString() == before


def test_a_check_that_is_false_at_once_gives_the_model_back() -> None:
    model = parsed(CHAIN)
    found = reduce(model, {"x": np.zeros(3, np.float32)}, lambda m, f: False)
    assert found.model is model and found.calls <= 2


def test_no_more_calls_than_allowed() -> None:
    calls = []

    def check(model: onnx.ModelProto, feeds: dict[str, Any]) -> bool:
        calls.append(1)
        return has("Exp")(model, feeds)

    found = reduce(parsed(CHAIN), {"x": np.zeros(3, np.float32)}, check, calls=3)
    assert len(calls) == found.calls == 3


def test_a_model_that_refexec_cannot_run_loses_what_can_be_lost_without_values() -> None:
    model = parsed("(float[3] x) => (float[3] y) { a = Neg(x) b = Frobnicate(a) y = Abs(a) }")
    found = reduce(model, {"x": np.zeros(3, np.float32)}, lambda m, f: any(n.op_type == "Frobnicate" for n in m.graph.node))
    assert "Abs" not in [n.op_type for n in found.model.graph.node]
