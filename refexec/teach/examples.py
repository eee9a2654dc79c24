"""Worked examples: for each operator version a node, inputs and the result worked out by hand, and where the version before differs.

They stand in ``examples/*.toml``, one file per folder of onnx/defs::

    [[example]]
    operator = "Softmax"                     # or "ai.onnx.ml:Scaler"
    versions = [1, 11]                       # since_versions that it holds for
    node = "y = Softmax <axis = 1> (x)"      # ONNX text form
    inputs.x = "float[1,2,2] {0, 0, 0, 0}"
    outputs.y = "float[1,2,2] {0.25, 0.25, 0.25, 0.25}"
    why = "Axes 1 and 2 are taken as one: four equal numbers share 1."
    before.outputs.y = "..."                 # what the version before versions[0] gives, or
    before.error = "has no attribute"        # words of its error, or
    before.same = "..."                      # why refexec gives the same there although its text does not admit the input
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import onnx

from refexec.errors import RefexecError
from refexec.session import Session
from refexec.teach.notation import Written, model_of, opsets_of, read_value, same_value

__all__ = ["Before", "Example", "Result", "all_examples", "examples_of"]

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Result:
    """What a run gave: values by output name, or the error it ended with."""

    values: Mapping[str, Any]
    error: RefexecError | None = None


@dataclass(frozen=True)
class Before:
    """What the version before gives for the same node and inputs: other outputs, an error, or the same for a reason."""

    outputs: Mapping[str, Any]
    error: str
    same: str

    def agrees(self, result: Result, outputs: Mapping[str, Any]) -> bool:
        """Whether a run at the version before gave what is written; ``outputs`` are those of the example's own version."""
        if self.error:
            return result.error is not None and self.error in str(result.error)
        expected = outputs if self.same else self.outputs
        return result.error is None and all(same_value(v, result.values[n]) for n, v in expected.items())


@dataclass(frozen=True)
class Example:
    """One node at one or several versions, with its hand-worked result."""

    domain: str
    name: str
    versions: tuple[int, ...]
    node: str
    inputs: Mapping[str, Written]
    outputs: Mapping[str, Any]
    why: str
    before: Before | None

    def feeds(self) -> dict[str, Any]:
        """The inputs by name, as a session takes them."""
        return {name: read_value(written)[1] for name, written in self.inputs.items()}

    def model(self, version: int) -> onnx.ModelProto:
        """The node as a model that imports ``version`` of the operator's domain."""
        types = {name: read_value(written)[0] for name, written in self.inputs.items()}
        return model_of(self.node, opsets_of(self.domain, version), types, self.outputs)

    def run(self, version: int, profile: str = "reference") -> Result:
        """Run it live at a version."""
        try:
            values = Session(self.model(version), profile=profile).run(None, self.feeds())
        except RefexecError as error:
            return Result({}, error)
        return Result(dict(zip(self.outputs, values, strict=True)))

    def agrees(self, result: Result) -> bool:
        """Whether a run gave the hand-worked values."""
        return result.error is None and all(same_value(v, result.values[n]) for n, v in self.outputs.items())


@cache
def all_examples() -> Mapping[Key, tuple[Example, ...]]:
    """The examples of each (domain, operator, since_version), in the order of the files."""
    found: dict[Key, list[Example]] = defaultdict(list)
    folder = resources.files("refexec.teach") / "examples"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            for row in tomllib.loads(file.read_text(encoding="utf-8")).get("example", []):
                example = _example(row)
                for version in example.versions:
                    found[example.domain, example.name, version].append(example)
    return {key: tuple(examples) for key, examples in found.items()}


def _example(row: Mapping[str, Any]) -> Example:
    domain, _, name = row["operator"].rpartition(":")
    before = row.get("before")
    return Example(
        domain, name, tuple(row["versions"]), row["node"], row.get("inputs", {}), _read(row["outputs"]), row["why"],
        None if before is None else Before(_read(before.get("outputs", {})), before.get("error", ""), before.get("same", "")),
    )  # fmt: skip


def _read(written: Mapping[str, Written]) -> dict[str, Any]:
    return {name: read_value(value)[1] for name, value in written.items()}


def examples_of(domain: str, name: str, version: int) -> tuple[Example, ...]:
    """The examples of one operator version; ``version`` is a since_version."""
    return all_examples().get((domain, name, version), ())
