"""Two runs of one model in step, so that each evaluation of the second is judged on the very inputs that it had in the first.

After an evaluation is judged, its results are overwritten with those of the first run. So errors do not add up: how the operators behind
would carry them on, and whether one of them decides otherwise near a discontinuity, need not be known.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from refexec.context import Event
from refexec.diff.metrics import leaves
from refexec.values import to_public, widen

__all__ = ["Following", "Recording"]


class Recording:
    """An observer of the first run: its evaluations by node and trips."""

    def __init__(self) -> None:
        self._events: defaultdict[tuple[str, tuple[int, ...]], deque[Event]] = defaultdict(deque)

    def __call__(self, event: Event) -> None:
        self._events[event.node.path, event.trips].append(event)

    def pop(self, event: Event) -> Event | None:
        """The evaluation that ``event`` repeats; None for a node that the first run did not have."""
        there = self._events.get((event.node.path, event.trips))
        return there.popleft() if there else None


class Following:
    """An observer of the second run.

    ``judge(first, second)`` is called for each evaluation of both runs whose inputs are the same, ``inside(event)`` for each of the second
    run only. ``unjudged`` counts evaluations whose inputs differ, because an earlier result could not be overwritten.
    """

    def __init__(
        self, recording: Recording, judge: Callable[[Event, Event], None], inside: Callable[[Event], None] = lambda event: None
    ) -> None:
        self._recording = recording
        self._judge = judge
        self._inside = inside
        self.unjudged = 0

    def __call__(self, event: Event) -> None:
        first = self._recording.pop(event)
        if first is None:
            self._inside(event)
            return
        count = len(event.node.inputs)
        if _same(first.inputs[:count], event.inputs[:count]):
            self._judge(first, event)
        else:
            self.unjudged += 1
        _overwrite(event, first.outputs)


def _same(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return all(a is not None and b is not None and _equal(a, b) for a, b in zip_longest(_tensors(first), _tensors(second)))


def _equal(a: Any, b: Any) -> bool:
    held = _held_in(b.dtype, a)
    return held is not None and np.array_equal(held, b, equal_nan=b.dtype.kind in "fc")


def _overwrite(event: Event, results: Sequence[Any]) -> None:
    given = list(_tensors(event.inputs))
    for theirs, ours in zip(_tensors(results), _tensors(event.outputs), strict=False):
        held = _held_in(ours.dtype, theirs)
        alone = ours.flags.writeable and not any(np.may_share_memory(x, ours) for x in given)
        if held is not None and held.shape == ours.shape and alone:
            np.copyto(ours, held)


def _tensors(values: Sequence[Any]) -> Iterator[Any]:
    return leaves([to_public(v) for v in values])


def _held_in(dtype: np.dtype[Any], x: Any) -> Any:
    """The numbers of ``x`` in ``dtype``, which is its own or the wide one of it; None where it is neither."""
    if x.dtype == dtype:
        return x
    wide = widen(x) if x.dtype != object else x
    return wide if wide.dtype == dtype else None
