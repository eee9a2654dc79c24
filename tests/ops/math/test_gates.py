"""Sigmoid, HardSigmoid, HardSwish, Swish, SwiGLU, Gelu, Softsign."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds
from tests.ops.plain import GRID, excess

INF, NAN = np.inf, np.nan
U = 2.0**-24


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("opset", [1, 6, 13])
def test_sigmoid(opset: int) -> None:
    y = run_op("Sigmoid", f32(0, 2, -2, -80, 1000, -1000, INF, -INF, NAN), opset=opset)
    np.testing.assert_array_equal(y, f32(0.5, logistic(2), logistic(-2), logistic(-80), 1, 0, 1, 0, NAN))


@pytest.mark.parametrize("opset", [1, 6, 22])
def test_hard_sigmoid(opset: int) -> None:
    np.testing.assert_array_equal(
        run_op("HardSigmoid", f32(-9, -1, 0, 9, NAN, INF), opset=opset, alpha=0.25, beta=0.75), f32(0, 0.5, 0.75, 1, NAN, 1)
    )
    assert run_op("HardSigmoid", f32(1), opset=opset)[0] == np.float32(0.7)


def test_the_bound_of_hard_sigmoid_vanishes_in_its_flat_parts() -> None:
    (bound,) = bounds("HardSigmoid", f32(0, 1000, -1000), opset=22)
    assert bound[0] == pytest.approx(3 * U * 0.5 + 2.0**-24) and bound[1:].tolist() == [0, 0]


@pytest.mark.parametrize("opset", [14, 22])
def test_hard_swish(opset: int) -> None:
    np.testing.assert_array_equal(
        run_op("HardSwish", f32(-9, -1, 0, 1, 9, INF, -INF, NAN), opset=opset), f32(0, -1 / 3, 0, 2 / 3, 9, INF, NAN, NAN)
    )


def test_swish() -> None:
    y = run_op("Swish", f32(0, 2, -2, INF, -INF, NAN), opset=24)
    np.testing.assert_array_equal(y, f32(0, 2 * logistic(2), -2 * logistic(-2), INF, NAN, NAN))
    assert run_op("Swish", f32(2), opset=24, alpha=0.5)[0] == np.float32(2 * logistic(1))
    assert run_op("Swish", f32(2), opset=24, alpha=0.0)[0] == 1


def test_swi_glu_gates_the_second_input() -> None:
    assert run_op("SwiGLU", f32(2, 0), f32(3, 5), opset=28).tolist() == [float(np.float32(6 * logistic(2))), 0]
    assert run_op("SwiGLU", f32(2), f32(3), opset=28, alpha=0.5)[0] == np.float32(6 * logistic(1))


def test_swi_glu_broadcasts_nothing() -> None:
    with pytest.raises(RuleViolation, match="identical shapes"):
        run_op("SwiGLU", f32(1, 2), f32(1), opset=28)


def test_gelu() -> None:
    y = run_op("Gelu", f32(0, 1, -1, INF, -INF, NAN), opset=20)
    phi = (1 + math.erf(math.sqrt(0.5))) / 2
    np.testing.assert_array_equal(y, f32(0, phi, phi - 1, INF, NAN, NAN))


def test_gelu_keeps_its_relative_accuracy_far_below_zero() -> None:
    y = run_op("Gelu", f32(-8), opset=20)
    assert y[0] == pytest.approx(-4 * math.erfc(8 / math.sqrt(2)), rel=2.0**-24)
    assert run_op("Gelu", f32(-8), opset=20, profile="wide")[0] == pytest.approx(-4 * math.erfc(8 / math.sqrt(2)), rel=1e-14)


def test_gelu_in_long_double_agrees_with_float64_on_both_sides() -> None:
    x = np.array([-20, -3, -2.83, -2.5, -0.5, 0, 0.5, 2.5, 2.83, 20])
    expected = [v * math.erfc(-v / math.sqrt(2)) / 2 for v in x]
    np.testing.assert_allclose(run_op("Gelu", x, opset=20, profile="wide").astype(np.float64), expected, rtol=1e-13)


def test_gelu_of_the_largest_number_is_that_number() -> None:
    largest = np.finfo(np.float64).max
    assert run_op("Gelu", np.array([largest, -largest]), opset=20).tolist() == [largest, 0]


def test_gelu_with_tanh() -> None:
    expected = [v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) / 2 for v in (1, -1, 3)]
    np.testing.assert_allclose(run_op("Gelu", f32(1, -1, 3), opset=20, approximate="tanh"), expected, rtol=2.0**-23)
    np.testing.assert_array_equal(run_op("Gelu", f32(INF, -INF, 0), opset=20, approximate="tanh"), f32(INF, NAN, 0))


def test_gelu_has_two_formulas() -> None:
    with pytest.raises(RuleViolation, match="approximate is"):
        run_op("Gelu", f32(1), opset=20, approximate="sigmoid")


@pytest.mark.parametrize("opset", [1, 22])
def test_softsign(opset: int) -> None:
    np.testing.assert_array_equal(run_op("Softsign", f32(0, 1, -3, INF, NAN), opset=opset), f32(0, 0.5, -0.75, NAN, NAN))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", ["Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Gelu", "Softsign"])
def test_types_and_sizes(name: str, dtype: Any) -> None:
    y = run_op(name, np.array([[1.5]], dtype))
    assert y.dtype == dtype and y.shape == (1, 1)
    assert run_op(name, np.zeros((0, 2), dtype)).shape == (0, 2)
    assert run_op(name, np.zeros((), dtype)).shape == ()


def plain_sigmoid(x: np.ndarray) -> Any:
    return (1 + np.tanh(x / 2)) / 2


def plain_gelu(x: np.ndarray) -> Any:
    cdf = np.vectorize(math.erf, otypes=[np.float64])(x * x.dtype.type(math.sqrt(0.5))).astype(x.dtype)
    return x * (1 + cdf) / 2


def plain_gelu_tanh(x: np.ndarray) -> Any:
    t = x.dtype.type
    return x * (1 + np.tanh(t(math.sqrt(2 / math.pi)) * (x + t(0.044715) * x * x * x))) / 2


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("name", "formula", "attributes"), [
    ("Sigmoid", plain_sigmoid, {}),
    ("HardSigmoid", lambda x: np.clip(x.dtype.type(0.2) * x + x.dtype.type(0.5), 0, 1), {}),
    ("HardSwish", lambda x: x * np.clip(x * x.dtype.type(1 / 6) + x.dtype.type(0.5), 0, 1), {}),
    ("Swish", lambda x: x * plain_sigmoid(x.dtype.type(1.7) * x), {"alpha": float(np.float32(1.7))}),
    ("Gelu", plain_gelu, {}),
    ("Gelu", plain_gelu_tanh, {"approximate": "tanh"}),
    ("Softsign", lambda x: x / (1 + np.abs(x)), {}),
])  # fmt: skip
def test_the_formula_in_the_type_itself_is_within_the_bound(name: str, formula: Any, attributes: Any, dtype: Any) -> None:
    assert 0.05 < excess(name, GRID[:4001].astype(dtype), formula=formula, opset=28, **attributes) <= 1


def test_swi_glu_in_float32_is_within_the_bound() -> None:
    x = GRID[:4001].astype(np.float32)

    def plain(a: np.ndarray, b: np.ndarray) -> Any:
        return a * plain_sigmoid(a) * b

    assert 0.05 < excess("SwiGLU", x, x[::-1].copy() + np.float32(0.3), formula=plain, opset=28) <= 1
