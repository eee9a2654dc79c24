"""What a generated model is run on, and what counts as a difference: runtimes in child processes, and refexec against itself.

A runtime's outputs that are near refexec's pass at once. Where they are not, :func:`refexec.compare` looks at every node on the runtime's
own inputs: what rounding explains by the operators' declared bounds is noise, and the first node that is out by itself is to blame.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnx

from refexec.context import Event
from refexec.diff.compare import compare
from refexec.diff.declared import Declarations
from refexec.diff.evidence import Evidence
from refexec.diff.metrics import leaves, misfit, same_bits
from refexec.diff.report import BAD, Column, Report
from refexec.errors import ContractError, RefexecError, RuntimeUnderTestError, UnsupportedError
from refexec.fuzz import transforms
from refexec.fuzz.edges import settled
from refexec.limits import Limits
from refexec.runtimes import Kernels, Mode, Runtime
from refexec.session import Session
from refexec.types import TensorType, element_type
from refexec.values import round_to, ulp, unit_roundoff

__all__ = ["TARGETS", "RuntimeTarget", "Target", "Verdict", "expected_of", "same_but_for_rounding", "target"]

NEAR = 1e-4  # of the largest number of a tensor: what is nearer is not looked at
NEAR_ULPS = 16
LIMITS = Limits(seconds=20)
MISSING = re.compile(
    r"NOT_IMPLEMENTED|NotImplemented|No registered implementation|No implementation for operator|not implemented|is not registered"
    r"|does not support \w+ yet|data type is not supported",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Verdict:
    """What a target did wrong.

    ``kind``: "value", "nan", "shape", "dtype", "refused", "crashed", "hung", or "unsupported", which is no fault. ``operator``: the first
    node that is out by itself, "" where that is not known. ``detail``: in a sentence.
    """

    kind: str
    operator: str
    detail: str

    @property
    def fault(self) -> bool:
        return self.kind != "unsupported"

    @property
    def key(self) -> str:
        """The same for findings that are probably the same; numbers and names of values do not count."""
        words = "" if self.operator else re.sub(r"'[^']*'|\"[^\"]*\"|\b[a-z]+\d+\b|\d+", "#", self.detail)[:160]
        return f"{self.kind} {self.operator}{words}"


class Target(ABC):
    """Something to try models on."""

    name: str

    def kernels(self) -> Kernels | None:
        """What it implements; None when that is all, or not known."""
        return None

    def differs(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        """Whether something seems to be wrong, on a look that may be quicker than :meth:`judge`, and take rounding for a fault."""
        found = self.judge(model, feeds, expected)
        return found is not None and found.fault

    @abstractmethod
    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        """What is wrong; None when nothing is. ``expected``: refexec's reference outputs by name."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """End what it holds."""


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


def same_but_for_rounding(expected: Any, found: Any, allowed: float | None = None) -> bool:
    """Whether types and shapes are the same and numbers so near that rounding may explain it, on a quick look.

    ``allowed``: how far numbers may be apart; None: a few units in the last place of the largest one.
    """
    if expected is None or found is None:
        return expected is found
    if misfit(expected, found):
        return False
    return all(_near_tensor(e, f, allowed) for e, f in zip(leaves(expected), leaves(found), strict=True))


def _near_tensor(e: Any, f: Any, allowed: float | None) -> bool:
    elem = element_type(e.dtype)
    if not (elem.is_float or elem.kind == "complex") or e.size == 0:
        return bool(np.array_equal(e, f))
    with np.errstate(all="ignore"):
        wide = np.float64 if elem.is_float else np.complex128
        x, y = e.astype(wide), f.astype(wide)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        scale = np.abs(x[np.isfinite(x)]).max(initial=0.0)
        if allowed is None:
            allowed = min(NEAR * scale, NEAR_ULPS * float(ulp(np.asarray(scale), elem.dtype)) if elem.is_float else np.inf)
        return bool(np.all(same | (np.isfinite(x) & np.isfinite(y) & (np.abs(x - y) <= allowed))))


