"""Convolutions that absorb the BatchNormalization behind them: one pass over the result less, in the profile ``fast``.

With constant weights W, bias c and parameters, (conv(x, W) + c - mean) * f + B for f = scale / sqrt(var + epsilon) is the convolution with
W * f and the bias (c - mean) * f + B. Both are computed in double precision and rounded once, so that an output moves by no more than one
roundoff of (sum of magnitudes of W * f times x) + |bias|, besides the roundings of the nodes that are not there any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refexec.binding import Bound
from refexec.context import Run
from refexec.plan import NONE, Step

__all__ = ["absorbed"]

Array = np.ndarray[Any, Any]


def absorbed(
    steps: Sequence[Step], values: list[Any], constants: frozenset[int], kept: Collection[int]
) -> tuple[list[Step], frozenset[int]]:
    """The steps with each such pair as one, and the constants; those that are new stand at the end of ``values``."""
    uses = Counter(slot for step in steps for slot in step.inputs)
    uses.update(kept)
    makers = {step.outputs[0]: index for index, step in enumerate(steps) if _named(step, "Conv") and step.bound.site is not None}
    found: list[Step | None] = list(steps)
    new: set[int] = set()
    for index, step in enumerate(steps):
        at = makers.get(step.inputs[0]) if step.inputs else None
        if at is None or not _infers(step) or uses[step.inputs[0]] != 1:
            continue
        weights = _weights(steps[at], step, values, constants)
        if weights is not None:
            slots = len(values), len(values) + 1
            values.extend(weights)
            new.update(slots)
            found[at], found[index] = None, _one(steps[at], step, values, slots)
    return [step for step in found if step is not None], constants | new


def _named(step: Step, name: str) -> bool:
    operator = step.bound.operator
    return operator is not None and operator.builtin and not operator.domain and operator.name == name


def _infers(step: Step) -> bool:
    """Whether a step is a BatchNormalization by given statistics, one of each per channel."""
    own = step.bound.attributes
    by_attributes = own.get("is_test", 1) and not own.get("training_mode", 0) and own.get("spatial", 1)
    return _named(step, "BatchNormalization") and len(step.outputs) == 1 and bool(by_attributes)


def _weights(conv: Step, norm: Step, values: Sequence[Any], constants: frozenset[int]) -> tuple[Array, Array] | None:
    """Weights and bias of the one convolution; None where they are not constant, or not of one type, or not finite."""
    slots = [s for s in (*conv.inputs[1:], *norm.inputs[1:]) if s != NONE]
    if not constants >= set(slots):
        return None
    dtype = values[slots[0]].dtype
    W, *biases = [values[s].astype(np.float64) for s in conv.inputs[1:] if s != NONE]
    if dtype not in (np.float32, np.float64) or any(values[s].dtype != dtype for s in slots):
        return None
    parameters = [values[s].astype(np.float64) for s in norm.inputs[1:]]
    if W.ndim < 3 or any(p.shape != W.shape[:1] for p in (*biases, *parameters)):
        return None
    scale, B, mean, var = parameters
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(var + norm.bound.attributes["epsilon"])
        made = W * factor.reshape(-1, *(1,) * (W.ndim - 1)), (sum(biases) - mean) * factor + B
        weight, bias = made[0].astype(dtype), made[1].astype(dtype)
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        return None
    weight.flags.writeable = bias.flags.writeable = False
    return weight, bias


def _one(conv: Step, norm: Step, values: Sequence[Any], slots: tuple[int, int]) -> Step:
    """The convolution with these weights; where no kernel can run it, both nodes run."""
    site = conv.bound.site.knowing({1: values[slots[0]], 2: values[slots[1]]})  # type: ignore[union-attr]
    weights, parameters = [values[s] for s in conv.inputs[1:]], [values[s] for s in norm.inputs[1:]]

    def call(run: Run, arguments: Sequence[Any]) -> tuple[Any, ...]:
        result = site(arguments, None)
        if result is not None:
            return (result,)
        return norm.bound.call(run, [*conv.bound.call(run, [arguments[0], *weights]), *parameters])

    bound = Bound(call, norm.output_types, site=site)
    return replace(conv, inputs=(conv.inputs[0], *slots), outputs=norm.outputs, output_types=norm.output_types, bound=bound)
