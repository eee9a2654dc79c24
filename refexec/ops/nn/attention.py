"""Attention."""

from functools import partial

import numpy as np

from refexec.comparison import rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import unidirectional
from refexec.ops.nn.attention_bounds import attention_bound
from refexec.ops.nn.attention_core import attention, attention_steps, mixed
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.types import element_type


@op("Attention", since=25, arithmetic="rounded", compare=rounded(attention_bound))
def attention_25(
    Q, K, V, attn_mask=None, past_key=None, past_value=None, nonpad_kv_seqlen=None, /, *,
    ctx, is_causal=0, kv_num_heads=None, left_window_size=-1, q_num_heads=None, qk_matmul_output_mode=0, right_window_size=-1, scale=None,
    softcap=0.0, softmax_precision=None,
):  # fmt: skip
    """Y = softmax(Q K' * scale + bias) V per head; the bias is the mask, with -inf where a query may not see a key.

    Q is (B, H, S, D), K (B, G, T, D), V (B, G, T, E), H a multiple of G; or all are (B, S, heads * D). The past stands
    before K and V, and both together are returned. Query i stands at position p = i + offset: the length of the past, or
    nonpad_kv_seqlen[b] - S, or 0; it sees keys j <= p if causal, p - left <= j <= p + right, and j < nonpad_kv_seqlen[b].
    With ``softmax_precision`` the softmax is in that type and its result is cast to that of Q; else no step is rounded. A
    query that sees no key gives zeros. ``qk_matmul_output`` is Q K' * scale (mode 0), after softcap (1), with bias (2), or the softmax (3).
    """
    require(0 <= qk_matmul_output_mode <= 3, "qk_matmul_output_mode is from 0 to 3", qk_matmul_output_mode=qk_matmul_output_mode)
    q, k, v, bias = attention_operands(
        Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen,
        q_num_heads=q_num_heads, kv_num_heads=kv_num_heads, is_causal=is_causal, left=left_window_size, right=right_window_size,
    )  # fmt: skip
    casts = softmax_casts(ctx, softmax_precision)
    steps = attention_steps(q, k, bias, scale=checked_scale(scale), softcap=checked_softcap(softcap), casts=casts)
    Y = mixed(steps[3], v)
    return merged(Y) if Q.ndim == 3 else Y, k, v, steps[qk_matmul_output_mode] if ctx.wants(3) else None


def attention_operands(Q, K, V, mask, past_key, past_value, nonpad, *, q_num_heads, kv_num_heads, is_causal, left, right):
    """Q, K and V per head, the past before K and V, and the bias of the scores."""
    q, k, v = by_head(Q, q_num_heads, "Q"), by_head(K, kv_num_heads, "K"), by_head(V, kv_num_heads, "V")
    check_heads(q, k, v)
    k, v, past_length = with_past(k, v, past_key, past_value, nonpad)
    offset = past_length if nonpad is None else nonpad.reshape(-1, 1, 1, 1) - q.shape[2]
    seen = visible(q.shape[2], k.shape[2], offset, is_causal, left, right, nonpad)
    check_mask_length(mask, nonpad)
    return q, k, v, combined(mask, seen, (*q.shape[:3], k.shape[2]), q.dtype)


@op("Attention", since=24, like=attention_25)
def attention_24(Q, K, V, attn_mask=None, past_key=None, past_value=None, nonpad_kv_seqlen=None, /, *, ctx, **attributes):
    """Before version 25: no windows."""
    return attention_25(Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen, ctx=ctx, **attributes)


@op("Attention", since=23, like=attention_25)
def attention_23(Q, K, V, attn_mask=None, past_key=None, past_value=None, /, *, ctx, **attributes):
    """Before version 24: no padded keys, and the mask broadcasts to all keys (from then on it is padded with -inf)."""
    attn_mask = for_all_keys(attn_mask, K, past_key)
    return attention_25(Q, K, V, attn_mask, past_key, past_value, None, ctx=ctx, **attributes)


