"""L2: each operator with a function body against that body, both in the profile ``wide``: ``python -m conformance.function_bodies``.

A template is a model of one node with feeds: an exact case, or a backend test brought to a version and type. Hypothesis draws new numbers
for its float inputs; the model then runs as it is and with ``Session(expand={operator})``. Where the two differ by the specification's
own fault, the row in ``function_bodies.toml`` says which of them the prose supports and shows an input.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance import instances as exact
from conformance import type_walk
from refexec import expansion
from refexec.context import Event
from refexec.diff.bodies import apart, where
from refexec.errors import RefexecError
from refexec.schema import Signature, all_signatures
from refexec.session import Session
from refexec.teach.examples import Example
from refexec.teach.notation import read_value
from refexec.types import ElementType, TensorType, element_type
from refexec.values import max_finite, round_to, ulp

__all__ = ["Row", "Template", "compared", "operators", "rows", "templates", "versions"]

PER_VERSION = 24
LARGEST = 200  # numbers that are drawn for one run
RELATIVE = {"float64": 1e-9, "float32": 1e-6, "float16": 4e-3, "bfloat16": 3e-2}
"""Of the larger value, by the narrowest type in the body: its casts round, the operator does not. Other floats: by one value."""
SMALL = st.integers(-320, 320).map(lambda n: n / 16)
ANY = st.one_of(SMALL, st.sampled_from([0.0, -0.0, 1e-30, -1e-30, 30.0, -30.0]))
LARGE = st.one_of(SMALL, st.sampled_from([0.0, 1000.0, -1000.0]))  # for one input: a product of two may stand in an exponent
TINY = st.integers(-16, 16).map(lambda n: n / 16)  # for several of a narrow type, where a cast in a body counts in an exponent
NOT_FINITE = st.one_of(TINY, st.sampled_from([float("inf"), float("-inf"), float("nan")]))
"""Beside infinities no large numbers: a cast in a body makes 0 of a small factor that the operator keeps, and 0 times infinity is NaN."""
OWN = {
    "AffineGrid": SMALL,  # infinity times a position of the grid that is 0, but for the body's rounding, is NaN
    "Bernoulli": st.sampled_from([0.0, 1.0]),  # certain draws
    "Range": st.integers(-8, 8).map(float),  # of whole numbers a range has a length that is worth running
}
RANDOM = {"Bernoulli"}  # on other numbers than its own it is left to chance


@dataclass(frozen=True, eq=False)
class Template:
    """A model of one node with feeds; ``opset`` is the import under which the body exists."""

    signature: Signature
    opset: int
    node: onnx.NodeProto
    inputs: tuple[onnx.ValueInfoProto, ...]
    feeds: Mapping[str, Any]

    def model(self) -> onnx.ModelProto:
        graph = onnx.helper.make_graph([self.node], "body", self.inputs, [onnx.ValueInfoProto(name=o) for o in self.node.output if o])
        imports = {"": exact.SUBGRAPH_OPSET, self.signature.domain: self.opset}
        opsets = [onnx.helper.make_opsetid(domain, version) for domain, version in imports.items()]
        return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=onnx.IR_VERSION)

    @cached_property
    def sessions(self) -> tuple[Session | RefexecError, Session | RefexecError]:
        """The operator, and its body; an error where one of them refuses the model."""
        model = self.model()
        return _session(model, ()), _session(model, (self.label,))

    @cached_property
    def floats(self) -> list[ElementType]:
        """The float types of all values in the body, in the order in which they are made; its last node and the call stand at the end."""
        found: list[ElementType] = []

        def note(event: Event) -> None:
            found.extend(t.elem for t in event.output_types if isinstance(t, TensorType) and t.elem.is_float)

        if isinstance(self.sessions[1], Session):
            with suppress(RefexecError):
                self.sessions[1].observe(self.feeds, note)
        return found

    @property
    def narrowest(self) -> ElementType | None:
        """Of the float types in the body the one with the fewest digits."""
        return max(self.floats, key=precision, default=None)

    def type_of(self, variable: str) -> str:
        """The element type that a type variable of the operator has here; "" when no input has it."""
        given = ((self.signature.input(i).type_str, self.feeds.get(name)) for i, name in enumerate(self.node.input))
        return next((element_type(v.dtype).onnx_name for of, v in given if of == variable and isinstance(v, np.ndarray)), "")

    @property
    def label(self) -> str:
        return f"{self.signature.domain}:{self.signature.name}" if self.signature.domain else self.signature.name


def precision(elem: ElementType) -> float:
    return RELATIVE.get(elem.name, 0.3)


def _session(model: onnx.ModelProto, expand: tuple[str, ...]) -> Session | RefexecError:
    try:
        return Session(model, profile="wide", expand=expand)
    except RefexecError as error:
        return error


def operators() -> list[str]:
    """Names of the operators with a body, as ``Session(expand=)`` takes them."""
    return sorted(expansion.operators_with_bodies())


def versions(name: str) -> list[tuple[Signature, int]]:
    """Each version of an operator that has a body, and the least opset of its domain at which it has one and is meant."""
    domain, _, bare = name.rpartition(":")
    mine = sorted((s for (d, n, _), s in all_signatures().items() if (d, n) == (domain, bare)), key=lambda s: s.since)
    found = []
    for signature, following in zip(mine, [*(s.since for s in mine[1:]), 1000], strict=True):
        opset = next((v for v in range(signature.since, min(following, 40)) if expansion.has_body(signature, v)), None)
        if opset is not None:
            found.append((signature, opset))
    return found


@cache
def templates(name: str) -> tuple[Template, ...]:
    """Up to PER_VERSION for each version with a body, of all types."""
    made: dict[int, list[Template]] = defaultdict(list)
    meant = {s.since: (s, opset) for s, opset in versions(name)}
    for instance in exact.instances():
        if instance.signature.since in meant and instance.signature is meant[instance.signature.since][0]:
            for case in exact.cases(instance):
                model, feeds = exact.model(instance, case)
                s, opset = meant[instance.signature.since]
                made[s.since].append(Template(s, opset, model.graph.node[0], tuple(model.graph.input), feeds))
    for walked in _walked().get(name, ()):
        if walked.since in meant:
            infos = [onnx.helper.make_tensor_value_info(n, element_type(x.dtype).number, x.shape) for n, x in walked.feeds.items()]
            s, opset = meant[walked.since]
            made[s.since].append(Template(s, opset, walked.node, tuple(infos), walked.feeds))
    small = ([t for t in group if _drawn(t) <= LARGEST] for group in made.values())
    return tuple(t for group in small for t in group[:: max(1, len(group) // PER_VERSION)])


def _drawn(template: Template) -> int:
    return sum(v.size for v in template.feeds.values() if isinstance(v, np.ndarray) and element_type(v.dtype).is_float)


@cache
def _walked() -> Mapping[str, list[type_walk.Instance]]:
    found: dict[str, list[type_walk.Instance]] = defaultdict(list)
    for instance in type_walk.instances():
        found[f"{instance.signature.domain}:{instance.operator}".removeprefix(":")].append(instance)
    return found


def _numbers(template: Template) -> list[st.SearchStrategy[float]]:
    """What numbers are drawn from: one of these for all inputs."""
    several = sum(isinstance(v, np.ndarray) and element_type(v.dtype).is_float for v in template.feeds.values()) > 1
    if not several:
        return [ANY, NOT_FINITE, LARGE]
    narrow = template.narrowest is None or precision(template.narrowest) > RELATIVE["float32"]
    return [TINY if narrow else ANY, NOT_FINITE]


@st.composite
def feeds_of(draw: st.DrawFn, template: Template) -> dict[str, Any]:
    """The template's feeds with new numbers for its float inputs, or with one number for all of them, or as they are."""
    as_it_is = template.signature.name not in RANDOM and draw(st.integers(0, 4)) == 0
    numbers = OWN[template.signature.name] if template.signature.name in OWN else draw(st.sampled_from(_numbers(template)))
    if draw(st.integers(0, 3)) == 0:
        numbers = st.just(draw(numbers))
    feeds = dict(template.feeds)
    for name, value in feeds.items():
        if isinstance(value, np.ndarray) and element_type(value.dtype).is_float and value.size:
            drawn = value if as_it_is else draw(hnp.arrays(np.float64, value.shape, elements=numbers, fill=st.nothing()))
            feeds[name] = _held(round_to(drawn, value.dtype), template.floats[:-2])
    return feeds


