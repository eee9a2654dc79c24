"""LpPool, GlobalAveragePool, GlobalMaxPool, GlobalLpPool."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

X = np.array([[[3, -4, 0, 12]]], np.float32)


@pytest.mark.parametrize("opset", [1, 2, 11, 18, 22])
def test_lp_pool_is_the_norm_of_each_window(opset: int) -> None:
    whole: dict[str, Any] = {"p": 2.0 if opset == 1 else 2}
    assert run_op("LpPool", X, opset=opset, kernel_shape=[2], strides=[2]).tolist() == [[[5, 12]]]
    assert run_op("LpPool", X, opset=opset, kernel_shape=[2], strides=[2], pads=[1, 1], **whole).tolist() == [[[3, 4, 12]]]


@pytest.mark.parametrize("opset", [2, 18, 22])
def test_the_order_of_the_norm_may_be_chosen(opset: int) -> None:
    assert run_op("LpPool", X, opset=opset, kernel_shape=[2], p=1).tolist() == [[[7, 4, 12]]]
    cubes = run_op("LpPool", X, opset=opset, kernel_shape=[2], p=3)
    assert cubes[0, 0, 0] == pytest.approx(91 ** (1 / 3), rel=1e-6)


def test_in_version_1_the_order_may_be_a_fraction() -> None:
    assert run_op("LpPool", X, opset=1, kernel_shape=[2], p=0.5)[0, 0, 0] == pytest.approx((math.sqrt(3) + 2) ** 2, rel=1e-6)
    assert run_op("GlobalLpPool", X[:, :, :2], opset=1, p=0.5).item() == pytest.approx((math.sqrt(3) + 2) ** 2, rel=1e-6)


@pytest.mark.parametrize("opset", [18, 22])
def test_dilations_and_ceil_mode(opset: int) -> None:
    assert run_op("LpPool", X, opset=opset, kernel_shape=[2], dilations=[3], p=1).tolist() == [[[15]]]
    assert run_op("LpPool", X, opset=opset, kernel_shape=[2], strides=[3], ceil_mode=1).tolist() == [[[5, 12]]]


def test_before_22_a_window_of_padding_alone_gives_0() -> None:
    given: dict[str, Any] = {"kernel_shape": [2], "strides": [3], "pads": [1, 1], "ceil_mode": 1}
    five = np.array([[[1, 2, 3, 4, 5]]], np.float32)
    assert run_op("LpPool", five, opset=18, **given).tolist() == [[[1, 5, 0]]]
    assert run_op("LpPool", five, opset=22, **given).tolist() == [[[1, 5]]]


def test_the_power_is_computed_wide() -> None:
    assert run_op("LpPool", np.array([[[300, -400]]], np.float16), opset=18, kernel_shape=[2]).tolist() == [[[500]]]
    assert run_op("GlobalLpPool", np.array([[[300, -400]]], ml_dtypes.bfloat16), opset=22).astype(float).item() == 500


@pytest.mark.parametrize("opset", [2, 22])
def test_global_pools_reduce_all_spatial_axes(opset: int) -> None:
    x = np.array([[[[1, 2], [3, -6]], [[0, 0], [0, 4]]]], np.float32)
    assert run_op("GlobalAveragePool", x, opset=opset).tolist() == [[[[0]], [[1]]]]
    assert run_op("GlobalMaxPool", x, opset=opset).tolist() == [[[[3]], [[4]]]]
    assert run_op("GlobalLpPool", x, opset=opset, p=1).tolist() == [[[[12]], [[4]]]]


def test_global_pools_keep_a_rank_of_2_to_5() -> None:
    for rank in (2, 3, 5):
        x = np.full((2, 3, *(2,) * (rank - 2)), 7, np.float32)
        for name in ("GlobalAveragePool", "GlobalMaxPool"):
            y = run_op(name, x)
            assert y.shape == (2, 3, *(1,) * (rank - 2)) and (y == 7).all()


def test_global_pools_over_no_element() -> None:
    x = np.zeros((1, 1, 0), np.float32)
    assert math.isnan(run_op("GlobalAveragePool", x).item())
    assert run_op("GlobalMaxPool", x).item() == -math.inf
    assert run_op("GlobalLpPool", x).item() == 0


def test_global_pools_pass_nan_on() -> None:
    x = np.array([[[1, math.nan, 2]]], np.float32)
    for name in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        assert math.isnan(run_op(name, x).item())


def test_a_global_average_is_rounded_once() -> None:
    assert run_op("GlobalAveragePool", np.full((1, 1, 4), 60000, np.float16)).item() == 60000


@pytest.mark.parametrize(
    ("rule", "name", "x", "attributes"),
    [
        ("p is positive", "LpPool", X, {"kernel_shape": [2], "p": 0}),
        ("p is positive", "GlobalLpPool", X, {"p": -1}),
        ("kernel_shape is given", "LpPool", X, {"opset": 1}),
        ("or (N, C)", "GlobalMaxPool", X[0, 0], {}),
    ],
)
def test_broken_rule(rule: str, name: str, x: Any, attributes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as caught:
        run_op(name, x, **attributes)
    assert rule in caught.value.message


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_bound_of_a_norm_holds_for_float32_arithmetic(p: int) -> None:
    x = np.random.default_rng(p).standard_normal((1, 1, 50)).astype(np.float32)
    (bound,) = bounds("GlobalLpPool", x, opset=22, p=p)
    total = np.float32(0)
    for value in np.abs(x.ravel()):
        total += value**p
    exact = (np.abs(x.astype(np.float64)) ** p).sum() ** (1 / p)
    assert abs(float(np.power(total, np.float32(1 / p))) - exact) <= bound.item() < 1e-4 * exact
