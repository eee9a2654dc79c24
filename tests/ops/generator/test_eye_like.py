"""EyeLike."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation


@pytest.mark.parametrize("opset", [9, 22])
@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (0, [[1, 0, 0], [0, 1, 0]]),
        (1, [[0, 1, 0], [0, 0, 1]]),
        (-1, [[0, 0, 0], [1, 0, 0]]),
        (3, [[0, 0, 0], [0, 0, 0]]),
        (-(2**62), [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_ones_stand_where_column_minus_row_is_k(opset: int, k: int, expected: list[list[int]]) -> None:
    y = run_op("EyeLike", np.full((2, 3), 7, np.int32), opset=opset, k=k)
    assert y.dtype == np.int32 and y.tolist() == expected


@pytest.mark.parametrize(("number", "dtype"), [(1, np.float32), (9, np.bool_), (16, ml_dtypes.bfloat16), (13, np.uint64)])
def test_dtype_decides_over_the_type_of_the_input(number: int, dtype: Any) -> None:
    y = run_op("EyeLike", np.zeros((2, 2), np.int32), dtype=number)
    assert y.dtype == dtype and y.tolist() == [[1, 0], [0, 1]]


def test_an_empty_matrix_stays_empty() -> None:
    assert run_op("EyeLike", np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_only_matrices_are_supported() -> None:
    with pytest.raises(RuleViolation, match="2-D"):
        run_op("EyeLike", np.zeros(3, np.float32))


def test_the_size_is_claimed() -> None:
    with pytest.raises(LimitExceeded):
        run_op("EyeLike", np.zeros((500, 500), np.bool_), dtype=11, limits=Limits(tensor_bytes=1_000_000))
