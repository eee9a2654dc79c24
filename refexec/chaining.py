"""Elementwise steps that follow each other as one: they run block by block in the cache, without temporaries of full size.

Each element gets the operations of its nodes, with their bits. Where shapes do not allow it, and for small tensors, the nodes run one
after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refexec.binding import Bound
from refexec.context import Run
from refexec.limits import claim
from refexec.plan import NONE, SINK, Step
from refexec.primitives import provided
from refexec.types import FLOAT32, FLOAT64, TensorType

__all__ = ["chain_name", "chained"]

BINARY = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}
UNARY = {
    "Exp": "exp", "Log": "log", "Tanh": "tanh", "Sigmoid": "sigmoid", "Erf": "erf", "Sqrt": "sqrt", "Neg": "neg", "Abs": "abs",
    "Reciprocal": "reciprocal", "Relu": "relu",
}  # fmt: skip
MOST_STEPS = 12
MOST_BINDINGS = 64
SMALL = 4096  # elements times steps below which the nodes are faster one by one


def chained(steps: Sequence[Step], template: Sequence[Any], constants: Collection[int], kept: Collection[int]) -> list[Step]:
    """The steps with elementwise ones joined to those that use them and nothing else does."""
    if provided("chain") is None:
        return list(steps)
    uses = Counter(slot for step in steps for slot in step.inputs)
    uses.update(kept)
    groups: dict[int, list[int]] = {}  # by the last step: those that run with it, in order
    maker: dict[int, int] = {}
    for index, step in enumerate(steps):
        if chain_name(step, template, constants) is None:
            continue
        members = [index]
        for slot in dict.fromkeys(step.inputs):
            at = maker.get(slot)
            if at is not None and at in groups and uses[slot] == step.inputs.count(slot) and len(members) + len(groups[at]) <= MOST_STEPS:
                members = groups.pop(at) + members
        groups[index] = sorted(members)
        if step.outputs[0] != SINK:
            maker[step.outputs[0]] = index
    joined = {last: members for last, members in groups.items() if len(members) > 1}
    inside = {index for members in joined.values() for index in members}
    return [
        _Chain([steps[i] for i in joined[index]], template, constants).step() if index in joined else step
        for index, step in enumerate(steps)
        if index in joined or index not in inside
    ]


def chain_name(step: Step, template: Sequence[Any], constants: Collection[int]) -> str | None:
    """What a chain calls a step; None for what it cannot do."""
    operator, declared = step.bound.operator, step.output_types[0] if len(step.outputs) == 1 else None
    if operator is None or not operator.builtin or operator.domain or not isinstance(declared, TensorType):
        return None
    if declared.elem not in (FLOAT32, FLOAT64) or NONE in step.inputs:
        return None
    if operator.name in BINARY and operator.since >= 7 and len(step.inputs) == 2:
        return BINARY[operator.name]
    if operator.name in UNARY and len(step.inputs) == 1:
        return UNARY[operator.name]
    if operator.name == "Pow" and operator.since >= 7 and step.inputs[1] in constants:
        exponent = template[step.inputs[1]]
        return "square" if exponent.dtype == declared.elem.dtype and exponent.size == 1 and float(exponent.reshape(())) == 2.0 else None
    return None


class _Chain:
    """Steps as the program of a chain; the last one's output is the result."""

    def __init__(self, parts: Sequence[Step], template: Sequence[Any], constants: Collection[int]) -> None:
        self.parts = parts
        made = {part.outputs[0]: number for number, part in enumerate(parts)}
        self.inputs = tuple(dict.fromkeys(s for part in parts for s in part.inputs if s not in made))
        declared = parts[-1].output_types[0]
        self.dtype: np.dtype[Any] = declared.elem.dtype  # type: ignore[union-attr]
        program = provided("chain")
        names = [chain_name(part, template, constants) for part in parts]
        needed = [part.inputs[:1] if name == "square" else part.inputs for part, name in zip(parts, names, strict=True)]
        self.taken = tuple(dict.fromkeys(s for slots in needed for s in slots if s not in made))
        self.positions = [self.inputs.index(s) for s in self.taken]

        def operand(slot: int) -> Any:
            return program.Result(made[slot]) if slot in made else program.Input(self.taken.index(slot))

        self.chain = program.Chain(
            [program.Step(name, tuple(map(operand, slots))) for name, slots in zip(names, needed, strict=True)]
        )  # fmt: skip
        self.bindings: dict[Any, Any] = {}
        order = {slot: place for place, slot in enumerate(self.inputs)} | {s: len(self.inputs) + n for s, n in made.items()}
        self.turns: list[tuple[Callable[..., Any] | None, Step, list[int]]] = [
            (part.bound.single, part, [order[s] for s in part.inputs]) for part in parts
        ]

    def _bind(self, shapes: tuple[tuple[int, ...], ...]) -> Any:
        try:
            size = int(np.prod(np.broadcast_shapes(*shapes)))
        except ValueError:
            size = 0  # the nodes say what is wrong
        bound = self.chain.bind(shapes) if size * len(self.parts) >= SMALL else None
        if len(self.bindings) >= MOST_BINDINGS:
            self.bindings = {}
        self.bindings[shapes] = bound
        return bound

    def call(self, run: Run, values: Sequence[Any]) -> tuple[Any, ...]:
        arrays = [values[i] for i in self.positions]
        shapes = tuple([a.shape for a in arrays])
        bound = self.bindings[shapes] if shapes in self.bindings else self._bind(shapes)
        if bound is not None:
            y = np.empty(claim(bound.shape, self.dtype), self.dtype)
            bound.run(y, arrays)
            return (y,)
        known = list(values)
        for single, part, at in self.turns:
            arguments = [known[i] for i in at]
            result = single(*arguments) if single is not None else part.bound.call(run, arguments)[0]
            if type(result) is not np.ndarray or result.dtype != part.bound.dtype:
                result = part.bound.settle(result) if part.bound.settle is not None else result
            known.append(result)
        return (known[-1],)

    def step(self) -> Step:
        last = self.parts[-1]
        bound = Bound(self.call, last.output_types)
        return replace(last, inputs=self.inputs, bound=bound)
