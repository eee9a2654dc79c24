"""One node again, on another runtime's own inputs: what the runtime did there, apart from what came in.

How the result is judged follows the operator's declaration:

- *rounded*: against the definition in wide numbers, error / bound. A right implementation stays at 1 or below.
- *exact*: against the reference result, bit for bit.
- *discrete*: against the reference result; where it differs, the decision is a tie if inputs moved by two units in the last
  place decide as the runtime did, or if the declared margin is no larger than that.
- *composite* (If, Loop, Scan, calls of functions): against the wide result, relative to four times what the errors that the
  inner nodes may make did to it in one run in which each node was disturbed by its bound. That is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from refexec.context import Event, NodeInfo, Run
from refexec.diff.bounds import bounds, evaluate_in
from refexec.diff.declared import Declarations, Declared
from refexec.diff.disturb import Disturbance, declared_numbers, estimated, is_inexact
from refexec.diff.metrics import difference, misfit, over_bound, same_bits
from refexec.diff.report import Local
from refexec.limits import Budget
from refexec.plan import NONE, Step
from refexec.session import Session
from refexec.types import ElementType, TensorType, ValueType, element_type, without_shape
from refexec.values import round_to, to_public, ulp, unit_roundoff, value_type_of, widen

__all__ = ["Replay", "by_bound", "the_same"]


class Replay:
    """Replays nodes of one model."""

    def __init__(self, reference: Session, wide: Session, declarations: Declarations) -> None:
        self.reference = reference
        self.wide = wide
        self.declared = declarations
        self._wide_steps = {s.node.path: s for s in wide.plan.steps}
        self._names = {slot: name for name, slot in reference.plan.slots.items()}

    def missing(self, step: Step, values: Mapping[str, Any]) -> list[str]:
        """The names of the step's inputs that ``values`` lacks and the model does not hold itself."""
        return [name for name in self.input_names(step) if name not in values]

    def input_names(self, step: Step) -> list[str]:
        """The names of the values that the step reads, in its subgraphs too, but for the model's constants."""
        return [self._names[s] for s in step.inputs if s != NONE and s not in self.reference.plan.constants]

    def arguments(self, session: Session, step: Step, values: Mapping[str, Any]) -> list[Any]:
        """The step's inputs, from ``values`` (in reference types) and the model's constants, in the session's numbers."""
        found = []
        for slot in step.inputs:
            name = self._names.get(slot)
            if name is not None and name in values:
                found.append(_in_numbers_of(session, values[name]))
            else:
                found.append(session.plan.template[slot])
        return found

    def run(
        self, session: Session, step: Step, arguments: Sequence[Any], observer: Callable[[Event], None] | None = None
    ) -> tuple[Any, ...]:
        """The results of one step."""
        return evaluate_in(session, observer, lambda run: step.call(run, arguments))

    def judge(self, step: Step, values: Mapping[str, Any], actual: Mapping[int, Any]) -> dict[int, Local]:
        """Judge the outputs of ``step`` that the runtime gave: ``actual`` maps output indexes to its values (in internal
        form, as ``values`` does by name)."""
        declared = self.declared[step.node]
        wide_step = self._wide_steps[step.node.path]
        if declared.kind == "composite":
            return self._composite(wide_step, values, actual)
        if declared.kind == "rounded":
            return self._rounded(wide_step, declared, values, actual)
        arguments = self.arguments(self.reference, step, values)
        results = self.run(self.reference, step, arguments)
        judged = {}
        for i, found in actual.items():
            expected, given = to_public(results[i]), to_public(found)
            judged[i] = _unfit(expected, given) or self._equal_or(declared, step, arguments, results, i, given)
        return judged

    def _equal_or(self, declared: Declared, step: Step, arguments: Sequence[Any], results: Sequence[Any], i: int, given: Any) -> Local:
        expected = to_public(results[i])
        kind = declared.kind
        if same_bits(expected, given):
            return Local("within", kind, 0.0, 0.0)
        apart = difference(expected, given)
        if apart.unequal == 0:
            return Local("within", kind, 0.0, 0.0, "the sign of a zero differs")
        if kind == "discrete" and self._is_tie(step, arguments, results, i, given):
            return Local("tie", kind, None, apart.max_abs, f"{apart.unequal} of {apart.size} decisions are ties")
        return Local("beyond", kind, np.inf, apart.max_abs, f"{apart.unequal} of {apart.size} elements differ and must not")

    def _rounded(self, step: Step, declared: Declared, values: Mapping[str, Any], actual: Mapping[int, Any]) -> dict[int, Local]:
        arguments = self.arguments(self.wide, step, values)
        results = self.run(self.wide, step, arguments)
        types = [
            t if t is not None or i not in actual else without_shape(value_type_of(actual[i])) for i, t in enumerate(step.output_types)
        ]
        return by_bound(self.wide, step.node, declared, arguments, results, types, actual)

    def _is_tie(self, step: Step, arguments: Sequence[Any], results: Sequence[Any], i: int, given: Any) -> bool:
        first = next((k for k, x in enumerate(arguments) if isinstance(x, np.ndarray) and is_inexact(x) and x.dtype.kind != "c"), None)
        if first is None or not isinstance(given, np.ndarray):
            return False
        x = arguments[first]
        open_ = np.asarray(given != results[i])
        for sign in (2, -2):
            moved = list(arguments)
            with np.errstate(all="ignore"):
                moved[first] = round_to(widen(x) + sign * ulp(x, x.dtype), x.dtype)
            other = self.run(self.reference, step, moved)[i]
            if isinstance(other, np.ndarray) and other.shape == given.shape:
                open_ = open_ & (other != given)
        return not open_.any() or self._margin_is_small(step, arguments, results, x, np.asarray(given != results[i]))

    def _margin_is_small(self, step: Step, arguments: Sequence[Any], results: Sequence[Any], x: Any, other: Any) -> bool:
        """Whether, where another decision was made, the declared distance to it is at most two units in the last place of the
        largest input. A margin of another shape than the output speaks of all elements: the least counts."""
        run = Run(Budget(self.wide.limits), self.wide.seed, None, True)
        inputs, outputs = ([_in_numbers_of(self.wide, v) for v in values] for values in (arguments, results))
        with np.errstate(all="ignore"):
            margin = self._wide_steps[step.node.path].margin(run, inputs, outputs)
        if margin is None:
            return False
        size = np.abs(widen(x)[np.isfinite(widen(x))]).max(initial=0.0)
        margins = np.asarray(margin, np.float64)
        needed = margins[other].max(initial=0.0) if margins.shape == other.shape else margins.min(initial=np.inf)
        return bool(needed <= 2 * float(ulp(size, x.dtype)))

    def _composite(self, step: Step, values: Mapping[str, Any], actual: Mapping[int, Any]) -> dict[int, Local]:
        disturbance = Disturbance(self.declared, self.wide)
        results = self.run(self.wide, step, self.arguments(self.wide, step, values))
        disturbed = self.run(self.wide, step, self.arguments(self.wide, step, values), disturbance)
        if disturbance.random:
            return {i: Local("random", "estimate", None, None) for i in actual}
        return {i: estimated(results[i], disturbed[i], found) for i, found in actual.items()}


