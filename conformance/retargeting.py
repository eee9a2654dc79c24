"""onnxruntime on every operator version and type that it has a kernel for: ``python -m conformance.retargeting [-k OPERATOR]``.

The models are those of :mod:`conformance.type_walk`: backend tests of one node, imported anew at each version, at each type. Where
both run they agree: integers, truth values and text exactly, floats within a few roundoffs of the largest magnitude. What differs
stands in ``retargeting.toml``, with the text or the reason that decides. onnxruntime runs in a child process, optimizations off.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx

from conformance.type_walk import Instance, instances
from refexec.errors import RefexecError, RuntimeUnderTestError
from refexec.registry import lookup
from refexec.runtimes import runtime
from refexec.session import Session
from refexec.types import element_type

__all__ = ["Difference", "compared", "differences", "known"]

ROUNDOFFS = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 2e-5, "float64": 1e-9}
"""Of the largest magnitude of an output. Other float types have one digit: they may be one value apart."""

IR_VERSION = 10  # onnxruntime reads it, and every opset up to its newest


@dataclass(frozen=True)
class Difference:
    """Two results that differ, or a model that onnxruntime runs and refexec refuses."""

    instance: Instance
    kind: str  # "values", "integers", "types", "refused"
    detail: str

    @property
    def key(self) -> tuple[str, int, str]:
        return self.instance.operator, self.instance.since, self.kind


@cache
def known() -> dict[tuple[str, int, str], str]:
    """(operator, version, kind) -> basis."""
    table = tomllib.loads((Path(__file__).parent / "retargeting.toml").read_text(encoding="utf-8"))
    return {(row["operator"], v, kind): row["basis"] for row in table["difference"] for v in row["versions"] for kind in row["kinds"]}


def differences(chosen: Iterable[Instance], counts: Counter[str]) -> Iterator[Difference]:
    """Run each instance in both; ``counts`` gets how many both ran, and how many onnxruntime refused."""
    for found in chosen:
        outcome = compared(found)
        if outcome == "onnxruntime refuses":
            counts[outcome] += 1
        counts["both ran"] += outcome == "agrees" or (isinstance(outcome, Difference) and outcome.kind != "refused")
        if isinstance(outcome, Difference):
            yield outcome


def compared(found: Instance) -> Difference | Literal["agrees", "onnxruntime refuses", "random"]:
    """One instance in both."""
    comparison = lookup(found.signature.domain, found.operator, found.since).comparison
    if comparison is None or comparison.kind == "random":
        return "random"
    content = _model(found)
    try:
        result = runtime("onnxruntime").run(content, found.feeds, options={"optimization": "off"}, timeout=60)
    except RuntimeUnderTestError:
        return "onnxruntime refuses"
    try:
        ours = Session(content).run(None, found.feeds)
    except RefexecError as error:
        return Difference(found, "refused", str(error))
    for name, y in zip([o for o in found.node.output if o], ours, strict=True):
        if isinstance(y, np.ndarray) and (problem := _apart(y, result.values[name])):
            return Difference(found, *problem)
    return "agrees"


def _model(found: Instance) -> bytes:
    infos = [onnx.helper.make_tensor_value_info(n, element_type(x.dtype).number, x.shape) for n, x in found.feeds.items()]
    graph = onnx.helper.make_graph([found.node], "retarget", infos, [onnx.ValueInfoProto(name=o) for o in found.node.output if o])
    imports = {"": 15, found.signature.domain: found.since}
    opsets = [onnx.helper.make_opsetid(d, v) for d, v in imports.items()]
    content: bytes = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()
    return content


def _apart(y: Any, z: Any) -> tuple[str, str] | None:
    if not isinstance(z, np.ndarray) or y.dtype != z.dtype or y.shape != z.shape:
        return "types", f"{y.dtype}{y.shape} against {getattr(z, 'dtype', type(z).__name__)}{getattr(z, 'shape', '')}"
    elem = element_type(y.dtype)
    if elem.kind not in ("float", "complex"):
        if np.array_equal(y, z):
            return None
        at = int(np.argmax(y.ravel() != z.ravel()))
        return "integers", f"{y.ravel()[at : at + 4]} against {z.ravel()[at : at + 4]}"
    wide = np.complex128 if elem.kind == "complex" else np.float64
    a, b = y.astype(wide), z.astype(wide)
    with np.errstate(all="ignore"):
        finite = np.isfinite(a) & np.isfinite(b)
        near = np.abs(a - b) <= ROUNDOFFS.get(elem.name, 0.3) * np.abs(b[finite]).max(initial=0)
        agree = (a == b) | (np.isnan(a) & np.isnan(b)) | (finite & near)
    if agree.all():
        return None
    at = int(np.argmax(~agree))
    return "values", f"{a.ravel()[at]} against {b.ravel()[at]}"


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.retargeting", description=__doc__)
    parser.add_argument("-k", default="", metavar="OPERATOR", help="only operators whose name contains this")
    parser.add_argument("-v", action="store_true", help="list the known differences too")
    options = parser.parse_args(None if arguments is None else list(arguments))
    counts: Counter[str] = Counter()
    groups: dict[tuple[str, int, str], list[Difference]] = defaultdict(list)
    for found in differences((i for i in instances() if options.k.lower() in i.operator.lower()), counts):
        groups[found.key].append(found)
    new = {key: rows for key, rows in groups.items() if key not in known()}
    for key, rows in sorted((groups if options.v else new).items()):
        why = known().get(key, "NEW")
        print(
            f"{key[0]}-{key[1]} {key[2]}: {len(rows)}, first {rows[0].instance.type} ({rows[0].instance.test}) {rows[0].detail[:100]} [{why}]"
        )
    print(
        f"{counts['both ran']} ran in both, {counts['onnxruntime refuses']} refused by onnxruntime, {len(groups)} groups differ, {len(new)} new"
    )
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
