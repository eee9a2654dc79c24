"""LinearClassifier, LinearRegressor, and the transforms of scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec.errors import RuleViolation
from tests.ops.traditionalml.models import excess, ml

X = np.array([[1, 2], [3, -1]], np.float32)
INTS = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def near(y: Any, expected: Any) -> bool:
    return y.dtype == np.float32 and bool(np.allclose(y, expected, rtol=1e-6, atol=1e-7, equal_nan=True))


@INTS
def test_a_regressor_has_a_row_of_coefficients_per_target(dtype: Any) -> None:
    y = ml("LinearRegressor", X.astype(dtype), coefficients=[1, 10, 2, 0], intercepts=[0.5, -1], targets=2)
    assert y.dtype == np.float32 and y.tolist() == [[21.5, 1], [-6.5, 5]]


def test_a_regressor_has_one_target_and_no_intercept_by_default() -> None:
    assert ml("LinearRegressor", X, coefficients=[1, 10]).tolist() == [[21], [-7]]


def test_a_vector_is_one_sample() -> None:
    assert ml("LinearRegressor", X[0], coefficients=[1, 10]).tolist() == [[21]]


def test_no_sample_gives_no_result() -> None:
    assert ml("LinearRegressor", X[:0], coefficients=[1, 10]).shape == (0, 1)
    labels, scores = ml("LinearClassifier", X[:0], coefficients=[1, 10, 2, 0], classlabels_strings=["a", "b"])
    assert labels.shape == (0,) and labels.dtype == object and scores.shape == (0, 2)


def test_the_sum_is_rounded_once() -> None:
    assert ml("LinearRegressor", np.array([[2.0**30, 1, -(2.0**30)]], np.float32), coefficients=[1, 1, 1]).tolist() == [[1]]


IDENTITY: dict[str, Any] = {"coefficients": [1, 0, 0, 1], "targets": 2}


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("NONE", [[1, 2], [3, -1]]),
        ("LOGISTIC", [[sigma(1), sigma(2)], [sigma(3), sigma(-1)]]),
        ("SOFTMAX", [[sigma(-1), sigma(1)], [sigma(4), sigma(-4)]]),
        ("SOFTMAX_ZERO", [[sigma(-1), sigma(1)], [sigma(4), sigma(-4)]]),
    ],
)
def test_transforms(transform: str, expected: Any) -> None:
    assert near(ml("LinearRegressor", X, post_transform=transform, **IDENTITY), expected)


def test_a_single_target_is_transformed_too() -> None:
    assert near(ml("LinearRegressor", X, coefficients=[1, 0], post_transform="LOGISTIC"), [[sigma(1)], [sigma(3)]])
    assert ml("LinearRegressor", X, coefficients=[1, 0], post_transform="SOFTMAX").tolist() == [[1], [1]]


def test_softmax_zero_leaves_zeros_out() -> None:
    x = np.array([[1, 0, 2], [0, 0, 0], [0, -5, 0]], np.float32)
    eye = np.eye(3, dtype=int).ravel().tolist()
    y = ml("LinearRegressor", x, coefficients=eye, targets=3, post_transform="SOFTMAX_ZERO")
    assert near(y, [[sigma(-1), 0, sigma(1)], [0, 0, 0], [0, 1, 0]])


def test_probit_is_the_quantile_of_the_normal_distribution() -> None:
    x = np.array([[0.5], [0.975], [0.025], [0], [1], [1.5]], np.float32)
    y = ml("LinearRegressor", x, coefficients=[1], post_transform="PROBIT").ravel()
    assert y[0] == 0 and abs(y[1] - 1.959964) < 1e-5 and abs(y[2] + 1.959964) < 1e-5
    assert y[3] == -math.inf and y[4] == math.inf and math.isnan(y[5])


def test_large_scores_do_not_overflow() -> None:
    x = np.array([[800, -800]], np.float32)
    assert ml("LinearRegressor", x, post_transform="LOGISTIC", **IDENTITY).tolist() == [[1, 0]]
    assert ml("LinearRegressor", x, post_transform="SOFTMAX", **IDENTITY).tolist() == [[1, 0]]


THREE: dict[str, Any] = {"coefficients": [1, 0, 0, 1, -1, -1], "intercepts": [0, 0, 2.5]}


@INTS
def test_a_classifier_takes_the_label_of_the_largest_score(dtype: Any) -> None:
    labels, scores = ml("LinearClassifier", X.astype(dtype), classlabels_ints=[7, 8, 9], **THREE)
    assert labels.dtype == np.int64 and labels.tolist() == [8, 7]
    assert scores.dtype == np.float32 and scores.tolist() == [[1, 2, -0.5], [3, -1, 0.5]]
    labels, scores = ml("LinearClassifier", X.astype(dtype), classlabels_strings=["a", "b", "c"], post_transform="SOFTMAX", **THREE)
    assert labels.dtype == object and labels.tolist() == ["b", "a"] and np.allclose(scores.sum(axis=1), 1)


def test_of_equal_scores_the_first_class_wins() -> None:
    labels, _ = ml("LinearClassifier", np.ones((1, 1), np.float32), coefficients=[1, 2, 2], classlabels_ints=[1, 2, 3])
    assert labels.tolist() == [2]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("NONE", [[0.75, 0.25], [1.5, -0.5], [1, 0]]),
        ("LOGISTIC", [[sigma(-0.25), sigma(0.25)], [sigma(0.5), sigma(-0.5)], [0.5, 0.5]]),
        ("SOFTMAX", [[sigma(-0.5), sigma(0.5)], [sigma(1), sigma(-1)], [0.5, 0.5]]),
        ("PROBIT", [[0.67448975, -0.67448975], [math.nan, math.nan], [math.inf, -math.inf]]),
    ],
)
def test_one_row_for_two_labels_scores_the_second(transform: str, expected: Any) -> None:
    x = np.array([[0.25], [-0.5], [0]], np.float32)
    labels, scores = ml("LinearClassifier", x, coefficients=[1], classlabels_strings=["no", "yes"], post_transform=transform)
    assert labels.tolist() == ["yes", "no", "no"] and near(scores, expected)


def test_the_wide_profile_keeps_more_digits() -> None:
    _, scores = ml("LinearClassifier", X, classlabels_ints=[7, 8, 9], post_transform="LOGISTIC", profile="wide", **THREE)
    assert scores.dtype == np.float64 and abs(scores[0, 0] - sigma(1)) < 1e-15


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        ({"coefficients": [1, 2, 3]}, "one coefficient per output and feature"),
        ({"coefficients": [1, 2], "targets": 0}, "one coefficient per output and feature"),
        ({"coefficients": [1, 2], "intercepts": [1, 2]}, "one intercept per output"),
        ({"coefficients": [1, 2], "post_transform": "TANH"}, "post_transform is"),
        ({}, "coefficients are given"),
    ],
)
def test_regressor_rules(attributes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        ml("LinearRegressor", X, **attributes)


def test_samples_are_a_matrix() -> None:
    with pytest.raises(RuleViolation, match=r"X is \[N, F\]"):
        ml("LinearRegressor", X[None], coefficients=[1, 2])


@pytest.mark.parametrize("labels", [{}, {"classlabels_ints": [1, 2], "classlabels_strings": ["a", "b"]}])
def test_one_and_only_one_list_of_labels_is_set(labels: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation, match="one and only one list of class labels"):
        ml("LinearClassifier", X, coefficients=[1, 2, 3, 4], **labels)


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"])
def test_plain_float32_is_within_the_bound(transform: str) -> None:
    rng = np.random.default_rng(3)
    x, w, b = (rng.normal(size=s).astype(np.float32) for s in ((50, 30), (3, 30), 3))

    def plain() -> Any:
        scores = b + np.zeros((50, 3), np.float32)
        for i in range(30):
            scores = scores + x[:, i, None] * w[:, i]
        if transform == "NONE":
            return scores
        e = np.exp(-scores) if transform == "LOGISTIC" else np.exp(scores - scores.max(axis=1, keepdims=True))
        return 1 / (1 + e) if transform == "LOGISTIC" else e / e.sum(axis=1, keepdims=True)

    attributes: dict[str, Any] = {
        "coefficients": tuple(map(float, w.ravel())),
        "intercepts": tuple(map(float, b)),
        "post_transform": transform,
    }
    assert 0 < excess("LinearRegressor", x, plain, targets=3, **attributes) < 1
    assert 0 < excess("LinearClassifier", x, plain, classlabels_ints=(1, 2, 3), **attributes) < 1


def test_a_float32_quantile_is_within_the_bound() -> None:
    x = np.linspace(0.001, 0.999, 101, dtype=np.float32)[:, None]

    def moved() -> Any:
        return ml("LinearRegressor", np.nextafter(x, np.float32(2)), coefficients=[1.0], post_transform="PROBIT")

    assert 0 < excess("LinearRegressor", x, moved, coefficients=(1.0,), post_transform="PROBIT") < 1
