"""Opspecs of attention."""

from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import BOOL, INT64, ElementType


def packed(d: Draw, elem: ElementType, batch: int, heads: int, length: int, size: int, flat: bool) -> Operand:
    """(B, heads, length, size), or with ``flat`` (B, length, heads * size)."""
    return d.tensor(elem, (batch, length, heads * size) if flat else (batch, heads, length, size))


def mask_shape(d: Draw, sizes: tuple[int, ...], least: int) -> tuple[int, ...]:
    """A shape that broadcasts to ``sizes``, but for the last axis, which may have no more than ``least`` values."""
    wide = [n if d.integer(0, 3) < 3 else 1 for n in sizes[:-1]][d.integer(0, 2) :]
    return (*wide, sizes[-1] - d.integer(0, max(sizes[-1] - max(least, 2), 0)))


@opspec("Attention", 23, 24, 25)
def attention(d: Draw) -> None:
    """The past and the present occur together. A mask is boolean, or has the type of Q.

    The lengths of what is no padding take the place of the past, and let the mask be shorter; so does version 25 in any case.
    """
    q_elem, v_elem = d.elem("T1"), d.elem("T2")
    batch, kv_heads, repeats, queries, keys = (d.pick([1, 2]), d.pick([1, 2, 3]), d.pick([1, 2]), d.integer(1, 4), d.integer(1, 5))
    size, v_size, heads = d.integer(1, 4), d.integer(1, 4), kv_heads * repeats
    flat = d.flag()
    q = packed(d, q_elem, batch, heads, queries, size, flat)
    k = packed(d, q_elem, batch, kv_heads, keys, size, flat)
    v = packed(d, v_elem, batch, kv_heads, keys, v_size, flat)
    if flat:
        d.set("q_num_heads", heads)
        d.set("kv_num_heads", kv_heads)
    cache = d.pick(["none", "past", "outside"] if d.since >= 24 else ["none", "past"])
    valid = [d.integer(0, keys) for _ in range(batch)] if cache == "outside" else []
    past = d.integer(1, 3) if cache == "past" else 0
    total = past + keys
    least = max(valid) if valid else 0 if d.since >= 25 else total
    mask = d.optional(lambda: d.tensor(d.elem("U", [BOOL, q_elem]), mask_shape(d, (batch, heads, queries, total), least)))
    past_key = d.tensor(q_elem, (batch, kv_heads, past, size)) if past else None
    past_value = d.tensor(v_elem, (batch, kv_heads, past, v_size)) if past else None
    nonpad = d.constant(valid) if valid else None
    d.attr("is_causal", [1, 0])
    d.attr("scale", [0.5, 1.0])
    d.attr("softcap", [2.0, 0.5])
    d.attr("softmax_precision", [1, 11, 10, 16])
    d.attr("qk_matmul_output_mode", [0, 1, 2, 3])
    d.attr("left_window_size", [0, 1, 2, -1])
    d.attr("right_window_size", [0, 1, 2, -1])
    present = [Out(q_elem, (batch, kv_heads, total, size)), Out(v_elem, (batch, kv_heads, total, v_size))] if past else [None, None]
    products = Out(q_elem, (batch, heads, queries, total)) if d.flag() else None
    shape = (batch, queries, heads * v_size) if flat else (batch, heads, queries, v_size)
    d.emit([q, k, v, mask, past_key, past_value, nonpad], Out(q_elem, shape), *present, products)


@opspec("LinearAttention", 27)
def linear_attention(d: Draw) -> None:
    """Keys are small, as those of the delta rules should be; a decay is negative, so that no state grows.

    Without a past nothing tells the type of the state: it is then that of the query, as the inference of onnx has it.
    """
    elem, stateful = d.elem("T"), d.flag()
    state = d.elem("S") if stateful else elem
    batch, length, kv_heads, repeats = d.pick([1, 2]), d.integer(1, 4), d.pick([1, 2, 3]), d.pick([1, 2])
    size, v_size, heads = d.integer(1, 4), d.integer(1, 4), kv_heads * repeats
    query = d.tensor(elem, (batch, length, heads * size))
    key = d.tensor(elem, (batch, length, kv_heads * size), (-0.5, 0.5))
    value = d.tensor(elem, (batch, length, kv_heads * v_size))
    states = (batch, kv_heads, size, v_size)
    past = d.tensor(state, states) if stateful else None
    d.set("q_num_heads", heads)
    d.set("kv_num_heads", kv_heads)
    rule = d.attr("update_rule", ["linear", "gated", "delta", "gated_delta"], "gated_delta")
    gated, delta = rule.startswith("gated"), rule.endswith("delta")
    decay = d.tensor(elem, (batch, length, kv_heads * d.pick([1, size])), (-2, 0)) if gated else None
    beta = d.tensor(elem, (batch, length, d.pick([kv_heads, 1])), (0, 1)) if delta else None
    d.attr("scale", [0.5, 1.0])
    d.attr("chunk_size", [1, 2, 64])
    d.emit([query, key, value, past, decay, beta], Out(elem, (batch, length, heads * v_size)), Out(state, states))


@opspec("RotaryEmbedding", 23)
def rotary_embedding(d: Draw) -> None:
    elem, flat = d.elem("T"), d.flag()
    batch, heads, length, size = d.pick([1, 2]), d.integer(1, 3), d.integer(1, 4), 2 * d.integer(1, 3)
    x = packed(d, elem, batch, heads, length, size, flat)
    if flat:
        d.set("num_heads", heads)
    d.attr("interleaved", [1, 0])
    pairs = (d.attr("rotary_embedding_dim", range(2, size + 1, 2), 0) or size) // 2
    positions = d.integer(1, 4) if d.flag() else 0
    angles = (positions, pairs) if positions else (batch, length, pairs)
    cos, sin = d.tensor(elem, angles, (-1, 1)), d.tensor(elem, angles, (-1, 1))
    ids = d.fresh(INT64, (batch, length), (0, positions - 1)) if positions else None
    d.emit([x, cos, sin, ids], Out(elem, x.shape))
