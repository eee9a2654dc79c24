"""Decision trees: their structure, the way of samples through them, and the sum of what the leaves say."""

from dataclasses import dataclass

import numpy as np

from refexec.errors import RuleViolation, require
from refexec.limits import claim
from refexec.ops.common import Array

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF")
COMPARE = (np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal)
MEMBER, LEAF = 6, 7


@dataclass
class Forest:
    """Nodes of all trees, one number each in every array. ``mode`` indexes MODES; ``true`` and ``false`` are the next nodes."""

    mode: Array
    feature: Array
    split: Array
    true: Array
    false: Array
    missing_true: Array
    roots: Array
    members: dict[int, Array]  # node -> the values that lead to the true branch

    def check(self, features: int) -> None:
        """Check that nodes name nodes, and inner nodes a feature that samples have."""
        inner = self.mode != LEAF
        require(np.all((self.mode >= 0) & (self.mode <= LEAF)), "the modes of nodes are known", known=MODES)
        for indices, what, size in (
            (self.true[inner], "true branch", len(self.mode)),
            (self.false[inner], "false branch", len(self.mode)),
            (self.feature[inner], "feature", features),
            (self.roots, "root", len(self.mode)),
        ):
            bad = indices[(indices < 0) | (indices >= size)]
            if bad.size:
                raise RuleViolation("what a node of a tree refers to exists", what=what, index=int(bad[0]), size=size)

    def leaves(self, X: Array, ctx) -> Array:
        """[N, trees]: the leaf that each sample of X [N, F] reaches in each tree."""
        self.check(X.shape[1])
        at = np.broadcast_to(self.roots, claim((len(X), len(self.roots)), np.int64)).copy()
        sample, tree = np.nonzero(self.mode[at] != LEAF)
        steps = 0
        while sample.size:
            steps += 1
            ctx.trip(steps)
            require(steps <= len(self.mode), "the nodes of a tree form no cycle")
            here = at[sample, tree]
            at[sample, tree] = here = np.where(self.decide(here, X[sample, self.feature[here]]), self.true[here], self.false[here])
            inner = self.mode[here] != LEAF
            sample, tree = sample[inner], tree[inner]
        return at

    def decide(self, node: Array, x: Array) -> Array:
        """Whether each ``x`` takes the true branch of its node. NaN does where ``missing_true`` says so, whatever the mode."""
        mode, split = self.mode[node], self.split[node]
        taken = np.zeros(len(node), bool)
        for number, compare in enumerate(COMPARE):
            here = mode == number
            taken[here] = compare(x[here], split[here])
        for number in np.unique(node[mode == MEMBER]):
            here = node == number
            taken[here] = np.isin(x[here], self.members[int(number)])
        return np.where(np.isnan(x), self.missing_true[node] != 0, taken)


def aggregated(leaves: Array, votes: tuple[Array, Array, Array], targets: int, function: str, nodes: int) -> Array:
    """[N, targets]: the weights that the reached leaves give to each target, as SUM, AVERAGE (SUM / trees), MIN or MAX.

    ``votes`` are (leaf, target, weight), a leaf having any number of them. A target without a vote is 0.
    """
    leaf, target, weight = votes
    in_range = np.all((target >= 0) & (target < targets)) and np.all((leaf >= 0) & (leaf < nodes))
    require(in_range, "weights are those of existing leaves and targets", targets=targets, nodes=nodes)
    order = np.argsort(leaf, kind="stable")
    counts = np.bincount(leaf, minlength=nodes)
    first = np.cumsum(counts) - counts
    per_pair = counts[leaves]  # how many votes each sample gets in each tree
    total = int(per_pair.sum())
    claim((total, 3), np.int64)
    samples = np.repeat(np.arange(len(leaves)), per_pair.sum(axis=1))
    ends = np.cumsum(per_pair.reshape(-1))
    within = np.arange(total) - np.repeat(ends - per_pair.reshape(-1), per_pair.reshape(-1))
    vote = order[np.repeat(first[leaves].reshape(-1), per_pair.reshape(-1)) + within]
    scores = np.zeros(claim((len(leaves), targets), np.float64))
    place = (samples, target[vote])
    match function:
        case "SUM" | "AVERAGE":
            np.add.at(scores, place, weight[vote])
            return scores / leaves.shape[1] if function == "AVERAGE" else scores
        case "MIN" | "MAX":
            scores[place] = np.inf if function == "MIN" else -np.inf
            (np.minimum if function == "MIN" else np.maximum).at(scores, place, weight[vote])
            return scores
    raise RuleViolation("aggregate_function is AVERAGE, SUM, MIN or MAX", aggregate_function=function)


def same_length(rule: str, **lists) -> None:
    """Check that lists are parallel; ``rule`` is the constant text of the rule."""
    lengths = {name: len(value) for name, value in lists.items()}
    require(len(set(lengths.values())) == 1, rule, **lengths)
