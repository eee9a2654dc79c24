"""LSTM."""

import numpy as np

from refexec.comparison import of_largest
from refexec.errors import require
from refexec.ops.rnn.recurrent import activation_functions, layer
from refexec.registry import op


@op("LSTM", since=14, also=(22,), arithmetic="rounded", compare=of_largest(512))
def lstm_14(
    X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *,
    ctx, activation_alpha=None, activation_beta=None, activations=None, clip=None, direction="forward", hidden_size=None, input_forget=0,
    layout=0,
):  # fmt: skip
    """Per step: i, o, f = f(x W' + h R' + peephole * C), c = g(x W' + h R'), C = f * C + i * c, H = o * h(C).

    Gates stand in the order i, o, f, c in W, R and B (which holds the biases of W, then those of R), the peepholes in
    the order i, o, f in P; that of o sees the new C. ``clip`` bounds the argument of every activation, of h(C) too;
    with ``input_forget`` f = 1 - i. Returns Y (steps, directions, batch, hidden), Y_h and Y_c.
    """
    this = layer(X, W, R, sequence_lens, direction, hidden_size, layout, gates=4)
    directions, hidden = len(this.reverse), this.hidden
    functions = activation_functions(activations, activation_alpha, activation_beta, ("Sigmoid", "Tanh", "Tanh"), directions, clip)
    bias = np.zeros((directions, 8 * hidden), X.dtype) if B is None else B
    peephole = np.zeros((directions, 3 * hidden), X.dtype) if P is None else P
    require(bias.shape == (directions, 8 * hidden), "B is (directions, 8 * hidden)", B=bias.shape)
    require(peephole.shape == (directions, 3 * hidden), "P is (directions, 3 * hidden)", P=peephole.shape)

    def step(d, x, H, C):
        f, g, h = functions[d]
        Pi, Po, Pf = np.split(peephole[d], 3)
        gates = x @ W[d].T + H @ R[d].T + bias[d, : 4 * hidden] + bias[d, 4 * hidden :]
        i, o, forget, c = np.split(gates, 4, axis=1)
        i = f(i + Pi * C)
        forget = 1 - i if input_forget else f(forget + Pf * C)
        C = forget * C + i * g(c)
        return f(o + Po * C) * h(C), C

    return this.run(ctx, step, (this.states(initial_h), this.states(initial_c)))


@op("LSTM", since=7, like=lstm_14)
def lstm_7(X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *, ctx, **attributes):
    """Before version 14: no batch-first layout."""
    return lstm_14(X, W, R, B, sequence_lens, initial_h, initial_c, P, ctx=ctx, **attributes)


@op("LSTM", since=1, like=lstm_14)
def lstm_1(X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *, ctx, output_sequence=0, **attributes):
    """Version 1 has an attribute that says whether Y is wanted; the node's outputs say it already."""
    return lstm_7(X, W, R, B, sequence_lens, initial_h, initial_c, P, ctx=ctx, **attributes)
