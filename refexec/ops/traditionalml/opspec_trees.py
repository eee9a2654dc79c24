"""Opspecs of decision trees. Every target gets a weight of every tree wherever one without would be open."""

import numpy as np

from refexec.ops.traditionalml.forest import MODES
from refexec.ops.traditionalml.opspec_models import labels, transforms_to_probits
from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import FLOAT32, FLOAT64

DOMAIN = "ai.onnx.ml"
NAN = float("nan")
SPLITS = (0.125, 1.0, -0.5, 0.0, 2.0, -1.125, 0.1, 1 - 2**-40)
"""The last two are other numbers in float32."""
WEIGHTS = (1.0, 0.25, -0.5, 2.0, -1.0)
FINE = (*WEIGHTS, 0.1)
PROBABLE = (0.125, 0.0625, 0.1875)
APART = (0.11, 0.27, 0.43)
"""Neither they nor their differences are multiples of 1/16, as weights are: so no two classes have one score."""


def samples(d: Draw) -> Operand:
    """[N, F], now and then with NaN."""
    variable = d.signature.inputs[0].type_str
    x = d.input(variable, (2, 2))
    if x.elem.is_float and d.integer(0, 2) == 2:
        return d.constant(np.array([d.pick((*SPLITS, NAN)) for _ in range(np.prod(x.sizes))]).reshape(x.sizes), x.elem)
    return x


def grow(d: Draw, nodes: list, features: int, modes, depth: int = 2) -> int:
    """Append the nodes of a tree, each before those of its branches; returns the place of the root."""
    at = len(nodes)
    node = {"modes": "LEAF", "featureids": 0, "values": 0.0, "missing_value_tracks_true": 0, "hitrates": 0.5, "true": at, "false": at}
    nodes.append(node)
    if depth and d.integer(0, 3):
        node["modes"], node["featureids"], node["values"] = d.pick(modes), d.integer(0, features - 1), d.pick(SPLITS)
        node["missing_value_tracks_true"] = d.integer(0, 1)
        node["true"], node["false"] = (grow(d, nodes, features, modes, depth - 1) for _ in range(2))
    return at


def forest(d: Draw, x: Operand, modes) -> tuple[list, list[int]]:
    """All nodes, of one mode or of several, and the places of the roots."""
    nodes: list = []
    modes = modes if d.flag() else [d.pick(modes)]
    return nodes, [grow(d, nodes, x.sizes[1], modes) for _ in range(d.integer(1, 2))]


def numbers(d: Draw, name: str, values, exact: bool) -> None:
    """An attribute, or the tensor that stands for it when values are float64."""
    d.set(f"{name}_as_tensor", np.array(values, np.float64)) if exact else d.set(name, values)


def planted(d: Draw, x: Operand, exact: bool) -> list[tuple[int, int]]:
    """The attributes of the nodes; returns (tree id, node id) of the leaves."""
    nodes, roots = forest(d, x, MODES[:6])
    trees = [sum(root <= i for root in roots) - 1 for i in range(len(nodes))]
    d.set("nodes_treeids", trees)
    d.set("nodes_nodeids", [i - roots[t] for i, t in enumerate(trees)])
    for branch in ("true", "false"):
        d.set(f"nodes_{branch}nodeids", [0 if n["modes"] == "LEAF" else n[branch] - roots[t] for n, t in zip(nodes, trees, strict=True)])
    for name in ("modes", "featureids"):
        d.set(f"nodes_{name}", [n[name] for n in nodes])
    numbers(d, "nodes_values", [n["values"] for n in nodes], exact)
    d.attr("nodes_missing_value_tracks_true", [[n["missing_value_tracks_true"] for n in nodes]])
    if d.flag():
        numbers(d, "nodes_hitrates", [n["hitrates"] for n in nodes], exact)
    return [(t, i - roots[t]) for i, (n, t) in enumerate(zip(nodes, trees, strict=True)) if n["modes"] == "LEAF"]