class Wide(Target):
    """The wide profile against the reference one: what rounding at each node, by its declared bound, does not explain."""

    name = "wide"

    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        reference, wide = (Session(model, profile=p, limits=LIMITS) for p in ("reference", "wide"))
        evidence = Evidence(reference, wide, Declarations(reference), feeds)
        evidence.run()
        if evidence.random or evidence.notes or not np.isfinite(list(evidence.bounds.values())).all():
            return None
        for step in evidence.steps:
            for name in filter(None, step.node.outputs):
                own, effect = evidence.own_errors.get(name, 0.0), evidence.effects.get(name, 0.0) + evidence.bounds.get(name, 0.0)
                held = evidence.values[name]
                if not np.isfinite([own, effect]).all() or (isinstance(held, np.ndarray) and held.dtype.kind == "c"):
                    return None  # from an overflow or a complex number on there is no measure
                if own > FACTOR * effect:
                    return Verdict("value", step.node.label, f"{step.node}: {own:g} from the wide result, rounding explains {effect:g}")
        return None


FACTOR = 64.0
"""How many times the effect of one random disturbance the error may be: the disturbance of a few numbers may nearly cancel."""


class Body(Target):
    """The specification's function bodies in place of the operators that have one, in the wide profile."""

    name = "body"

    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        results, inside = [], _Inside()
        for expand, observer in ((False, inside.operators), (True, inside.bodies)):
            try:
                results.append(Session(model, profile="wide", expand=expand, limits=LIMITS).observe(feeds, observer))
            except RefexecError as error:
                return Verdict("refused", "", f"with expand={expand}: {type(error).__name__}: {error}")
        for name, native, expanded in zip(expected, *results, strict=True):
            given = expected[name]
            if not same_but_for_rounding(_like(given, native), _like(given, expanded), inside.allowed):
                return Verdict("value", "", f"output {name!r}: operator {native}, body {expanded}")
        return None


class _Inside:
    """What the casts of bodies may make of their numbers: units in the last place of their narrowest type, at their largest number.

    It observes the run of the operators first, then that of the bodies: nodes that only the second one has stand in bodies.
    """

    def __init__(self) -> None:
        self.outside: set[str] = set()
        self.coarsest, self.largest = 0.0, 0.0

    def operators(self, event: Event) -> None:
        self.outside.add(event.node.path)

    def bodies(self, event: Event) -> None:
        if event.node.path in self.outside:
            return
        for value, type in zip(event.outputs, event.output_types, strict=True):
            if isinstance(type, TensorType) and type.elem.is_float and isinstance(value, np.ndarray):
                self.coarsest = max(self.coarsest, unit_roundoff(type.elem.dtype))
                self.largest = max(self.largest, float(np.abs(value[np.isfinite(value)]).max(initial=0.0)))

    @property
    def allowed(self) -> float:
        return NEAR_ULPS * self.coarsest * self.largest


def _like(given: Any, wide: Any) -> Any:
    """A wide result in the types of the reference one."""
    if isinstance(given, list) and isinstance(wide, list) and len(given) == len(wide):
        return [_like(g, w) for g, w in zip(given, wide, strict=True)]
    if isinstance(given, np.ndarray) and isinstance(wide, np.ndarray) and given.dtype != wide.dtype:
        return round_to(wide, given.dtype)
    return wide


class Transforms(Target):
    """The same model written and read again, as JSON too, and with other names: the same bits."""

    name = "transforms"

    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        for name, transform in transforms.TRANSFORMS.items():
            other, names = transform(model)
            try:
                found = Session(other, profile="reference", limits=LIMITS).run(None, {names.get(n, n): v for n, v in feeds.items()})
            except RefexecError as error:
                return Verdict("refused", "", f"after {name}: {type(error).__name__}: {error}")
            for output, value, again in zip(expected, expected.values(), found, strict=True):
                if not same_bits(value, again):
                    return Verdict("value", "", f"after {name}, output {output!r} has other bits")
        return None


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
    "body": Body,
    "transforms": Transforms,
}
"""By name; the last three are refexec against itself."""


def target(name: str) -> Target:
    """A new target. Raises UnsupportedError for an unknown name."""
    if name not in TARGETS:
        raise UnsupportedError(f"no target {name!r}; there are {', '.join(TARGETS)}", seen=name)
    return TARGETS[name]()
