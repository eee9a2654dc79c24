"""Equal, Greater, GreaterOrEqual, Less, LessOrEqual."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.models import session
from tests.ops.declared import margin

TABLE = {  # for a < b, a == b, a > b
    "Equal": [False, True, False],
    "Greater": [False, False, True],
    "GreaterOrEqual": [False, True, True],
    "Less": [True, False, False],
    "LessOrEqual": [True, True, False],
}
VERSIONS = [("Equal", 11), ("Equal", 13), ("Equal", 19), ("Greater", 9), ("Greater", 13), ("Less", 9), ("Less", 13),
            ("GreaterOrEqual", 12), ("GreaterOrEqual", 16), ("LessOrEqual", 12), ("LessOrEqual", 16)]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, np.int8, np.uint64])
@pytest.mark.parametrize(("name", "opset"), VERSIONS)
def test_the_three_cases(name: str, opset: int, dtype: Any) -> None:
    y = run_op(name, np.array([1, 2, 3], dtype), np.array([2, 2, 2], dtype), opset=opset)
    assert y.dtype == bool and y.tolist() == TABLE[name]


@pytest.mark.parametrize("name", TABLE)
def test_bfloat16_and_broadcasting(name: str) -> None:
    y = run_op(name, np.array([[1], [2], [3]], ml_dtypes.bfloat16), np.array([2, 2], ml_dtypes.bfloat16), opset=19)
    assert y.dtype == bool and y.tolist() == [[v, v] for v in TABLE[name]]
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op(name, np.ones(2, np.float32), np.ones(3, np.float32), opset=19)


@pytest.mark.parametrize("name", TABLE)
def test_nan_compares_as_nothing(name: str) -> None:
    nan, one = np.array([np.nan, np.nan, 1], np.float32), np.array([1, np.nan, np.nan], np.float32)
    assert run_op(name, nan, one, opset=19).tolist() == [False] * 3


def test_zeros_of_both_signs_are_equal() -> None:
    assert run_op("Equal", np.float32(0.0), np.float32(-0.0), opset=19).tolist() is True
    assert run_op("Less", np.float32(-0.0), np.float32(0.0), opset=13).tolist() is False


def test_large_integers_are_compared_exactly() -> None:
    a, b = np.array([2**63 - 1]), np.array([2**63 - 2])
    assert run_op("Greater", a, b, opset=13).tolist() == [True]
    assert run_op("Equal", a, b, opset=13).tolist() == [False]


def test_equality_of_bools_and_strings() -> None:
    assert run_op("Equal", np.array([True, False]), np.array([True, True]), opset=7).tolist() == [True, False]
    a, b = (np.array(v, object) for v in (["é", "b", ""], ["e\u0301", "b", ""]))
    assert run_op("Equal", a, b, opset=19).tolist() == [False, True, True]
    assert run_op("Equal", a, np.array("b", object), opset=19).tolist() == [False, True, False]


@pytest.mark.parametrize(("name", "dtype"), [("Equal", np.int32), ("Greater", np.float32), ("Less", np.float32)])
def test_before_version_7_b_is_broadcast_if_so_asked(name: str, dtype: Any) -> None:
    a = np.array([[1, 2, 3], [1, 2, 3]], dtype)
    row, column = TABLE[name], np.array([1, 2], dtype)
    assert run_op(name, a, np.array([2, 2, 2], dtype), opset=1, broadcast=1).tolist() == [row, row]
    assert run_op(name, a, column, opset=6, broadcast=1, axis=0)[1].tolist() == row
    with pytest.raises(RuleViolation, match="without broadcast=1"):
        run_op(name, a, column, opset=1)


@pytest.mark.parametrize(("name", "dtype"), [("Equal", np.int64), ("Greater", np.float64), ("Less", np.float16)])
def test_version_7(name: str, dtype: Any) -> None:
    assert run_op(name, np.array([1, 2, 3], dtype), np.array([2], dtype), opset=7).tolist() == TABLE[name]


@pytest.mark.parametrize("name", TABLE)
def test_the_margin_is_the_distance_of_the_operands(name: str) -> None:
    a, b = np.array([1, 2.5], np.float32), np.array([1, 2], np.float32)
    assert margin(name, a, b, opset=19, dtype="bool").tolist() == [0, 0.5]


def test_strings_have_no_distance() -> None:
    a = np.array(["a"], object)
    assert margin("Equal", a, a, opset=19, dtype="bool") is None


@pytest.mark.parametrize("name", ["Greater", "Less"])
def test_the_margin_of_the_old_broadcast_is_that_of_the_operands_as_they_meet(name: str) -> None:
    margins: list[Any] = []
    text = f"(float[2, 3] a, float[2] b) => (c) {{ c = {name} <broadcast = 1, axis = 0> (a, b) }}"
    a, b = np.array([[1, 2, 3], [4, 5, 6]], np.float32), np.array([1, 6], np.float32)
    session(text, opset='"" : 1', profile="wide").observe({"a": a, "b": b}, lambda e: margins.append(e.margin))
    assert margins[0].tolist() == [[0, 1, 2], [2, 1, 0]]
