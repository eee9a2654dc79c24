"""FlexAttention."""

from refexec.comparison import rounded
from refexec.errors import require
from refexec.ops.nn.attention import check_heads, checked_scale, working_dtype
from refexec.ops.nn.attention_bounds import flex_attention_bound
from refexec.ops.nn.attention_core import mixed, rounded_to, scores, softmax, wide
from refexec.registry import op
from refexec.types import TensorType, element_type


@op("FlexAttention", since=1, domain="ai.onnx.preview", arithmetic="rounded", compare=rounded(flex_attention_bound))
def flex_attention_1(Q, K, V, /, *, ctx, prob_mod=None, scale=None, score_mod=None, softmax_precision=None):
    """Y = prob_mod(softmax(score_mod(Q K' * scale))) V per head; both modifiers map (B, H, S, T) to the same shape.

    Q is (B, H, S, D), K (B, G, T, D), V (B, G, T, E), H a multiple of G. Each step is rounded to ``softmax_precision``:
    float32 when absent, float64 for float64 inputs.
    """
    require(Q.ndim == K.ndim == V.ndim == 4, "Q, K and V are (B, heads, S, D)", Q=Q.shape, K=K.shape, V=V.shape)
    check_heads(Q, K, V)
    precision = softmax_precision or (11 if ctx.output_types[0].elem.name == "float64" else 1)
    dtype = working_dtype(ctx, precision)
    x = modified(score_mod, rounded_to(scores(Q, K, checked_scale(scale)), dtype), precision)
    P = modified(prob_mod, softmax(x), precision)
    Y = rounded_to(mixed(wide(P), wide(rounded_to(V, dtype))), dtype)
    return rounded_to(wide(Y), Q.dtype)


def modified(modifier, x, precision):
    """``modifier(x)``, or ``x`` without one."""
    if modifier is None:
        return x
    require(len(modifier.outputs) == 1, "a modifier has one output", outputs=[o.name for o in modifier.outputs])
    known = modifier.output_types[0]
    same_type = known is None or (isinstance(known, TensorType) and known.elem == element_type(precision))
    require(same_type, "a modifier keeps the element type", declared=str(known), precision=element_type(precision).name)
    (y,) = modifier(x)
    require(y.shape == x.shape, "a modifier keeps the shape", given=x.shape, returned=y.shape)
    return y
