"""(x - mean) / sqrt(variance + epsilon), which the normalisations share: the primitive, and error bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from refexec.comparison import Call, is_float
from refexec.ops.common import Array
from refexec.ops.reduction.over import mean
from refexec.primitives import primitive
from refexec.types import ElementType
from refexec.values import DType, smallest_subnormal, unit_roundoff

STASHED_TYPES = ("float32", "float16", "bfloat16")  # for which a first stage in float32 is no narrower than the input


@primitive
def standardize(
    X: Array, scale: Array | None = None, bias: Array | None = None, *,
    view: tuple[int, ...], axes: tuple[int, ...], spread: tuple[int, ...] | None = None, epsilon: float, centred: bool = True,
) -> Array:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, over ``axes``, the last ones, of X seen in the shape ``view``.

    Scale and bias are seen in the shape ``spread``, or as they are, and broadcast. Without ``centred`` the mean is taken as 0.
    """
    x = X.reshape(view)
    deviation = x - mean(x, axes) if centred else x
    y = deviation / np.sqrt(mean(np.square(deviation), axes) + epsilon)
    if scale is not None:
        y = y * scale.reshape(spread or scale.shape)
    if bias is not None:
        y = y + bias.reshape(spread or bias.shape)
    return y.reshape(X.shape)


@dataclass(frozen=True, slots=True)
class Standardized:
    """x standardised exactly, and how far each step may be off when it is computed in a narrower type.

    ``value`` is (x - mean) * inverse, and ``inverse`` is 1 / sqrt(variance + epsilon).
    """

    value: Array
    value_error: Array
    mean: Array
    mean_error: Array
    variance: Array
    variance_error: Array
    inverse: Array
    inverse_error: Array


def standardized(
    x: Array, axes: tuple[int, ...], epsilon: float, dtype: DType, *, floor: float = 0.0, centred: bool = True, moments: bool = False
) -> Standardized:
    """x standardised over ``axes``, with the error of each step in ``dtype``, the input and epsilon rounded to it.

    ``floor`` is added to the root. Without ``centred`` the mean is taken as 0. With ``moments`` the variance may be computed as
    E[x * x] - mean * mean, as the function bodies of ONNX do, and not only as the mean of squared deviations.

    Source: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1, and (2.8) for results below the normal range.
    """
    u, least = unit_roundoff(dtype), smallest_subnormal(dtype)
    n = prod(x.shape[axis] for axis in axes)
    reduced = tuple(1 if i in axes else d for i, d in enumerate(x.shape))
    average = mean(x, axes) if centred else np.zeros_like(x, shape=reduced)
    magnitude = mean(np.abs(x), axes)
    average_error = (n + 2) * u * magnitude + np.minimum(magnitude, least) if centred else average
    deviation = x - average
    deviation_error = average_error + u * (np.abs(x) + np.abs(deviation) + average_error) + np.minimum(np.abs(x), least)
    largest = np.abs(deviation) + deviation_error
    variance = mean(np.square(deviation), axes)
    of_deviations = mean(deviation_error * (2 * np.abs(deviation) + deviation_error), axes)
    squares = mean(np.square(largest), axes)
    variance_error = of_deviations + (n + 3) * u * squares + np.minimum(squares, least)
    if moments:
        of_square_of_mean = (2 * np.abs(average) + average_error) * average_error
        squares = mean(np.square(x), axes)
        of_moments = (n + 4) * u * squares + of_square_of_mean + u * np.square(average) + 2 * np.minimum(squares, least)
        variance_error = np.maximum(variance_error, of_moments)
    inverse = 1 / (np.sqrt(variance + epsilon) + floor)
    least_radicand = np.maximum(variance + epsilon - variance_error - 2 * u * (variance + epsilon) - least, 0)
    greatest_inverse = 1 / (np.sqrt(least_radicand) + floor)
    least_inverse = (1 - 4 * u) / (np.sqrt(variance + epsilon + variance_error + least) + floor)
    inverse_error = greatest_inverse - inverse + 4 * u * greatest_inverse + least
    size = np.abs(deviation) * inverse
    above = largest * (inverse + inverse_error) * (1 + 2 * u) - size
    below = size - (np.abs(deviation) - deviation_error) * least_inverse * (1 - 2 * u)  # farther only where ``floor`` limits the inverse
    value_error = np.maximum(above, below) + least
    value_error = np.where(np.isnan(value_error) & ~np.isnan(x), np.inf, value_error)  # inf - inf: nothing is known
    return Standardized(deviation * inverse, value_error, average, average_error, variance, variance_error, inverse, inverse_error)


def affine(s: Standardized, scale: Array, bias: Array | None, element: ElementType, result: Any) -> Array:
    """The error of value * scale + bias where the value, the product and the sum, ``result``, are rounded to ``element``."""
    u = unit_roundoff(element.dtype)
    size = np.abs(s.value * scale)
    error = (s.value_error + smallest_subnormal(element.dtype)) * np.abs(scale) * (1 + 2 * u) + u * (3 * size + np.abs(result))
    return error if bias is None else error + u * (np.abs(bias) + size)


def per_output(call: Call, *bounds: Callable[[ElementType], Any]) -> tuple[Any, ...]:
    """The bounds of those outputs that the call has: each is a function of that output's own type."""
    found: list[Any] = []
    for y, element, bound in zip(call.outputs, call.elements, bounds, strict=False):
        if y is None or not is_float(element):
            found.append(None)
        else:
            found.append(bound(element) + smallest_subnormal(element.dtype))
    return tuple(found)
