"""What a campaign found, as folders that stand alone: a small model with inputs and expected outputs, and a script that shows it."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from refexec._version import __version__
from refexec.observe.protos import value_to_proto
from refexec.schema import all_signatures
from refexec.teach.known import known_differences
from refexec.types import TensorType, type_from_proto
from refexec.values import value_type_of

__all__ = ["Finding", "known", "load", "save"]

REPRO = '''"""{title}

Needs numpy, onnx and {package}: python repro.py
"""

import pathlib

import numpy as np
import onnx

here = pathlib.Path(__file__).parent
model = onnx.load(here / "model.onnx")


def value(file):
    tensor = onnx.TensorProto.FromString(file.read_bytes())
    return onnx.numpy_helper.to_array(tensor)


data = here / "test_data_set_0"
feeds = {{info.name: value(data / f"input_{{i}}.pb") for i, info in enumerate(model.graph.input)}}
{run}
for i, (info, result) in enumerate(zip(model.graph.output, results)):
    file = data / f"output_{{i}}.pb"
    print(info.name, "expected", value(file).tolist() if file.exists() else "?", "got", np.asarray(result).tolist())
'''
ORT = """import onnxruntime

options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.{level}
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
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
    """``Clip-6(float16; max, min) value``: the nodes with versions, types of inputs of the model and attributes, and the kind."""
    versions = {o.domain: o.version for o in model.opset_import}
    nodes = [_label(n, versions) for n in model.graph.node]
    types = [str(type_from_proto(i.type)) for i in model.graph.input if i.type.WhichOneof("value")]
    weights = [f"tensor({_name(w)})" for w in model.graph.initializer]
    names = sorted({_attribute(a) for n in model.graph.node for a in n.attribute})
    return f"{' '.join(nodes)}({', '.join(sorted({*types, *weights}))}{'; ' if names else ''}{', '.join(names)}) {kind}"


def _label(node: onnx.NodeProto, versions: Mapping[str, int]) -> str:
    domain = "" if node.domain == "ai.onnx" else node.domain
    since = [v for d, n, v in all_signatures() if (d, n) == (domain, node.op_type) and v <= versions.get(node.domain, 1)]
    return f"{domain}{':' if domain else ''}{node.op_type}-{max(since)}" if since else node.op_type


def _name(tensor: onnx.TensorProto) -> str:
    return str(onnx.TensorProto.DataType.Name(tensor.data_type)).lower()


def _attribute(attribute: onnx.AttributeProto) -> str:
    return f"{attribute.name}={attribute.s.decode(errors='replace')}" if attribute.type == onnx.AttributeProto.STRING else attribute.name


def known(model: onnx.ModelProto, target: str) -> tuple[str, ...]:
    """The rows that speak of an operator of the model at its version, and of the target."""
    engine = "onnx.reference" if target == "onnx.reference" else "onnxruntime" if target.startswith("onnxruntime") else target
    versions = {o.domain: o.version for o in model.opset_import}
    labels = {_label(n, versions) for n in model.graph.node}
    rows = [row for row in known_differences().values() if engine in row.deviates]
    return tuple(row.id for row in rows if any(f"{row.operator}-{v}" in labels for v in row.versions))


def save(finding: Finding, folder: Path) -> Path:
    """Write a finding below ``folder``; the whole folder appears at once."""
    target = folder / finding.slug
    if target.exists():
        return target
    part = folder / f".{finding.slug}.part"
    data = part / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    model = onnx.ModelProto.FromString(finding.model)
    (part / "model.onnx").write_bytes(finding.model)
    (part / "model.txt").write_text(onnx.printer.to_text(model), encoding="utf-8")
    for letter, values in (("input", [finding.feeds.get(i.name) for i in model.graph.input]), ("output", list(finding.expected.values()))):
        for i, value in enumerate(values):
            (data / f"{letter}_{i}.pb").write_bytes(_proto(value).SerializeToString())
    (part / "repro.py").write_text(_repro(finding), encoding="utf-8")
    record = {**finding.to_json(), "versions": _versions()}
    (part / "finding.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    part.rename(target)
    return target


def _proto(value: Any) -> Any:
    type = value_type_of(value) if value is not None else None
    shaped = TensorType(type.elem, value.shape) if isinstance(type, TensorType) else type
    return value_to_proto(value, shaped, "")


def _repro(finding: Finding) -> str:
    level = "ORT_ENABLE_ALL" if finding.target == "onnxruntime-optimized" else "ORT_DISABLE_ALL"
    reference = finding.target == "onnx.reference"
    title = f"{finding.target}: {finding.signature}".replace('"""', "'''").replace("\\", "/")
    return REPRO.format(title=title, package="onnxruntime", run=REFERENCE if reference else ORT.format(level=level))


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"refexec": __version__, "python": platform.python_version(), "onnx": onnx.__version__, "numpy": np.__version__}
    with suppress(PackageNotFoundError):
        found["onnxruntime"] = version("onnxruntime")
    return found


def load(folder: Path) -> tuple[dict[str, Any], onnx.ModelProto]:
    """The record and the model of a saved finding."""
    return json.loads((folder / "finding.json").read_text("utf-8")), onnx.load(folder / "model.onnx")
