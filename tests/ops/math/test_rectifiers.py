"""Relu, LeakyRelu, PRelu, ThresholdedRelu."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import margin
from tests.ops.plain import GRID, excess

NAN = np.nan
X = np.array([-2, 0, 3, NAN], np.float32)


@pytest.mark.parametrize("opset", [1, 6, 13, 14])
def test_relu(opset: int) -> None:
    np.testing.assert_array_equal(run_op("Relu", X, opset=opset), np.array([0, 0, 3, NAN], np.float32))


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, ml_dtypes.bfloat16])
def test_relu_keeps_the_type(dtype: Any) -> None:
    y = run_op("Relu", np.array([-2, 5], dtype), opset=14)
    assert y.dtype == dtype and y.tolist() == [0, 5]


@pytest.mark.parametrize("opset", [1, 6, 16])
def test_leaky_relu(opset: int) -> None:
    np.testing.assert_array_equal(run_op("LeakyRelu", X, opset=opset, alpha=0.5), np.array([-1, 0, 3, NAN], np.float32))
    assert run_op("LeakyRelu", X, opset=opset)[0] == np.float32(-0.02)


def test_leaky_relu_multiplies_once() -> None:
    assert run_op("LeakyRelu", np.array([-3], np.float16), alpha=0.1).tolist() == [float(np.float16(-3 * float(np.float32(0.1))))]
    assert run_op("LeakyRelu", np.array([-np.inf], np.float32)).tolist() == [-np.inf]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_leaky_relu_with_a_rounded_coefficient_is_within_the_bound(dtype: Any) -> None:
    def plain(x: np.ndarray) -> Any:
        return np.where(x < 0, dtype(0.3) * x, x)

    assert 0.2 < excess("LeakyRelu", GRID.astype(dtype), formula=plain, opset=16, alpha=float(np.float32(0.3))) <= 1


@pytest.mark.parametrize("opset", [7, 9, 16])
def test_the_slope_of_prelu_is_broadcast_to_the_input(opset: int) -> None:
    x = -np.ones((2, 3, 2), np.float32)
    y = run_op("PRelu", x, np.array([[1], [2], [3]], np.float32), opset=opset)
    assert y.tolist() == [[[-1, -1], [-2, -2], [-3, -3]]] * 2
    np.testing.assert_array_equal(run_op("PRelu", X, np.float32(0.25), opset=opset), np.array([-0.5, 0, 3, NAN], np.float32))


def test_the_slope_of_prelu_never_enlarges_the_input() -> None:
    with pytest.raises(RuleViolation, match="unidirectionally broadcastable"):
        run_op("PRelu", np.ones(1, np.float32), np.ones(3, np.float32), opset=16)
    with pytest.raises(RuleViolation, match="unidirectionally broadcastable"):
        run_op("PRelu", np.ones(3, np.float32), np.ones((1, 3), np.float32), opset=16)


@pytest.mark.parametrize("opset", [1, 6])
def test_the_slope_of_the_first_versions_is_one_number_or_one_per_channel(opset: int) -> None:
    x = -np.ones((1, 3, 2), np.float32)
    assert run_op("PRelu", x, np.array([1, 2, 3], np.float32), opset=opset).tolist() == [[[-1, -1], [-2, -2], [-3, -3]]]
    assert run_op("PRelu", x, np.array([[4]], np.float32), opset=opset).tolist() == (4 * x).tolist()
    assert run_op("PRelu", np.array([-1, 1], np.float32), np.array([4], np.float32), opset=opset).tolist() == [-4, 1]


@pytest.mark.parametrize(("x", "slope"), [((1, 3, 2), (2,)), ((1, 3, 2), (3, 1)), ((3,), (3,))])
def test_another_slope_is_refused_there(x: tuple[int, ...], slope: tuple[int, ...]) -> None:
    with pytest.raises(RuleViolation, match="slope has one element or one per channel"):
        run_op("PRelu", np.ones(x, np.float32), np.ones(slope, np.float32), opset=6)


def test_prelu_of_integers() -> None:
    assert run_op("PRelu", np.array([-3, 3]), np.array([2]), opset=9).tolist() == [-6, 3]
    assert run_op("PRelu", np.array([3], np.uint32), np.array([2], np.uint32), opset=9).tolist() == [3]


@pytest.mark.parametrize("opset", [10, 22])
def test_thresholded_relu(opset: int) -> None:
    assert run_op("ThresholdedRelu", np.array([-2, 1, 1.5, NAN, np.inf], np.float32), opset=opset).tolist() == [0, 0, 1.5, 0, np.inf]
    assert run_op("ThresholdedRelu", np.array([-3, -1], np.float32), opset=opset, alpha=-2.0).tolist() == [0, -1]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_the_threshold_is_not_rounded_to_the_type(dtype: Any) -> None:
    below, above = (np.nextafter(np.array(0.1, dtype), np.array(side, dtype)) for side in (0, 1))
    nearest = np.array(0.1, dtype)
    y = run_op("ThresholdedRelu", np.array([below, nearest, above]), opset=22, alpha=0.1)
    kept = float(nearest) > float(np.float32(0.1))
    assert y.astype(np.float64).tolist() == [0, float(nearest) if kept else 0, float(above)]


def test_the_margin_is_the_distance_to_the_threshold() -> None:
    assert margin("ThresholdedRelu", np.array([0.5, 3], np.float32), opset=22, dtype="float32").tolist() == [0.5, 2]
