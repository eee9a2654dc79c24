"""What a campaign found, as folders that stand alone: a small model with inputs and expected outputs, and a script that shows it."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import textwrap
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from refexec._version import __version__
from refexec.fuzz.edges import Expected
from refexec.fuzz.parts import all_nodes
from refexec.fuzz.targets import RuntimeTarget, Target, Verdict, expected_of, target
from refexec.observe.inputs import read_feeds
from refexec.observe.protos import value_to_proto
from refexec.proto_types import declared_type
from refexec.schema import all_signatures
from refexec.session import Session
from refexec.teach.known import known_differences
from refexec.types import FLOAT32, OptionalType, SequenceType, TensorType, ValueType, type_from_proto, without_shape
from refexec.values import value_type_of

__all__ = ["Finding", "known", "replayed", "save", "signature_of", "write_model"]

TABLE = "edge table"
"""Who votes where a row of an edge-value table decides."""
TABLE_ULPS = 4  # of a finite number that a runtime may round otherwise
REPRO = '''"""{title}

{detail}

Needs numpy and onnx{package}: python repro.py
"""

import pathlib

import numpy as np
import onnx

here = pathlib.Path(__file__).parent
model = onnx.load(here / "model.onnx")


def value(info, file):
    if info.type.HasField("sequence_type"):
        return onnx.numpy_helper.to_list(onnx.SequenceProto.FromString(file.read_bytes()))
    return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(file.read_bytes()))


data = here / "test_data_set_0"
feeds = {{info.name: value(info, data / f"input_{{i}}.pb") for i, info in enumerate(model.graph.input)}}
expected = [value(info, data / f"output_{{i}}.pb") for i, info in enumerate(model.graph.output)]
print("expected", *expected, sep="\\n")
{run}
print("got", *results, sep="\\n")
'''
ORT = """import onnxruntime

options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.{level}
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def given(info, x):
    if not isinstance(x, np.ndarray) or x.dtype.isbuiltin == 1:
        return x
    bits = x.view(f"uint{{8 * x.dtype.itemsize}}")  # NumPy lacks the type: as its bits
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, info.type.tensor_type.elem_type)


feeds = {{info.name: given(info, feeds[info.name]) for info in model.graph.input}}
if any(isinstance(v, onnxruntime.OrtValue) for v in feeds.values()):
    feeds = {{n: v if isinstance(v, onnxruntime.OrtValue) else onnxruntime.OrtValue.ortvalue_from_numpy(v) for n, v in feeds.items()}}
    results = [r.numpy() for r in session.run_with_ort_values(None, feeds)]
else:
    results = session.run(None, feeds)"""
REFERENCE = """from onnx.reference import ReferenceEvaluator

results = ReferenceEvaluator(model).run(None, feeds)"""


@dataclass(frozen=True)
class Finding:
    """A reduced model that a target does wrong.

    ``signature`` is the same for findings with the same operators, types, attributes and kind of fault. ``votes``: what other engines do on
    the model; ``blame``: who is alone against refexec and another engine, or "open". ``known``: rows of the known differences that speak of
    the operator at this version and of the target.
    """

    target: str
    kind: str
    signature: str
    detail: str
    seed: int
    nodes: int
    model: bytes = field(repr=False)
    feeds: Mapping[str, Any] = field(repr=False)
    expected: Mapping[str, Any] = field(default_factory=dict, repr=False)
    votes: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()

    @property
    def blame(self) -> str:
        if self.target in ("wide", "body", "transforms", "refexec"):
            return "refexec"
        return self.target if "agrees" in self.votes.values() else "open"

    @property
    def slug(self) -> str:
        """A file name for it."""
        text = re.sub(r"[^A-Za-z0-9]+", "-", f"{self.target} {self.signature}").strip("-")[:60]
        return f"{text}-{hashlib.sha256(f'{self.target} {self.signature}'.encode()).hexdigest()[:8]}"

    def to_json(self) -> dict[str, Any]:
        plain = {k: v for k, v in asdict(self).items() if k not in ("model", "feeds", "expected")}
        return {"schema": "refexec.finding/1", **plain, "blame": self.blame}


def signature_of(model: onnx.ModelProto, kind: str) -> str:
    """``Clip-6(float16; max, min) value``: the nodes with versions, types of inputs of the model and attributes, and the kind.

    What is refused outright is so for an operator, whatever the types and attributes: ``Det-11 refused``.
    """
    versions = {o.domain: o.version for o in model.opset_import}
    nodes = [_label(n, versions) for n in model.graph.node]
    if kind == "refused":
        return f"{' '.join(dict.fromkeys(nodes))} refused"
    types = [
        str(type_from_proto(i.type)).removeprefix("tensor(").removesuffix(")") for i in model.graph.input if i.type.WhichOneof("value")
    ]
    weights = [_name(w) for w in model.graph.initializer]
    names = sorted({_attribute(a) for n in model.graph.node for a in n.attribute})
    return f"{' '.join(nodes)}({', '.join(sorted({*types, *weights}))}{'; ' if names else ''}{', '.join(names)}) {kind}"


def _label(node: onnx.NodeProto, versions: Mapping[str, int]) -> str:
    domain = "" if node.domain == "ai.onnx" else node.domain
    since = [v for d, n, v in all_signatures() if (d, n) == (domain, node.op_type) and v <= versions.get(node.domain, 1)]
    return f"{domain}{':' if domain else ''}{node.op_type}-{max(since)}" if since else "a function"


def _name(tensor: onnx.TensorProto) -> str:
    return str(onnx.TensorProto.DataType.Name(tensor.data_type)).lower()


def _attribute(attribute: onnx.AttributeProto) -> str:
    return f"{attribute.name}={attribute.s.decode(errors='replace')}" if attribute.type == onnx.AttributeProto.STRING else attribute.name


def known(model: onnx.ModelProto, target: str, detail: str = "") -> tuple[str, ...]:
    """The rows that speak of an operator of the model at its version, and of the target; of a body also of what is wrong, ``detail``."""
    if target == "body":
        bodies = [(op, kind) for op, versions, kind in _bodies() if any(f"{op}-{v}" in _inner(model) for v in versions)]
        return tuple(dict.fromkeys(f"body of {op}" for op, kind in bodies if re.search(kind, detail)))
    engine = "onnx.reference" if target == "onnx.reference" else "onnxruntime" if target.startswith("onnxruntime") else target
    versions = {o.domain: o.version for o in model.opset_import}
    labels = {_label(n, versions) for n in model.graph.node}
    rows = [row for row in known_differences().values() if engine in row.deviates]
    return tuple(row.id for row in rows if any(f"{row.operator}-{v}" in labels for v in row.versions))


@cache
def _bodies() -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """Operator, versions and a pattern for the text of each decided difference between an operator and its function body."""
    text = resources.files("refexec.teach").joinpath("function_bodies.toml").read_text(encoding="utf-8")
    return tuple((row["operator"], tuple(row["versions"]), row["kind"]) for row in tomllib.loads(text)["row"])


def _inner(model: onnx.ModelProto) -> set[str]:
    """The labels of all nodes, those in bodies and functions too."""
    versions = {o.domain: o.version for o in model.opset_import}
    return {_label(n, versions) for n in all_nodes(model)}


def save(finding: Finding, folder: Path) -> Path:
    """Write a finding below ``folder``; the whole folder appears at once."""
    target = folder / finding.slug
    if target.exists():
        return target
    part = folder / f".{finding.slug}.part"
    part.mkdir(parents=True, exist_ok=True)
    model = onnx.ModelProto.FromString(finding.model)
    write_model(part, model, finding.feeds, finding.expected)
    (part / "model.txt").write_text(onnx.printer.to_text(model), encoding="utf-8")
    (part / "repro.py").write_text(_repro(finding), encoding="utf-8")
    record = {**finding.to_json(), "versions": _versions()}
    (part / "finding.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    part.rename(target)
    return target


def write_model(folder: Path, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """``model.onnx``, and its inputs and outputs in ``test_data_set_0`` as in onnx's test data."""
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    data = folder / "test_data_set_0"
    data.mkdir(exist_ok=True)
    given = [(i, feeds[i.name]) for i in model.graph.input if i.name in feeds]
    results = [(o, expected[o.name]) for o in model.graph.output if o.name in expected]
    for letter, values in (("input", given), ("output", results)):
        for i, (info, value) in enumerate(values):
            declared = declared_type(info) if info.type.WhichOneof("value") else _stored_type(value)
            (data / f"{letter}_{i}.pb").write_bytes(value_to_proto(value, declared, info.name).SerializeToString())


