"""Steps that never change run once; BatchNormalization goes into the convolution before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from refexec import Session
from refexec.errors import RuleViolation
from refexec.limits import Limits


def model(nodes: list[Any], constants: dict[str, Any], inputs: dict[str, Any], opset: int = 17) -> onnx.ModelProto:
    """A graph whose output is y."""
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, 1, shape) for n, shape in inputs.items()], [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def kinds(session: Session, feeds: Any, outputs: Any = None) -> list[str]:
    """The operators of the steps that run."""
    plan = session.plan.select(outputs or [o.name for o in session.outputs], feeds)
    return [step.node.op_type for step in plan.steps]


def numbers(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def planned(made: onnx.ModelProto, **options: Any) -> Session:
    return Session(made, profile="deterministic", **options)


TRANSPOSED = [
    helper.make_node("Transpose", ["w"], ["v"], perm=[1, 0]),
    helper.make_node("Mul", ["v", "two"], ["u"]),
    helper.make_node("MatMul", ["x", "u"], ["y"]),
]
WEIGHTS = {"w": numbers(1, 5, 7), "two": np.float32(2)}


@pytest.mark.parametrize("profile", ["deterministic", "fast"])
def test_a_constant_subgraph_runs_once_and_gives_the_bits_of_the_observed_plan(profile: str) -> None:
    session, feeds = Session(model(TRANSPOSED, WEIGHTS, {"x": [3, 7]}), profile=profile), {"x": numbers(2, 3, 7)}
    assert kinds(session, feeds) == ["MatMul"]
    observed: list[str] = []
    expected = session.observe(feeds, lambda event: observed.append(event.node.op_type))[0]
    assert observed == ["Transpose", "Mul", "MatMul"]
    for _ in range(2):
        assert session.run(None, feeds)[0].tobytes() == expected.tobytes()


def test_a_value_that_depends_on_a_constant_which_is_fed_is_computed_from_the_feed() -> None:
    session, x = planned(model(TRANSPOSED, WEIGHTS, {"x": [3, 7]})), numbers(2, 3, 7)
    session.run(None, {"x": x})
    other = numbers(3, 5, 7)
    assert kinds(session, {"x": x, "w": other}) == ["Transpose", "Mul", "MatMul"]
    np.testing.assert_allclose(session.run(None, {"x": x, "w": other})[0], x @ (2 * other.T), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(session.run(None, {"x": x, "u": other.T})[0], x @ other.T, rtol=1e-5, atol=1e-5)


def test_a_bound_of_a_clip_that_is_fed_clips() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Clip", ["p", "low", "high"], ["y"])]
    session = planned(model(nodes, {"w": np.eye(2, dtype=np.float32), "low": np.float32(0), "high": np.float32(6)}, {"x": [1, 2]}))
    x = np.array([[-3, 9]], np.float32)
    assert session.run(None, {"x": x})[0].tolist() == [[0, 6]]
    assert session.run(None, {"x": x, "high": np.float32(7)})[0].tolist() == [[0, 7]]


def test_an_output_that_is_constant_is_the_callers_own() -> None:
    session = planned(model(TRANSPOSED, WEIGHTS, {"x": [3, 7]}))
    first = session.run(["u"], {})[0]
    first[...] = 0
    assert session.run(["u"], {})[0].tobytes() == (2 * WEIGHTS["w"].T).astype(np.float32).tobytes()


def test_random_steps_and_what_depends_on_them_stay() -> None:
    nodes = [
        helper.make_node("RandomNormal", [], ["r"], shape=[2, 2]),
        helper.make_node("Dropout", ["c", "ratio", "train"], ["d"]),
        helper.make_node("Add", ["r", "d"], ["y"]),
    ]
    session = planned(model(nodes, {"c": numbers(4, 2, 2), "ratio": np.float32(0.5), "train": np.bool_(True)}, {}))
    plan = session.plan.select(["y"], ())
    assert [s.node.op_type for s in plan.steps] == ["RandomNormal", "Dropout", "Add"]


def test_a_subgraph_is_not_folded() -> None:
    def branch(name: str) -> Any:
        node = helper.make_node("RandomNormal", [], [name], shape=[2])
        return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, 1, [2])])

    node = helper.make_node("If", ["c"], ["y"], then_branch=branch("a"), else_branch=branch("b"))
    assert kinds(planned(model([node], {"c": np.bool_(True)}, {})), ()) == ["If"]


def test_the_error_of_a_constant_step_is_raised_by_each_run_and_not_before() -> None:
    nodes = [helper.make_node("Reshape", ["c", "shape"], ["r"]), helper.make_node("Add", ["r", "x"], ["y"])]
    session = planned(model(nodes, {"c": numbers(5, 6), "shape": np.array([4, 2])}, {"x": [4, 2]}))
    for _ in range(2):
        with pytest.raises(RuleViolation) as raised:
            session.run(None, {"x": numbers(6, 4, 2)})
        assert any("Reshape" in note for note in raised.value.__notes__)


@pytest.mark.parametrize(("elements", "expected"), [(1000, ["Add"]), (5 << 20, ["Expand", "Add"])])
def test_a_result_much_larger_than_the_constants_is_made_in_each_run(elements: int, expected: list[str]) -> None:
    nodes = [helper.make_node("Expand", ["c", "shape"], ["e"]), helper.make_node("Add", ["e", "x"], ["y"])]
    session = planned(model(nodes, {"c": np.float32(1), "shape": np.array([elements])}, {"x": [1]}))
    feeds = {"x": np.ones(1, np.float32)}
    assert kinds(session, feeds) == expected
    assert session.run(None, feeds)[0].sum() == 2 * elements


def test_the_limits_of_the_session_hold_in_the_run() -> None:
    nodes = [helper.make_node("Expand", ["c", "shape"], ["e"]), helper.make_node("Add", ["e", "x"], ["y"])]
    small = Limits(tensor_bytes=200_000)
    session = planned(model(nodes, {"c": np.float32(1), "shape": np.array([100_000])}, {"x": [1]}), limits=small)
    with pytest.raises(Exception, match="tensor_bytes"):
        session.run(None, {"x": np.ones(1, np.float32)})


def normalized(dtype: Any = np.float32, bias: bool = True, relu: bool = True, **attributes: Any) -> tuple[onnx.ModelProto, Any]:
    rng = np.random.default_rng(7)
    constants = {
        "w": rng.standard_normal((6, 5, 3, 3)), "b": rng.standard_normal(6), "scale": rng.uniform(-2, 2, 6),
        "shift": rng.standard_normal(6), "mean": rng.standard_normal(6), "var": rng.uniform(0.1, 3, 6),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"] if bias else ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "scale", "shift", "mean", "var"], ["n" if relu else "y"], epsilon=0.01, **attributes),
    ]
    nodes += [helper.make_node("Relu", ["n"], ["y"])] if relu else []
    made = model(nodes, {n: a.astype(dtype) for n, a in constants.items()}, {"x": [2, 5, 9, 8]})
    made.graph.input[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return made, {"x": rng.standard_normal((2, 5, 9, 8)).astype(dtype)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("relu", [True, False])
def test_a_convolution_absorbs_batch_normalization_in_fast(dtype: Any, bias: bool, relu: bool) -> None:
    made, feeds = normalized(dtype, bias, relu)
    session = Session(made, profile="fast", verify_kernels=True)
    assert kinds(session, feeds) == ["Conv"]
    y, expected = session.run(None, feeds)[0], Session(made, profile="reference").run(None, feeds)[0]
    values = {t.name: np.abs(numpy_helper.to_array(t).astype(np.float64)) for t in made.graph.initializer}
    factor = (values["scale"] / np.sqrt(values["var"] + 0.01)).max()
    terms, x = values["w"].sum(axis=(1, 2, 3)).max(), np.abs(feeds["x"]).max()
    magnitude = factor * (terms * x + values["b"].max() + values["mean"].max()) + values["shift"].max()
    assert np.abs(y - expected).max() <= (5 * 9 + 16) * float(np.finfo(dtype).eps) / 2 * magnitude
    observed: list[str] = []
    session.observe(feeds, lambda event: observed.append(event.node.op_type))
    assert observed[:2] == ["Conv", "BatchNormalization"]


def test_batch_normalization_keeps_its_bits_in_deterministic() -> None:
    made, feeds = normalized()
    session = Session(made, profile="deterministic", verify_kernels=True)
    assert kinds(session, feeds)[:2] == ["Conv", "BatchNormalization"]
    assert session.run(None, feeds)[0].tobytes() == session.observe(feeds, lambda event: None)[0].tobytes()


def test_a_parameter_that_is_fed_and_a_result_that_is_asked_for_are_not_absorbed() -> None:
    made, feeds = normalized()
    session = Session(made, profile="fast")
    more = feeds | {"mean": np.full(6, 5, np.float32)}
    assert kinds(session, more)[:2] == ["Conv", "BatchNormalization"]
    np.testing.assert_allclose(session.run(None, more)[0], Session(made, profile="reference").run(None, more)[0], rtol=1e-4, atol=1e-4)
    c, y = session.run(["c", "y"], feeds)
    np.testing.assert_allclose(c, Session(made, profile="reference").run(["c"], feeds)[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(y, session.run(None, feeds)[0], rtol=1e-4, atol=1e-4)


def test_training_is_not_absorbed() -> None:
    made, feeds = normalized(training_mode=1)
    made.graph.node[1].output.extend(["running_mean", "running_var"])
    session = Session(made, profile="fast")
    assert "BatchNormalization" in kinds(session, feeds)


def test_parameters_that_would_make_weights_that_are_no_numbers_are_not_absorbed() -> None:
    made, feeds = normalized(relu=False)
    for tensor in made.graph.initializer:
        if tensor.name == "var":
            tensor.CopyFrom(numpy_helper.from_array(np.array([-1, 1, 1, 1, 1, 1], np.float32), "var"))
    session = Session(made, profile="fast")
    assert kinds(session, feeds) == ["Conv", "BatchNormalization"]
    assert np.isnan(session.run(None, feeds)[0]).all(axis=(0, 2, 3)).tolist() == [True] + [False] * 5


def test_shapes_that_do_not_fit_are_refused_by_the_convolution() -> None:
    made, _ = normalized()
    made.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(RuleViolation) as raised:
        Session(made, profile="fast").run(None, {"x": numbers(8, 2, 4, 9, 8)})
    assert any("Conv" in note for note in raised.value.__notes__)
