"""If."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec.errors import RuleViolation
from tests.models import session

BOTH = pytest.mark.parametrize("opset", [1, 11, 13, 16, 19, 21, 23, 24, 25])


def chosen(body: str, cond: Any, *, opset: int = 21, **feeds: Any) -> list[Any]:
    return session(body, opset=f'"" : {opset}').run(None, {"c": np.array(cond), **feeds})


@BOTH
def test_the_condition_picks_the_branch_and_branches_capture_names(opset: int) -> None:
    body = "(bool c, float[2] x) => (float[2] y) { y = If (c) <then_branch = t () => (float[2] a) { a = Neg(x) }, else_branch = e () => (float[2] b) { b = Abs(x) }> }"
    x = np.array([1, -2], np.float32)
    assert chosen(body, True, opset=opset, x=x)[0].tolist() == [-1, 2]
    assert chosen(body, False, opset=opset, x=x)[0].tolist() == [1, 2]


def test_the_other_branch_is_not_run() -> None:
    body = "(bool c, int64 x) => (int64 y) { z = Constant <value_int = 0> () y = If (c) <then_branch = t () => (int64 a) { a = Div(x, z) }, else_branch = e () => (int64 b) { b = Identity(x) }> }"
    assert chosen(body, False, x=np.array(3))[0] == 3


def test_a_branch_may_return_what_it_captures_and_shapes_may_differ() -> None:
    body = "(bool c, float[n] x, float[m] z) => (float[k] y) { y = If (c) <then_branch = t () => (float[n] x) { }, else_branch = e () => (float[m] z) { }> }"
    x, z = np.array([1], np.float32), np.array([2, 3], np.float32)
    assert [chosen(body, c, x=x, z=z)[0].tolist() for c in (True, False)] == [[1], [2, 3]]


def test_branches_of_different_types_give_the_type_of_the_one_that_ran() -> None:
    body = "(bool c, float[1] x) => (y) { y = If (c) <then_branch = t () => (float[1] a) { a = Neg(x) }, else_branch = e () => (int64[1] b) { b = Shape(x) }> }"
    x = np.array([1], np.float32)
    assert [chosen(body, c, x=x)[0].dtype for c in (True, False)] == [np.float32, np.int64]


def test_several_outputs_nested_ifs_and_a_condition_of_one_element() -> None:
    inner = "a, b = If (d) <then_branch = t2 () => (float p, float q) { p = Identity(x) q = Neg(x) }, else_branch = e2 () => (float p, float q) { p = Neg(x) q = Identity(x) }>"
    body = f"(bool[1] c, bool d, float x) => (float y, float z) {{ y, z = If (c) <then_branch = t () => (float a, float b) {{ {inner} }}, else_branch = e () => (float x, float x) {{ }}> }}"
    got = chosen(body, [True], d=np.array(False), x=np.array(2, np.float32))
    assert [v.item() for v in got] == [-2, 2]


def test_sequences_and_optionals_pass_through() -> None:
    body = "(bool c, seq(float[n]) s) => (seq(float[n]) y) { y = If (c) <then_branch = t () => (seq(float[n]) s) { }, else_branch = e () => (seq(float[n]) b) { b = SequenceErase(s) }> }"
    s = [np.array([1], np.float32), np.array([2], np.float32)]
    assert [v.tolist() for v in chosen(body, False, s=s)[0]] == [[1]]
    body = "(bool c, float[1] x) => (optional(float[1]) y) { y = If (c) <then_branch = t () => (optional(float[1]) a) { a = Optional(x) }, else_branch = e () => (optional(float[1]) b) { b = Optional <type = float[1]> () }> }"
    x = np.array([1], np.float32)
    assert chosen(body, True, x=x)[0].tolist() == [1] and chosen(body, False, x=x)[0] is None


def test_the_condition_has_one_element() -> None:
    body = "(bool[2] c, float x) => (float y) { y = If (c) <then_branch = t () => (float x) { }, else_branch = e () => (float x) { }> }"
    with pytest.raises(RuleViolation, match="one element"):
        chosen(body, [True, False], x=np.array(1, np.float32))
