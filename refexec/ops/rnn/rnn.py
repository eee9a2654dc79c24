"""RNN."""

import numpy as np

from refexec.comparison import of_largest
from refexec.errors import require
from refexec.ops.rnn.recurrent import activation_functions, checked_layer
from refexec.registry import op

DEFAULT = ("Tanh", "Tanh")  # the schema's default names both directions even where there is one


@op("RNN", since=14, also=(22,), arithmetic="rounded", compare=of_largest(512))
def rnn_14(
    X, W, R, B=None, sequence_lens=None, initial_h=None, /, *,
    ctx, activation_alpha=None, activation_beta=None, activations=DEFAULT, clip=None, direction="forward", hidden_size=None, layout=0,
):  # fmt: skip
    """Per step: H = f(x W' + H R' + Wb + Rb).

    B holds Wb, then Rb. Returns Y (steps, directions, batch, hidden) and Y_h.
    """
    layer = checked_layer(X, W, R, sequence_lens, direction, hidden_size, layout, gates=1)
    directions, hidden = len(layer.reverse), layer.hidden
    names = None if tuple(activations) == DEFAULT else activations
    functions = activation_functions(names, activation_alpha, activation_beta, DEFAULT[:1], directions, clip)
    bias = np.zeros((directions, 2 * hidden), X.dtype) if B is None else B
    require(bias.shape == (directions, 2 * hidden), "B is (directions, 2 * hidden)", B=bias.shape)

    def step(d, x, H):
        (f,) = functions[d]
        Wb, Rb = np.split(bias[d], 2)
        return (f(x @ W[d].T + H @ R[d].T + Wb + Rb),)

    return layer.run(ctx, step, (layer.states(initial_h),))


@op("RNN", since=7, like=rnn_14)
def rnn_7(X, W, R, B=None, sequence_lens=None, initial_h=None, /, *, ctx, **attributes):
    """Before version 14: no batch-first layout."""
    return rnn_14(X, W, R, B, sequence_lens, initial_h, ctx=ctx, **attributes)


@op("RNN", since=1, like=rnn_14)
def rnn_1(X, W, R, B=None, sequence_lens=None, initial_h=None, /, *, ctx, output_sequence=0, **attributes):
    """Version 1 has an attribute that says whether Y is wanted; the node's outputs say it already."""
    return rnn_7(X, W, R, B, sequence_lens, initial_h, ctx=ctx, **attributes)
