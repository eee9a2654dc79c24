"""TopK."""

import numpy as np

from refexec.comparison import Call, discrete
from refexec.errors import require
from refexec.ops.common import normalize_axis, scalar
from refexec.registry import op
from refexec.values import widen


def gaps(call: Call):
    """How far each chosen value is from the next in order on either side: where errors exceed that, the order may differ."""
    X, values, axis = call.inputs[0].astype(np.float64), call.outputs[0], call.attributes["axis"]
    ordered = np.moveaxis(np.sort(X, axis), axis, -1)
    if call.attributes.get("largest", 1):
        ordered = np.flip(ordered, -1)
    edge = np.full((*ordered.shape[:-1], 1), np.inf)
    steps = np.concatenate([edge, np.abs(np.diff(ordered, axis=-1)), edge], axis=-1)[..., : values.shape[axis] + 1]
    return np.moveaxis(np.minimum(steps[..., :-1], steps[..., 1:]), -1, axis)


@op("TopK", since=11, also=(24,), arithmetic="exact", compare=discrete(gaps))
def top_k_11(X, K, /, *, axis=-1, largest=1, sorted=1):
    """The K largest (or least) values along ``axis`` in order, and their indices. Of equal values the lower index comes first.

    Without ``sorted`` the order is not specified; here it is the same. NaN is not specified; here it is larger than all.
    """
    axis = normalize_axis(axis, X.ndim)
    k = scalar(K, "K")
    require(0 <= k <= X.shape[axis], "K is not negative and at most the size of axis", K=k, axis=axis, X=X.shape)
    Indices = np.take(order(X, axis, largest), np.arange(k), axis=axis)
    return np.take_along_axis(X, Indices, axis), Indices


def order(X, axis, largest):
    """The indices that sort ``axis``, equal values by index. A descending order is a stable ascending one of the reversed
    axis, read from the end."""
    keys = widen(X)
    if not largest:
        return np.argsort(keys, axis=axis, kind="stable").astype(np.int64)
    last = X.shape[axis] - 1
    return np.flip(last - np.argsort(np.flip(keys, axis), axis=axis, kind="stable"), axis).astype(np.int64)


@op("TopK", since=10, like=top_k_11)
def top_k_10(X, K, /, *, axis=-1):
    """Before version 11: the largest, in order."""
    return top_k_11(X, K, axis=axis)


@op("TopK", since=1, like=top_k_11)
def top_k_1(X, /, *, axis=-1, k):
    """Before version 10: K is an attribute, and positive."""
    require(k > 0, "k is positive", k=k)
    return top_k_11(X, np.array([k]), axis=axis)
