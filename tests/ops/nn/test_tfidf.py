"""TfIdfVectorizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

# two items, then three pairs
POOL: dict[str, Any] = {"ngram_counts": [0, 2], "ngram_indexes": [0, 1, 2, 3, 4], "pool_int64s": [7, 8, 7, 8, 8, 7, 7, 7]}
ROW = np.array([7, 8, 7, 7, 8], np.int64)


def vector(x: Any = ROW, low: int = 1, high: int = 2, skips: int = 0, mode: str = "TF", **changes: Any) -> Any:
    given = POOL | {"min_gram_length": low, "max_gram_length": high, "max_skip_count": skips, "mode": mode} | changes
    return run_op("TfIdfVectorizer", x, **given)


def test_it_counts_the_ngrams_of_the_pool() -> None:
    y = vector()
    assert (y.dtype, y.tolist()) == (np.float32, [3, 2, 2, 1, 1])


def test_only_lengths_between_the_limits_count() -> None:
    assert vector(high=1).tolist() == [3, 2, 0, 0, 0]
    assert vector(low=2).tolist() == [0, 0, 2, 1, 1]


def test_skips_add_ngrams_of_items_further_apart_and_single_items_count_once() -> None:
    # apart by two: 7 7, 8 7, 7 8
    assert vector(skips=1).tolist() == [3, 2, 3, 2, 2]
    assert vector(skips=100).tolist() == [3, 2, 4 + 0, 2, 3]


def test_ngrams_of_three_items_keep_one_distance() -> None:
    given: dict[str, Any] = {"ngram_counts": [0, 0, 0], "ngram_indexes": [0, 1], "pool_int64s": [1, 2, 3, 1, 3, 5]}
    x = np.arange(1, 6, dtype=np.int32)
    assert vector(x, 3, 3, **given).tolist() == [1, 0]
    assert vector(x, 3, 3, skips=1, **given).tolist() == [1, 1]


def test_ngram_indexes_permute_the_output_and_leave_gaps() -> None:
    assert vector(high=1, ngram_indexes=[5, 0, 1, 2, 3]).tolist() == [2, 0, 0, 0, 0, 3]


def test_weights_belong_to_the_ngrams() -> None:
    given: dict[str, Any] = {"ngram_counts": [0], "ngram_indexes": [1, 0], "pool_int64s": [7, 8], "weights": [10.0, 100.0]}
    assert vector(np.array([7, 8, 8]), high=1, mode="TFIDF", **given).tolist() == [200, 10]
    assert vector(np.array([7, 8, 8]), high=1, mode="IDF", **given).tolist() == [100, 10]
    assert vector(np.array([7, 8, 8]), high=1, mode="TF", **given).tolist() == [2, 1]


def test_without_weights_each_is_1() -> None:
    assert vector(mode="IDF").tolist() == [1, 1, 1, 1, 1]
    assert vector(mode="TFIDF").tolist() == [3, 2, 2, 1, 1]


def test_rows_are_counted_apart() -> None:
    y = vector(np.array([[7, 8], [8, 8]], np.int32))
    assert y.tolist() == [[1, 1, 1, 0, 0], [0, 2, 0, 0, 0]]


def test_strings_are_matched_as_they_are() -> None:
    given: dict[str, Any] = {"pool_int64s": None, "pool_strings": ["a", "B", "a", "B"], "ngram_counts": [0, 2], "ngram_indexes": [0, 1, 2]}
    assert vector(np.array(["a", "B", "b", "a"], object), **given).tolist() == [2, 1, 1]


def test_no_items_give_zeros() -> None:
    assert vector(np.zeros(0, np.int64)).tolist() == [0, 0, 0, 0, 0]
    assert vector(np.zeros((0, 3), np.int64)).shape == (0, 5)
    assert vector(np.zeros((2, 0), np.int64), skips=10**18).tolist() == [[0] * 5] * 2


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("mode is TF, IDF or TFIDF", {"mode": "tf"}),
    ("one of pool_int64s and pool_strings is given", {"pool_strings": ["a"]}),
    ("one of pool_int64s and pool_strings is given", {"pool_int64s": None}),
    ("the pool holds items of the type of X", {"x": np.array(["a"], object)}),
    ("X is (C,) or (N, C)", {"x": ROW.reshape(1, 1, 5)}),
    ("the n-gram lengths are in [1, number of ngram_counts], in order", {"high": 3}),
    ("the n-gram lengths are in [1, number of ngram_counts], in order", {"low": 0}),
    ("max_skip_count is not negative", {"skips": -1}),
    ("ngram_counts start at 0, grow, and cut the pool into whole n-grams", {"ngram_counts": [0, 3]}),
    ("there is one ngram_index per n-gram of the pool", {"ngram_indexes": [0, 1]}),
    ("ngram_indexes are not negative", {"ngram_indexes": [0, 1, 2, 3, -1]}),
    ("there is one weight per n-gram of the pool", {"weights": [1.0]}),
]


@pytest.mark.parametrize(("rule", "changes"), BROKEN)
def test_broken_rule(rule: str, changes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as caught:
        vector(**changes)
    assert caught.value.message == rule


def test_a_huge_index_is_refused_before_the_output_is_made() -> None:
    with pytest.raises(LimitExceeded):
        vector(ngram_indexes=[0, 1, 2, 3, 10**12], limits=Limits())
