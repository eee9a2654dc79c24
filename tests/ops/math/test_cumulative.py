"""CumSum, CumProd."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

X = np.array([1, 2, 3], np.float32)
U = 2.0**-24


def axis(value: int) -> np.ndarray:
    return np.array(value, np.int32)


@pytest.mark.parametrize(("exclusive", "reverse", "sums", "products"), [
    (0, 0, [1, 3, 6], [1, 2, 6]),
    (1, 0, [0, 1, 3], [1, 1, 2]),
    (0, 1, [6, 5, 3], [6, 6, 3]),
    (1, 1, [5, 3, 0], [6, 3, 1]),
])  # fmt: skip
def test_the_four_ways_to_accumulate(exclusive: int, reverse: int, sums: list[float], products: list[float]) -> None:
    assert run_op("CumSum", X, axis(0), exclusive=exclusive, reverse=reverse).tolist() == sums
    assert run_op("CumProd", X, axis(0), exclusive=exclusive, reverse=reverse).tolist() == products


@pytest.mark.parametrize("opset", [11, 13, 14])
def test_the_axis_may_be_negative(opset: int) -> None:
    x = np.array([[1, 2], [3, 4]], np.int32)
    assert run_op("CumSum", x, axis(-1), opset=opset).tolist() == [[1, 3], [3, 7]]
    assert run_op("CumSum", x, axis(-2), opset=opset).tolist() == [[1, 2], [4, 6]]


def test_an_empty_axis_stays_empty() -> None:
    for exclusive in (0, 1):
        assert run_op("CumSum", np.zeros((2, 0), np.float32), axis(1), exclusive=exclusive).shape == (2, 0)


def test_integers_wrap() -> None:
    assert run_op("CumSum", np.array([2**31 - 1, 1], np.int32), axis(0)).tolist() == [2**31 - 1, -(2**31)]
    assert run_op("CumProd", np.array([2**32, 2**32], np.int64), axis(0)).tolist() == [2**32, 0]


def test_half_types_are_accumulated_wide_and_each_element_rounded_once() -> None:
    assert run_op("CumSum", np.array([2048, 1, 1], np.float16), axis(0)).tolist() == [2048, 2048, 2050]
    y = run_op("CumProd", np.array([1.5, 1.5, 1.5], ml_dtypes.bfloat16), axis(0))
    assert y.dtype == ml_dtypes.bfloat16 and y.tolist() == [1.5, 2.25, 3.375]


def test_the_axis_is_one_number() -> None:
    with pytest.raises(RuleViolation, match="one element"):
        run_op("CumSum", X, np.array([0, 0], np.int32))


def test_the_axis_is_in_range() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("CumSum", X, axis(1))


def test_the_bounds_count_the_elements_of_the_axis() -> None:
    (sums,) = bounds("CumSum", -X, axis(0), opset=14)
    assert sums == pytest.approx([5 * U * 1, 5 * U * 3, 5 * U * 6])
    (products,) = bounds("CumProd", X, axis(0), opset=26)
    assert products == pytest.approx([4 * U * 1, 4 * U * 2, 4 * U * 6])
