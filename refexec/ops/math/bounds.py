"""How far a right implementation of a function of one element may be off, where that is not a number of ulps of the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refexec.comparison import Call, Comparison, is_float, rounded
from refexec.ops.common import Array
from refexec.values import ulp, unit_roundoff

Format = Any  # the dtype whose roundings are counted


def elementwise(error: Callable[..., Array]) -> Comparison:
    """``error(*inputs, y, dtype, **attributes)`` is what an implementation in ``dtype`` may be off; it counts where the inputs
    are finite. Where one is not, the result is a limit, and nothing cancels on the way to it."""

    def elementwise_bound(call: Call) -> tuple[Any, ...]:
        (y,), (element,) = call.outputs, call.elements
        if not is_float(element):
            return (None,)
        inputs = [x for x in call.inputs if x is not None]
        finite = np.all(np.broadcast_arrays(*(np.isfinite(x) for x in inputs)), axis=0)
        return (np.where(finite, error(*call.inputs, y, element.dtype, **call.attributes), 4 * ulp(y, element.dtype)),)

    elementwise_bound.__qualname__ = getattr(error, "__qualname__", "error")
    return rounded(elementwise_bound)


def gate_error(factor: float) -> Callable[..., Array]:
    """``factor`` roundoffs of x: what x * g(x) is off when g lies in [0, 1] and is computed to within a few roundoffs of 1."""

    def error(x: Array, y: Array, dtype: Format, **attributes: Any) -> Array:
        return factor * unit_roundoff(dtype) * np.abs(x) + 2 * ulp(y, dtype)

    return error
