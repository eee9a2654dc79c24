"""GRU."""

import numpy as np

from refexec.comparison import of_largest
from refexec.errors import require
from refexec.ops.rnn.recurrent import activation_functions, checked_layer
from refexec.registry import op


@op("GRU", since=14, also=(22,), arithmetic="rounded", compare=of_largest(512))
def gru_14(
    X, W, R, B=None, sequence_lens=None, initial_h=None, /, *,
    ctx, activation_alpha=None, activation_beta=None, activations=None, clip=None, direction="forward", hidden_size=None, layout=0,
    linear_before_reset=0,
):  # fmt: skip
    """Per step: z, r = f(x W' + H R' + Wb + Rb), h = g(x W' + (r * H) R' + Wb + Rb), then H = (1 - z) * h + z * H.

    Each of z, r, h has its third of W, R and B, in this order; B holds Wb, then Rb. With ``linear_before_reset``
    h = g(x W' + Wb + r * (H R' + Rb)). Returns Y (steps, directions, batch, hidden) and Y_h.
    """
    layer = checked_layer(X, W, R, sequence_lens, direction, hidden_size, layout, gates=3)
    directions, hidden = len(layer.reverse), layer.hidden
    functions = activation_functions(activations, activation_alpha, activation_beta, ("Sigmoid", "Tanh"), directions, clip)
    bias = np.zeros((directions, 6 * hidden), X.dtype) if B is None else B
    require(bias.shape == (directions, 6 * hidden), "B is (directions, 6 * hidden)", B=bias.shape)

    def step(d, x, H):
        f, g = functions[d]
        Wb, Rb = np.split(bias[d], 2)
        z, r, h = np.split(x @ W[d].T + Wb, 3, axis=1)
        Rz, Rr, Rh = np.split(R[d], 3)
        Rbz, Rbr, Rbh = np.split(Rb, 3)
        z = f(z + H @ Rz.T + Rbz)
        r = f(r + H @ Rr.T + Rbr)
        h = g(h + r * (H @ Rh.T + Rbh)) if linear_before_reset else g(h + (r * H) @ Rh.T + Rbh)
        return ((1 - z) * h + z * H,)

    return layer.run(ctx, step, (layer.states(initial_h),))


@op("GRU", since=7, like=gru_14)
def gru_7(X, W, R, B=None, sequence_lens=None, initial_h=None, /, *, ctx, **attributes):
    """Before version 14: no batch-first layout."""
    return gru_14(X, W, R, B, sequence_lens, initial_h, ctx=ctx, **attributes)


@op("GRU", since=3, like=gru_14)
def gru_3(X, W, R, B=None, sequence_lens=None, initial_h=None, /, *, ctx, output_sequence=0, **attributes):
    """Before version 7 an attribute says whether Y is wanted; the node's outputs say it already."""
    return gru_7(X, W, R, B, sequence_lens, initial_h, ctx=ctx, **attributes)


@op("GRU", since=1, like=gru_14)
def gru_1(X, W, R, B=None, sequence_lens=None, initial_h=None, /, *, ctx, direction="foward", **attributes):
    """Version 1: no ``linear_before_reset``. The schema misspells its default direction."""
    return gru_3(X, W, R, B, sequence_lens, initial_h, ctx=ctx, direction="forward" if direction == "foward" else direction, **attributes)
