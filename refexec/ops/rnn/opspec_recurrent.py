"""Opspecs of recurrent layers."""

from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import INT32

ALPHA, BETA = {"Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"}, {"Affine", "ScaledTanh", "HardSigmoid"}
"""The activations that have these parameters."""
ACTIVATIONS = ("Tanh", "Sigmoid", "Relu", "Softsign", "Softplus", *sorted(ALPHA))
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
FUNCTIONS = {"RNN": 1, "GRU": 2, "LSTM": 3}


def activations(d: Draw, count: int) -> None:
    """Names, and for those that have parameters, all alphas and all betas or none."""
    if not d.flag():
        return
    names = d.set("activations", [d.pick(ACTIVATIONS) for _ in range(count)])
    for attribute, having in (("activation_alpha", ALPHA), ("activation_beta", BETA)):
        taking = sum(name in having for name in names)
        if taking and d.flag():
            d.set(attribute, [d.pick([0.5, 0.25, 1.5]) for _ in range(taking)])


@opspec("RNN", 1, 7, 14, 22)
@opspec("GRU", 1, 3, 7, 14, 22)
@opspec("LSTM", 1, 7, 14, 22)
def recurrent(d: Draw) -> None:
    """No sequence is empty. Y is asked for where output_sequence is 1."""
    name = d.signature.name
    x = d.input("T", (3, 3))
    direction = d.attr("direction", ["forward", "reverse", "bidirectional"])
    directions = 2 if direction == "bidirectional" else 1
    batch_first = d.attr("layout", [1, 0], 0) == 1
    steps, batch = x.sizes[:2][::-1] if batch_first else x.sizes[:2]
    hidden = d.integer(1, 3)
    d.attr("hidden_size", [hidden])
    rows = GATES[name] * hidden

    def weights(*shape: int) -> Operand:
        return d.tensor(x.elem, (directions, *shape), (-1, 1))

    w, r = weights(rows, x.sizes[2]), weights(rows, hidden)
    bias = d.optional(lambda: weights(2 * rows))
    lengths = d.optional(lambda: d.tensor(INT32, (batch,), (1, steps)))
    state = (batch, directions, hidden) if batch_first else (directions, batch, hidden)
    operands = [x, w, r, bias, lengths, d.optional(lambda: d.tensor(x.elem, state))]
    if name == "LSTM":
        operands += [d.optional(lambda: d.tensor(x.elem, state)), d.optional(lambda: weights(3 * hidden))]
    activations(d, FUNCTIONS[name] * directions)
    d.attr("clip", [2.0, 0.5])
    d.attr("input_forget", [1, 0])
    d.attr("linear_before_reset", [1, 0])
    whole = d.attr("output_sequence", [1, 0], 0) == 1 or not d.flag()
    sequence = (batch, steps, directions, hidden) if batch_first else (steps, directions, batch, hidden)
    needed = not whole or d.signature.outputs[1].option == "required"  # of GRU-1
    last = [Out(x.elem, state) if d.flag() or (needed and i == 0) else None for i in range(len(d.signature.outputs) - 1)]
    d.emit(operands, Out(x.elem, sequence) if whole else None, *last)
