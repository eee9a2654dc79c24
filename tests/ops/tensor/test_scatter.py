"""ScatterElements, ScatterND, Scatter."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.declared import bounds

F = np.float32
ZEROS = np.zeros((3, 3), F)
INDICES = np.array([[1, 0, 2], [0, 2, 1]])
UPDATES = np.array([[1, 1.5, 2], [3, 3.5, 4]], F)
REPEATED = np.array([[1], [1], [1]])


@pytest.mark.parametrize(("name", "opset"), [("Scatter", 9), ("Scatter", 11), *(("ScatterElements", v) for v in (11, 13, 16, 18))])
def test_elements_go_to_their_index_on_axis_0_and_to_their_own_place_on_axis_1(name: str, opset: int) -> None:
    assert run_op(name, ZEROS, INDICES, UPDATES, opset=opset).tolist() == [[3, 1.5, 0], [1, 0, 4], [0, 3.5, 2]]


@pytest.mark.parametrize(("name", "opset"), [("Scatter", 9), ("Scatter", 11), *(("ScatterElements", v) for v in (11, 13, 16, 18))])
def test_a_negative_axis_and_negative_indices_count_from_the_end(name: str, opset: int) -> None:
    y = run_op(name, np.array([[1, 2, 3, 4, 5]], F), np.array([[1, -2]], np.int32), np.array([[9, 8]], F), opset=opset, axis=-1)
    assert y.tolist() == [[1, 9, 3, 8, 5]]


@pytest.mark.parametrize(
    ("reduction", "opset", "expected"),
    [("add", 16, 29.0), ("mul", 16, 1680.0), ("add", 18, 29.0), ("mul", 18, 1680.0), ("max", 18, 12.0), ("min", 18, 4.0)],
)
def test_all_updates_of_a_repeated_index_are_reduced(reduction: str, opset: int, expected: float) -> None:
    data, updates = np.array([[1], [5], [2]], F), np.array([[4], [8], [12]], F)
    if reduction == "mul":
        updates = np.array([[4], [7], [12]], F)
    y = run_op("ScatterElements", data, REPEATED, updates, opset=opset, reduction=reduction)
    assert y.tolist() == [[1], [expected], [2]]
    y = run_op("ScatterND", data[:, 0], REPEATED, updates[:, 0], opset=opset, reduction=reduction)
    assert y.tolist() == [1, expected, 2]


def test_nan_stays_in_maximum_and_minimum_whatever_the_order() -> None:
    for updates in ([np.nan, 3.0], [3.0, np.nan]):
        for reduction in ("max", "min"):
            y = run_op("ScatterElements", np.array([1, 2], F), np.array([0, 0]), np.array(updates, F), reduction=reduction)
            assert np.isnan(y[0]) and y[1] == 2


def test_sums_of_half_precision_are_rounded_once() -> None:
    # 2048 + 1 is 2048 in float16 (ties to even), 2048 + 1 + 1 is 2050.
    y = run_op("ScatterElements", np.array([2048], np.float16), np.array([0, 0]), np.array([1, 1], np.float16), reduction="add")
    assert y.dtype == np.float16 and y.tolist() == [2050]
    y = run_op(
        "ScatterND", np.array([256], ml_dtypes.bfloat16), np.array([[0], [0]]), np.array([1, 1], ml_dtypes.bfloat16), reduction="add"
    )
    assert y.dtype == ml_dtypes.bfloat16 and y.tolist() == [258]


def test_integer_sums_wrap_and_booleans_are_combined() -> None:
    y = run_op("ScatterElements", np.array([120], np.int8), np.array([0, 0]), np.array([7, 2], np.int8), reduction="add")
    assert y.tolist() == [-127]
    for reduction, expected in (("add", True), ("mul", False)):
        y = run_op("ScatterND", np.array([True]), np.array([[0], [0]]), np.array([False, True]), reduction=reduction)
        assert y.dtype == bool and y.tolist() == [expected]


def test_strings_are_replaced() -> None:
    assert run_op("ScatterElements", np.array(["a", "b"]), np.array([1]), np.array(["x"])).tolist() == ["a", "x"]
    assert run_op("ScatterND", np.array(["a", "b"]), np.array([1]), np.array("x")).tolist() == ["a", "x"]


def test_complex_numbers_are_added() -> None:
    y = run_op("ScatterND", np.array([1j], np.complex64), np.array([[0], [0]]), np.array([1, 2j], np.complex64), reduction="add")
    assert y.dtype == np.complex64 and y.tolist() == [1 + 3j]


def test_no_update_leaves_data_and_the_input_is_never_changed() -> None:
    data = np.array([1, 2], F)
    assert run_op("ScatterElements", data, np.zeros(0, np.int64), np.zeros(0, F)).tolist() == [1, 2]
    assert run_op("ScatterND", data, np.array([[0]]), np.array([9], F)).tolist() == [9, 2]
    assert data.tolist() == [1, 2]


# ScatterND: the examples of the specification --------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [11, 13, 16, 18])
def test_nd_replaces_single_elements(opset: int) -> None:
    y = run_op("ScatterND", np.arange(1, 9), np.array([[4], [3], [1], [7]]), np.array([9, 10, 11, 12]), opset=opset)
    assert y.tolist() == [1, 11, 3, 10, 9, 6, 7, 12]


@pytest.mark.parametrize("opset", [11, 13, 16, 18])
def test_nd_replaces_slices_where_index_tuples_are_short(opset: int) -> None:
    y = run_op("ScatterND", ZEROS, np.array([[0], [-1]]), np.array([[1, 2, 3], [4, 5, 6]], F), opset=opset)
    assert y.tolist() == [[1, 2, 3], [0, 0, 0], [4, 5, 6]]


@pytest.mark.parametrize(
    ("indices", "updates", "rule"),
    [
        ([[0]], [[1.0, 2.0]], "updates has the shape of indices"),
        ([0], [1.0], "indices has the rank of data"),
        ([[0, 0, 0, 0]], [[1.0, 2, 3, 4]], "on the other axes indices is not larger"),
        ([[3]], [[1.0]], "indices are in"),
    ],
)
def test_scatter_elements_refuses(indices: Any, updates: Any, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("ScatterElements", ZEROS, np.array(indices), np.array(updates, F))


def test_scatter_nd_refuses_updates_of_another_shape() -> None:
    with pytest.raises(RuleViolation, match="updates has one element or slice per index tuple"):
        run_op("ScatterND", ZEROS, np.array([[0]]), np.array([1, 2], F))


def test_scatter_nd_refuses_an_index_outside() -> None:
    with pytest.raises(RuleViolation, match="indices are in"):
        run_op("ScatterND", ZEROS, np.array([[3]]), np.zeros((1, 3), F))


@pytest.mark.parametrize("name", ["ScatterElements", "ScatterND"])
def test_a_reduction_is_one_of_the_version(name: str) -> None:
    arguments = (np.array([1], F), np.array([0] if name == "ScatterElements" else [[0]]), np.array([1], F))
    with pytest.raises(RuleViolation, match="reduction is none, add, mul, max or min"):
        run_op(name, *arguments, reduction="mean")
    for version in (16, 17):
        with pytest.raises(RuleViolation, match="before version 18"):
            run_op(name, *arguments, opset=version, reduction="max")


@pytest.mark.parametrize(("value", "reduction"), [("a", "add"), ("a", "max"), (1j, "max"), (1j, "min")])
def test_strings_are_not_reduced_and_complex_numbers_have_no_order(value: Any, reduction: str) -> None:
    data = np.array([value])
    with pytest.raises(RuleViolation, match="reduction is defined for the type of data"):
        run_op("ScatterElements", data, np.array([0]), data, reduction=reduction)


# What another implementation may differ by -----------------------------------------------------------------------------------


def test_without_a_sum_or_product_nothing_may_differ() -> None:
    for reduction in ("none", "max"):
        (bound,) = bounds("ScatterElements", ZEROS, INDICES, UPDATES, opset=18, reduction=reduction)
        assert not bound.any()


@pytest.mark.parametrize("reduction", ["add", "mul"])
def test_sums_and_products_in_float32_in_any_order_stay_within_the_bound(reduction: str) -> None:
    generator = np.random.default_rng(3)
    data, updates = generator.standard_normal(4).astype(F), generator.standard_normal(200).astype(F)
    indices = generator.integers(0, 4, 200)
    (bound,) = bounds("ScatterElements", data, indices, updates, opset=18, reduction=reduction)
    truth = run_op("ScatterElements", data, indices, updates, reduction=reduction, profile="wide")
    for order in (np.arange(200), np.arange(200)[::-1], generator.permutation(200)):
        plain = data.copy()
        for i in order:
            plain[indices[i]] = plain[indices[i]] + updates[i] if reduction == "add" else plain[indices[i]] * updates[i]
        assert np.all(np.abs(plain - truth) <= bound)
    assert np.all(bound < 1e-4 * (1 + np.abs(truth)))


def test_integers_have_no_bound() -> None:
    (bound,) = bounds("ScatterElements", np.array([1]), np.array([0]), np.array([1]), opset=18, dtype="int64", reduction="add")
    assert bound is None


def test_positions_are_claimed_where_there_is_no_element_to_place() -> None:
    many = np.zeros((2**42, 0), np.int64)
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("ScatterElements", many, many, many)
