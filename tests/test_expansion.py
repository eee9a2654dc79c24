"""``Session(expand=...)``: the specification's function bodies in place of operators."""

from __future__ import annotations

import pickle

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

import refexec
from refexec.cli import main
from refexec.errors import UnsupportedOperator


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(text)


SOFTMAX = '<ir_version: 8, opset_import: ["": 13]> g (float[2] x) => (float[2] y) { y = Softmax (x) }'
X = {"x": np.array([0.0, np.log(3.0)], np.float32)}


def labels(session: refexec.Session) -> list[str]:
    return [event.node.label for event in session.steps(X)]


def test_the_body_of_softmax_runs_in_place_of_the_operator() -> None:
    session = refexec.Session(parsed(SOFTMAX), expand=True)
    assert labels(session) == ["Constant-13", "ReduceMax-13", "Sub-13", "Exp-13", "ReduceSum-13", "Div-13", "Softmax-13"]
    np.testing.assert_allclose(session.run(None, X)[0], [0.25, 0.75], rtol=1e-6)


def test_without_expand_one_step_runs() -> None:
    assert labels(refexec.Session(parsed(SOFTMAX))) == ["Softmax-13"]


def test_named_operators_are_expanded_and_others_are_not() -> None:
    model = parsed('<ir_version: 8, opset_import: ["": 18]> g (float[2] x) => (float[2] y) { a = Relu (x) y = Softmax (a) }')
    found = labels(refexec.Session(model, expand={"Relu"}))
    assert found[-1] == "Softmax-13"
    assert "Max-13" in found
    assert "Exp-13" not in found


def test_a_body_that_exists_from_a_later_opset_on_is_not_used_before() -> None:
    model = parsed('<ir_version: 8, opset_import: ["": 14]> g (float[2] x) => (float[2] y) { y = Relu (x) }')
    assert labels(refexec.Session(model, expand=True)) == ["Relu-14"]


def test_a_body_gets_the_attributes_and_their_defaults() -> None:
    text = '<ir_version: 8, opset_import: ["": 18]> g (float[2] x) => (float[2] y) { y = Elu ATTR (x) }'
    x = {"x": np.array([-np.log(2.0), 3.0], np.float32)}
    for attribute, expected in (("", -0.5), ("<alpha = 4.0>", -2.0)):
        session = refexec.Session(parsed(text.replace("ATTR", attribute)), expand=True)
        np.testing.assert_allclose(session.run(None, x)[0], [expected, 3.0], rtol=1e-6)


def test_a_body_leaves_out_outputs_that_nobody_asks_for() -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 17]> g (float[1,2] x, float[2] s) => (OUT) { OUT = LayerNormalization <epsilon = 0.0> (x, s) }'
    )
    feeds = {"x": np.array([[1.0, 3.0]], np.float32), "s": np.ones(2, np.float32)}
    for outputs, expected in (("y", [[[-1.0, 1.0]]]), ("y, m, d", [[[-1.0, 1.0]], [[2.0]], [[1.0]]])):
        for got, want in zip(refexec.run(parsed(text.replace("OUT", outputs)), feeds, expand=True), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-6)


def test_a_body_whose_graph_attribute_uses_an_outer_value() -> None:
    model = parsed("""<ir_version: 8, opset_import: ["": 17]> g (float[2] x, float[2] k) => (s) {
        q = SequenceConstruct (x, x)
        s = SequenceMap <body = b (float[2] e) => (float[2] r) { r = Mul (e, k) }> (q)
    }""")
    feeds = {"x": np.array([1, 2], np.float32), "k": np.array([3, 5], np.float32)}
    (native,), (expanded,) = refexec.run(model, feeds), refexec.run(model, feeds, expand=True)
    assert [v.tolist() for v in native] == [v.tolist() for v in expanded] == [[3, 10], [3, 10]]
    assert any(e.node.op_type == "Loop" for e in refexec.Session(model, expand=True).steps(feeds))


def test_a_body_that_needs_shapes_is_made_when_they_are_there() -> None:
    x = np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4)
    angle = np.array([[[0.0, 1.0], [1.0, 0.0]]], np.float32)
    native = refexec.run_op("RotaryEmbedding", x, angle, angle[:, ::-1].copy(), opset=23)
    expanded = refexec.run_op("RotaryEmbedding", x, angle, angle[:, ::-1].copy(), opset=23, expand=True)
    np.testing.assert_array_equal(native, expanded)


@pytest.mark.parametrize("seed", ["", "<seed = 3.0>"])
def test_the_body_of_bernoulli_refers_to_the_seed_without_a_type(seed: str) -> None:
    model = parsed(f'<ir_version: 8, opset_import: ["": 15]> g (float[2] x) => (float[2] y) {{ y = Bernoulli {seed} (x) }}')
    session = refexec.Session(model, expand=True)
    assert labels(session)[0] == "RandomUniformLike-1"
    assert session.run(None, {"x": np.array([1, 1], np.float32)})[0].tolist() == [0, 0]  # the body gives 1 with probability 1 - p


def test_a_name_without_a_body_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="no function body"):
        refexec.Session(parsed(SOFTMAX), expand={"Conv"})


def test_a_pickled_session_still_expands() -> None:
    session = pickle.loads(pickle.dumps(refexec.Session(parsed(SOFTMAX), expand={"Softmax"})))
    assert session.expand == {"Softmax"}
    assert len(labels(session)) > 1


def test_the_body_of_an_operator_inside_a_function_gets_the_functions_attribute() -> None:
    model = parsed("""<ir_version: 9, opset_import: ["": 18, "me": 1]> g (float[1] x) => (float[1] y) { y = me.F <a = 4.0> (x) }
    <domain: "me", opset_import: ["": 18]> F <a> (x) => (y) { y = Elu <alpha: float = @a> (x) }""")
    np.testing.assert_allclose(refexec.run(model, {"x": np.array([-np.log(2.0)], np.float32)}, expand=True)[0], [-2.0], rtol=1e-6)


def test_the_command_line_expands(tmp_path: object) -> None:
    path = f"{tmp_path}/m.onnx"
    onnx.save(parsed(SOFTMAX), path)
    result = CliRunner().invoke(main, ["trace", path, "--feed", "x=[0, 1]", "--expand"])
    assert result.exit_code == 0
    assert "Exp" in result.output