def _held(x: Any, inside: list[ElementType]) -> Any:
    """Numbers that all types on the way hold, so that a cast of an input changes nothing; numbers beyond their range stay."""
    narrowest = max([*inside, element_type(x.dtype)], key=precision)
    held = round_to(x, narrowest.dtype).astype(x.dtype)
    return np.where(np.isfinite(held), held, x)


def compared(template: Template, feeds: Mapping[str, Any]) -> str | None:
    """How operator and body differ on these feeds; None when they agree, or both refuse them."""
    both = template.sessions
    native, body = (_run(session, feeds) for session in both)
    if isinstance(native, RefexecError) or isinstance(body, RefexecError):
        return None if type(native) is type(body) else f"operator: {native!s:.200}, body: {body!s:.200}"
    scale = max((_largest(v) for v in feeds.values()), default=0.0)
    found = (apart(a, b, _near(scale, _largest(b), template.narrowest)) for a, b in zip(native, body, strict=True))
    inputs = [feeds.get(name) for name in template.node.input]
    return next((f"{where(inputs, i)}: {wrong}" for i, wrong in enumerate(found) if wrong), None)


def _run(session: Session | RefexecError, feeds: Mapping[str, Any]) -> Any:
    if isinstance(session, RefexecError):
        return session
    try:
        return session.run(None, feeds)
    except RefexecError as error:
        return error


def _largest(value: Any) -> float:
    if not isinstance(value, np.ndarray) or value.dtype == object or not value.size:
        return 0.0
    with np.errstate(all="ignore"):
        wide = np.abs(value.astype(np.complex128))
    return float(wide[np.isfinite(wide)].max(initial=0))


