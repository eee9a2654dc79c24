"""refexec against itself: each evaluation on the inputs of the other run, and what is no fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from refexec import Session
from refexec.context import Event
from refexec.diff.in_step import Following, Recording
from refexec.fuzz import itself
from refexec.fuzz.itself import Body, Wide
from refexec.fuzz.verdicts import Verdict


def parsed(body: str, opset: int = 18) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {body}')


def judged(model: onnx.ModelProto, feeds: dict[str, Any], changed: Callable[[Event], Event]) -> itself._Rounding:
    """The wide run judged after a reference run whose evaluations were ``changed``."""
    reference, wide = (Session(model, profile=p) for p in ("reference", "wide"))
    recording, rounding = Recording(), itself._Rounding(reference, wide)
    reference.observe(feeds, lambda event: recording(changed(event)))
    wide.observe(feeds, Following(recording, rounding))
    return rounding


def test_a_decision_that_rounding_before_it_turns_is_no_fault() -> None:
    # 1 / 41 * 41 is 0.99999994 in float32 and 1 in float64, so Floor gives 0 and 1, and all that follows differs.
    model = parsed("(float[1] x, float[1] n) => (float[1] z) { a = Div(x, n) b = Mul(a, n) c = Floor(b) z = Mul(c, n) }")
    feeds = {"x": np.ones(1, np.float32), "n": np.full(1, 41, np.float32)}
    assert [float(Session(model, profile=p).run(None, feeds)[0][0]) for p in ("reference", "wide")] == [0, 41]
    assert Wide().judge(model, feeds, {}) is None


def test_the_same_holds_in_loops_and_functions() -> None:
    body = "g (int64 i, bool c, float[1] a) => (bool d, float[1] e) { d = Identity(c) b = Div(a, n) f = Mul(b, n) e = Floor(f) }"
    model = parsed(f"(int64 m, bool k, float[1] x, float[1] n) => (float[1] z) {{ z = Loop <body = {body}> (m, k, x) }}")
    feeds = {"m": np.array(3), "k": np.array(True), "x": np.ones(1, np.float32), "n": np.full(1, 41, np.float32)}
    assert [float(Session(model, profile=p).run(None, feeds)[0][0]) for p in ("reference", "wide")] == [0, 1]
    assert Wide().judge(model, feeds, {}) is None


@pytest.mark.parametrize("wrong", ["Exp", "Add"])
def test_the_node_that_is_out_by_itself_is_to_blame_and_none_behind_it(wrong: str) -> None:
    model = parsed("(float[2] x) => (float[2] z) { a = Exp(x) b = Add(a, x) z = Exp(b) }")

    def changed(event: Event) -> Event:
        return replace(event, outputs=(event.outputs[0] + np.float32(1e-3),)) if event.node.op_type == wrong else event

    rounding = judged(model, {"x": np.array([0.5, 1], np.float32)}, changed)
    assert rounding.fault is not None and rounding.fault.operator.startswith(f"{wrong}-")
    assert judged(model, {"x": np.array([0.5, 1], np.float32)}, lambda event: event).fault is None


def test_what_follows_from_a_fault_inside_has_the_inputs_of_the_faulty_run() -> None:
    model = parsed("(float[1] x) => (float[1] z) { a = Exp(x) z = Neg(a) }")
    seen: list[Any] = []
    recording = Recording()
    feeds = {"x": np.zeros(1, np.float32)}
    Session(model).observe(feeds, lambda event: recording(replace(event, outputs=(np.full(1, 7, np.float32),))))
    Session(model, profile="wide").observe(feeds, Following(recording, lambda first, second: seen.append(second.inputs[0])))
    assert [float(x[0]) for x in seen] == [0]  # Neg ran on 7 too, but in the first run it had 1: it is not judged
    assert Session(model, profile="wide").run(None, feeds)[0][0] == -1


def test_doubles_whose_squares_no_double_holds_are_out_of_range_and_no_fault() -> None:
    model = parsed("(double[1, 1, 2] x, double[1] s) => (y) { y = InstanceNormalization(x, s, s) }")
    verdict = Wide().judge(model, {"x": np.array([[[1e200, -1e200]]]), "s": np.ones(1)}, {})
    assert verdict is not None and (verdict.kind, verdict.operator, verdict.fault) == ("out of range", "InstanceNormalization-6", False)
    assert Wide().judge(model, {"x": np.array([[[1e100, -1e100]]]), "s": np.ones(1)}, {}) is None


def test_a_wrong_double_within_range_is_a_fault() -> None:
    model = parsed("(double[1, 1, 2] x, double[1] s) => (y) { y = InstanceNormalization(x, s, s) }")
    feeds = {"x": np.array([[[1e100, -1e100]]]), "s": np.ones(1)}
    rounding = judged(model, feeds, lambda event: replace(event, outputs=(np.full((1, 1, 2), np.nan),)))
    assert rounding.fault is not None and rounding.out_of_range is None


def test_a_body_that_overflows_where_its_operator_does_not_is_found_at_its_operator() -> None:
    model = parsed("(float[1] x) => (y) { a = Softplus(x) y = Neg(a) }", opset=22)
    verdict = Body().judge(model, {"x": np.full(1, 1000, np.float32)}, {"y": None})
    assert verdict == Verdict("value", "Softplus-22", "output 0: element 0: operator 1000.0, body inf")


def test_a_cast_in_a_body_that_cannot_hold_its_number_is_out_of_range() -> None:
    model = parsed("(double[1, 2] x, double[2] s) => (y) { y = LayerNormalization(x, s) }", opset=17)
    verdict = Body().judge(model, {"x": np.array([[1e100, -1e100]]), "s": np.ones(2)}, {"y": None})
    assert verdict is not None and (verdict.kind, verdict.operator) == ("out of range", "LayerNormalization-17")


def test_a_body_may_differ_by_what_its_casts_cost_and_no_more() -> None:
    inside: list[Event] = []
    model = parsed("(float16[2] x) => (float16[2] y) { a = Cast <to = 1> (x) b = Mul(a, a) y = Cast <to = 10> (b) }")
    Session(model, profile="wide").observe({"x": np.array([3, np.inf], np.float16)}, inside.append)
    assert itself.casts_cost(inside) == itself.ULPS * 2.0**-11 * 9  # the roundoff of float16, at the largest finite number inside
    assert itself.casts_cost([]) == 0


@pytest.mark.parametrize(("moved", "fault"), [(0.0, False), (0.02, False), (0.1, True)])
def test_a_body_that_cancels_more_may_differ_by_the_declared_bound_for_wide_numbers_and_no_more(moved: float, fault: bool) -> None:
    # E(X^2) - E(X)^2 of 1, 1 and 1 + 2^-22 is 1.3e-14: one rounding of E(X^2) in double is 1 % of it.
    model = parsed("(float[3] x) => (float[3] y) { y = MeanVarianceNormalization <axes = [0]> (x) }", 13)
    feeds = {"x": np.array([1, 1, 1 + 2.0**-22], np.float32)}
    native, expanded = (Session(model, profile="wide", expand=e) for e in (False, True))
    assert abs(native.run(None, feeds)[0] - expanded.run(None, feeds)[0]).max() > 0.005
    recording, bodies = Recording(), itself._Bodies(native)
    native.observe(feeds, lambda event: recording(replace(event, outputs=(event.outputs[0] + moved,))))
    expanded.observe(feeds, Following(recording, bodies, bodies.inside))
    assert (bodies.fault is not None) == fault


@pytest.mark.parametrize(
    ("operator", "moved", "fault"), [("GlobalLpPool", 1e-15, False), ("GlobalLpPool", 1e-9, True), ("Neg", 1e-15, True)]
)
def test_behind_a_body_the_order_of_a_sum_may_be_another(operator: str, moved: float, fault: bool) -> None:
    model = parsed(f"(float[1, 1, 3] x) => (y) {{ y = {operator}(x) }}")
    native = Session(model, profile="wide")
    recording, bodies = Recording(), itself._Bodies(native)
    feeds = {"x": np.ones((1, 1, 3), np.float32)}
    native.observe(feeds, lambda event: recording(replace(event, outputs=(event.outputs[0] + moved,))))
    native.observe(feeds, Following(recording, bodies, bodies.inside))
    assert (bodies.fault is not None) == fault


F8 = ml_dtypes.float8_e5m2


@pytest.mark.parametrize(
    ("model", "feeds"),
    [
        ("(float8e5m2[1] x) => (float8e5m2[1] y) { y = Identity(x) }", {"x": np.array([np.inf], F8)}),
        ('(float[1, 1, 1] x) => (float[1, 1, 1] h) { "", h = RNN <hidden_size = 1> (x, x, x) }', {"x": np.ones((1, 1, 1), np.float32)}),
        ("(double[1] x, double[1] y) => (z) { z = Add(x, y) }", {"x": np.array([1.0]), "y": np.array([2.0**-53 + 2.0**-70])}),
        ("(float16[1, 2] x, float16[2] s) => (y) { y = RMSNormalization(x, s) }",
         {"x": np.array([[-500, -4.9e-4]], np.float16), "s": np.full(2, -32, np.float16)}),
    ],
    ids=["an infinity of a type whose casts saturate", "an output that is absent", "a double rounded twice", "a quotient below the normal range"],
)  # fmt: skip
def test_right_results_pass(model: str, feeds: dict[str, Any]) -> None:
    assert Wide().judge(parsed(model, 23), feeds, {}) is None


def test_maps_are_compared_in_their_declared_type() -> None:
    zip_map = onnx.helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[1, 2])
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 2])
    graph = onnx.helper.make_graph([zip_map], "g", [x], [onnx.ValueInfoProto(name="y")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("ai.onnx.ml", 1)], ir_version=8)
    assert Wide().judge(model, {"x": np.array([[0.1, 0.2]], np.float32)}, {}) is None


def test_a_stated_precision_that_cannot_hold_a_number_is_out_of_range() -> None:
    model = parsed("(float[1, 1, 1] q, float[1, 1, 1] v) => (y) { y = Attention <q_num_heads = 1, kv_num_heads = 1, softmax_precision = 10>"
                   " (q, q, v) }", 23)  # fmt: skip
    feeds = {"q": np.full((1, 1, 1), 1e4, np.float32), "v": np.ones((1, 1, 1), np.float32)}
    verdict = Wide().judge(model, feeds, {})  # 1e8 is infinity in float16, and infinity - infinity is NaN
    assert verdict is not None and (verdict.kind, verdict.operator) == ("out of range", "Attention-23")


def test_what_a_later_node_refuses_is_blamed_on_the_body_before_it() -> None:
    model = parsed('(float x) => (float y) { a = Celu(x) y = Einsum <equation = "->"> (a) }', 12)
    verdict = Body().judge(model, {"x": np.array(1, np.float32)}, {"y": None})
    assert verdict == Verdict("value", "Celu-12", "output 0: operator float64(), body float64(1,)")


def test_a_wide_number_that_is_infinite_in_its_type_is_so_for_an_operator_that_decides() -> None:
    model = parsed("(float16[1] x) => (float16[1] y) { a = Mul(x, x) y = ThresholdedRelu(a) }")
    assert Body().judge(model, {"x": np.full(1, 1000, np.float16)}, {"y": None}) is None
