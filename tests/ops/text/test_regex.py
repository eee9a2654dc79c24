"""RegexFullMatch."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation, UnsupportedError


def match(pattern: str, *texts: str, **more: Any) -> Any:
    y = run_op("RegexFullMatch", np.array(texts, object), pattern=pattern, **more)
    assert y.dtype == bool
    return y.tolist()


def test_all_of_the_string_must_match() -> None:
    assert match(r"www\.[\w.-]+\.\bcom\b", "www.google.com", "www.facebook.com", "www.bbc.co.uk") == [True, True, False]
    assert match("a|ab", "a", "ab", "abc", "a\n") == [True, True, False, False]


def test_the_shape_is_kept() -> None:
    assert run_op("RegexFullMatch", np.array([["a"], ["b"]], object), pattern="a").tolist() == [[True], [False]]
    assert run_op("RegexFullMatch", np.array("a", object), pattern="a").shape == ()
    assert run_op("RegexFullMatch", np.zeros((0, 2), object), pattern="a").shape == (0, 2)


def test_the_syntax_is_that_of_re2_not_of_python() -> None:
    assert match(r"\d", "٣", "3") == [False, True]
    assert match(r"\w", "é", "e") == [False, True]
    assert match(r"\pL", "é", "1") == [True, False]
    assert match("[[:alpha:]]", "a", "1") == [True, False]
    assert match(r"a\z", "a") == [True]
    assert match(".", "é", "😀", "\n") == [True, True, False]


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)", r"a\Z", "(", "a{2000}"])
def test_what_re2_does_not_read_is_refused(pattern: str) -> None:
    with pytest.raises(RuleViolation, match="valid RE2 syntax"):
        match(pattern, "aa")


def test_matching_takes_linear_time() -> None:
    begun = time.perf_counter()
    assert match("(a*)*(a*)*(a|aa)+$", "a" * 20_000 + "b") == [False]
    assert time.perf_counter() - begun < 2


def test_a_pattern_is_held_to_the_memory_limit() -> None:
    with pytest.raises(LimitExceeded, match="regex_mem"):
        match("a{900}" * 30, "a", limits=Limits(regex_mem=1 << 16))


def test_a_pattern_is_needed() -> None:
    with pytest.raises(RuleViolation, match="pattern is given"):
        run_op("RegexFullMatch", np.array(["a"], object))


def test_without_re2_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(UnsupportedError, match=r"refexec\[text\]"):
        match("a", "a")
