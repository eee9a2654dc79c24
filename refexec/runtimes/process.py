"""This process's end of a child process that runs a runtime."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from refexec.errors import RuntimeUnderTestError
from refexec.runtimes.wire import WireError, receive, send

__all__ = ["Worker"]

_LOG_BYTES = 64 << 10
_START_SECONDS = 120.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Worker:
    """One child process; requests of several threads wait for each other. After a crash or a timeout it is not usable."""

    def __init__(self, runtime: str, engine: str, environment: Mapping[str, str], max_bytes: int) -> None:
        self.runtime = runtime
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._broken = False
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._read = 0
        self._process = subprocess.Popen(
            # -P: a file of the current folder must not stand in for a library.
            [sys.executable, "-P", "-m", "refexec.runtimes.worker", engine],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env={**os.environ, **environment, "PYTHONPATH": _search_path()},
        )  # fmt: skip
        self._finalizer = weakref.finalize(self, _end, self._process, self._log, self._owner)
        hello = self._exchange(None, _START_SECONDS)
        if "error" in hello:
            self.stop()
            raise RuntimeUnderTestError(f"{runtime} cannot be loaded: {hello['error']}", runtime=runtime, outcome="refused", stage="import")

    @property
    def usable(self) -> bool:
        """Whether a request may be sent: the process lives and belongs to this process (not to one this was forked from)."""
        return not self._broken and self._owner == os.getpid() and self._process.poll() is None

    def ask(self, request: Mapping[str, Any], timeout: float) -> tuple[dict[str, Any], str]:
        """Send a request; returns the answer and what the child wrote to its standard error meanwhile."""
        with self._lock:
            answer = self._exchange(request, timeout)
            return answer, self._new_log()

    def stop(self) -> None:
        """End the process."""
        self._broken = True
        self._finalizer()

    def _exchange(self, request: Mapping[str, Any] | None, timeout: float) -> dict[str, Any]:
        stdin: Any = self._process.stdin
        stdout: Any = self._process.stdout
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        watch = threading.Timer(timeout, give_up)
        watch.daemon = True
        watch.start()
        answer = None
        try:
            if request is not None:
                send(stdin, request)
            answer = receive(stdout, self.max_bytes)
        except (BrokenPipeError, EOFError):
            answer = None
        except WireError as error:
            self._kill()
            raise RuntimeUnderTestError(
                f"{self.runtime} sent what is no answer: {error}", runtime=self.runtime, outcome="crashed"
            ) from None
        except BaseException:
            self._kill()  # interrupted inside a message: the stream is of no use any more
            raise
        finally:
            watch.cancel()
        if answer is None:
            raise self._ended(late.is_set(), timeout)
        return answer

    def _ended(self, late: bool, timeout: float) -> RuntimeUnderTestError:
        self._broken = True
        code = self._process.wait()
        if late:
            error = RuntimeUnderTestError(
                f"{self.runtime} gave no answer within {timeout:g} s", runtime=self.runtime, outcome="hung", timeout=timeout
            )
        else:
            how, name = _ending(code)
            error = RuntimeUnderTestError(
                f"{self.runtime} died: its process {how}", runtime=self.runtime, outcome="crashed", signal=name, exit_code=code
            )
        log = self._new_log()
        if log:
            error.add_note(f"{self.runtime} wrote: {log[-2000:]}")
        return error

    def _kill(self) -> None:
        self._broken = True
        self._process.kill()
        self._process.wait()

    def _new_log(self) -> str:
        end = self._log.seek(0, os.SEEK_END)
        start = max(self._read, end - _LOG_BYTES)
        self._log.seek(start)
        data = self._log.read(end - start)
        self._log.seek(0, os.SEEK_END)
        self._read = end
        return _COLOURS.sub("", data.decode("utf-8", "replace")).strip()


def _search_path() -> str:
    """Where this process finds its modules: the child must find the same ones."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(dict.fromkeys([root, *(os.path.abspath(p) for p in sys.path if p and os.path.exists(p))]))


def _ending(code: int) -> tuple[str, str | None]:
    if code >= 0:
        return f"ended with exit code {code}", None
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name}", name


def _end(process: subprocess.Popen[bytes], log: IO[bytes], owner: int) -> None:
    if os.getpid() != owner:
        return  # a fork: the process is not ours
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, log):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue  # what was not yet written to a dead process is of no use
