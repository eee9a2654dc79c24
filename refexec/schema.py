"""``onnx.defs`` seen as signatures: ``Conv-11(X: T, W: T, B: T?, *, group=1, ...) -> Y: T``.

The versions table of a domain decides which ``since_version`` an opset import means; nothing here is ever "nearest".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import onnx
from onnx import defs

from refexec.errors import UnsupportedOperator, UnsupportedOpset
from refexec.experimental import experimental_schema
from refexec.types import ValueType, parse_type

__all__ = [
    "Attribute",
    "Parameter",
    "Signature",
    "all_signatures",
    "changed_schemas",
    "check_opset",
    "is_reviewed",
    "normalize_domain",
    "schema_digest",
    "signature",
    "standard_domains",
]

Option = Literal["required", "optional", "variadic"]

# AttributeProto.AttributeType by number
ATTRIBUTE_TYPES = {
    1: "FLOAT", 2: "INT", 3: "STRING", 4: "TENSOR", 5: "GRAPH", 6: "FLOATS", 7: "INTS", 8: "STRINGS", 9: "TENSORS", 10: "GRAPHS",
    11: "SPARSE_TENSOR", 12: "SPARSE_TENSORS", 13: "TYPE_PROTO", 14: "TYPE_PROTOS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One formal input or output."""

    name: str
    type_str: str  # a type variable ("T") or a type string ("tensor(int64)")
    types: frozenset[ValueType]
    option: Option
    homogeneous: bool  # variadic only: all arguments have one type
    min_arity: int

    def __str__(self) -> str:
        mark = {"required": "", "optional": "?", "variadic": ""}[self.option]
        return f"{'*' if self.option == 'variadic' else ''}{self.name}: {self.type_str}{mark}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One formal attribute. ``default`` is the schema's value (float32 values as such), None when there is none."""

    name: str
    type: str
    required: bool
    default: Any

    def __str__(self) -> str:
        if self.required:
            return self.name
        shortest = float(str(np.float32(self.default))) if isinstance(self.default, float) else self.default
        return f"{self.name}={shortest!r}"


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """One operator at one version, as its schema states it."""

    domain: str
    name: str
    since: int
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    attributes: dict[str, Attribute]
    variables: dict[str, frozenset[ValueType]]  # type variable -> allowed types
    min_inputs: int
    max_inputs: int
    min_outputs: int
    max_outputs: int
    deprecated: bool
    folder: str  # the group of onnx/defs that defines it: "math", "nn", ...
    doc: str = field(repr=False)
    experimental: bool = False  # removed from the standard before it became a part of it

    def __str__(self) -> str:
        attributes = ", ".join(map(str, self.attributes.values()))
        inputs = ", ".join(map(str, self.inputs))
        outputs = ", ".join(map(str, self.outputs))
        middle = f"{inputs}{', ' if inputs and attributes else ''}{'*, ' if attributes else ''}{attributes}"
        return f"{self.label}({middle}) -> {outputs}"

    @property
    def label(self) -> str:
        """``Conv-11``, or ``ai.onnx.ml:Scaler-1`` outside the default domain."""
        return f"{self.domain + ':' if self.domain else ''}{self.name}-{self.since}"

    def input(self, index: int) -> Parameter:
        """The formal input of the actual input ``index``: the last one repeats when it is variadic."""
        return _formal(self.inputs, index)

    def output(self, index: int) -> Parameter:
        """The formal output of the actual output ``index``."""
        return _formal(self.outputs, index)


def _formal(parameters: tuple[Parameter, ...], index: int) -> Parameter:
    if index >= len(parameters) and parameters and parameters[-1].option == "variadic":
        return parameters[-1]
    return parameters[index]


def normalize_domain(domain: str) -> str:
    """``ai.onnx`` is another spelling of the default domain ``""``."""
    return "" if domain == "ai.onnx" else domain


