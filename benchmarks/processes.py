"""A contender in a process of its own, for times with several threads: pools of two contenders must not meet in one process.

The child makes the problem again from its seeds, and takes a sample when told to, so that contenders still alternate.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from benchmarks.contenders import CONTENDERS
from benchmarks.timing import Timer

__all__ = ["Remote"]


class Remote:
    """One contender in a child. :meth:`start` a problem, then use it as a sampler; :meth:`close` ends the child."""

    def __init__(self, contender: str, threads: int) -> None:
        before = {name: os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
        os.environ.update(dict.fromkeys(before, str(threads)))
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, contender, threads), daemon=True)
        self._process.start()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        self._samples: list[float] = []
        self._more = False

    def start(self, suite: str, case: str, form: str, quick: bool, options: Sequence[str] = ()) -> bool:
        """Prepare and warm up; False where the contender has no form of it. Raises RuntimeError with what the child raised."""
        answer = self._ask("start", suite, case, form, quick, options)
        self._samples, self._more = [], bool(answer)
        return bool(answer)

    def more(self) -> bool:
        return self._more

    def take(self) -> None:
        answer = self._ask("take")
        assert isinstance(answer, tuple)
        sample, self._more = answer
        self._samples.append(sample)

    @property
    def samples(self) -> Sequence[float]:
        return self._samples

    def close(self) -> None:
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()

    def _ask(self, *question: object) -> object:
        self._pipe.send(question)
        problem, answer = self._pipe.recv()
        if problem:
            raise RuntimeError(problem)
        return answer


def _serve(pipe: Connection, contender: str, threads: int) -> None:
    """The child's loop; it ends when the parent closes the pipe."""
    from benchmarks.suites import find

    timer: Timer | None = None
    while True:
        try:
            verb, *rest = pipe.recv()
        except EOFError:
            return
        try:
            if verb == "start":
                suite, case, form, quick, options = rest
                timer = None
                problem = next(f for f in find(suite, case, options).forms if f.name == form).build()
                call = CONTENDERS[contender].start(problem, threads)
                effort = CONTENDERS[contender].effort
                if call is not None:
                    timer = Timer(call, effort.quick() if quick else effort, time.perf_counter)
                pipe.send((None, timer is not None))
            else:
                assert timer is not None
                timer.take()
                pipe.send((None, (timer.samples[-1], timer.more())))
        except Exception as error:  # a contender that fails is a line of the table
            pipe.send((f"{type(error).__name__}: {error}", None))
