"""The threads that kernels share: one pool in a process, started when a run first has work for more than one thread.

Work is split over elements of the result, never over a sum, into more parts than threads, and each thread takes the next part when it
is done with one: a thread that lost its processor delays one part. Threads that have nothing to do wait and take no time. A child
of ``fork`` starts its own.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from refexec.limits import active_budget

__all__ = ["most_threads", "pieces", "share", "use_threads"]

SHORT = 200_000  # units of work (about a nanosecond each) that are not worth a second thread
LONG = 50_000_000  # so that an interrupt is seen in time


class _Active(threading.local):
    threads: int = 1


_active = _Active()


def most_threads() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads(count: int) -> int:
    """Let kernels called from this thread use ``count`` threads, this one included; returns what it was before."""
    before, _active.threads = _active.threads, count
    return before


class _Job:
    """Parts that several threads take from; the first error is kept and ends it."""

    def __init__(self, parts: int, work: Callable[[int], Any]) -> None:
        self._next = itertools.count()
        self._parts = parts
        self._work = work
        self._lock = threading.Lock()
        self._helpers = 0
        self._closed = False
        self._idle = threading.Event()
        self.error: BaseException | None = None

    def help(self) -> None:
        """What a thread of the pool does."""
        with self._lock:
            if self._closed:
                return
            self._helpers += 1
        try:
            self.take()
        except BaseException as error:  # the thread that waits raises it
            self.error = self.error or error
        finally:
            with self._lock:
                self._helpers -= 1
                if not self._helpers:
                    self._idle.set()

    def take(self) -> None:
        """Parts until none is left."""
        while (part := next(self._next)) < self._parts and self.error is None:
            self._work(part)

    def finish(self) -> None:
        """Wait for the threads that are at it; others come too late."""
        with self._lock:
            self._closed = True
            waits = self._helpers > 0
            self._idle.clear()
        if waits:
            self._idle.wait()


class _Pool:
    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._started = 0
        self._lock = threading.Lock()

    def submit(self, job: _Job, threads: int) -> None:
        with self._lock:
            while self._started < threads:
                threading.Thread(target=self._serve, name=f"refexec-{self._started}", daemon=True).start()
                self._started += 1
        for _ in range(threads):
            self._jobs.put(job)

    def _serve(self) -> None:
        while True:
            self._jobs.get().help()


_pool = _Pool()


def _forget() -> None:
    """Threads do not survive a fork."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def pieces(size: int, cost: float, multiple: int = 1) -> list[tuple[int, int]]:
    """``size`` elements as ranges to work on, each of ``cost`` nanoseconds an element; ranges begin at a ``multiple``."""
    total = size * cost
    if total <= SHORT:
        return [(0, size)]
    threads = _active.threads
    count = max(1 if threads == 1 else 4 * threads, int(total // LONG))
    if count == 1:
        return [(0, size)]
    step = -(-max(size, 1) // count)
    step = -(-step // multiple) * multiple
    return [(first, min(first + step, size)) for first in range(0, max(size, 1), step)]


def share(parts: list[Any], work: Callable[..., Any]) -> None:
    """``work(*part)`` for every part, in any order, on the threads that the run may use.

    Between parts the deadline of the run and an interrupt act: the parts that are left are not done then.
    """
    if len(parts) == 1:
        work(*parts[0])
        return
    budget = active_budget()
    threads = min(_active.threads, len(parts))
    if threads <= 1:
        for part in parts:
            budget.check_time()
            work(*part)
        return

    def timed(index: int) -> None:
        budget.check_time()
        work(*parts[index])

    job = _Job(len(parts), timed)
    _pool.submit(job, threads - 1)
    try:
        job.take()
    except BaseException as error:  # helpers stop too
        job.error = error
        raise
    finally:
        job.finish()
    if job.error is not None:
        raise job.error
