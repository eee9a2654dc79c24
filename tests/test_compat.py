"""The drop-in classes behave as the originals where users rely on it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import onnx
import onnx.reference
import pytest
from onnx import TensorProto, helper
from onnx.reference.op_run import OpRun

import refexec.backend
from refexec.compat import InferenceSession, ReferenceEvaluator
from refexec.errors import FeedError, UnsupportedError

X = np.array([[1, -2], [3, 4]], np.float32)
MODEL = onnx.parser.parse_model(
    '<ir_version: 10, opset_import: ["" : 21], producer_name: "me", model_version: 3>'
    "main (float[N, 2] X, float[2, 2] W = {1, 0, 0, 1}) => (float[N, M] Y) { a = MatMul(X, W) Y = Relu(a) }"
)


def test_the_signatures_are_those_of_onnx() -> None:
    for name in ("__init__", "run"):
        theirs = inspect.signature(getattr(onnx.reference.ReferenceEvaluator, name)).parameters
        ours = inspect.signature(getattr(ReferenceEvaluator, name)).parameters
        wanted = [p for p in theirs if not p.startswith("_")]
        assert list(ours)[: len(wanted)] == wanted
        assert all(ours[p].default == theirs[p].default for p in wanted)


def test_a_model_from_proto_bytes_or_path_has_names_types_and_opsets(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "m.onnx"
    path.write_bytes(MODEL.SerializeToString())
    for source in (MODEL, MODEL.SerializeToString(), str(path)):
        e = ReferenceEvaluator(source)
        assert (e.input_names, e.output_names, e.opsets) == (["X", "W"], ["Y"], {"": 21})
        assert e.input_types is not None and e.input_types[0].tensor_type.elem_type == TensorProto.FLOAT
        assert str(e) == "ReferenceEvaluator(X, W) -> Y"
        assert e.run(None, {"X": X})[0].tolist() == [[1, 0], [3, 4]]
        assert e.run(["a"], {"X": X})[0].tolist() == X.tolist()


def test_intermediate_returns_all_values_by_name() -> None:
    results = ReferenceEvaluator(MODEL).run(None, {"X": X}, intermediate=True)
    assert set(results) >= {"X", "a", "Y"}
    assert results["a"].tolist() == X.tolist()


def test_verbose_prints_nodes_from_2_on_ranges_from_3_on_and_elements_from_4_on(capsys: pytest.CaptureFixture[str]) -> None:
    lines = {}
    for level in (1, 2, 3, 4):
        ReferenceEvaluator(MODEL, verbose=level).run(None, {"X": X})
        lines[level] = capsys.readouterr().out.splitlines()
    assert lines[1] == []
    assert lines[2] == ["MatMul(X, W) -> a", "Relu(a) -> Y"]
    assert lines[3] == [
        " +I X: float32:(2, 2) in [-2.0, 4.0]", "MatMul(X, W) -> a", " + a: float32:(2, 2) in [-2.0, 4.0]", "Relu(a) -> Y",
        " + Y: float32:(2, 2) in [0.0, 4.0]",
    ]  # fmt: skip
    assert lines[4][-1] == " + Y: float32:(2, 2):[1.0, 0.0, 3.0, 4.0]"


def test_verbose_shows_long_and_empty_values_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    split = helper.make_node("SplitToSequence", ["x"], ["s"])
    ReferenceEvaluator(split, verbose=4).run(None, {"x": np.arange(6, dtype=np.int64)})
    assert capsys.readouterr().out.splitlines()[0] == " +I x: int64:(6,):0,1,2,3,4..."
    ReferenceEvaluator(split, verbose=3).run(None, {"x": np.arange(2, dtype=np.int64)})
    assert capsys.readouterr().out.splitlines()[-1] == " + s: int64:(1,) in [0, 0], int64:(1,) in [1, 1]"
    ReferenceEvaluator(helper.make_node("Neg", ["x"], ["y"]), verbose=3).run(None, {"x": np.zeros(0, np.float32)})
    assert capsys.readouterr().out.splitlines()[-1] == " + y: float32:(0,) (empty)"


def test_a_node_and_a_function_run_on_what_they_are_fed() -> None:
    node = helper.make_node("Softmax", ["x"], ["y"], axis=0)
    assert ReferenceEvaluator(node).run(None, {"x": np.zeros((2, 1), np.float32)})[0].tolist() == [[0.5], [0.5]]
    function = onnx.parser.parse_function(
        '<domain: "f", opset_import: ["" : 21]> F <axis> (x) => (y) { y = Softmax <axis: int = @axis> (x) }'
    )
    e = ReferenceEvaluator(function)
    assert e.run(None, {"x": np.zeros((2, 1))}, attributes={"axis": 0})[0].tolist() == [[0.5], [0.5]]
    assert e.run(None, {"x": np.zeros((2, 1), np.float32)}, attributes={"axis": 1})[0].tolist() == [[1], [1]]
    with pytest.raises(TypeError):
        e.run(None, {"x": X})


def test_the_function_body_of_a_standard_operator_runs_as_a_function() -> None:
    schema: Any = onnx.defs.get_schema("PRelu", 16)
    body = onnx.FunctionProto.FromString(schema.get_function_with_opset_version(16))
    assert ReferenceEvaluator(body).run(None, {"X": X, "slope": np.array([0.5], np.float32)})[0].tolist() == [[1, -1], [3, 4]]
    assert (body.domain, body.name) == ("", "PRelu")


def test_a_graph_needs_opsets_and_may_call_functions() -> None:
    function = onnx.parser.parse_function('<domain: "f", opset_import: ["" : 21]> Twice (x) => (y) { y = Add(x, x) }')
    graph = onnx.parser.parse_graph("g (float[N] x) => (float[N] y) { y = f.Twice(x) }")
    e = ReferenceEvaluator(graph, opsets={"": 21, "f": 1}, functions=[function])
    assert e.run(None, {"x": np.ones(2, np.float32)})[0].tolist() == [2, 2]
    with pytest.raises(TypeError, match="opsets"):
        ReferenceEvaluator(graph)
    with pytest.raises(ValueError, match="None"):
        ReferenceEvaluator(MODEL, opsets={"": 21})
    with pytest.raises(ValueError, match="opsets"):
        ReferenceEvaluator(function, opsets={"": 21})
    with pytest.raises(TypeError, match="Unexpected type"):
        ReferenceEvaluator(3)
    with pytest.raises(TypeError, match="function"):
        ReferenceEvaluator(graph, opsets={"": 21}, functions=[3])


def test_new_ops_add_operators_and_replace_standard_ones() -> None:
    class InvAlpha(OpRun):
        op_domain = "custom"

        def _run(self, x, alpha=None):  # type: ignore[no-untyped-def]
            return (1 / (x + alpha),)

    class Relu(OpRun):
        op_domain = ""

        def _run(self, x):  # type: ignore[no-untyped-def]
            return (x * 10,)

    m = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 21, "custom" : 1]> main (float[N] x) => (float[N] y) { a = custom.InvAlpha <alpha = 1.0> (x) y = Relu(a) }'
    )
    x = np.array([1, 3], np.float32)
    assert ReferenceEvaluator(m, new_ops=[InvAlpha]).run(None, {"x": x})[0].tolist() == [0.5, 0.25]
    assert ReferenceEvaluator(m, new_ops=[InvAlpha, Relu]).run(None, {"x": x})[0].tolist() == [5, 2.5]
    with pytest.raises(AttributeError, match="op_domain"):
        ReferenceEvaluator(m, new_ops=[int])
    with pytest.raises(TypeError, match="OpRun"):
        ReferenceEvaluator(m, new_ops=[type("NoOp", (), {"op_domain": "custom"})])


def test_a_wrong_element_type_is_refused() -> None:
    with pytest.raises(FeedError):
        ReferenceEvaluator(MODEL).run(None, {"X": X.astype(np.float64)})


def test_an_inference_session_describes_and_runs_the_model() -> None:
    s = InferenceSession(MODEL.SerializeToString(), providers=["CPUExecutionProvider"])
    (x,) = s.get_inputs()
    assert (x.name, x.type, x.shape) == ("X", "tensor(float)", ["N", 2])
    assert [o.name for o in s.get_outputs()] == ["Y"]
    assert [o.name for o in s.get_overridable_initializers()] == ["W"]
    assert s.get_providers() == ["CPUExecutionProvider"]
    assert (s.get_modelmeta().producer_name, s.get_modelmeta().version) == ("me", 3)
    assert s.run([], {"X": X})[0].tolist() == s.run(["Y"], {"X": X})[0].tolist() == [[1, 0], [3, 4]]


def test_options_of_onnxruntime_are_ignored_with_one_warning() -> None:
    with pytest.warns(UserWarning, match="ignored: sess_options, provider CUDAExecutionProvider"):
        InferenceSession(MODEL.SerializeToString(), object(), ["CUDAExecutionProvider", "CPUExecutionProvider"])


def test_the_backend_prepares_runs_and_says_what_it_supports() -> None:
    prepared = refexec.backend.prepare(MODEL)
    outputs: Any = prepared.run([X])
    assert outputs["Y"].tolist() == [[1, 0], [3, 4]]
    assert refexec.backend.run_model(MODEL, {"X": X})[0].tolist() == [[1, 0], [3, 4]]
    (y,) = refexec.backend.run_node(helper.make_node("Softmax", ["x"], ["y"]), [np.zeros((1, 2, 1), np.float32)], opset_version=11)
    assert y.ravel().tolist() == [0.5, 0.5]
    assert refexec.backend.supports_device("CPU")
    assert not refexec.backend.supports_device("CUDA:1")
    with pytest.raises(UnsupportedError, match="CPU"):
        refexec.backend.prepare(MODEL, "CUDA")
    unknown = onnx.parser.parse_model('<ir_version: 10, opset_import: ["" : 21, "q" : 1]> main (float x) => (float y) { y = q.What(x) }')
    assert refexec.backend.is_compatible(MODEL)
    assert not refexec.backend.is_compatible(unknown)
