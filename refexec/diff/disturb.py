"""How far rounding errors inside a model may carry: one wide run in which each node is disturbed by the error it may make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refexec.context import Event
from refexec.diff.bounds import FAILURES, bounds
from refexec.diff.declared import Declarations
from refexec.diff.metrics import difference, leaves, misfit, same_bits
from refexec.diff.report import Local
from refexec.session import Session
from refexec.types import ElementType, TensorType, element_type
from refexec.values import round_quietly, round_to, to_public, ulp, wide_dtype, widen

__all__ = ["Disturbance", "declared_numbers", "estimated", "is_inexact"]

ESTIMATE_FACTOR = 4.0
"""How many times the effect of one random disturbance of the size of the bounds counts as explained by rounding."""


class Disturbance:
    """An observer of wide runs that adds to each float result an error as large as its operator may make.

    *rounded*: plus or minus the bound, at random; *exact*: the rounding to the declared type. It writes into results that the
    node has just made and that share no memory with its inputs; the others pass on what is disturbed already.
    """

    def __init__(self, declared: Declarations, session: Session, seed: int = 0) -> None:
        self._declared = declared
        self._session = session
        self._generator = np.random.default_rng(seed)
        self.random = False  # whether a node was seen whose results are random
        self.failures: list[str] = []
        self.bounds: dict[str, float] = {}  # the largest bound of a node's own error, by value; infinite where there is none

    def __call__(self, event: Event) -> None:
        declared = self._declared[event.node]
        if declared.kind == "random":
            self.random = True
        if declared.kind not in ("rounded", "exact") or None in event.output_types:
            return
        limits: Sequence[Any] = (None,) * len(event.outputs)
        if declared.kind == "rounded":
            try:
                limits = bounds(self._session, event.node, declared, event.inputs, event.outputs, event.output_types)
            except FAILURES as error:
                self.failures.append(f"{event.node}: {error}")
        for name, y, bound, value_type in zip(event.node.outputs, event.outputs, limits, event.output_types, strict=True):
            if bound is not None:
                self.bounds[name] = float(np.max(np.nan_to_num(bound, nan=np.inf, posinf=np.inf), initial=0.0))
            elem = value_type.elem if isinstance(value_type, TensorType) else None
            if elem is None or not elem.is_float or not isinstance(y, np.ndarray) or not y.flags.writeable or y.size == 0:
                continue
            if not any(isinstance(x, np.ndarray) and np.may_share_memory(x, y) for x in event.inputs):
                with np.errstate(all="ignore"):
                    self._add(y, bound, elem)

    def _add(self, y: Any, bound: Any, elem: ElementType) -> None:
        rounding = bound is None
        error = widen(round_to(y, elem)) - y if rounding else np.asarray(bound) * (2.0 * self._generator.integers(0, 2, y.shape) - 1.0)
        np.add(y, error, out=y, where=np.isfinite(error) & np.isfinite(y), casting="same_kind")


def estimated(truth: Any, disturbed: Any, found: Any) -> Local:
    """Judge a value by what a disturbance did to the wide result ``truth``; all three in internal form."""
    expected, other, given = to_public(truth), to_public(disturbed), to_public(found)
    wrong = misfit(declared_numbers(expected, given), given)
    if wrong:
        return Local(wrong, "estimate", None, None)
    worst = Local("within", "estimate", 0.0, 0.0)
    moves = misfit(expected, other) != ""
    for t, d, g in zip(leaves(expected), leaves(expected if moves else other), leaves(given), strict=True):
        one = _estimated_array(t, d, g, moves)
        if (one.ratio or 0.0) >= (worst.ratio or 0.0) and worst.status != "beyond":
            worst = one
    return worst


def _estimated_array(truth: Any, disturbed: Any, given: Any, moves: bool) -> Local:
    if not is_inexact(given):
        apart = difference(declared_numbers(truth, given), given)
        if not apart.unequal:
            return Local("within", "estimate", 0.0, apart.max_abs)
        if moves or not same_bits(truth, disturbed):
            return Local("tie", "estimate", None, apart.max_abs, "rounding errors of the nodes before decide it")
        return Local("beyond", "estimate", np.inf, apart.max_abs, f"{apart.unequal} of {apart.size} elements differ")
    with np.errstate(all="ignore"):
        error = _distance(widen(given), truth)
        effect = _distance(widen(disturbed), truth)
        allowed = ESTIMATE_FACTOR * effect + _largest_ulp(truth, given.dtype)
    if moves:
        return Local("within", "estimate", None, error, "rounding errors of the nodes before change its shape")
    ratio = 0.0 if error == 0 else error / allowed if np.isfinite(allowed) else 0.0
    return Local("within" if ratio <= 1 else "beyond", "estimate", ratio, error)


def _distance(a: Any, b: Any) -> float:
    """The largest |a - b|; equal infinities and NaN on both sides count as equal, NaN on one side as infinite."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    apart = np.where(same, 0.0, np.abs(a - b))
    return float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))


def _largest_ulp(x: Any, dtype: Any) -> float:
    finite = np.abs(x[np.isfinite(x)])
    return float(ulp(finite.max(initial=0.0), dtype))


def declared_numbers(value: Any, like: Any) -> Any:
    """A wide public value in the types of ``like``, where ``like`` has them wide."""
    if isinstance(value, np.ndarray) and isinstance(like, np.ndarray):
        if value.dtype != like.dtype and is_inexact(like) and wide_dtype(like.dtype) == value.dtype:
            with np.errstate(over="ignore"):  # a wide number may be infinite in its type
                return round_quietly(value, like.dtype)
        return value
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        return [declared_numbers(v, k) for v, k in zip(value, like, strict=True)]
    if isinstance(value, dict) and isinstance(like, dict) and value.keys() == like.keys():
        return {k: declared_numbers(np.asarray(value[k]), np.asarray(like[k])) for k in value}
    return value


def is_inexact(x: Any) -> bool:
    return x.dtype in (np.longdouble, np.clongdouble) or (x.dtype != object and element_type(x.dtype).kind in ("float", "complex"))
