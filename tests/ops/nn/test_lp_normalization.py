"""LpNormalization, LRN."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds


def f(*values: float, dtype: Any = np.float32) -> np.ndarray:
    return np.array(values, dtype)


@pytest.mark.parametrize("opset", [1, 22])
def test_the_norm_is_that_of_magnitudes(opset: int) -> None:
    assert run_op("LpNormalization", f(1, -3), opset=opset, p=1).tolist() == [0.25, -0.75]
    assert run_op("LpNormalization", f(6, -8), opset=opset).tolist() == [f(0.6).item(), f(-0.8).item()]


def test_the_norm_is_taken_along_one_axis() -> None:
    x = np.array([[3, 1], [1, 0]], np.float32)
    assert run_op("LpNormalization", x, p=1, axis=0).tolist() == [[0.75, 1], [0.25, 0]]
    assert run_op("LpNormalization", x, p=1, axis=-1).tolist() == [[0.75, 0.25], [1, 0]]


def test_zeros_stay_zeros_and_nan_spreads_along_the_axis() -> None:
    y = run_op("LpNormalization", np.array([[0, 0], [np.nan, 1]], np.float32))
    assert y[0].tolist() == [0, 0] and np.isnan(y[1]).all()


def test_squares_do_not_overflow_the_type() -> None:
    assert run_op("LpNormalization", f(300, 400, dtype=np.float16)).tolist() == [np.float16(0.6), np.float16(0.8)]
    assert run_op("LpNormalization", f(3 * 2.0**100, 4 * 2.0**100)).tolist() == [f(0.6).item(), f(0.8).item()]
    y = run_op("LpNormalization", f(1, 1).astype(ml_dtypes.bfloat16), p=1)
    assert (y.dtype, y.astype(float).tolist()) == (ml_dtypes.bfloat16, [0.5, 0.5])


def test_only_the_first_and_second_order_exist() -> None:
    with pytest.raises(RuleViolation, match="p is 1 or 2"):
        run_op("LpNormalization", f(1, 2), p=3)
    with pytest.raises(RuleViolation, match="axis is in"):
        run_op("LpNormalization", f(1, 2), axis=1)


@pytest.mark.parametrize("p", [1, 2])
def test_the_bound_of_lp_normalization_holds_for_float32(p: int) -> None:
    x = np.random.default_rng(p).standard_normal((3, 100)).astype(np.float32)
    wide = np.abs(x.astype(np.float64))
    exact = x / (wide**p).sum(1, keepdims=True) ** (1 / p)
    (bound,) = bounds("LpNormalization", x, opset=22, p=p)
    sums = (np.abs(x) ** p).cumsum(1)[:, -1:]
    assert (np.abs(x / (sums if p == 1 else np.sqrt(sums)) - exact) <= bound).all() and (bound <= 2e-5 * np.abs(exact) + 1e-40).all()


# LRN -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [1, 13])
def test_the_region_runs_over_the_channels(opset: int) -> None:
    x = np.ones((1, 3, 1, 1), np.float32)
    y = run_op("LRN", x, opset=opset, size=3, alpha=3.0, beta=1.0, bias=0.0)
    assert y.ravel().tolist() == [0.5, f(1 / 3).item(), 0.5]


def test_an_even_region_has_its_odd_channel_after() -> None:
    x = np.ones((2, 4, 1, 1), np.float32)
    y = run_op("LRN", x, size=2, alpha=2.0, beta=1.0, bias=0.0)
    assert y[1].ravel().tolist() == [0.5, 0.5, 0.5, 1]


def test_a_region_larger_than_the_channels_takes_them_all() -> None:
    x = np.array([[1], [2]], np.float32).reshape(1, 2, 1)
    assert run_op("LRN", x, size=10**18, alpha=1e18, beta=1.0, bias=0.0).ravel() == pytest.approx([1 / 5, 2 / 5])


def test_the_power_of_the_base_divides() -> None:
    x = np.full((1, 1, 2, 1, 1), 2, np.float16)
    assert run_op("LRN", x, size=1, alpha=2.0, beta=0.5, bias=1.0).ravel() == pytest.approx([2 / 3, 2 / 3], rel=1e-3)


@pytest.mark.parametrize("shape", [(1, 3), (2, 0, 3, 3), (0, 3, 2, 2), (1, 3, 0)])
def test_any_rank_from_2_and_empty_axes(shape: Any) -> None:
    assert run_op("LRN", np.ones(shape, np.float32), size=3).shape == shape


@pytest.mark.parametrize(("rule", "x", "size"), [("X is", f(1, 2), 3), ("size is positive", f(1, 2).reshape(1, 2), 0)])
def test_broken_rule_of_lrn(rule: str, x: Any, size: int) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("LRN", x, size=size)


def test_the_bound_of_lrn_holds_for_float32() -> None:
    x = np.random.default_rng(5).standard_normal((1, 5, 20)).astype(np.float32)
    given: dict[str, Any] = {"size": 5, "alpha": 0.5, "beta": 0.75, "bias": 1.5}
    wide = np.square(x.astype(np.float64))
    sums = np.stack([wide[:, max(c - 2, 0) : c + 3].sum(1) for c in range(5)], 1)
    narrow = np.stack([np.square(x)[:, max(c - 2, 0) : c + 3].sum(1) for c in range(5)], 1)
    exact = x / (1.5 + 0.1 * sums) ** 0.75
    actual = x / (np.float32(1.5) + np.float32(0.1) * narrow) ** np.float32(0.75)
    (bound,) = bounds("LRN", x, opset=13, **given)
    assert actual.dtype == np.float32 and (np.abs(actual - exact) <= bound).all() and (bound < 1e-5 * np.abs(exact) + 1e-40).all()
