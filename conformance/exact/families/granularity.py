"""Which scale and zero point belong to an element: one for the tensor, one for each place of an axis, one for each block of an axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import onnx

from conformance.exact.families.placement import Index, built, vector
from conformance.exact.values import Tensor

__all__ = ["LAYOUTS", "Layout", "element_type", "elementwise", "scales"]

Layout = tuple[tuple[int, ...], tuple[int, ...], int | None, int]
"""Shape of the data, shape of the scale, axis (None: the node does not name one), block size (0: none)."""

LAYOUTS: dict[str, list[Layout]] = {
    "tensor": [((3, 2), (), None, 0), ((5,), (), None, 0), ((), (), None, 0), ((0, 2), (), None, 0)],
    "axis": [((2, 3), (3,), None, 0), ((2, 3), (2,), 0, 0), ((2, 3), (3,), -1, 0), ((2, 3, 2), (3,), 1, 0), ((2, 1, 3), (3,), 2, 0), ((2, 3, 2), (2,), -3, 0)],
    "block": [
        ((2, 4), (2, 2), 1, 2), ((2, 5), (2, 3), 1, 2), ((4, 2), (2, 2), 0, 2), ((3, 2), (2, 2), -2, 2), ((2, 3, 2), (2, 1, 2), 1, 3), ((2, 6), (2, 2), None, 3),
        ((2, 2, 3), (2, 2, 2), -1, 2), ((5,), (2,), 0, 3), ((2, 3), (2, 3), 1, 1),
    ],
}  # fmt: skip
"""Blocks exist since version 21; the last one may be shorter."""


def _place(i: Index, layout: Layout) -> Index:
    """The index of an element's scale."""
    shape, of_scale, axis, block = layout
    at = (1 if axis is None else axis) % max(len(shape), 2)
    if not of_scale:
        return ()
    return (*i[:at], i[at] // block, *i[at + 1 :]) if block else (i[at],)


def elementwise(
    x: Tensor, scale: Tensor, zero_point: Tensor | None, layout: Layout, type: str, function: Callable[[Any, Any, Any], Any]
) -> Tensor:
    """``function`` of each element, its scale and its zero point, 0 without one."""

    def at(i: Index) -> Any:
        place = _place(i, layout)
        return function(x[i], scale[place], 0 if zero_point is None else zero_point[place])

    return built(type, x.shape, at)


def scales(type: str, layout: Layout, values: list[Any]) -> Tensor:
    """Scales or zero points in the layout's shape, taken from a list in turn."""
    count = math.prod(layout[1])
    return Tensor(type, layout[1], (vector(type, values).values * count)[:count])


def element_type(name: str) -> int:
    """The number of a type in the enumeration of TensorProto."""
    return int(onnx.TensorProto.DataType.Value(name.upper()))
