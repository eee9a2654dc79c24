"""onnx's own usage of ``ReferenceEvaluator``: each test runs on onnx.reference and on ``refexec.compat``, with one hand-worked result.

That both pass shows that the drop-in class behaves as the original where users rely on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.reference
import pytest
from onnx import TensorProto, helper
from onnx.reference.op_run import OpRun

import refexec.compat
from conformance.agreement import difference
from conformance.usage_models import USAGES, Usage, f32, i64, parsed

ORIGINAL, OURS = onnx.reference.ReferenceEvaluator, refexec.compat.ReferenceEvaluator
BOTH = pytest.mark.parametrize("evaluator", [ORIGINAL, OURS], ids=["onnx.reference", "refexec.compat"])

LINEAR = "(float[N, 2] X, float[2, 2] A) => (float[N, 2] Y) <float[2] B = {1, 2}> { XA = MatMul(X, A) Y = Add(XA, B) }"
X, A = f32([[1, 2], [3, 4]]), f32([[0, 1], [1, 0]])
Y = [[3, 3], [5, 5]]


def comparable(value: Any) -> Any:
    """Text as object arrays and scalars of NumPy as arrays: onnx.reference returns either."""
    if isinstance(value, (list, tuple)):
        return [comparable(v) for v in value]
    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind in "UT" else array


def problem(usage: Usage, evaluator: Any) -> str | None:
    model = parsed(usage.model, usage.opset, usage.functions, usage.domains)
    return difference(list(usage.expected), comparable(evaluator(model).run(None, usage.feeds)), 0, 0)


@pytest.mark.parametrize("usage", USAGES, ids=[u.name for u in USAGES])
def test_a_model_gives_the_result_worked_out_by_hand(usage: Usage) -> None:
    assert problem(usage, OURS) is None


@pytest.mark.parametrize("usage", USAGES, ids=[u.name for u in USAGES])
def test_the_original_gives_the_same_except_where_it_is_said_to_deviate(usage: Usage) -> None:
    try:
        found = problem(usage, ORIGINAL)
    except Exception as error:  # it has no errors of its own: whatever it raises is a deviation
        found = f"{type(error).__name__}: {error}"
    assert (found is not None) == bool(usage.original), found


@BOTH
def test_names_types_and_opsets_of_a_model(evaluator: Any) -> None:
    e = evaluator(parsed(LINEAR))
    assert (e.input_names, e.output_names, dict(e.opsets)) == (["X", "A"], ["Y"], {"": 21})
    assert [t.tensor_type.elem_type for t in e.input_types] == [TensorProto.FLOAT, TensorProto.FLOAT]
    assert [t.tensor_type.elem_type for t in e.output_types] == [TensorProto.FLOAT]


@BOTH
def test_a_model_is_read_from_bytes_and_from_a_path(evaluator: Any, tmp_path: Any) -> None:
    model = parsed(LINEAR)
    path = tmp_path / "linear.onnx"
    onnx.save(model, path)
    for source in (model, model.SerializeToString(), str(path)):
        assert evaluator(source).run(None, {"X": X, "A": A})[0].tolist() == Y


@BOTH
def test_outputs_come_in_the_order_they_are_asked_for_and_intermediate_values_may_be_among_them(evaluator: Any) -> None:
    y, xa = evaluator(parsed(LINEAR)).run(["Y", "XA"], {"X": X, "A": A})
    assert (y.tolist(), xa.tolist()) == (Y, [[2, 1], [4, 3]])


@BOTH
def test_intermediate_results_are_returned_by_name(evaluator: Any) -> None:
    found = evaluator(parsed(LINEAR)).run(None, {"X": X, "A": A}, intermediate=True)
    assert {name: found[name].tolist() for name in ("X", "XA", "Y")} == {"X": X.tolist(), "XA": [[2, 1], [4, 3]], "Y": Y}


@BOTH
@pytest.mark.parametrize(
    ("level", "lines"),
    [
        (1, []),
        (2, ["MatMul(X, A) -> XA", "Add(XA, B) -> Y"]),
        (3, ["MatMul(X, A) -> XA", " + XA: float32:(2, 2) in [1.0, 4.0]", "Add(XA, B) -> Y", " + Y: float32:(2, 2) in [3.0, 5.0]"]),
        (4, ["MatMul(X, A) -> XA", " + XA: float32:(2, 2):[2.0, 1.0, 4.0, 3.0]", "Add(XA, B) -> Y",
             " + Y: float32:(2, 2):[3.0, 3.0, 5.0, 5.0]"]),
    ],
)  # fmt: skip
def test_verbose_prints_nodes_and_then_results(evaluator: Any, level: int, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    evaluator(parsed(LINEAR), verbose=level).run(None, {"X": X, "A": A})
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if not line.startswith((" +I ", " +C "))] == lines
    assert (" +I X: float32:(2, 2) in [1.0, 4.0]" in out) == (level == 3)


@BOTH
def test_a_node_runs_alone(evaluator: Any) -> None:
    node = helper.make_node("Concat", ["a", "b"], ["y"], axis=-1)
    assert evaluator(node).run(None, {"a": f32([1]), "b": f32([2, 3])})[0].tolist() == [1, 2, 3]


@BOTH
def test_a_function_runs_with_its_attributes(evaluator: Any) -> None:
    function = onnx.parser.parse_function(
        '<domain: "f", opset_import: ["" : 21]> Best <over> (x) => (y) { y = ArgMax <axis: int = @over, keepdims = 0> (x) }'
    )
    e = evaluator(function)
    x = f32([[1, 2], [4, 3]])
    assert e.run(None, {"x": x}, attributes={"over": 1})[0].tolist() == [1, 0]
    assert e.run(None, {"x": x}, attributes={"over": 0})[0].tolist() == [1, 1]
    assert (list(e.input_names), list(e.output_names)) == (["x"], ["y"])


@BOTH
def test_a_function_runs_with_the_functions_it_calls(evaluator: Any) -> None:
    twice = onnx.parser.parse_function('<domain: "f", opset_import: ["" : 21]> Twice (x) => (y) { y = Add(x, x) }')
    quad = onnx.parser.parse_function('<domain: "f", opset_import: ["" : 21, "f" : 1]> Quad (x) => (y) { t = f.Twice(x) y = f.Twice(t) }')
    assert evaluator(quad, functions=[twice]).run(None, {"x": f32([3])}, attributes={})[0].tolist() == [12]


@BOTH
def test_a_function_gives_values_by_name_too(evaluator: Any) -> None:
    f = onnx.parser.parse_function('<domain: "f", opset_import: ["" : 21]> Leave (x) => (y) { t = Neg(x) y = Add(t, t) }')
    assert evaluator(f).run(None, {"x": f32([3])}, attributes={})[0].tolist() == [-6]


@BOTH
def test_a_graph_runs_with_opsets_and_functions(evaluator: Any) -> None:
    twice = onnx.parser.parse_function('<domain: "f", opset_import: ["" : 21]> Twice (x) => (y) { y = Add(x, x) }')
    graph = onnx.parser.parse_graph("g (float[N] x) => (float[N] y) { y = f.Twice(x) }")
    assert evaluator(graph, opsets={"": 21, "f": 1}, functions=[twice]).run(None, {"x": f32([3])})[0].tolist() == [6]


class InvAlpha(OpRun):
    """1 / (x + alpha), in a domain of its own."""

    op_domain = "custom"

    def _run(self, x: Any, alpha: Any = None) -> Any:
        return (1 / (x + (alpha or self.alpha)),)  # type: ignore[attr-defined]


class Both(OpRun):
    """Two outputs, in one call of the constructor per node."""

    op_domain = "custom"

    def _run(self, x: Any) -> Any:
        return x + x, x * x


class Relu(OpRun):
    """Not the standard operator."""

    op_domain = ""

    def _run(self, x: Any) -> Any:
        return (x * 10,)


class Join(OpRun):
    """All inputs, one after the other."""

    op_domain = "custom"

    def _run(self, *xs: Any) -> Any:
        return (np.concatenate(xs),)


class Marked(OpRun):
    """Repeats text."""

    op_domain = "custom"

    def _run(self, x: Any, mark: Any = None, times: Any = None) -> Any:
        return (np.array([s + mark * times[0] for s in x], dtype=object),)


CUSTOM = ', "custom" : 1'


@BOTH
def test_a_class_adds_an_operator_with_an_attribute(evaluator: Any) -> None:
    model = parsed("(float[N] x) => (float[N] y) { y = custom.InvAlpha <alpha = 1.0> (x) }", domains=CUSTOM)
    assert evaluator(model, new_ops=[InvAlpha]).run(None, {"x": f32([1, 3])})[0].tolist() == [0.5, 0.25]


@BOTH
def test_a_class_with_two_outputs_between_standard_operators(evaluator: Any) -> None:
    model = parsed("(float[N] x) => (float[N] y) { n = Neg(x) a, b = custom.Both(n) y = Add(a, b) }", domains=CUSTOM)
    assert evaluator(model, new_ops=[Both]).run(None, {"x": f32([1, 3])})[0].tolist() == [-1, 3]


@BOTH
def test_a_class_replaces_a_standard_operator(evaluator: Any) -> None:
    model = parsed("(float[N] x) => (float[N] y) { y = Relu(x) }")
    assert evaluator(model, new_ops=[Relu]).run(None, {"x": f32([-1, 3])})[0].tolist() == [-10, 30]
    assert evaluator(model).run(None, {"x": f32([-1, 3])})[0].tolist() == [0, 3]


@BOTH
def test_a_class_with_any_number_of_inputs(evaluator: Any) -> None:
    model = parsed("(float[N] x, float[M] z) => (float[K] y) { y = custom.Join(x, z, x) }", domains=CUSTOM)
    assert evaluator(model, new_ops=[Join]).run(None, {"x": f32([1]), "z": f32([2, 3])})[0].tolist() == [1, 2, 3, 1]


@BOTH
def test_a_class_that_takes_text_and_attributes_of_text_and_lists(evaluator: Any) -> None:
    model = parsed('(string[N] x) => (string[N] y) { y = custom.Marked <mark = "!", times = [2]> (x) }', domains=CUSTOM)
    assert evaluator(model, new_ops=[Marked]).run(None, {"x": np.array(["a", "b"], dtype=object)})[0].tolist() == ["a!!", "b!!"]


@BOTH
def test_a_class_is_used_inside_a_branch(evaluator: Any) -> None:
    branch = parsed(
        """(bool c, float[N] x) => (float[N] y) { y = If (c) < then_branch = t () => (float[N] a) { a = custom.InvAlpha <alpha = 1.0> (x) },
        else_branch = e () => (float[N] b) { b = Identity(x) }> }""",
        domains=CUSTOM,
    )
    assert evaluator(branch, new_ops=[InvAlpha]).run(None, {"c": np.array(True), "x": f32([1])})[0].tolist() == [0.5]


def test_a_class_is_used_inside_a_function_where_the_original_does_not_find_it() -> None:
    called = parsed(
        "(float[N] x) => (float[N] y) { y = f.Inverse(x) }",
        functions='<domain: "f", opset_import: ["" : 21, "custom" : 1]> Inverse (x) => (y) { y = custom.InvAlpha <alpha = 3.0> (x) }',
        domains=f'{CUSTOM}, "f" : 1',
    )
    assert OURS(called, new_ops=[InvAlpha]).run(None, {"x": f32([1])})[0].tolist() == [0.25]
    with pytest.raises(NotImplementedError, match="InvAlpha"):
        ORIGINAL(called, new_ops=[InvAlpha])


@BOTH
def test_a_class_without_a_domain_is_refused(evaluator: Any) -> None:
    with pytest.raises(AttributeError, match="op_domain"):
        evaluator(parsed(LINEAR), new_ops=[type("NoDomain", (), {})])


@BOTH
def test_an_object_that_is_no_operator_class_is_refused(evaluator: Any) -> None:
    with pytest.raises(TypeError, match="must inherit from"):
        evaluator(parsed(LINEAR), new_ops=[type("NoOp", (), {"op_domain": "custom"})])


@BOTH
def test_arguments_that_do_not_fit_the_proto_are_refused(evaluator: Any) -> None:
    with pytest.raises(TypeError):
        evaluator(onnx.parser.parse_graph("g (float[N] x) => (float[N] y) { y = Neg(x) }"))
    with pytest.raises(TypeError):
        evaluator(3)
    with pytest.raises(ValueError, match="None"):
        evaluator(parsed(LINEAR), opsets={"": 21})


@BOTH
def test_an_unknown_operator_is_refused(evaluator: Any) -> None:
    model = parsed("(float[N] x) => (float[N] y) { y = custom.Nothing(x) }", domains=CUSTOM)
    with pytest.raises(Exception, match="Nothing"):
        evaluator(model).run(None, {"x": f32([1])})


@BOTH
def test_one_evaluator_runs_many_times_and_leaves_its_feeds_alone(evaluator: Any) -> None:
    e = evaluator(parsed("(float[N] x) => (float[N] y) { y = Add(x, x) }"))
    first, second = f32([1, 2]), f32([5])
    results = [e.run(None, {"x": x})[0].tolist() for x in (first, second, first)]
    assert results == [[2, 4], [10], [2, 4]]
    assert (first.tolist(), second.tolist()) == ([1, 2], [5])


@BOTH
def test_an_initial_value_of_an_input_may_be_fed_or_left(evaluator: Any) -> None:
    e = evaluator(parsed("(int64[N] x, int64[2] w = {1, 2}) => (int64[2] y) { y = Add(x, w) }"))
    assert e.run(None, {"x": i64([0, 0])})[0].tolist() == [1, 2]
    assert e.run(None, {"x": i64([0, 0]), "w": i64([5, 5])})[0].tolist() == [5, 5]


@BOTH
def test_the_function_body_of_an_operator_runs_alone(evaluator: Any) -> None:
    schema: Any = onnx.defs.get_schema("PRelu", 16)
    body = onnx.FunctionProto.FromString(schema.get_function_with_opset_version(16))
    assert evaluator(body).run(None, {"X": f32([-4, 4]), "slope": f32([0.5])}, attributes={})[0].tolist() == [-2, 4]