def for_all_keys(mask, K, past_key):
    """The mask with one value per key, of those of the past too."""
    if mask is None or not mask.ndim or K.ndim <= 2:
        return mask
    keys = K.shape[-2] + (0 if past_key is None else past_key.shape[-2])
    require(mask.shape[-1] in (1, keys), "the mask broadcasts to one value per key", attn_mask=mask.shape, keys=keys)
    return np.broadcast_to(mask, (*mask.shape[:-1], keys))


@lowers(attention_25, outputs=3)
@lowers(attention_24, outputs=3)
def lower_attention(attributes, shapes, prepare=attention_operands):
    """The primitive, and the present keys and values; None where a step is rounded or the body is to refuse."""
    if attributes.get("softmax_precision") is not None or not 0 <= attributes["qk_matmul_output_mode"] <= 3:
        return None
    heads = {name: attributes.get(name) for name in ("q_num_heads", "kv_num_heads", "is_causal")}
    windows = {side: attributes.get(f"{side}_window_size", -1) for side in ("left", "right")}
    operands = partial(prepare, **heads, **windows)
    stand_ins = [None if shape is None else np.broadcast_to(False, shape) for shape in shapes]
    made = operands(*stand_ins, *[None] * (7 - len(shapes)))
    static = {"scale": checked_scale(attributes.get("scale")), "softcap": checked_softcap(attributes["softcap"])}
    if len(shapes[0]) == 4 and not any(shapes[3:]) and made[3] is None:
        return Lowered(attention, (0, 1, 2), static, results=lambda Y, operands: (Y, *operands[1:]))
    merges = len(shapes[0]) == 3
    return Lowered(
        attention, tuple(range(7)), static, operands=operands, shapes=[None if x is None else x.shape for x in made],
        results=lambda Y, operands: (merged(Y) if merges else Y, operands[1], operands[2]),
    )  # fmt: skip


@lowers(attention_23, outputs=3)
def lower_attention_23(attributes, shapes):
    """Before version 24."""
    return lower_attention(attributes, shapes, operands_23)


def operands_23(Q, K, V, mask, past_key, *rest, **attributes):
    """Those of version 23: with a mask for all keys."""
    return attention_operands(Q, K, V, for_all_keys(mask, K, past_key), past_key, *rest, **attributes)


