"""What a comparison takes from an operator's declaration: the bound of one evaluation, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refexec.binding import bind
from refexec.comparison import Call
from refexec.context import Event, NodeInfo, Run
from refexec.diff.declared import Declared
from refexec.errors import RefexecError
from refexec.limits import Budget, set_active_budget
from refexec.session import Session
from refexec.types import TensorType

__all__ = ["FAILURES", "bounds", "evaluate_in"]

FAILURES = (RefexecError, ValueError, IndexError, TypeError, ArithmeticError, AttributeError, MemoryError, RecursionError)
"""What running a node on inputs of another runtime may raise."""


def bounds(
    session: Session, node: NodeInfo, declared: Declared, arguments: Sequence[Any], results: Sequence[Any], types: Sequence[Any]
) -> tuple[Any, ...]:
    """The declared bound of each output; None where it has none."""
    operator = declared.operator
    if operator is None or operator.comparison is None or operator.comparison.bound is None:
        return (None,) * len(results)
    count = len(node.inputs)
    wanted = tuple(bool(n) for n in node.outputs)

    def evaluate(*inputs: Any, **changes: Any) -> tuple[Any, ...]:
        attributes = {**declared.attributes, **changes}
        bound = bind(operator, attributes, {}, (None,) * count, tuple(types), wanted, session.profile, node.path)
        return evaluate_in(session, None, lambda run: bound.call(run, inputs))

    elements = tuple(t.elem if isinstance(t, TensorType) else None for t in types)
    call = Call(tuple(arguments[:count]), declared.attributes, tuple(results), elements, evaluate)
    with np.errstate(all="ignore"):
        return operator.comparison.bound(call)


def evaluate_in(session: Session, observer: Callable[[Event], None] | None, call: Callable[[Run], tuple[Any, ...]]) -> tuple[Any, ...]:
    """What ``call`` gives in a run of its own, as in a run of ``session``."""
    run = Run(Budget(session.limits), session.seed, observer, session.profile.wide)
    before = set_active_budget(run.budget)
    try:
        with np.errstate(all="ignore"):
            return call(run)
    finally:
        set_active_budget(before)