def _near(inputs: float, body: float, narrowest: ElementType | None) -> Callable[[Any, Any], Any]:
    """Which elements of operator and body are near: ``inputs`` and ``body`` are the largest numbers of these."""
    relative = precision(narrowest) if narrowest else 1e-9
    least, most = (float(ulp(np.zeros(()), narrowest.dtype)), max_finite(narrowest.dtype)) if narrowest else (0.0, np.inf)

    def near(x: Any, y: Any) -> Any:
        close = np.abs(x - y) <= relative * np.maximum(np.abs(y), min(body, inputs)) + 1e-14 * (1 + inputs) + least
        beyond = (np.abs(x) > most) & (np.copysign(np.inf, x.real) == y)  # what no cast in the body can hold
        return (close & np.isfinite(x) & np.isfinite(y)) | beyond

    return near


@dataclass(frozen=True)
class Row:
    """A difference between operator and body that is decided, which of them the prose supports, and an input that shows it."""

    operator: str
    versions: tuple[int, ...]
    kind: str  # a regular expression that is found in what `compared` says
    prose: str  # "operator", "body" or "neither"
    basis: str
    example: Mapping[str, Any]  # opset, node, inputs, native, body: as in teach/notation; words of a refusal as native.error or body.error
    types: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of type variables: the row holds only for these

    @cached_property
    def template(self) -> Template:
        """The example."""
        domain, _, name = self.operator.rpartition(":")
        opset, names = self.example["opset"], [n for side in ("native", "body") for n in self.example[side] if n != "error"]
        shown = Example(domain, name, (opset,), self.example["node"], self.example["inputs"], dict.fromkeys(names), "", None)
        graph = shown.model(opset).graph
        meant = next(s for s, _ in reversed(versions(self.operator)) if s.since <= opset)
        return Template(meant, opset, graph.node[0], tuple(graph.input), shown.feeds())

    def holds(self, side: str) -> bool:
        """Whether the operator ("native") or its body ("body") gives on the example what is written."""
        found = _run(self.template.sessions[side == "body"], self.template.feeds)
        written = self.example[side]
        if isinstance(found, RefexecError) or "error" in written:
            return isinstance(found, RefexecError) and written.get("error", "?") in str(found)
        return all(_as_written(read_value(w)[1], x) for w, x in zip(written.values(), found, strict=True))

    def speaks_of(self, template: Template, wrong: str) -> bool:
        """Whether a difference is of the row's kind."""
        mine = self.operator == template.label and template.signature.since in self.versions
        return mine and all(template.type_of(v) in types for v, types in self.types.items()) and re.search(self.kind, wrong) is not None


def _as_written(written: Any, x: Any) -> bool:
    if isinstance(written, list):
        return isinstance(x, list) and len(x) == len(written) and all(map(_as_written, written, x))
    if written.shape != x.shape or not element_type(written.dtype).is_float:
        return np.array_equal(written, x)
    near = np.isclose(x.astype(np.longdouble), written.astype(np.longdouble), RELATIVE["float64"], 0, equal_nan=True)
    return bool(np.all(near | (round_to(x, written.dtype) == written)))


@cache
def rows() -> tuple[Row, ...]:
    """The rows of function_bodies.toml."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return tuple(Row(**{**row, "versions": tuple(row["versions"])}) for row in table.get("row", []))


def excused(template: Template, wrong: str) -> bool:
    """Whether a row speaks of this difference."""
    return any(row.speaks_of(template, wrong) for row in rows())


def differences(name: str, examples: int, shrink: bool = False) -> list[str]:
    """What Hypothesis finds for one operator; empty when nothing."""
    return [wrong for template in templates(name) if (wrong := difference(template, examples, shrink))]


def difference(template: Template, examples: int, shrink: bool) -> str | None:
    """What Hypothesis finds for one template."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)

    @settings(
        max_examples=examples, database=None, derandomize=True, deadline=None, phases=phases,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(feeds_of(template))
    def agrees(feeds: dict[str, Any]) -> None:
        wrong = compared(template, feeds)
        if wrong is not None and not excused(template, wrong):
            raise AssertionError(f"{template.signature.label}: {wrong}; {feeds!r:.600}; {str(template.node.attribute)[:200]!r}")

    try:
        agrees()
    except AssertionError as error:
        return str(error)
    return None


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.function_bodies", description=__doc__)
    parser.add_argument("-k", default="", metavar="OPERATOR", help="only operators whose name contains this")
    parser.add_argument("--shrink", action="store_true", help="look for the smallest numbers that show a difference")
    parser.add_argument("--examples", type=int, default=30, help="inputs drawn for each template")
    options = parser.parse_args(None if arguments is None else list(arguments))
    bad = 0
    for name in operators():
        if options.k.lower() not in name.lower():
            continue
        wrong = differences(name, options.examples, options.shrink)
        bad += len(wrong)
        print(f"{name}: {len(templates(name))} templates, {len(wrong)} differ", *(f"\n    {w}" for w in wrong[:3]), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
