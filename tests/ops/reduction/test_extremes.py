"""ReduceMax, ReduceMin."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op

X = np.array([[3, -1, 2], [0, 7, 5]], np.float32)


def axes(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_the_extremes_are_over_the_axes_given_or_over_all() -> None:
    assert run_op("ReduceMax", X, axes(1), keepdims=0).tolist() == [3, 7]
    assert run_op("ReduceMin", X, axes(0)).tolist() == [[0, -1, 2]]
    assert run_op("ReduceMax", X).tolist() == [[7]]
    assert run_op("ReduceMin", X, axes(), noop_with_empty_axes=1).tolist() == X.tolist()


@pytest.mark.parametrize("opset", [1, 11, 12, 13, 17])
def test_before_18_the_axes_are_an_attribute(opset: int) -> None:
    assert run_op("ReduceMax", X, opset=opset, axes=[1]).tolist() == [[3], [7]]
    assert run_op("ReduceMin", X, opset=opset, axes=[-1], keepdims=0).tolist() == [-1, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_nan_wins_wherever_it_stands(dtype: Any, at: int) -> None:
    x = np.array([1, 2, 3], dtype)
    x[at] = math.nan
    for name in ("ReduceMax", "ReduceMin"):
        y = run_op(name, x)
        assert y.dtype == dtype and np.isnan(y.astype(np.float32)).all()


@pytest.mark.parametrize(("dtype", "least", "most"), [
    (np.float32, -math.inf, math.inf),
    (np.float64, -math.inf, math.inf),
    (ml_dtypes.bfloat16, -math.inf, math.inf),
    (np.int8, -128, 127),
    (np.uint64, 0, 2**64 - 1),
    (np.bool_, False, True),
])  # fmt: skip
def test_over_no_element_the_extremes_are_the_ends_of_the_type(dtype: Any, least: Any, most: Any) -> None:
    empty = np.zeros((2, 0), dtype)
    for profile in ("reference", "wide"):
        assert run_op("ReduceMax", empty, axes(1), profile=profile).tolist() == [[least]] * 2
        assert run_op("ReduceMin", empty, axes(1), profile=profile).tolist() == [[most]] * 2


def test_false_is_less_than_true() -> None:
    x = np.array([[True, False], [False, False]])
    assert run_op("ReduceMax", x, axes(1), opset=20).tolist() == [[True], [False]]
    assert run_op("ReduceMin", x, axes(0), opset=20).tolist() == [[False, False]]


def test_large_integers_are_exact() -> None:
    assert run_op("ReduceMax", np.array([2**62, 2**62 + 1], np.int64)).tolist() == [2**62 + 1]


def test_a_scalar_is_its_own_extreme() -> None:
    assert run_op("ReduceMax", np.array(3, np.int32)).tolist() == 3
