"""Erf, and the error function in float64 and in long double."""

from __future__ import annotations

from decimal import Decimal, localcontext

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op

POINTS = [0.0, 1e-300, 1e-10, 0.25, 0.5, 0.84375, 1.0, 1.5, 1.999, 2.0, 2.5, 3.0, 4.0, 5.5, 6.5, 8.0]
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def exact_erf(x: float) -> Decimal:
    """The Taylor series of erf itself with 110 digits: its alternating terms lose at most 28 of them up to 8."""
    with localcontext() as context:
        context.prec = 110
        t, total, n = Decimal(x), Decimal(0), 0
        power = t
        while n == 0 or abs(power) > Decimal(10) ** -90 * max(abs(t), Decimal(10) ** -300):
            total += power / (2 * n + 1)
            n += 1
            power *= -t * t / n
        return 2 * total / PI.sqrt()


@pytest.mark.parametrize("sign", [1, -1])
def test_float64_is_within_one_ulp(sign: int) -> None:
    y = run_op("Erf", sign * np.array(POINTS), opset=13)
    for found, x in zip(y, POINTS, strict=True):
        truth = sign * exact_erf(x)
        assert abs(Decimal(float(found)) - truth) < Decimal(float(np.spacing(abs(float(truth))))), x


@pytest.mark.parametrize("sign", [1, -1])
def test_the_wide_profile_is_more_accurate_where_long_double_is(sign: int) -> None:
    y = run_op("Erf", sign * np.array(POINTS), opset=13, profile="wide")
    eps = np.finfo(y.dtype).eps
    for found, x in zip(y, POINTS, strict=True):
        truth = np.longdouble(str(sign * exact_erf(x)))
        assert abs(found - truth) <= 64 * eps * abs(truth), x


@pytest.mark.parametrize("opset", [9, 13])
def test_float32_is_correctly_rounded(opset: int) -> None:
    x = np.array(POINTS[2:], np.float32)
    assert run_op("Erf", x, opset=opset).tolist() == [float(np.float32(float(exact_erf(float(v))))) for v in x]


def test_the_ends_and_nan() -> None:
    for profile in ("reference", "wide"):
        y = run_op("Erf", np.array([np.inf, -np.inf, np.nan, 1e300]), opset=13, profile=profile)
        np.testing.assert_array_equal(y.astype(np.float64), [1, -1, np.nan, 1])


def test_zero_keeps_its_sign() -> None:
    for profile in ("reference", "wide"):
        assert np.signbit(run_op("Erf", np.array([-0.0, 0.0]), opset=13, profile=profile)).tolist() == [True, False]


def test_bfloat16() -> None:
    y = run_op("Erf", np.array([1, -1], ml_dtypes.bfloat16), opset=13)
    assert y.dtype == ml_dtypes.bfloat16 and y.astype(np.float64).tolist() == [0.84375, -0.84375]


def test_integers_get_it_truncated() -> None:
    y = run_op("Erf", np.array([0, 1, -2, 7], np.int32), opset=9)
    assert y.dtype == np.int32 and y.tolist() == [0, 0, 0, 1]


def test_nothing() -> None:
    for profile in ("reference", "wide"):
        assert run_op("Erf", np.zeros((2, 0)), opset=13, profile=profile).shape == (2, 0)
