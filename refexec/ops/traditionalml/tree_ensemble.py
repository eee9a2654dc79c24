"""TreeEnsemble."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.ops.common import Array
from refexec.ops.traditionalml.forest import LEAF, MEMBER, Forest, aggregated, same_length
from refexec.ops.traditionalml.scores import samples, transformed, transformed_bound
from refexec.registry import op
from refexec.values import round_to, unit_roundoff

TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
FUNCTIONS = ("AVERAGE", "SUM", "MIN", "MAX")


def weights_bound(call: Call):
    """Each tree adds one weight to a target: one roundoff of the sum of the largest weights per tree."""
    a, elem = call.attributes, call.elements[0]
    trees = len(a["tree_roots"])
    largest = np.abs(a["leaf_weights"].astype(np.float64)).max(initial=0)
    (raw,) = call.evaluate(*call.inputs, post_transform=0)
    error = np.full(raw.shape, (trees + 2) * unit_roundoff(elem.dtype) * trees * largest)
    return (transformed_bound(raw, error, TRANSFORMS[a["post_transform"]], elem),)


@op("TreeEnsemble", since=5, domain="ai.onnx.ml", arithmetic="rounded", compare=rounded(weights_bound))
def tree_ensemble_5(
    X, /, *, ctx, aggregate_function=1, leaf_targetids, leaf_weights, membership_values=None, n_targets=None, nodes_falseleafs,
    nodes_falsenodeids, nodes_featureids, nodes_hitrates=None, nodes_missing_value_tracks_true=None, nodes_modes, nodes_splits,
    nodes_trueleafs, nodes_truenodeids, post_transform=0, tree_roots,
):  # fmt: skip
    """Y[n, t] = post_transform(aggregate over trees of the weight of the leaf that X[n] reaches, if that leaf is of target t).

    An inner node compares one feature with its split, or asks whether it is among the node's members, and goes to a node or
    leaf. NaN goes where ``nodes_missing_value_tracks_true`` says, by default to the false branch. What is compared with splits is
    the input in its declared type.
    """
    require(0 <= aggregate_function < len(FUNCTIONS), "aggregate_function is in [0, 3]", aggregate_function=aggregate_function)
    require(0 <= post_transform < len(TRANSFORMS), "post_transform is in [0, 4]", post_transform=post_transform)
    require(n_targets is not None and n_targets > 0, "n_targets is positive", n_targets=n_targets)
    same_length("the lists of leaves have one length", leaf_targetids=leaf_targetids, leaf_weights=leaf_weights)
    tracks = nodes_missing_value_tracks_true or (0,) * len(nodes_featureids)
    same_length(
        "the lists of nodes have one length",
        nodes_falseleafs=nodes_falseleafs, nodes_falsenodeids=nodes_falsenodeids, nodes_featureids=nodes_featureids,
        nodes_missing_value_tracks_true=tracks, nodes_modes=nodes_modes, nodes_splits=nodes_splits, nodes_trueleafs=nodes_trueleafs,
        nodes_truenodeids=nodes_truenodeids,
    )  # fmt: skip
    inner, leaves = len(nodes_featureids), len(leaf_targetids)
    modes = nodes_modes.reshape(-1).astype(np.int64)
    require(np.all(modes <= MEMBER), "nodes_modes are in [0, 6]", largest=modes.max(initial=0))
    forest = Forest(
        mode=np.concatenate([modes, np.full(leaves, LEAF)]),
        feature=for_leaves(nodes_featureids, leaves),
        split=for_leaves(nodes_splits.reshape(-1).astype(np.float64), leaves),
        true=for_leaves(children(nodes_truenodeids, nodes_trueleafs, inner, leaves), leaves),
        false=for_leaves(children(nodes_falsenodeids, nodes_falseleafs, inner, leaves), leaves),
        missing_true=for_leaves(tracks, leaves),
        roots=np.array(tree_roots, np.int64),
        members=member_sets(modes, membership_values),
    )
    votes = (inner + np.arange(leaves), np.array(leaf_targetids, np.int64), leaf_weights.reshape(-1).astype(np.float64))
    x = round_to(samples(X), ctx.output_types[0].elem.dtype).astype(np.float64)
    scores = aggregated(forest.leaves(x, ctx), votes, n_targets, FUNCTIONS[aggregate_function], inner + leaves)
    return transformed(scores, TRANSFORMS[post_transform])


def for_leaves(values, leaves: int) -> Array:
    """The values of the inner nodes, then a zero for each leaf, which has none."""
    return np.concatenate([np.asarray(values), np.zeros(leaves, np.int64)])


def children(ids, are_leaves, inner: int, leaves: int) -> Array:
    """The next nodes as indices among the inner nodes and, after them, the leaves."""
    ids, are_leaves = np.array(ids, np.int64), np.array(are_leaves, bool)
    known = np.all((ids >= 0) & (ids < np.where(are_leaves, leaves, inner)))
    require(known, "a branch leads to an existing node or leaf", nodes=inner, leaves=leaves)
    return np.where(are_leaves, ids + inner, ids)


def member_sets(modes: Array, values: Array | None) -> dict[int, Array]:
    """The members of each node of that mode, in the order of the nodes; NaN ends a set, and may be left out after the last."""
    nodes = np.flatnonzero(modes == MEMBER)
    values = np.zeros(0) if values is None else values.reshape(-1).astype(np.float64)
    ends = np.flatnonzero(np.isnan(values)).tolist()
    if values.size and not np.isnan(values[-1]):
        ends.append(values.size)
    require(len(ends) == len(nodes), "there is a set of members for each node of mode BRANCH_MEMBER", sets=len(ends), nodes=len(nodes))
    starts = [0, *(end + 1 for end in ends)]
    return {int(node): values[start:end] for node, start, end in zip(nodes, starts, ends, strict=False)}
