"""Limits on what a model may ask for, and the budget that counts against them during one run.

A limit is checked before the memory is taken or the loop is entered: operators call ``ctx.claim(shape, dtype)`` and
primitives :func:`claim` with the size of what they are about to make.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from time import monotonic
from typing import Any

import numpy as np

from refexec.errors import LimitExceeded

__all__ = ["Budget", "Limits", "active_budget", "claim"]

MOST_ELEMENTS = 2**60
FREE_BYTES = 64 << 10  # results below this are not worth a claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a model may ask for. All sizes are in bytes, ``seconds`` is wall time, None means no limit."""

    file_bytes: int | None = (2 << 30) - 1  # the protobuf file itself; external data are counted apart
    proto_items: int | None = 1_000_000  # messages in the file: nodes, attributes, tensors, ...
    external_bytes: int | None = 64 << 30  # all external data together
    external_files: int | None = 4096
    nodes: int | None = 1_000_000  # nodes in one model, subgraphs and functions included
    functions: int | None = 10_000
    inlined_nodes: int | None = 10_000_000  # nodes after expanding every function call
    call_depth: int | None = 100  # functions calling functions
    subgraph_depth: int | None = 32
    name_bytes: int | None = 4096
    metadata_bytes: int | None = 64 << 20  # doc strings and metadata together
    rank: int | None = 64
    tensor_bytes: int | None = 8 << 30  # one tensor
    live_bytes: int | None = 16 << 30  # all values alive at one time
    string_bytes: int | None = 1 << 30  # one string tensor's text
    sequence_len: int | None = 1_000_000
    steps: int | None = 100_000_000  # node executions in one run, loop bodies included
    loop_trips: int | None = 10_000_000  # trips of one Loop or Scan
    seconds: float | None = None  # one run
    image_pixels: int | None = 64_000_000
    regex_mem: int = 8 << 20

    @classmethod
    def default(cls) -> Limits:
        """Generous: what real models need."""
        return cls()

    @classmethod
    def none(cls) -> Limits:
        """No limit at all."""
        unlimited: dict[str, Any] = {f.name: None for f in fields(cls) if f.name != "regex_mem"}
        return cls(**unlimited)

    def replace(self, **changes: Any) -> Limits:
        """The same limits with some of them changed."""
        return replace(self, **changes)

    def check(self, limit: str, asked: float, what: str) -> None:
        """Raise LimitExceeded when ``asked`` is above the limit of that name; ``what`` says what asks."""
        allowed = getattr(self, limit)
        if allowed is not None and asked > allowed:
            raise LimitExceeded(f"{what} is above the limit {limit}", limit=limit, asked=asked, allowed=allowed)


class Budget:
    """Counts one run against its limits. ``live`` is the number of bytes held in values at this moment."""

    __slots__ = ("deadline", "limits", "live", "live_limit", "steps", "steps_limit", "tensor_limit")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.live = 0
        self.live_limit = math.inf if limits.live_bytes is None else limits.live_bytes
        self.tensor_limit = math.inf if limits.tensor_bytes is None else limits.tensor_bytes
        self.steps = 0
        self.steps_limit = math.inf if limits.steps is None else limits.steps
        self.deadline = None if limits.seconds is None else monotonic() + limits.seconds

    def claim(self, shape: Sequence[int], dtype: Any) -> tuple[int, ...]:
        """Raise LimitExceeded unless a tensor of this shape and dtype may be made now. Returns the shape as Python ints."""
        sizes = tuple([int(d) for d in shape])
        limits = self.limits
        if limits.rank is not None and len(sizes) > limits.rank:
            limits.check("rank", len(sizes), "the rank of a result")
        size = math.prod(sizes) * np.dtype(dtype).itemsize
        if size == 0 and math.prod(filter(None, sizes)) > MOST_ELEMENTS:  # NumPy refuses it though it holds nothing
            raise LimitExceeded(f"a tensor of shape {list(sizes)} cannot be addressed", limit="tensor_bytes", asked=list(sizes))
        if size > FREE_BYTES and not self.has_room(size):
            limits.check("tensor_bytes", size, f"a tensor of shape {list(sizes)}")
            limits.check("live_bytes", self.live + size, f"a further tensor of shape {list(sizes)}")
        return sizes

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more may be held in a tensor; where not, :meth:`claim` says why."""
        return size <= self.tensor_limit and self.live + size <= self.live_limit

    def trip(self, count: int) -> None:
        """Count the trips of one loop; also the place where a deadline acts."""
        self.limits.check("loop_trips", count, "the number of loop trips")
        self.check_time()

    def check_time(self) -> None:
        """Raise LimitExceeded when the run's time is over."""
        if self.deadline is not None and monotonic() > self.deadline:
            raise LimitExceeded("the run takes longer than the limit seconds", limit="seconds", allowed=self.limits.seconds)


class _Active(threading.local):
    budget: Budget = Budget(Limits())


_active = _Active()


def active_budget() -> Budget:
    """The budget of the run in this thread; outside a run, one with the default limits."""
    return _active.budget


def set_active_budget(budget: Budget) -> Budget:
    """Make ``budget`` the one :func:`claim` counts against in this thread; returns the one before."""
    before, _active.budget = _active.budget, budget
    return before


def claim(shape: Sequence[int], dtype: Any) -> tuple[int, ...]:
    """``claim`` of the run in this thread, for primitives."""
    return _active.budget.claim(shape, dtype)
