"""Softmax, LogSoftmax, Hardmax."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds
from tests.ops.plain import excess

INF, NAN = np.inf, np.nan
X = np.log(np.array([[1, 2, 5], [3, 3, 2]], np.float64))


def test_softmax_along_one_axis() -> None:
    np.testing.assert_allclose(run_op("Softmax", X, opset=13), [[1 / 8, 2 / 8, 5 / 8], [3 / 8, 3 / 8, 2 / 8]], rtol=1e-15)
    np.testing.assert_allclose(run_op("Softmax", X, opset=13, axis=0), [[1 / 4, 2 / 5, 5 / 7], [3 / 4, 3 / 5, 2 / 7]], rtol=1e-15)
    np.testing.assert_array_equal(run_op("Softmax", X, opset=13, axis=-2), run_op("Softmax", X, opset=13, axis=0))


def test_log_softmax_along_one_axis() -> None:
    np.testing.assert_allclose(run_op("LogSoftmax", X, opset=13), np.log([[1 / 8, 2 / 8, 5 / 8], [3 / 8, 3 / 8, 2 / 8]]), rtol=1e-14)


@pytest.mark.parametrize("opset", [1, 11])
def test_before_version_13_all_dimensions_from_the_axis_on_are_one(opset: int) -> None:
    x = np.log(np.arange(1, 9, dtype=np.float64)).reshape(2, 2, 2)
    expected = np.arange(1, 9).reshape(2, 2, 2) / np.array([10, 26]).reshape(2, 1, 1)
    np.testing.assert_allclose(run_op("Softmax", x, opset=opset), expected, rtol=1e-14)
    np.testing.assert_allclose(run_op("LogSoftmax", x, opset=opset), np.log(expected), rtol=1e-14)
    np.testing.assert_allclose(run_op("Softmax", x, opset=opset, axis=0), np.arange(1, 9).reshape(2, 2, 2) / 36, rtol=1e-14)
    assert run_op("Hardmax", x, opset=opset).tolist() == [[[0, 0], [0, 1]], [[0, 0], [0, 1]]]
    assert run_op("Softmax", x, opset=opset, axis=3).tolist() == np.ones((2, 2, 2)).tolist()


def test_a_negative_axis_of_version_11() -> None:
    x = np.zeros((2, 2, 2), np.float32)
    assert run_op("Softmax", x, opset=11, axis=-2).tolist() == np.full((2, 2, 2), 0.25).tolist()


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Hardmax"])
def test_the_axis_is_in_range(name: str) -> None:
    with pytest.raises(RuleViolation, match=r"axis is in \[-rank, rank - 1\]"):
        run_op(name, X, opset=13, axis=2)
    with pytest.raises(RuleViolation, match=r"axis is in \[-rank, rank\]"):
        run_op(name, X, opset=11, axis=-3)


def test_large_numbers_do_not_overflow() -> None:
    x = np.array([[10000, 9999]], np.float32)
    e = math.exp(-1)
    np.testing.assert_array_equal(run_op("Softmax", x, opset=13), np.array([[1 / (1 + e), e / (1 + e)]], np.float32))
    assert run_op("LogSoftmax", np.array([1000, 0], np.float32), opset=13).tolist() == [0, -1000]


@pytest.mark.parametrize(("x", "softmax", "log_softmax"), [
    ([0, -INF], [1, 0], [0, -INF]),
    ([-INF, -INF], [NAN, NAN], [NAN, NAN]),
    ([0, INF], [NAN, NAN], [NAN, NAN]),
    ([0, NAN], [NAN, NAN], [NAN, NAN]),
])  # fmt: skip
def test_infinities_and_nan(x: list[float], softmax: list[float], log_softmax: list[float]) -> None:
    np.testing.assert_array_equal(run_op("Softmax", np.array(x, np.float32), opset=13), np.array(softmax, np.float32))
    np.testing.assert_array_equal(run_op("LogSoftmax", np.array(x, np.float32), opset=13), np.array(log_softmax, np.float32))


def test_hardmax_marks_the_first_of_the_largest() -> None:
    x = np.array([[1, 3, 3], [2, 0, 2]], np.float32)
    assert run_op("Hardmax", x, opset=13).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert run_op("Hardmax", x, opset=13, axis=0).tolist() == [[0, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
@pytest.mark.parametrize(("name", "expected"), [("Softmax", 0.5), ("LogSoftmax", -math.log(2)), ("Hardmax", 1)])
def test_types(name: str, expected: float, dtype: Any) -> None:
    y = run_op(name, np.array([[3, 3]], dtype), opset=13)
    assert y.dtype == dtype and float(y[0, 0]) == float(np.array(expected).astype(dtype))


@pytest.mark.parametrize("opset", [1, 13])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing(name: str, shape: tuple[int, ...], opset: int) -> None:
    assert run_op(name, np.zeros(shape, np.float32), opset=opset).shape == shape


def test_the_bound_counts_what_is_normalized_together() -> None:
    x = np.zeros((2, 3, 4), np.float32)
    u = 2.0**-24
    assert bounds("Softmax", x, opset=13)[0] == pytest.approx(np.full((2, 3, 4), 12 * u / 4))
    assert bounds("Softmax", x, opset=11)[0] == pytest.approx(np.full((2, 3, 4), 20 * u / 12))
    assert bounds("LogSoftmax", x, opset=11)[0] == pytest.approx(np.full((2, 3, 4), (20 + math.log(12)) * u))
    assert bounds("LogSoftmax", x, opset=13, axis=1)[0] == pytest.approx(np.full((2, 3, 4), (11 + math.log(3)) * u))


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_the_formula_in_float32_is_within_the_bound(name: str) -> None:
    def plain(x: np.ndarray) -> Any:
        shifted = x - x.max(axis=-1, keepdims=True)
        total = np.exp(shifted).sum(axis=-1, keepdims=True)
        return np.exp(shifted) / total if name == "Softmax" else shifted - np.log(total)

    x = (np.random.default_rng(0).normal(size=(50, 200)) * 8).astype(np.float32)
    assert 0 < excess(name, x, formula=plain, opset=13) <= 1


def test_log_softmax_keeps_the_digits_of_the_likeliest_class() -> None:
    y = run_op("LogSoftmax", np.array([0.0, 40.0]), opset=13)
    np.testing.assert_allclose(y, [-40.0, -math.exp(-40)], rtol=1e-15)


def test_log_softmax_counts_each_of_several_largest() -> None:
    np.testing.assert_allclose(run_op("LogSoftmax", np.zeros((2, 4)), opset=13), np.full((2, 4), -math.log(4)), rtol=1e-15)


def test_log_softmax_of_nothing() -> None:
    assert run_op("LogSoftmax", np.zeros((2, 0), np.float32), opset=13).shape == (2, 0)
    assert run_op("LogSoftmax", np.zeros((0, 2), np.float32), opset=13).shape == (0, 2)
