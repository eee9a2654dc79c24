"""What a generated model is run on: runtimes in child processes, and refexec against itself.

A runtime's outputs that are near refexec's pass at once. Where they are not, :func:`refexec.compare` looks at every node on the runtime's
own inputs: what rounding explains by the operators' declared bounds is noise, and the first node that is out by itself is to blame.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import onnx

from refexec.diff.compare import compare
from refexec.diff.report import BAD, Column, Report
from refexec.errors import ContractError, RefexecError, RuntimeUnderTestError, UnsupportedError
from refexec.fuzz.edges import settled
from refexec.fuzz.itself import Body, Profiled, Transforms, Wide
from refexec.fuzz.verdicts import LIMITS, Target, Verdict, same_but_for_rounding
from refexec.runtimes import Kernels, Mode, Runtime
from refexec.session import Session

__all__ = ["TARGETS", "RuntimeTarget", "Target", "Verdict", "expected_of", "same_but_for_rounding", "target"]

MISSING = re.compile(
    r"NOT_IMPLEMENTED|NotImplemented|No registered implementation|No implementation for operator|not implemented|is not registered"
    r"|does not support \w+ yet|data type is not supported",
    re.IGNORECASE,
)


class RuntimeTarget(Target):
    """A runtime in one mode."""

    def __init__(self, name: str, runtime: Runtime, mode: Mode) -> None:
        self.name = name
        self.runtime = runtime
        self.mode = mode
        runtime.modes = (mode,)  # type: ignore[misc]
        runtime.timeout = 30.0
        self._kernels: Kernels | None = None

    def kernels(self) -> Kernels | None:
        if self._kernels is None:
            self._kernels = self.runtime.kernels()
        return self._kernels

    def close(self) -> None:
        self.runtime.close()

    def values(self, model: onnx.ModelProto, feeds: Mapping[str, Any]) -> Mapping[str, Any] | Verdict:
        """What the runtime gives, or why it gives nothing."""
        try:
            return self.runtime.run(model.SerializeToString(), feeds, options=self.mode.options).values
        except UnsupportedError as error:
            return Verdict("unsupported", "", str(error))
        except RuntimeUnderTestError as error:
            return _failed(error)

    def differs(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        found = self.values(model, feeds)
        return not isinstance(found, Verdict) and not _near(expected, settled(model, feeds, expected, found))

    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        found = self.values(model, feeds)
        if isinstance(found, Verdict):
            return found
        if _near(expected, settled(model, feeds, expected, found)):
            return None
        try:
            return _blamed(compare(model, feeds, self.runtime, limits=LIMITS))
        except RuntimeUnderTestError as error:
            return _failed(error)
        except UnsupportedError as error:
            return Verdict("unsupported", "", str(error))


def _near(expected: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return all(same_but_for_rounding(value, found.get(name)) for name, value in expected.items())


def _failed(error: RuntimeUnderTestError) -> Verdict:
    outcome, text = str(error.seen["outcome"]), " ".join(str(error.message).split())
    if outcome == "refused" and MISSING.search(text):
        return Verdict("unsupported", "", text)
    signal = error.seen.get("signal")
    return Verdict(outcome if not signal else f"crashed ({signal})", "", text)


def _blamed(report: Report) -> Verdict | None:
    """The first node that is out by itself."""
    if report.outcome == "agree":
        return None
    if report.first is None:
        return Verdict("value", "", report.verdict)
    row = report.rows[report.first]
    column = next(c for c in row.columns.values() if c.status in BAD)
    return Verdict(_kind(column), row.op, report.verdict)


def _kind(column: Column) -> str:
    if column.status in ("dtype", "shape"):
        return column.status
    total = column.total
    return "nan" if total is not None and total.nan[0] != total.nan[1] else "value"


def expected_of(model: onnx.ModelProto, feeds: Mapping[str, Any]) -> dict[str, Any] | Verdict:
    """refexec's reference outputs, or what is wrong with refexec on a model that is valid."""
    try:
        session = Session(model, profile="reference", limits=LIMITS)
        return {o.name: v for o, v in zip(session.outputs, session.run(None, feeds), strict=True)}
    except ContractError as error:
        return Verdict("crashed", _where(error), f"ContractError: {error}")
    except RefexecError as error:
        return Verdict("refused", _where(error), f"{type(error).__name__}: {error}")


def _where(error: RefexecError) -> str:
    """The operator that an error's notes name."""
    found = re.search(r"\(([\w.:]+-\d+)\)", " ".join(getattr(error, "__notes__", [])))
    return found[1] if found else ""


def _onnxruntime(name: str, mode: Mode) -> Target:
    from refexec.runtimes.onnxruntime import OnnxRuntime

    return RuntimeTarget(name, OnnxRuntime(), mode)


def _onnx_reference() -> Target:
    from refexec.runtimes.reference import OnnxReference

    return RuntimeTarget("onnx.reference", OnnxReference(), Mode("run"))


TARGETS: dict[str, Callable[[], Target]] = {
    "onnxruntime": partial(_onnxruntime, "onnxruntime", Mode("off", {"optimization": "off"})),
    "onnxruntime-optimized": partial(_onnxruntime, "onnxruntime-optimized", Mode("on", {"optimization": "all"}, optimizes=True)),
    "onnx.reference": _onnx_reference,
    "wide": Wide,
    "deterministic": partial(Profiled, "deterministic"),
    "fast": partial(Profiled, "fast"),
    "body": Body,
    "transforms": Transforms,
}
"""By name; the last five are refexec against itself."""


def target(name: str) -> Target:
    """A new target. Raises UnsupportedError for an unknown name."""
    if name not in TARGETS:
        raise UnsupportedError(f"no target {name!r}; there are {', '.join(TARGETS)}", seen=name)
    return TARGETS[name]()
