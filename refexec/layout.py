"""Arrays in row-major memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from refexec.primitives import primitive

__all__ = ["laid_out", "reshaped"]

Array = np.ndarray[Any, Any]


@primitive
def laid_out(X: Array) -> Array:
    """A copy of X in row-major order."""
    return X.copy(order="C")


def reshaped(x: Array, shape: Any) -> Array:
    """The elements of x in another shape, without a copy where x is in row-major order."""
    return (x if x.flags.c_contiguous else laid_out(x)).reshape(shape)
