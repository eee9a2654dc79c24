"""Opspecs of the likelihood losses."""

from refexec.opspec import Draw, Out, opspec


@opspec("NegativeLogLikelihoodLoss", 12, 13, 22)
@opspec("SoftmaxCrossEntropyLoss", 12, 13)
def likelihood_loss(d: Draw) -> None:
    """Labels are classes, or ``ignore_index``, which may be one too."""
    scores = d.input("T", (2, 4))
    classes = scores.sizes[1]
    shape = (scores.sizes[0], *scores.sizes[2:])
    ignored = d.attr("ignore_index", [-1, 0, classes], 0)
    labels = d.tensor(d.elem("Tind"), shape, (min(ignored, 0), max(ignored, classes - 1)))
    weights = d.optional(lambda: d.tensor(scores.elem, (classes,), (0.25, 4)))
    reduction = d.attr("reduction", ["mean", "sum", "none"])
    loss = Out(scores.elem, shape if reduction == "none" else ())
    log_prob = len(d.signature.outputs) > 1 and d.flag()
    d.emit([scores, labels, weights], loss, Out(scores.elem, scores.shape) if log_prob else None)
