"""The primitives of operators that take elements by their place on each axis: ``picked``, and ``mixed`` where several are added up."""

from typing import Any

import numpy as np

from refexec.ops.common import Array
from refexec.primitives import primitive

Places = dict[int, Array]  # axis -> for each position on it in the result, the position in the input
Mixtures = tuple[tuple[int, Array, Array], ...]  # (axis, positions, weights), both (resized, taps)


@primitive
def picked(X: Array, *, places: Places, fill: Any = None) -> Array:
    """Y[i, j, ...] = X[places[0][i], places[1][j], ...]; axes without places stay. At places -1 stands ``fill``."""
    for axis, at in places.items():
        X = np.take(X, at, axis=axis)
    if fill is not None:
        for axis, at in places.items():
            X[(slice(None),) * axis + (at == -1,)] = fill
    return X


@primitive
def mixed(X: Array, *, mixtures: Mixtures) -> Array:
    """On one axis after the other each position becomes the weighted sum of the elements at its positions."""
    for axis, positions, weights in mixtures:
        column = (-1, *(1,) * (X.ndim - axis - 1))
        total: Any = 0
        for tap in range(positions.shape[1]):
            total = total + np.take(X, positions[:, tap], axis=axis) * weights[:, tap].reshape(column)
        X = total
    return X
