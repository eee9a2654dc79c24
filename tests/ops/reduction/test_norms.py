"""ReduceL1, ReduceL2, ReduceSumSquare."""

from __future__ import annotations

import numpy as np
import pytest

from refexec import run_op
from tests.ops.declared import bounds

X = np.array([[3, -4], [-6, 8]], np.float32)
NAMES = ["ReduceL1", "ReduceL2", "ReduceSumSquare"]
BY_ROW = {"ReduceL1": [7, 14], "ReduceL2": [5, 10], "ReduceSumSquare": [25, 100]}
OF_EACH = {"ReduceL1": [[3, 4], [6, 8]], "ReduceL2": [[3, 4], [6, 8]], "ReduceSumSquare": [[9, 16], [36, 64]]}
U = 2.0**-24


def axes(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.parametrize("name", NAMES)
def test_a_norm_is_over_the_axes_given(name: str) -> None:
    assert run_op(name, X, axes(1), keepdims=0).tolist() == BY_ROW[name]
    assert run_op(name, X, axes(-1)).tolist() == [[v] for v in BY_ROW[name]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("opset", [1, 11, 13])
def test_before_18_the_axes_are_an_attribute(name: str, opset: int) -> None:
    assert run_op(name, X, opset=opset, axes=[1], keepdims=0).tolist() == BY_ROW[name]
    assert run_op(name, X, opset=opset).shape == (1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_no_op_still_maps_each_element(name: str) -> None:
    assert run_op(name, X, axes(), noop_with_empty_axes=1).tolist() == OF_EACH[name]


@pytest.mark.parametrize("name", NAMES)
def test_over_no_element_a_norm_is_0(name: str) -> None:
    assert run_op(name, np.zeros((2, 0), np.float32), axes(1)).tolist() == [[0], [0]]


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name: str) -> None:
    assert np.isnan(run_op(name, np.array([1, np.nan], np.float32))).all()


def test_integer_norms_have_the_type_of_the_data() -> None:
    for name, expected in (("ReduceL1", 7), ("ReduceL2", 5), ("ReduceSumSquare", 25)):
        y = run_op(name, np.array([3, -4], np.int32), keepdims=0)
        assert y.dtype == np.int32 and y == expected


def test_integer_sums_of_sizes_and_squares_wrap() -> None:
    assert run_op("ReduceL1", np.array([-(2**31)], np.int32)).tolist() == [-(2**31)]
    assert run_op("ReduceSumSquare", np.array([2**16], np.int32)).tolist() == [0]


def test_the_euclidean_norm_of_integers_is_the_truncated_root_of_the_exact_sum() -> None:
    assert run_op("ReduceL2", np.array([1, 1], np.int32)).tolist() == [1]
    assert run_op("ReduceL2", np.array(-3, np.int32)).tolist() == 3
    assert run_op("ReduceL2", np.array([50000, 50000], np.int32)).tolist() == [70710]
    assert run_op("ReduceL2", np.array([[2**31 - 1]], np.int64)).tolist() == [[2**31 - 1]]
    assert run_op("ReduceL2", np.array([2**32 - 1] * 2, np.uint32)).tolist() == [6074000998 - 2**32]  # does not fit: wraps


def test_the_euclidean_norm_of_half_types_does_not_overflow_on_the_way() -> None:
    assert run_op("ReduceL2", np.array([300, 400], np.float16)).tolist() == [500]


def test_the_bound_of_the_euclidean_norm_covers_squares_that_underflow_and_overflow() -> None:
    (bound,) = bounds("ReduceL2", X, axes(1), opset=18)
    assert bound == pytest.approx(np.array([[15 * U], [30 * U]]), rel=1e-6, abs=1e-22)
    (small,) = bounds("ReduceL2", np.array([1e-30], np.float32), opset=18)
    assert small >= 1e-30  # float32 gives sqrt(0)
    assert np.isinf(bounds("ReduceL2", np.array([1e30], np.float32), opset=18)[0])
    assert bounds("ReduceL2", np.array([3, 4]), opset=18, dtype="int64") == (None,)
