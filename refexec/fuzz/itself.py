"""refexec against itself: its reference results and those of kernels against its wide ones, operators against their function bodies, other
spellings of a model.

All but the last run a model twice in step (:mod:`refexec.diff.in_step`): each evaluation is judged on the inputs that it had in the other
run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from refexec.context import Event
from refexec.diff.bodies import apart
from refexec.diff.bounds import bounds, overflows
from refexec.diff.declared import Declarations, Declared
from refexec.diff.disturb import Disturbance, estimated
from refexec.diff.in_step import Following, Recording
from refexec.diff.metrics import same_bits
from refexec.diff.replay import by_bound, the_same
from refexec.diff.report import BAD, Local
from refexec.errors import KernelMismatch, RefexecError
from refexec.fuzz import transforms
from refexec.fuzz.verdicts import LIMITS, Target, Verdict
from refexec.limits import Limits
from refexec.session import Session
from refexec.types import FLOAT64, TensorType
from refexec.values import max_finite, to_public, unit_roundoff, value_type_of

__all__ = ["Body", "Profiled", "Transforms", "Wide"]


class Wide(Target):
    """The wide profile against the reference one, or another: what rounding at one node, by its declared bound, does not explain."""

    name = "wide"

    def __init__(self, profile: str = "reference") -> None:
        self._profile = profile

    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        reference, wide = (Session(model, profile=p, limits=LIMITS) for p in (self._profile, "wide"))
        recording, rounding = Recording(), _Rounding(reference, wide)
        reference.observe(feeds, recording)
        wide.observe(feeds, Following(recording, rounding))
        return rounding.fault or rounding.out_of_range


WITH_COMPILATION = Limits(seconds=300)  # a kernel is compiled in the first run that needs it


class Profiled(Target):
    """A profile with kernels, by name.

    Step by step against the wide profile, each node by its declared bound; then as plans run, with kernels joined to what follows them and
    each verified beside its definition. Both have the same bits in ``deterministic``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        reference, wide, kernels = (Session(model, profile=p, limits=WITH_COMPILATION) for p in ("reference", "wide", self.name))
        recording, rounding = Recording(), _Rounding(reference, wide)
        try:
            seen = kernels.observe(feeds, recording)
            wide.observe(feeds, Following(recording, rounding))
            if rounding.fault:
                return rounding.fault
            run = Session(model, profile=self.name, limits=WITH_COMPILATION, verify_kernels=True).run(None, feeds)
        except RefexecError as error:
            where = re.search(r"\(([\w.:]+-\d+)\)", " ".join(getattr(error, "__notes__", [])))
            return Verdict("value" if isinstance(error, KernelMismatch) else "refused", where[1] if where else "",
                           f"{type(error).__name__}: {error}")  # fmt: skip
        for index, (output, value, again) in enumerate(zip(kernels.outputs, seen, run, strict=True)):
            if not same_bits(value, again) and not (kernels.profile.fast and _disturbed(wide, feeds, index, again)):
                return Verdict("value", "", f"output {output.name!r} of the plan that runs is not that of the observed one")
        return rounding.out_of_range


def _disturbed(wide: Session, feeds: Mapping[str, Any], index: int, found: Any) -> bool:
    """Whether what the errors that nodes may make do to an output explains another value of it."""
    disturbance = Disturbance(Declarations(wide), wide)
    truth, disturbed = wide.run(None, feeds)[index], wide.observe(feeds, disturbance)[index]
    return disturbance.random or estimated(truth, disturbed, found).status not in BAD


class _Rounding:
    """Judges evaluations of the wide run after those of the run of another profile.

    ``fault``: the first that its bound does not explain. ``out_of_range``: the first in which a number inside is beyond what its type can
    be. Of doubles the reference profile has nothing wider to compute them in, and where the specification states a type ("stash_type") it
    is kept to; the wide profile goes on with the number, and no bound speaks of that.
    """

    def __init__(self, reference: Session, wide: Session) -> None:
        self._reference = reference
        self._wide = wide
        self._declared = Declarations(reference)
        self.fault: Verdict | None = None
        self.out_of_range: Verdict | None = None

    def __call__(self, first: Event, second: Event) -> None:
        declared = self._declared[second.node]
        if self.fault is not None or declared.kind in ("random", "unknown"):
            return
        actual = {i: value for i, value in enumerate(first.outputs) if value is not None}
        types = [t or value_type_of(v) for t, v in zip(second.output_types, first.outputs, strict=True)]
        for i, local in self._judged(declared, second, types, actual).items():
            if local.status not in BAD:
                continue
            said = f"{second.node}, output {i}: {local.max_abs} from the wide result, {local.ratio} times its bound"
            if overflows(self._reference, second.node, declared, types, first.inputs):
                self.out_of_range = self.out_of_range or Verdict("out of range", second.node.label, said)
            else:
                self.fault = Verdict("value", second.node.label, said)
                return

    def _judged(self, declared: Declared, event: Event, types: Sequence[Any], actual: Mapping[int, Any]) -> dict[int, Local]:
        if declared.kind == "rounded":
            return by_bound(self._wide, event.node, declared, event.inputs, event.outputs, types, actual)
        return {i: the_same(event.outputs[i], found) for i, found in actual.items()}


