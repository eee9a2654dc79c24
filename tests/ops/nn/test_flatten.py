"""Flatten."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize("opset", [1, 9, 11, 13, 21, 23, 24, 25])
@pytest.mark.parametrize(("axis", "shape"), [(0, (1, 24)), (1, (2, 12)), (2, (6, 4)), (3, (24, 1))])
def test_dimensions_before_axis_are_the_rows(opset: int, axis: int, shape: Any) -> None:
    y = run_op("Flatten", X, opset=opset, axis=axis)
    assert y.shape == shape and y.ravel().tolist() == list(range(24))


def test_the_default_axis_is_1_and_a_negative_one_counts_from_the_end() -> None:
    assert run_op("Flatten", X).shape == (2, 12)
    assert run_op("Flatten", X, axis=-1).shape == (6, 4)
    assert run_op("Flatten", X, axis=-3).shape == (1, 24)


def test_scalars_and_empty_tensors_become_matrices_too() -> None:
    assert run_op("Flatten", np.array(5, np.float32), axis=0).tolist() == [[5]]
    assert run_op("Flatten", np.zeros((3, 0, 4), np.float32), axis=1).shape == (3, 0)
    assert run_op("Flatten", np.zeros((3, 0, 4), np.float32), axis=2).shape == (0, 4)


@pytest.mark.parametrize("dtype", [object, bool, np.complex64, ml_dtypes.bfloat16, ml_dtypes.int4, ml_dtypes.float8_e5m2])
def test_every_type_is_reshaped(dtype: Any) -> None:
    x = np.array(["a", "b"], object) if dtype is object else np.ones(2, dtype)
    y = run_op("Flatten", x, axis=0)
    assert (y.dtype, y.shape) == (np.dtype(dtype), (1, 2))


@pytest.mark.parametrize(("opset", "axis"), [(13, 4), (13, -4), (9, 4)])
def test_axis_is_within_the_rank(opset: int, axis: int) -> None:
    with pytest.raises(RuleViolation, match=r"axis is in \[-rank, rank\]"):
        run_op("Flatten", X, opset=opset, axis=axis)


@pytest.mark.parametrize("opset", [1, 9])
def test_before_11_axis_is_not_negative(opset: int) -> None:
    with pytest.raises(RuleViolation, match=r"axis is in \[0, rank\]"):
        run_op("Flatten", X, opset=opset, axis=-1)
