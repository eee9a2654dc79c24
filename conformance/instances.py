"""Every type that a schema allows, and who says what the result is: ``python -m conformance.instances [-k OPERATOR] [-v]``.

An instance is an operator version, one of its type variables and one type: 8,898 in onnx 1.23. For each, the oracle of the operator in
``conformance/exact`` makes a model of one node with this type and the values it must give, from fractions and integers; refexec runs it
in the profile ``reference``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import onnx

from conformance.exact.registry import Types, oracles
from conformance.exact.values import Case, Tensor, array, difference, public, type_proto
from refexec.errors import RefexecError
from refexec.schema import Signature, all_signatures
from refexec.session import Session

__all__ = ["Instance", "cases", "instances", "model", "problem"]

SUBGRAPH_OPSET = 21  # of ai.onnx beside an operator of another domain
PREFERRED = ("float", "int64", "string", "bool", "seq(tensor(float))", "optional(tensor(float))")


@dataclass(frozen=True)
class Instance:
    """An operator version, a type variable of it and one of the types it may have: ``float``, ``seq(tensor(int4))``."""

    signature: Signature
    variable: str
    type: str

    @property
    def key(self) -> tuple[str, str, int]:
        return self.signature.domain, self.signature.name, self.signature.since

    def __str__(self) -> str:
        return f"{self.signature.label} with {self.variable} = {self.type}"


def instances() -> Iterator[Instance]:
    """All of them, sorted."""
    for _, signature in sorted(all_signatures().items()):
        for variable, allowed in sorted(signature.variables.items()):
            for value_type in sorted(map(str, allowed)):
                yield Instance(signature, variable, _short(value_type))


def _short(type_string: str) -> str:
    return type_string[7:-1] if type_string.startswith("tensor(") else type_string


def cases(instance: Instance) -> list[Case]:
    """What the operator's oracle makes of an instance; none when it has no oracle."""
    found = oracles().get(instance.key)
    if found is None:
        return []
    chosen = {}
    for variable, allowed in instance.signature.variables.items():
        names = sorted(_short(str(t)) for t in allowed)
        wanted = [found.usual.get(variable), *PREFERRED, names[0]]
        chosen[variable] = next(t for t in wanted if t in names)
    chosen[instance.variable] = instance.type
    made = found.function(Types(instance.variable, chosen), instance.signature.since)
    return made if isinstance(made, list) else [made]


def model(instance: Instance, case: Case, ir_version: int = onnx.IR_VERSION) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """The model of one node, and its feeds."""
    signature = instance.signature
    names = [f"x{i}" if v is not None else "" for i, v in enumerate(case.inputs)]
    results = [f"y{i}" if v is not None else "" for i, v in enumerate(case.outputs)]
    node = onnx.helper.make_node(signature.name, names, results, domain=signature.domain)
    for name, value in case.attributes.items():
        node.attribute.append(_attribute(name, value, signature))
    given = {n: v for n, v in zip(names, case.inputs, strict=True) if n} | dict(case.outer)
    graph = onnx.helper.make_graph(
        [*case.before, node], "exact",
        [onnx.helper.make_value_info(n, type_proto(v)) for n, v in given.items()],
        [onnx.ValueInfoProto(name=n) for n in results if n],
    )  # fmt: skip
    opsets = {"": SUBGRAPH_OPSET, signature.domain: signature.since}
    imports = [onnx.helper.make_opsetid(d, v) for d, v in opsets.items()]
    feeds = {n: public(v) for n, v in given.items()}
    return onnx.helper.make_model(graph, opset_imports=imports, ir_version=ir_version), feeds


def _attribute(name: str, value: Any, signature: Signature) -> onnx.AttributeProto:
    if isinstance(value, Tensor):
        made = onnx.TensorProto(data_type=type_proto(value).tensor_type.elem_type, dims=value.shape)
        _fill(made, value)
        return onnx.helper.make_attribute(name, made)
    formal = signature.attributes.get(name)
    empty = formal is not None and isinstance(value, (list, tuple)) and not value
    return onnx.helper.make_attribute(
        name, value, attr_type=onnx.AttributeProto.AttributeType.Value(formal.type) if empty and formal else None
    )


def _fill(made: onnx.TensorProto, value: Tensor) -> None:
    if value.type == "string":
        made.string_data.extend(v.encode() for v in value.values)
    else:
        made.raw_data = onnx.numpy_helper.from_array(array(value)).raw_data


def problem(instance: Instance, case: Case, profile: str | None = None) -> str | None:
    """What is wrong with refexec's result; None when nothing is."""
    if instance.type not in _types_of(instance, case):
        return f"the case does not use the type: {_types_of(instance, case)}"
    limit = 512 if instance.signature.folder == "image" else 64  # an encoded stream has headers
    size = max((len(v.values) for v in (*case.inputs, *case.outputs) if isinstance(v, Tensor)), default=0)
    if size > limit:
        return f"a tensor has {size} elements: a case is small enough to follow by hand"
    made, feeds = model(instance, case)
    try:
        results = iter(Session(made, profile=profile).run(None, feeds))
    except RefexecError as error:
        return f"{type(error).__name__}: {error}"
    for i, expected in enumerate(case.outputs):
        if expected is not None and (wrong := difference(expected, next(results), case.ulps)):
            return f"output {i}: {wrong}"
    return None


def _types_of(instance: Instance, case: Case) -> set[str]:
    """The types that the actual inputs and outputs of the tested variable have."""
    signature = instance.signature
    bound = [(signature.input(i), v) for i, v in enumerate(case.inputs)] + [(signature.output(i), v) for i, v in enumerate(case.outputs)]
    return {_short(str(v)) for formal, v in bound if v is not None and formal.type_str == instance.variable}


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.instances", description=__doc__)
    parser.add_argument("-k", default="", metavar="OPERATOR", help="only operators whose name contains this")
    parser.add_argument("-x", action="store_true", help="-k names one operator exactly")
    parser.add_argument("-f", default="", metavar="FOLDER", help="only operators of this folder of onnx/defs")
    parser.add_argument("-v", action="store_true", help="list the operators without an oracle too")
    options = parser.parse_args(None if arguments is None else list(arguments))
    counts: Counter[str] = Counter()
    missing: dict[str, int] = defaultdict(int)
    for instance in instances():
        name = instance.signature.name
        if options.f not in ("", instance.signature.folder) or (name != options.k if options.x else options.k.lower() not in name.lower()):
            continue
        counts["all"] += 1
        made = cases(instance)
        if not made:
            missing[instance.signature.label] += 1
            continue
        wrong = next((w for case in made if (w := problem(instance, case))), None)
        counts["wrong" if wrong else "right"] += 1
        if wrong:
            print(f"{instance}: {wrong}")
    if options.v:
        print("no oracle:", ", ".join(f"{label} ({count})" for label, count in missing.items()))
    print(
        f"{counts['all']} instances: {counts['right']} right by an exact oracle, {counts['wrong']} wrong, {sum(missing.values())} without one"
    )
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
