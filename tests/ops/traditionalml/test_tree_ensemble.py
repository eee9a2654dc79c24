"""TreeEnsemble."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import Limits
from refexec.errors import LimitExceeded, RuleViolation
from tests.models import session
from tests.ops.traditionalml.models import excess, ml

LEQ, LT, GTE, GT, EQ, NEQ, MEMBER = range(7)


def stump(mode: int, split: float = 1.5, **changes: Any) -> dict[str, Any]:
    """One node on feature 0: the true branch gives 10, the false one 20."""
    attributes: dict[str, Any] = {
        "tree_roots": [0], "nodes_featureids": [0], "nodes_modes": np.array([mode], np.uint8), "nodes_splits": np.array([split], np.float32),
        "nodes_truenodeids": [0], "nodes_trueleafs": [1], "nodes_falsenodeids": [1], "nodes_falseleafs": [1],
        "leaf_targetids": [0, 0], "leaf_weights": np.array([10, 20], np.float32), "n_targets": 1,
    }  # fmt: skip
    return attributes | changes


def two_trees(**changes: Any) -> dict[str, Any]:
    """Tree 0: x0 <= 1 ? (x1 > 0 ? leaf 0 : leaf 1) : leaf 2. Tree 1: x1 < 5 ? leaf 3 : leaf 4. Targets 0, 1, 0, 1, 0."""
    attributes: dict[str, Any] = {
        "tree_roots": [0, 2], "nodes_featureids": [0, 1, 1], "nodes_modes": np.array([LEQ, GT, LT], np.uint8),
        "nodes_splits": np.array([1, 0, 5], np.float32),
        "nodes_truenodeids": [1, 0, 3], "nodes_trueleafs": [0, 1, 1], "nodes_falsenodeids": [2, 1, 4], "nodes_falseleafs": [1, 1, 1],
        "leaf_targetids": [0, 1, 0, 1, 0], "leaf_weights": np.array([1, 2, 4, 8, 16], np.float32), "n_targets": 2,
    }  # fmt: skip
    return attributes | changes


X = np.array([[0, 3], [0, -3], [2, 3], [2, 9]], np.float32)


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (LEQ, [10, 10, 20]),
        (LT, [10, 20, 20]),
        (GTE, [20, 10, 10]),
        (GT, [20, 20, 10]),
        (EQ, [20, 10, 20]),
        (NEQ, [10, 20, 10]),
    ],
)
def test_modes(mode: int, expected: list[int]) -> None:
    assert ml("TreeEnsemble", column(1, 1.5, 2), **stump(mode)).ravel().tolist() == expected


@pytest.mark.parametrize("mode", range(6))
def test_nan_goes_where_the_node_says_whatever_its_mode(mode: int) -> None:
    assert ml("TreeEnsemble", column(math.nan), **stump(mode)).item() == 20
    assert ml("TreeEnsemble", column(math.nan), **stump(mode, nodes_missing_value_tracks_true=[1])).item() == 10


@pytest.mark.parametrize("tail", [[math.nan], []])
def test_a_member_of_the_set_takes_the_true_branch(tail: list[float]) -> None:
    members = np.array([1, 3, *tail], np.float32)
    y = ml("TreeEnsemble", column(1, 2, 3, math.nan), **stump(MEMBER, membership_values=members))
    assert y.ravel().tolist() == [10, 20, 10, 20]


def test_sets_of_members_come_in_the_order_of_the_nodes() -> None:
    attributes = two_trees(
        nodes_modes=np.array([MEMBER, GT, MEMBER], np.uint8), membership_values=np.array([0, math.nan, 3, 9, math.nan], np.float32)
    )
    assert ml("TreeEnsemble", X, **attributes).tolist() == [[1, 8], [16, 2], [4, 8], [4, 8]]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (1, [[1, 8], [0, 10], [4, 8], [20, 0]]),
        (0, [[0.5, 4], [0, 5], [2, 4], [10, 0]]),
        (2, [[1, 8], [0, 2], [4, 8], [4, 0]]),
        (3, [[1, 8], [0, 8], [4, 8], [16, 0]]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_leaves_of_a_target_are_aggregated_over_trees(function: int, expected: Any, dtype: Any) -> None:
    tree = two_trees(aggregate_function=function)
    tree |= {name: tree[name].astype(dtype) for name in ("nodes_splits", "leaf_weights")}
    y = ml("TreeEnsemble", X.astype(dtype), **tree)
    assert y.dtype == dtype and y.tolist() == expected


def test_transforms_are_numbered() -> None:
    x = column(1)
    weights: dict[str, Any] = {"leaf_weights": np.array([0.25, 0], np.float32)}
    expected = [0.25, 1, 1 / (1 + math.exp(-0.25)), 1, -0.67448975]
    found = [ml("TreeEnsemble", x, post_transform=t, **stump(LEQ, **weights)).item() for t in range(5)]
    assert np.allclose(found, expected, rtol=1e-6)


def test_a_tree_of_one_leaf_has_a_node_with_both_branches_to_it() -> None:
    assert ml("TreeEnsemble", column(1, math.nan), **stump(LEQ, nodes_falsenodeids=[0])).ravel().tolist() == [10, 10]


def test_no_sample_gives_no_result() -> None:
    assert ml("TreeEnsemble", X[:0], **two_trees()).shape == (0, 2)


def test_the_wide_profile_splits_rounded_values() -> None:
    text = """(double[1,1] x) => (float[n,1] y) {
        f = Cast <to = 1> (x)
        y = ai.onnx.ml.TreeEnsemble <tree_roots = [0], nodes_featureids = [0], nodes_modes: tensor = uint8[1] {0},
            nodes_splits: tensor = float[1] {0.5}, nodes_truenodeids = [0], nodes_trueleafs = [1], nodes_falsenodeids = [1],
            nodes_falseleafs = [1], leaf_targetids = [0, 0], leaf_weights: tensor = float[2] {10, 20}, n_targets = 1> (f) }"""
    x = np.array([[0.5 + 1e-12]])
    for profile in ("reference", "wide"):
        assert session(text, opset='"" : 21, "ai.onnx.ml" : 5', profile=profile).run(None, {"x": x})[0].item() == 10


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        (stump(LEQ, aggregate_function=4), "aggregate_function is in"),
        (stump(LEQ, post_transform=5), "post_transform is in"),
        (stump(LEQ, n_targets=0), "n_targets is positive"),
        (stump(LEQ, n_targets=None), "n_targets is positive"),
        (stump(LEQ, leaf_targetids=[0]), "lists of leaves have one length"),
        (stump(LEQ, nodes_trueleafs=[1, 1]), "lists of nodes have one length"),
        (stump(7), r"nodes_modes are in \[0, 6\]"),
        (stump(LEQ, nodes_truenodeids=[2]), "leads to an existing node or leaf"),
        (stump(LEQ, nodes_falsenodeids=[-1]), "leads to an existing node or leaf"),
        (stump(LEQ, nodes_trueleafs=[0], nodes_truenodeids=[1]), "leads to an existing node or leaf"),
        (stump(MEMBER), "a set of members for each node"),
        (stump(LEQ, membership_values=np.array([1], np.float32)), "a set of members for each node"),
        (stump(LEQ, tree_roots=[3]), "refers to exists"),
        (stump(LEQ, nodes_featureids=[1]), "refers to exists"),
        (stump(LEQ, nodes_featureids=[-1]), "refers to exists"),
        (stump(LEQ, leaf_targetids=[0, 1]), "existing leaves and targets"),
        (stump(LEQ, nodes_trueleafs=[0]), "form no cycle"),
    ],
)
def test_rules(attributes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        ml("TreeEnsemble", column(1), **attributes)


def test_the_way_through_many_trees_is_claimed() -> None:
    with pytest.raises(LimitExceeded):
        ml("TreeEnsemble", np.zeros((10_000, 1), np.float32), limits=Limits(tensor_bytes=1 << 20), **stump(LEQ, tree_roots=[0] * 100))


def test_plain_float32_is_within_the_bound() -> None:
    trees = 300
    weights = np.random.default_rng(1).normal(size=trees).astype(np.float32)
    attributes = stump(
        LEQ, tree_roots=tuple(range(trees)), nodes_featureids=(0,) * trees, nodes_modes=np.zeros(trees, np.uint8),
        nodes_splits=np.zeros(trees, np.float32), nodes_truenodeids=tuple(range(trees)), nodes_trueleafs=(1,) * trees,
        nodes_falsenodeids=tuple(range(trees)), nodes_falseleafs=(1,) * trees, leaf_targetids=(0,) * trees, leaf_weights=weights,
    )  # fmt: skip

    def plain() -> Any:
        total = np.float32(0)
        for w in weights:
            total = total + w
        return np.array([[total]])

    assert 0 < excess("TreeEnsemble", column(0), plain, **attributes) < 1
