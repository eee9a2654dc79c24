"""Declarations of how results may be compared, and their bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import comparison
from refexec.comparison import Call
from refexec.registry import lookup
from refexec.types import BFLOAT16, FLOAT32, INT64

U = 2.0**-24


def call(inputs: Any, outputs: Any, attributes: Any = None, evaluate: Any = None, elements: Any = None) -> Call:
    return Call(
        tuple(inputs), attributes or {}, tuple(outputs), elements or (FLOAT32,) * len(outputs), evaluate or (lambda *a, **k: outputs)
    )


def bound_of(declared: Any) -> Any:
    assert declared.bound is not None
    return declared.bound


def test_ulps_are_those_of_the_declared_type_at_the_value() -> None:
    (bound,) = bound_of(comparison.ulps(2))(call((), (np.array([1.0, 3.0, 0.0]),)))
    assert bound.tolist() == [2 * 2.0**-23, 2 * 2.0**-22, 2 * 2.0**-149]
    (bound,) = bound_of(comparison.ulps(1))(call((), (np.array([1.0]),), elements=(BFLOAT16,)))
    assert bound.tolist() == [2.0**-7]
    assert bound_of(comparison.ulps(1))(call((), (np.array([1]),), elements=(INT64,))) == (None,)


def test_the_bound_of_an_accumulation_is_terms_times_roundoff_times_the_sum_of_magnitudes() -> None:
    a, b = np.array([[1.0, -1.0]]), np.array([[3.0], [3.0]])
    declared = comparison.accumulation(lambda A, B: A.shape[1])
    (bound,) = bound_of(declared)(call((a, b), (a @ b,), evaluate=lambda x, y: (x @ y,)))
    assert bound == pytest.approx((2 + 2) * U * 6)


def test_attributes_that_scale_terms_count_by_magnitude() -> None:
    gemm = lookup("", "Gemm", 13)
    a, b, c = np.array([[2.0]]), np.array([[3.0]]), np.array([[6.0]])
    attributes = {"alpha": -1.0, "beta": 1.0, "transA": 0, "transB": 0}

    def evaluate(*inputs: Any, **changes: Any) -> Any:
        return (gemm.function(*inputs, **{**attributes, **changes}),)

    (bound,) = bound_of(gemm.comparison)(call((a, b, c), evaluate(a, b, c), attributes, evaluate))
    assert bound >= 12 * U


def test_of_largest_takes_the_largest_finite_magnitude_along_axes() -> None:
    y = np.array([[1.0, -8.0], [np.inf, 2.0]])
    (bound,) = bound_of(comparison.of_largest(4, axes=(1,)))(call((), (y,)))
    assert bound.ravel() == pytest.approx([32 * U, 8 * U])
    (empty,) = bound_of(comparison.of_largest(4))(call((), (np.zeros(0),)))
    assert empty.shape == (0,)


def test_declarations_have_short_names() -> None:
    assert str(comparison.exact) == "exact"
    assert str(comparison.ulps(2)) == "rounded(ulps)"
    assert str(comparison.discrete()) == "discrete"
