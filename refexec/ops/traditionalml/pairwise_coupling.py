"""Class probabilities from the probabilities of pairs of classes."""

import numpy as np

from refexec.ops.common import Array
from refexec.ops.math.matmul import matmul
from refexec.ops.reduction.over import total
from refexec.ops.traditionalml.scores import transformed

SWEEPS = 100
LEAST = 1e-7


def probabilities(arguments: Array, classes: int, pairs) -> Array:
    """[N, classes]: r[i, j] = 1 / (1 + exp(argument of the pair)) is the probability of i against j; p minimises the sum over pairs
    of (r[j, i] p[i] - r[i, j] p[j]) ** 2. Of two classes that is 0 where p[0] = r[0, 1].

    Source: Wu, Lin and Weng, Probability Estimates for Multi-class Classification by Pairwise Coupling, algorithm 2, with
    LIBSVM's stopping rule, and as in LIBSVM only for three and more classes.
    """
    r = np.zeros((len(arguments), classes, classes), arguments.dtype)
    for column, (i, j) in enumerate(pairs):
        r[:, i, j] = np.clip(transformed(-arguments[:, column], "LOGISTIC"), LEAST, 1 - LEAST)
        r[:, j, i] = 1 - r[:, i, j]
    if classes == 2:
        return total(r, 2)
    Q = -r * r.transpose(0, 2, 1)
    diagonal = np.arange(classes)
    Q[:, diagonal, diagonal] = total(np.square(r), 1)
    p = np.full(r.shape[:2], 1 / classes, arguments.dtype)
    for _ in range(SWEEPS):
        Qp = matmul(Q, p[:, :, None])[:, :, 0]
        pQp = total(p * Qp, 1)
        open_ = np.abs(Qp - pQp[:, None]).max(axis=1, initial=0) >= 0.005 / classes
        if not open_.any():
            break
        p[open_] = swept(Q[open_], p[open_], Qp[open_], pQp[open_])
    return p


def swept(Q: Array, p: Array, Qp: Array, pQp: Array) -> Array:
    """``p`` after one step for each class in turn."""
    for t in range(p.shape[1]):
        step = (pQp - Qp[:, t]) / Q[:, t, t]
        p[:, t] += step
        pQp = (pQp + step * (step * Q[:, t, t] + 2 * Qp[:, t])) / (1 + step) ** 2
        Qp = (Qp + step[:, None] * Q[:, t]) / (1 + step[:, None])
        p = p / (1 + step[:, None])
    return p
