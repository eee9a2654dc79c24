"""RotaryEmbedding."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.ops.common import in_range
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def rotation_bound(call: Call):
    """Two products and their sum, each rounded: 3 roundoffs of |a cos| + |b sin|.

    That is what one half of the pair gives on magnitudes, the other half with the sine negated: no more than both together.
    """
    X, cos, sin, *rest = call.inputs
    dtype = call.elements[0].dtype
    turned = [np.abs(call.evaluate(np.abs(X), np.abs(cos), sign * np.abs(sin), *rest)[0]) for sign in (1, -1)]
    return (3 * unit_roundoff(dtype) * sum(turned) + smallest_subnormal(dtype),)


@op("RotaryEmbedding", since=23, arithmetic="rounded", compare=rounded(rotation_bound))
def rotary_embedding_23(X, cos_cache, sin_cache, position_ids=None, /, *, interleaved=0, num_heads=None, rotary_embedding_dim=0):
    """(a, b) -> (a cos - b sin, a sin + b cos) per pair of a head's elements, by the angles of the token's position.

    A pair is an element of the first half and one of the second, or with ``interleaved`` two neighbours. Only the first
    ``rotary_embedding_dim`` elements of a head turn, all when it is 0. X is (B, heads, S, D), or (B, S, heads * D) with
    ``num_heads``. Cosines are (positions, pairs) with ``position_ids`` (B, S), else (B, S, pairs).
    """
    x = tokens_first(X, num_heads)
    batch, steps, _, size = x.shape
    turning = rotary_embedding_dim or size
    require(
        turning % 2 == 0 and 0 < turning <= size,
        "an even number of elements is rotated, at most all of a head",
        rotated=turning,
        head_size=size,
    )
    cos, sin = (angles(cache, position_ids, (batch, steps, turning // 2)) for cache in (cos_cache, sin_cache))
    a, b = (x[..., 0:turning:2], x[..., 1:turning:2]) if interleaved else np.split(x[..., :turning], 2, axis=-1)
    pair = a * cos - b * sin, a * sin + b * cos
    turned = np.stack(pair, axis=-1).reshape(*x.shape[:3], turning) if interleaved else np.concatenate(pair, axis=-1)
    y = np.concatenate([turned, x[..., turning:]], axis=-1)
    return y.reshape(X.shape) if X.ndim == 3 else y.transpose(0, 2, 1, 3)


def tokens_first(X, num_heads):
    """X as (B, S, heads, D)."""
    require(X.ndim in (3, 4), "X is (B, S, hidden) or (B, heads, S, D)", X=X.shape)
    if X.ndim == 4:
        return X.transpose(0, 2, 1, 3)
    require(num_heads is not None, "num_heads is given for X of rank 3")
    require(num_heads > 0 and X.shape[2] % num_heads == 0, "num_heads divides the last dimension of X", num_heads=num_heads, X=X.shape)
    return X.reshape(*X.shape[:2], num_heads, X.shape[2] // num_heads)


def angles(cache, position_ids, shape):
    """The cosines or sines of each token, as (B, S, 1, pairs)."""
    if position_ids is not None:
        require(cache.ndim == 2, "with position_ids a cache is (positions, pairs)", cache=cache.shape)
        cache = cache[in_range(position_ids, cache.shape[0])]
    require(cache.shape == shape, "there is a cosine and a sine per token and pair", cache=cache.shape, tokens_and_pairs=shape)
    return cache[:, :, None, :]
