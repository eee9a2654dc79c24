"""ReduceSum, ReduceProd, ReduceMean."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

X = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
EMPTY = np.zeros((2, 0, 3), np.float32)
U = 2.0**-24


def axes(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.parametrize(("name", "column", "row", "everything"), [
    ("ReduceSum", [5, 7, 9], [6, 15], 21),
    ("ReduceProd", [4, 10, 18], [6, 120], 720),
    ("ReduceMean", [2.5, 3.5, 4.5], [2, 5], 3.5),
])  # fmt: skip
def test_a_reduction_is_over_the_axes_given_or_over_all(name: str, column: list[float], row: list[float], everything: float) -> None:
    assert run_op(name, X, axes(0)).tolist() == [column]
    assert run_op(name, X, axes(-1), keepdims=0).tolist() == row
    assert run_op(name, X).tolist() == [[everything]]
    assert run_op(name, X, axes(1, 0), keepdims=0).tolist() == everything
    assert run_op(name, X, axes()).tolist() == [[everything]]


@pytest.mark.parametrize("name", ["ReduceSum", "ReduceProd", "ReduceMean"])
def test_empty_axes_reduce_nothing_when_so_asked(name: str) -> None:
    assert run_op(name, X, axes(), noop_with_empty_axes=1).tolist() == X.tolist()
    assert run_op(name, X, None, noop_with_empty_axes=1).tolist() == X.tolist()


@pytest.mark.parametrize("name", ["ReduceSum", "ReduceProd", "ReduceMean"])
@pytest.mark.parametrize("opset", [1, 10, 11, 12])
def test_older_versions_have_the_axes_as_an_attribute(name: str, opset: int) -> None:
    expected = {"ReduceSum": [6, 15], "ReduceProd": [6, 120], "ReduceMean": [2, 5]}[name]
    assert run_op(name, X, opset=opset, axes=[1], keepdims=0).tolist() == expected
    assert run_op(name, X, opset=opset, axes=[-1], keepdims=0).tolist() == expected
    assert run_op(name, X, opset=opset).shape == (1, 1)


def test_the_axes_became_an_input_at_13_for_the_sum_and_at_18_for_the_others() -> None:
    assert run_op("ReduceSum", X, axes(1), opset=13).tolist() == [[6], [15]]
    assert run_op("ReduceProd", X, opset=17, axes=[1]).tolist() == [[6], [120]]
    assert run_op("ReduceMean", X, opset=17, axes=[1]).tolist() == [[2], [5]]


def test_over_no_element_the_sum_is_0_the_product_1_and_the_mean_nan() -> None:
    assert run_op("ReduceSum", EMPTY, axes(1)).tolist() == [[[0, 0, 0]]] * 2
    assert run_op("ReduceProd", EMPTY, axes(1)).tolist() == [[[1, 1, 1]]] * 2
    assert np.isnan(run_op("ReduceMean", EMPTY, axes(1))).all()
    assert run_op("ReduceSum", EMPTY, axes(0)).shape == (1, 0, 3)


@pytest.mark.parametrize("name", ["ReduceSum", "ReduceProd", "ReduceMean"])
def test_a_scalar_has_no_axis_to_reduce(name: str) -> None:
    y = run_op(name, np.array(3, np.float32))
    assert y.shape == () and y == 3


def test_integer_sums_are_exact_and_wrap() -> None:
    assert run_op("ReduceSum", np.array([2**53, 1], np.int64)).tolist() == [2**53 + 1]
    assert run_op("ReduceSum", np.array([2**31 - 1, 1], np.int32)).tolist() == [-(2**31)]
    assert run_op("ReduceSum", np.array([2**32 - 1, 2], np.uint32)).tolist() == [1]


def test_integer_products_wrap() -> None:
    assert run_op("ReduceProd", np.array([2**16, 2**15], np.int32)).tolist() == [-(2**31)]
    assert run_op("ReduceProd", np.array([3] * 39, np.int64)).tolist() == [3**39]


def test_the_mean_of_integers_truncates_toward_zero_and_does_not_overflow() -> None:
    assert run_op("ReduceMean", np.array([[7, 8], [-7, -8]], np.int32), axes(1)).tolist() == [[7], [-7]]
    assert run_op("ReduceMean", np.array([2**63 - 1, 2**63 - 1, 2**63 - 3], np.int64)).tolist() == [2**63 - 2]
    assert run_op("ReduceMean", np.array([2**64 - 1] * 2, np.uint64)).tolist() == [2**64 - 1]
    assert run_op("ReduceMean", np.array(-5, np.int64)).tolist() == -5


def test_the_mean_of_integers_over_no_element_is_refused() -> None:
    with pytest.raises(RuleViolation, match="mean of integers is over one element or more"):
        run_op("ReduceMean", np.zeros((2, 0), np.int32), axes(1))


def test_half_types_are_accumulated_wide_and_rounded_once() -> None:
    x = np.array([2048, 1, 1, 1], np.float16)
    assert run_op("ReduceSum", x).tolist() == [2052]  # 2051 is half-way: to even; 2048 + 1 in float16 would stay 2048
    assert run_op("ReduceMean", np.full(4, 60000, np.float16)).tolist() == [60000]
    y = run_op("ReduceSum", np.array([256, 1, 1, 1], ml_dtypes.bfloat16))
    assert y.dtype == ml_dtypes.bfloat16 and y.tolist() == [260]


def test_an_axis_out_of_range_is_refused() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("ReduceSum", X, axes(2))


def test_an_axis_given_twice_is_refused() -> None:
    with pytest.raises(RuleViolation, match="axes are distinct"):
        run_op("ReduceSum", X, axes(1, -1))


def test_axes_that_are_no_vector_are_refused() -> None:
    with pytest.raises(RuleViolation, match="1-D tensor"):
        run_op("ReduceSum", X, np.array([[0]], np.int64))


def test_the_bound_of_a_sum_counts_the_reduced_elements_only() -> None:
    (by_row,) = bounds("ReduceSum", X, axes(1), opset=13, noop_with_empty_axes=0)
    assert by_row == pytest.approx(np.array([[5 * U * 6], [5 * U * 15]]))
    (by_attribute,) = bounds("ReduceMean", -X, opset=11, axes=[1])
    assert by_attribute == pytest.approx(np.array([[5 * U * 2], [5 * U * 5]]))


def test_the_bound_of_a_product_covers_underflow_and_gives_up_on_overflow() -> None:
    (plain,) = bounds("ReduceProd", np.array([2, 3], np.float32), opset=18)
    assert plain == pytest.approx([3 * U * 6])
    (shrunk,) = bounds("ReduceProd", np.array([1e-30, 1e-30, 1e30], np.float32), opset=18)
    assert shrunk >= 1e-30  # the first product is 0 in float32, the whole 1e-30
    (grown,) = bounds("ReduceProd", np.array([1e30, 1e30, 1e-30], np.float32), opset=18)
    assert np.isinf(grown)
    assert bounds("ReduceProd", np.array([2, 3]), opset=18, dtype="int64") == (None,)
