"""Where the integers come from that a model is made of: random numbers, a recording, bytes. Hypothesis is in ``strategies``."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol

__all__ = ["BytesChooser", "Chooser", "RandomChooser", "ReplayChooser"]


class Chooser(Protocol):
    def integer(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``; ``low`` is the simplest."""

    def together(self, step: Callable[[], None]) -> None:
        """Take a step whose choices belong together: a shrinker may replace all of them at once by the lowest ones."""


class _Plain:
    """One that does not shrink."""

    def together(self, step: Callable[[], None]) -> None:
        step()


class RandomChooser(_Plain):
    """From a seed. ``record`` holds what was chosen, which :class:`ReplayChooser` and Hypothesis take up."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random
        self.record: list[int] = []

    def integer(self, low: int, high: int) -> int:
        chosen = low + int(self._random() * (high - low + 1))
        self.record.append(chosen)
        return chosen


class ReplayChooser(_Plain):
    """From a record; numbers out of range are brought into it, and after its end the lowest is chosen."""

    def __init__(self, record: Sequence[int]) -> None:
        self._left = iter(record)

    def integer(self, low: int, high: int) -> int:
        return min(max(next(self._left, low), low), high)


class BytesChooser(_Plain):
    """From the bytes of a fuzzer that works on bytes: one byte for up to 256 choices, else as many as are needed; zeros after the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def integer(self, low: int, high: int) -> int:
        count = high - low + 1
        size = ((count - 1).bit_length() + 7) // 8
        taken = self._data[self._at : self._at + size]
        self._at += size
        return low + int.from_bytes(taken, "little") % count
