"""GRU."""

import numpy as np

from refexec.comparison import of_largest
from refexec.ops.math.matmul import matmul
from refexec.ops.rnn.recurrent import layer, lowered, outputs_of, recurrence
from refexec.registry import lowers, op


@op("GRU", since=14, also=(22,), arithmetic="rounded", compare=of_largest(512))
def gru_14(
    X, W, R, B=None, sequence_lens=None, initial_h=None, /, *,
    activation_alpha=None, activation_beta=None, activations=None, clip=None, direction="forward", hidden_size=None, layout=0,
    linear_before_reset=0,
):  # fmt: skip
    """Per step: z, r = f(x W' + H R' + Wb + Rb), h = g(x W' + (r * H) R' + Wb + Rb), then H = (1 - z) * h + z * H.

    Each of z, r, h has its third of W, R and B, in this order; B holds Wb, then Rb. With ``linear_before_reset``
    h = g(x W' + Wb + r * (H R' + Rb)). Returns Y (steps, directions, batch, hidden) and Y_h.
    """
    inputs = X, W, R, B, sequence_lens, initial_h
    settings = gru_settings(
        *inputs, activation_alpha=activation_alpha, activation_beta=activation_beta, activations=activations, clip=clip,
        direction=direction, hidden_size=hidden_size, layout=layout, linear_before_reset=linear_before_reset,
    )  # fmt: skip
    return outputs_of(recurrence(*inputs, **settings), 1, layout)


def gru_cell(x, H, *, W, R, B, P, functions, variant):
    """One step; the variant is ``linear_before_reset``."""
    f, g = functions
    Wb, Rb = np.split(B, 2)
    z, r, h = np.split(matmul(x, W.T) + Wb, 3, axis=1)
    Rz, Rr, Rh = np.split(R, 3)
    Rbz, Rbr, Rbh = np.split(Rb, 3)
    z = f(z + matmul(H, Rz.T) + Rbz)
    r = f(r + matmul(H, Rr.T) + Rbr)
    h = g(h + r * (matmul(H, Rh.T) + Rbh)) if variant else g(h + matmul(r * H, Rh.T) + Rbh)
    return ((1 - z) * h + z * H,)


def gru_settings(X, W, R, B=None, lengths=None, H=None, *, direction="forward", linear_before_reset=0, **attributes):
    """What ``recurrence`` needs to know. The schema of version 1 misspells its default direction."""
    attributes["direction"] = "forward" if direction == "foward" else direction
    names, variant = ("Sigmoid", "Tanh"), bool(linear_before_reset)
    return layer(X, W, R, B, lengths, H, None, None, cell=gru_cell, gates=3, names=names, attributes=attributes, variant=variant)


@op("GRU", since=7, like=gru_14)
def gru_7(X, W, R, B=None, sequence_lens=None, initial_h=None, /, **attributes):
    """Before version 14: no batch-first layout."""
    return gru_14(X, W, R, B, sequence_lens, initial_h, **attributes)


@op("GRU", since=3, like=gru_14)
def gru_3(X, W, R, B=None, sequence_lens=None, initial_h=None, /, *, output_sequence=0, **attributes):
    """Before version 7 an attribute says whether Y is wanted; the node's outputs say it already."""
    return gru_7(X, W, R, B, sequence_lens, initial_h, **attributes)


@op("GRU", since=1, like=gru_14)
def gru_1(X, W, R, B=None, sequence_lens=None, initial_h=None, /, **attributes):
    """Version 1: no ``linear_before_reset``."""
    return gru_3(X, W, R, B, sequence_lens, initial_h, **attributes)


for body in (gru_14, gru_7, gru_3, gru_1):
    lowers(body, outputs=2)(lowered(gru_settings, 1))
