"""Constant folding: steps whose inputs never change run once, when a plan is made that nobody observes.

The same callables run as would run every time, so that no bit changes. What fails is left to the runs, which raise its error. A call
site behind a folded step learns the value, so that a transposed weight is packed like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refexec import pool
from refexec.binding import Bound
from refexec.callsite import CallSite
from refexec.context import Run
from refexec.execute import detached
from refexec.limits import Budget, Limits, set_active_budget
from refexec.plan import NONE, SINK, Plan, Step
from refexec.primitives import Profile, activate

__all__ = ["folded", "knowing"]

ROOM = 16 << 20  # bytes that results may take beyond what the constants take


def folded(
    steps: Sequence[Step], template: Sequence[Any], constants: Collection[int], limits: Limits, profile: Profile
) -> tuple[list[Step], dict[int, Any]]:
    """The steps that are left, and the values of the slots that the others fill."""
    known: dict[int, Any] = {slot: template[slot] for slot in constants}
    room = ROOM + sum(value.nbytes for value in known.values())
    run = Run(Budget(limits), 0, None, profile.wide)
    found: dict[int, Any] = {}
    left: list[Step] = []
    before = set_active_budget(run.budget), activate(profile), pool.use_threads(1)
    try:
        for step in steps:
            results = None
            if _is_constant(step, known):
                run.budget.limits = limits.replace(tensor_bytes=min(room, limits.tensor_bytes or room))
                results = _results(step, [None if s == NONE else known[s] for s in step.inputs], run, room)
            if results is None:
                left.append(_informed(step, found))
                continue
            for slot, value in zip(step.outputs, results, strict=True):
                if slot != SINK:
                    value.flags.writeable = False
                    known[slot] = found[slot] = value
                    room -= value.nbytes
    finally:
        set_active_budget(before[0])
        activate(before[1])
        pool.use_threads(before[2])
    return left, found


def _is_constant(step: Step, known: Collection[int]) -> bool:
    """Whether a step gives the same in every run, by what it is and what it is given."""
    operator = step.bound.operator
    if operator is None or not operator.builtin or operator.comparison is None or operator.comparison.kind == "random":
        return False
    has_graphs = any(isinstance(value, Plan) for value in step.bound.attributes.values())
    return not has_graphs and all(s == NONE or s in known for s in step.inputs)


def _results(step: Step, values: Sequence[Any], run: Run, room: int) -> Sequence[Any] | None:
    """What the step makes of its inputs, if it can, if that are arrays, and if they fit."""
    try:
        run.budget.check_time()
        with np.errstate(all="ignore"):
            results = [detached(result) for result in step.bound.call(run, values)]
    except Exception:
        return None
    wanted = [r for r, slot in zip(results, step.outputs, strict=True) if slot != SINK]
    return results if all(isinstance(r, np.ndarray) for r in wanted) and sum(r.nbytes for r in wanted) <= room else None


def _informed(step: Step, found: dict[int, Any]) -> Step:
    """The step with a call site that knows which of its inputs never change."""
    more = {i: found[s] for i, s in enumerate(step.inputs) if s in found}
    site = step.bound.site
    return step if not more or site is None or not site.has_kernels else knowing(step, site.knowing(more))


def knowing(step: Step, site: CallSite) -> Step:
    """The step with another call site for its kernels; where none of them can run it does what it did."""
    before = step.bound.call

    def call(run: Run, values: Sequence[Any]) -> tuple[Any, ...]:
        result = site(values, None)
        return before(run, values) if result is None else (result,)

    bound = Bound(call, step.output_types, site=site, operator=step.bound.operator, attributes=step.bound.attributes)
    return replace(step, bound=bound)
