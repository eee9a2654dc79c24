"""Arrays in row-major memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from refexec.primitives import primitive

__all__ = ["copied", "laid_out", "reshaped"]

Array = np.ndarray[Any, Any]


@primitive
def laid_out(X: Array) -> Array:
    """A copy of X in row-major order."""
    return X.copy(order="C")


def copied(x: Array) -> Array:
    """A copy of x in row-major order. Where the last axis is contiguous NumPy's is as good."""
    return x.copy(order="C") if x.flags.c_contiguous or x.strides[-1] == x.itemsize else laid_out(x)


def reshaped(x: Array, shape: Any) -> Array:
    """The elements of x in another shape, without a copy where x is in row-major order."""
    return (x if x.flags.c_contiguous else copied(x)).reshape(shape)
