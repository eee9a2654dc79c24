"""The circular and hyperbolic functions and their inverses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from tests.ops.plain import excess

FUNCTIONS: dict[str, tuple[Callable[[float], float], list[float], int]] = {
    "Sin": (math.sin, [-2, 0, 0.5, 3, 100], 7),
    "Cos": (math.cos, [-2, 0, 0.5, 3, 100], 7),
    "Tan": (math.tan, [-2, 0, 0.5, 3, 100], 7),
    "Asin": (math.asin, [-1, -0.5, 0, 0.25, 1], 7),
    "Acos": (math.acos, [-1, -0.5, 0, 0.25, 1], 7),
    "Atan": (math.atan, [-1e30, -0.5, 0, 0.25, 7], 7),
    "Sinh": (math.sinh, [-5, 0, 0.25, 50], 9),
    "Cosh": (math.cosh, [-5, 0, 0.25, 50], 9),
    "Tanh": (math.tanh, [-50, -0.5, 0, 0.25], 1),
    "Asinh": (math.asinh, [-1e10, 0, 0.25, 3], 9),
    "Acosh": (math.acosh, [1, 1.5, 3, 1e10], 9),
    "Atanh": (math.atanh, [-0.99, 0, 0.25], 9),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_results_are_those_of_float64_rounded_once(name: str) -> None:
    function, points, since = FUNCTIONS[name]
    x = np.array(points, np.float32)
    expected = np.array([function(float(v)) for v in x], np.float32)
    for opset in (since, 13 if name == "Tanh" else 22):
        np.testing.assert_array_almost_equal_nulp(run_op(name, x, opset=opset), expected, nulp=0)


@pytest.mark.parametrize(("name", "x", "expected"), [
    ("Sin", [math.inf, -math.inf], [math.nan, math.nan]),
    ("Cos", [math.inf], [math.nan]),
    ("Tan", [math.inf], [math.nan]),
    ("Asin", [1.5, -1.5], [math.nan, math.nan]),
    ("Acos", [1.5, -1.5], [math.nan, math.nan]),
    ("Atan", [math.inf, -math.inf], [math.pi / 2, -math.pi / 2]),
    ("Sinh", [math.inf, -math.inf, 1000], [math.inf, -math.inf, math.inf]),
    ("Cosh", [math.inf, -math.inf], [math.inf, math.inf]),
    ("Tanh", [math.inf, -math.inf], [1, -1]),
    ("Asinh", [math.inf, -math.inf], [math.inf, -math.inf]),
    ("Acosh", [math.inf, 0.5], [math.inf, math.nan]),
    ("Atanh", [1, -1, 2], [math.inf, -math.inf, math.nan]),
])  # fmt: skip
def test_the_ends(name: str, x: list[float], expected: list[float]) -> None:
    y = run_op(name, np.array([*x, math.nan], np.float32))
    np.testing.assert_array_equal(y, np.array([*expected, math.nan], np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_types_and_sizes(name: str, dtype: Any) -> None:
    y = run_op(name, np.ones((1, 1), dtype))
    assert y.dtype == dtype and y.shape == (1, 1)
    assert run_op(name, np.zeros((0, 2), dtype)).shape == (0, 2)
    assert run_op(name, np.ones((), dtype)).shape == ()


def plain_sin(x: np.ndarray) -> Any:
    """The range reduced with a float32 pi in two parts, the polynomial of degree 11 in float32."""
    turns = np.rint(x / x.dtype.type(math.pi))
    high, low = x.dtype.type(3.140625), x.dtype.type(math.pi - 3.140625)
    r = x - turns * high - turns * low
    r2 = r * r
    total = np.zeros_like(r)
    for n in (11, 9, 7, 5, 3):
        total = r2 * (x.dtype.type((-1) ** ((n - 1) // 2) / math.factorial(n)) + total)
    return np.where(turns % 2 == 1, -1, 1).astype(x.dtype) * (r + r * total)


def test_a_reduction_of_the_range_in_float32_is_within_the_bound_of_sin() -> None:
    x = np.linspace(-6, 6, 5001).astype(np.float32)
    assert 0.05 < excess("Sin", x, formula=plain_sin, opset=22) <= 1


def test_exponentials_in_float32_are_within_the_bound_of_tanh() -> None:
    x = np.linspace(0.5, 30, 2001).astype(np.float32)

    def plain(x: np.ndarray) -> Any:
        return 1 - 2 / (np.exp(2 * x) + 1)

    assert 0.01 < excess("Tanh", x, formula=plain, opset=13) <= 1
