"""Gradient: reverse-mode differentiation of a part of the graph."""

import numpy as np

from refexec.comparison import of_largest
from refexec.errors import UnsupportedOperator, require
from refexec.ops.common import Array
from refexec.ops.math.exponential import exp
from refexec.ops.math.matmul import matmul
from refexec.ops.math.trigonometry import cos, cosh, sin
from refexec.ops.reduction.over import total
from refexec.registry import op
from refexec.values import zero


def reduced(g: Array, like: Array) -> Array:
    """The gradient of an operand that was broadcast: the sum over what it was repeated along."""
    lead = g.ndim - like.ndim
    repeated = tuple(range(lead)) + tuple(i + lead for i, d in enumerate(like.shape) if d == 1)
    return total(g, repeated).reshape(like.shape)


def spread(g: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of a sum, for each of its terms."""
    kept = g.ndim == len(shape)
    require(kept or g.size == 1, "a sum that Gradient differentiates keeps its dimensions or is one number", sum=g.shape, of=shape)
    return np.broadcast_to(g if kept else g.reshape((1,) * len(shape)), shape)


def matmul_rule(g: Array, A: Array, B: Array) -> tuple[Array, Array]:
    """Of Y = A @ B: g @ B^T and A^T @ g."""
    require(A.ndim >= 2 and B.ndim >= 2, "Gradient differentiates MatMul of matrices", A=A.shape, B=B.shape)
    return reduced(matmul(g, B, transpose_B=True), A), reduced(matmul(A, g, transpose_A=True), B)


# operator -> (gradient of the output, inputs, output) -> gradients of the inputs
RULES = {
    "Add": lambda g, x, y: (reduced(g, x[0]), reduced(g, x[1])),
    "Sub": lambda g, x, y: (reduced(g, x[0]), -reduced(g, x[1])),
    "Mul": lambda g, x, y: (reduced(g * x[1], x[0]), reduced(g * x[0], x[1])),
    "Div": lambda g, x, y: (reduced(g / x[1], x[0]), reduced(-g * y / x[1], x[1])),
    "Neg": lambda g, x, y: (-g,),
    "Identity": lambda g, x, y: (g,),
    "Abs": lambda g, x, y: (g * np.sign(x[0]),),
    "Cos": lambda g, x, y: (-g * sin(x[0]),),
    "Exp": lambda g, x, y: (g * y,),
    "Log": lambda g, x, y: (g / x[0],),
    "MatMul": lambda g, x, y: matmul_rule(g, *x),
    "Reciprocal": lambda g, x, y: (-g * np.square(y),),
    "ReduceSum": lambda g, x, y: (spread(g, x[0].shape), *(None for _ in x[1:])),
    "Relu": lambda g, x, y: (np.where(x[0] > 0, g, zero(g.dtype)),),
    "Sigmoid": lambda g, x, y: (g * y / (1 + exp(x[0])),),
    "Sin": lambda g, x, y: (g * cos(x[0]),),
    "Sqrt": lambda g, x, y: (g / (2 * y),),
    "Tanh": lambda g, x, y: (g / np.square(cosh(x[0])),),
}
FROM = 7  # the version in which Add, Sub, Mul and Div began to broadcast as NumPy does


def differentiable(part, count):
    """The steps of ``part`` that depend on its first ``count`` inputs. Raises UnsupportedOperator for one without a rule."""
    active = set(part.input_slots[:count])
    steps = []
    for step in part.steps:
        if active.isdisjoint(step.inputs):
            continue
        name, _, version = step.node.label.rpartition("-")
        broadcasting = name in ("Add", "Sub", "Mul", "Div")
        if name not in RULES or (broadcasting and int(version) < FROM):
            raise UnsupportedOperator(
                f"Gradient has no rule for {step.node.label}", domain=step.node.domain, op_type=step.node.op_type, rules=sorted(RULES)
            )
        steps.append(step)
        active.update(step.outputs)
    return steps


def gradient_types(attributes, inputs):
    """A gradient has the type of what it is taken with respect to. Operators without a rule are found here, before any run."""
    differentiable(attributes["y"], len(attributes["xs"]))
    return inputs[: len(attributes["xs"])]


def with_part(attributes, part):
    """The attribute ``y``, which names a value, as the part of the graph that makes it from those of xs and zs."""
    return {**attributes, "y": part((*attributes["xs"], *attributes.get("zs", ())), attributes["y"])}


@op(
    "Gradient", since=1, domain="ai.onnx.preview.training", arithmetic="stated", compare=of_largest(64), result_types=gradient_types,
    from_graph=with_part,
)  # fmt: skip
def gradient_1(*Inputs, xs, y, zs=None):
    """The derivative of the sum of ``y`` with respect to each of ``xs``, at the values that the inputs give to xs and zs.

    ``y`` is the part of the surrounding graph that makes the value of that name from those of xs and zs. It consists of operators
    with a rule in RULES; of what does not depend on xs the gradient is 0. At a kink (Abs and Relu at 0) it is 0. Gradient itself
    has no rule, so there are no second derivatives, which the text allows.
    """
    part = y.plan
    require(
        len(Inputs) == len(part.input_slots), "there is one input per name in xs and zs", inputs=len(Inputs), names=len(part.input_slots)
    )
    values = dict(enumerate(part.template)) | dict(zip(part.output_slots, y(*Inputs), strict=True))
    values |= dict(zip(part.input_slots, Inputs, strict=True))
    target = part.output_slots[0]
    gradients = {target: np.ones_like(values[target])}
    for step in reversed(differentiable(part, len(xs))):
        g = gradients.get(step.outputs[0])
        if g is None:
            continue
        operands = [values[slot] for slot in step.inputs]
        for slot, share in zip(step.inputs, RULES[step.node.op_type](g, operands, values[step.outputs[0]]), strict=True):
            if share is not None:
                gradients[slot] = gradients[slot] + share if slot in gradients else share
    return tuple(gradients.get(slot, np.zeros_like(x)) for slot, x in zip(part.input_slots, Inputs[: len(xs)], strict=False))
