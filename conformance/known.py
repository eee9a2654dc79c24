"""The tables of exceptions: known_differences.toml, unsupported.toml and real_model_differences.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from refexec.teach import known
from refexec.teach.known import Difference

__all__ = ["RealModelDifference", "known_differences", "real_model_differences", "unsupported"]

HERE = Path(__file__).parent


@cache
def known_differences() -> dict[str, Difference]:
    """The row of each backend test that contradicts the specification: "kind/name" -> row."""
    rows = known.known_differences().values()
    listed = {test: row for row in rows for test in row.tests}
    if len(listed) != sum(len(row.tests) for row in rows):
        raise ValueError("a test stands in two rows of known_differences.toml")
    return listed


@dataclass(frozen=True)
class RealModelDifference:
    """What is demanded of an output of a real model where onnxruntime itself is far from the exact value."""

    at_most: float  # distance between refexec and onnxruntime, relative to the largest magnitude
    refexec: float  # refexec's distance to the wide run, in units of onnxruntime's
    evidence: str  # where the distance arises, and who else says so


@cache
def real_model_differences() -> dict[tuple[str, int, str], RealModelDifference]:
    """The row of each listed output: (model, number of the input, output)."""
    table = tomllib.loads((HERE / "real_model_differences.toml").read_text(encoding="utf-8"))
    listed: dict[tuple[str, int, str], RealModelDifference] = {}
    for row in table["difference"]:
        made = RealModelDifference(float(row["at_most"]), float(row["refexec"]), row["evidence"])
        for key in product(row["models"], row["inputs"], row["outputs"]):
            if key in listed:
                raise ValueError(f"{key} stands in two rows of real_model_differences.toml")
            listed[key] = made
    return listed


@cache
def unsupported() -> dict[tuple[str, str, int], str]:
    """(domain, operator, since_version) -> reason, of current operators that are not registered."""
    table = tomllib.loads((HERE / "unsupported.toml").read_text(encoding="utf-8"))
    return {(row["domain"], row["op"], row["since"]): row["reason"] for row in table.get("operator", [])}