def by_head(x, heads, name):
    """An input as (B, heads, S, D)."""
    require(x.ndim in (3, 4), "Q, K and V are (B, heads, S, D) or (B, S, heads * D)", name=name, shape=x.shape)
    if x.ndim == 4:
        require(heads in (None, x.shape[1]), "the number of heads is that of inputs of rank 4", name=name, heads=heads, shape=x.shape)
        return x
    require(heads is not None, "q_num_heads and kv_num_heads are given for inputs of rank 3", name=name)
    require(heads > 0 and x.shape[2] % heads == 0, "the number of heads divides the last dimension", name=name, heads=heads, shape=x.shape)
    return x.reshape(*x.shape[:2], heads, x.shape[2] // heads).transpose(0, 2, 1, 3)


def merged(y):
    """(B, heads, S, D) as (B, S, heads * D)."""
    batch, heads, steps, size = y.shape
    return y.transpose(0, 2, 1, 3).reshape(batch, steps, heads * size)


def check_heads(q, k, v):
    """What Q (B, H, S, D), K (B, G, T, D) and V (B, G, T, E) have in common."""
    shapes = {"Q": q.shape, "K": k.shape, "V": v.shape}
    require(q.shape[0] == k.shape[0] == v.shape[0], "Q, K and V have one batch size", **shapes)
    require(q.shape[3] == k.shape[3], "Q and K have one head size", **shapes)
    require(k.shape[1:3] == v.shape[1:3], "K and V have the same heads and length", **shapes)
    require(k.shape[1] > 0 and q.shape[1] % k.shape[1] == 0, "q_num_heads is a multiple of kv_num_heads", **shapes)


def with_past(k, v, past_key, past_value, nonpad):
    """Keys and values after those of the past, and the length P of the past, 0 without one."""
    require((past_key is None) == (past_value is None), "past_key and past_value are used together")
    if nonpad is not None:
        require(past_key is None, "nonpad_kv_seqlen is not used together with past_key")
        valid = nonpad.shape == k.shape[:1] and np.all((nonpad >= 0) & (nonpad <= k.shape[2]))
        require(valid, "nonpad_kv_seqlen has one length per sample, from 0 to the length of K", nonpad_kv_seqlen=nonpad, K=k.shape)
    if past_key is None:
        return k, v, 0
    batch, heads, _, key_size = k.shape
    P = past_key.shape[2] if past_key.ndim == 4 else None
    fits = past_key.shape == (batch, heads, P, key_size) and past_value.shape == (batch, heads, P, v.shape[3])
    require(fits, "the past is (B, heads, P, D) like K and V", past_key=past_key.shape, past_value=past_value.shape, K=k.shape, V=v.shape)
    return np.concatenate([past_key, k], axis=2), np.concatenate([past_value, v], axis=2), P


def check_mask_length(mask, nonpad):
    """The mask has a value for each key that is not padding; what it is shorter than K is masked."""
    if mask is not None and mask.ndim > 0 and nonpad is not None:
        long_enough = mask.shape[-1] >= nonpad.max(initial=0)
        require(long_enough, "the mask is at least as long as the valid keys", attn_mask=mask.shape, nonpad_kv_seqlen=nonpad)


def visible(queries, keys, offset, is_causal, left, right, nonpad):
    """Which key j each query at position p sees, as booleans that broadcast to (B, 1, S, T); None for all.

    ``offset`` is a number or (B, 1, 1, 1).
    """
    require(left >= -1 and right >= -1, "a window size is -1 or not negative", left_window_size=left, right_window_size=right)
    if not is_causal and left < 0 and right < 0 and nonpad is None:
        return None
    p = np.arange(queries)[:, None] + offset
    j = np.arange(keys)
    rules = []
    if is_causal:
        rules.append(j <= p)
    if left >= 0:
        rules.append(p - left <= j)
    if right >= 0:
        rules.append(j <= p + right)
    if nonpad is not None:
        rules.append(j < nonpad.reshape(-1, 1, 1, 1))
    return np.logical_and.reduce(np.broadcast_arrays(*rules))


def combined(mask, seen, shape, dtype):
    """The bias of the scores of ``shape`` (B, H, S, T): the mask, padded with -inf along the keys, plus -inf where not ``seen``."""
    hidden = dtype.type(-np.inf)
    if mask is None:
        return None if seen is None else np.where(seen, dtype.type(0), hidden)
    bias = np.where(mask, dtype.type(0), hidden) if mask.dtype == bool else mask.astype(dtype)
    missing = shape[-1] - mask.shape[-1] if mask.ndim else 0
    if missing > 0:
        claim((*mask.shape[:-1], shape[-1]), dtype)
        bias = np.concatenate([bias, np.full((*mask.shape[:-1], missing), hidden, dtype)], axis=-1)
    unidirectional(bias, shape, name="attn_mask")
    bias = np.broadcast_to(bias, (*bias.shape[:-1], shape[-1]))  # a scalar too has an axis of keys from here on
    return bias if seen is None else bias + np.where(seen, dtype.type(0), hidden)


def checked_scale(scale):
    """``scale``, of which the root is taken; None for 1 / sqrt(head size)."""
    require(scale is None or scale >= 0, "scale is not negative: Q and K are multiplied by its square root", scale=scale)
    return scale


def checked_softcap(softcap):
    """``softcap``, which is not negative."""
    require(softcap >= 0, "softcap is not negative", softcap=softcap)
    return softcap


def softmax_casts(ctx, precision):
    """The dtypes in this run that the softmax is computed in and that its result is cast to; None where it is not rounded."""
    return None if precision is None else (working_dtype(ctx, precision), ctx.zeros((), ctx.output_types[0].elem).dtype)


def working_dtype(ctx, precision):
    """The dtype in this run of ``softmax_precision``, a number of TensorProto.DataType."""
    require(precision in (1, 10, 11, 16), "softmax_precision is FLOAT, FLOAT16, DOUBLE or BFLOAT16", softmax_precision=precision)
    return ctx.zeros((), element_type(precision)).dtype
