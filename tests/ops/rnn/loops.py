"""RNN, GRU and LSTM as loops over Python floats: an oracle that shares no code with refexec."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[[float], float]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def recurrent(
    kind: str, X: Any, W: Any, R: Any, B: Any = None, P: Any = None, h0: Any = None, c0: Any = None, lengths: Any = None,
    reverse: tuple[bool, ...] = (False,), functions: Any = None, clip: float = math.inf, linear: bool = False, forget: bool = False,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Y (steps, directions, batch, hidden), Y_h and Y_c; ``functions`` are those of each direction, one after the other."""
    steps, batch, _ = X.shape
    directions, _, hidden = R.shape
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    defaults: dict[str, list[Function]] = {"RNN": [math.tanh], "GRU": [sigmoid, math.tanh], "LSTM": [sigmoid, math.tanh, math.tanh]}
    per = defaults[kind]
    functions = functions or per * directions
    Y = np.zeros((steps, directions, batch, hidden))
    Y_h, Y_c = np.zeros((directions, batch, hidden)), np.zeros((directions, batch, hidden))
    for d in range(directions):
        f = [(lambda x, g=g: g(max(-clip, min(clip, x)))) for g in functions[d * len(per) : (d + 1) * len(per)]]
        for b in range(batch):
            h = [float(h0[d, b, i]) if h0 is not None else 0.0 for i in range(hidden)]
            c = [float(c0[d, b, i]) if c0 is not None else 0.0 for i in range(hidden)]
            n = steps if lengths is None else lengths[b]
            for t in reversed(range(n)) if reverse[d] else range(n):

                def x_part(g: int, i: int, t: int = t, b: int = b, d: int = d) -> float:
                    bias = float(B[d, g * hidden + i]) if B is not None else 0.0
                    return sum(float(W[d, g * hidden + i, k]) * float(X[t, b, k]) for k in range(X.shape[2])) + bias

                def h_part(g: int, i: int, h: list[float], d: int = d) -> float:
                    bias = float(B[d, (gates + g) * hidden + i]) if B is not None else 0.0
                    return sum(float(R[d, g * hidden + i, k]) * h[k] for k in range(hidden)) + bias

                new, new_c = [], []
                if kind == "GRU":
                    r = [f[0](x_part(1, i) + h_part(1, i, h)) for i in range(hidden)]
                for i in range(hidden):
                    if kind == "RNN":
                        new.append(f[0](x_part(0, i) + h_part(0, i, h)))
                    elif kind == "GRU":
                        z = f[0](x_part(0, i) + h_part(0, i, h))
                        gated = r[i] * h_part(2, i, h) if linear else h_part(2, i, [a * q for a, q in zip(r, h, strict=True)])
                        new.append((1 - z) * f[1](x_part(2, i) + gated) + z * h[i])
                    else:
                        p = [float(P[d, k * hidden + i]) if P is not None else 0.0 for k in range(3)]
                        gate_i = f[0](x_part(0, i) + h_part(0, i, h) + p[0] * c[i])
                        gate_f = 1 - gate_i if forget else f[0](x_part(2, i) + h_part(2, i, h) + p[2] * c[i])
                        cell = gate_f * c[i] + gate_i * f[1](x_part(3, i) + h_part(3, i, h))
                        gate_o = f[0](x_part(1, i) + h_part(1, i, h) + p[1] * cell)
                        new.append(gate_o * f[2](cell))
                        new_c.append(cell)
                h, c = new, new_c or c
                Y[t, d, b] = h
            Y_h[d, b], Y_c[d, b] = h, c
    return Y, Y_h, Y_c
