"""Opspec of FlexAttention."""

from refexec.opspec import DIMS, Draw, Out, opspec
from refexec.schema import signature
from refexec.types import TensorType, element_type


@opspec("FlexAttention", 1, domain="ai.onnx.preview")
def flex_attention(d: Draw) -> None:
    """Query heads in groups; the modifiers map scores and probabilities, of the type of ``softmax_precision``."""
    elem = d.elem("T1")
    batch, kv_heads, group, queries, keys, size, v_size = (d.pick(DIMS[:3]) for _ in range(7))
    heads = kv_heads * group
    q = d.tensor(elem, (batch, heads, queries, size))
    k, v = d.tensor(elem, (batch, kv_heads, keys, size)), d.tensor(elem, (batch, kv_heads, keys, v_size))
    d.attr("scale", [0.5, 1.0])
    default = "float64" if elem.name == "float64" else "float32"
    precision = element_type(d.attr("softmax_precision", [1, 11, 10, 16], element_type(default).number))
    scores = Out(precision, (batch, heads, queries, keys))
    handed = TensorType(precision) in signature("", "Identity", d.scope.opset).outputs[0].types
    for name in ("score_mod", "prob_mod"):
        if handed and d.flag():
            d.set(name, d.body([scores], [scores])[0])
    d.emit([q, k, v], Out(elem, (batch, heads, queries, v_size)))
