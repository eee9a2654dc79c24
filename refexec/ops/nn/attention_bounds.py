"""How far two correct implementations of attention may be apart."""

import numpy as np

from refexec.comparison import Call
from refexec.types import element_type
from refexec.values import smallest_subnormal, unit_roundoff


def attention_bound(call: Call):
    """The bounds of Y, the present keys and values, which are moved and not computed, and the stage (see ``score_errors``)."""
    Q, K, V, mask, past_key, past_value = (*call.inputs, None, None, None)[:6]
    Y, present_key, present_value, stage = (*call.outputs, None, None, None)[:4]
    attributes, elem = call.attributes, call.elements[0]
    q = split(Q, attributes.get("q_num_heads"))
    k, v = (split(x, attributes.get("kv_num_heads")) for x in (K, V))
    if past_key is not None:
        k, v = np.concatenate([past_key, k], axis=2), np.concatenate([past_value, v], axis=2)
    scale = 1 / np.sqrt(q.shape[3]) if attributes.get("scale") is None else attributes["scale"]
    largest_bias = 0 if mask is None or mask.dtype == bool else np.where(np.isfinite(mask), np.abs(mask), 0).max(initial=0.0)
    absolute, relative = score_errors(q, k, scale, largest_bias, roundoff(elem, attributes.get("softmax_precision")))
    tiny = smallest_subnormal(elem.dtype)
    of_Y = mixture_bound(relative, v, q.shape[1]) + tiny
    of_Y = of_Y.transpose(0, 2, 1, 3).reshape(Y.shape) if Y.ndim == 3 else of_Y
    of_present = [None if x is None else np.zeros_like(x) for x in (present_key, present_value)]
    of_stage = None
    if stage is not None:
        of_stage = (relative * stage if attributes.get("qk_matmul_output_mode") == 3 else np.broadcast_to(absolute, stage.shape)) + tiny
    return (of_Y, *of_present, of_stage)[: len(call.outputs)]


def flex_attention_bound(call: Call):
    """The same, for modifiers that do not enlarge an error."""
    q, k, v = call.inputs
    elem = call.elements[0]
    scale = 1 / np.sqrt(q.shape[3]) if call.attributes.get("scale") is None else call.attributes["scale"]
    _, relative = score_errors(q, k, scale, 0, roundoff(elem, call.attributes.get("softmax_precision")))
    return (mixture_bound(relative, v, q.shape[1]) + smallest_subnormal(elem.dtype),)


def split(x, heads):
    """An input as (B, heads, S, D)."""
    return x if x.ndim == 4 else x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def roundoff(elem, precision):
    """The roundoff of the coarser of the operator's type and that of its softmax."""
    return max(unit_roundoff(e.dtype) for e in (elem, elem if precision is None else element_type(precision)))


def score_errors(q, k, scale, largest_bias, u):
    """The absolute error of a row's scores and the relative error of its probabilities, both (B, H, S, 1).

    A score is off by (D + 8) roundoffs of its terms' magnitudes: D for the sum, 8 for scale, softcap and bias. It stands in exp
    above and below the fraction bar, hence twice; the sums over T keys, below the bar and in the mixture, add T + 8 roundoffs.
    """
    repeated = np.repeat(np.abs(k), q.shape[1] // k.shape[1], axis=1)
    magnitude = np.matmul(np.abs(q), repeated.swapaxes(2, 3)) * scale
    finite = np.where(np.isfinite(magnitude), magnitude, 0)
    absolute = (q.shape[3] + 8) * u * (finite.max(axis=-1, keepdims=True, initial=0.0) + largest_bias)
    return absolute, np.expm1(2 * absolute) + (k.shape[2] + 8) * u


def mixture_bound(relative, v, heads):
    """The error (B, H, S, E) of a mixture of the values ``v`` whose weights, which add up to 1, have that relative error."""
    largest = np.where(np.isfinite(v), np.abs(v), 0).max(axis=2, keepdims=True, initial=0.0)
    return relative * np.repeat(largest, heads // v.shape[1], axis=1)
