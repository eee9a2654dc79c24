"""Cast between numbers and text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from refexec.types import element_type


def read(words: list[str], to: str, opset: int = 28) -> Any:
    y = run_op("Cast", np.array(words, object), opset=opset, to=element_type(to).number)
    assert y.dtype == element_type(to).dtype and y.shape == (len(words),)
    return y


def written(x: Any, opset: int = 28) -> Any:
    y = run_op("Cast", x, opset=opset, to=8)
    assert y.dtype == object and y.shape == x.shape and all(isinstance(v, str) for v in y.flat)
    return y.reshape(-1).tolist()


# Text to numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [9, 13, 19, 21, 23, 24, 25, 28])
def test_plain_and_scientific_literals_are_floats(opset: int) -> None:
    words = ["3.14", "1000", "1e-5", "1E8", "-0.5", "+2"]
    assert read(words, "float64", opset).tolist() == [3.14, 1000, 1e-5, 1e8, -0.5, 2]
    assert read(words, "float32", opset).tolist() == np.array([3.14, 1000, 1e-5, 1e8, -0.5, 2], np.float32).tolist()


def test_special_values_are_read_in_any_case() -> None:
    y = read(["INF", "+inf", "-Inf", "NaN", "nan", "NAN"], "float32")
    assert y[:3].tolist() == [np.inf, np.inf, -np.inf] and np.isnan(y[3:]).all()


@pytest.mark.parametrize("to", ["float32", "float16", "bfloat16", "float8e4m3fn"])
def test_a_literal_is_rounded_once(to: str) -> None:
    """Just above, on and just below the middle of 1 and the next number, nearer to it than a float64 can tell."""
    step = Fraction(
        float(np.spacing(np.array(1, np.float32))) if to == "float32" else {"float16": 2**-10, "bfloat16": 2**-7}.get(to, 2**-3)
    )
    middle = 1 + step / 2
    words = [decimal_text(middle + Fraction(sign, 10**40)) for sign in (-1, 0, 1)] + [decimal_text(-middle - Fraction(1, 10**40))]
    assert [float(v) for v in read(words, to)] == [1, 1, float(1 + step), -float(1 + step)]


def decimal_text(x: Fraction) -> str:
    digits = x * 10**60
    assert digits.denominator == 1
    return f"{digits.numerator}e-60"


def test_float64_literals_are_rounded_to_nearest() -> None:
    assert read(["0.1", "9007199254740993", "9007199254740993.0000001"], "float64").tolist() == [0.1, 2.0**53, 2.0**53 + 2]


def test_literals_beyond_the_range_are_infinite_or_zero() -> None:
    words = ["1e400", "-1e999999999999", "1e-400", "1e39", "1e-50"]
    assert read(words, "float32").tolist() == [np.inf, -np.inf, 0, np.inf, 0]


def test_integers_are_exact() -> None:
    assert read(["9223372036854775807", "-9223372036854775808"], "int64").tolist() == [2**63 - 1, -(2**63)]
    assert read(["18446744073709551615"], "uint64").tolist() == [2**64 - 1]
    assert [int(v) for v in read(["-8", "7"], "int4")] == [-8, 7]


def test_a_fraction_is_dropped_on_the_way_to_an_integer() -> None:
    assert read(["100.5", "-2.9", "1e3", "127.99"], "int32").tolist() == [100, -2, 1000, 127]
    assert read(["127.99"], "int8").tolist() == [127]


def test_text_is_true_unless_it_is_zero() -> None:
    assert read(["0", "1", "-0.0", "NaN"], "bool").tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("word", "to"),
    [
        ("Hello World!", "float32"),
        ("", "float32"),
        ("1_000", "float32"),
        ("1_000", "int32"),
        ("2.0f", "float32"),
        ("0x10", "int32"),
        ("True", "bool"),
        ("ten", "int64"),
        ("128", "int8"),
        ("-1", "uint8"),
        ("NaN", "int32"),
        ("INF", "int32"),
        ("1e999999999", "int64"),
    ],
)
def test_other_text_is_refused(word: str, to: str) -> None:
    with pytest.raises(RuleViolation, match="is a literal of a number in the range") as raised:
        read(["1", word], to)
    assert raised.value.seen["position"] == 1 and raised.value.seen["text"] == word


# Numbers to text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [9, 13, 19, 21, 23, 24, 25, 28])
def test_floats_are_written_plainly_with_the_fewest_digits_that_read_back(opset: int) -> None:
    x = np.array([314.15625, 0.1, 3.0, -0.5, 1e20, 1e-7, 16777216.0], np.float32)
    assert written(x, opset) == ["314.15625", "0.1", "3", "-0.5", "100000000000000000000", "0.0000001", "16777216"]


def test_digits_are_those_of_the_type() -> None:
    assert written(np.array([0.1])) == ["0.1"]
    assert written(np.array([0.1], np.float32).astype(np.float64)) == ["0.10000000149011612"]
    assert written(np.array([0.1], np.float16)) == ["0.1"]
    assert written(np.array([1.5, -448], ml_dtypes.float8_e4m3fn)) == ["1.5", "-448"]
    assert written(np.array([1.5], ml_dtypes.bfloat16)) == ["1.5"]


def test_special_values_have_the_reserved_words() -> None:
    assert written(np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)) == ["NaN", "INF", "-INF", "-0"]


def test_integers_and_booleans_are_written_as_integers() -> None:
    assert written(np.array([[2**63 - 1], [-(2**63)]])) == ["9223372036854775807", "-9223372036854775808"]
    assert written(np.array([True, False])) == ["1", "0"]
    assert written(np.array([-8, 7], ml_dtypes.int4)) == ["-8", "7"]


def test_a_scalar_and_an_empty_tensor() -> None:
    assert written(np.array(2.5, np.float32)) == ["2.5"]
    assert written(np.zeros((0, 2), np.float32)) == []
    assert read([], "int32").tolist() == []
    assert run_op("Cast", np.array("7"), to=7).tolist() == 7


def test_text_stays_text() -> None:
    assert run_op("Cast", np.array(["a"]), to=8).tolist() == ["a"]
    assert run_op("CastLike", np.array(["1.5"]), np.zeros(1, np.float32)).tolist() == [1.5]
