"""refexec.testing: what exporter and runtime authors use."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings

from refexec.compat import InferenceSession
from refexec.fuzz.graph import Generated
from refexec.testing import assert_same_results, models, pytest_assertrepr_compare, pytest_report_header

QUICK = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@given(models(opset=17, max_nodes=4))
@QUICK
def test_a_model_has_its_own_results(made: Generated) -> None:
    assert_same_results(made, made.model, bits=True)
    assert_same_results(made, lambda model, feeds: InferenceSession(model.SerializeToString()).run(None, feeds))


def negated(made: Generated) -> onnx.ModelProto:
    """The same model but for the sign of its first output."""
    model = copy.deepcopy(made.model)
    name = model.graph.output[0].name
    for node in model.graph.node:
        for i, output in enumerate(node.output):
            if output == name:
                node.output[i] = "before"
    model.graph.node.append(onnx.helper.make_node("Neg", ["before"], [name]))
    return model


@given(models(ops=("Exp",), opset=17, max_nodes=1, dtypes=("float32",), control_flow=False))
@QUICK
def test_a_wrong_model_is_named_with_output_and_text(made: Generated) -> None:
    if made.nodes and made.nodes[0].outputs[0].shape.count(0) == 0:  # type: ignore[union-attr]
        with pytest.raises(AssertionError, match=r"output 'v\d+': [\s\S]*Exp"):
            assert_same_results(made, negated(made))


@given(models(ops=("Exp",), opset=17, max_nodes=1))
@QUICK
def test_too_few_results_are_named(made: Generated) -> None:
    with pytest.raises(AssertionError, match="0 results for the outputs"):
        assert_same_results(made, [])


def test_pytest_says_where_tensors_differ() -> None:
    (line,) = pytest_assertrepr_compare("==", np.array([1.0]), np.array([2.0])) or []
    assert line.startswith("tensors differ") and pytest_assertrepr_compare("==", 1, 2) is None
    assert "onnx" in pytest_report_header()
