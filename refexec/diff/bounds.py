"""What a comparison takes from an operator's declaration: the bound of one evaluation, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from refexec.binding import bind
from refexec.comparison import Call
from refexec.context import Event, NodeInfo, Run
from refexec.diff.declared import Declared
from refexec.errors import RefexecError
from refexec.limits import Budget, set_active_budget
from refexec.session import Session
from refexec.types import TensorType

__all__ = ["FAILURES", "bounds", "evaluate_in", "evaluator", "overflows"]

OnOverflow = Literal["ignore", "raise"]

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
    evaluate = evaluator(session, node, declared, types)
    elements = tuple(t.elem if isinstance(t, TensorType) and r is not None else None for t, r in zip(types, results, strict=True))
    call = Call(tuple(arguments[:count]), declared.attributes, tuple(results), elements, evaluate)
    with np.errstate(all="ignore"):
        return operator.comparison.bound(call)


def evaluator(
    session: Session, node: NodeInfo, declared: Declared, types: Sequence[Any], over: OnOverflow = "ignore"
) -> Callable[..., tuple[Any, ...]]:
    """The node's operator on other inputs, in the session's profile; keywords replace attributes."""
    operator = declared.operator
    wanted = tuple(bool(n) for n in node.outputs)

    def evaluate(*inputs: Any, **changes: Any) -> tuple[Any, ...]:
        if operator is None:
            raise TypeError(f"{node} calls a function")
        attributes = {**declared.attributes, **changes}
        bound = bind(operator, attributes, {}, (None,) * len(node.inputs), tuple(types), wanted, session.profile, node.path)
        return evaluate_in(session, None, lambda run: bound.call(run, inputs), over)

    return evaluate


def overflows(session: Session, node: NodeInfo, declared: Declared, types: Sequence[Any], inputs: Sequence[Any]) -> bool:
    """Whether, in one evaluation, finite numbers make one that is beyond the range of the type in which it is computed."""
    evaluate = evaluator(session, node, declared, types, over="raise")
    try:
        evaluate(*inputs[: len(node.inputs)])
    except FloatingPointError:
        return True
    return False


def evaluate_in(
    session: Session, observer: Callable[[Event], None] | None, call: Callable[[Run], tuple[Any, ...]], over: OnOverflow = "ignore"
) -> tuple[Any, ...]:
    """What ``call`` gives in a run of its own, as in a run of ``session``."""
    run = Run(Budget(session.limits), session.seed, observer, session.profile.wide)
    before = set_active_budget(run.budget)
    try:
        with np.errstate(all="ignore", over=over):
            return call(run)
    finally:
        set_active_budget(before)
