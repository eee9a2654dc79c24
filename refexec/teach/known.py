"""The known differences between the specification, onnx.reference and onnxruntime: ``known_differences.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["BASES", "Difference", "known_differences"]

BASES = {
    "contract": "the types and shapes that the schema and its shape inference state",
    "text": "the normative text of the operator version",
    "hand": "a value derived by hand from the text",
    "body": "the operator's function body, evaluated wide",
    "data": "backend test data that no runtime under test produced",
    "engines": "two independent engines agree",
    "unspecified": "the text leaves it open: each value of the allowed set is right",
}
"""What decides a row, strongest first."""


@dataclass(frozen=True)
class Difference:
    """One row: what the text demands, on which basis, and who deviates."""

    id: str
    operator: str  # "Softmax", "ai.onnx.ml:Normalizer"; "model" for rules of files and graphs
    versions: tuple[int, ...]  # since_versions that it holds for
    title: str
    basis: str  # a key of BASES
    section: str  # where the specification says it
    spec: str  # what it says, or that it is silent
    derivation: str  # the value worked out from that text
    deviates: tuple[str, ...]  # "onnx.reference", "onnxruntime", "test data", "function body"
    types: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()  # "onnx #7805"
    tests: tuple[str, ...] = ()  # backend tests whose data contradict the text: "kind/name"

    @property
    def key(self) -> tuple[str, str]:
        """(domain, operator)."""
        domain, _, name = self.operator.rpartition(":")
        return domain, name

    def lines(self) -> list[str]:
        """Two lines of text: title, who deviates and on which basis; then what the text says."""
        who = f"{', '.join(self.deviates)} deviate{'s' if len(self.deviates) == 1 else ''}" if self.deviates else "nobody deviates"
        upstream = f"; {', '.join(self.upstream)}" if self.upstream else ""
        text = " ".join(f"{self.spec} {self.derivation}".split())
        return [f"- {self.id}: {self.title} ({who}; basis: {BASES[self.basis]}{upstream})", f"  {text}"]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "id": self.id, "operator": self.operator, "versions": list(self.versions), "types": list(self.types), "title": self.title,
            "basis": self.basis, "section": self.section, "spec": self.spec, "derivation": self.derivation,
            "deviates": list(self.deviates), "upstream": list(self.upstream),
        }  # fmt: skip


@cache
def known_differences() -> Mapping[str, Difference]:
    """All rows by id, in the order of the file."""
    text = (resources.files("refexec.teach") / "known_differences.toml").read_text(encoding="utf-8")
    rows = [_row(row) for row in tomllib.loads(text)["difference"]]
    found = {row.id: row for row in rows}
    if len(found) != len(rows):
        raise ValueError("two rows of known_differences.toml have one id")
    return found


def _row(row: Mapping[str, Any]) -> Difference:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    made = Difference(**values)
    if made.basis not in BASES:
        raise ValueError(f"{made.id}: {made.basis!r} is no basis")
    return made
