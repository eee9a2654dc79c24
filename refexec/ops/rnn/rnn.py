"""RNN."""

import numpy as np

from refexec.comparison import of_largest
from refexec.ops.math.matmul import matmul
from refexec.ops.rnn.recurrent import layer, lowered, outputs_of, recurrence
from refexec.registry import lowers, op

DEFAULT = ("Tanh", "Tanh")  # the schema's default names both directions even where there is one


@op("RNN", since=14, also=(22,), arithmetic="rounded", compare=of_largest(512))
def rnn_14(
    X, W, R, B=None, sequence_lens=None, initial_h=None, /, *,
    activation_alpha=None, activation_beta=None, activations=DEFAULT, clip=None, direction="forward", hidden_size=None, layout=0,
):  # fmt: skip
    """Per step: H = f(x W' + H R' + Wb + Rb).

    B holds Wb, then Rb. Returns Y (steps, directions, batch, hidden) and Y_h.
    """
    inputs = X, W, R, B, sequence_lens, initial_h
    settings = rnn_settings(
        *inputs, activation_alpha=activation_alpha, activation_beta=activation_beta, activations=activations, clip=clip,
        direction=direction, hidden_size=hidden_size, layout=layout,
    )  # fmt: skip
    return outputs_of(recurrence(*inputs, **settings), 1, layout)


def rnn_cell(x, H, *, W, R, B, P, functions, variant):
    """One step."""
    (f,) = functions
    Wb, Rb = np.split(B, 2)
    return (f(matmul(x, W.T) + matmul(H, R.T) + Wb + Rb),)


def rnn_settings(X, W, R, B=None, lengths=None, H=None, *, activations=DEFAULT, **attributes):
    """What ``recurrence`` needs to know."""
    attributes["activations"] = None if tuple(activations) == DEFAULT else activations
    return layer(X, W, R, B, lengths, H, None, None, cell=rnn_cell, gates=1, names=DEFAULT[:1], attributes=attributes)


@op("RNN", since=7, like=rnn_14)
def rnn_7(X, W, R, B=None, sequence_lens=None, initial_h=None, /, **attributes):
    """Before version 14: no batch-first layout."""
    return rnn_14(X, W, R, B, sequence_lens, initial_h, **attributes)


@op("RNN", since=1, like=rnn_14)
def rnn_1(X, W, R, B=None, sequence_lens=None, initial_h=None, /, *, output_sequence=0, **attributes):
    """Version 1 has an attribute that says whether Y is wanted; the node's outputs say it already."""
    return rnn_7(X, W, R, B, sequence_lens, initial_h, **attributes)


for body in (rnn_14, rnn_7, rnn_1):
    lowers(body, outputs=2)(lowered(rnn_settings, 1))
