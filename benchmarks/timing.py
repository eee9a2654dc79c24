"""Samples and what is made of them."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

__all__ = ["ONCE", "SEVERAL", "SHORT", "Effort", "Figures", "Sampler", "Timer", "figures", "interleave"]


@dataclass(frozen=True)
class Effort:
    """How much time a contender gets: ``rounds`` samples of at least ``sample`` seconds each after ``warm`` calls; fewer, but at
    least ``least``, once it took ``seconds``."""

    rounds: int = 15
    least: int = 3
    warm: int = 2
    sample: float = 3e-3
    seconds: float = 2.0

    def quick(self) -> Effort:
        return replace(self, rounds=min(self.rounds, 5), least=min(self.least, 2), sample=self.sample / 3, seconds=self.seconds / 4)


SEVERAL = Effort()
SHORT = Effort(rounds=7, warm=1, seconds=0.5)
ONCE = Effort(rounds=3, least=1, warm=0, sample=0.0, seconds=0.1)


class Sampler(Protocol):
    """Something that gives the seconds of a call again and again, until it has had its time."""

    def more(self) -> bool: ...
    def take(self) -> None: ...
    @property
    def samples(self) -> Sequence[float]: ...


class Timer:
    """Samples of one call. ``clock`` is ``time.thread_time`` for one thread, which time given to other processes does not enter,
    and ``time.perf_counter`` for several."""

    def __init__(self, call: Callable[[], object], effort: Effort = SEVERAL, clock: Callable[[], float] = time.thread_time) -> None:
        self.samples: list[float] = []
        self._call = call
        self._effort = effort
        self._clock = clock
        self._spent = 0.0
        self._repeat = 1
        for _ in range(effort.warm):  # the first call may compile
            call()
        while effort.warm and (took := self._seconds(self._repeat)) < effort.sample:
            self._repeat *= min(10, max(2, round(effort.sample / max(took, 1e-9))))

    def more(self) -> bool:
        count = len(self.samples)
        return count < self._effort.least or (count < self._effort.rounds and self._spent < self._effort.seconds)

    def take(self) -> None:
        """One sample. Short calls get one outside it first: what ran in between has emptied the caches."""
        if self._repeat > 1:
            self._call()
        took = self._seconds(self._repeat)
        self._spent += took
        self.samples.append(took / self._repeat)

    def _seconds(self, repeat: int) -> float:
        call, start = self._call, self._clock()
        for _ in range(repeat):
            call()
        return self._clock() - start


def interleave(samplers: Mapping[str, Sampler]) -> dict[str, Exception]:
    """One sample of each in turn, so that what disturbs the machine disturbs all of them. Who follows whom changes every round.

    Returns what those raised that failed; they are not asked again.
    """
    order = random.Random(0)
    failed: dict[str, Exception] = {}
    while running := [name for name, sampler in samplers.items() if name not in failed and sampler.more()]:
        order.shuffle(running)
        for name in running:
            try:
                samplers[name].take()
            except Exception as error:
                failed[name] = error
    return failed


@dataclass(frozen=True)
class Figures:
    """Seconds of a call: median, least, and half the middle half's width relative to the median."""

    median: float
    best: float
    spread: float
    samples: int

    def scaled(self, share: float) -> Figures:
        return replace(self, median=self.median * share, best=self.best * share)

    def to_json(self) -> dict[str, Any]:
        return {name: value if isinstance(value, int) else float(f"{value:.4g}") for name, value in asdict(self).items()}


def figures(samples: Sequence[float]) -> Figures:
    median = statistics.median(samples)
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else [median] * 3
    return Figures(median, min(samples), (high - low) / 2 / median if median else 0.0, len(samples))
