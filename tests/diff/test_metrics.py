"""Differences of values, on numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec.diff.metrics import described, difference, misfit, over_bound, same_bits
from refexec.types import FLOAT16, FLOAT32, FLOAT64


def f32(*values: float) -> Any:
    return np.array(values, np.float32)


def test_absolute_relative_and_ulp_differences() -> None:
    found = difference(f32(1, 4, 0), f32(1, 4 + 3 * 2**-21, 0))  # the spacing of float32 at 4 is 2**-21
    assert (found.equal, found.unequal, found.size) == (False, 1, 3)
    assert found.max_abs == 3 * 2**-21
    assert found.max_rel == 3 * 2**-23
    assert found.max_ulp == 3
    assert found.worst == ("[1]", "4.0", repr(float(np.float32(4 + 3 * 2**-21))))


def test_equal_nan_and_equal_infinities_are_no_difference() -> None:
    found = difference(f32(math.nan, math.inf, -math.inf), f32(math.nan, math.inf, -math.inf))
    assert found.equal
    assert found.max_abs == 0
    assert (found.nan, found.inf) == ((1, 1), (2, 2))


def test_nan_or_infinity_on_one_side_is_an_infinite_difference() -> None:
    for a, b in ((math.nan, 1), (1, math.nan), (math.inf, 1), (1, -math.inf), (math.inf, -math.inf)):
        found = difference(f32(a), f32(b))
        assert found.max_abs == math.inf
        assert found.max_ulp == math.inf
        assert found.unequal == 1


def test_the_sign_of_zero_is_no_unequal_element_but_not_equal_bits() -> None:
    found = difference(f32(0.0), f32(-0.0))
    assert (found.equal, found.unequal, found.max_abs) == (False, 0, 0.0)
    assert not same_bits(f32(0.0), f32(-0.0))


def test_nan_payloads_are_the_same_bits() -> None:
    other = np.array([0x7FC00001], np.uint32).view(np.float32)
    assert same_bits(f32(math.nan), other)


def test_integers_of_64_bits_are_subtracted_exactly() -> None:
    assert difference(np.array([2**62 + 1]), np.array([2**62])).max_abs == 1
    assert difference(np.array([2**64 - 1], np.uint64), np.array([2**64 - 3], np.uint64)).max_abs == 2
    assert difference(np.array([-128], np.int8), np.array([127], np.int8)).max_abs == 255


def test_narrow_types_are_measured_in_their_own_spacing() -> None:
    for dtype, spacing in ((ml_dtypes.bfloat16, 2**-7), (np.float16, 2**-10), (ml_dtypes.float8_e4m3fn, 2**-3)):
        assert difference(np.array([1], dtype), np.array([1 + spacing], dtype)).max_ulp == 1
    assert difference(np.array([3], ml_dtypes.int4), np.array([-8], ml_dtypes.int4)).max_abs == 11


def test_strings_complex_numbers_sequences_and_maps() -> None:
    texts = difference(np.array(["a", "b"], object), np.array(["a", "c"], object))
    assert (texts.unequal, texts.max_abs, texts.worst) == (1, None, ("[1]", "b", "c"))
    assert difference(np.array([1 + 2j], np.complex64), np.array([1 + 3j], np.complex64)).max_abs == 1
    several = difference([f32(1), f32(2, 3)], [f32(1), f32(2, 5)])
    assert (several.unequal, several.size, several.max_abs) == (1, 3, 2)
    assert difference({1: 0.5, 2: 1.0}, {1: 0.5, 2: 3.0}).max_abs == 2
    assert difference(None, None).equal


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        (f32(1), f32(1), ""),
        (f32(1), np.array([1.0]), "dtype"),
        (f32(1), f32(1, 2), "shape"),
        (f32(1), [f32(1)], "dtype"),
        ([f32(1)], [f32(1), f32(1)], "shape"),
        ([f32(1)], [f32(1, 2)], "shape"),
        ({1: 1.0}, {2: 1.0}, "shape"),
        (None, f32(1), "dtype"),
        (None, None, ""),
    ],
)
def test_what_cannot_be_compared_element_by_element(a: Any, b: Any, why: str) -> None:
    assert misfit(a, b) == why


def test_error_over_bound() -> None:
    truth = np.array([1.0, 100.0])
    assert over_bound(f32(1.25, 100), truth, np.array([0.5, 1.0]), FLOAT32) == (0.25, 0.5)
    assert over_bound(f32(1.25, 100), truth, 0.125, FLOAT32) == (0.25, 2.0)


def test_a_correctly_rounded_element_is_never_above_its_bound() -> None:
    truth = np.array([1 + 2**-30])
    assert over_bound(f32(1), truth, 0.0, FLOAT32)[1] == 1.0


def test_an_infinity_is_right_where_the_bound_reaches_past_the_largest_number() -> None:
    near = np.array([65500.0])
    assert over_bound(np.array([np.inf], np.float16), near, 40.0, FLOAT16) == (0.0, 0.0)
    assert over_bound(np.array([np.inf], np.float16), near, 1.0, FLOAT16)[1] == math.inf
    assert over_bound(np.array([-np.inf], np.float16), near, 40.0, FLOAT16)[1] == math.inf


def test_nan_on_one_side_is_above_every_bound() -> None:
    assert over_bound(f32(math.nan), np.array([1.0]), 1e30, FLOAT32)[1] == math.inf
    assert over_bound(f32(math.nan), np.array([math.nan]), 0.0, FLOAT32)[1] == 0.0


def test_float64_is_measured_against_long_double() -> None:
    truth = np.array([1], np.longdouble) / 3
    ratio = over_bound(np.array([1 / 3]), truth, 2.0**-54, FLOAT64)[1]
    assert 0 <= ratio <= 1


def test_descriptions() -> None:
    assert described(np.zeros((2, 3), np.float32)) == ("float32", "2×3")
    assert described(np.array(1)) == ("int64", "scalar")
    assert described([f32(1), f32(2)]) == ("seq(float32)", "2 items")
    assert described({1: 2.0}) == ("map", "1 keys")
    assert described(None) == ("none", "")
