"""How far two correct implementations of attention may be apart."""

import numpy as np

from refexec.comparison import Call
from refexec.types import element_type
from refexec.values import smallest_subnormal, unit_roundoff


def attention_bound(call: Call):
    """The error of a score is (D + 8) roundoffs of its terms' magnitudes; exp makes it a relative error of a probability,
    to which the T terms of the sum and of the mixture add theirs. The present keys and values are moved, not computed."""
    Q, K, V, mask, past_key, past_value, *_ = (*call.inputs, *(None,) * 7)[:7]
    a = call.attributes
    q, k, v = (split(x, a.get(n)) for x, n in ((Q, "q_num_heads"), (K, "kv_num_heads"), (V, "kv_num_heads")))
    if past_key is not None:
        k, v = np.concatenate([past_key, k], 2), np.concatenate([past_value, v], 2)
    scale = 1 / np.sqrt(q.shape[3]) if a.get("scale") is None else a["scale"]
    mask = 0 if mask is None or mask.dtype == bool else np.where(np.isfinite(mask), np.abs(mask), 0).max(initial=0.0)
    elem = call.elements[0]
    magnitude, error, relative = score_errors(q, k, scale, mask, roundoff(elem, a.get("softmax_precision")))
    Y, *present_and_stage = call.outputs
    bound = mixture_bound(relative, v, q.shape[1])
    bound = bound.transpose(0, 2, 1, 3).reshape(Y.shape) if Y.ndim == 3 else bound
    tiny = smallest_subnormal(elem.dtype)
    stage = present_and_stage[2] if len(present_and_stage) > 2 else None
    if stage is not None:
        stage = (relative * stage if a.get("qk_matmul_output_mode") == 3 else np.broadcast_to(error, magnitude.shape)) + tiny
    return (bound + tiny, *(None if x is None else np.zeros_like(x) for x in present_and_stage[:2]), stage)[: len(call.outputs)]


def flex_attention_bound(call: Call):
    """The same, for modifiers that do not enlarge an error."""
    q, k, v = call.inputs
    elem = call.elements[0]
    scale = 1 / np.sqrt(q.shape[3]) if call.attributes.get("scale") is None else call.attributes["scale"]
    *_, relative = score_errors(q, k, scale, 0, roundoff(elem, call.attributes.get("softmax_precision")))
    return (mixture_bound(relative, v, q.shape[1]) + smallest_subnormal(elem.dtype),)


def split(x, heads):
    """An input as (B, heads, S, D)."""
    return x if x.ndim == 4 else x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def roundoff(elem, precision):
    """The roundoff of the coarser of the operator's type and that of its softmax."""
    return max(unit_roundoff(e.dtype) for e in (elem, elem if precision is None else element_type(precision)))


def score_errors(q, k, scale, mask, u):
    """Magnitudes of the scores, the absolute error of the largest of a row, and the relative error of its probabilities."""
    repeated = np.repeat(np.abs(k), q.shape[1] // k.shape[1], axis=1)
    magnitude = np.abs(q) @ repeated.swapaxes(2, 3) * scale
    finite = np.where(np.isfinite(magnitude), magnitude, 0)
    error = (q.shape[3] + 8) * u * (finite.max(axis=-1, keepdims=True, initial=0.0) + mask)
    return magnitude, error, np.expm1(2 * error) + (k.shape[2] + 8) * u


def mixture_bound(relative, v, heads):
    """The error of a mixture whose weights, which add up to 1, have that relative error."""
    largest = np.where(np.isfinite(v), np.abs(v), 0).max(axis=2, keepdims=True, initial=0.0)
    return relative * np.repeat(largest, heads // v.shape[1], axis=1)
