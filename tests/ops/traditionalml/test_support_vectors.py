"""SVMClassifier, SVMRegressor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import Limits
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.traditionalml.models import excess, ml

X = np.array([[1, 2], [0, -1]], np.float32)
V = [1, 0, 2, 1]  # vectors [1, 0] and [2, 1]; X . V' = [[1, 4], [0, -1]]
DOTS = [[1, 4], [0, -1]]
PARAMS = [0.5, 1.0, 3.0]


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(
    ("kind", "K"),
    [
        ("LINEAR", DOTS),
        ("POLY", [[(0.5 * d + 1) ** 3 for d in row] for row in DOTS]),
        ("SIGMOID", [[math.tanh(0.5 * d + 1) for d in row] for row in DOTS]),
        ("RBF", [[math.exp(-2), math.exp(-1)], [math.exp(-1), math.exp(-4)]]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
def test_a_regressor_weighs_the_kernel_of_each_support_vector(kind: str, K: Any, dtype: Any) -> None:
    y = ml(
        "SVMRegressor", X.astype(dtype), kernel_type=kind, kernel_params=PARAMS, support_vectors=V, n_supports=2, coefficients=[2, -1],
        rho=[0.25],
    )  # fmt: skip
    assert y.dtype == np.float32 and np.allclose(y, [[2 * a - b + 0.25] for a, b in K], rtol=1e-6)


def test_without_support_vectors_the_machine_is_linear() -> None:
    assert ml("SVMRegressor", X, coefficients=[3, 1], rho=[0.5], kernel_type="RBF").tolist() == [[5.5], [-0.5]]


def test_one_class_says_1_above_0_else_minus_1() -> None:
    x = np.array([[1], [-1], [0]], np.float32)
    assert ml("SVMRegressor", x, coefficients=[1], rho=[0.0], one_class=1).tolist() == [[1], [-1], [-1]]


def test_a_regressor_applies_its_transform() -> None:
    y = ml("SVMRegressor", X, coefficients=[3, 1], rho=[0.5], post_transform="LOGISTIC")
    assert np.allclose(y, [[sigma(5.5)], [sigma(-0.5)]], rtol=1e-6)


# Three classes with 1, 1 and 2 vectors on a line; linear kernel K = x * v.
LINE = np.array([[1], [-2]], np.float32)
THREE: dict[str, Any] = {
    "support_vectors": [1, 2, 3, 4],
    "vectors_per_class": [1, 1, 2],
    "coefficients": [1, 2, 3, 4, 5, 6, 7, 8],  # row 0 and row 1, of four vectors
    "rho": [0.5, -0.5, 1],
}


def decisions(x: float) -> list[float]:
    k = [x, 2 * x, 3 * x, 4 * x]
    return [1 * k[0] + 2 * k[1] + 0.5, 5 * k[0] + 3 * k[2] + 4 * k[3] - 0.5, 6 * k[1] + 7 * k[2] + 8 * k[3] + 1]


def test_a_pair_of_classes_is_decided_by_the_vectors_of_both() -> None:
    labels, scores = ml("SVMClassifier", LINE, classlabels_ints=[7, 8, 9], **THREE)
    assert labels.dtype == np.int64 and scores.dtype == np.float32
    assert scores.tolist() == [decisions(1), decisions(-2)]
    assert labels.tolist() == [7, 9]  # all positive: 0 beats 1 and 2; all negative: 2 beats 0 and 1


def test_of_equal_votes_the_first_class_wins() -> None:
    # 0 beats 1, 1 beats 2, 2 beats 0: one vote each
    labels, _ = ml("SVMClassifier", np.zeros((1, 1), np.float32), classlabels_strings=["a", "b", "c"], **(THREE | {"rho": [1, -1, 1]}))
    assert labels.tolist() == ["a"] and labels.dtype == object


def test_of_two_classes_a_positive_decision_is_a_vote_for_the_first() -> None:
    two: dict[str, Any] = {
        "support_vectors": [1, 2],
        "vectors_per_class": [1, 1],
        "coefficients": [1, 1],
        "rho": [0.0],
        "classlabels_ints": [3, 4],
    }
    labels, scores = ml("SVMClassifier", LINE, **two)
    assert labels.tolist() == [3, 4] and scores.tolist() == [[-3, 3], [6, -6]]
    _, scores = ml("SVMClassifier", LINE, post_transform="LOGISTIC", **two)
    assert np.allclose(scores, [[sigma(-3), sigma(3)], [sigma(6), sigma(-6)]], rtol=1e-6)


def test_of_two_classes_the_probability_is_that_of_the_pair() -> None:
    labels, p = ml(
        "SVMClassifier", LINE, support_vectors=[1, 2], vectors_per_class=[1, 1], coefficients=[1, 1], rho=[0.0], classlabels_ints=[3, 4],
        prob_a=[-0.5], prob_b=[0.25],
    )  # fmt: skip
    first = [sigma(0.5 * 3 - 0.25), sigma(0.5 * -6 - 0.25)]
    assert labels.tolist() == [3, 4] and np.allclose(p, [[q, 1 - q] for q in first], rtol=1e-6)


def test_probabilities_of_three_classes_solve_the_pairwise_problem() -> None:
    _, p = ml("SVMClassifier", LINE[:1], classlabels_ints=[7, 8, 9], prob_a=[-0.1, -0.02, 0.03], prob_b=[0.1, 0.2, -0.3], **THREE)
    r = np.zeros((3, 3))
    for (i, j), d, a, b in zip(((0, 1), (0, 2), (1, 2)), decisions(1), (-0.1, -0.02, 0.03), (0.1, 0.2, -0.3), strict=True):
        r[i, j] = 1 / (1 + math.exp(a * d + b))
        r[j, i] = 1 - r[i, j]
    # min p'Qp with sum 1: [Q 1; 1' 0] [p; l] = [0; 1]
    Q = -r.T * r + np.diag((r**2).sum(axis=0))
    exact = np.linalg.solve(np.block([[Q, np.ones((3, 1))], [np.ones((1, 3)), np.zeros((1, 1))]]), [0, 0, 0, 1])[:3]
    assert abs(p.sum() - 1) < 1e-6 and np.allclose(p[0], exact, atol=0.01)


def test_without_support_vectors_the_largest_of_linear_scores_wins() -> None:
    labels, scores = ml("SVMClassifier", X, coefficients=[1, 0, 0, 1, -1, -1], rho=[0.5], classlabels_ints=[7, 8, 9])
    assert labels.tolist() == [8, 9] and scores.tolist() == [[1.5, 2.5, -2.5], [0.5, -0.5, 1.5]]


def test_no_sample_gives_no_result() -> None:
    labels, scores = ml("SVMClassifier", LINE[:0], classlabels_ints=[7, 8, 9], **THREE)
    assert labels.shape == (0,) and scores.shape == (0, 3)


SVR: dict[str, Any] = {"coefficients": [1, 2], "support_vectors": V, "n_supports": 2, "rho": [0.0]}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"rho": None}, "rho is one number"),
        ({"n_supports": -1}, "n_supports is not negative"),
        ({"support_vectors": [1, 2, 3]}, r"support_vectors are \[vectors, F\]"),
        ({"coefficients": [1, 2, 3]}, "one coefficient per support vector"),
        ({"n_supports": 0, "coefficients": [1, 2, 3]}, r"coefficients are \[outputs, F\]"),
        ({"n_supports": 0, "coefficients": [1, 2, 3, 4]}, "one coefficient per support vector, or one per feature"),
        ({"kernel_type": "RBF"}, "kernel_params are gamma, coef0, degree"),
        ({"kernel_type": "COSINE", "kernel_params": PARAMS}, "kernel_type is LINEAR"),
    ],
)
def test_regressor_rules(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        ml("SVMRegressor", X, **(SVR | changes))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"vectors_per_class": [1, -1, 4]}, "vectors_per_class are not negative"),
        ({"vectors_per_class": [2, 2]}, "fit the number of classes"),
        ({"rho": [1, 2]}, "fit the number of classes"),
        ({"coefficients": [1, 2, 3]}, "fit the number of classes"),
        ({"classlabels_ints": [1], "vectors_per_class": [4], "rho": [], "coefficients": []}, "fit the number of classes"),
        ({"prob_a": [1, 2, 3]}, "prob_a and prob_b"),
        ({"prob_a": [1], "prob_b": [1]}, "prob_a and prob_b"),
        ({"vectors_per_class": None, "coefficients": [1, 2]}, "a row of coefficients per class"),
    ],
)
def test_classifier_rules(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        ml("SVMClassifier", LINE, **({"classlabels_ints": [7, 8, 9]} | THREE | changes))


def test_the_differences_of_an_rbf_kernel_are_claimed() -> None:
    with pytest.raises(LimitExceeded):
        ml(
            "SVMRegressor", np.zeros((1000, 4), np.float32), kernel_type="RBF", kernel_params=PARAMS, n_supports=1000,
            support_vectors=[0.0] * 4000, coefficients=[0.0] * 1000, rho=[0.0], limits=Limits(tensor_bytes=1 << 24),
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["LINEAR", "POLY", "RBF", "SIGMOID"])
def test_plain_float32_is_within_the_bound(kind: str) -> None:
    rng = np.random.default_rng(5)
    x, v, c = (rng.normal(size=s).astype(np.float32) for s in ((40, 6), (20, 6), 20))
    gamma, coef0, degree = np.float32(0.3), np.float32(0.5), 3

    def plain() -> Any:
        dot, square = np.zeros((40, 20), np.float32), np.zeros((40, 20), np.float32)
        for i in range(6):
            dot = dot + x[:, i, None] * v[:, i]
            square = square + (x[:, i, None] - v[:, i]) ** 2
        argument = gamma * dot + coef0
        K = {"LINEAR": dot, "POLY": argument**degree, "RBF": np.exp(-gamma * square), "SIGMOID": np.tanh(argument)}[kind]
        y = np.full(40, np.float32(0.25))
        for s in range(20):
            y = y + K[:, s] * c[s]
        return y[:, None]

    floats = {"support_vectors": v, "coefficients": c, "kernel_params": np.array([gamma, coef0, degree]), "rho": np.array([0.25])}
    attributes: dict[str, Any] = {name: tuple(map(float, value.ravel())) for name, value in floats.items()}
    assert 0 < excess("SVMRegressor", x, plain, kernel_type=kind, n_supports=20, **attributes) < 1


def test_float32_probabilities_are_within_the_bound() -> None:
    x = np.linspace(-1, 1, 21, dtype=np.float32)[:, None]
    attributes: dict[str, Any] = {k: tuple(v) for k, v in THREE.items()}
    attributes |= {"classlabels_ints": (7, 8, 9), "prob_a": (-0.1, -0.02, 0.03), "prob_b": (0.1, 0.2, -0.3)}
    assert excess("SVMClassifier", x, lambda: ml("SVMClassifier", np.nextafter(x, np.float32(2)), **attributes)[1], **attributes) < 1
