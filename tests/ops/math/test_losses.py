"""NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

NLL, SCE = "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"
X = np.array([[[1, 2], [2, 2], [3, 2]], [[0, 1], [2, 2], [1, 2]]], np.float32)
TARGET = np.array([[2, 1], [0, 2]], np.int64)
WEIGHT = np.array([0.2, 0.3, 0.1], np.float32)
U = 2.0**-24


@pytest.mark.parametrize("opset", [12, 13, 22])
def test_the_loss_is_minus_the_score_of_the_target(opset: int) -> None:
    assert run_op(NLL, X, TARGET, opset=opset, reduction="none").tolist() == [[-3, -2], [0, -2]]
    assert run_op(NLL, X, TARGET, opset=opset, reduction="sum").tolist() == -7
    assert run_op(NLL, X, TARGET, opset=opset).tolist() == -1.75


def test_weights_scale_the_samples_and_divide_the_mean() -> None:
    # the examples of the text: -1.1, and -1.1 / 0.7
    assert run_op(NLL, X, TARGET, WEIGHT, reduction="sum") == pytest.approx(-1.1, rel=1e-6)
    assert run_op(NLL, X, TARGET, WEIGHT) == pytest.approx(-1.1 / 0.7, rel=1e-6)


@pytest.mark.parametrize("ignore_index", [-1, 2, 255])
def test_an_ignored_sample_has_no_loss_and_no_weight(ignore_index: int) -> None:
    target = np.array([[ignore_index, 1], [0, ignore_index]], np.int32)
    how: dict[str, Any] = {"ignore_index": ignore_index}
    assert run_op(NLL, X, target, reduction="none", **how).tolist() == [[0, -2], [0, 0]]
    assert run_op(NLL, X, target, **how).tolist() == -1
    assert run_op(NLL, X, target, WEIGHT, **how) == pytest.approx(-0.6 / 0.5, rel=1e-6)


def test_the_mean_divides_by_the_samples_that_count() -> None:
    x = np.log(np.array([[0.2, 0.8], [0.5, 0.5]])).astype(np.float32)
    assert run_op(NLL, x, np.array([1, -1]), ignore_index=-1, opset=13) == pytest.approx(0.22314355, rel=1e-6)


def test_an_ignored_sample_may_be_nan_or_have_no_class() -> None:
    x = np.array([[1, math.nan], [math.inf, math.nan]], np.float32)
    assert run_op(NLL, x, np.array([0, 9]), ignore_index=9, reduction="none").tolist() == [-1, 0]
    assert run_op(NLL, np.zeros((2, 0), np.float32), np.array([9, 9]), ignore_index=9, reduction="sum").tolist() == 0


def test_the_mean_over_no_weight_is_nan() -> None:
    assert np.isnan(run_op(NLL, X, np.full((2, 2), 7), ignore_index=7))


def test_without_samples_the_sum_is_0() -> None:
    assert run_op(NLL, np.zeros((0, 3), np.float32), np.zeros(0, np.int64), reduction="sum").tolist() == 0


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_the_loss_has_the_type_of_the_scores(dtype: Any) -> None:
    for name in (NLL, SCE):
        assert run_op(name, X.astype(dtype), TARGET, outputs=1).dtype == dtype


@pytest.mark.parametrize(("inputs", "attributes", "rule"), [
    ((X[0, 0], TARGET[0]), {}, "scores are"),
    ((X, TARGET[0]), {}, "one target per sample"),
    ((X, TARGET, WEIGHT[:2]), {}, "weight has one value per class"),
    ((X, TARGET), {"reduction": "product"}, "reduction is none, sum or mean"),
    ((X, TARGET + 1), {}, "a target is a class"),
    ((X, TARGET - 1), {"ignore_index": 9}, "a target is a class"),
])  # fmt: skip
def test_rules_of_the_losses(inputs: Any, attributes: dict[str, Any], rule: str) -> None:
    for name in (NLL, SCE):
        with pytest.raises(RuleViolation, match=rule):
            run_op(name, *inputs, **attributes)


@pytest.mark.parametrize("opset", [12, 13])
def test_cross_entropy_is_the_loss_of_the_log_softmax_over_axis_1(opset: int) -> None:
    scores = np.log(np.array([[1, 3], [2, 2]])).astype(np.float32)
    loss, log_prob = run_op(SCE, scores, np.array([0, 1]), opset=opset, reduction="none")
    assert loss == pytest.approx([math.log(4), math.log(2)], rel=1e-6)
    assert log_prob == pytest.approx(np.log(np.array([[0.25, 0.75], [0.5, 0.5]])), rel=1e-6)
    assert run_op(SCE, scores, np.array([0, 1]), opset=opset, outputs=1) == pytest.approx(math.log(8) / 2, rel=1e-6)


def test_cross_entropy_stays_finite_where_the_softmax_underflows() -> None:
    scores = np.array([[1000, 0]], np.float32)
    assert run_op(SCE, scores, np.array([1]), outputs=1) == 1000


def test_cross_entropy_weighs_and_ignores_as_the_likelihood_does() -> None:
    scores = np.zeros((3, 2), np.float32)
    weights = np.array([1, 3], np.float32)
    how: dict[str, Any] = {"outputs": 1, "ignore_index": -7}
    labels = np.array([0, 1, -7])
    assert run_op(SCE, scores, labels, weights, reduction="none", **how) == pytest.approx([math.log(2), 3 * math.log(2), 0], rel=1e-6)
    assert run_op(SCE, scores, labels, weights, **how) == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_bounds_cover_float32_arithmetic(reduction: str, weighted: bool) -> None:
    random = np.random.default_rng(5)
    scores = (random.standard_normal((50, 7)) * 9).astype(np.float32)
    labels = random.integers(0, 7, 50)
    weights = random.random(7).astype(np.float32) + np.float32(0.1)
    given = (weights,) if weighted else ()
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_prob = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    for name, values, count in ((NLL, scores, 1), (SCE, log_prob, 2)):
        share = weights[labels] if weighted else np.ones(50, np.float32)
        loss: Any = -values[np.arange(50), labels] * share
        if reduction != "none":
            loss = np.add.accumulate(loss)[-1] / (np.add.accumulate(share)[-1] if reduction == "mean" else 1)
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in (scores, labels, *given)]
        truth = run_op(name, *wide, reduction=reduction, outputs=1)
        found = bounds(name, scores, labels, *given, opset=13, outputs=count, reduction=reduction)
        assert np.all(np.abs(loss - truth) <= found[0]) and np.all(found[0] < 1e-3 * 50)
        assert len(found) == count
