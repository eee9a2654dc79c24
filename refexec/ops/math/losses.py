"""NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.ops.common import Array
from refexec.ops.math.softmax import log_softmax
from refexec.ops.reduction.over import total
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def reduced_bound(call: Call, samples: Array, errors: Array, weights: Array) -> Array:
    """The error of the loss from the losses of the samples, how wrong each may be, and their weights: a sum adds one roundoff
    per term, a mean divides two sums."""
    u = unit_roundoff(call.elements[0].dtype)
    reduction, count, tiny = call.attributes["reduction"], samples.size + 2, smallest_subnormal(call.elements[0].dtype)
    if reduction == "none":
        return errors + tiny
    summed = errors.sum() + count * u * np.abs(samples).sum()
    if reduction == "sum":
        return summed + tiny
    divisor = np.abs(weights.sum())
    return (summed + count * u * np.abs(weights).sum() * np.abs(call.outputs[0])) / divisor + tiny


def likelihood_bound(call: Call):
    input, *rest = call.inputs
    (samples,) = call.evaluate(input, *rest, reduction="none")
    (weights,) = call.evaluate(np.full_like(input, -1), *rest, reduction="none")
    return (reduced_bound(call, samples, 2 * unit_roundoff(call.elements[0].dtype) * np.abs(samples), weights),)


@op("NegativeLogLikelihoodLoss", since=12, also=(13, 22), arithmetic="rounded", compare=rounded(likelihood_bound))
def negative_log_likelihood_loss_12(input, target, weight=None, /, *, ignore_index=None, reduction="mean"):
    """loss[n, d...] = -input[n, target[n, d...], d...] * weight[target[n, d...]], then its sum, or its mean by weight.

    A sample whose target is ``ignore_index`` has loss 0 and no weight. The mean over no weight at all is NaN.
    """
    return likelihood_loss(input, target, weight, ignore_index, reduction)


def likelihood_loss(log_prob: Array, target: Array, weight: Array | None, ignore_index: int | None, reduction: str) -> Array:
    require(log_prob.ndim >= 2, "the scores are [N, C] or [N, C, d1, ...]", scores=log_prob.shape)
    classes = log_prob.shape[1]
    expected = (log_prob.shape[0], *log_prob.shape[2:])
    require(target.shape == expected, "there is one target per sample: [N] or [N, d1, ...]", target=target.shape, expected=expected)
    require(weight is None or weight.shape == (classes,), "weight has one value per class", weight=weight, classes=classes)
    require(reduction in ("none", "sum", "mean"), "reduction is none, sum or mean", reduction=reduction)
    counted = np.full(target.shape, True) if ignore_index is None else target != ignore_index
    known = ~counted | ((target >= 0) & (target < classes))
    require(np.all(known), "a target is a class in [0, C) or ignore_index", classes=classes, ignore_index=ignore_index)
    n, *rest = np.nonzero(counted)
    label = target[counted]
    share, loss = np.zeros((2, *target.shape), log_prob.dtype)
    share[counted] = 1 if weight is None else weight[label]
    loss[counted] = -log_prob[(n, label, *rest)] * share[counted]
    if reduction == "none":
        return loss
    return total(loss) if reduction == "sum" else total(loss) / total(share)


def cross_entropy_bound(call: Call):
    """The logarithm of a softmax is off by its own bound; the loss sums it as NegativeLogLikelihoodLoss does."""
    scores, *rest = call.inputs
    u = unit_roundoff(call.elements[0].dtype)
    spread = np.where(np.isfinite(scores), np.abs(scores), 0).max(initial=0.0)
    log_prob = log_softmax(scores, axis=1)
    logarithm = (2 * spread + scores.shape[1] + 8 + np.abs(log_prob)) * u
    none = {"reduction": "none", "ignore_index": call.attributes.get("ignore_index")}
    weight = rest[1] if len(rest) > 1 else None
    samples = likelihood_loss(log_prob, rest[0], weight, **none)
    errors = likelihood_loss(-logarithm, rest[0], None if weight is None else np.abs(weight), **none) + 2 * u * np.abs(samples)
    weights = likelihood_loss(np.full_like(log_prob, -1), rest[0], weight, **none)
    return (reduced_bound(call, samples, errors, weights), logarithm)[: len(call.outputs)]


@op("SoftmaxCrossEntropyLoss", since=12, also=(13,), arithmetic="rounded", compare=rounded(cross_entropy_bound))
def softmax_cross_entropy_loss_12(scores, labels, weights=None, /, *, ctx, ignore_index=None, reduction="mean"):
    """The negative log likelihood loss of log_prob = log(softmax(scores)) over axis 1; log_prob is the second output."""
    require(scores.ndim >= 2, "the scores are [N, C] or [N, C, D1, ...]", scores=scores.shape)
    log_prob = log_softmax(scores, axis=1)
    output = likelihood_loss(log_prob, labels, weights, ignore_index, reduction)
    return (output, log_prob) if ctx.wants(1) else output
