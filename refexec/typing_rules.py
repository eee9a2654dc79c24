"""The type contract of a node: which types its inputs may have, and which its outputs then have.

Only element types and containers are decided here, from the schema's type variables; shapes belong to the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from refexec.errors import InvalidModel
from refexec.registry import Operator
from refexec.schema import Signature
from refexec.types import ValueType, without_shapes

__all__ = ["check_arity", "check_custom", "output_types"]


def check_arity(
    signature: Signature, inputs: Sequence[str], outputs: Sequence[str], where: object, present: Sequence[bool] | None = None
) -> None:
    """Raise InvalidModel unless the node has as many inputs and outputs as its schema allows, required ones not empty.

    ``present`` is False for an input that is the omitted input of the function around the node.
    """
    for kind, names, least, most in (
        ("inputs", inputs, signature.min_inputs, signature.max_inputs),
        ("outputs", outputs, signature.min_outputs, signature.max_outputs),
    ):
        if not least <= len(names) <= most:
            raise InvalidModel(f"{where}: {signature.label} has {least} to {most} {kind}", seen=len(names))
    there = [bool(name) for name in inputs] if present is None else present
    for i, name in enumerate(inputs):
        if not there[i] and signature.input(i).option != "optional":
            left_out = f"; the function's caller leaves out {name!r}" if name else ""
            raise InvalidModel(f"{where}: input {signature.input(i).name!r} of {signature.label} is required{left_out}")


def output_types(
    signature: Signature | None,
    operator: Operator,
    attributes: Mapping[str, Any],
    inputs: Sequence[ValueType | None],
    present: Sequence[bool],
    count: int,
    where: object,
    hints: Sequence[ValueType | None] | None = None,
) -> tuple[ValueType | None, ...]:
    """The types of a node's ``count`` outputs; None where neither the schema, the operator nor the graph can tell.

    ``hints`` are the types that the graph declares for the outputs. Raises InvalidModel when an input has a type that the
    schema does not allow, two inputs that share a type variable have different types, or an output is declared to be what
    it cannot be.
    """
    known = without_shapes(inputs)
    variables = {} if signature is None else _solve(signature, known, present, where)
    found = _stated(operator, attributes, known, count)
    if signature is not None:
        found = tuple([_output_type(signature, i, variables, own, where) for i, own in enumerate(found)])
    if hints is None:
        return found
    for i, (own, hint) in enumerate(zip(found, hints, strict=True)):
        if own is not None and hint is not None and own != hint:
            raise InvalidModel(f"{where}: output {i} is declared with another type than it has", declared=str(hint), has=str(own))
    return tuple(h if t is None else t for t, h in zip(found, hints, strict=True))


def check_custom(operator: Operator, attributes: Mapping[str, Any], inputs: int, where: object) -> None:
    """Hold a node of a domain without schemas against the body's own parameters. Raises InvalidModel."""
    parameters = operator.parameters
    keywords = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    unknown = sorted(set(attributes) - keywords)
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise InvalidModel(f"{where}: {operator.label} has no such attribute", seen=unknown, has=sorted(keywords))
    missing = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in attributes]
    if missing:
        raise InvalidModel(f"{where}: {operator.label} requires attributes", missing=missing)
    formal = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    least = sum(p.default is p.empty for p in formal)
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if inputs < least or (inputs > len(formal) and not variadic):
        most = "any number of" if variadic else len(formal)
        raise InvalidModel(f"{where}: {operator.label} has {least} to {most} inputs", seen=inputs)


def _stated(
    operator: Operator, attributes: Mapping[str, Any], inputs: tuple[ValueType | None, ...], count: int
) -> tuple[ValueType | None, ...]:
    """The types of ``count`` outputs that the operator itself tells; None where it tells none."""
    if operator.result_types is None:
        return (None,) * count
    stated = without_shapes(operator.result_types(attributes, inputs))[:count]
    return (*stated, *(None,) * (count - len(stated)))


def _output_type(
    signature: Signature, i: int, variables: Mapping[str, ValueType], stated: ValueType | None, where: object
) -> ValueType | None:
    formal = signature.output(i)
    if stated is not None:
        if stated not in formal.types:
            raise InvalidModel(f"{where}: output {formal.name!r} of {signature.label} cannot have this type", seen=str(stated))
        return stated
    solved = variables.get(formal.type_str) if formal.homogeneous else None
    if solved is None and len(formal.types) == 1:
        solved = next(iter(formal.types))
    return solved


def _solve(signature: Signature, inputs: Sequence[ValueType | None], present: Sequence[bool], where: object) -> dict[str, ValueType]:
    variables: dict[str, ValueType] = {}
    first: dict[str, str] = {}
    for i, value_type in enumerate(inputs):
        if value_type is None or not present[i]:
            continue
        formal = signature.input(i)
        if value_type not in formal.types:
            allowed = sorted(map(str, formal.types))
            raise InvalidModel(f"{where}: input {formal.name!r} of {signature.label} cannot be {value_type}", allowed=allowed)
        if formal.option == "variadic" and not formal.homogeneous:
            continue
        name = formal.type_str
        if variables.setdefault(name, value_type) != value_type:
            raise InvalidModel(
                f"{where}: inputs {first[name]!r} and {formal.name!r} of {signature.label} have one type {name}",
                seen=[str(variables[name]), str(value_type)],
            )
        first.setdefault(name, formal.name)
    return variables
