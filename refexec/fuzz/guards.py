"""Domain guards: nodes that bring the numbers of any tensor into the span that an operand needs.

Without them an operand with a bounded domain (of Log, Sqrt, Acos, a divisor) is a new input, or what is known to be within; with them it
may be any value of the graph, so that graphs grow deep and their numbers stay finite.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from refexec.fuzz import numbers
from refexec.opspec import Operand, Span
from refexec.schema import signature
from refexec.types import BOOL, ElementType, TensorType

if TYPE_CHECKING:
    from refexec.fuzz.scope import GraphScope

__all__ = ["guard"]


def guard(scope: GraphScope, value: Operand, span: Span) -> Operand | None:
    """The value between the ends of the span: NaN becomes the lower one, and what may be negative its magnitude where the span is not.

    None where the opset has no nodes for it.
    """
    elem = value.elem
    bounds = ["Clip"] if _has(scope, "Clip", 11, elem) else []
    bounds += ["Max"] if _has(scope, "Max", 8, elem) and _has(scope, "Min", 8, elem) else []
    if not bounds or (elem.is_float and not (_has(scope, "IsNaN", 9, elem) and _has(scope, "Where", 9, elem))):
        return None
    pool = numbers.tensor(elem, (numbers.STARTS,), 0, 0, span)  # numbers of the type that are within, be it coarse
    low, high = (scope.constant(np.asarray(end), fed=False) for end in (pool.min(), pool.max()))
    if elem.is_float:
        mask = scope.node("IsNaN", (value,), replace(value, name=scope.build.name("g"), type=TensorType(BOOL), span=None))
        value = scope.node("Where", (mask, low, value), _next(scope, value))
        if span[0] >= 0 and _has(scope, "Abs", 6, elem):
            value = scope.node("Abs", (value,), _next(scope, value))
    if bounds[scope.choose(0, len(bounds) - 1)] == "Clip":
        return scope.node("Clip", (value, low, high), _next(scope, value, span))
    value = scope.node("Max", (value, low), _next(scope, value))
    return scope.node("Min", (value, high), _next(scope, value, span))


def _next(scope: GraphScope, value: Operand, span: Span | None = None) -> Operand:
    return replace(value, name=scope.build.name("g"), span=span)


def _has(scope: GraphScope, op: str, least: int, elem: ElementType) -> bool:
    """Whether the opset, in the form it has since version ``least``, and the runtime take numbers of this type."""
    if scope.opset < least:
        return False
    found = signature("", op, scope.opset)
    return elem in scope.elements(found, found.inputs[-1].type_str) and TensorType(elem) in found.inputs[-1].types
