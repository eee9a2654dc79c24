"""Model-local functions: defaults, omitted inputs and outputs, order, overloads, nested opsets, attribute references."""

from __future__ import annotations

import numpy as np
import pytest

from refexec.errors import InvalidModel, LimitExceeded
from refexec.limits import Limits
from tests.models import session

OPSET = '"" : 21, "local" : 1'


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_an_attribute_that_the_call_omits_has_the_default_of_the_function() -> None:
    s = session(
        "(float[2] x) => (float[1, 2] y, float[2, 1] z) { y = local.F(x) z = local.F <axis = 1> (x) }",
        opset=OPSET,
        functions='<domain: "local", opset_import: ["" : 21]> F <axis: int = 0> (x) => (y) { a = Constant <value_int: int = @axis> () b = Unsqueeze(x, c) c = Reshape(a, d) d = Constant <value_ints = [1]> () y = Identity(b) }',
    )
    y, z = s.run(None, {"x": f32(1, 2)})
    assert (y.shape, z.shape) == ((1, 2), (2, 1))


def test_an_attribute_without_value_leaves_the_operators_default() -> None:
    s = session(
        "(float[1, 2] x) => (float[1, 2] y) { y = local.F(x) }",
        opset=OPSET,
        functions='<domain: "local", opset_import: ["" : 21]> F <axis> (x) => (y) { y = Softmax <axis: int = @axis> (x) }',
    )
    assert s.run(None, {"x": f32(0, 0).reshape(1, 2)})[0].tolist() == [[0.5, 0.5]]


def test_an_omitted_trailing_input_is_absent_in_the_body() -> None:
    body = "(float[3] x) => (float[3] y) { y = local.F(x) }"
    function = '<domain: "local", opset_import: ["" : 21]> F (x, shape) => (y) { y, z = local.G(x, shape) }\n<domain: "local", opset_import: ["" : 21]> G (x, n) => (y, z) { y = Identity(x) z = Resize(x, , n) }'
    assert session(
        body, opset=OPSET, functions=function.replace("z = Resize(x, , n)", "z = Pad(x, p, n) p = Constant <value_ints = [0, 1]> ()")
    ).run(None, {"x": f32(1, 2, 3)})[0].tolist() == [1, 2, 3]


def test_functions_may_stand_in_any_order_and_see_only_their_own_opsets() -> None:
    s = session(
        "(float[1, 2, 1] x) => (float[1, 2, 1] y) { y = local.Outer(x) }",
        opset=OPSET,
        functions='<domain: "local", opset_import: ["local" : 1]> Outer (x) => (y) { y = local.Inner(x) }\n<domain: "local", opset_import: ["" : 11]> Inner (x) => (y) { y = Softmax(x) }',
    )
    assert s.run(None, {"x": f32(0, 0).reshape(1, 2, 1)})[0].ravel().tolist() == [0.5, 0.5]  # opset 11: over all axes from 1 on


def test_overloads_are_chosen_by_the_node() -> None:
    s = session(
        "(float[1] x) => (float[1] y, float[1] z) { y = local.F:a(x) z = local.F:b(x) }",
        opset=OPSET,
        functions='<domain: "local", overload: "a", opset_import: ["" : 21]> F (x) => (y) { y = Add(x, x) }\n<domain: "local", overload: "b", opset_import: ["" : 21]> F (x) => (y) { y = Mul(x, x) }',
    )
    assert [v.tolist() for v in s.run(None, {"x": f32(3)})] == [[6], [9]]


def test_a_call_with_other_types_or_attributes_is_another_plan() -> None:
    s = session(
        "(float[2] x, int64[2] i) => (float[2] y, int64[2] j) { y = local.F(x) j = local.F(i) }",
        opset=OPSET,
        functions='<domain: "local", opset_import: ["" : 21]> F (x) => (y) { y = Add(x, x) }',
    )
    y, j = s.run(None, {"x": f32(1, 2), "i": np.array([1, 2])})
    assert (y.dtype, j.dtype, j.tolist()) == (np.float32, np.int64, [2, 4])


def test_functions_may_use_subgraphs_that_capture_their_values() -> None:
    s = session(
        "(bool c, float[1] x) => (float[1] y) { y = local.F(c, x) }",
        opset=OPSET,
        functions='<domain: "local", opset_import: ["" : 21]> F (c, x) => (y) { d = Add(x, x) y = If (c) <then_branch = t () => (r) { r = Mul(d, x) }, else_branch = e () => (r2) { r2 = Identity(d) }> }',
    )
    assert s.run(None, {"c": np.array(True), "x": f32(3)})[0].tolist() == [18]
    assert s.run(None, {"c": np.array(False), "x": f32(3)})[0].tolist() == [6]


def test_too_many_inputs_an_unknown_attribute_and_a_wrong_reference_are_refused() -> None:
    function = '<domain: "local", opset_import: ["" : 21]> F <axis: int = 0> (x) => (y) { y = Softmax <axis: int = @axis> (x) }'
    with pytest.raises(InvalidModel, match="at most 1 inputs"):
        session("(float[1] x) => (float[1] y) { y = local.F(x, x) }", opset=OPSET, functions=function)
    with pytest.raises(InvalidModel, match="no such attribute"):
        session("(float[1] x) => (float[1] y) { y = local.F <bxis = 1> (x) }", opset=OPSET, functions=function)
    with pytest.raises(InvalidModel, match="another type"):
        session("(float[1] x) => (float[1] y) { y = local.F <axis = [1]> (x) }", opset=OPSET, functions=function)


def test_a_doubling_chain_of_calls_is_counted_without_being_expanded() -> None:
    calls = "\n".join(
        f'<domain: "local", opset_import: ["local" : 1]> F{i} (x) => (y) {{ a = local.F{i + 1}(x) y = local.F{i + 1}(a) }}'
        for i in range(30)
    )
    last = '\n<domain: "local", opset_import: ["" : 21]> F30 (x) => (y) { y = Identity(x) }'
    with pytest.raises(LimitExceeded, match="inlined_nodes"):
        session("(float[1] x) => (float[1] y) { y = local.F0(x) }", opset=OPSET, functions=calls + last)
    s = session(
        "(float[1] x) => (float[1] y) { y = local.F0(x) }",
        opset=OPSET,
        functions=calls + last,
        limits=Limits(inlined_nodes=None, steps=1000),
    )
    with pytest.raises(LimitExceeded, match="steps"):
        s.run(None, {"x": f32(1)})