def voted(d: Draw, prefix: str, leaves, count: int, exact: bool, whole: bool, weights, offsets) -> None:
    """The weights of the leaves; the first leaf has one for each target, as all have if ``whole``."""
    votes = [(leaf, t) for i, leaf in enumerate(leaves) for t in (range(count) if whole or i == 0 else d.several(range(count), 1))]
    d.set(f"{prefix}_treeids", [tree for (tree, _), _ in votes])
    d.set(f"{prefix}_nodeids", [node for (_, node), _ in votes])
    d.set(f"{prefix}_ids", [t for _, t in votes])
    numbers(d, f"{prefix}_weights", [d.pick(weights) + offsets[t] for _, t in votes], exact)


@opspec("TreeEnsembleClassifier", 1, 3, domain=DOMAIN)
@opspec("TreeEnsembleRegressor", 1, 3, domain=DOMAIN)
def votes(d: Draw) -> None:
    """Leaves with any number of weights. What is all of one of two classes is open."""
    x = samples(d)
    exact = d.since >= 3 and x.elem is FLOAT64 and d.flag()
    probit = transforms_to_probits(d)
    classifies = d.has("class_ids")
    count = d.integer(2, 3) if classifies else d.set("n_targets", d.integer(1, 3))
    whole = probit or d.attr("aggregate_function", ["SUM", "AVERAGE", "MIN", "MAX"]) not in (None, "SUM")
    based = probit or d.flag()
    if based:
        numbers(d, "base_values", d.order(APART)[:count], exact)
    offsets = APART if classifies and not based else (0.0,) * count
    leaves = planted(d, x, exact)
    voted(
        d, "class" if classifies else "target", leaves, count, exact, whole or (classifies and not based),
        PROBABLE if probit else WEIGHTS if classifies else FINE, offsets,
    )  # fmt: skip
    scores = Out(FLOAT32, (x.sizes[0], count))
    d.emit([x], *([Out(labels(d, count, "classlabels_int64s"), x.sizes[:1])] if classifies else []), scores)


@opspec("TreeEnsemble", 5, domain=DOMAIN)
def tree_ensemble(d: Draw) -> None:
    """Leaves have one weight each. A tree that is a leaf has a node of which both branches are that leaf."""
    x = samples(d)
    probit = transforms_to_probits(d, range(5))
    count = 1 if d.attr("aggregate_function", [1, 0, 2, 3]) != 1 or probit else d.integer(1, 3)
    d.set("n_targets", count)
    nodes, roots = forest(d, x, MODES[:7])
    leaves = [i for i, n in enumerate(nodes) if n["modes"] == "LEAF"]
    places = [i for i, n in enumerate(nodes) if n["modes"] != "LEAF" or i in roots]
    inner = [nodes[i] for i in places]
    modes = [MODES.index(n["modes"]) % 7 for n in inner]
    d.set("tree_roots", [places.index(r) for r in roots])
    d.set("nodes_modes", np.array(modes, np.uint8))
    d.set("nodes_featureids", [n["featureids"] for n in inner])
    d.set("nodes_splits", np.array([n["values"] for n in inner], x.elem.dtype))
    for branch in ("true", "false"):
        d.set(f"nodes_{branch}leafs", [int(n[branch] in leaves) for n in inner])
        d.set(f"nodes_{branch}nodeids", [(leaves if n[branch] in leaves else places).index(n[branch]) for n in inner])
    d.attr("nodes_missing_value_tracks_true", [[n["missing_value_tracks_true"] for n in inner]])
    d.attr("nodes_hitrates", [np.array([n["hitrates"] for n in inner], np.float32)])
    members = [v for mode in modes if mode == MODES.index("BRANCH_MEMBER") for v in (*d.several(d.pick([(1.0, 0.0, 2.0), SPLITS]), 1), NAN)]
    if members:
        d.set("membership_values", np.array(members, x.elem.dtype))
    d.set("leaf_targetids", [d.integer(0, count - 1) for _ in leaves])
    d.set("leaf_weights", np.array([d.pick(PROBABLE if probit else FINE) for _ in leaves], x.elem.dtype))
    d.emit([x], Out(x.elem, (x.sizes[0], count)))
