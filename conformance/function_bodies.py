"""L2: each operator with a function body against that body, both in the profile ``wide``: ``python -m conformance.function_bodies``.

A template is a model of one node with feeds: an exact case, or a backend test brought to a version and type. Hypothesis draws new numbers
for its float inputs; the model then runs as it is and with ``Session(expand={operator})``. Where the two differ by the specification's
own fault, the row in ``function_bodies.toml`` says which of them the prose supports.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
from refexec.errors import RefexecError
from refexec.schema import Signature, all_signatures
from refexec.session import Session
from refexec.types import TensorType, element_type
from refexec.values import round_to

__all__ = ["Row", "Template", "compared", "operators", "rows", "templates", "versions"]

PER_VERSION = 24
LARGEST = 200  # numbers that are drawn for one run
RELATIVE = {"float64": 1e-9, "float32": 1e-6, "float16": 4e-3, "bfloat16": 3e-2}
"""Of the larger value: bodies cast constants and results to the declared type, refexec rounds once. Other floats: by one value."""
RANDOM = {"Bernoulli"}
WHOLE = {"Range"}  # of whole numbers a range has a length that is worth running
SMALL = st.integers(-320, 320).map(lambda n: n / 16)
ANY = st.one_of(SMALL, st.sampled_from([0.0, -0.0, 1e-30, -1e-30, 30.0, -30.0]))


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

    @property
    def label(self) -> str:
        return f"{self.signature.domain}:{self.signature.name}" if self.signature.domain else self.signature.name


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


@st.composite
def feeds_of(draw: st.DrawFn, template: Template) -> dict[str, Any]:
    """The template's feeds with new numbers for its float inputs, or as they are."""
    if draw(st.integers(0, 4)) == 0:
        return dict(template.feeds)
    numbers = st.integers(-8, 8).map(float) if template.signature.name in WHOLE else ANY
    feeds = dict(template.feeds)
    for name, value in feeds.items():
        if isinstance(value, np.ndarray) and element_type(value.dtype).is_float and value.size:
            drawn = draw(hnp.arrays(np.float64, value.shape, elements=numbers, fill=st.nothing()))
            feeds[name] = round_to(drawn, value.dtype)
    return feeds


def compared(template: Template, feeds: Mapping[str, Any]) -> str | None:
    """How operator and body differ on these feeds; None when they agree, or both refuse them."""
    both = template.sessions
    native, body = (_run(session, feeds) for session in both)
    if isinstance(native, RefexecError) or isinstance(body, RefexecError):
        return None if type(native) is type(body) else f"operator: {native!s:.200}, body: {body!s:.200}"
    scale = max((_largest(v) for v in feeds.values()), default=0.0)
    declared = both[0].outputs if isinstance(both[0], Session) else ()
    found = (_apart(a, b, scale, t.type) for a, b, t in zip(native, body, declared, strict=True))
    return next((f"output {i}: {wrong}" for i, wrong in enumerate(found) if wrong), None)


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


def _apart(a: Any, b: Any, scale: float, declared: Any) -> str | None:
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        inner = getattr(declared, "elem", None)
        return next((wrong for x, y in zip(a, b, strict=True) if (wrong := _apart(x, y, scale, inner))), None)
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray) or a.dtype != b.dtype or a.shape != b.shape:
        return f"operator {getattr(a, 'dtype', a)}{getattr(a, 'shape', '')}, body {getattr(b, 'dtype', b)}{getattr(b, 'shape', '')}"
    if a.dtype.kind not in "fc" and element_type(a.dtype).kind != "float":
        return None if np.array_equal(a, b) else f"operator {a.ravel()[:6]}, body {b.ravel()[:6]}"
    x, y = a.astype(np.clongdouble), b.astype(np.clongdouble)
    with np.errstate(all="ignore"):
        relative = RELATIVE.get(declared.elem.name if isinstance(declared, TensorType) else "float32", 0.3)
        near = np.abs(x - y) <= relative * np.maximum(np.abs(y), min(_largest(b), scale)) + 1e-14 * (1 + scale)
        agree = (x == y) | (np.isnan(x) & np.isnan(y)) | near
    if agree.all():
        return None
    at = int(np.argmax(~agree))
    return f"element {at}: operator {a.ravel()[at]}, body {b.ravel()[at]}"


@dataclass(frozen=True)
class Row:
    """A difference between operator and body that is decided, and which of them the prose supports."""

    operator: str
    versions: tuple[int, ...]
    kind: str  # stands in what `compared` says
    prose: str  # "operator", "body" or "neither"
    basis: str


@cache
def rows() -> tuple[Row, ...]:
    """The rows of function_bodies.toml."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return tuple(Row(**{**row, "versions": tuple(row["versions"])}) for row in table.get("row", []))


def excused(template: Template, wrong: str) -> bool:
    """Whether a row speaks of this difference."""
    return any((row.operator, template.signature.since in row.versions) == (template.label, True) and row.kind in wrong for row in rows())


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
        if name in RANDOM or options.k.lower() not in name.lower():
            continue
        wrong = differences(name, options.examples, options.shrink)
        bad += len(wrong)
        print(f"{name}: {len(templates(name))} templates, {len(wrong)} differ", *(f"\n    {w}" for w in wrong[:3]), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
