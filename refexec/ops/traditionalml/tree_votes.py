"""TreeEnsembleClassifier, TreeEnsembleRegressor: trees whose leaves have any number of weights."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.ops.common import Array
from refexec.ops.traditionalml.forest import MODES, Forest, aggregated, same_length
from refexec.ops.traditionalml.scores import class_labels, classifier_types, pair, samples, transformed, transformed_bound
from refexec.registry import op
from refexec.values import unit_roundoff


def votes_bound(call: Call):
    """A score sums at most all weights of one target; one roundoff each."""
    a, elem = call.attributes, call.elements[-1]
    kind = "class" if len(call.outputs) == 2 or "class_ids" in a else "target"
    weight = np.abs(either(a.get(f"{kind}_weights"), a.get(f"{kind}_weights_as_tensor")))
    base = np.abs(either(a.get("base_values"), a.get("base_values_as_tensor"))).max(initial=1)
    keys = list(zip(a[f"{kind}_treeids"], a[f"{kind}_nodeids"], strict=True))
    trees = len({tree for tree, _ in keys})
    per_leaf = np.unique(keys, axis=0, return_counts=True)[1].max(initial=0)
    raw = call.evaluate(*call.inputs, post_transform="NONE")[-1]
    terms = trees * per_leaf
    error = np.full(raw.shape, (terms + 4) * unit_roundoff(elem.dtype) * (terms * weight.max(initial=0) + base))
    return (*[None] * (len(call.outputs) - 1), transformed_bound(raw, error, a["post_transform"], elem))


def either(floats, tensor) -> Array:
    """A list of float32, or the tensor that may stand for it when the values are float64. Empty without both."""
    require(not floats or tensor is None or not tensor.size, "a list and its form as_tensor exclude each other")
    return np.array(floats or () if tensor is None or not tensor.size else tensor.reshape(-1), np.float64)


def planted(
    nodes_falsenodeids, nodes_featureids, nodes_missing_value_tracks_true, nodes_modes, nodes_nodeids, nodes_treeids,
    nodes_truenodeids, nodes_values, nodes_values_as_tensor,
):  # fmt: skip
    """The forest, and the index of each (tree id, node id). The root of a tree is the first of its nodes in the lists."""
    size = len(nodes_treeids or ())
    values = either(nodes_values, nodes_values_as_tensor)
    lists = {
        "nodes_falsenodeids": nodes_falsenodeids or (), "nodes_featureids": nodes_featureids or (),
        "nodes_missing_value_tracks_true": nodes_missing_value_tracks_true or (0,) * size, "nodes_modes": nodes_modes or (),
        "nodes_nodeids": nodes_nodeids or (), "nodes_treeids": nodes_treeids or (), "nodes_truenodeids": nodes_truenodeids or (),
        "nodes_values": values,
    }  # fmt: skip
    same_length("the lists of nodes have one length", **lists)
    index = {key: i for i, key in enumerate(zip(lists["nodes_treeids"], lists["nodes_nodeids"], strict=True))}
    require(len(index) == size, "a node id appears once in a tree", nodes=size, different=len(index))
    roots: dict[int, int] = {}
    for i, tree in enumerate(lists["nodes_treeids"]):
        roots.setdefault(tree, i)
    forest = Forest(
        mode=np.array([MODES.index(m) if m in MODES and m != "BRANCH_MEMBER" else -1 for m in lists["nodes_modes"]], np.int64),
        feature=np.array(lists["nodes_featureids"], np.int64),
        split=values,
        true=found(index, lists["nodes_treeids"], lists["nodes_truenodeids"]),
        false=found(index, lists["nodes_treeids"], lists["nodes_falsenodeids"]),
        missing_true=np.array(lists["nodes_missing_value_tracks_true"], np.int64),
        roots=np.array(list(roots.values()), np.int64),
        members={},
    )
    return forest, index


def found(index, trees, nodes) -> Array:
    """The indices of nodes; -1 for what is no node, as the children of leaves."""
    return np.array([index.get(key, -1) for key in zip(trees, nodes, strict=True)], np.int64)


def voted(X, ctx, forest, index, trees, nodes, targets, weights, count, function) -> Array:
    """The aggregated weights of the leaves that samples reach."""
    lists = {"treeids": trees or (), "nodeids": nodes or (), "ids": targets or (), "weights": weights}
    same_length("the lists of weights have one length", **lists)
    votes = (found(index, lists["treeids"], lists["nodeids"]), np.array(lists["ids"], np.int64), weights)
    leaves = forest.leaves(X.astype(np.float64, copy=False), ctx)
    return aggregated(leaves, votes, count, function, len(forest.mode))


@op(
    "TreeEnsembleClassifier", since=3, domain="ai.onnx.ml", arithmetic="stated", compare=rounded(votes_bound),
    result_types=classifier_types,
)  # fmt: skip
def tree_ensemble_classifier_3(
    X, /, *, ctx, base_values=None, base_values_as_tensor=None, class_ids=None, class_nodeids=None, class_treeids=None,
    class_weights=None, class_weights_as_tensor=None, classlabels_int64s=None, classlabels_strings=None, post_transform="NONE",
    nodes_falsenodeids=None, nodes_featureids=None, nodes_hitrates=None, nodes_hitrates_as_tensor=None,
    nodes_missing_value_tracks_true=None, nodes_modes=None, nodes_nodeids=None, nodes_treeids=None, nodes_truenodeids=None,
    nodes_values=None, nodes_values_as_tensor=None,
):  # fmt: skip
    """Z[n, c] = post_transform(base_values[c] + sum of the weights for class c of the leaves that X[n] reaches); Y is the label of
    the largest score before the transform, the first of several.

    When all weights are for one of two classes, the sum scores the second class. If no weight is negative and no transform, or
    PROBIT, follows, it is a probability and the first class has 1 - score; else it is a margin, and the first has -score.
    NaN takes the branch that ``nodes_missing_value_tracks_true`` says, by default the false one.
    """
    labels = class_labels(classlabels_strings, classlabels_int64s)
    forest, index = planted(
        nodes_falsenodeids, nodes_featureids, nodes_missing_value_tracks_true, nodes_modes, nodes_nodeids, nodes_treeids,
        nodes_truenodeids, nodes_values, nodes_values_as_tensor,
    )  # fmt: skip
    weights = either(class_weights, class_weights_as_tensor)
    scores = voted(samples(X), ctx, forest, index, class_treeids, class_nodeids, class_ids, weights, len(labels), "SUM")
    base = either(base_values, base_values_as_tensor)
    one_column = len(labels) == 2 and len(set(class_ids or ())) == 1
    fits = len(base) in (0, len(labels)) or (one_column and len(base) == 1)
    require(fits, "there is one base value per class, or none", base_values=len(base), classes=len(labels))
    if one_column:
        score = scores[:, class_ids[0], None] + (base[-1] if len(base) else 0)
        probability = post_transform == "PROBIT" or (post_transform == "NONE" and bool(np.all(weights >= 0)))
        scores = pair(score, probability)
    elif len(base):
        scores = scores + base
    return labels[scores.argmax(axis=1)], ctx.as_type(transformed(scores, post_transform), "float32")


@op("TreeEnsembleRegressor", since=3, domain="ai.onnx.ml", arithmetic="rounded", compare=rounded(votes_bound))
def tree_ensemble_regressor_3(
    X, /, *, ctx, aggregate_function="SUM", base_values=None, base_values_as_tensor=None, n_targets=None, post_transform="NONE",
    target_ids=None, target_nodeids=None, target_treeids=None, target_weights=None, target_weights_as_tensor=None,
    nodes_falsenodeids=None, nodes_featureids=None, nodes_hitrates=None, nodes_hitrates_as_tensor=None,
    nodes_missing_value_tracks_true=None, nodes_modes=None, nodes_nodeids=None, nodes_treeids=None, nodes_truenodeids=None,
    nodes_values=None, nodes_values_as_tensor=None,
):  # fmt: skip
    """Y[n, t] = post_transform(base_values[t] + aggregate of the weights for target t of the leaves that X[n] reaches).

    AVERAGE divides the sum by the number of trees. NaN takes the branch that ``nodes_missing_value_tracks_true`` says, by default
    the false one.
    """
    require(n_targets is not None and n_targets > 0, "n_targets is positive", n_targets=n_targets)
    forest, index = planted(
        nodes_falsenodeids, nodes_featureids, nodes_missing_value_tracks_true, nodes_modes, nodes_nodeids, nodes_treeids,
        nodes_truenodeids, nodes_values, nodes_values_as_tensor,
    )  # fmt: skip
    weights = either(target_weights, target_weights_as_tensor)
    base = either(base_values, base_values_as_tensor)
    require(len(base) in (0, n_targets), "there is one base value per target, or none", base_values=len(base), n_targets=n_targets)
    scores = voted(samples(X), ctx, forest, index, target_treeids, target_nodeids, target_ids, weights, n_targets, aggregate_function)
    return transformed(scores + base if len(base) else scores, post_transform)


@op("TreeEnsembleClassifier", since=5, domain="ai.onnx.ml", like=tree_ensemble_classifier_3)
def tree_ensemble_classifier_5(X, /, *, ctx, **attributes):
    """Deprecated in version 5 in favour of TreeEnsemble; means what it meant."""
    return tree_ensemble_classifier_3(X, ctx=ctx, **attributes)


@op("TreeEnsembleClassifier", since=1, domain="ai.onnx.ml", like=tree_ensemble_classifier_3)
def tree_ensemble_classifier_1(X, /, *, ctx, **attributes):
    """Before version 3: float32 values only, no tensors in their place."""
    return tree_ensemble_classifier_3(X, ctx=ctx, **attributes)


@op("TreeEnsembleRegressor", since=5, domain="ai.onnx.ml", like=tree_ensemble_regressor_3)
def tree_ensemble_regressor_5(X, /, *, ctx, **attributes):
    """Deprecated in version 5 in favour of TreeEnsemble; means what it meant."""
    return tree_ensemble_regressor_3(X, ctx=ctx, **attributes)


@op("TreeEnsembleRegressor", since=1, domain="ai.onnx.ml", like=tree_ensemble_regressor_3)
def tree_ensemble_regressor_1(X, /, *, ctx, **attributes):
    """Before version 3: float32 values only, no tensors in their place."""
    return tree_ensemble_regressor_3(X, ctx=ctx, **attributes)
