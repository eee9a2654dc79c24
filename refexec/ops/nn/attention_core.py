"""The attention core: the primitive that Attention is written in, and its steps."""

import numpy as np

from refexec.limits import claim
from refexec.ops.common import Array
from refexec.ops.math.exponential import exp
from refexec.ops.math.matmul import matmul
from refexec.ops.math.trigonometry import tanh
from refexec.primitives import primitive
from refexec.values import round_quietly, widen


@primitive
def attention(Q: Array, K: Array, V: Array, bias: Array | None = None, *, scale: float | None, softcap: float):
    """Y = softmax(softcap * tanh(Q K' scale / softcap) + bias) V, without the tanh when ``softcap`` is 0.

    Q is (B, H, S, D), K (B, G, T, D) and V (B, G, T, E); consecutive H / G heads of Q share one of K and V. ``bias``
    broadcasts to (B, H, S, T). A ``scale`` of None is 1 / sqrt(D).
    """
    return mixed(attention_steps(Q, K, bias, scale=scale, softcap=softcap)[3], V)


def attention_steps(Q: Array, K: Array, bias: Array | None, *, scale: float | None, softcap: float, casts=None):
    """The scores of ``attention`` step by step, each (B, H, S, T): the products, after softcap, after the bias, the probabilities.

    ``casts`` are the dtypes that the softmax is computed in and that its result is cast to; None rounds neither.
    """
    products = scores(Q, K, scale)
    capped = softcap * tanh(products / softcap) if softcap else products
    biased = capped if bias is None else capped + bias
    P = softmax(biased) if casts is None else cast_softmax(biased, *casts)
    if bias is not None:  # a query that may see no key gets nothing, whatever its scores are
        P = np.where(np.max(bias, axis=-1, keepdims=True, initial=-np.inf) == -np.inf, 0, P)
    return products, capped, biased, P


def scores(Q: Array, K: Array, scale: float | None) -> Array:
    """Q K' scale as (B, H, S, T); a ``scale`` of None is 1 / sqrt(D).

    The specification multiplies Q and K each by the root of ``scale``, so that less overflows.
    """
    B, H, S, D = Q.shape
    G, T = K.shape[1], K.shape[2]
    root = Q.dtype.type(root_of(scale, D))
    claim((B, H, S, T), Q.dtype)
    queries = (Q * root).reshape(B, G, H // G, S, D)
    keys = (K * root).swapaxes(2, 3).reshape(B, G, 1, D, T)
    return matmul(queries, keys).reshape(B, H, S, T)


def root_of(scale: float | None, D: int):
    """What Q and K are each multiplied by."""
    return np.longdouble(D) ** -0.25 if scale is None else np.sqrt(np.longdouble(scale))


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along the last axis, rounded once to the type of ``x``. NaN where a row is -inf throughout."""
    e = exp(wide(x) - np.max(wide(x), axis=-1, keepdims=True, initial=-np.inf))  # at most 1: no overflow
    return rounded_to(e / matmul(e, np.ones((e.shape[-1], 1), e.dtype)), x.dtype)


def cast_softmax(x: Array, precision, result) -> Array:
    """The softmax in the dtype ``precision``, cast to the dtype ``result`` and widened again for the product with V."""
    P = softmax(rounded_to(x, precision))
    return wide(rounded_to(wide(P), result))


def mixed(P: Array, V: Array) -> Array:
    """The values V (B, G, T, E) weighted by ``P`` (B, H, S, T): (B, H, S, E)."""
    B, H, S, T = P.shape
    G, E = V.shape[1], V.shape[3]
    claim((B, H, S, E), P.dtype)
    weights, values = P.reshape(B, G, H // G, S, T), V[:, :, None]
    return matmul(weights, values).reshape(B, H, S, E)


def wide(x: Array) -> Array:
    """Floats narrower than 64 bits as float64."""
    return x if x.dtype.kind == "f" and x.dtype.itemsize >= 8 else widen(x)


def rounded_to(x: Array, dtype) -> Array:
    """``x`` rounded once to ``dtype``, which may be long double."""
    return x.astype(dtype, copy=False) if dtype.itemsize > 8 else round_quietly(x, dtype)
