"""ai.onnx.ml: TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from conformance.exact.families.ml_scores import ML, TRANSFORMS, best, labels_of, transform
from conformance.exact.formats import NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float
from conformance.exact.values import Case, Tensor

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
COMPARE: list[Callable[[Number, Number], bool]] = [
    lambda x, v: bool(x <= v), lambda x, v: bool(x < v), lambda x, v: bool(x >= v),
    lambda x, v: bool(x > v), lambda x, v: bool(x == v), lambda x, v: bool(x != v),
]  # fmt: skip
AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")


@dataclass(frozen=True, eq=False)
class Leaf:
    votes: tuple[tuple[int, Fraction], ...]
    """Targets (or classes) and weights."""


@dataclass(frozen=True, eq=False)
class Split:
    feature: int
    mode: int  # 6: membership
    value: Number
    true: Leaf | Split
    false: Leaf | Split
    missing_is_true: bool = False
    members: tuple[Fraction, ...] = field(default=())

    def child(self, x: Number) -> Leaf | Split:
        if x != x:
            return self.true if self.missing_is_true else self.false
        return self.true if (x in self.members if self.mode == 6 else COMPARE[self.mode](x, self.value)) else self.false


Tree = Leaf | Split
Row = Sequence[Number]


def votes(tree: Tree, row: Row) -> tuple[tuple[int, Fraction], ...]:
    while isinstance(tree, Split):
        tree = tree.child(row[tree.feature])
    return tree.votes


def scores(trees: Sequence[Tree], row: Row, count: int, aggregate: str, base: Sequence[Fraction]) -> list[Fraction]:
    """What the reached leaves say of each target, aggregated, and the base values. Each tree votes for each aggregated target."""
    reached = [v for tree in trees for v in votes(tree, row)]
    found = []
    for target in range(count):
        weights = [w for t, w in reached if t == target]
        value = min(weights) if aggregate == "MIN" else max(weights) if aggregate == "MAX" else sum(weights, Fraction(0))
        found.append(value / (len(trees) if aggregate == "AVERAGE" else 1) + (base[target] if base else 0))
    return found


def encoded(trees: Sequence[Tree], votes_are: str) -> dict[str, list[Any]]:
    """The nodes_* attributes, and those of the votes: ``target`` or ``class``."""
    found: dict[str, list[Any]] = {f"nodes_{n}": [] for n in ("nodeids", "treeids", "featureids", "values", "modes", "truenodeids",
                                                              "falsenodeids", "missing_value_tracks_true")}  # fmt: skip
    found |= {f"{votes_are}_{n}": [] for n in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(trees):
        nodes = _in_order(tree)
        for node_id, node in enumerate(nodes):
            split = node if isinstance(node, Split) else None
            children = (nodes.index(split.true), nodes.index(split.false)) if split else (0, 0)
            entry = (node_id, number, split.feature if split else 0, split.value if split else Fraction(0),
                     MODES[split.mode] if split else "LEAF", *children, int(split.missing_is_true) if split else 0)  # fmt: skip
            for name, value in zip(list(found)[:8], entry, strict=True):
                found[name].append(value)
            for target, weight in node.votes if isinstance(node, Leaf) else ():
                for name, value in zip(list(found)[8:], (number, node_id, target, weight), strict=True):
                    found[name].append(value)
    return found


def _in_order(tree: Tree) -> list[Tree]:
    return [tree, *_in_order(tree.true), *_in_order(tree.false)] if isinstance(tree, Split) else [tree]


def attributes_of(trees: Sequence[Tree], votes_are: str, base: Sequence[Fraction], doubles: bool) -> dict[str, Any]:
    """As attributes: numbers as lists of float, or as tensors of double."""
    found: dict[str, Any] = encoded(trees, votes_are)
    if base:
        found["base_values"] = list(base)
    for name in ("nodes_values", f"{votes_are}_weights", "base_values"):
        if name in found:
            values = found.pop(name)
            made = Tensor("double", (len(values),), tuple(values)) if doubles else [float(v) for v in values]
            found[f"{name}_as_tensor" if doubles else name] = made
    return found


def six_splits(value: Fraction, missing_is_true: bool) -> list[Tree]:
    """One tree for each comparison; the sum of the weights tells which of them held."""
    one = [(Leaf(((0, Fraction(1 << i)),)), Leaf(((0, Fraction(0)),))) for i in range(6)]
    return [Split(0, i, value, yes, no, missing_is_true) for i, (yes, no) in enumerate(one)]


def around(type: str, value: Fraction, doubles: bool) -> list[list[Number]]:
    """Rows of one feature: the value, its neighbours in the type, and NaN where there is one."""
    if not is_float(type):
        return [[value - 1], [value], [value + 1]]
    step = {"float": Fraction(1, 2**24), "double": Fraction(1, 2**53), "float16": Fraction(1, 2**11)}[type]
    return [[value - step], [value], [value + 2 * step], [NAN]]


def deep() -> list[Tree]:
    """Two trees of depth 2 and 1 over two features, that vote for two targets each."""
    leaves = [Leaf(((0, Fraction(n, 8)), (1, Fraction(-n, 4)))) for n in (1, 5, -3, 7, 2)]
    lower = Split(1, 0, Fraction(2), leaves[0], leaves[1])
    return [Split(0, 1, Fraction(1), lower, leaves[2]), Split(1, 3, Fraction(0), leaves[3], leaves[4])]


ROWS: list[list[Number]] = [[Fraction(0), Fraction(2)], [Fraction(0), Fraction(3)], [Fraction(1), Fraction(-1)]]


@oracle("TreeEnsembleRegressor", 1, 3, 5, domain=ML)
def tree_ensemble_regressor(types: Types, since: int) -> list[Case]:
    """The leaf votes of all trees, aggregated for each target, then base_values, then post_transform."""
    t = types["T"]

    def of(trees: list[Tree], rows: list[list[Number]], count: int, *, aggregate: str = "SUM", post: str = "NONE", doubles: bool = False,
           base: Sequence[Fraction] = ()) -> Case:  # fmt: skip
        y = [transform(post, scores(trees, row, count, aggregate, base)) for row in rows]
        attributes = {"n_targets": count, "aggregate_function": aggregate, "post_transform": post}
        return Case([Tensor.of(t, rows)], [Tensor.of("float", y)], {**attributes, **attributes_of(trees, "target", base, doubles)})

    base = [Fraction(1, 2), Fraction(-3)]
    forms = [False, True] if since >= 3 else [False]
    one = Fraction(1)
    cases = [of(six_splits(one, m), around(t, one, d), 1, doubles=d) for m in (False, True) for d in forms]
    cases += [of(deep(), ROWS, 2, aggregate=a, base=b, doubles=d) for a in AGGREGATES for b in ([], base) for d in forms]
    cases += [of(deep(), ROWS, 2, post=p) for p in ("SOFTMAX", "LOGISTIC")]
    if since >= 3 and t == "double":
        fine = 1 + Fraction(1, 2**40)
        cases.append(of(six_splits(fine, False), [[fine], [Fraction(1)]], 1, doubles=True))
    return [*cases, *_beyond_float(t, of)]


def _beyond_float(type: str, of: Callable[..., Case]) -> list[Case]:
    """Features that no float holds are compared as they are."""
    if type in ("int32", "int64"):
        return [of(six_splits(Fraction(2**24), False), [[2**24 + 1], [2**24]], 1)]
    return []


@oracle("TreeEnsembleClassifier", 1, 3, 5, domain=ML)
def tree_ensemble_classifier(types: Types, since: int) -> list[Case]:
    """The sum of the votes and base_values of each class, post_transform, and the label of the largest score."""
    labels, name = labels_of(types["T2"], 3, "classlabels_int64s")

    def of(post: str, base: Sequence[Fraction], doubles: bool) -> Case:
        trees = _classes(Fraction(1, 16) if post == "PROBIT" else Fraction(1))
        summed = [scores(trees, row, 3, "SUM", base) for row in ROWS]
        y = Tensor(types["T2"], (3,), tuple(labels[best(s)] for s in summed))
        z = Tensor.of("float", [transform(post, s) for s in summed])
        attributes = {name: labels, "post_transform": post, **attributes_of(trees, "class", base, doubles)}
        return Case([Tensor.of(types["T1"], ROWS)], [y, z], attributes)

    base = [Fraction(1, 4), Fraction(3, 8), Fraction(1, 8)]
    cases = [of(post, base if post == "PROBIT" else [], False) for post in TRANSFORMS]
    cases += [of("NONE", base, doubles) for doubles in ([False, True] if since >= 3 else [False])]
    return cases if not is_float(types["T1"]) else [*cases, _missing(types, labels, name)]


def _classes(unit: Fraction) -> list[Tree]:
    def leaf(*weights: int) -> Leaf:
        return Leaf(tuple((i, w * unit) for i, w in enumerate(weights)))

    first = Split(0, 1, Fraction(1), Split(1, 0, Fraction(2), leaf(1, 3, 4), leaf(5, 1, 2)), leaf(2, 5, 1))
    return [first, Split(1, 3, Fraction(0), leaf(1, 2, 3), leaf(3, 2, 2))]


def _missing(types: Types, labels: list[Any], name: str) -> Case:
    """NaN goes where nodes_missing_value_tracks_true says."""
    yes, no = Leaf(((0, Fraction(1)), (1, Fraction(2)), (2, Fraction(4)))), Leaf(((0, Fraction(8)), (1, Fraction(3)), (2, Fraction(1))))
    trees: list[Tree] = [Split(0, 0, Fraction(1), yes, no, True), Split(0, 5, Fraction(1), yes, no, False)]
    summed = scores(trees, [NAN], 3, "SUM", [])
    y, z = Tensor(types["T2"], (1,), (labels[best(summed)],)), Tensor.of("float", [summed])
    return Case([Tensor.of(types["T1"], [[NAN]])], [y, z], {name: labels, **attributes_of(trees, "class", [], False)})


def flattened(trees: Sequence[Tree], type: str) -> dict[str, Any]:
    """The attributes of TreeEnsemble: interior nodes, leaves, and the members of the sets with NaN between them."""
    nodes = [n for tree in trees for n in _in_order(tree) if isinstance(n, Split)]
    leaves = [n for tree in trees for n in _in_order(tree) if isinstance(n, Leaf)]
    leaves = list(dict.fromkeys(leaves))
    place = {id(n): i for group in (nodes, leaves) for i, n in enumerate(group)}
    found: dict[str, Any] = {
        "tree_roots": [place[id(tree)] for tree in trees],
        "nodes_featureids": [n.feature for n in nodes],
        "nodes_modes": Tensor("uint8", (len(nodes),), tuple(n.mode for n in nodes)),
        "nodes_splits": Tensor(type, (len(nodes),), tuple(n.value for n in nodes)),
        "nodes_missing_value_tracks_true": [int(n.missing_is_true) for n in nodes],
        "leaf_targetids": [leaf.votes[0][0] for leaf in leaves],
        "leaf_weights": Tensor(type, (len(leaves),), tuple(leaf.votes[0][1] for leaf in leaves)),
    }
    for branch in ("true", "false"):
        children = [getattr(n, branch) for n in nodes]
        found[f"nodes_{branch}nodeids"] = [place[id(c)] for c in children]
        found[f"nodes_{branch}leafs"] = [int(isinstance(c, Leaf)) for c in children]
    sets = [v for n in nodes if n.mode == 6 for v in (*n.members, NAN)]
    if sets:
        found["membership_values"] = Tensor(type, (len(sets),), tuple(sets))
    return found


def _copied(tree: Tree) -> Tree:
    """The same tree with a leaf of its own at each end, voting for the first target alone."""
    if isinstance(tree, Leaf):
        return Leaf(tree.votes[:1])
    return Split(tree.feature, tree.mode, tree.value, _copied(tree.true), _copied(tree.false), tree.missing_is_true, tree.members)


def _member(members: tuple[int, ...], weight: int, target: int = 0) -> Split:
    hit, miss = Leaf(((target, Fraction(weight)),)), Leaf(((target, Fraction(0)),))
    return Split(0, 6, Fraction(0), hit, miss, members=tuple(map(Fraction, members)))


@oracle("TreeEnsemble", 5, domain=ML)
def tree_ensemble(types: Types, since: int) -> list[Case]:
    """The leaf weights of all trees, aggregated for each target, then post_transform; the modes are numbers, with set membership."""
    t = types["T"]

    def of(trees: list[Tree], rows: list[list[Number]], count: int = 1, *, aggregate: str = "SUM", post: str = "NONE") -> Case:
        y = [transform(post, scores(trees, row, count, aggregate, ())) for row in rows]
        attributes = {"n_targets": count, "aggregate_function": AGGREGATES.index(aggregate), "post_transform": TRANSFORMS.index(post)}
        return Case([Tensor.of(t, rows)], [Tensor.of(t, y)], {**attributes, **flattened(trees, t)})

    sets: list[Tree] = [_member((1, 5, 9), 1), _member((2,), 2), _member((5, 2), 4), _member((7,), 8, 1), _member((1, 2), 16, 1)]
    one = Fraction(1)
    cases = [of(six_splits(one, m), around(t, one, True)) for m in (False, True)]
    cases += [of([_copied(tree) for tree in deep()], ROWS, aggregate=a) for a in AGGREGATES]
    cases += [of(sets, [[Fraction(n)] for n in (1, 2, 5, 7, 9, 3)] + [[NAN]], 2, post=p) for p in ("NONE", "LOGISTIC")]
    half = Leaf(((0, Fraction(1, 2)),))
    return [*cases, of([Split(0, 0, Fraction(0), half, half)], [[one], [-one]], post="PROBIT"), _rounded(t)]


def _rounded(type: str) -> Case:
    """A sum that no number of the type is: half-way between two."""
    one = {"float": 2**24, "double": 2**53, "float16": 2**11}[type]
    trees: list[Tree] = [Split(0, 0, Fraction(0), leaf, leaf) for leaf in (Leaf(((0, Fraction(one)),)), Leaf(((0, Fraction(3)),)))]
    x, y = Tensor(type, (1, 1), (Fraction(1),)), Tensor(type, (1, 1), (Fraction(one + 3),))
    return Case([x], [y], {"n_targets": 1, **flattened(trees, type)})
