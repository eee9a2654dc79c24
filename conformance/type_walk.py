"""Every operator at every version with every element type it admits: ``python -m conformance.type_walk [-k OPERATOR]``.

The backend tests of one node are imported anew at each version of their operator, and their inputs are brought to each type that
the schema's type variables allow. Nothing is expected but what holds without an oracle of values: the run ends in a value of the
declared type or in a typed error that blames the model or the data, and a rounded float result is the nearest one to the wide
result, or within the operator's bound where the specification rounds on the way.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from conformance.cases import load_cases
from refexec.errors import InvalidModel, LimitExceeded, RefexecError, RuleViolation, UnsupportedError
from refexec.registry import lookup
from refexec.schema import Signature, all_signatures, normalize_domain
from refexec.session import Session
from refexec.types import ElementType, TensorType, element_type
from refexec.values import max_finite, round_to, ulp, wrap_to_int

__all__ = ["Instance", "instances", "total", "walk"]

PER_INSTANCE = 2  # inputs tried for one operator, version, type variable and type
BLAMED = (InvalidModel, RuleViolation, UnsupportedError, LimitExceeded)
NEAREST = 0.501  # units in the last place; the wide result itself is rounded once more
STATED = 8  # where the specification names types for the steps; the bound proper is held by the operators' own tests

MIXED = {"RMSNormalization"}  # rounds to the type of X on the way, which may be narrower than that of the result


@dataclass(frozen=True)
class Instance:
    """One model: an operator at a version, one of its type variables at one type."""

    operator: str
    since: int
    variable: str
    type: str
    test: str
    signature: Signature
    node: Any
    feeds: Mapping[str, Any]

    @property
    def onnx_type(self) -> str:
        """The type as in a type string: ``float`` where ``type`` is float32."""
        return element_type(self.type).onnx_name

    def __str__(self) -> str:
        return f"{self.operator}-{self.since} with {self.variable} = {self.type}, from {self.test}"


def instances() -> Iterator[Instance]:
    """All instances that the inputs of the backend tests can be brought to."""
    versions: dict[tuple[str, str], list[Signature]] = defaultdict(list)
    for signature in all_signatures().values():
        versions[signature.domain, signature.name].append(signature)
    tried: Counter[Any] = Counter()
    for case in load_cases("node"):
        model = case.model()
        node = model.graph.node[0]
        inputs = case.data_sets(model)[0][0]
        names = [i.name for i in model.graph.input]
        flat = len(model.graph.node) == 1 and not model.functions and not any(a.HasField("g") for a in node.attribute)
        if not flat or names != [n for n in node.input if n] or not all(isinstance(x, np.ndarray) for x in inputs):
            continue
        for signature in versions[normalize_domain(node.domain), node.op_type]:
            if not _fits(node, signature):
                continue
            for variable, members in _members(node, signature).items():
                for value_type in signature.variables.get(variable, frozenset()):
                    key = (signature.label, variable, value_type)
                    if not isinstance(value_type, TensorType) or tried[key] >= PER_INSTANCE:
                        continue
                    feeds = dict(zip(names, inputs, strict=True))
                    changed = {name: _as_type(feeds[name], value_type.elem) for name in members}
                    if any(x is None for x in changed.values()):
                        continue
                    tried[key] += 1
                    yield Instance(
                        signature.name, signature.since, variable, value_type.elem.name, case.name, signature, node, {**feeds, **changed}
                    )


def _fits(node: Any, signature: Signature) -> bool:
    few = signature.min_inputs <= len(node.input) <= signature.max_inputs and len(node.output) <= signature.max_outputs
    return few and all(a.name in signature.attributes for a in node.attribute)


def _members(node: Any, signature: Signature) -> dict[str, list[str]]:
    members: dict[str, list[str]] = defaultdict(list)
    for i, name in enumerate(node.input):
        if name:
            members[signature.input(i).type_str].append(name)
    return members


def _as_type(x: Any, to: ElementType) -> Any:
    """The numbers of ``x`` as another type; None between text and numbers."""
    if (x.dtype == object) != (to.kind == "string"):
        return None
    if to.kind == "string":
        return x
    with np.errstate(all="ignore"):
        numbers = (x.real if x.dtype.kind == "c" else x).astype(np.float64)
        if to.is_float:
            return round_to(numbers, to.dtype)
        if to.kind == "bool":
            return numbers != 0
        if to.kind == "complex":
            return x.astype(np.complex128).astype(to.dtype)
        return wrap_to_int(np.where(np.isfinite(numbers), numbers, 0).astype(np.int64), to.dtype)


def walk(found: Instance) -> str | None:
    """What is wrong with an instance; None when nothing is."""
    infos = [onnx.helper.make_tensor_value_info(n, element_type(x.dtype).number, x.shape) for n, x in found.feeds.items()]
    graph = onnx.helper.make_graph([found.node], "walk", infos, [onnx.ValueInfoProto(name=o) for o in found.node.output if o])
    imports = [onnx.helper.make_opsetid(found.signature.domain, found.since)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=onnx.IR_VERSION)
    results = []
    for profile in ("reference", "wide"):
        try:
            results.append(Session(model, profile=profile).run(None, found.feeds))
        except BLAMED as error:
            return f"{profile}: an error of NumPy came through: {error}" if "do not fit the operator" in str(error) else None
        except RefexecError as error:
            return f"{profile}: {type(error).__name__}: {error}"
    operator = lookup(found.signature.domain, found.operator, found.since)
    if operator.comparison is None or operator.comparison.kind == "random" or found.operator in MIXED:
        return None
    allowed = STATED if operator.arithmetic == "stated" else NEAREST
    if operator.arithmetic == "rounded" and found.signature.folder == "preview":
        allowed = STATED  # FlexAttention rounds to its softmax type between its steps
    for i, (narrow, wide) in enumerate(zip(*results, strict=True)):
        if isinstance(narrow, np.ndarray) and (problem := _apart(narrow, np.asarray(wide), allowed)):
            return f"output {i}: {problem}"
    return None


def _apart(narrow: Any, wide: Any, allowed: float) -> str | None:
    elem = element_type(narrow.dtype)
    if elem.name == "float64" or elem.kind in ("complex", "string"):
        return None
    if not elem.is_float:
        return None if np.array_equal(narrow, wide) else "the profiles give other integers"
    a, b = narrow.astype(np.float64), wide.astype(np.float64)
    with np.errstate(all="ignore"):
        beyond = np.isnan(b) | (np.abs(b) > max_finite(narrow.dtype))
        units = np.where((a == b) | beyond, 0, np.abs(a - b) / ulp(b, narrow.dtype))
    worst = float(units.max(initial=0))
    return None if worst <= allowed else f"{worst:.3g} units of {elem.name} from the wide result"


def total() -> int:
    """How many (version, type variable, tensor type) the schemas allow."""
    return sum(isinstance(t, TensorType) for s in all_signatures().values() for types in s.variables.values() for t in types)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.type_walk", description=__doc__)
    parser.add_argument("-k", default="", metavar="OPERATOR", help="only operators whose name contains this")
    options = parser.parse_args(None if arguments is None else list(arguments))
    seen: set[Any] = set()
    bad = 0
    for found in instances():
        if options.k.lower() in found.operator.lower():
            seen.add((found.signature.label, found.variable, found.type))
            if problem := walk(found):
                bad += 1
                print(f"{found}: {problem}")
    print(f"{len(seen)} of {total()} (version, type variable, type) walked, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
