"""InstanceNormalization, GroupNormalization, MeanVarianceNormalization."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.comparison import Call
from refexec.errors import RuleViolation
from refexec.registry import lookup
from refexec.types import element_type
from tests.ops.declared import bounds


def f(*values: float, dtype: Any = np.float32) -> np.ndarray:
    return np.array(values, dtype)


X = np.array([[[1, 3], [10, 50]]], np.float32)


@pytest.mark.parametrize("opset", [1, 6, 22])
def test_each_instance_and_channel_has_its_own_statistics(opset: int) -> None:
    y = run_op("InstanceNormalization", X, f(1, 2), f(0, 5), opset=opset, epsilon=0.0)
    assert y.tolist() == [[[-1, 1], [3, 7]]]


def test_epsilon_is_added_to_the_variance() -> None:
    y = run_op("InstanceNormalization", X, f(1, 1), f(0, 0), epsilon=3.0)
    assert y[0, 0].tolist() == [-0.5, 0.5]


def test_equal_elements_give_the_bias() -> None:
    y = run_op("InstanceNormalization", np.full((1, 1, 2, 2), 7, np.float16), f(3, dtype=np.float16), f(5, dtype=np.float16))
    assert (y.dtype, y.ravel().tolist()) == (np.float16, [5] * 4)
    assert run_op("InstanceNormalization", f(7).reshape(1, 1), f(3), f(5)).tolist() == [[5]]


@pytest.mark.parametrize(
    ("rule", "x", "scale"),
    [("input is (N, C, D1, ...)", X[0, 0], f(1, 1)), ("a parameter has one value per channel", X, f(1, 1, 1))],
)
def test_broken_rule_of_instance_normalization(rule: str, x: Any, scale: Any) -> None:
    with pytest.raises(RuleViolation) as caught:
        run_op("InstanceNormalization", x, scale, f(1, 1))
    assert caught.value.message == rule


# GroupNormalization ----------------------------------------------------------------------------------------------------------

FOUR = np.array([[[0], [2], [10], [50]]], np.float32)  # four channels, groups (0, 2) and (10, 50)


def test_scale_and_bias_are_per_channel_and_before_21_per_group() -> None:
    y = run_op("GroupNormalization", FOUR, f(1, 2, 3, 4), f(0, 0, 10, 10), opset=21, num_groups=2, epsilon=0.0)
    assert y.ravel().tolist() == [-1, 2, 7, 14]
    y = run_op("GroupNormalization", FOUR, f(1, 2), f(0, 10), opset=18, num_groups=2, epsilon=0.0)
    assert y.ravel().tolist() == [-1, 1, 8, 12]


@pytest.mark.parametrize("opset", [18, 21])
def test_float16_does_not_overflow(opset: int) -> None:
    x = np.array([[[300, -300]]], np.float16)
    y = run_op("GroupNormalization", x, f(1, dtype=np.float16), f(0, dtype=np.float16), opset=opset, num_groups=1, epsilon=0.0)
    assert (y.dtype, y.ravel().tolist()) == (np.float16, [1, -1])


def test_the_stash_type_is_the_precision_of_the_statistics() -> None:
    x = np.array([[[256, 257]]], np.float32)
    y = run_op("GroupNormalization", x, f(1), f(0), opset=21, num_groups=1, stash_type=16)
    assert y.ravel().tolist() == [0, 0]  # 257 is no bfloat16
    y = run_op(
        "GroupNormalization", x.astype(ml_dtypes.bfloat16), f(1).astype(ml_dtypes.bfloat16), f(0).astype(ml_dtypes.bfloat16), num_groups=1
    )
    assert y.dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize("opset", [18, 21])
@pytest.mark.parametrize(
    ("rule", "x", "scale", "groups"),
    [
        ("X is (N, C, D1, ...)", f(1), f(1), 1),
        ("num_groups divides the number of channels", FOUR, f(1, 1, 1), 3),
        ("num_groups divides the number of channels", FOUR, f(1), 0),
        ({18: "scale and bias have one value per group", 21: "a parameter has one value per channel"}, FOUR, f(1, 1, 1), 2),
    ],
)
def test_broken_rule_of_group_normalization(opset: int, rule: str | dict[int, str], x: Any, scale: Any, groups: int) -> None:
    with pytest.raises(RuleViolation) as caught:
        run_op("GroupNormalization", x, scale, scale, opset=opset, num_groups=groups)
    assert caught.value.message == (rule if isinstance(rule, str) else rule[opset])


# MeanVarianceNormalization ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [9, 13])
def test_mean_and_variance_are_over_the_axes(opset: int) -> None:
    x = np.array([1, 3, 10, 50], np.float32).reshape(2, 2, 1, 1)
    assert run_op("MeanVarianceNormalization", x, opset=opset).ravel() == pytest.approx([-1, -1, 1, 1])
    assert run_op("MeanVarianceNormalization", x, opset=opset, axes=[1, -1]).ravel() == pytest.approx([-1, 1, -1, 1])


def test_equal_elements_give_0() -> None:
    assert run_op("MeanVarianceNormalization", np.full((2, 1, 3, 3), 0.1, np.float32)).ravel().tolist() == [0] * 18


def test_broken_rule_of_mean_variance_normalization() -> None:
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("MeanVarianceNormalization", X)
    with pytest.raises(RuleViolation, match="axes are distinct"):
        run_op("MeanVarianceNormalization", X, axes=[0, -3])


# Bounds ----------------------------------------------------------------------------------------------------------------------


def bound_of(name: str, since: int, inputs: Any, exact: Any, **attributes: Any) -> Any:
    comparison = lookup("", name, since).comparison
    assert comparison is not None and comparison.bound is not None
    wide = tuple(x.astype(np.float64) for x in inputs)
    return comparison.bound(Call(wide, attributes, (exact,), (element_type("float32"),), lambda *_: ()))[0]


@pytest.mark.parametrize(
    ("name", "since", "attributes"),
    [
        ("InstanceNormalization", 22, {"epsilon": 1e-5}),
        ("GroupNormalization", 18, {"epsilon": 1e-5, "num_groups": 2}),
        ("GroupNormalization", 21, {"epsilon": 1e-5, "num_groups": 2, "stash_type": 1}),
        ("MeanVarianceNormalization", 13, {"axes": [2]}),
    ],
)
def test_the_bounds_hold_for_float32_arithmetic(name: str, since: int, attributes: dict[str, Any]) -> None:
    x = (np.random.default_rng(since).standard_normal((3, 2, 50)) + 2).astype(np.float32)
    wide, epsilon = x.astype(np.float64), 0 if name[0] == "M" else 1e-5
    exact = (wide - wide.mean(2, keepdims=True)) / np.sqrt(wide.var(2, keepdims=True) + epsilon)
    parameters = () if name[0] == "M" else (np.ones(2, np.float32), np.zeros(2, np.float32))
    bound = bound_of(name, since, (x, *parameters), exact, **attributes)
    average = x.mean(2, keepdims=True)
    actual = (x - average) / np.sqrt(np.square(x - average).mean(2, keepdims=True) + np.float32(epsilon))
    assert actual.dtype == np.float32 and (np.abs(actual - exact) <= bound).all() and bound.max() < 1e-3


def test_the_bound_of_mean_variance_normalization_covers_a_variance_that_cancellation_makes_too_large() -> None:
    # In double E(X^2) - E(X)^2 of these is one unit, 2^-52, while the variance is 5/36 of 2^-66 and its root below 1e-9.
    x = np.array([1, 1, 1, 1, 1, 1 + 2.0**-33])
    assert np.square(x).mean() - x.mean() ** 2 == 2.0**-52
    exact = 5 / 6 * 2.0**-33 / (5**0.5 / 6 * 2.0**-33 + 1e-9)
    by_moments = 5 / 6 * 2.0**-33 / (2.0**-26 + 1e-9)
    (bound,) = bounds("MeanVarianceNormalization", x, opset=13, axes=[0], dtype="float64")
    assert exact - by_moments <= bound[-1] <= exact


def test_the_bound_of_mean_variance_normalization_of_zeros_is_no_larger_than_one_unit() -> None:
    (bound,) = bounds("MeanVarianceNormalization", np.zeros(3), opset=13, axes=[0], dtype="float16")
    assert (bound <= 2.0**-23).all()
