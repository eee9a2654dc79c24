"""CausalConvWithState."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.math.sigmoid import sigmoid
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def causal_conv_bound(call: Call):
    """That of a sum of k products, the bias and the activation, which multiplies an error by at most 1.1.

    The sum of magnitudes is the operator itself on magnitudes. The state is moved, not computed.
    """
    magnitudes = [None if x is None else np.abs(x) for x in call.inputs]
    sums, state = call.evaluate(*magnitudes, activation="none")
    dtype = call.elements[0].dtype
    k = call.inputs[1].shape[2]
    return 1.1 * (k + 6) * unit_roundoff(dtype) * sums + smallest_subnormal(dtype), np.zeros_like(state)


@op("CausalConvWithState", since=27, arithmetic="rounded", compare=rounded(causal_conv_bound))
def causal_conv_with_state_27(input, weight, bias=None, past_state=None, /, *, activation="none"):
    """y[b, c, t] = bias[c] + sum over j < k of weight[c, 0, j] * x[b, c, t + j], x being the state and then the input.

    The state holds the k - 1 values before the input, zeros when it is absent; the new one holds the last k - 1 values.
    ``activation`` "silu" (or "swish") makes y / (1 + exp(-y)) of y.
    """
    require(activation in ("none", "silu", "swish"), "activation is none, silu or swish", activation=activation)
    require(input.ndim == 3, "input is (batch, channels, length)", input=input.shape)
    batch, channels, length = input.shape
    require(weight.ndim == 3 and weight.shape[:2] == (channels, 1), "weight is (channels, 1, k)", weight=weight.shape, channels=channels)
    k = weight.shape[2]
    require(k > 0, "the kernel has at least one element", weight=weight.shape)
    state = np.zeros((batch, channels, k - 1), input.dtype) if past_state is None else past_state
    require(state.shape == (batch, channels, k - 1), "past_state is (batch, channels, k - 1)", past_state=state.shape, k=k)
    require(bias is None or bias.shape == (channels,), "bias has one value per channel", bias=getattr(bias, "shape", None))
    claim((batch, channels, length + k - 1), input.dtype)
    x = np.concatenate([state, input], axis=2)
    y = sum(weight[:, 0, j, None] * x[:, :, j : j + length] for j in range(k))
    y = y if bias is None else y + bias[:, None]
    y = y if activation == "none" else y * sigmoid(y)
    return y, x[:, :, length:]
