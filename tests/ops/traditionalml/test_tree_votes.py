"""TreeEnsembleClassifier, TreeEnsembleRegressor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec.errors import InvalidModel, RuleViolation
from tests.ops.traditionalml.models import excess, ml

VERSIONS = pytest.mark.parametrize("opset", [1, 2, 3, 4, 5])


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# Tree 7, ids 5, 9, 6, 1, 2: x0 <= 1 ? (x1 > 0 ? node 1 : node 2) : node 6. Tree 3: x1 < 5 ? node 1 : node 2.
NODES: dict[str, Any] = {
    "nodes_treeids": [7, 7, 7, 7, 7, 3, 3, 3],
    "nodes_nodeids": [5, 9, 6, 1, 2, 0, 1, 2],
    "nodes_featureids": [0, 1, 0, 0, 0, 1, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "BRANCH_GT", "LEAF", "LEAF", "LEAF", "BRANCH_LT", "LEAF", "LEAF"],
    "nodes_values": [1, 0, 0, 0, 0, 5, 0, 0],
    "nodes_truenodeids": [9, 1, 0, 0, 0, 1, 0, 0],
    "nodes_falsenodeids": [6, 2, 0, 0, 0, 2, 0, 0],
}
LEAVES = ([7, 7, 7, 3, 3, 3], [1, 2, 6, 1, 2, 2], [1, 2, 4, 8, 16, 32])  # tree, node, weight; node 2 of tree 3 has two
X = np.array([[0, 3], [0, -3], [2, 3], [2, 9]], np.float32)  # reaches leaves (1, 1), (2, 1), (6, 1), (6, 2)


def votes(kind: str, ids: list[int], **changes: Any) -> dict[str, Any]:
    trees, nodes, weights = LEAVES
    own = {f"{kind}_treeids": trees, f"{kind}_nodeids": nodes, f"{kind}_weights": weights, f"{kind}_ids": ids}
    return NODES | own | changes


def regressor(**changes: Any) -> dict[str, Any]:
    return votes("target", [0, 1, 0, 1, 0, 1], **({"n_targets": 2} | changes))


def classifier(ids: list[int], **changes: Any) -> dict[str, Any]:
    return votes("class", ids, **changes)


@VERSIONS
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("SUM", [[1, 8], [0, 10], [4, 8], [20, 32]]),
        ("AVERAGE", [[0.5, 4], [0, 5], [2, 4], [10, 16]]),
        ("MIN", [[1, 8], [0, 2], [4, 8], [4, 32]]),
        ("MAX", [[1, 8], [0, 8], [4, 8], [16, 32]]),
    ],
)
def test_a_regressor_aggregates_the_weights_of_the_leaves_reached(opset: int, function: str, expected: Any) -> None:
    y = ml("TreeEnsembleRegressor", X, opset=opset, aggregate_function=function, **regressor())
    assert y.dtype == np.float32 and y.tolist() == expected
    y = ml("TreeEnsembleRegressor", X, opset=opset, aggregate_function=function, base_values=[0.5, -1], **regressor())
    assert y.tolist() == np.add(expected, [0.5, -1]).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
def test_every_type_of_input(dtype: Any) -> None:
    assert ml("TreeEnsembleRegressor", X.astype(dtype), **regressor()).tolist() == [[1, 8], [0, 10], [4, 8], [20, 32]]


def test_a_vector_is_one_sample_and_none_gives_no_result() -> None:
    assert ml("TreeEnsembleRegressor", X[0], **regressor()).tolist() == [[1, 8]]
    assert ml("TreeEnsembleRegressor", X[:0], **regressor()).shape == (0, 2)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("BRANCH_LEQ", "aab"),
        ("BRANCH_LT", "abb"),
        ("BRANCH_GTE", "baa"),
        ("BRANCH_GT", "bba"),
        ("BRANCH_EQ", "bab"),
        ("BRANCH_NEQ", "aba"),
    ],
)
def test_modes_and_nan(mode: str, expected: str) -> None:
    attributes: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0], "nodes_modes": [mode, "LEAF", "LEAF"],
        "nodes_values": [1.5, 0, 0], "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "class_treeids": [0, 0],
        "class_nodeids": [1, 2], "class_ids": [0, 1], "class_weights": [1, 1], "classlabels_strings": ["a", "b"],
    }  # fmt: skip
    x = np.array([[1], [1.5], [2], [math.nan]], np.float32)
    assert "".join(ml("TreeEnsembleClassifier", x, opset=3, **attributes)[0]) == expected + "b"
    attributes["nodes_missing_value_tracks_true"] = [1, 0, 0]
    assert "".join(ml("TreeEnsembleClassifier", x, opset=3, **attributes)[0]) == expected + "a"


@pytest.mark.parametrize("opset", [3, 5])
def test_tensors_of_float64_may_stand_for_lists(opset: int) -> None:
    third = 1 / 3
    attributes = regressor(nodes_values=None, target_weights=None)
    y = ml(
        "TreeEnsembleRegressor", np.array([[third, 1]]), opset=opset, nodes_values_as_tensor=np.array([third, 0, 0, 0, 0, 5, 0, 0]),
        target_weights_as_tensor=np.array(LEAVES[2], np.float64), base_values_as_tensor=np.array([0.5, 0.25]), **attributes,
    )  # fmt: skip
    assert y.tolist() == [[1.5, 8.25]]


def test_before_version_3_there_are_no_tensors() -> None:
    with pytest.raises(InvalidModel, match="no attribute"):
        ml("TreeEnsembleRegressor", X, opset=1, base_values_as_tensor=np.zeros(2), **regressor())


@VERSIONS
def test_a_classifier_takes_the_label_of_the_largest_score(opset: int) -> None:
    labels, scores = ml("TreeEnsembleClassifier", X, opset=opset, classlabels_int64s=[70, 80, 90], **classifier([0, 1, 0, 2, 0, 1]))
    assert labels.dtype == np.int64 and labels.tolist() == [90, 90, 90, 80]
    assert scores.dtype == np.float32 and scores.tolist() == [[1, 0, 8], [0, 2, 8], [4, 0, 8], [20, 32, 0]]
    labels, scores = ml(
        "TreeEnsembleClassifier", X, opset=opset, classlabels_strings=["a", "b", "c"], base_values=[7.5, 0, 0], post_transform="SOFTMAX",
        **classifier([0, 1, 0, 2, 0, 1]),
    )  # fmt: skip
    assert labels.tolist() == ["a", "c", "a", "b"] and np.allclose(scores.sum(axis=1), 1)
    assert abs(scores[0, 2] - 1 / (1 + math.exp(0.5) + math.exp(-8))) < 1e-6


def test_two_classes_with_weights_of_their_own_are_no_special_case() -> None:
    labels, scores = ml("TreeEnsembleClassifier", X, opset=3, classlabels_int64s=[5, 6], **classifier([0, 1, 0, 1, 0, 1]))
    assert labels.tolist() == [6, 6, 6, 6] and scores.tolist() == [[1, 8], [0, 10], [4, 8], [20, 32]]
    labels, _ = ml("TreeEnsembleClassifier", X, opset=3, classlabels_int64s=[5, 6], **classifier([0, 1, 0, 1, 0, 0]))
    assert labels.tolist() == [6, 6, 6, 5]


@pytest.mark.parametrize("single", [0, 1])
@pytest.mark.parametrize("base", [[], [-0.125], [9, -0.125]])
def test_weights_for_one_of_two_classes_that_are_not_negative_are_a_probability(single: int, base: list[float]) -> None:
    changes: dict[str, Any] = {"class_weights": [0.25, 0.5, 0, 0.25, 0.5, 0.25], "base_values": base}
    labels, scores = ml("TreeEnsembleClassifier", X, opset=3, classlabels_strings=["no", "yes"], **classifier([single] * 6, **changes))
    p = np.array([0.5, 0.75, 0.25, 0.75]) - (0.125 if base else 0)
    assert scores.tolist() == np.stack([1 - p, p], axis=1).tolist()
    assert labels.tolist() == ["no" if q <= 0.5 else "yes" for q in p]


@pytest.mark.parametrize(("transform", "f"), [("NONE", float), ("LOGISTIC", sigma), ("SOFTMAX", lambda s: sigma(2 * s))])
def test_weights_for_one_of_two_classes_of_both_signs_are_a_margin(transform: str, f: Any) -> None:
    changes: dict[str, Any] = {"class_weights": [1, -3, 0, 2, -1, -1], "post_transform": transform}
    labels, scores = ml("TreeEnsembleClassifier", X, opset=3, classlabels_int64s=[5, 6], **classifier([0] * 6, **changes))
    margins: Any = [3, -1, 2, -2]
    expected: Any = [[f(-m), f(m)] for m in margins]
    assert np.allclose(scores, expected, rtol=1e-6) and labels.tolist() == [6, 5, 6, 5]


def test_probit_takes_probabilities() -> None:
    changes: dict[str, Any] = {"class_weights": [0.25, 0.5, 0, 0.25, 0.5, 0.25], "post_transform": "PROBIT"}
    _, scores = ml("TreeEnsembleClassifier", X[:2], opset=3, classlabels_int64s=[5, 6], **classifier([1] * 6, **changes))
    assert np.allclose(scores, [[0.0, 0.0], [-0.67448975, 0.67448975]], rtol=1e-6)


def test_one_class_is_always_the_label() -> None:
    labels, scores = ml("TreeEnsembleClassifier", X[:1], opset=3, classlabels_strings=["only"], **classifier([0] * 6))
    assert labels.tolist() == ["only"] and scores.tolist() == [[9]]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"n_targets": None}, "n_targets is positive"),
        ({"n_targets": 0}, "n_targets is positive"),
        ({"base_values": [1]}, "one base value per target"),
        ({"base_values": [1, 2], "base_values_as_tensor": np.zeros(2)}, "exclude each other"),
        ({"nodes_values": [1]}, "lists of nodes have one length"),
        ({"nodes_modes": None}, "lists of nodes have one length"),
        ({"nodes_nodeids": [5, 9, 6, 1, 1, 0, 1, 2]}, "appears once in a tree"),
        ({"nodes_truenodeids": [8, 1, 0, 0, 0, 1, 0, 0]}, "refers to exists"),
        ({"nodes_featureids": [2, 1, 0, 0, 0, 1, 0, 0]}, "refers to exists"),
        ({"nodes_truenodeids": [5, 1, 0, 0, 0, 1, 0, 0]}, "form no cycle"),
        ({"nodes_modes": ["BRANCH_MEMBER"] + ["LEAF"] * 7}, "modes of nodes are known"),
        ({"nodes_modes": ["branch_leq"] + ["LEAF"] * 7}, "modes of nodes are known"),
        ({"target_ids": [0, 1, 0, 1, 0]}, "lists of weights have one length"),
        ({"target_ids": [0, 1, 0, 1, 0, 2]}, "existing leaves and targets"),
        ({"target_nodeids": [1, 2, 6, 1, 2, 8]}, "existing leaves and targets"),
        ({"aggregate_function": "MEDIAN"}, "aggregate_function is"),
        ({"post_transform": "TANH"}, "post_transform is"),
    ],
)
def test_regressor_rules(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        ml("TreeEnsembleRegressor", X, opset=3, **regressor(**changes))


@pytest.mark.parametrize("base", [[1], [1, 2, 3, 4]])
def test_there_is_a_base_value_per_class(base: list[float]) -> None:
    with pytest.raises(RuleViolation, match="one base value per class"):
        ml("TreeEnsembleClassifier", X, opset=3, classlabels_int64s=[1, 2, 3], base_values=base, **classifier([0, 1, 0, 2, 0, 1]))


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC"])
def test_plain_float32_is_within_the_bound(transform: str) -> None:
    trees = 200
    weights = np.random.default_rng(1).normal(size=trees).astype(np.float32)
    own: dict[str, Any] = {
        "nodes_treeids": tuple(range(trees)), "nodes_nodeids": (0,) * trees, "nodes_featureids": (0,) * trees, "nodes_modes": ("LEAF",) * trees,
        "nodes_values": (0.0,) * trees, "nodes_truenodeids": (0,) * trees, "nodes_falsenodeids": (0,) * trees, "post_transform": transform,
    }  # fmt: skip
    total = np.float32(0)
    for w in weights:
        total = total + w

    def plain() -> Any:
        return np.array([[total if transform == "NONE" else 1 / (1 + np.exp(-total))]])

    votes = {"treeids": tuple(range(trees)), "nodeids": (0,) * trees, "ids": (0,) * trees, "weights": tuple(map(float, weights))}
    x = np.zeros((1, 1), np.float32)
    target = {f"target_{k}": v for k, v in votes.items()}
    assert 0 < excess("TreeEnsembleRegressor", x, plain, opset=3, n_targets=1, **own, **target) < 1
    classes = {f"class_{k}": v for k, v in votes.items()}
    assert 0 < excess("TreeEnsembleClassifier", x, plain, opset=3, classlabels_int64s=(4,), **own, **classes) < 1
