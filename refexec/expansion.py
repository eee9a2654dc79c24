"""Function bodies of standard operators: what a node runs instead of our operator where a Session says ``expand``.

onnx.defs has bodies for 49 operators. A static one is a FunctionProto; a context-dependent one is made for a node and the types of its
inputs, by onnx's own code, in this process. A body states the opsets it is written for, which may differ from the model's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import onnx
from onnx import defs

from refexec.attributes import encode
from refexec.proto_types import type_to_proto
from refexec.schema import Signature, standard_domains
from refexec.types import ValueType

__all__ = ["body", "expandable", "has_body", "operators_with_bodies"]


def expandable(choice: bool | Collection[str], domain: str, name: str) -> bool:
    """Whether ``expand`` speaks of this operator: all standard ones, or those it names ("Softmax", "ai.onnx.preview:FlexAttention")."""
    if isinstance(choice, bool):
        return choice and domain in standard_domains()
    return (f"{domain}:{name}" if domain else name) in choice


@cache
def operators_with_bodies() -> frozenset[str]:
    """Names of the operators that have a function body in some version, as ``expand`` takes them."""
    every: Any = defs.get_all_schemas_with_history()
    schemas = [s for s in every if s.has_function or s.has_context_dependent_function]
    return frozenset(f"{s.domain}:{s.name}" if s.domain else s.name for s in schemas)


@cache
def _versions(domain: str, name: str, since: int) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """The schema, and the opsets for which it has static and context-dependent bodies."""
    schema: Any = defs.get_schema(name, since, domain)
    static = tuple(schema.function_opset_versions) if schema.has_function else ()
    made = tuple(schema.context_dependent_function_opset_versions) if schema.has_context_dependent_function else ()
    return schema, static, made


def has_body(signature: Signature, opset: int) -> bool:
    """Whether the operator version has a body at this opset of its domain. Relu-14 has one from opset 18 on."""
    _, static, made = _versions(signature.domain, signature.name, signature.since)
    return any(v <= opset for v in (*static, *made))


def body(
    signature: Signature, opset: int, node: Any, attributes: Mapping[str, Any], present: Sequence[bool], types: Sequence[ValueType | None]
) -> onnx.FunctionProto | None:
    """The newest body for an opset; None when onnx makes it only for inputs whose shapes are known, and these are not.

    Args:
        signature: an operator version for which :func:`has_body` holds.
        opset: the import of its domain.
        node: the NodeProto; graph attributes are taken from it.
        attributes: its attributes as values, defaults included.
        present: whether each of its inputs is there; an omitted input of the function around the node is not.
        types: of its inputs, with shapes where they are known.
    """
    schema, static, made = _versions(signature.domain, signature.name, signature.since)
    version = max(v for v in (*static, *made) if v <= opset)
    if version in static:
        return _parsed(schema.get_function_with_opset_version(version), signature)
    complete = onnx.NodeProto()
    complete.CopyFrom(node)
    del complete.attribute[:]
    for i, there in enumerate(present):
        complete.input[i] = node.input[i] if there else ""
    complete.attribute.extend(a for a in node.attribute if a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS))
    kept = {a.name for a in complete.attribute}
    complete.attribute.extend(
        encode(name, value, signature.attributes[name].type) for name, value in attributes.items() if name not in kept
    )
    protos = [b"" if t is None else type_to_proto(t).SerializeToString() for t in types]
    found = _parsed(schema.get_context_dependent_function_with_opset_version(version, complete.SerializeToString(), protos), signature)
    return found if found.node else None


def _parsed(content: bytes, signature: Signature) -> onnx.FunctionProto:
    """The body. Bernoulli's refers to an attribute without saying its type, which every attribute must: it gets that of the schema."""
    made = onnx.FunctionProto()
    made.ParseFromString(content)
    for attribute in (a for node in made.node for a in node.attribute if a.ref_attr_name and not a.type):
        attribute.type = onnx.AttributeProto.AttributeType.Value(signature.attributes[attribute.ref_attr_name].type)
    return made
