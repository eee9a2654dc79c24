"""Dropout."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

X = np.arange(1, 1001, dtype=np.float32)
HALF, TRUE = np.array(0.5, np.float32), np.array(True)


@pytest.mark.parametrize("opset", [12, 13, 22])
def test_outside_training_nothing_is_dropped(opset: int) -> None:
    for training in (None, np.array(False)):
        output, mask = run_op("Dropout", X, HALF, training, opset=opset)
        assert np.array_equal(output, X) and mask.dtype == bool and mask.all()


@pytest.mark.parametrize("opset", [7, 10])
def test_before_12_nothing_is_dropped(opset: int) -> None:
    output, mask = run_op("Dropout", X, opset=opset, ratio=0.9)
    assert np.array_equal(output, X)
    assert (mask.dtype, mask.all()) == (np.dtype({7: np.float32, 10: np.bool_}[opset]), True)


@pytest.mark.parametrize("opset", [1, 6])
def test_before_7_is_test_ends_training(opset: int) -> None:
    output, mask = run_op("Dropout", X, opset=opset, is_test=1)
    assert np.array_equal(output, X) and mask.dtype == np.float32 and mask.all()
    output, mask = run_op("Dropout", X, opset=opset, ratio=0.25)
    assert sorted(set(mask.tolist())) == [0, 1]
    assert np.array_equal(output, (X.astype(np.float64) * mask / 0.75).astype(np.float32))


@pytest.mark.parametrize("opset", [12, 13, 22])
def test_in_training_elements_are_dropped_and_the_others_scaled(opset: int) -> None:
    output, mask = run_op("Dropout", X, np.array(0.2, np.float64), TRUE, opset=opset, seed=3)
    assert np.array_equal(output, np.where(mask, X.astype(np.float64) / 0.8, 0).astype(np.float32))
    assert 740 <= mask.sum() <= 860  # 800 expected, standard deviation 12.6


def test_the_default_ratio_is_one_half() -> None:
    output, mask = run_op("Dropout", X, None, TRUE)
    assert np.array_equal(output, 2 * X * mask) and 420 <= mask.sum() <= 580


def test_the_seeds_decide_what_is_dropped() -> None:
    masks = [run_op("Dropout", X, HALF, TRUE, seed=s)[1].tolist() for s in (1, 1, 2)]
    assert masks[0] == masks[1] != masks[2]


def test_a_ratio_of_0_keeps_everything() -> None:
    output, mask = run_op("Dropout", X, np.array(0, np.float32), TRUE)
    assert np.array_equal(output, X) and mask.all()


def test_nan_and_infinity_are_nan_where_they_are_dropped() -> None:
    output, mask = run_op("Dropout", np.full(100, np.inf, np.float32), HALF, TRUE)
    assert np.isnan(output[~mask]).all() and np.isposinf(output[mask]).all() and 0 < mask.sum() < 100


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn])
def test_the_output_has_the_type_of_the_data(dtype: Any) -> None:
    x = np.ones((2, 3), dtype)
    for training in (TRUE, np.array(False)):
        output, mask = run_op("Dropout", x, HALF, training, opset=22)
        assert (output.dtype, output.shape, mask.shape) == (dtype, (2, 3), (2, 3))
        assert set(output.astype(float).ravel()) <= {0.0, 1.0, 2.0}


@pytest.mark.parametrize(
    ("rule", "ratio", "training"),
    [
        ("ratio is in", np.array(1, np.float32), TRUE),
        ("ratio is in", np.array(np.nan, np.float32), TRUE),
        ("a scalar operand has one element", np.zeros(2, np.float32), TRUE),
        ("a scalar operand has one element", HALF, np.array([True, True])),
    ],
)
def test_broken_rule(rule: str, ratio: Any, training: Any) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("Dropout", X, ratio, training)


def test_the_random_numbers_are_claimed_before_they_are_drawn() -> None:
    with pytest.raises(LimitExceeded):
        run_op("Dropout", np.ones(1 << 17, ml_dtypes.float8_e4m3fn), limits=Limits(tensor_bytes=1 << 19))
