"""Corners of graphs, functions, custom operators and feeds that a search for bugs went through."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

import refexec
from refexec.errors import FeedError, InvalidModel, LimitExceeded, RuleViolation, RunError, UnsupportedType
from refexec.execute import explained
from refexec.limits import Limits
from tests.models import session

LOCAL = '"" : 21, "l" : 1'


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def calling(node: str, function: str, outputs: str = "float[N] y", **options: Any) -> refexec.Session:
    return session(
        f"(float[N] x, bool c) => ({outputs}) {{ {node} }}",
        opset=LOCAL,
        functions=f'<domain: "l", opset_import: ["" : 21]>\n{function}',
        **options,
    )


@pytest.mark.parametrize("body", ["y = Add(x, lo)", "y = Concat <axis = 0> (x, lo)", "y = Identity(lo)", "y = Conv(x, lo)"])
def test_a_required_input_that_the_caller_leaves_out_is_named(body: str) -> None:
    with pytest.raises(InvalidModel, match="caller leaves out 'lo'"):
        calling("y = l.F(x)", f"F (x, lo) => (y) {{ {body} }}")


def test_an_output_that_is_an_omitted_input_is_refused() -> None:
    with pytest.raises(InvalidModel, match="leaves out"):
        calling(
            "y = l.F(x, , c)",
            "F (x, lo, c) => (y) { y = If (c) <then_branch = t () => (lo) { }, else_branch = e () => (o) { o = Neg(x) }> }",
        )
    with pytest.raises(InvalidModel, match="leaves out"):
        calling("y, z = l.F(x)", "F (x, lo) => (y, lo) { y = Neg(x) }", outputs="float[N] y, float[N] z")


def test_the_note_of_a_node_in_a_function_has_its_whole_path() -> None:
    s = calling(
        "y = l.F(x, c)",
        "F (x, c) => (y) { y = If (c) <then_branch = t () => (o) { o = Concat <axis = 4> (x, x) }, else_branch = e () => (p) { p = Neg(x) }> }",
    )
    with pytest.raises(RuleViolation) as caught:
        s.run(None, {"x": f32(1), "c": np.array(True)})
    assert "main/0:F/0:If/then_branch/0:Concat" in caught.value.__notes__[0]


LOOP = "(int64 M, float[1] v) => (z) {{ z = Loop (M, , v) <body = b (int64 i, bool ci, float[1] w) => ({outputs}) {{ {nodes} }}> }}"


def test_a_loop_body_keeps_the_types_of_what_it_carries_and_returns_a_truth_value() -> None:
    with pytest.raises(InvalidModel, match="keeps its type"):
        session(LOOP.format(outputs="bool co, int64[1] vo", nodes="co = Identity(ci) vo = Cast <to = 7> (w)"))
    with pytest.raises(InvalidModel, match=r"tensor\(bool\)"):
        session(LOOP.format(outputs="int64 co, float[1] vo", nodes="co = Identity(i) vo = Identity(w)"))


def test_a_scan_output_is_a_tensor() -> None:
    s = session(
        "(int64 M, float[1] v) => (z, s) { z, s = Loop (M, , v) <body = b (int64 i, bool ci, float[1] w) => (bool co, float[1] vo, seq(float) so) "
        "{ co = Identity(ci) vo = Identity(w) so = SequenceConstruct(w) }> }"
    )
    with pytest.raises((RuleViolation, InvalidModel), match="tensor"):
        s.run(None, {"M": np.array(2), "v": f32(1)})


def test_sequences_of_small_views_do_not_keep_large_arrays() -> None:
    s = session("(float[N] r, int64[2] sizes, int64 one) => (e) { s = SplitToSequence(r, sizes) e = SequenceErase(s, one) }")
    value = s._run(None, {"r": np.zeros(1_000_001, np.float32), "sizes": np.array([1, 1_000_000]), "one": np.array(1)}, None)[0]
    assert value.items[0].base is None


def test_the_length_of_a_sequence_is_limited_wherever_it_grows() -> None:
    body = "(int64 M, float[1] x) => (z) { s = SequenceConstruct(x) z = Loop (M, , s) <body = b (int64 i, bool ci, seq(float[1]) v) => (bool co, seq(float[1]) vo) { co = Identity(ci) vo = SequenceInsert(v, x) }> }"
    with pytest.raises(LimitExceeded, match="sequence_len"):
        session(body, limits=Limits(sequence_len=100)).run(None, {"M": np.array(1000), "x": f32(1)})


def test_python_integers_are_taken_exactly() -> None:
    s = session("(uint64[N] x) => (uint64[N] y) { y = Identity(x) }")
    assert s.run(None, {"x": [2**64 - 1, 0]})[0].tolist() == [2**64 - 1, 0]
    with pytest.raises(FeedError, match="out of the range"):
        s.run(None, {"x": [2**64, 0]})
    signed = session("(int64[N] x) => (int64[N] y) { y = Identity(x) }")
    with pytest.raises(FeedError, match="out of the range"):
        signed.run(None, {"x": [2**63, -1]})
    floats = session("(double[N] x) => (double[N] y) { y = Identity(x) }")
    assert floats.run(None, {"x": [2**70, 1]})[0].tolist() == [2.0**70, 1]


def test_outputs_are_a_list_of_names() -> None:
    with pytest.raises(FeedError, match="list of names"):
        session("(float[N] x) => (float[N] y) { y = Neg(x) }").run("y", {"x": f32(1)})


def test_a_custom_operator_behind_which_the_wide_profile_goes_on() -> None:
    @refexec.op("Same", domain="test.repairs.same", since=1)
    def same(X, /):  # type: ignore[no-untyped-def]
        assert X.dtype == np.float32
        return X * X.dtype.type(2)

    opset = '"" : 21, "test.repairs.same" : 1'
    s = session("(float[N] x) => (y, z) { c = test.repairs.same.Same(x) y = Relu(c) z = Cast <to = 7> (c) }", opset=opset, profile="wide")
    y, z = s.run(None, {"x": f32(1.5)})
    assert (y.dtype, y.tolist(), z.tolist()) == (np.float64, [3.0], [3])


@pytest.mark.parametrize("returned", [np.zeros(1, np.longdouble), np.zeros(1, "datetime64[s]")])
def test_a_custom_operator_returns_types_of_onnx(returned: np.ndarray) -> None:
    name = f"Odd{returned.dtype.kind}"

    @refexec.op(name, domain="test.repairs.odd", since=1)
    def odd(X, /):  # type: ignore[no-untyped-def]
        return returned

    with pytest.raises(RunError, match="ONNX does not have"):
        refexec.run_op(name, f32(1), domain="test.repairs.odd")


def test_an_error_inside_a_custom_operator_is_not_blamed_on_the_inputs() -> None:
    @refexec.op("Divide", domain="test.repairs.divide", since=1)
    def divide(X, /):  # type: ignore[no-untyped-def]
        return 1 / 0

    with pytest.raises(RunError, match="custom operator failed"):
        refexec.run_op("Divide", f32(1), domain="test.repairs.divide")


def test_attention_of_an_empty_batch_is_empty() -> None:
    q = np.zeros((0, 3, 4), np.float32)
    y = refexec.run_op("Attention", q, q, q, opset=23, q_num_heads=1, kv_num_heads=1, outputs=1)
    assert y.shape == (0, 3, 4)


@pytest.mark.parametrize("bad", [[[1.0], [2.0, 3.0]], object(), np.ma.masked_array([1.0], [True])])
def test_run_op_refuses_what_is_no_input(bad: Any) -> None:
    with pytest.raises(FeedError):
        refexec.run_op("Neg", bad)


def test_run_op_takes_a_tensor_proto_and_refuses_what_is_no_attribute() -> None:
    assert refexec.run_op("Neg", onnx.numpy_helper.from_array(f32(1))).tolist() == [-1]
    bad: tuple[Any, ...] = (2**70, {}, np.float32)
    for value in bad:
        with pytest.raises(InvalidModel, match="axis"):
            refexec.run_op("Softmax", f32(1), axis=value)


@pytest.mark.parametrize("name", ["x", "a", "y"])
def test_an_element_type_that_does_not_exist_is_named_with_its_value(name: str) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 21]> main (float[1] x) => (float[1] y) <float[1] a> { a = Neg(x) y = Abs(a) }'
    )
    infos = (*model.graph.input, *model.graph.value_info, *model.graph.output)
    next(info for info in infos if info.name == name).type.tensor_type.elem_type = 99
    with pytest.raises((UnsupportedType, InvalidModel)) as caught:
        refexec.Session(model)
    assert f"'{name}'" in "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def test_an_error_of_numpy_inside_an_operator_becomes_a_typed_one() -> None:
    found = explained(ValueError("shapes do not match"), None, [])
    assert isinstance(found, RuleViolation)
    assert found.seen == {"text": "shapes do not match"}


@pytest.mark.parametrize(
    "node",
    [
        "y = SequenceConstruct(x)",
        "y = Clip(x)",
        "y = LayerNormalization(x, w)",
        "y = RandomNormalLike(x)",
        "y = Add(x, w)",
        "y = SplitToSequence(x)",
        "y = Mul(w, x)",
    ],
)
def test_values_without_a_declared_type_run_in_the_wide_profile(node: str) -> None:
    s = session(f"(x) => (y) <float[2] w = {{1, 2}}> {{ {node} }}", profile="wide")
    (y,) = s.run(None, {"x": f32(1, 2)})
    assert (y[0] if isinstance(y, list) else y).dtype == np.float64


def test_an_assumed_type_gives_way_to_a_known_one() -> None:
    s = session("(x) => (y) <float16[2] w = {15360, 16384}> { y = Add(x, w) }", profile="wide")
    assert s.run(None, {"x": np.array([1, 2], np.float16)})[0].tolist() == [2, 4]