class Body(Target):
    """The specification's function bodies in place of the operators that have one, in the wide profile."""

    name = "body"

    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        native = Session(model, profile="wide", limits=LIMITS)
        recording, bodies = Recording(), _Bodies(native)
        native.observe(feeds, recording)
        try:
            Session(model, profile="wide", expand=True, limits=LIMITS).observe(feeds, Following(recording, bodies, bodies.inside))
        except RefexecError as error:
            refused = Verdict("refused", "", f"with expand=True: {type(error).__name__}: {error}")
            return bodies.fault or refused  # what a body made wrong may be what a later node refuses
        return bodies.fault or bodies.out_of_range


ULPS = 16


class _Bodies:
    """Judges results of bodies after those of their operators.

    They may be apart by what the casts of the body may make of its numbers (units in the last place of its narrowest type, at its largest
    number) and by the operator's declared bound for the wide types, in which both compute: a body may take a way that cancels more, and
    the order of a sum is that of its numbers in memory, which a body may leave otherwise.
    ``out_of_range``: a number of the body is beyond what the type of a cast can hold.
    """

    def __init__(self, native: Session) -> None:
        self._native = native
        self._declared = Declarations(native)
        self._inside: list[Event] = []
        self.fault: Verdict | None = None
        self.out_of_range: Verdict | None = None

    def inside(self, event: Event) -> None:
        self._inside.append(event)

    def __call__(self, first: Event, second: Event) -> None:
        below = f"{second.node.path}/"
        body = [e for e in self._inside if e.node.path.startswith(below)]
        self._inside = [e for e in self._inside if not e.node.path.startswith(below)]
        if self.fault is not None:
            return
        cost = casts_cost(body)
        limits: Sequence[Any] | None = None
        for i, (native, made, type) in enumerate(zip(first.outputs, second.outputs, second.output_types, strict=True)):
            wrong = apart(to_public(native), to_public(made), _near(cost, type))
            if wrong is not None:
                limits = limits or self._bounds(first)
                wrong = apart(to_public(native), to_public(made), _near(cost if limits[i] is None else cost + limits[i], type))
            if wrong is None:
                continue
            said = f"output {i}: {wrong}"
            if any(map(_cast_overflows, body)):
                self.out_of_range = self.out_of_range or Verdict("out of range", second.node.label, said)
            else:
                self.fault = Verdict("value", second.node.label, said)
                return

    def _bounds(self, event: Event) -> Sequence[Any]:
        types = [_wide_type(value, type) for value, type in zip(event.outputs, event.output_types, strict=True)]
        return bounds(self._native, event.node, self._declared[event.node], event.inputs, event.outputs, types)


def _wide_type(value: Any, type: Any) -> Any:
    narrow = isinstance(value, np.ndarray) and value.dtype == np.float64
    return TensorType(FLOAT64) if narrow else type


def _near(allowed: Any, type: Any) -> Callable[[Any, Any], Any]:
    most = max_finite(type.elem.dtype) if isinstance(type, TensorType) and type.elem.is_float else np.inf

    def near(x: Any, y: Any) -> Any:
        beyond = (np.abs(y) > most) & (np.copysign(np.inf, y.real) == x)  # an operator that decides sees its inputs in their type
        return beyond | (np.isfinite(x) & np.isfinite(y) & (np.abs(x - y) <= allowed))

    return near


def casts_cost(body: Sequence[Event]) -> float:
    """Units in the last place of the narrowest float type in a body, at its largest finite number."""
    coarsest, largest = 0.0, 0.0
    for event in body:
        for value, type in zip(event.outputs, event.output_types, strict=True):
            if isinstance(type, TensorType) and type.elem.is_float and isinstance(value, np.ndarray):
                coarsest = max(coarsest, unit_roundoff(type.elem.dtype))
                largest = max(largest, float(np.abs(value[np.isfinite(value)]).max(initial=0.0)))
    return ULPS * coarsest * largest


def _cast_overflows(event: Event) -> bool:
    if event.node.op_type not in ("Cast", "CastLike"):
        return False
    given, made = event.inputs[0], event.outputs[0]
    return bool(given.dtype.kind == made.dtype.kind == "f" and np.any(np.isfinite(given) & ~np.isfinite(made)))


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
