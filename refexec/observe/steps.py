"""A run as an iterator of events."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from refexec.context import Event

if TYPE_CHECKING:
    from refexec.session import Session

__all__ = ["steps"]


class _Stopped(BaseException):
    """The consumer closed the iterator; unwinds the run, past every handler of errors."""


def steps(session: Session, feeds: Mapping[str, Any] | Sequence[Any], outputs: Sequence[str] | None = None) -> Iterator[Event]:
    """Run a model node by node.

    The run waits after each node until the next event is asked for. Closing the iterator (or leaving the loop) ends the run;
    an error of the run is raised where the next event would have come.
    """
    handover = _Handover()

    def work() -> None:
        try:
            session.observe(feeds, handover.put, outputs)
            handover.finish(None)
        except _Stopped:
            pass
        except BaseException as error:
            handover.finish(error)

    thread = threading.Thread(target=work, name="refexec-steps", daemon=True)
    thread.start()
    try:
        while (event := handover.take()) is not None:
            yield event
    finally:
        handover.stop()
        thread.join()


class _Handover:
    """One place for one event: the run puts, waits until it is taken and the next one is asked for."""

    def __init__(self) -> None:
        self._asked = threading.Semaphore(0)
        self._given = threading.Semaphore(0)
        self._event: Event | None = None
        self._error: BaseException | None = None
        self._stopped = False

    def put(self, event: Event) -> None:
        self._asked.acquire()
        if self._stopped:
            raise _Stopped
        self._event = event
        self._given.release()

    def finish(self, error: BaseException | None) -> None:
        self._asked.acquire()
        self._event, self._error = None, error
        self._given.release()

    def take(self) -> Event | None:
        self._asked.release()
        self._given.acquire()
        if self._error is not None:
            raise self._error
        return self._event

    def stop(self) -> None:
        self._stopped = True
        self._asked.release()
