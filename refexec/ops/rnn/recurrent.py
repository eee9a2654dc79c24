"""What RNN, GRU and LSTM share: activations, directions, lengths, layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refexec.errors import require
from refexec.limits import active_budget, claim
from refexec.ops.common import Array
from refexec.ops.math.exponential import exp
from refexec.ops.math.exponential_units import elu_1, softplus_1
from refexec.ops.math.pointwise import pointwise
from refexec.ops.math.trigonometry import tanh
from refexec.primitives import Lowered, primitive

LEAK, SLOPE = float(np.float32(0.01)), float(np.float32(0.2))  # alpha of LeakyRelu and HardSigmoid: attributes are float32

# name -> (function of x, alpha, beta; default alpha; default beta); None where the function has no such parameter
ACTIVATIONS: dict[str, tuple[Callable[..., Array], float | None, float | None]] = {
    "relu": (lambda x, a, b: np.maximum(x, 0), None, None),
    "tanh": (lambda x, a, b: tanh(x), None, None),
    "sigmoid": (lambda x, a, b: 1 / (1 + exp(-x)), None, None),
    "affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "leakyrelu": (lambda x, a, b: np.where(x < 0, a * x, x), LEAK, None),
    "thresholdedrelu": (lambda x, a, b: np.where(x >= a, x, 0), 1.0, None),
    "scaledtanh": (lambda x, a, b: a * tanh(b * x), 1.0, 1.0),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), SLOPE, 0.5),
    "elu": (lambda x, a, b: pointwise(x, function=elu_1, alpha=a), 1.0, None),
    "softsign": (lambda x, a, b: x / (1 + np.abs(x)), None, None),
    "softplus": (lambda x, a, b: pointwise(x, function=softplus_1), None, None),
}


Activation = tuple[str, float | None, float | None]  # name in lower case, alpha, beta


def activations_of(names, alphas, betas, defaults: Sequence[str], directions: int) -> tuple[tuple[Activation, ...], ...]:
    """For each direction its activations with their parameters.

    ``alphas`` and ``betas`` are used up in order by those functions that have such a parameter; when none is left, the
    default is taken. ``defaults`` are the names for one direction.
    """
    names = tuple(names) if names else tuple(defaults) * directions
    require(len(names) == len(defaults) * directions, "activations has one name per function and direction", activations=names)
    alphas, betas = list(alphas or ()), list(betas or ())
    made: list[Activation] = []
    for name in names:
        require(name.lower() in ACTIVATIONS, "activations are among those the specification names", activation=name)
        _, alpha, beta = ACTIVATIONS[name.lower()]
        if alpha is not None and alphas:
            alpha = alphas.pop(0)
        if beta is not None and betas:
            beta = betas.pop(0)
        made.append((name.lower(), alpha, beta))
    return tuple(tuple(made[d * len(defaults) : (d + 1) * len(defaults)]) for d in range(directions))


def clipped(activation: Activation, clip: float | None) -> Callable[[Array], Array]:
    """An activation of an argument in [-clip, clip]; of any argument when ``clip`` is None."""
    name, alpha, beta = activation
    function = ACTIVATIONS[name][0]
    if clip is None:
        return lambda x: function(x, alpha, beta)
    return lambda x: function(np.clip(x, -clip, clip), alpha, beta)


def layer(X, W, R, B, lengths, initial_h, initial_c, P, *, cell, gates, names, attributes, variant=False) -> dict[str, Any]:
    """What ``recurrence`` needs to know of a node beside its inputs, after the rules of shapes that all recurrent layers have.

    W is (directions, gates * hidden, features), R (directions, gates * hidden, hidden). X is (steps, batch, features); with
    ``layout`` 1 it, the states and Y begin with batch. ``names`` are the default activations of one direction.
    """
    require(X.ndim == 3, "X is (steps, batch, features)", X=X.shape)
    require(W.ndim == 3 and R.ndim == 3, "W and R have rank 3", W=W.shape, R=R.shape)
    direction, hidden = attributes.get("direction", "forward"), R.shape[-1]
    require(direction in ("forward", "reverse", "bidirectional"), "direction is forward, reverse or bidirectional", direction=direction)
    reverse = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[direction]
    batch_first = bool(attributes.get("layout", 0))
    batch, features, directions = X.shape[0 if batch_first else 1], X.shape[2], len(reverse)
    hidden_size = attributes.get("hidden_size")
    require(hidden_size is None or hidden_size == hidden, "hidden_size is that of R", hidden_size=hidden_size, R=R.shape)
    rows = gates * hidden
    require(W.shape == (directions, rows, features), "W is (directions, gates * hidden, features)", W=W.shape, X=X.shape, R=R.shape)
    require(R.shape == (directions, rows, hidden), "R is (directions, gates * hidden, hidden)", R=R.shape)
    require(lengths is None or lengths.shape == (batch,), "sequence_lens has one length per sequence", batch=batch)
    require(B is None or B.shape == (directions, 2 * rows), "B is (directions, 2 * gates * hidden)", B=getattr(B, "shape", None))
    require(P is None or P.shape == (directions, 3 * hidden), "P is (directions, 3 * hidden)", P=getattr(P, "shape", None))
    for state in (initial_h, initial_c):
        fits = state is None or state.shape == ((batch, directions, hidden) if batch_first else (directions, batch, hidden))
        require(fits, "an initial state is (directions, batch, hidden)", shape=getattr(state, "shape", None))
    alphas, betas = attributes.get("activation_alpha"), attributes.get("activation_beta")
    functions = activations_of(attributes.get("activations"), alphas, betas, names, directions)
    return {
        "cell": cell, "activations": functions, "clip": attributes.get("clip"), "reverse": reverse, "batch_first": batch_first,
        "variant": variant,
    }  # fmt: skip


@primitive
def recurrence(
    X: Array, W: Array, R: Array, B: Array | None = None, lengths: Array | None = None, H: Array | None = None, C: Array | None = None,
    P: Array | None = None, *, cell, activations, clip: float | None, reverse: tuple[bool, ...], batch_first: bool, variant: bool,
) -> Array:  # fmt: skip
    """The states of a recurrent layer, (steps + states, directions, batch, hidden): the first state after each step, then each
    state after the last step of its sequence.

    ``cell(x, *states, W, R, B, P, functions, variant) -> states`` is one step of one direction: ``x`` is (batch, features), a state
    (batch, hidden). A sequence that has ended keeps its states and gives 0; backward, each starts at its own last element.
    """
    X = X.swapaxes(0, 1) if batch_first else X
    (steps, batch, _), (directions, rows, hidden) = X.shape, R.shape
    count = STATES[cell.__name__]
    history = np.zeros(claim((steps + count, directions, batch, hidden), X.dtype), X.dtype)
    ends = lengths_of(lengths, steps, batch)
    sequences = np.arange(batch)
    zeros = np.zeros((directions, 2 * rows), X.dtype)
    for d, backward in enumerate(reverse):
        parts = {"W": W[d], "R": R[d], "B": zeros[d] if B is None else B[d], "P": zeros[d, : 3 * hidden] if P is None else P[d]}
        functions = [clipped(activation, clip) for activation in activations[d]]
        states = [initial_state(state, d, batch_first, (batch, hidden), X.dtype) for state in (H, C)[:count]]
        for s in range(int(ends.max(initial=0))):
            active_budget().trip(s + 1)
            active = s < ends
            position = np.where(active, ends - 1 - s if backward else s, 0)  # that at 0 goes unused when not active
            stepped = cell(X[position, sequences], *states, **parts, functions=functions, variant=variant)
            states = [np.where(active[:, None], new, old) for new, old in zip(stepped, states, strict=True)]
            history[position[active], d, sequences[active]] = states[0][active]
        history[steps:, d] = states
    return history


STATES = {"rnn_cell": 1, "gru_cell": 1, "lstm_cell": 2}


def lengths_of(lengths: Array | None, steps: int, batch: int) -> Array:
    """The length of each sequence, checked."""
    if lengths is None:
        return np.full(batch, steps)
    ends = lengths.astype(np.int64)
    require(np.all((ends >= 0) & (ends <= steps)), "lengths are from 0 to the number of steps", sequence_lens=ends, steps=steps)
    return ends


def initial_state(state: Array | None, d: int, batch_first: bool, shape, dtype) -> Array:
    """A state of direction ``d`` before the first step; zero when it is absent."""
    if state is None:
        return np.zeros(shape, dtype)
    return state[:, d] if batch_first else state[d]


def outputs_of(history: Array, states: int, batch_first: bool) -> tuple[Array, ...]:
    """Y and the last states."""
    steps = history.shape[0] - states
    Y, last = history[:steps], history[steps:]
    if batch_first:
        return Y.transpose(2, 0, 1, 3), *last.swapaxes(1, 2)
    return Y, *last


def lowered(settings: Callable[..., dict[str, Any]], states: int) -> Callable[..., Lowered]:
    """The lowering of an operator whose ``settings(*inputs, **attributes)`` are those of ``recurrence``."""

    def lower(attributes, shapes):
        static = settings(*[None if s is None else np.broadcast_to(False, s) for s in shapes], **attributes)
        batch_first = static["batch_first"]
        return Lowered(recurrence, tuple(range(8)), static, results=lambda y, inputs: outputs_of(y, states, batch_first))

    return lower
