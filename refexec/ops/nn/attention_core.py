"""The attention core: the primitive that Attention is written in, and its steps.

Steps are rounded to the type of the queries, as the function body of the operator does; sums are wide.
"""

import numpy as np

from refexec.limits import claim
from refexec.ops.common import Array
from refexec.primitives import primitive
from refexec.values import round_to, widen


@primitive
def attention(Q: Array, K: Array, V: Array, bias: Array | None = None, *, scale: float | None, softcap: float, precision, stage):
    """Y = softmax(softcap * tanh(Q K' scale / softcap) + bias) V, without the tanh when ``softcap`` is 0.

    Q is (B, H, S, D), K (B, G, T, D) and V (B, G, T, E); consecutive H / G heads of Q share one of K and V. ``bias``
    broadcasts to (B, H, S, T). A ``scale`` of None is 1 / sqrt(D). The softmax has dtype ``precision``. Returns Y and what
    ``stage`` asks for, all (B, H, S, T): 0 the products, 1 after softcap, 2 after the bias, 3 the probabilities, None nothing.
    """
    products = scores(Q, K, scale)
    capped = softcapped(products, softcap)
    biased = capped if bias is None else capped + bias
    P = rounded_to(softmax(rounded_to(wide(biased), precision)), Q.dtype)
    if bias is not None:  # a query that may see no key gets nothing, whatever its scores are
        P = np.where(np.max(wide(bias), axis=-1, keepdims=True, initial=-np.inf) == -np.inf, P.dtype.type(0), P)
    Y = rounded_to(mixed(P, V), Q.dtype)
    return Y, None if stage is None else (products, capped, biased, P)[stage]


def scores(Q: Array, K: Array, scale: float | None) -> Array:
    """Q K' scale, the root of ``scale`` multiplied to either side first so that less overflows; None is 1 / sqrt(D)."""
    B, H, S, D = Q.shape
    root = rounded_to(np.longdouble(D) ** -0.25 if scale is None else np.sqrt(np.longdouble(scale)), Q.dtype)
    G, T = K.shape[1], K.shape[2]
    claim((B, H, S, T), Q.dtype)
    grouped = wide(Q * root).reshape(B, G, H // G, S, D)
    keys = wide(K * root).swapaxes(2, 3)[:, :, None]
    return rounded_to(np.matmul(grouped, keys), Q.dtype).reshape(B, H, S, T)


def softcapped(x: Array, softcap: float) -> Array:
    """softcap * tanh(x / softcap), or ``x`` when ``softcap`` is 0."""
    if not softcap:
        return x
    cap = rounded_to(np.float64(softcap), x.dtype)
    return rounded_to(np.tanh(wide(x / cap)), x.dtype) * cap


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along the last axis, in the type of ``x``; over no element nothing."""
    e = np.exp(wide(x) - np.max(wide(x), axis=-1, keepdims=True, initial=-np.inf))
    return rounded_to(e / e.sum(axis=-1, keepdims=True), x.dtype)


def mixed(P: Array, V: Array) -> Array:
    """The values weighted by ``P`` (B, H, S, T), wide."""
    B, H, S, T = P.shape
    G, E = V.shape[1], V.shape[3]
    claim((B, H, S, E), P.dtype)
    return np.matmul(wide(P).reshape(B, G, H // G, S, T), wide(V)[:, :, None]).reshape(B, H, S, E)


def wide(x: Array) -> Array:
    """Floats narrower than 64 bits as float64."""
    return x if x.dtype.kind == "f" and x.dtype.itemsize >= 8 else widen(x)


def rounded_to(x: Array, dtype) -> Array:
    """``x`` rounded once to ``dtype``, which may be long double."""
    return x.astype(dtype, copy=False) if dtype.itemsize > 8 else round_to(x, dtype)
