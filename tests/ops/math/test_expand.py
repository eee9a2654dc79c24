"""Expand."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation


def shape(*dims: int) -> np.ndarray:
    return np.array(dims, np.int64)


@pytest.mark.parametrize("opset", [8, 13])
def test_both_shapes_broadcast(opset: int) -> None:
    x = np.array([[1], [2]], np.float32)
    assert run_op("Expand", x, shape(2, 3), opset=opset).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert run_op("Expand", x, shape(3), opset=opset).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert run_op("Expand", x, shape(1), opset=opset).tolist() == [[1], [2]]
    assert run_op("Expand", x, shape(2, 1, 1), opset=opset).shape == (2, 2, 1)


def test_an_empty_shape_changes_nothing_and_a_dimension_0_empties() -> None:
    assert run_op("Expand", np.array(5, np.int8), shape()).tolist() == 5
    assert run_op("Expand", np.ones((2, 1), np.float32), shape(2, 0)).shape == (2, 0)


@pytest.mark.parametrize(
    "x", [np.array(["a"], object), np.array([True]), np.array([1.5], ml_dtypes.bfloat16), np.array([2j], np.complex64)]
)
def test_every_type_expands(x: Any) -> None:
    y = run_op("Expand", x, shape(2, 2))
    assert y.dtype == x.dtype and y.tolist() == [[x[0]] * 2] * 2


def test_dimensions_that_differ_are_refused() -> None:
    with pytest.raises(RuleViolation, match="shapes broadcast together"):
        run_op("Expand", np.ones((2, 3), np.float32), shape(2, 4))


def test_a_negative_dimension_is_refused() -> None:
    with pytest.raises(RuleViolation, match="dimensions are not negative"):
        run_op("Expand", np.ones((1, 3), np.float32), shape(-1, 3))


def test_the_size_is_claimed_before_it_is_taken() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("Expand", np.ones((1,), np.float32), shape(1 << 20, 1 << 20), limits=Limits(tensor_bytes=1 << 30))
