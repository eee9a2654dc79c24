"""Running a plan: one loop over slots.

A value lives in its slot from the step that makes it to the step that uses it last. Slot 0 holds None, the absent input;
slot 1 takes what no one asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refexec.context import Event, Run
from refexec.errors import ContractError, LimitExceeded, RefexecError, RuleViolation, RunError, require, shown
from refexec.plan import Plan, Step, ValueInfo
from refexec.types import ValueType
from refexec.values import Optional as OptionalValue
from refexec.values import Sequence as SequenceValue
from refexec.values import nbytes

__all__ = ["Subgraph", "execute", "run_plan"]

ndarray = np.ndarray
LARGE_BASE = 1 << 20  # bytes


def run_plan(plan: Plan, values: Sequence[Any], captured: Sequence[Any], run: Run) -> list[Any]:
    """Run a plan on its inputs (in order) and captured values, and return its outputs. What it held is given back."""
    slots = plan.template.copy()
    for slot, value in zip(plan.input_slots, values, strict=True):
        slots[slot] = value
    for slot, value in zip(plan.capture_slots, captured, strict=True):
        slots[slot] = value
    before = run.budget.live
    execute(plan, slots, run)
    run.budget.live = before
    return [slots[slot] for slot in plan.output_slots]


def execute(plan: Plan, slots: list[Any], run: Run) -> None:
    """Run the steps of a plan on its slots. Leaves the outputs and all values that no step releases in ``slots``."""
    budget = run.budget
    budget.steps += len(plan.steps) + plan.joined
    if budget.steps > budget.steps_limit:
        budget.limits.check("steps", budget.steps, "the number of executed nodes")
    if run.observer is not None or budget.deadline is not None:
        return _execute_watched(plan, slots, run)
    live, most = budget.live, budget.live_limit
    step = None
    try:
        for step, (releases, drops) in zip(plan.steps, plan.last_uses, strict=True):
            arguments = [slots[i] for i in step.inputs]
            bound = step.bound
            single = bound.single
            if single is not None:
                result = single(*arguments)
                if type(result) is not ndarray or result.dtype != bound.dtype:
                    result = bound.settle(result)  # type: ignore[misc]
                base = result.base
                if type(base) is ndarray and base.nbytes > LARGE_BASE:
                    result = detached(result)
                slots[step.outputs[0]] = result
                live += result.nbytes
            else:
                budget.live = live
                results = bound.call(run, arguments)
                if len(results) == 1 and type(results[0]) is ndarray and results[0].base is None:
                    slots[step.outputs[0]] = results[0]
                    live += results[0].nbytes
                else:
                    for slot, result in zip(step.outputs, map(detached, results), strict=True):
                        slots[slot] = result
                    live += sum(map(nbytes, results))
            if live > most:
                budget.limits.check("live_bytes", live, "the memory held in values")
            for slot in releases:
                value = slots[slot]
                live -= value.nbytes if type(value) is ndarray else nbytes(value)
                slots[slot] = None
            for slot in drops:
                slots[slot] = None
        budget.live = live
    except Exception as error:
        known = explained(error, step, slots, run.scope)
        if known is error:
            raise
        raise known from error


def _execute_watched(plan: Plan, slots: list[Any], run: Run) -> None:
    """The same with an event per step and the clock."""
    budget = run.budget
    step = None
    try:
        for step, (releases, drops) in zip(plan.steps, plan.last_uses, strict=True):
            budget.check_time()
            arguments = [slots[i] for i in step.inputs]
            live = budget.live
            results = step.bound.call(run, arguments)
            budget.live = live + sum(map(nbytes, results))
            for slot, result in zip(step.outputs, map(detached, results), strict=True):
                slots[slot] = result
            budget.limits.check("live_bytes", budget.live, "the memory held in values")
            if run.observer is not None:
                node = step.node if not run.scope else step.node._replace(path=run.scope + step.node.path)
                margin = step.margin(run, arguments, results)
                ran = step.implementation(arguments)
                run.observer(Event(node, run.trips, tuple(arguments), results, step.output_types, margin, ran))
            for slot in releases:
                budget.live -= nbytes(slots[slot])
                slots[slot] = None
            for slot in drops:
                slots[slot] = None
    except Exception as error:
        known = explained(error, step, slots, run.scope)
        if known is error:
            raise
        raise known from error


def detached(value: Any) -> Any:
    """A copy of a small view of a large array, which it would keep in memory; anything else as it is."""
    if isinstance(value, SequenceValue):
        items = [detached(item) for item in value.items]
        changed = any(new is not old for new, old in zip(items, value.items, strict=True))
        return SequenceValue(value.elem_type, items) if changed else value
    if isinstance(value, OptionalValue):
        inner = detached(value.value)
        return value if inner is value.value else OptionalValue(value.elem_type, inner)
    base = getattr(value, "base", None)
    return value.copy() if type(base) is ndarray and base.nbytes > LARGE_BASE and 4 * value.nbytes < base.nbytes else value


class Subgraph:
    """A graph attribute as the body of If, Loop, Scan or SequenceMap calls it: ``body(*inputs, trip=i) -> outputs``.

    Names of the outer scope are bound already. ``trip`` is the number of the loop iteration, shown in events.
    """

    __slots__ = ("_captured", "_run", "plan")

    def __init__(self, plan: Plan, run: Run, captured: Sequence[Any]) -> None:
        self.plan = plan
        self._run = run
        self._captured = captured

    def __call__(self, *values: Any, trip: int | None = None) -> list[Any]:
        plan, run = self.plan, self._run
        require(
            len(values) == len(plan.input_slots),
            "a subgraph gets as many values as it has inputs",
            has=len(plan.input_slots),
            got=len(values),
        )
        if trip is None:
            return run_plan(plan, values, self._captured, run)
        outer = run.trips
        run.trips = (*outer, trip)
        try:
            return run_plan(plan, values, self._captured, run)
        finally:
            run.trips = outer

    @property
    def inputs(self) -> tuple[ValueInfo, ...]:
        """Name and declared type of each input."""
        return self.plan.inputs

    @property
    def outputs(self) -> tuple[ValueInfo, ...]:
        """Name and declared type of each output."""
        return self.plan.outputs

    @property
    def output_types(self) -> tuple[ValueType | None, ...]:
        """The declared types of the outputs."""
        return self.plan.output_types


def explained(error: Exception, step: Step | None, slots: list[Any], scope: str = "") -> Exception:
    """The error with a note on the node and its inputs. Errors of NumPy become typed ones first."""
    if not isinstance(error, RefexecError):
        error = _typed(error, step is None or step.bound.builtin)
    if step is not None:
        error.add_note(f"in {step.node._replace(path=scope + step.node.path)}")
        if not getattr(error, "_inputs_noted", False):
            error._inputs_noted = True  # type: ignore[attr-defined]
            seen = ", ".join(f"{name or '-'}: {_described(slots[s])}" for name, s in zip(step.node.inputs, step.inputs, strict=False))
            error.add_note(f"inputs: {seen or 'none'}")
    return error


def _typed(error: Exception, builtin: bool) -> RefexecError:
    if isinstance(error, MemoryError):
        typed: RefexecError = LimitExceeded("not enough memory", limit="memory", text=str(error))
    elif isinstance(error, RecursionError):
        typed = LimitExceeded("graphs and functions are nested too deeply", limit="call_depth")
    elif not builtin:
        typed = RunError("the custom operator failed", error=f"{type(error).__name__}: {error}")
    elif isinstance(error, (ValueError, IndexError, ArithmeticError)):
        typed = RuleViolation("the inputs do not fit the operator", text=str(error))
    else:
        typed = ContractError("the operator failed", error=f"{type(error).__name__}: {error}")
    return typed


def _described(value: Any) -> str:
    if isinstance(value, ndarray):
        name = "string" if value.dtype == object else value.dtype.name
        return f"{name}{list(value.shape)}"
    return shown(value, 60)
