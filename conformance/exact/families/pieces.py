"""Tensors cut along an axis and put together again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from conformance.exact.values import Tensor

__all__ = ["built", "joined", "part", "stacked", "taken"]


def built(type: str, shape: Sequence[int], value: Callable[..., Any]) -> Tensor:
    """``value`` of each index."""
    return Tensor(type, tuple(shape), tuple(value(*index) for index in itertools.product(*map(range, shape))))


def taken(x: Tensor, axis: int, i: int) -> Tensor:
    """x[..., i, ...]: the sub-tensor at position ``i`` of the axis, one rank less."""
    axis %= len(x.shape)
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    return built(x.type, shape, lambda *index: x[(*index[:axis], i, *index[axis:])])


def part(x: Tensor, axis: int, start: int, length: int) -> Tensor:
    """x[..., start : start + length, ...]."""
    axis %= len(x.shape)
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    return built(x.type, shape, lambda *index: x[(*index[:axis], start + index[axis], *index[axis + 1 :])])


def stacked(parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    """One after the other along a new axis; a negative axis counts from the back of the result."""
    first = parts[0]
    axis %= len(first.shape) + 1
    shape = (*first.shape[:axis], len(parts), *first.shape[axis:])
    return built(first.type, shape, lambda *index: parts[index[axis]][index[:axis] + index[axis + 1 :]])


def joined(parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    """One after the other along an axis that they have."""
    axis %= len(parts[0].shape)
    places = [(p, i) for p in parts for i in range(p.shape[axis])]
    shape = (*parts[0].shape[:axis], len(places), *parts[0].shape[axis + 1 :])

    def value(*index: int) -> Any:
        found, i = places[index[axis]]
        return found[(*index[:axis], i, *index[axis + 1 :])]

    return built(parts[0].type, shape, value)