def by_bound(
    session: Session, node: NodeInfo, declared: Declared, arguments: Sequence[Any], results: Sequence[Any],
    types: Sequence[ValueType | None], actual: Mapping[int, Any],
) -> dict[int, Local]:  # fmt: skip
    """Judge outputs by the declared bound of one wide evaluation; those without one must be the same."""
    limits = bounds(session, node, declared, arguments, results, types)
    judged = {}
    for i, found in actual.items():
        elem = _element(types[i])
        if elem is not None and elem.kind == "complex" and isinstance(found, np.ndarray) and limits[i] is None:
            judged[i] = _unfit(declared_numbers(results[i], found), found) or _complex(results[i], found)
        elif elem is None or not elem.is_float or not isinstance(found, np.ndarray) or limits[i] is None:
            judged[i] = the_same(results[i], found)
        elif found.shape != results[i].shape:
            judged[i] = Local("shape", "bound", None, None)
        else:
            error, ratio = over_bound(found, results[i], limits[i], elem)
            judged[i] = Local("within" if ratio <= 1 else "beyond", "bound", ratio, error)
    return judged


def the_same(truth: Any, found: Any) -> Local:
    """Judge a value that must be the wide one, rounded to its type; a double may be half a unit from a long double.

    An exact double that went through long double is rounded twice, which may end at the other neighbour.
    """
    given = to_public(found)
    expected = declared_numbers(to_public(truth), given)
    wrong = _unfit(expected, given)
    if wrong:
        return wrong
    apart = difference(expected, given)
    if apart.unequal and isinstance(truth, np.ndarray) and truth.dtype == np.longdouble:
        error, ratio = over_bound(found, truth, ulp(found, found.dtype) * (0.5 + LONG_DOUBLE), element_type(found.dtype))
        return Local("within" if ratio <= 1 else "beyond", "exact", ratio, error)
    return Local("beyond" if apart.unequal else "within", "exact", np.inf if apart.unequal else 0.0, apart.max_abs)


def _complex(truth: Any, found: Any) -> Local:
    """Bounds speak of real numbers. A complex result may be some units from the wide one, of the largest of the tensor."""
    apart = np.abs(found - truth)
    error = float(np.where((found == truth) | np.isnan(apart), 0.0, apart).max(initial=0.0))
    size = float(np.abs(truth[np.isfinite(truth)]).max(initial=0.0))
    ratio = error / (COMPLEX_UNITS * unit_roundoff(found.real.dtype) * size) if error else 0.0
    return Local("within" if ratio <= 1 else "beyond", "estimate", ratio, error)


COMPLEX_UNITS = 64.0
LONG_DOUBLE = 2.0**-10  # of a unit of double: half a unit of long double


def _unfit(expected: Any, given: Any) -> Local | None:
    wrong = misfit(expected, given)
    return Local(wrong, "exact", None, None) if wrong else None


def _in_numbers_of(session: Session, value: Any) -> Any:
    if not session.profile.wide:
        return value
    if isinstance(value, np.ndarray):
        return widen(value)
    items = getattr(value, "items", None)
    if isinstance(items, list):
        return type(value)(value.elem_type, [_in_numbers_of(session, v) for v in items])
    if hasattr(value, "elem_type") and value.value is not None:
        return type(value)(value.elem_type, _in_numbers_of(session, value.value))
    return value


def _element(value_type: ValueType | None) -> ElementType | None:
    return value_type.elem if isinstance(value_type, TensorType) else None
