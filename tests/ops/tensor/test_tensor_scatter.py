"""TensorScatter."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import LimitExceeded, RuleViolation

CACHE = np.zeros((2, 4, 1), np.int32)
UPDATE = np.array([[[1], [2]], [[3], [4]]], np.int32)


def scattered(*inputs: Any, **options: Any) -> Any:
    return run_op("TensorScatter", *inputs, **options)[..., 0].tolist()


def test_updates_begin_at_the_index_of_each_sample() -> None:
    assert scattered(CACHE, UPDATE, np.array([1, 2])) == [[0, 1, 2, 0], [0, 0, 3, 4]]


def test_without_indices_they_begin_at_0() -> None:
    assert scattered(CACHE, UPDATE) == [[1, 2, 0, 0], [3, 4, 0, 0]]


def test_circular_updates_wrap_around() -> None:
    assert scattered(CACHE, UPDATE, np.array([3, 6]), mode="circular") == [[2, 0, 0, 1], [0, 0, 3, 4]]


@pytest.mark.parametrize("axis", [2, -1])
def test_axis_is_counted_from_either_end(axis: int) -> None:
    cache, update = np.zeros((1, 2, 3), np.float32), np.ones((1, 2, 1), np.float32)
    assert run_op("TensorScatter", cache, update, np.array([1]), axis=axis).tolist() == [[[0, 1, 0], [0, 1, 0]]]


def test_the_cache_is_not_changed_and_any_type_is_moved() -> None:
    for dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.float16, np.uint8, bool):
        cache = np.zeros((1, 2, 1), dtype)
        result = run_op("TensorScatter", cache, np.ones((1, 1, 1), dtype))
        assert result.dtype == dtype and result.astype(int).ravel().tolist() == [1, 0] and not cache.astype(int).any()


def test_an_empty_update_or_batch_changes_nothing() -> None:
    assert scattered(CACHE, UPDATE[:, :0], np.array([4, 0])) == [[0] * 4, [0] * 4]
    assert run_op("TensorScatter", CACHE[:0], UPDATE[:0]).shape == (0, 4, 1)


@pytest.mark.parametrize(
    ("inputs", "options", "rule"),
    [
        ([CACHE, UPDATE], {"axis": 0}, "axis is not 0"),
        ([CACHE, UPDATE], {"mode": "ring"}, "linear or circular"),
        ([CACHE, UPDATE[:1]], {}, "the shape of the cache but along axis"),
        ([CACHE, UPDATE[0]], {}, "the shape of the cache but along axis"),
        ([CACHE[:, :1], UPDATE], {"mode": "circular"}, "not longer than the cache"),
        ([CACHE, UPDATE, np.array([0])], {}, "one index per sample"),
        ([CACHE, UPDATE, np.array([0, 3])], {}, "write_indices \\+ sequence_length"),
        ([CACHE, UPDATE, np.array([-1, 0])], {}, "write_indices \\+ sequence_length"),
    ],
)
def test_rules(inputs: list[Any], options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("TensorScatter", *inputs, **options)


def test_indices_of_samples_without_elements_are_claimed() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("TensorScatter", np.zeros((2**42, 2, 0), np.float32), np.zeros((2**42, 1, 0), np.float32))
