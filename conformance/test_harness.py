"""The harness can fail: what it must tell apart, on values worked out by hand."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper

from conformance.agreement import difference
from conformance.backend_suite import Outcome, run_case, verdict
from conformance.cases import Case, load_cases
from conformance.known import known_differences
from conformance.origin import circular_methods
from conformance.randomness import _means


def text(*items: str) -> np.ndarray[Any, Any]:
    return np.array(items, dtype=object)


def f32(*items: float) -> np.ndarray[Any, Any]:
    return np.array(items, np.float32)


def i64(*items: int) -> np.ndarray[Any, Any]:
    return np.array(items, np.int64)


AGREE = [
    (f32(1.0), f32(1.0009)),
    (f32(np.nan, np.inf, -np.inf), f32(np.nan, np.inf, -np.inf)),
    (np.array([1.0], ml_dtypes.bfloat16), np.array([1.0078125], ml_dtypes.bfloat16)),
    (text("a", ""), text("a", "")),
    ([i64(1)], [i64(1)]),
    (None, None),
    (np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)),
]

DIFFER = [
    (f32(1.0), f32(1.002), "1 of 1 differ"),
    (f32(1.0), np.array([1.0]), "expected float32, got float64"),
    (f32(1.0), np.array(1.0, np.float32), "expected shape (1,), got ()"),
    (f32(np.nan), f32(0.0), "differ"),
    (f32(np.inf), f32(-np.inf), "differ"),
    (f32(np.inf), f32(3e38), "differ"),
    (i64(1_000_000), i64(1_000_001), "1 of 1 differ"),  # within rtol, but integers are exact
    (np.array([True]), np.array([False]), "differ"),
    (np.array([3], ml_dtypes.int4), np.array([-3], ml_dtypes.int4), "differ"),
    (np.array([1.0], ml_dtypes.bfloat16), np.array([1.03125], ml_dtypes.bfloat16), "differ"),
    (text("a"), text("b"), "differ"),
    ([i64(1)], [i64(1), i64(2)], "expected 1 items, got 2"),
    ([i64(1)], i64(1), "expected a sequence"),
    (i64(1), [i64(1)], "expected a tensor"),
    (i64(1), None, "got None"),
    (None, i64(1), "expected None"),
]


@pytest.mark.parametrize(("expected", "actual"), AGREE)
def test_values_that_agree(expected: Any, actual: Any) -> None:
    assert difference(expected, actual, 1e-3, 1e-7) is None


@pytest.mark.parametrize(("expected", "actual", "words"), DIFFER)
def test_values_that_differ(expected: Any, actual: Any, words: str) -> None:
    found = difference(expected, actual, 1e-3, 1e-7)
    assert found is not None
    assert words in found


def case(op_type: str, given: Any, expected: Any) -> Case:
    elem = helper.np_dtype_to_tensor_dtype(given.dtype)
    infos = [helper.make_tensor_value_info(name, elem, None) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(op_type, ["x"], ["y"])], "g", infos[:1], infos[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return Case("node", "test_made_here", 1e-3, 1e-7, lambda: model, lambda _: [([given], [expected])])


def test_a_right_result_passes_and_a_wrong_one_fails() -> None:
    given = f32(-1.0, 2.0)
    assert run_case(case("Relu", given, f32(0.0, 2.0))) == Outcome("passed")
    assert run_case(case("Relu", given, f32(1.0, 2.0))).status == "failed"


def test_an_operator_that_no_schema_has_is_unsupported_by_its_name() -> None:
    outcome = run_case(case("Flurb", f32(1.0), f32(1.0)))
    assert (outcome.status, "Flurb" in outcome.missing) == ("unsupported", True)


def test_a_test_without_data_fails() -> None:
    empty = Case("node", "test_empty", 1e-3, 1e-7, case("Relu", f32(1.0), None).model, lambda _: [])
    assert run_case(empty).status == "failed"


def test_a_listed_failure_is_accepted_and_a_listed_success_is_stale() -> None:
    listed = next(c for c in load_cases("node") if c.id in known_differences())
    assert verdict(listed, Outcome("failed", "x")) is None
    assert "stale" in (verdict(listed, Outcome("passed")) or "")
    assert verdict(listed, Outcome("unsupported", "x")) is not None


def test_an_unlisted_failure_is_not_accepted() -> None:
    assert verdict(next(c for c in load_cases("node") if c.name == "test_relu"), Outcome("failed", "why")) == "failed: why"


def test_the_mean_of_a_biased_generator_is_found() -> None:
    p = np.full(10, 0.5)
    fair = (np.arange(2000).reshape(200, 10) // 10 % 2).astype(float)  # each element is 1 in every second sample
    assert _means(fair, p) is None
    assert _means(np.minimum(fair + (np.arange(200)[:, None] % 3 == 0), 1), p) is not None
    assert _means(1 - np.eye(10)[np.arange(200) % 10], p) is not None


def test_attention_is_circular_and_relu_is_not() -> None:
    circular = {c.name for c in load_cases("node") if c.circular}
    assert "test_attention_4d" in circular
    assert "test_attention_4d_expanded" in circular
    assert "test_relu" not in circular
    assert 350 <= len(circular) <= 450  # onnx 1.23.2 has 382 by this rule
    assert circular_methods().names


def test_data_are_arrays_lists_or_none() -> None:
    kinds = set()
    for c in load_cases("node"):
        for inputs, outputs in c.data_sets(onnx.ModelProto()):
            kinds |= {type(v) for v in (*inputs, *outputs)}
    assert kinds == {np.ndarray, list, type(None)}
