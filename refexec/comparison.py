"""How the results of an operator may be compared: exact, rounded(bound), discrete(margin) or random.

Every operator declares one of these; conformance, the debugger and the fuzzer use this one declaration. A bound is code:
it gets the call in wide values and returns, per output, the largest absolute error that a correct implementation in the
declared type may make. Two correct implementations differ by at most twice that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

import numpy as np

from refexec.types import ElementType
from refexec.values import max_finite, smallest_subnormal, ulp, unit_roundoff

__all__ = ["Call", "Comparison", "accumulation", "discrete", "exact", "of_largest", "random", "rounded", "ulps"]


@dataclass(frozen=True, slots=True)
class Call:
    """One evaluation of an operator, in wide values (float64 for the narrow float types)."""

    inputs: tuple[Any, ...]
    attributes: Mapping[str, Any]
    outputs: tuple[Any, ...]
    elements: tuple[ElementType | None, ...]  # declared element type per output
    evaluate: Callable[..., tuple[Any, ...]]  # the operator on other wide inputs; keywords replace attributes


Bound = Callable[[Call], tuple[Any, ...]]
Margin = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One declaration. ``bound`` is set for rounded, ``margin`` may be set for discrete."""

    kind: Literal["exact", "rounded", "discrete", "random"]
    bound: Bound | None = None
    margin: Margin | None = None

    def __str__(self) -> str:
        detail = self.bound or self.margin
        return f"{self.kind}({detail.__qualname__.split('.')[0]})" if detail else self.kind


exact = Comparison("exact")
"""Equal bits; NaN equals NaN whatever its payload."""

random = Comparison("random")
"""Compared by property only: shape, type, range, moments."""


def rounded(bound: Bound) -> Comparison:
    """Equal within ``bound``."""
    return Comparison("rounded", bound)


def discrete(margin: Margin | None = None) -> Comparison:
    """A decision (index, level, truth value). ``margin`` says how near the inputs are to another decision: where the
    error of the inputs exceeds it, either decision is right."""
    return Comparison("discrete", margin=margin)


def ulps(n: float) -> Comparison:
    """``n`` units in the last place of each output element: for functions of one element."""

    def ulps_bound(call: Call) -> tuple[Any, ...]:
        return tuple(n * ulp(y, e.dtype) if is_float(e) else None for y, e in zip(call.outputs, call.elements, strict=True))

    return rounded(ulps_bound)


def of_largest(n: float, axes: tuple[int, ...] | None = None) -> Comparison:
    """``n`` roundoffs of the largest magnitude along ``axes`` (all of them for None): for normalisations and mixtures."""

    def of_largest_bound(call: Call) -> tuple[Any, ...]:
        return tuple(_largest(y, e, n, axes) if is_float(e) else None for y, e in zip(call.outputs, call.elements, strict=True))

    return rounded(of_largest_bound)


def accumulation(terms: Callable[..., int], extra: float = 2, magnitudes: tuple[str, ...] = (), mean: bool = False) -> Comparison:
    """The classical bound of a sum of products: ``(terms + extra) * u`` times the same sum over magnitudes.

    ``terms(*inputs, **attributes)`` is the number of terms of one output element; ``magnitudes`` are attributes that scale
    terms, whose sign is dropped like that of the inputs. Of a ``mean`` nothing is known where its sum, in float32 for the half types,
    may overflow before it is divided. Source: Higham, Accuracy and Stability
    of Numerical Algorithms, section 3.1 (any order of summation).
    """

    def accumulation_bound(call: Call) -> tuple[Any, ...]:
        absolute = tuple(np.abs(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in call.inputs)
        sums = call.evaluate(*absolute, **{name: abs(call.attributes[name]) for name in magnitudes})
        count = terms(*call.inputs, **call.attributes) + extra

        def bound(s: Any, dtype: np.dtype[Any]) -> Any:
            within = count * unit_roundoff(dtype) * np.abs(s) + smallest_subnormal(dtype)
            most = max(max_finite(dtype), max_finite(np.float32))
            return np.where(count * np.abs(s) > most, np.inf, within) if mean else within

        return tuple(bound(s, e.dtype) if is_float(e) else None for s, e in zip(sums, call.elements, strict=True))

    return rounded(accumulation_bound)


def is_float(element: ElementType | None) -> TypeGuard[ElementType]:
    return element is not None and element.is_float


def _largest(y: Any, element: ElementType | None, n: float, axes: tuple[int, ...] | None) -> Any:
    if element is None or y.size == 0:
        return np.zeros_like(y, dtype=np.float64)
    finite = np.where(np.isfinite(y), np.abs(y), 0)
    return n * unit_roundoff(element.dtype) * finite.max(axis=axes, keepdims=True) + smallest_subnormal(element.dtype)
