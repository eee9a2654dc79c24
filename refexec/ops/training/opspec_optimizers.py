"""Opspecs of one step of gradient descent: all tensors, then all their gradients, then their states of each kind."""

from refexec.opspec import Draw, Out, opspec
from refexec.types import INT64

DOMAIN = "ai.onnx.preview.training"
STATES = {"Adagrad": [(0, 4)], "Adam": [None, (0, 4)], "Momentum": [None]}
"""Where the numbers of the states lie; sums of squares are not negative."""


def optimizer(d: Draw) -> None:
    """T counts updates from 0 on. Learning rate and tensors may differ in type, and tensors among each other."""
    rate = d.input("T1", (0, 0), span=(0.125, 1))
    count = d.tensor(INT64, (), (0, 5))
    tensors = [d.input("T3", (0, 3), empty=True) for _ in range(d.integer(1, 2))]
    others = [[d.tensor(x.elem, x.sizes, span) for x in tensors] for span in (None, *STATES[d.signature.name])]
    for name, values in ("alpha", (0.5, 0.75)), ("beta", (0.5, 0.875)), ("mode", ("standard", "nesterov")), ("epsilon", (0.125, 1e-3)):
        d.attr(name, values)
    for name in ("norm_coefficient", "norm_coefficient_post", "decay_factor"):
        d.attr(name, [0.25, 0.0, 0.01])
    results = [x for group in (tensors, *others[1:]) for x in group]
    d.emit([rate, count, *tensors, *(x for group in others for x in group)], *(Out(x.elem, x.shape) for x in results))


for _name in STATES:
    opspec(_name, 1, domain=DOMAIN)(optimizer)
