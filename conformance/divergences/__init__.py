"""Reproducers of the known differences: one small model per row, and what each engine makes of it.

``ID.toml`` beside this file belongs to the row ID of ``known_differences.toml``::

    opset = 11                                    # of the operator's domain
    node = "y = Softmax (x)"                      # ONNX text form, one node or several; or
    model = '''<ir_version: 8, ...> ...'''        # a whole model in text form; or
    build = "sparse_initializer"                  # a function of models.py, where text cannot say it
    inputs.x = "float[1,2] {0, 0}"
    expected.outputs.y = "..."                    # what the text demands; or
    expected.error = "words of the refusal"; or
    expected.allowed = [{y = "..."}, {y = "..."}] # the set that the text leaves open
    reference.outputs.y = "..."                   # what onnx.reference gives: outputs, error (its words), crash = "SIGFPE", or
    reference.expected = true                     # what the text demands
    onnxruntime.expected = true                   # the same for onnxruntime
    onnxruntime.missing = true                    # it has no kernel for these types or this version, which is no deviation

Every engine but refexec runs in a child process. :func:`observe` runs one, :func:`problems` compares with what is written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import onnx
import onnx.parser

from conformance.divergences import models
from refexec.errors import RefexecError, RuntimeUnderTestError
from refexec.fuzz.targets import MISSING
from refexec.runtimes import runtime
from refexec.session import Session
from refexec.teach.known import Difference, known_differences
from refexec.teach.notation import model_of, opsets_of, read_value, same_value, write_value

__all__ = ["ENGINES", "Observation", "Reproducer", "observe", "problems", "reproducers"]

HERE = Path(__file__).parent
ENGINES = ("refexec", "reference", "onnxruntime")
RUNTIMES = {"reference": "onnx.reference", "onnxruntime": "onnxruntime"}
IR_VERSION = 10  # onnxruntime reads it, and every opset up to its newest


@dataclass(frozen=True)
class Observation:
    """What an engine did: values by output name, or an error, or the end of its process (a signal, or no answer)."""

    outputs: Mapping[str, Any] | None = None
    error: str = ""
    crash: str = ""

    def __str__(self) -> str:
        if self.outputs is None:
            return f"crash: {self.crash}" if self.crash else f"error: {self.error}"
        return ", ".join(f"{name} = {write_value(value)}" for name, value in self.outputs.items())

    @property
    def missing(self) -> bool:
        """Whether the engine has no kernel for it."""
        return bool(MISSING.search(self.error))

    def agrees(self, written: Mapping[str, Any]) -> bool:
        """Whether this is what a table of a reproducer says: ``outputs``, ``error``, ``crash``, ``missing`` or ``allowed``."""
        if "missing" in written:
            return self.missing
        if "crash" in written:
            return str(written["crash"]) in self.crash
        if "error" in written:
            return bool(self.error) and str(written["error"]) in self.error
        return self.outputs is not None and any(
            all(same_value(read_value(text)[1], self.outputs[name]) for name, text in outputs.items())
            for outputs in written.get("allowed", [written.get("outputs", {})])
        )


@dataclass(frozen=True)
class Reproducer:
    """A row with its model, feeds and what is written of each engine."""

    row: Difference
    data: Mapping[str, Any]

    @property
    def feeds(self) -> dict[str, Any]:
        return {name: read_value(text)[1] for name, text in self.data.get("inputs", {}).items()}

    def model(self) -> onnx.ModelProto:
        """The model; nodes in text form import ``opset`` of the operator's domain."""
        if "build" in self.data:
            built: onnx.ModelProto = getattr(models, self.data["build"])()
            return built
        if "model" in self.data:
            return onnx.parser.parse_model(self.data["model"])
        types = {name: read_value(text)[0] for name, text in self.data.get("inputs", {}).items()}
        made = model_of(self.data["node"], opsets_of(self.row.key[0], self.data["opset"]), types, self._outputs())
        made.ir_version = self.data.get("ir_version", IR_VERSION)
        return made

    def _outputs(self) -> list[str]:
        expected = self.data["expected"]
        return list(expected.get("outputs") or expected.get("allowed", [{}])[0] or self.data.get("ask", ["y"]))

    def expected_of(self, engine: str) -> Mapping[str, Any]:
        """What is written of an engine; for refexec, and where it says ``expected = true``, what the text demands."""
        table: Mapping[str, Any] = self.data["expected"] if engine == "refexec" else self.data[engine]
        return self.data["expected"] if table.get("expected") is True else table


@cache
def reproducers() -> Mapping[str, Reproducer]:
    """By id: every row that has no backend tests has one."""
    rows = known_differences()
    return {path.stem: Reproducer(rows[path.stem], tomllib.loads(path.read_text(encoding="utf-8"))) for path in sorted(HERE.glob("*.toml"))}


def observe(found: Reproducer, engine: str) -> Observation:
    """Run the model in one engine, optimizations off."""
    content = found.model().SerializeToString()
    if engine == "refexec":
        try:
            session = Session(content)
            values = session.run(None, found.feeds)
        except RefexecError as error:
            return Observation(error=f"{error.code}: {error}")
        return Observation(dict(zip([o.name for o in session.outputs], values, strict=True)))
    options = {"optimization": "off"} if engine == "onnxruntime" else None
    try:
        return Observation(runtime(RUNTIMES[engine]).run(content, found.feeds, options=options, timeout=60).values)
    except RuntimeUnderTestError as error:
        if error.seen["outcome"] == "refused":
            return Observation(error=str(error))
        return Observation(crash=f"{error.seen['outcome']}: {error}")


def problems(found: Reproducer, engines: tuple[str, ...] = ENGINES) -> Iterator[str]:
    """Where a live run is not what is written, or the row does not name who deviates."""
    for engine in engines:
        seen = observe(found, engine)
        if not seen.agrees(found.expected_of(engine)):
            yield f"{engine} gives {seen}, written is {dict(found.expected_of(engine))}"
        if engine != "refexec":
            deviates = "missing" not in found.data[engine] and not seen.agrees(found.data["expected"])
            named = RUNTIMES[engine] in found.row.deviates
            if deviates != named and found.row.basis != "unspecified":
                yield f"{RUNTIMES[engine]} {'deviates' if deviates else 'agrees'} and the row says otherwise: {seen}"
