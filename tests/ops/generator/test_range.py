"""Range."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.comparison import Call
from refexec.errors import LimitExceeded, RuleViolation
from refexec.registry import lookup
from refexec.types import FLOAT32
from tests.models import session

BOTH = pytest.mark.parametrize("opset", [11, 27])


def numbers(start: Any, limit: Any, delta: Any, dtype: Any, opset: int = 27, **more: Any) -> Any:
    return run_op("Range", *(np.array(v, dtype) for v in (start, limit, delta)), opset=opset, **more)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.int64])
def test_the_limit_is_exclusive_and_the_step_may_be_negative(opset: int, dtype: Any) -> None:
    up, down = numbers(3, 9, 3, dtype, opset), numbers(10, 4, -2, dtype, opset)
    assert up.dtype == dtype and up.tolist() == [3, 6] and down.tolist() == [10, 8, 6]
    assert numbers(3, 10, 3, dtype, opset).tolist() == [3, 6, 9]


@BOTH
def test_a_step_away_from_the_limit_gives_nothing(opset: int) -> None:
    assert numbers(0, 5, -1, np.int32, opset).shape == numbers(0, 5, -0.5, np.float32, opset).shape == (0,)


def test_integers_use_the_whole_range_of_their_type() -> None:
    y = numbers(-32768, 32767, 21845, np.int16)
    assert y.dtype == np.int16 and y.tolist() == [-32768, -10923, 10922]
    assert numbers(2**53 + 1, 2**53 + 4, 2, np.int64).tolist() == [2**53 + 1, 2**53 + 3]
    assert numbers(-(2**63), 2**63 - 1, 2**62, np.int64).tolist() == [-(2**63), -(2**62), 0, 2**62]


def test_each_float_is_start_plus_i_delta_rounded_once() -> None:
    start, delta = np.float32(0.1), np.float32(0.3)
    y = numbers(start, 300, delta, np.float32)
    exact = [Fraction(float(start)) + i * Fraction(float(delta)) for i in range(len(y))]
    assert [np.float32(float(v)) for v in exact] == y.tolist()
    assert len(y) == math.ceil((300 - Fraction(float(start))) / Fraction(float(delta)))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.float16, [254, 255, 256, 257, 258, 259, 260]), (ml_dtypes.bfloat16, [254, 255, 256, 256, 258, 260, 260])],
)
def test_narrow_floats_do_not_get_stuck_where_adding_1_changes_nothing(dtype: Any, expected: list[int]) -> None:
    y = numbers(254, 262, 1, dtype, stash_type=1)
    assert y.dtype == dtype and y.tolist()[:7] == expected and len(y) == 8


def test_the_number_of_elements_is_that_of_rounded_operands() -> None:
    body = "(double limit) => (float[n] y) { one = Constant <value_float = 1.0> () zero = Constant <value_float = 0.0> () l = Cast <to = 1> (limit) y = Range (zero, l, one) }"
    limit = {"limit": np.array(3 + 1e-12)}
    assert [len(session(body, profile=p).run(None, limit)[0]) for p in ("reference", "wide")] == [3, 3]


def test_operands_may_be_vectors_of_one() -> None:
    assert run_op("Range", *(np.array([v]) for v in (0, 3, 1))).tolist() == [0, 1, 2]


def test_rules() -> None:
    with pytest.raises(RuleViolation, match="delta is not 0"):
        numbers(0, 1, 0, np.int32)
    with pytest.raises(RuleViolation, match="number of elements is finite"):
        numbers(0, math.inf, 1, np.float32)
    with pytest.raises(RuleViolation, match="number of elements is finite"):
        numbers(0, math.nan, 1, np.float32)
    with pytest.raises(RuleViolation, match="one element"):
        run_op("Range", np.array([0, 1]), np.array(3), np.array(1))


def test_the_size_is_claimed() -> None:
    with pytest.raises(LimitExceeded):
        numbers(0, 2**62, 1, np.int64)
    with pytest.raises(LimitExceeded):
        numbers(0, 1e30, 1e-30, np.float64, limits=Limits(tensor_bytes=1000))


def test_repeated_addition_in_float32_is_within_the_bound() -> None:
    start, delta, count = np.float32(0.1), np.float32(0.7), 5000
    added = np.cumsum(np.concatenate([[start], np.full(count - 1, delta)]), dtype=np.float32)
    truth = float(start) + np.arange(count) * float(delta)
    comparison = lookup("", "Range", 27).comparison
    assert comparison is not None and comparison.bound is not None
    inputs = (np.array(float(start)), np.array(3500.0), np.array(float(delta)))
    (bound,) = comparison.bound(Call(inputs, {"stash_type": 1}, (truth,), (FLOAT32,), lambda *x: x))
    error = np.abs(added - truth)
    assert np.all(error <= bound) and error.max() > 1000 * np.spacing(np.float32(1))
