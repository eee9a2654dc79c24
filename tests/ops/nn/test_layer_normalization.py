"""LayerNormalization, RMSNormalization."""

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


def f(*values: float, dtype: Any = np.float32) -> np.ndarray:
    return np.array(values, dtype)


def layer(x: np.ndarray, scale: Any = None, bias: Any = None, outputs: int = 3, **attributes: Any) -> Any:
    scale = np.ones((), x.dtype) if scale is None else scale
    return run_op("LayerNormalization", x, scale, bias, opset=17, outputs=outputs, **({"epsilon": 0.0} | attributes))


def test_mean_and_inverse_deviation_are_those_of_the_last_axis() -> None:
    y, mean, inverse = layer(np.array([[1, 3], [10, 50]], np.float32))
    assert (y.tolist(), mean.tolist(), inverse.tolist()) == ([[-1, 1], [-1, 1]], [[2], [30]], [[1], [0.05000000074505806]])


def test_all_axes_from_axis_on_are_one() -> None:
    x = np.array([[[0, 0], [2, 2]]], np.float32)
    for axis in (0, 1, -2):
        y, mean, inverse = layer(x, axis=axis)
        assert (y.tolist(), mean.ravel().tolist(), inverse.ravel().tolist()) == ([[[-1, -1], [1, 1]]], [1], [1])
        assert mean.shape == inverse.shape == (1, 1, 1)


def test_scale_and_bias_broadcast_one_way() -> None:
    x = np.array([[1, 3], [10, 50]], np.float32)
    assert layer(x, f(2, 3), f(10, 20), outputs=1).tolist() == [[8, 23], [8, 23]]
    assert layer(x, np.array([[1], [2]], np.float32), outputs=1).tolist() == [[-1, 1], [-2, 2]]


def test_epsilon_keeps_equal_elements_finite() -> None:
    y, _, inverse = layer(f(5, 5, 5), epsilon=0.25)
    assert (y.tolist(), inverse.tolist()) == ([0, 0, 0], [2])


def test_float16_is_normalised_in_float32() -> None:
    y, mean, inverse = layer(f(300, -300, dtype=np.float16))
    assert (y.dtype, mean.dtype, inverse.dtype) == (np.float16, np.float32, np.float32)
    assert (y.tolist(), mean.tolist()) == ([1, -1], [0])


def test_doubles_are_normalised_in_float32_too() -> None:
    y, mean, _ = layer(f(1e8 + 1, 1e8 + 2, dtype=np.float64), epsilon=1e-5)
    assert (y.dtype, y.tolist(), mean.dtype, mean.tolist()) == (np.float64, [0, 0], np.float32, [1e8])


def test_another_stash_type_has_its_own_precision() -> None:
    y, mean, inverse = layer(f(256, 257, dtype=np.float32), stash_type=16, epsilon=1.0)
    assert (mean.dtype, inverse.dtype, y.dtype) == (ml_dtypes.bfloat16, ml_dtypes.bfloat16, np.float32)
    assert (y.tolist(), float(mean.item())) == ([0, 0], 256)  # 257 is no bfloat16


def test_the_normalised_value_has_the_type_of_x_before_it_is_scaled() -> None:
    x = f(0, 0, 3, dtype=np.float16)  # -1 / sqrt(2), then times 13
    y = layer(x, f(13, 13, 13, dtype=np.float16), outputs=1)
    expected = np.float16(np.float16(-(2**-0.5)) * np.float16(13))
    assert y[0] == expected != np.float16(-13 * 2**-0.5)


def test_no_element_has_no_mean() -> None:
    y, mean, _ = layer(np.zeros((2, 0), np.float32))
    assert y.shape == (2, 0) and np.isnan(mean).all()


@pytest.mark.parametrize(
    ("rule", "scale", "bias", "axis"),
    [
        ("axis is in", f(1), None, 2),
        ("the operand is unidirectionally broadcastable", f(1, 1, 1), None, -1),
        ("the operand is unidirectionally broadcastable", f(1), f(1, 1, 1), -1),
    ],
)
def test_broken_rule(rule: str, scale: Any, bias: Any, axis: int) -> None:
    with pytest.raises(RuleViolation, match=rule):
        layer(np.ones((2, 2), np.float32), scale, bias, outputs=1, axis=axis)


# RMSNormalization ------------------------------------------------------------------------------------------------------------


def rms(x: np.ndarray, scale: np.ndarray, **attributes: Any) -> Any:
    return run_op("RMSNormalization", x, scale, opset=23, **({"epsilon": 0.0} | attributes))


def test_rms_divides_by_the_root_of_the_mean_square() -> None:
    x = np.array([[1, 7], [3, -3]], np.float32)  # mean squares 25 and 9
    assert rms(x, f(5)).tolist() == [[1, 7], [5, -5]]
    assert rms(x, f(17**0.5), axis=0).ravel() == pytest.approx([1, 7, 3, -3])
    assert rms(x, f(10, 1), epsilon=24.0)[0].tolist() == pytest.approx([10 / 7, 1])


