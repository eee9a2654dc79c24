"""StringConcat, StringNormalizer, StringSplit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation


def texts(*values: Any) -> np.ndarray:
    return np.array(values, object)


def test_concatenation_puts_y_behind_x_and_broadcasts() -> None:
    assert run_op("StringConcat", texts("a", ""), texts("é", "x")).tolist() == ["aé", "x"]
    assert run_op("StringConcat", texts(["a"], ["b"]), texts("x", "y")).tolist() == [["ax", "ay"], ["bx", "by"]]
    scalar = run_op("StringConcat", np.array("a", object), np.array("b", object))
    assert scalar.shape == () and scalar.item() == "ab" and scalar.dtype == object
    assert run_op("StringConcat", np.zeros((0, 2), object), texts("x")).shape == (0, 2)


def test_concatenation_refuses_other_shapes_and_too_much_text() -> None:
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op("StringConcat", texts("a", "b"), texts("x", "y", "z"))
    many, long = np.full(1000, "", object), texts("x" * 1000)
    with pytest.raises(LimitExceeded, match="string_bytes"):
        run_op("StringConcat", many, long, limits=Limits(string_bytes=999_999))
    assert len(run_op("StringConcat", many, long, limits=Limits(string_bytes=1_000_000))) == 1000


def normalized(x: np.ndarray, **attributes: Any) -> Any:
    return run_op("StringNormalizer", x, **attributes).tolist()


DAYS = texts("monday", "tuesday", "Monday", "wednesday")


@pytest.mark.parametrize(
    ("sensitive", "change", "expected"),
    [
        (1, "NONE", ["tuesday", "Monday", "wednesday"]),
        (0, "NONE", ["tuesday", "wednesday"]),
        (1, "UPPER", ["TUESDAY", "MONDAY", "WEDNESDAY"]),
        (1, "LOWER", ["tuesday", "monday", "wednesday"]),
        (0, "UPPER", ["TUESDAY", "WEDNESDAY"]),
    ],
)
def test_stop_words_go_first_then_the_case_changes(sensitive: int, change: str, expected: list[str]) -> None:
    assert normalized(DAYS, is_case_sensitive=sensitive, case_change_action=change, stopwords=["monday"]) == expected
    assert normalized(DAYS[None], is_case_sensitive=sensitive, case_change_action=change, stopwords=["monday"]) == [expected]


def test_a_stop_word_in_upper_case_is_found_without_case() -> None:
    assert normalized(DAYS, stopwords=["MONDAY"]) == ["tuesday", "wednesday"]


def test_a_stop_word_is_a_whole_element() -> None:
    assert normalized(texts("monday tuesday"), stopwords=["monday"], is_case_sensitive=1) == ["monday tuesday"]


def test_accents_and_empty_strings_stay() -> None:
    assert normalized(texts("é", "", "a")) == ["é", "", "a"]
    assert normalized(texts("besançon"), case_change_action="UPPER", locale="en_US") == ["BESANÇON"]


def test_nothing_left_is_one_empty_string() -> None:
    assert normalized(texts("a", "A"), stopwords=["a"]) == [""]
    assert normalized(texts(["a", "A"]), stopwords=["a"]) == [[""]]


def test_normalizer_rules() -> None:
    with pytest.raises(RuleViolation, match=r"\[C\] or \[1, C\]"):
        normalized(texts(["a"], ["b"]))
    with pytest.raises(RuleViolation, match="NONE, LOWER or UPPER"):
        normalized(texts("a"), case_change_action="TITLE")


def split(*values: Any, **attributes: Any) -> tuple[Any, Any]:
    parts, counts = run_op("StringSplit", texts(*values), **attributes)
    assert parts.dtype == object and counts.dtype == np.int64
    return parts.tolist(), counts.tolist()


def test_parts_are_padded_to_the_longest_list() -> None:
    assert split("abc.com", "abc.net.org", delimiter=".") == ([["abc", "com", ""], ["abc", "net", "org"]], [2, 3])
    assert split(["a,b"], ["c"], delimiter=",") == ([[["a", "b"]], [["c", ""]]], [[2], [1]])


def test_delimiters_in_a_row_enclose_empty_parts() -> None:
    assert split("a,,b,", delimiter=",") == ([["a", "", "b", ""]], [4])
    assert split("o-n-n--x", delimiter="--") == ([["o-n-n", "x"]], [2])


@pytest.mark.parametrize("attributes", [{}, {"delimiter": ""}])
def test_without_a_delimiter_runs_of_white_space_separate(attributes: dict[str, Any]) -> None:
    assert split("  hello \t world ", "", "   ", **attributes) == ([["hello", "world"], ["", ""], ["", ""]], [2, 0, 0])


def test_after_maxsplit_splits_the_rest_is_one_part() -> None:
    assert split("o-n-n-x", delimiter="-", maxsplit=2) == ([["o", "n", "n-x"]], [3])
    assert split(" a b  c ", maxsplit=1) == ([["a", "b  c"]], [2])
    assert split(" a b ", maxsplit=0) == ([["a b"]], [1])
    assert split("a b", maxsplit=9) == ([["a", "b"]], [2])


def test_an_empty_tensor_has_no_parts() -> None:
    parts, counts = run_op("StringSplit", np.zeros((2, 0), object))
    assert parts.shape == (2, 0, 0) and counts.shape == (2, 0)


def test_a_scalar_gives_a_vector() -> None:
    parts, counts = run_op("StringSplit", np.array("a b", object))
    assert parts.tolist() == ["a", "b"] and counts.shape == () and counts == 2


def test_split_rules() -> None:
    with pytest.raises(RuleViolation, match="maxsplit is not negative"):
        split("a", maxsplit=-1)
    with pytest.raises(LimitExceeded):
        split("," * 10_000, *[""] * 1000, delimiter=",", limits=Limits(tensor_bytes=1 << 20))
