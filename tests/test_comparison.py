"""Declarations of how results may be compared, and their bounds."""

from __future__ import annotations

import numpy as np
import pytest

from refexec import comparison
from refexec.comparison import Call
from refexec.registry import lookup
from refexec.types import BFLOAT16, FLOAT32, INT64

U = 2.0**-24


def call(inputs, outputs, attributes=None, evaluate=None, elements=None) -> Call:  # type: ignore[no-untyped-def]
    return Call(
        tuple(inputs), attributes or {}, tuple(outputs), elements or (FLOAT32,) * len(outputs), evaluate or (lambda *a, **k: outputs)
    )


def test_ulps_are_those_of_the_declared_type_at_the_value() -> None:
    (bound,) = comparison.ulps(2).bound(call((), (np.array([1.0, 3.0, 0.0]),)))
    assert bound.tolist() == [2 * 2.0**-23, 2 * 2.0**-22, 2 * 2.0**-149]
    (bound,) = comparison.ulps(1).bound(call((), (np.array([1.0]),), elements=(BFLOAT16,)))
    assert bound.tolist() == [2.0**-7]
    assert comparison.ulps(1).bound(call((), (np.array([1]),), elements=(INT64,))) == (None,)


def test_the_bound_of_an_accumulation_is_terms_times_roundoff_times_the_sum_of_magnitudes() -> None:
    a, b = np.array([[1.0, -1.0]]), np.array([[3.0], [3.0]])
    declared = comparison.accumulation(lambda A, B: A.shape[1])
    (bound,) = declared.bound(call((a, b), (a @ b,), evaluate=lambda x, y: (x @ y,)))
    assert bound == pytest.approx((2 + 2) * U * 6)


def test_attributes_that_scale_terms_count_by_magnitude() -> None:
    gemm = lookup("", "Gemm", 13)
    a, b, c = np.array([[2.0]]), np.array([[3.0]]), np.array([[6.0]])
    attributes = {"alpha": -1.0, "beta": 1.0, "transA": 0, "transB": 0}

    def evaluate(*inputs, **changes):  # type: ignore[no-untyped-def]
        return (gemm.function(*inputs, **{**attributes, **changes}),)

    (bound,) = gemm.comparison.bound(call((a, b, c), evaluate(a, b, c), attributes, evaluate))
    assert bound >= 12 * U


def test_of_largest_takes_the_largest_finite_magnitude_along_axes() -> None:
    y = np.array([[1.0, -8.0], [np.inf, 2.0]])
    (bound,) = comparison.of_largest(4, axes=(1,)).bound(call((), (y,)))
    assert bound.ravel() == pytest.approx([32 * U, 8 * U])
    (empty,) = comparison.of_largest(4).bound(call((), (np.zeros(0),)))
    assert empty.shape == (0,)


def test_declarations_have_short_names() -> None:
    assert str(comparison.exact) == "exact"
    assert str(comparison.ulps(2)) == "rounded(ulps)"
    assert str(comparison.discrete()) == "discrete"
