"""Mod."""

from __future__ import annotations

from fractions import Fraction
from math import floor, trunc
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import margin

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("opset", [10, 13, 28])
def test_the_remainder_has_the_sign_of_the_divisor(opset: int) -> None:
    a, b = np.array([-4, 7, 5, 4, -7, 8]), np.array([2, -3, 8, -2, 3, 5])
    assert run_op("Mod", a, b, opset=opset).tolist() == [0, -2, 5, 0, 2, 3]


@pytest.mark.parametrize("opset", [10, 13, 28])
def test_with_fmod_it_has_the_sign_of_the_dividend(opset: int) -> None:
    a, b = np.array([-4, 7, 5, 4, -7, 8]), np.array([2, -3, 8, -2, 3, 5])
    assert run_op("Mod", a, b, opset=opset, fmod=1).tolist() == [0, 1, 5, 0, -1, 3]
    x, y = np.array([-4.5, 7.25], np.float32), np.array([2, -3], np.float32)
    assert run_op("Mod", x, y, opset=opset, fmod=1).tolist() == [-0.5, 1.25]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64])
def test_every_integer_type(dtype: Any) -> None:
    y = run_op("Mod", np.array([7, 100], dtype), np.array([4, 7], dtype), opset=13)
    assert y.dtype == dtype and y.tolist() == [3, 2]


def test_the_least_integer_modulo_minus_one_is_zero() -> None:
    least, minus_one = np.array([-(2**63)]), np.array([-1])
    assert run_op("Mod", least, minus_one, opset=13).tolist() == [0]
    assert run_op("Mod", least, minus_one, opset=13, fmod=1).tolist() == [0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
def test_special_values_of_the_floored_remainder(dtype: Any) -> None:
    a = np.array([0.0, -0.0, 0.0, INF, 1, 1, -1, 1, -1, NAN, 1, 0.0], dtype)
    b = np.array([-2, 2, 2, 2, 0, INF, INF, -INF, -INF, 1, NAN, -INF], dtype)
    y = run_op("Mod", a, b, opset=28)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.astype(np.float64), [-0.0, 0.0, 0.0, NAN, NAN, 1, INF, -INF, -1, NAN, NAN, -0.0])
    assert np.signbit(y[[0, 1, 2, 11]].astype(np.float64)).tolist() == [True, False, False, True]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
def test_special_values_of_the_truncated_remainder(dtype: Any) -> None:
    a, b = np.array([INF, 1, 1, -1, NAN, 1], dtype), np.array([2, 0, INF, INF, 1, NAN], dtype)
    y = run_op("Mod", a, b, opset=13, fmod=1)
    np.testing.assert_array_equal(y.astype(np.float64), [NAN, NAN, 1, -1, NAN, NAN])


def test_the_quotient_is_exact_however_large() -> None:
    rng = np.random.default_rng(3)
    a = (rng.normal(size=200) * 10.0 ** rng.integers(-3, 25, 200)).astype(np.float32)
    b = rng.normal(size=200).astype(np.float32)
    for fmod, to_whole in ((0, floor), (1, trunc)):
        expected = []
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            p, q = Fraction(x), Fraction(y)
            expected.append(float(np.float32(float(p - to_whole(p / q) * q))))
        assert run_op("Mod", a, b, opset=28, fmod=fmod).tolist() == expected


@pytest.mark.parametrize("opset", [10, 13])
def test_before_version_28_floats_need_fmod(opset: int) -> None:
    with pytest.raises(RuleViolation, match="fmod is 1 for floating-point inputs"):
        run_op("Mod", np.ones(1, np.float32), np.ones(1, np.float32), opset=opset)


@pytest.mark.parametrize("fmod", [0, 1])
def test_an_integer_divisor_of_zero_is_refused(fmod: int) -> None:
    with pytest.raises(RuleViolation, match="an integer divisor is not 0"):
        run_op("Mod", np.array([1]), np.array([0]), opset=13, fmod=fmod)


def test_fmod_is_a_switch() -> None:
    with pytest.raises(RuleViolation, match="fmod is 0 or 1"):
        run_op("Mod", np.array([1]), np.array([1]), opset=28, fmod=2)


def test_operands_are_broadcast() -> None:
    assert run_op("Mod", np.arange(6).reshape(2, 3), np.array([2]), opset=13).tolist() == [[0, 1, 0], [1, 0, 1]]


def test_the_margin_is_the_distance_to_a_multiple() -> None:
    a, b = np.array([7.25, -0.5, 6], np.float32), np.array([3, 2, -3], np.float32)
    assert margin("Mod", a, b, opset=28, dtype="float32").tolist() == [1.25, 0.5, 0]
