"""LinearAttention."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array
from refexec.ops.math.exponential import exp
from refexec.ops.math.matmul import matmul
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff

RULES = ("linear", "gated", "delta", "gated_delta")


def recurrence_bound(call: Call):
    """Roundoffs of the largest value: 4 per step that the state has passed, and the sums over a head.

    For keys of length 1 and update rates up to 1, as the operator is meant to be used: the steps then enlarge no error.
    """
    steps = call.inputs[0].shape[1]
    size = call.inputs[1].shape[2] // call.attributes["kv_num_heads"]
    largest = [np.where(np.isfinite(y), np.abs(y), 0).max(initial=0.0) for y in call.outputs]
    return tuple(
        (4 * steps + size + 16) * unit_roundoff(e.dtype) * top + smallest_subnormal(e.dtype) * np.ones_like(y)
        for e, y, top in zip(call.elements, call.outputs, largest, strict=True)
    )


def state_types(attributes, inputs):
    """The new state has the type of the old one, without one that of the query."""
    return inputs[0], inputs[3] if len(inputs) > 3 and inputs[3] is not None else inputs[0]


@op("LinearAttention", since=27, arithmetic="rounded", compare=rounded(recurrence_bound), result_types=state_types)
def linear_attention_27(
    query, key, value, past_state=None, decay=None, beta=None, /, *,
    ctx, chunk_size=64, kv_num_heads, q_num_heads, scale=0.0, update_rule="gated_delta",
):  # fmt: skip
    """Per token: S = exp(decay) * S, then S = S + outer(k, written), then output = scale * q S.

    ``written`` is v, in the delta rules beta * (v - k S). S is (dk, dv) per sample and key head, zero at first; query heads share
    the state of their group. Decay is per head or per key dimension; the rules without "gated" have none. A ``scale`` of 0 is
    1 / sqrt(dk). ``chunk_size`` changes nothing.
    """
    require(update_rule in RULES, "update_rule is linear, gated, delta or gated_delta", update_rule=update_rule)
    require(
        kv_num_heads > 0 and q_num_heads > 0 and q_num_heads % kv_num_heads == 0,
        "q_num_heads is a positive multiple of kv_num_heads",
        q_num_heads=q_num_heads,
        kv_num_heads=kv_num_heads,
    )
    q, k, v = (heads(x, n) for x, n in ((query, q_num_heads), (key, kv_num_heads), (value, kv_num_heads)))
    batch, steps, _, dk = k.shape
    dv = v.shape[3]
    fits = q.shape == (batch, steps, q_num_heads, dk) and v.shape[:2] == (batch, steps)
    require(fits, "query, key and value have one batch, one length and head sizes that fit", query=q.shape, key=k.shape, value=v.shape)
    gated, delta = "gated" in update_rule, "delta" in update_rule
    if gated:
        decay = per_token(decay, "decay", (kv_num_heads, kv_num_heads * dk), (batch, steps), kv_num_heads)
    if delta:
        beta = per_token(beta, "beta", (kv_num_heads, 1), (batch, steps))
    S = np.zeros((batch, kv_num_heads, dk, dv), query.dtype) if past_state is None else past_state
    require(S.shape == (batch, kv_num_heads, dk, dv), "past_state is (batch, heads, dk, dv)", past_state=S.shape)
    groups = q.reshape(batch, steps, kv_num_heads, q_num_heads // kv_num_heads, dk)
    claim((batch, steps, q_num_heads * dv), query.dtype)
    output = np.zeros((*groups.shape[:4], dv), query.dtype)
    for t in range(steps):
        ctx.trip(t + 1)
        row, column = k[:, t, :, None, :], k[:, t, :, :, None]  # the key as (1, dk) and (dk, 1)
        if gated:
            S = exp(decay[:, t, ..., None]) * S
        written = v[:, t, :, None, :]
        if delta:
            written = beta[:, t, ..., None] * (written - matmul(row, S))
        S = S + column * written
        output[:, t] = matmul(groups[:, t], S)
    scale = scale or 1 / np.sqrt(query.dtype.type(dk))
    return scale * output.reshape(batch, steps, q_num_heads * dv), S


def heads(x: Array, count: int) -> Array:
    """(B, T, heads * D) as (B, T, heads, D)."""
    require(x.ndim == 3 and x.shape[2] % count == 0, "query, key and value are (B, T, heads * D)", shape=x.shape, heads=count)
    return x.reshape(*x.shape[:2], count, x.shape[2] // count)


def per_token(x, name, sizes, tokens, count=None):
    """Decay or beta as (B, T, heads or 1, dk or 1). Its last dimension is one of ``sizes``: ``count`` heads, or one value per head."""
    require(x is not None, "the update rule needs this input", name=name)
    fits = x.ndim == 3 and x.shape[:2] == tokens and x.shape[2] in sizes
    require(fits, "decay and beta are (B, T, heads), decay also (B, T, heads * dk), beta also (B, T, 1)", name=name, shape=x.shape)
    count = count or x.shape[2]
    return x.reshape(*tokens, count, x.shape[2] // count)