def _stored_type(value: Any) -> ValueType:
    """The type of a value that has none declared. A file says no more of one that is empty than whether it holds tensors."""
    match value:
        case None:
            return OptionalType(TensorType(FLOAT32, None))
        case list():
            return SequenceType(without_shape(_stored_type(value[0])) if value else TensorType(FLOAT32, None))
    return value_type_of(value)


def _repro(finding: Finding) -> str:
    level = "ORT_ENABLE_ALL" if finding.target == "onnxruntime-optimized" else "ORT_DISABLE_ALL"
    reference = finding.target == "onnx.reference"
    title = _quoted(f"{finding.target}: {finding.signature}")
    package = "" if reference else ", and onnxruntime"
    return REPRO.format(
        title=title, detail=_quoted(finding.detail), package=package, run=REFERENCE if reference else ORT.format(level=level)
    )


def _quoted(text: str) -> str:
    """What may stand in a docstring, in lines that can be read."""
    return textwrap.fill(text.replace('"""', "'''").replace("\\", "/"), 110)


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"refexec": __version__, "python": platform.python_version(), "onnx": onnx.__version__, "numpy": np.__version__}
    with suppress(PackageNotFoundError):
        found["onnxruntime"] = version("onnxruntime")
    return found


def _by_table(engine: Target, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
    """As a table judges, to which signs of zeros are no rounding; refexec gives what the table says."""
    found = engine.judge(model, feeds, expected)
    if found is not None or not isinstance(engine, RuntimeTarget):
        return found
    values = engine.values(model, feeds)
    if isinstance(values, Verdict) or all(Expected((value,)).wrong(values.get(n), TABLE_ULPS) is None for n, value in expected.items()):
        return None
    return Verdict("value", "", "not what the edge-value table says")


def replayed(folder: Path) -> dict[str, Any]:
    """A saved finding run again: ``there`` whether its target still does the same kind of wrong, ``now`` what it does."""
    record = json.loads((folder / "finding.json").read_text("utf-8"))
    model = onnx.load(folder / "model.onnx")
    session = Session(model, profile="reference")
    feeds = read_feeds(session, folder / "test_data_set_0") if session.inputs else {}
    expected = expected_of(model, feeds)
    if isinstance(expected, Verdict):
        now = expected if record["target"] == "refexec" else None
    else:
        engine = target("wide" if record["target"] == "refexec" else record["target"])
        now = _by_table(engine, model, feeds, expected) if TABLE in record["votes"] else engine.judge(model, feeds, expected)
        engine.close()
    there = now is not None and now.kind == record["kind"]
    return {**record, "folder": str(folder), "there": there, "now": "agrees" if now is None else f"{now.kind}: {now.detail}"}
