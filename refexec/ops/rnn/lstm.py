"""LSTM."""

import numpy as np

from refexec.comparison import of_largest
from refexec.ops.math.matmul import matmul
from refexec.ops.rnn.recurrent import layer, lowered, outputs_of, recurrence
from refexec.registry import lowers, op


@op("LSTM", since=14, also=(22,), arithmetic="rounded", compare=of_largest(512))
def lstm_14(
    X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *,
    activation_alpha=None, activation_beta=None, activations=None, clip=None, direction="forward", hidden_size=None, input_forget=0,
    layout=0,
):  # fmt: skip
    """Per step: i, forget = f(x W' + H R' + P * C + Wb + Rb), c = g(x W' + H R' + Wb + Rb), then C = forget * C + i * c,
    o = f(x W' + H R' + P * C + Wb + Rb), which sees the new C, then H = o * h(C).

    Each of i, o, forget, c has its quarter of W, R and B, in this order, and i, o, forget their third of P; B holds Wb, then Rb.
    ``clip`` bounds the argument of every activation, of h(C) too. With ``input_forget`` forget = 1 - i. Returns Y (steps,
    directions, batch, hidden), Y_h and Y_c.
    """
    inputs = X, W, R, B, sequence_lens, initial_h, initial_c, P
    settings = lstm_settings(
        *inputs, activation_alpha=activation_alpha, activation_beta=activation_beta, activations=activations, clip=clip,
        direction=direction, hidden_size=hidden_size, input_forget=input_forget, layout=layout,
    )  # fmt: skip
    return outputs_of(recurrence(*inputs, **settings), 2, layout)


def lstm_cell(x, H, C, *, W, R, B, P, functions, variant):
    """One step; the variant is ``input_forget``."""
    f, g, h = functions
    Wb, Rb = np.split(B, 2)
    Pi, Po, Pf = np.split(P, 3)
    i, o, forget, c = np.split(matmul(x, W.T) + matmul(H, R.T) + Wb + Rb, 4, axis=1)
    i = f(i + Pi * C)
    forget = 1 - i if variant else f(forget + Pf * C)
    c = g(c)
    C = forget * C + i * c
    o = f(o + Po * C)
    return o * h(C), C


def lstm_settings(X, W, R, B=None, lengths=None, H=None, C=None, P=None, *, input_forget=0, **attributes):
    """What ``recurrence`` needs to know."""
    names = ("Sigmoid", "Tanh", "Tanh")
    return layer(X, W, R, B, lengths, H, C, P, cell=lstm_cell, gates=4, names=names, attributes=attributes, variant=bool(input_forget))


@op("LSTM", since=7, like=lstm_14)
def lstm_7(X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, **attributes):
    """Before version 14: no batch-first layout."""
    return lstm_14(X, W, R, B, sequence_lens, initial_h, initial_c, P, **attributes)


@op("LSTM", since=1, like=lstm_14)
def lstm_1(X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, /, *, output_sequence=0, **attributes):
    """Version 1 has an attribute that says whether Y is wanted; the node's outputs say it already."""
    return lstm_7(X, W, R, B, sequence_lens, initial_h, initial_c, P, **attributes)


for body in (lstm_14, lstm_7, lstm_1):
    lowers(body, outputs=3)(lowered(lstm_settings, 2))
