"""Steps that run as one: a primitive's kernel and the Add, Relu and Clip that follow it.

Only plans that run are fused; an observed plan has a step per node. A fused step has the bits of its parts: the kernel does to each
element what they would do. Where the kernel cannot (another shape of the residual, no kernel for these attributes) the parts
run one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refexec.binding import Bound
from refexec.chaining import chain_name
from refexec.context import Run
from refexec.errors import ContractError
from refexec.plan import NONE, SINK, Step
from refexec.primitives import Epilogue
from refexec.types import TensorType

__all__ = ["fused"]


def fused(steps: Sequence[Step], template: Sequence[Any], constants: Collection[int], kept: Collection[int]) -> list[Step]:
    """The steps with every kernel joined to what follows it; values in the slots ``kept`` stay as they are."""
    uses = Counter(slot for step in steps for slot in step.inputs)
    uses.update(kept)
    users: dict[int, int] = {slot: index for index, step in enumerate(steps) for slot in step.inputs}
    found: list[Step | None] = list(steps)
    for index, step in enumerate(steps):
        if found[index] is not step or step.bound.site is None or not step.bound.site.has_kernels or len(step.outputs) != 1:
            continue
        if chain_name(step, template, constants) is not None:
            continue  # it is left for a chain of elementwise steps
        parts, places, residual, follow = [step], [index], NONE, Epilogue()
        while uses[parts[-1].outputs[0]] == 1 and parts[-1].outputs[0] != SINK:
            at = users.get(parts[-1].outputs[0])
            if at is None or found[at] is not steps[at]:
                break
            extended = _followed(follow, residual, parts[-1].outputs[0], steps[at], template, constants)
            if extended is None:
                break
            follow, residual = extended
            parts.append(steps[at])
            places.append(at)
        if len(parts) > 1:
            for part in places:
                found[part] = None
            found[places[-1]] = _joined(parts, follow, residual)
    return [step for step in found if step is not None]


def _followed(
    follow: Epilogue, residual: int, slot: int, step: Step, template: Sequence[Any], constants: Collection[int]
) -> tuple[Epilogue, int] | None:
    """The epilogue with one more step, and the slot of its residual; None where the step is not of that kind."""
    operator = step.bound.operator
    clamped = follow.lo > -np.inf or follow.hi < np.inf
    if operator is None or not operator.builtin or operator.domain or len(step.outputs) != 1 or clamped:
        return None
    if operator.name == "Add" and operator.since >= 7 and not follow.residual and step.inputs[0] != step.inputs[1]:
        other = step.inputs[1] if step.inputs[0] == slot else step.inputs[0]
        if other in constants and np.size(template[other]) == 1:
            return None  # a number has no shape of a result; elementwise steps take it in a chain
        return replace(follow, residual=True), other
    if operator.name == "Relu":
        return replace(follow, lo=0.0), residual
    if operator.name == "Clip" and step.inputs[0] == slot:
        bounds = _clip_bounds(step, template, constants)
        return None if bounds is None else (replace(follow, lo=bounds[0], hi=bounds[1]), residual)
    return None


def _clip_bounds(step: Step, template: Sequence[Any], constants: Collection[int]) -> tuple[float, float] | None:
    """The least and the greatest value of a Clip, where both are known before the run and are numbers."""
    (declared,) = step.output_types
    if not isinstance(declared, TensorType) or not declared.elem.is_float:
        return None
    most = float(np.finfo(declared.elem.dtype).max) if declared.elem.name in ("float32", "float64") else np.inf
    found = [-most, most]
    for i, (name, slot) in enumerate(zip(("min", "max"), (*step.inputs[1:], NONE, NONE), strict=False)):
        if slot != NONE and slot not in constants:
            return None
        value = template[slot] if slot != NONE else step.bound.attributes.get(name)
        if value is not None:
            found[i] = float(np.asarray(value, declared.elem.dtype).reshape(-1)[0]) if np.size(value) == 1 else np.nan
    return None if np.isnan(found).any() or not np.isfinite(most) else (found[0], found[1])


def _joined(parts: Sequence[Step], follow: Epilogue, residual: int) -> Step:
    """One step for all of them. Its inputs are those of the kernel, the residual, and what else the parts need."""
    first, last = parts[0], parts[-1]
    site = first.bound.site
    if site is None:
        raise ContractError("a fused step begins with a kernel", step=first.node.path)
    joined = site.followed(follow)
    own = (*first.inputs, residual) if follow.residual else first.inputs
    made = {part.outputs[0] for part in parts}
    inputs = (*own, *(s for s in dict.fromkeys(s for part in parts[1:] for s in part.inputs) if s not in made and s not in own))
    count = len(own)

    def call(run: Run, values: Sequence[Any]) -> tuple[Any, ...]:
        result = joined(values[:count], None)
        if result is not None:
            return (result,)
        known = dict(zip(inputs, values, strict=True))
        for part in parts:
            (known[part.outputs[0]],) = part.bound.call(run, [known[s] for s in part.inputs])
        return (known[last.outputs[0]],)

    bound = Bound(call, last.output_types, site=joined)
    return replace(first, inputs=inputs, outputs=last.outputs, output_types=last.output_types, bound=bound)
