"""What RNN, GRU and LSTM share: activations, directions, lengths, layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refexec.errors import require
from refexec.ops.common import Array

LEAK, SLOPE = float(np.float32(0.01)), float(np.float32(0.2))  # alpha of LeakyRelu and HardSigmoid: attributes are float32

# name -> (function of x, alpha, beta; default alpha; default beta); None where the function has no such parameter
ACTIVATIONS: dict[str, tuple[Callable[..., Array], float | None, float | None]] = {
    "relu": (lambda x, a, b: np.maximum(x, 0), None, None),
    "tanh": (lambda x, a, b: np.tanh(x), None, None),
    "sigmoid": (lambda x, a, b: 1 / (1 + np.exp(-x)), None, None),
    "affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "leakyrelu": (lambda x, a, b: np.where(x < 0, a * x, x), LEAK, None),
    "thresholdedrelu": (lambda x, a, b: np.where(x >= a, x, 0), 1.0, None),
    "scaledtanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), SLOPE, 0.5),
    "elu": (lambda x, a, b: np.where(x < 0, a * np.expm1(x), x), 1.0, None),
    "softsign": (lambda x, a, b: x / (1 + np.abs(x)), None, None),
    "softplus": (lambda x, a, b: np.logaddexp(0, x), None, None),
}


def activation_functions(names, alphas, betas, defaults: Sequence[str], directions: int, clip: float | None):
    """For each direction, the list of its activations as functions of one argument, which is clipped to [-clip, clip] first.

    ``alphas`` and ``betas`` are used up in order by those functions that have such a parameter; when none is left, the
    default is taken. ``defaults`` are the names for one direction.
    """
    names = tuple(names) if names else tuple(defaults) * directions
    require(len(names) == len(defaults) * directions, "activations has one name per function and direction", activations=names)
    alphas, betas = list(alphas or ()), list(betas or ())
    made = []
    for name in names:
        require(name.lower() in ACTIVATIONS, "activations are among those the specification names", activation=name)
        function, alpha, beta = ACTIVATIONS[name.lower()]
        if alpha is not None and alphas:
            alpha = alphas.pop(0)
        if beta is not None and betas:
            beta = betas.pop(0)
        made.append(clipped(function, alpha, beta, clip))
    return [made[d * len(defaults) : (d + 1) * len(defaults)] for d in range(directions)]


def clipped(function, alpha, beta, clip):
    """``function`` with these parameters, of an argument in [-clip, clip]; of any argument when ``clip`` is None."""
    if clip is None:
        return lambda x: function(x, alpha, beta)
    return lambda x: function(np.clip(x, -clip, clip), alpha, beta)


@dataclass(frozen=True, slots=True)
class Layer:
    """The checked inputs of a recurrent layer: X is (steps, batch, features) whatever the layout, ``lengths`` are (batch,)."""

    X: Array
    lengths: Array
    hidden: int
    reverse: tuple[bool, ...]  # per direction
    batch_first: bool

    def states(self, initial: Array | None) -> Array:
        """The initial states as (directions, batch, hidden), zero when absent."""
        directions, batch = len(self.reverse), self.X.shape[1]
        if initial is None:
            return np.zeros((directions, batch, self.hidden), self.X.dtype)
        initial = initial.swapaxes(0, 1) if self.batch_first else initial
        require(initial.shape == (directions, batch, self.hidden), "an initial state is (directions, batch, hidden)", shape=initial.shape)
        return initial

    def run(self, ctx: Any, step: Callable[..., tuple[Array, ...]], initial: Sequence[Array]) -> tuple[Array, ...]:
        """Run ``step(d, x, *states) -> states`` over the sequence for each direction ``d``; the first state is the output.

        ``x`` is (batch, features), a state (batch, hidden). Returns Y and the last states. A sequence that has ended keeps its
        states and outputs 0; backward, each starts at its own last element.
        """
        steps, batch, _ = self.X.shape
        directions = len(self.reverse)
        Y = np.zeros(ctx.claim((steps, directions, batch, self.hidden), self.X.dtype), self.X.dtype)
        rows = np.arange(batch)
        last = [np.array(state) for state in initial]
        for d, backward in enumerate(self.reverse):
            states = [state[d] for state in initial]
            for s in range(int(self.lengths.max(initial=0))):
                ctx.trip(s + 1)
                active = s < self.lengths
                position = np.where(active, self.lengths - 1 - s if backward else s, 0)  # that at 0 goes unused when not active
                stepped = step(d, self.X[position, rows], *states)
                states = [np.where(active[:, None], new, old) for new, old in zip(stepped, states, strict=True)]
                Y[position[active], d, rows[active]] = states[0][active]
            for whole, state in zip(last, states, strict=True):
                whole[d] = state
        if self.batch_first:
            return Y.transpose(2, 0, 1, 3), *(state.swapaxes(0, 1) for state in last)
        return Y, *last


def checked_layer(X, W, R, sequence_lens, direction, hidden_size, layout, gates) -> Layer:
    """Check what all recurrent layers demand of their inputs.

    W is (directions, gates * hidden, features), R (directions, gates * hidden, hidden). X is (steps, batch, features); with
    ``layout`` 1 it, the states and Y begin with batch.
    """
    require(X.ndim == 3, "X is (steps, batch, features)", X=X.shape)
    require(W.ndim == 3 and R.ndim == 3, "W and R have rank 3", W=W.shape, R=R.shape)
    require(direction in ("forward", "reverse", "bidirectional"), "direction is forward, reverse or bidirectional", direction=direction)
    reverse = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[direction]
    batch_first = bool(layout)
    if batch_first:
        X = X.swapaxes(0, 1)
    steps, batch, features = X.shape
    hidden = R.shape[-1]
    require(hidden_size is None or hidden_size == hidden, "hidden_size is that of R", hidden_size=hidden_size, R=R.shape)
    require(
        W.shape == (len(reverse), gates * hidden, features), "W is (directions, gates * hidden, features)", W=W.shape, X=X.shape, R=R.shape
    )
    require(R.shape == (len(reverse), gates * hidden, hidden), "R is (directions, gates * hidden, hidden)", R=R.shape)
    lengths = np.full(batch, steps) if sequence_lens is None else sequence_lens.astype(np.int64)
    require(lengths.shape == (batch,), "sequence_lens has one length per sequence", sequence_lens=lengths.shape, batch=batch)
    require(np.all((lengths >= 0) & (lengths <= steps)), "lengths are from 0 to the number of steps", sequence_lens=lengths, steps=steps)
    return Layer(X, lengths, hidden, reverse, batch_first)
