"""Opspecs of normalizations."""

from collections.abc import Sequence

from refexec.ops.nn.opspec_convolution import divisors
from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import FLOAT32

EPSILONS = (1e-3, 0.5)
STASH_TYPES = (1, 11, 10, 16)
"""FLOAT, DOUBLE, FLOAT16, BFLOAT16."""


def slimmer(d: Draw, sizes: Sequence[int]) -> tuple[int, ...]:
    """A shape that is unidirectionally broadcast to ``sizes``."""
    if not d.flag():
        return tuple(sizes)
    return tuple([n if d.flag() else 1 for n in sizes][d.integer(0, len(sizes)) :])


@opspec("BatchNormalization", 1, 6, 7, 9, 14, 15)
def batch_normalization(d: Draw) -> None:
    """All outputs in training and one otherwise. Version 1 has 4 axes, and since version 9 one axis means one channel.

    Before version 7, statistics that are not spatial have one number for each feature and the parameters one for each channel: these
    are the same only where there are no spatial axes.
    """  # fmt: skip
    first = d.signature.inputs
    x = d.input(first[0].type_str, (4, 4) if d.since == 1 else (1 if d.since >= 9 else 2, 5))
    flat = d.since in (1, 6) and len(x.sizes) > 2
    spatial = d.attr("spatial", [1] if flat else [0, 1], 1)
    shape = (x.sizes[1:2] if spatial else x.sizes[1:]) or (1,)
    kind = {first[0].type_str: x.elem}

    def parameter(i: int, span: tuple[float, float] | None = None) -> Operand:
        variable = first[i].type_str
        kind.setdefault(variable, d.elem(variable))
        return d.tensor(kind[variable], shape, span)

    operands = [x, parameter(1), parameter(2), parameter(3), parameter(4, (0, 4))]
    d.attr("consumed_inputs", [[0, 0, 0, 1, 1]])
    d.attr("epsilon", EPSILONS)
    d.attr("momentum", [0.5, 0.0, 1.0])
    if d.has("is_test"):
        trains = not d.attr("is_test", [1, 0], 0)
    else:
        trains = d.attr("training_mode", [1, 0], 0) if d.has("training_mode") else d.flag()
    statistics = [Out(operands[3].elem, shape)] * (len(d.signature.outputs) - 1)
    d.emit(operands, Out(x.elem, x.shape), *(statistics if trains else []))


@opspec("InstanceNormalization", 1, 6, 22)
def instance_normalization(d: Draw) -> None:
    x = d.input("T", (4, 4) if d.since == 1 else (3, 5))
    d.attr("epsilon", EPSILONS)
    d.attr("consumed_inputs", [[0, 0, 0]])
    d.emit([x, d.tensor(x.elem, x.sizes[1:2]), d.tensor(x.elem, x.sizes[1:2])], Out(x.elem, x.shape))


@opspec("GroupNormalization", 21)
def group_normalization(d: Draw) -> None:
    x = d.input("T", (3, 5))
    d.attr("num_groups", divisors(x.sizes[1]))
    d.attr("epsilon", EPSILONS)
    d.attr("stash_type", STASH_TYPES)
    d.emit([x, d.tensor(x.elem, x.sizes[1:2]), d.tensor(x.elem, x.sizes[1:2])], Out(x.elem, x.shape))


@opspec("LayerNormalization", 17)
def layer_normalization(d: Draw) -> None:
    x = d.input("T", (1, 4))
    axis = d.axis(len(x.sizes))
    scale = d.tensor(x.elem, slimmer(d, x.sizes if d.flag() else x.sizes[axis:]))
    bias = d.optional(lambda: d.tensor(x.elem, slimmer(d, x.sizes if d.flag() else x.sizes[axis:])))
    d.attr("epsilon", EPSILONS)
    stash = d.elem("U")
    if stash.number != 1 or d.flag():
        d.set("stash_type", stash.number)
    statistic = Out(stash, (*x.sizes[:axis], *(1,) * (len(x.sizes) - axis)))
    d.emit([x, scale, bias], Out(x.elem, x.shape), *(statistic if d.flag() else None for _ in range(2)))


@opspec("RMSNormalization", 23)
def rms_normalization(d: Draw) -> None:
    """The scale, and so Y, has the type of X, which the inference of onnx gives to Y in any case."""
    x = d.input("T", (1, 4))
    axis = d.axis(len(x.sizes))
    scale = d.tensor(x.elem, slimmer(d, x.sizes[axis:]))
    d.attr("epsilon", EPSILONS)
    d.attr("stash_type", STASH_TYPES)
    d.emit([x, scale], Out(x.elem, x.shape))


@opspec("LRN", 1, 13)
def lrn(d: Draw) -> None:
    x = d.input("T", (3, 5))
    d.attr("size", [1, 2, 3, 4])
    d.attr("alpha", [0.5, 0.125])
    d.attr("beta", [0.5, 1.0, 2.0])
    d.attr("bias", [2.0, 0.5])
    d.emit([x], Out(x.elem, x.shape))


@opspec("LpNormalization", 1, 22)
def lp_normalization(d: Draw) -> None:
    x = d.input("T", (1, 4))
    d.axis(len(x.sizes), negative=False)
    d.attr("p", [1, 2])
    d.emit([x], Out(x.elem, x.shape))


@opspec("MeanVarianceNormalization", 9, 13)
def mean_variance_normalization(d: Draw) -> None:
    """The inference of onnx goes through the function body, which has float constants, and of version 13 no default for axes."""
    x = d.input("T", (1, 4), among=[FLOAT32])
    if len(x.sizes) < 4 or d.since == 13 or d.flag():
        d.set("axes", d.several(range(len(x.sizes)), 1))
    d.emit([x], Out(x.elem, x.shape))
