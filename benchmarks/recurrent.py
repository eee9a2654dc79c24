"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.case import Case, Form, Problem
from benchmarks.graph import Graph

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def layer(op_type: str, steps: int, batch: int, inputs: int, hidden: int, both: bool) -> Problem:
    graph = Graph(op_type)
    x = graph.random.standard_normal((steps, batch, inputs), np.float32)
    ways, gates = 1 + both, GATES[op_type]
    weights = [
        graph.weight(ways, gates * hidden, inputs, terms=inputs),
        graph.weight(ways, gates * hidden, hidden, terms=hidden),
        graph.weight(ways, 2 * gates * hidden),
    ]
    direction = "bidirectional" if both else "forward"
    graph.result(op_type, "y", graph.input("x", x.shape), *weights, hidden_size=hidden, direction=direction)
    return Problem(graph.content(), {"x": x})


def cases() -> Iterator[Case]:
    for op_type, steps, batch, inputs, hidden, both in (
        ("LSTM", 128, 1, 256, 256, False),
        ("LSTM", 32, 16, 256, 256, True),
        ("GRU", 128, 1, 256, 256, False),
        ("RNN", 128, 1, 128, 128, False),
    ):
        name = f"{op_type} {steps}x{batch}x{inputs} hidden {hidden}{' both ways' * both}"
        yield Case(name, "recurrent", (Form("op", partial(layer, op_type, steps, batch, inputs, hidden, both)),))