@cache
def standard_domains() -> dict[str, int]:
    """The newest opset version of each domain that the installed onnx defines."""
    newest = {entry_domain: 1 for entry_domain in ("", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training")}
    for schema in defs.get_all_schemas_with_history():
        newest[schema.domain] = max(newest.get(schema.domain, 1), schema.since_version)
    newest[""] = max(newest[""], defs.onnx_opset_version())
    return newest


def check_opset(domain: str, version: int) -> None:
    """Raise UnsupportedOpset unless ``version`` of a standard domain is one the installed onnx defines."""
    newest = standard_domains().get(domain)
    if newest is None:
        return
    if not 1 <= version <= newest:
        known = f"onnx {onnx.__version__} defines versions 1 to {newest} of domain {domain or 'ai.onnx'!r}"
        needed = "; a newer onnx would be needed" if version > newest else ""
        raise UnsupportedOpset(f"opset version {version} is not defined: {known}{needed}", domain=domain or "ai.onnx", version=version)


@cache
def signature(domain: str, name: str, opset: int) -> Signature:
    """The signature that an import of ``opset`` means for this operator; experimental operators have one, at every opset.

    ``domain`` is a normalised standard domain. Raises UnsupportedOpset and UnsupportedOperator.
    """
    check_opset(domain, opset)
    try:
        schema = defs.get_schema(name, opset, domain)
    except defs.SchemaError:
        removed = experimental_schema(name) if domain == "" else None
        if removed is not None:
            return replace(_signature(removed), folder="experiments", experimental=True)
        try:
            first = min(s.since_version for s in defs.get_all_schemas_with_history() if s.name == name and s.domain == domain)
            hint = f"it first appears in version {first}"
        except ValueError:
            hint = "no version of the domain has it"
        raise UnsupportedOperator(
            f"operator {name} does not exist in opset {opset} of domain {domain or 'ai.onnx'!r}: {hint}", domain=domain, op_type=name
        ) from None
    return _signature(schema)


@cache
def all_signatures() -> dict[tuple[str, str, int], Signature]:
    """Every (domain, operator, since_version) that the installed onnx defines."""
    return {(s.domain, s.name, s.since_version): _signature(s) for s in defs.get_all_schemas_with_history()}


def schema_digest(domain: str, name: str, since: int) -> str:
    """SHA-256 of a schema's document, types, attributes and arity: changes when a released version is edited in place."""
    found = all_signatures()[domain, name, since]
    content = {
        "inputs": [(p.name, p.type_str, p.option, p.homogeneous, p.min_arity) for p in found.inputs],
        "outputs": [(p.name, p.type_str, p.option, p.homogeneous, p.min_arity) for p in found.outputs],
        "attributes": {a.name: (a.type, a.required, repr(a.default)) for a in found.attributes.values()},
        "types": {v: sorted(map(str, types)) for v, types in found.variables.items()},
        "arity": [found.min_inputs, found.max_inputs, found.min_outputs, found.max_outputs],
        "deprecated": found.deprecated,
        "doc": found.doc,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def reviewed_digests() -> dict[str, str]:
    """The digests of the schemas that refexec was written against, by ``domain:name:since``; each the first 16 digits."""
    text = resources.files("refexec").joinpath("schema_digests.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def changed_schemas() -> list[str]:
    """The ``domain:name:since`` of the installed onnx that are new, gone, or not as they were reviewed."""
    installed = {f"{d}:{n}:{s}": schema_digest(d, n, s)[:16] for d, n, s in all_signatures()}
    reviewed = reviewed_digests()
    return sorted(key for key in installed.keys() | reviewed.keys() if installed.get(key) != reviewed.get(key))


@cache
def is_reviewed(found: Signature) -> bool:
    """Whether a signature is as it was when its operator was written."""
    if found.experimental:
        return True
    key = f"{found.domain}:{found.name}:{found.since}"
    return reviewed_digests().get(key) == schema_digest(found.domain, found.name, found.since)[:16]


def _signature(schema: Any) -> Signature:
    return Signature(
        domain=schema.domain,
        name=schema.name,
        since=schema.since_version,
        inputs=tuple(map(_parameter, schema.inputs)),
        outputs=tuple(map(_parameter, schema.outputs)),
        attributes={a.name: _attribute(a) for a in schema.attributes.values()},
        variables={c.type_param_str: frozenset(map(parse_type, c.allowed_type_strs)) for c in schema.type_constraints},
        min_inputs=schema.min_input,
        max_inputs=schema.max_input,
        min_outputs=schema.min_output,
        max_outputs=schema.max_output,
        deprecated=schema.deprecated,
        folder=schema.file.replace("\\", "/").split("/defs/")[-1].split("/")[0],
        doc=schema.doc,
    )


def _parameter(formal: Any) -> Parameter:
    option: Option = "required"
    if formal.option == defs.OpSchema.FormalParameterOption.Optional:
        option = "optional"
    elif formal.option == defs.OpSchema.FormalParameterOption.Variadic:
        option = "variadic"
    types = frozenset(map(parse_type, formal.types))
    return Parameter(formal.name, formal.type_str, types, option, formal.is_homogeneous, formal.min_arity)


def _attribute(attribute: Any) -> Attribute:
    kind = ATTRIBUTE_TYPES[attribute.type.value]
    default: Any = onnx.helper.get_attribute_value(attribute.default_value) if attribute.default_value.name else None
    if isinstance(default, bytes):
        default = default.decode()
    elif default is not None and not isinstance(default, (int, float)):
        default = [v.decode() if isinstance(v, bytes) else v for v in default]
    return Attribute(attribute.name, kind, attribute.required, default)
