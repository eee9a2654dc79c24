"""ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Normalizer, Scaler."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import Limits
from refexec.comparison import Call
from refexec.errors import LimitExceeded, RuleViolation
from refexec.registry import lookup
from refexec.types import FLOAT32
from tests.ops.traditionalml.models import DOMAIN, excess, ml

NUMBERS = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
X = np.array([[1, 2, 3], [4, 5, 6]], np.float32)


@NUMBERS
def test_the_extractor_picks_along_the_last_axis(dtype: Any) -> None:
    y = ml("ArrayFeatureExtractor", X.astype(dtype), np.array([[2, 0]]))
    assert y.dtype == dtype and y.tolist() == [[3, 1], [6, 4]]


def test_the_extractor_takes_any_ranks() -> None:
    assert ml("ArrayFeatureExtractor", X[0], np.array([1, 1])).tolist() == [[2, 2]]
    assert ml("ArrayFeatureExtractor", np.arange(8).reshape(2, 2, 2), np.array(1)).tolist() == [[[1], [3]], [[5], [7]]]
    assert ml("ArrayFeatureExtractor", np.array([["a", "b"]], object), np.array([[0], [1]])).tolist() == [["a", "b"]]


def test_extractor_rules() -> None:
    for bad in (3, -1):
        with pytest.raises(RuleViolation, match="indices are in"):
            ml("ArrayFeatureExtractor", X, np.array([bad]))
    with pytest.raises(RuleViolation, match="at least one index"):
        ml("ArrayFeatureExtractor", X, np.zeros(0, np.int64))
    with pytest.raises(RuleViolation, match="X has an axis"):
        ml("ArrayFeatureExtractor", np.array(1.0), np.array([0]))
    with pytest.raises(LimitExceeded):
        ml("ArrayFeatureExtractor", np.zeros((1000, 1)), np.zeros(1000, np.int64), limits=Limits(tensor_bytes=1 << 20))


@NUMBERS
def test_the_binarizer_says_whether_values_are_above_the_threshold(dtype: Any) -> None:
    y = ml("Binarizer", np.array([[1, 2], [3, 4]], dtype), threshold=2.0)
    assert y.dtype == dtype and y.tolist() == [[0, 0], [1, 1]]


def test_the_threshold_is_0_by_default_and_nan_is_not_above() -> None:
    assert ml("Binarizer", np.array([-1, 0, 1e-40, math.nan], np.float32)).tolist() == [0, 0, 1, 0]


def test_the_margin_of_the_binarizer_is_the_distance_to_the_threshold() -> None:
    comparison = lookup(DOMAIN, "Binarizer", 1).comparison
    assert comparison is not None and comparison.margin is not None
    x = np.array([1, 2.5], np.float32)
    assert comparison.margin(Call((x,), {"threshold": 2.0}, (x,), (FLOAT32,), lambda *v: v)).tolist() == [1, 0.5]


@NUMBERS
def test_features_stand_side_by_side_as_float32(dtype: Any) -> None:
    x = X.astype(dtype)
    y = ml("FeatureVectorizer", x, x[:, :1], inputdimensions=[3, 1])
    assert y.dtype == np.float32 and y.tolist() == [[1, 2, 3, 1], [4, 5, 6, 4]]


def test_inputdimensions_cut_and_fill() -> None:
    assert ml("FeatureVectorizer", X, X, inputdimensions=[2, 4]).tolist() == [[1, 2, 1, 2, 3, 0], [4, 5, 4, 5, 6, 0]]
    assert ml("FeatureVectorizer", X[0], X[1]).tolist() == [[1, 2, 3, 4, 5, 6]]


def test_vectorizer_rules() -> None:
    with pytest.raises(RuleViolation, match=r"inputs are \[N, C\]"):
        ml("FeatureVectorizer", X[None])
    with pytest.raises(RuleViolation, match="one number of rows"):
        ml("FeatureVectorizer", X, X[0])
    for sizes in ([3], [3, -1]):
        with pytest.raises(RuleViolation, match="size of each input"):
            ml("FeatureVectorizer", X, X, inputdimensions=sizes)
    with pytest.raises(LimitExceeded):
        ml("FeatureVectorizer", X, inputdimensions=[1 << 40])


def test_the_imputer_replaces_nan_or_a_number() -> None:
    x = np.array([[math.nan, 1], [0, math.nan]], np.float32)
    assert ml("Imputer", x, imputed_value_floats=[7, 8], replaced_value_float=math.nan).tolist() == [[7, 1], [0, 8]]
    y = ml("Imputer", x, imputed_value_floats=[9])
    assert y[1, 0] == 9 and math.isnan(y[0, 0]) and y[0, 1] == 1
    assert ml("Imputer", np.array([2.0, 3.0]), imputed_value_floats=[5], replaced_value_float=2.0).tolist() == [5, 3]


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_the_imputer_on_integers(dtype: Any) -> None:
    y = ml("Imputer", np.array([[1, -1], [-1, 2]], dtype), imputed_value_int64s=[10, 20], replaced_value_int64=-1)
    assert y.dtype == dtype and y.tolist() == [[1, 20], [10, 2]]
    assert ml("Imputer", np.array(3, dtype), imputed_value_int64s=[4], replaced_value_int64=3).tolist() == 4


@pytest.mark.parametrize(
    ("x", "attributes", "rule"),
    [
        (X, {}, "one and only one of imputed_value"),
        (X, {"imputed_value_floats": [1], "imputed_value_int64s": [1]}, "one and only one of imputed_value"),
        (X, {"imputed_value_int64s": [1]}, "floats replace floats"),
        (np.array([1]), {"imputed_value_floats": [1]}, "floats replace floats"),
        (X, {"imputed_value_floats": [1, 2]}, "one per feature"),
        (np.array([1], np.int32), {"imputed_value_int64s": [2**31]}, "fit the type of the input"),
    ],
)
def test_imputer_rules(x: Any, attributes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        ml("Imputer", x, **attributes)


@NUMBERS
@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        ("MAX", [[-0.75, 1], [2, 1], [0, 0]]),
        ("L1", [[-3, 4], [4 / 6, 2 / 6], [0, 0]]),
        ("L2", [[-0.6, 0.8], [-4 / math.sqrt(20), -2 / math.sqrt(20)], [0, 0]]),
    ],
)
def test_rows_are_divided_by_maximum_sum_or_length(dtype: Any, norm: str, expected: Any) -> None:
    x = np.array([[-3, 4], [-4, -2], [0, 0]], dtype)
    y = ml("Normalizer", x, norm=norm)
    assert y.dtype == np.float32 and np.allclose(y, expected, rtol=1e-6)
    assert np.allclose(ml("Normalizer", x[0], norm=norm), expected[0], rtol=1e-6)


def test_a_row_whose_divisor_is_0_stays_as_it_is() -> None:
    assert ml("Normalizer", np.array([[1, -1]], np.float32), norm="L1").tolist() == [[1, -1]]
    assert ml("Normalizer", np.array([[0, -1]], np.float32)).tolist() == [[0, -1]]


def test_normalizer_rules_and_empty_rows() -> None:
    assert ml("Normalizer", np.zeros((2, 0), np.float32)).shape == (2, 0)
    with pytest.raises(RuleViolation, match="norm is MAX, L1 or L2"):
        ml("Normalizer", X, norm="L3")
    with pytest.raises(RuleViolation, match=r"X is \[N, C\]"):
        ml("Normalizer", X[None])


@NUMBERS
def test_the_scaler_subtracts_then_multiplies(dtype: Any) -> None:
    y = ml("Scaler", X.astype(dtype), offset=[1, 2, 3], scale=[2, 3, 0.5])
    assert y.dtype == np.float32 and y.tolist() == [[0, 0, 0], [6, 9, 1.5]]
    assert ml("Scaler", X.astype(dtype), offset=[1], scale=[2]).tolist() == [[0, 2, 4], [6, 8, 10]]


def test_the_scaler_without_offset_or_scale_and_in_other_ranks() -> None:
    assert ml("Scaler", X, scale=[2]).tolist() == (2 * X).tolist()
    assert ml("Scaler", X, offset=[1]).tolist() == (X - 1).tolist()
    assert ml("Scaler", np.array(3.0), offset=[1], scale=[2]).tolist() == 4
    assert ml("Scaler", X[0], offset=[1, 2, 3], scale=[1, 1, 1]).tolist() == [0, 0, 0]


def test_scaler_rules() -> None:
    with pytest.raises(RuleViolation, match="one number, or one per feature"):
        ml("Scaler", X, offset=[1, 2], scale=[1, 2])
    with pytest.raises(RuleViolation, match="have one length"):
        ml("Scaler", X, offset=[1], scale=[1, 2, 3])


@pytest.mark.parametrize("norm", ["MAX", "L1", "L2"])
def test_plain_float32_normalisation_is_within_the_bound(norm: str) -> None:
    x = np.random.default_rng(2).normal(size=(40, 50)).astype(np.float32)

    def plain() -> Any:
        total = np.zeros(40, np.float32)
        for i in range(50):
            total = total + (x[:, i] if norm == "L1" else x[:, i] * x[:, i])
        divisor = x.max(axis=1) if norm == "MAX" else total if norm == "L1" else np.sqrt(total)
        return x / divisor[:, None]

    assert 0 < excess("Normalizer", x, plain, norm=norm) < 1
