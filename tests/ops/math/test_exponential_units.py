"""Elu, Celu, Selu, Softplus, Mish."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.plain import GRID, excess

INF, NAN = np.inf, np.nan
X = np.array([-1, 0, 2, -INF, INF, NAN], np.float32)


@pytest.mark.parametrize("opset", [1, 6, 22])
def test_elu(opset: int) -> None:
    np.testing.assert_array_equal(run_op("Elu", X, opset=opset, alpha=2.0), np.array([2 * math.expm1(-1), 0, 2, -2, INF, NAN], np.float32))
    assert run_op("Elu", X, opset=opset)[0] == np.float32(math.expm1(-1))


def test_elu_keeps_its_relative_accuracy_next_to_zero() -> None:
    assert run_op("Elu", np.array([-1e-10], np.float32)).tolist() == [float(np.float32(-1e-10))]


@pytest.mark.parametrize("opset", [12, 28])
def test_celu(opset: int) -> None:
    np.testing.assert_array_equal(
        run_op("Celu", X, opset=opset, alpha=2.0), np.array([2 * math.expm1(-0.5), 0, 2, -2, INF, NAN], np.float32)
    )
    assert run_op("Celu", X, opset=opset)[0] == np.float32(math.expm1(-1))


def test_a_negative_alpha_of_celu_follows_the_formula() -> None:
    y = run_op("Celu", np.array([-2, 2], np.float32), alpha=-2.0)
    assert y.tolist() == [float(np.float32(-2 * math.expm1(1))), 2]


def test_celu_divides_by_alpha() -> None:
    with pytest.raises(RuleViolation, match="alpha is not 0"):
        run_op("Celu", X, alpha=0.0)


@pytest.mark.parametrize("opset", [6, 22])
def test_selu(opset: int) -> None:
    alpha, gamma = 1.67326319217681884765625, 1.05070102214813232421875
    np.testing.assert_array_equal(
        run_op("Selu", X, opset=opset),
        np.array([gamma * alpha * math.expm1(-1), 0, 2 * gamma, -gamma * alpha, INF, NAN], np.float32),
    )
    assert run_op("Selu", X, opset=opset, alpha=2.0, gamma=3.0)[[0, 2]].tolist() == [float(np.float32(6 * math.expm1(-1))), 6]


def test_selu_of_version_1_has_coefficients_of_five_digits() -> None:
    alpha, gamma = float(np.float32(1.6732)), float(np.float32(1.0507))
    assert run_op("Selu", X, opset=1)[[0, 2]].tolist() == [float(np.float32(gamma * alpha * math.expm1(-1))), float(np.float32(2 * gamma))]


@pytest.mark.parametrize("opset", [1, 22])
def test_softplus(opset: int) -> None:
    x = np.array([-1, 0, 2, 1000, -1000, -INF, INF, NAN], np.float32)
    expected = [math.log1p(math.exp(-1)), math.log(2), math.log1p(math.exp(2)), 1000, 0, 0, INF, NAN]
    np.testing.assert_array_equal(run_op("Softplus", x, opset=opset), np.array(expected, np.float32))
    assert run_op("Softplus", np.array([-20], np.float32), opset=opset)[0] == np.float32(math.log1p(math.exp(-20)))


@pytest.mark.parametrize("opset", [18, 22])
def test_mish(opset: int) -> None:
    x = np.array([-1, 0, 2, 100, -200, INF, NAN], np.float32)
    expected = [v * math.tanh(math.log1p(math.exp(v))) for v in (-1, 0, 2, 100, -200)] + [INF, NAN]
    np.testing.assert_array_equal(run_op("Mish", x, opset=opset), np.array(expected, np.float32))


def test_mish_of_minus_infinity_is_infinity_times_zero() -> None:
    assert np.isnan(run_op("Mish", np.array([-INF], np.float32))[0])


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", ["Elu", "Celu", "Selu", "Softplus", "Mish"])
def test_types_and_sizes(name: str, dtype: Any) -> None:
    y = run_op(name, np.array([[1.5]], dtype))
    assert y.dtype == dtype and y.shape == (1, 1)
    assert run_op(name, np.zeros((0, 2), dtype)).shape == (0, 2)
    assert run_op(name, np.zeros((), dtype)).shape == ()


def plain_celu(x: np.ndarray) -> Any:
    alpha = x.dtype.type(0.7)
    return np.maximum(x, 0) + np.minimum(0, alpha * (np.exp(x / alpha) - 1))


def plain_selu(x: np.ndarray) -> Any:
    alpha, gamma = x.dtype.type(1.6732631921768188), x.dtype.type(1.0507010221481323)
    return np.where(x <= 0, gamma * (alpha * np.exp(x) - alpha), gamma * x)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("name", "formula", "attributes"), [
    ("Elu", lambda x: np.where(x < 0, x.dtype.type(0.7) * (np.exp(x) - 1), x), {"alpha": float(np.float32(0.7))}),
    ("Celu", plain_celu, {"alpha": float(np.float32(0.7))}),
    ("Selu", plain_selu, {}),
    ("Softplus", lambda x: np.logaddexp(x, x.dtype.type(0)), {}),
    ("Mish", lambda x: x * np.tanh(np.logaddexp(x, x.dtype.type(0))), {}),
])  # fmt: skip
def test_the_formula_in_the_type_itself_is_within_the_bound(name: str, formula: Any, attributes: Any, dtype: Any) -> None:
    assert 0.05 < excess(name, GRID[:4001].astype(dtype), formula=formula, opset=28, **attributes) <= 1
