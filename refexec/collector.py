"""Python's cyclic garbage collector, paused while a plan is made.

Loading, checking and planning make hundreds of thousands of objects that stay and next to no garbage; the collector would go
through all of them again and again, for a third of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector; threads that pause at the same time resume it with the first that leaves."""
    resume: Callable[[], None] | None = gc.enable if gc.isenabled() else None
    gc.disable()
    try:
        yield
    finally:
        if resume is not None:
            resume()
