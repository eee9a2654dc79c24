"""The tables of exceptions: known_differences.toml, unsupported.toml and real_model_differences.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["KnownDifference", "known_differences", "onnxruntime_off", "unsupported"]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class KnownDifference:
    """Backend tests whose expected values contradict the specification."""

    id: str
    tests: tuple[str, ...]  # "kind/name"
    section: str  # where the specification says it
    spec: str  # what it says
    derivation: str  # the value worked out by hand from that text
    deviates: str  # who is wrong: "test data", "function body", ...


@cache
def known_differences() -> dict[str, KnownDifference]:
    """The row of each listed test."""
    table = tomllib.loads((HERE / "known_differences.toml").read_text(encoding="utf-8"))
    rows = [KnownDifference(**{**row, "tests": tuple(row["tests"])}) for row in table.get("difference", [])]
    listed = {test: row for row in rows for test in row.tests}
    if len(listed) != sum(len(row.tests) for row in rows):
        raise ValueError("a test stands in two rows of known_differences.toml")
    return listed


@cache
def onnxruntime_off() -> frozenset[tuple[str, int, str]]:
    """(model, number of the input, output) where onnxruntime itself is far from the exact value."""
    table = tomllib.loads((HERE / "real_model_differences.toml").read_text(encoding="utf-8"))
    return frozenset((m, i, o) for row in table["difference"] for m in row["models"] for i in row["inputs"] for o in row["outputs"])


@cache
def unsupported() -> dict[tuple[str, str, int], str]:
    """(domain, operator, since_version) -> reason, of current operators that are not registered."""
    table = tomllib.loads((HERE / "unsupported.toml").read_text(encoding="utf-8"))
    return {(row["domain"], row["op"], row["since"]): row["reason"] for row in table.get("operator", [])}
