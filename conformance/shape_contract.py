"""L0: what onnx's shape inference says of the outputs of each exact case: ``python -m conformance.shape_contract [-k OPERATOR]``.

Inputs that are tensors stand in the model as initializers, so that inference sees their values (strict, with data propagation). It runs in
a child process. Every element type and every dimension that it states is that of refexec's result, or the difference stands in
``shape_contract.toml`` with what decides.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from conformance.exact.values import Case
from conformance.instances import Instance, cases, instances, model
from refexec.errors import RefexecError
from refexec.session import Session
from refexec.tensors import tensor_to_proto
from refexec.types import SequenceType, TensorType, ValueType, element_type, type_from_proto

__all__ = ["Inference", "contradiction", "known", "problems"]

HERE = Path(__file__).parent
PER_INSTANCE = 6  # cases: types and shapes vary less than values


class Inference:
    """onnx's shape inference in a child process, which starts again when it died."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def types(self, content: bytes) -> list[onnx.TypeProto] | str:
        """The types of a model's outputs, or why onnx refuses it ("died" when the process did)."""
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen([sys.executable, str(HERE / "shape_child.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.write(struct.pack("<Q", len(content)) + content)
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            return "died"
        answer = json.loads(line)
        if "error" in answer:
            return str(answer["error"][0])
        return [onnx.TypeProto.FromString(bytes.fromhex(text)) for text in answer["types"]]

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


def with_constants(made: onnx.ModelProto, feeds: dict[str, Any]) -> onnx.ModelProto:
    """The model with its tensor inputs as initializers; outputs untyped, so that inference alone says what they are."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(made)
    del fixed.graph.input[:]
    for info in made.graph.input:
        value = feeds[info.name]
        if isinstance(value, np.ndarray) and info.type.WhichOneof("value") == "tensor_type":
            fixed.graph.initializer.append(tensor_to_proto(value, info.name))
        else:
            fixed.graph.input.append(info)
    return fixed


def contradiction(proto: onnx.TypeProto, value: Any) -> str | None:
    """What an inferred type says that a result is not; None when it says nothing else."""
    if proto.WhichOneof("value") is None:
        return None
    return _apart(type_from_proto(proto), value)


def _apart(stated: ValueType, value: Any) -> str | None:
    if isinstance(stated, TensorType):
        if not isinstance(value, np.ndarray):
            return f"inferred {stated}, got {type(value).__name__}"
        if element_type(value.dtype) is not stated.elem:
            return f"inferred {stated.elem}, got {element_type(value.dtype)}"
        if stated.shape is None:
            return None
        fits = len(stated.shape) == value.ndim and all(d == n for d, n in zip(stated.shape, value.shape, strict=True) if isinstance(d, int))
        return None if fits else f"inferred shape {list(stated.shape)}, got {list(value.shape)}"
    if isinstance(stated, SequenceType):
        if not isinstance(value, list):
            return f"inferred {stated}, got {type(value).__name__}"
        return next((wrong for item in value if (wrong := _apart(stated.elem, item))), None)
    return None  # optionals and maps: a session gives the plain value


@cache
def known() -> dict[tuple[str, int], str]:
    """(operator, version) -> basis, of the differences that are decided: shape_contract.toml."""
    table = tomllib.loads((HERE / "shape_contract.toml").read_text(encoding="utf-8"))
    return {(row["operator"], version): row["basis"] for row in table.get("difference", []) for version in row["versions"]}


def problems(chosen: Iterable[Instance], inference: Inference, counts: Counter[str]) -> Iterator[tuple[Instance, str]]:
    """Instances of which inference says something that the result is not, or that it refuses while the result is right."""
    for instance in chosen:
        for case in cases(instance)[:PER_INSTANCE]:
            if wrong := _problem(instance, case, inference, counts):
                yield instance, wrong


def _problem(instance: Instance, case: Case, inference: Inference, counts: Counter[str]) -> str | None:
    made, feeds = model(instance, case)
    answer = inference.types(with_constants(made, feeds).SerializeToString())
    try:
        results = Session(made).run(None, feeds)
    except RefexecError:
        return None  # the exact oracle's business
    if isinstance(answer, str):
        counts["refused"] += 1
        return f"shape inference: {answer}"
    counts["checked"] += 1
    counts["stated"] += any(proto.WhichOneof("value") is not None for proto in answer)
    return next((wrong for proto, value in zip(answer, results, strict=True) if (wrong := contradiction(proto, value))), None)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.shape_contract", description=__doc__)
    parser.add_argument("-k", default="", metavar="OPERATOR", help="only operators whose name contains this")
    options = parser.parse_args(None if arguments is None else list(arguments))
    counts: Counter[str] = Counter()
    inference, new = Inference(), 0
    chosen = (i for i in instances() if options.k.lower() in i.signature.name.lower())
    for instance, wrong in problems(chosen, inference, counts):
        decided = (instance.signature.label.rpartition("-")[0], instance.signature.since) in known()
        new += not decided
        if not decided:
            print(f"{instance}: {wrong[:300]}")
    inference.close()
    print(
        f"{counts['checked']} cases checked, of which inference states something for {counts['stated']}; {counts['refused']} refused; {new} new"
    )
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