def test_rms_of_float16_is_computed_in_float32() -> None:
    assert rms(f(300, -300, dtype=np.float16), f(1, dtype=np.float16)).tolist() == [1, -1]


def test_rms_has_the_type_of_scale_after_rounding_to_that_of_x() -> None:
    y = rms(f(1, 2, 2, dtype=np.float16), f(1))  # 1 / sqrt(3)
    assert (y.dtype, y[0]) == (np.float32, np.float32(np.float16(3**-0.5)))
    assert rms(f(1e-30, 1e-30, dtype=np.float64), f(1), stash_type=11).tolist() == [1, 1]


def test_broken_rule_of_rms() -> None:
    with pytest.raises(RuleViolation, match="unidirectionally broadcastable"):
        rms(f(1, 2), f(1, 2, 3))
    with pytest.raises(RuleViolation, match="axis is in"):
        rms(f(1, 2), f(1), axis=1)


# Bounds ----------------------------------------------------------------------------------------------------------------------


def bound_of(name: str, since: int, inputs: Any, outputs: Any, elements: Any, **attributes: Any) -> Any:
    comparison = lookup("", name, since).comparison
    assert comparison is not None and comparison.bound is not None
    wide = tuple(x.astype(np.float64) for x in inputs)
    return comparison.bound(Call(wide, attributes, outputs, tuple(map(element_type, elements)), lambda *_: ()))


@pytest.mark.parametrize("offset", [0, 3, 30])
def test_the_bound_of_layer_normalization_holds_for_both_forms_of_the_variance_in_float32(offset: float) -> None:
    rng = np.random.default_rng(2)
    x, scale, bias = ((rng.standard_normal(s) + o).astype(np.float32) for s, o in (((5, 64), offset), ((64,), 0), ((64,), 0)))
    wide = x.astype(np.float64)
    mean, inverse = wide.mean(1, keepdims=True), 1 / np.sqrt(wide.var(1, keepdims=True) + 1e-5)
    exact = (wide - mean) * inverse * scale + bias
    bound, mean_bound, inverse_bound = bound_of("LayerNormalization", 17, (x, scale, bias), (exact, mean, inverse), ["float32"] * 3)
    average = x.mean(1, keepdims=True, dtype=np.float32)
    one = np.float32(1)
    for variance in (np.square(x - average).mean(1, keepdims=True), np.square(x).mean(1, keepdims=True) - np.square(average)):
        root = one / np.sqrt(variance + np.float32(1e-5))
        assert (np.abs((x - average) * root * scale + bias - exact) <= bound).all()
        assert (np.abs(root - inverse) <= inverse_bound).all()
    assert (np.abs(average - mean) <= mean_bound).all()
    assert bound.max() < 1e-4 * (1 + offset**2)


def test_the_bound_of_layer_normalization_in_float16_allows_three_roundings_and_not_thirty() -> None:
    x = np.arange(8, dtype=np.float16)
    exact = (x.astype(np.float64) - 3.5) / np.sqrt(5.25)
    (bound,) = bound_of("LayerNormalization", 17, (x, np.ones(8, np.float16)), (exact,), ["float16"], epsilon=0.0)
    assert (np.abs(exact) * 3 * 2**-11 < bound).all() and (bound < np.abs(exact) * 8 * 2**-11).all()


def test_the_bound_of_rms_normalization_holds_for_float32() -> None:
    x = np.random.default_rng(3).standard_normal((5, 64)).astype(np.float32)
    wide = x.astype(np.float64)
    exact = wide / np.sqrt(np.square(wide).mean(1, keepdims=True) + 1e-5)
    (bound,) = bound_of("RMSNormalization", 23, (x, np.ones(64, np.float32)), (exact,), ["float32"])
    actual = x / np.sqrt(np.square(x).mean(1, keepdims=True) + np.float32(1e-5))
    assert (np.abs(actual - exact) <= bound).all() and (bound < 1e-4 * np.abs(exact) + 1e-30).all()


def test_rms_normalization_of_double_runs_in_the_wide_profile() -> None:
    y = run_op("RMSNormalization", np.array([[3.0, 4.0]]), np.ones(2), opset=23, epsilon=0.0, profile="wide")
    np.testing.assert_allclose(y.astype(np.float64), np.array([[3, 4]]) / np.sqrt(12.5), rtol=1e-12)


def test_the_bound_of_rms_normalization_covers_numbers_that_the_stash_type_has_not() -> None:
    x = np.array([1, 1e-22])
    y = run_op("RMSNormalization", x.astype(ml_dtypes.bfloat16), np.ones((), ml_dtypes.bfloat16), opset=23, stash_type=10)
    exact = x / np.sqrt(np.square(x).mean() + 1e-5)
    (bound,) = bound_of("RMSNormalization", 23, (x, np.ones(())), (exact,), ["bfloat16"], stash_type=10)
    assert (float(y[1]), exact[1] <= bound[1] <= 2.0**-22) == (0, True)
