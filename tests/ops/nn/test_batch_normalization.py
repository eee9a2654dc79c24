"""BatchNormalization."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds


def f(*values: float, dtype: Any = np.float32) -> np.ndarray:
    return np.array(values, dtype)


X = np.array([[[1, 3]], [[5, 7]]], np.float32)  # one channel: mean 4, variance 5
ONE, ZERO = f(1), f(0)


def normalized(opset: int, outputs: int = 1, x: np.ndarray = X, parameters: Any = (ONE, ZERO, ZERO, ONE), **attributes: Any) -> Any:
    return run_op("BatchNormalization", x, *parameters, opset=opset, outputs=outputs, epsilon=0.0, **attributes)


@pytest.mark.parametrize("opset", [7, 8, 9, 14, 15])
def test_inference_uses_the_given_statistics(opset: int) -> None:
    y = normalized(opset, parameters=(f(3), f(10), f(1), f(4)))
    assert y.tolist() == [[[10, 13]], [[16, 19]]]


@pytest.mark.parametrize("opset", [1, 6])
def test_before_7_is_test_makes_it_inference(opset: int) -> None:
    extra: dict[str, Any] = {"consumed_inputs": [0, 0, 0, 1, 1]} if opset == 1 else {}
    assert normalized(opset, is_test=1, **extra).tolist() == X.tolist()
    y, mean, var, saved_mean, saved_var = normalized(opset, 5, momentum=0.5, **extra)
    assert y.ravel() == pytest.approx((X.ravel() - 4) / math.sqrt(5))
    assert [v.item() for v in (mean, var, saved_mean, saved_var)] == [2, 3, 4, 5]


@pytest.mark.parametrize("opset", [7, 9])
def test_from_7_to_13_more_outputs_make_it_training(opset: int) -> None:
    y, mean, var, saved_mean, saved_var = normalized(opset, 5, momentum=0.5)
    assert y.ravel() == pytest.approx((X.ravel() - 4) / math.sqrt(5))
    assert [v.tolist() for v in (mean, var, saved_mean, saved_var)] == [[2], [3], [4], [5]]


@pytest.mark.parametrize("opset", [14, 15])
def test_from_14_training_mode_decides(opset: int) -> None:
    y, mean, var = normalized(opset, 3, training_mode=1, momentum=0.5)
    assert y.ravel() == pytest.approx((X.ravel() - 4) / math.sqrt(5))
    assert (mean.tolist(), var.tolist()) == ([2], [3])


def test_epsilon_is_added_to_the_variance() -> None:
    y = run_op("BatchNormalization", f(2).reshape(1, 1), ONE, ZERO, ZERO, f(3), epsilon=1.0, outputs=1)
    assert y.tolist() == [[1]]


def test_channels_have_their_own_parameters() -> None:
    x = np.ones((1, 2, 1, 2), np.float32)
    y = normalized(15, x=x, parameters=(f(1, 2), f(10, 20), f(0, 1), f(1, 4)))
    assert y.tolist() == [[[[11, 11]], [[20, 20]]]]


def test_without_spatial_each_feature_has_its_own_statistics() -> None:
    x = np.array([[[1, 2]], [[3, 6]]], np.float32)
    given = tuple(np.array(v, np.float32).reshape(1, 2) for v in ([1, 2], [0, 0], [1, 2], [1, 4]))
    assert normalized(7, x=x, parameters=given, spatial=0).tolist() == [[[0, 0]], [[2, 4]]]
    y, mean, var, saved_mean, saved_var = normalized(7, 5, x=x, parameters=given, spatial=0, momentum=0.0)
    assert y.tolist() == [[[-1, -2]], [[1, 2]]]
    assert mean.tolist() == saved_mean.tolist() == [[2, 4]] and var.tolist() == saved_var.tolist() == [[1, 4]]


def test_one_dimension_is_a_batch_of_one_channel() -> None:
    assert normalized(15, x=f(1, 5), parameters=(f(1), f(1), f(3), f(4))).tolist() == [0, 2]
    y, mean, _ = normalized(15, 3, x=f(1, 5), training_mode=1, momentum=0.0)
    assert (y.tolist(), mean.tolist()) == ([-1, 1], [3])


def test_statistics_may_have_another_type_than_x() -> None:
    x = np.full((2, 1, 4), 300, np.float16)
    x[0] = -300
    y, mean, var = normalized(
        15, 3, x=x, parameters=(f(1, dtype=np.float16), f(0, dtype=np.float16), f(0), f(0)), training_mode=1, momentum=0.0
    )
    assert (y.dtype, mean.dtype, var.dtype) == (np.float16, np.float32, np.float32)
    assert (y.ravel().tolist(), var.tolist()) == ([-1] * 4 + [1] * 4, [90000])  # above the largest float16


def test_bfloat16_is_rounded_once() -> None:
    y = normalized(15, x=np.ones((1, 1), ml_dtypes.bfloat16), parameters=[p.astype(ml_dtypes.bfloat16) for p in (ONE, f(256), ZERO, ONE)])
    assert (y.dtype, float(y.item())) == (ml_dtypes.bfloat16, 256)  # 257 is a tie, to even


def test_a_negative_variance_gives_nan() -> None:
    assert np.isnan(normalized(15, parameters=(ONE, ZERO, ZERO, f(-1)))).all()


@pytest.mark.parametrize(
    ("rule", "opset", "outputs", "x", "attributes"),
    [
        ("outputs other than Y are those of the training mode", 15, 3, X, {}),
        ("outputs other than Y are those of the training mode", 6, 5, X, {"is_test": 1}),
        ("X is (N, C, D1, ...) or (N,)", 15, 1, f(1).reshape(()), {}),
        ("each parameter has one value per channel", 15, 1, np.ones((1, 2), np.float32), {}),
        ("each parameter has one value per channel", 7, 1, X, {"spatial": 0}),
    ],
)
def test_broken_rule(rule: str, opset: int, outputs: int, x: Any, attributes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as caught:
        normalized(opset, outputs, x=x, **attributes)
    assert caught.value.message == rule


def test_the_bound_of_inference_holds_for_the_fused_form_in_float32() -> None:
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((1, 3, 40)) + 5).astype(np.float32)
    scale, bias, mean, var = (np.abs(rng.standard_normal(3)).astype(np.float32) + np.float32(0.1) for _ in range(4))
    given = [p.astype(np.float64).reshape(3, 1) for p in (scale, bias, mean, var)]
    exact = (x - given[2]) / np.sqrt(given[3] + 1e-5) * given[0] + given[1]
    factor = scale / np.sqrt(var + np.float32(1e-5))
    fused = x * factor[:, None] + (bias - mean * factor)[:, None]
    (bound,) = bounds("BatchNormalization", x, scale, bias, mean, var, opset=7)
    assert fused.dtype == np.float32 and (np.abs(fused - exact) <= bound).all()
    assert (bound < 1e-4 * (np.abs(exact) + 30)).all()


def test_the_bounds_of_training_hold_for_float32_statistics() -> None:
    x = (np.random.default_rng(1).standard_normal((4, 1, 30)) + 3).astype(np.float32)
    wide, mean = x.astype(np.float64), np.float32(0)
    for value in x.ravel():
        mean += value
    mean /= np.float32(x.size)
    var = np.mean(np.square(x - mean), dtype=np.float32)
    found = bounds("BatchNormalization", x, ONE, ZERO, ZERO, ONE, opset=6, outputs=5, momentum=0.0)
    assert abs(float(mean) - wide.mean()) <= found[3].item() < 1e-3
    assert abs(float(var) - wide.var()) <= found[4].item() < 1e-2
    assert (np.abs((x - mean) / np.sqrt(var + np.float32(1e-5)) - (wide - wide.mean()) / np.sqrt(wide.var() + 1e-5)) <= found[0]).all()
    assert (found[0] < 1e-3).all()
