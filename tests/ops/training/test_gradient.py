"""Gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec.errors import InvalidModel, RefexecError, RuleViolation, UnsupportedOperator
from tests.models import session

OPSET = '"" : 21, "ai.onnx.preview.training" : 1'
G = "ai.onnx.preview.training.Gradient"


def ran(body: str, profile: str = "reference", **feeds: Any) -> list[Any]:
    return [
        v.tolist() for v in session(body, opset=OPSET, profile=profile).run(None, {k: np.array(v, np.float32) for k, v in feeds.items()})
    ]


def test_a_product_of_a_sum() -> None:
    body = f'(float a, float b) => (float d, float da, float db) {{ c = Add(a, b) d = Mul(c, a) da, db = {G} <xs = ["a", "b"], y = "d"> (a, b) }}'
    assert ran(body, a=3, b=4) == [21, 2 * 3 + 4, 3]


def test_each_operator_with_a_rule() -> None:
    # y = -(a - b) / b: dy/da = -1 / b, dy/db = a / b^2
    body = f'(float a, float b) => (float da, float db) {{ s = Sub(a, b) n = Neg(s) q = Div(n, b) y = Identity(q) da, db = {G} <xs = ["a", "b"], y = "y"> (a, b) }}'
    assert ran(body, a=3, b=2) == [-0.5, 0.75]


def test_what_was_broadcast_is_summed() -> None:
    body = f'(float[2, 3] a, float[3] b, float[2, 1] c) => (da, db, dc) {{ p = Mul(a, b) y = Add(p, c) da, db, dc = {G} <xs = ["a", "b", "c"], y = "y"> (a, b, c) }}'
    da, db, dc = ran(body, a=[[1, 2, 3], [4, 5, 6]], b=[1, 10, 100], c=[[0], [0]])
    assert (da, db, dc) == ([[1, 10, 100]] * 2, [5, 7, 9], [[3], [3]])


def test_y_may_be_an_intermediate_value_and_xs_may_be_one() -> None:
    body = f'(float a, float b) => (float y, float dh, float db) {{ h = Mul(a, b) y = Mul(h, b) z = Neg(y) dh, db = {G} <xs = ["h", "b"], y = "y"> (h, b) }}'
    assert ran(body, a=5, b=2) == [20, 2, 10]


def test_inputs_are_the_values_at_which_the_derivative_is_taken() -> None:
    body = f'(float a, float b, float v) => (float y, float da) {{ y = Mul(a, a) w = Mul(y, b) da = {G} <xs = ["a"], zs = ["b"], y = "w"> (v, b) }}'
    assert ran(body, a=5, b=2, v=3) == [25, 12]


def test_zs_and_constants_are_not_differentiated() -> None:
    body = f'(float a, float b) => (float da) <float k = {{3}}> {{ p = Mul(a, k) e = Exp(b) y = Mul(p, e) da = {G} <xs = ["a"], zs = ["b"], y = "y"> (a, b) }}'
    assert ran(body, a=5, b=0) == [3]


def test_what_y_does_not_depend_on_has_gradient_0_and_y_itself_1() -> None:
    body = f'(float a, float[2] b) => (da, db, dy) {{ y = Neg(a) da, db, dy = {G} <xs = ["a", "b", "y"], y = "y"> (a, b, y) }}'
    assert ran(body, a=5, b=[1, 2]) == [0, [0, 0], 1]


def test_outputs_with_an_empty_name_are_skipped() -> None:
    body = f'(float a, float b) => (float db) {{ y = Mul(a, b) , db = {G} <xs = ["a", "b"], y = "y"> (a, b) }}'
    assert ran(body.replace("{ y", "{ y", 1), a=5, b=2) == [5]


def test_in_the_wide_profile() -> None:
    body = f'(float a) => (float da) {{ y = Mul(a, a) da = {G} <xs = ["a"], y = "y"> (a) }}'
    assert ran(body, profile="wide", a=0.1) == [2 * float(np.float32(0.1))]


def test_inside_a_subgraph() -> None:
    body = f'(bool c, float a) => (float da) {{ da = If (c) <then_branch = t () => (float g) {{ s = Identity(a) y = Mul(s, s) g = {G} <xs = ["s"], y = "y"> (s) }}, else_branch = e () => (float a) {{ }}> }}'
    s = session(body, opset=OPSET)
    assert s.run(None, {"c": np.array(True), "a": np.float32(3)})[0] == 6


def refused(body: str, opset: str = OPSET) -> RefexecError:
    with pytest.raises(RefexecError) as caught:
        session(body, opset=opset).run(None, {"a": np.float32(1), "b": np.float32(1)})
    return caught.value


def test_an_operator_without_a_rule_is_named_before_any_run() -> None:
    error = refused(f'(float a, float b) => (float da) {{ y = Erf(a) da = {G} <xs = ["a"], y = "y"> (a) }}')
    assert isinstance(error, UnsupportedOperator) and "Erf-13" in str(error)


def test_a_second_derivative_is_refused() -> None:
    error = refused(f'(float a) => (float dda) {{ y = Mul(a, a) da = {G} <xs = ["a"], y = "y"> (a) dda = {G} <xs = ["a"], y = "da"> (a) }}')
    assert isinstance(error, UnsupportedOperator) and "Gradient-1" in str(error)


def test_add_with_the_broadcast_attribute_has_no_rule() -> None:
    error = refused(
        f'(float a, float b) => (float da) {{ y = Add(a, b) da = {G} <xs = ["a", "b"], y = "y"> (a, b) }}', OPSET.replace("21", "6")
    )
    assert isinstance(error, UnsupportedOperator) and "Add-6" in str(error)


@pytest.mark.parametrize(
    ("gradient", "seen"),
    [
        ('<xs = ["a"], y = "nothing"> (a)', "nothing"),
        ('<xs = ["nothing"], y = "y"> (a)', "nothing"),
        ('<xs = ["a"], y = "y"> (a)', "also_needs"),
        ('<xs = ["a"], y = "b"> (a)', "also_needs"),
    ],
)
def test_names_must_determine_y(gradient: str, seen: str) -> None:
    error = refused(f"(float a, float b) => (float da) {{ y = Mul(a, b) da = {G} {gradient} }}")
    assert isinstance(error, InvalidModel) and seen in str(error)


def test_a_value_made_later_is_not_there_yet() -> None:
    error = refused(f'(float a, float b) => (float da, float y) {{ da = {G} <xs = ["a"], y = "y"> (a) y = Neg(a) }}')
    assert isinstance(error, InvalidModel) and "stands in the graph before" in str(error)


def test_there_is_one_input_per_name() -> None:
    error = refused(f'(float a, float b) => (float da) {{ y = Mul(a, b) da = {G} <xs = ["a"], zs = ["b"], y = "y"> (a) }}')
    assert isinstance(error, RuleViolation) and "one input per name" in str(error)


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        ("Abs", -3, -1), ("Abs", 0, 0), ("Cos", 0, 0), ("Exp", 0, 1), ("Log", 4, 0.25), ("Reciprocal", 2, -0.25), ("Relu", 3, 1), ("Relu", -3, 0),
        ("Sigmoid", 0, 0.25), ("Sin", 0, 1), ("Sqrt", 4, 0.25), ("Tanh", 0, 1),
    ],
)  # fmt: skip
def test_functions_of_one_number(name: str, at: float, slope: float) -> None:
    assert ran(f'(float a) => (float da) {{ y = {name}(a) da = {G} <xs = ["a"], y = "y"> (a) }}', a=at) == [slope]


def test_a_sum_gives_each_of_its_terms_the_same() -> None:
    sum_of_all = f'(float[2] a) => (float[2] da) {{ s = Mul(a, a) y = ReduceSum <keepdims = 0> (s) da = {G} <xs = ["a"], y = "y"> (a) }}'
    assert ran(sum_of_all, a=[1, 2]) == [[2, 4]]
    kept = f'(float[2] a) => (float[2] da) {{ s = Mul(a, a) y = ReduceSum(s) da = {G} <xs = ["a"], y = "y"> (a) }}'
    assert ran(kept, a=[1, 2]) == [[2, 4]]


def test_a_sum_that_loses_some_dimensions_is_refused() -> None:
    body = f'(float a, float b) => (float da) {{ one = Constant <value = int64[2] {{1, 2}}> () m = Expand(a, one) axes = Constant <value = int64[1] {{0}}> () y = ReduceSum <keepdims = 0> (m, axes) da = {G} <xs = ["m"], zs = ["a"], y = "y"> (m, a) }}'
    assert isinstance(refused(body), RuleViolation)


def test_a_matrix_product() -> None:
    body = f'(float[1, 2] a, float[2, 1] b) => (da, db) {{ y = MatMul(a, b) da, db = {G} <xs = ["a", "b"], y = "y"> (a, b) }}'
    assert ran(body, a=[[1, 2]], b=[[3], [4]]) == [[[3, 4]], [[1], [2]]]
    with pytest.raises(RuleViolation, match="MatMul of matrices"):
        ran(body.replace("[1, 2]", "[2]").replace("[2, 1]", "[2]"), a=[1, 2], b=[3, 4])
