"""The interface of a runtime, and what both runtimes share: the child process, its restart, and typed errors."""

from __future__ import annotations

import importlib.util
import os
import threading
from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from refexec.errors import RuntimeUnderTestError, UnsupportedError
from refexec.expansion import has_body
from refexec.runtimes.process import Worker
from refexec.schema import Signature
from refexec.types import ValueType, parse_type

__all__ = ["Kernels", "Mode", "Runtime", "RuntimeResult"]

NEWEST = 1 << 30
Source = str | os.PathLike[str] | bytes


@dataclass(frozen=True, slots=True)
class RuntimeResult:
    """What one run gave.

    ``values``: by output name, as a user of refexec sees them: ndarrays (narrow types with the dtypes of ml_dtypes, strings as
    object arrays), lists for sequences, None for an empty optional, dicts for maps. ``log``: what the process wrote to its
    standard error during the run, at most its last 64 KiB. ``info``: versions, and what the runtime did.
    """

    values: dict[str, Any]
    log: str = ""
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kernels:
    """What a runtime says that it implements: by (domain, operator) the first and last version and the types of type variables."""

    rows: Mapping[tuple[str, str], Sequence[tuple[int, int, Mapping[str, Sequence[str]]]]]

    def of(self, signature: Signature) -> list[Mapping[str, Sequence[str]]]:
        """The type constraints of each kernel that serves an operator version."""
        found = self.rows.get((signature.domain, signature.name), ())
        return [types for first, last, types in found if first <= signature.since <= last]

    def has(self, signature: Signature) -> bool:
        """Whether there is a kernel, or a function body that can stand in for one."""
        return bool(self.of(signature)) or has_body(signature, NEWEST)

    def types(self, signature: Signature, variable: str) -> set[ValueType] | None:
        """The types that a type variable may have in some kernel; None when nothing is said of it."""
        found = [types[variable] for types in self.of(signature) if variable in types]
        return {parse_type(t) for types in found for t in types} if found else None


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run a model that a comparison looks at: ``off`` and ``on`` for a runtime that optimizes graphs."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    optimizes: bool = False


class Runtime(ABC):
    """A runtime in a child process. It starts at the first run, is kept, and starts again after it died.

    Args:
        timeout: seconds that one run may take, loading the model included.
        environment: variables for the child, above those of this process (``LOCPATH``, say).
        max_bytes: how much the child may send back in one answer.
    """

    name: ClassVar[str]
    engine: ClassVar[str]  # what the child process imports
    package: ClassVar[str]  # what must be installed
    extra: ClassVar[str | None] = None
    modes: ClassVar[tuple[Mode, ...]] = (Mode("run"),)

    def __init__(self, *, timeout: float = 300.0, environment: Mapping[str, str] | None = None, max_bytes: int = 16 << 30) -> None:
        self.timeout = timeout
        self.environment = dict(environment or {})
        self.max_bytes = max_bytes
        self._workers: dict[Any, Worker] = {}
        self._lock = threading.Lock()

    def check_installed(self) -> None:
        """Raise UnsupportedError, naming the extra to install, when the runtime is not installed."""
        if importlib.util.find_spec(self.package) is None:
            advice = f"; install it with: pip install 'refexec[{self.extra}]'" if self.extra else ""
            raise UnsupportedError(f"{self.name} is not installed{advice}", package=self.package, extra=self.extra)

    def run(
        self,
        model: Source,
        feeds: Mapping[str, Any],
        outputs: Sequence[str] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        base_dir: str | os.PathLike[str] | None = None,
    ) -> RuntimeResult:
        """Run a model once.

        Args:
            model: a path, or the bytes of a file.
            feeds: by input name, with the element types that the model declares.
            outputs: names of outputs of the model; all of them when None.
            options: what the runtime's class documents.
            timeout: seconds, in place of the runtime's.
            base_dir: the folder of external data of a model that is given as bytes.

        Raises:
            RuntimeUnderTestError: the runtime refused the model or the feeds (with its message), crashed (with the signal) or
                gave no answer in time. ``seen["outcome"]`` is "refused", "crashed" or "hung".
            UnsupportedError: it is not installed, or its Python interface cannot carry a value.
        """
        self.check_installed()
        chosen = self.checked_options(dict(options or {}))
        request: dict[str, Any] = {
            "feeds": dict(feeds), "outputs": None if outputs is None else list(outputs), "options": chosen,
            "base_dir": None if base_dir is None else os.path.abspath(base_dir),
        }  # fmt: skip
        if isinstance(model, bytes):
            request["model"] = model
        else:
            request["path"] = os.path.abspath(model)
        answer, log = self._worker(chosen).ask(request, self.timeout if timeout is None else timeout)
        if answer.get("unsupported"):
            raise UnsupportedError(f"{self.name}: {answer['unsupported']}", runtime=self.name)
        if "error" in answer:
            refused = RuntimeUnderTestError(
                f"{self.name} refused: {answer['error']}", runtime=self.name, outcome="refused", stage=answer.get("stage")
            )
            if log:
                refused.add_note(f"{self.name} wrote: {log[-2000:]}")
            raise refused
        return RuntimeResult(answer["values"], log, answer.get("info", {}))

    def checked_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options in the form that the child takes. Raises UnsupportedError for an unknown one."""
        if options:
            raise UnsupportedError(f"{self.name} has no such option", seen=sorted(options))
        return options

    def process_key(self, options: Mapping[str, Any]) -> Any:
        """Runs with equal keys share a process: options that change a whole process belong into the key."""
        return ()

    def kernels(self) -> Kernels | None:
        """The operators and types that the runtime has kernels of; None when it cannot say."""
        return None

    def close(self) -> None:
        """End the child processes; the next run starts new ones."""
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.stop()

    def _worker(self, options: Mapping[str, Any]) -> Worker:
        key = self.process_key(options)
        with self._lock:
            worker = self._workers.get(key)
            if worker is None or not worker.usable:
                if worker is not None:
                    worker.stop()
                worker = self._workers[key] = Worker(self.name, self.engine, self.environment, self.max_bytes)
            return worker
