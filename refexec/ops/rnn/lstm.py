"""LSTM."""

import numpy as np

from refexec.comparison import of_largest
from refexec.errors import require
from refexec.ops.rnn.recurrent import activation_functions, checked_layer
from refexec.registry import op


@op("LSTM", since=14, also=(22,), arithmetic="rounded", compare=of_largest(512))
def lstm_14(
    X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *,
    ctx, activation_alpha=None, activation_beta=None, activations=None, clip=None, direction="forward", hidden_size=None, input_forget=0,
    layout=0,
):  # fmt: skip
    """Per step: i, forget = f(x W' + H R' + P * C + Wb + Rb), c = g(x W' + H R' + Wb + Rb), then C = forget * C + i * c,
    o = f(x W' + H R' + P * C + Wb + Rb), which sees the new C, then H = o * h(C).

    Each of i, o, forget, c has its quarter of W, R and B, in this order, and i, o, forget their third of P; B holds Wb, then Rb.
    ``clip`` bounds the argument of every activation, of h(C) too. With ``input_forget`` forget = 1 - i. Returns Y (steps,
    directions, batch, hidden), Y_h and Y_c.
    """
    layer = checked_layer(X, W, R, sequence_lens, direction, hidden_size, layout, gates=4)
    directions, hidden = len(layer.reverse), layer.hidden
    functions = activation_functions(activations, activation_alpha, activation_beta, ("Sigmoid", "Tanh", "Tanh"), directions, clip)
    bias = np.zeros((directions, 8 * hidden), X.dtype) if B is None else B
    peephole = np.zeros((directions, 3 * hidden), X.dtype) if P is None else P
    require(bias.shape == (directions, 8 * hidden), "B is (directions, 8 * hidden)", B=bias.shape)
    require(peephole.shape == (directions, 3 * hidden), "P is (directions, 3 * hidden)", P=peephole.shape)

    def step(d, x, H, C):
        f, g, h = functions[d]
        Wb, Rb = np.split(bias[d], 2)
        Pi, Po, Pf = np.split(peephole[d], 3)
        i, o, forget, c = np.split(x @ W[d].T + H @ R[d].T + Wb + Rb, 4, axis=1)
        i = f(i + Pi * C)
        forget = 1 - i if input_forget else f(forget + Pf * C)
        c = g(c)
        C = forget * C + i * c
        o = f(o + Po * C)
        return o * h(C), C

    return layer.run(ctx, step, (layer.states(initial_h), layer.states(initial_c)))


@op("LSTM", since=7, like=lstm_14)
def lstm_7(X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *, ctx, **attributes):
    """Before version 14: no batch-first layout."""
    return lstm_14(X, W, R, B, sequence_lens, initial_h, initial_c, P, ctx=ctx, **attributes)


@op("LSTM", since=1, like=lstm_14)
def lstm_1(X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *, ctx, output_sequence=0, **attributes):
    """Version 1 has an attribute that says whether Y is wanted; the node's outputs say it already."""
    return lstm_7(X, W, R, B, sequence_lens, initial_h, initial_c, P, ctx=ctx, **attributes)
