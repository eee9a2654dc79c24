"""ONNX Runtime (CPU) as a runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from refexec.errors import UnsupportedError
from refexec.runtimes.base import Kernels, Mode, Runtime

__all__ = ["LEVELS", "OnnxRuntime"]

LEVELS = ("off", "basic", "extended", "layout", "all")


class OnnxRuntime(Runtime):
    """ONNX Runtime's CPU execution provider.

    Options of :meth:`run`:

    - ``optimization``: "off", "basic", "extended", "layout" or "all" (the default, as in onnxruntime).
    - ``config``: session configuration entries, for example ``{"session.x64quantprecision": "1"}``. Some change the whole
      process, so each set of them has a process of its own.
    - ``disabled_optimizers``: names of graph optimizers to leave out. onnxruntime ignores names that it does not know.
    - ``threads``: of one operator; 1 unless given, so that results repeat.
    """

    name: ClassVar[str] = "onnxruntime"
    engine: ClassVar[str] = "onnxruntime"
    package: ClassVar[str] = "onnxruntime"
    extra: ClassVar[str | None] = "ort"
    modes: ClassVar[tuple[Mode, ...]] = (Mode("off", {"optimization": "off"}), Mode("on", {"optimization": "all"}, optimizes=True))

    def checked_options(self, options: dict[str, Any]) -> dict[str, Any]:
        known = {"optimization", "config", "disabled_optimizers", "threads"}
        if not options.keys() <= known:
            raise UnsupportedError("onnxruntime has no such option", seen=sorted(options.keys() - known), known=sorted(known))
        level = options.get("optimization", "all")
        if level not in LEVELS:
            raise UnsupportedError(f"optimization is one of {', '.join(LEVELS)}", seen=level)
        threads = int(options.get("threads", 1))
        if threads < 1:
            raise UnsupportedError("threads is a number from 1 on", threads=threads)
        return {
            "optimization": level,
            "config": {str(k): str(v) for k, v in dict(options.get("config", {})).items()},
            "disabled_optimizers": [str(n) for n in options.get("disabled_optimizers", ())],
            "threads": threads,
        }

    def process_key(self, options: Mapping[str, Any]) -> Any:
        return tuple(sorted(options["config"].items()))

    def kernels(self) -> Kernels:
        """The registry of the CPU execution provider."""
        self.check_installed()
        options = self.checked_options({})
        answer, _ = self._worker(options).ask({"kernels": True}, self.timeout)
        rows: dict[tuple[str, str], list[tuple[int, int, dict[str, list[str]]]]] = {}
        for domain, name, first, last, types in answer["kernels"]:
            rows.setdefault((domain, name), []).append((first, last, types))
        return Kernels(rows)
