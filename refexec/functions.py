"""Model-local functions: their table, the plan of a call, and nodes whose types are known only when they run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from refexec.binding import Bound
from refexec.context import Run
from refexec.errors import InvalidModel
from refexec.execute import run_plan
from refexec.plan import Plan
from refexec.schema import normalize_domain
from refexec.types import FLOAT32, FLOAT64, TensorType, ValueType, without_shape, without_shapes
from refexec.values import SparseTensor, value_type_of

if TYPE_CHECKING:
    from refexec.builder import Builder

__all__ = ["bind_body", "bind_call", "late", "late_body", "table"]


def table(proto: Any) -> dict[tuple[str, str, str], Any]:
    """The functions of a model by (domain, name, overload), in whatever order they stand."""
    return {(normalize_domain(f.domain), f.name, getattr(f, "overload", "")): f for f in proto.functions}


def bind_call(
    builder: Builder, proto: Any, attributes: Mapping[str, Any], types: Sequence[ValueType | None], present: Sequence[bool],
    wanted: tuple[bool, ...], path: str, where: str,
) -> Bound:  # fmt: skip
    """The callable of a node that calls a model-local function. Omitted trailing inputs and outputs are absent."""
    for kind, has, most in (("inputs", len(types), len(proto.input)), ("outputs", len(wanted), len(proto.output))):
        if has > most:
            raise InvalidModel(f"{where}: function {proto.name!r} has at most {most} {kind}", seen=has)
    defaults = {a.name for a in proto.attribute_proto}
    unknown = set(attributes) - set(proto.attribute) - defaults
    if unknown:
        raise InvalidModel(f"{where}: function {proto.name!r} has no such attribute", seen=sorted(unknown))
    known, absent = _as_called(proto, types, present)
    plan = _body_plan(builder, proto, attributes, known, absent, path)
    return _call_of(plan, absent, [i if asked else None for i, asked in enumerate(wanted)], path)


def bind_body(
    builder: Builder, proto: Any, attributes: Mapping[str, Any], types: Sequence[ValueType | None], present: Sequence[bool],
    wanted: tuple[bool, ...], path: str, captures: bool,
) -> tuple[Bound, tuple[str, ...]]:  # fmt: skip
    """The callable of a node that runs its operator's function body, and the names it captures with ``captures``.

    A body made for the node leaves out the nodes of outputs that nobody asked for, so only the wanted ones are outputs here.
    """
    known, absent = _as_called(proto, types, present)
    results = list(proto.output)[: len(wanted)]
    del proto.output[:]
    proto.output.extend(name for name, asked in zip(results, wanted, strict=True) if asked)
    inner = builder.body(proto, attributes, captures)
    inner.opsets = {**builder.opsets, **inner.opsets}  # a body that imports no version of a domain has the model's
    inner.title = f" of the body of {proto.name}"
    plan = inner.function(proto, known, absent)
    positions = iter(range(len(wanted)))
    return _call_of(plan, absent, [next(positions) if asked else None for asked in wanted], path, len(present)), plan.captured


def _as_called(
    proto: Any, types: Sequence[ValueType | None], present: Sequence[bool]
) -> tuple[tuple[ValueType | None, ...], tuple[bool, ...]]:
    """Type and absence of each input of a function: the last ones, which a call need not name, are then absent."""
    missing = len(proto.input) - len(types)
    return (*without_shapes(types), *(None,) * missing), (*(not there for there in present), *(True,) * missing)


def _call_of(plan: Plan, absent: Sequence[bool], positions: Sequence[int | None], path: str, arity: int | None = None) -> Bound:
    """Runs a body's plan on the values that are not ``absent`` and gives its outputs at ``positions``; from ``arity`` on, values are
    captured."""
    kept = [i for i, gone in enumerate(absent) if not gone]

    def call(run: Run, values: Sequence[Any]) -> tuple[Any, ...]:
        outer = run.scope
        run.scope = outer + path
        try:
            results = run_plan(plan, [values[i] for i in kept], () if arity is None else values[arity:], run)
        finally:
            run.scope = outer
        return tuple(None if i is None else results[i] for i in positions)

    types = [None if i is None else plan.output_types[i] for i in positions]
    return Bound(call, without_shapes(types))


def _body_plan(
    builder: Builder, proto: Any, attributes: Mapping[str, Any], known: tuple[ValueType | None, ...], absent: tuple[bool, ...], path: str
) -> Plan:
    from refexec.attributes import decode_value

    model = builder.model
    if any(isinstance(a, Plan) for a in attributes.values()):
        raise InvalidModel(f"{path}: a graph cannot be an attribute of a model-local function")
    key = (normalize_domain(proto.domain), proto.name, getattr(proto, "overload", ""), known, absent, _frozen(attributes))
    if key not in model.function_plans:
        given = dict(attributes)
        inner = builder.body(proto, given)
        for default in proto.attribute_proto:
            if default.name not in given:
                given[default.name] = decode_value(default, f"function {proto.name!r}", inner.graph_default, model.external)
        model.function_plans[key] = inner.function(proto, known, absent)
    return model.function_plans[key]


def _frozen(value: Any) -> Any:
    """A hashable stand-in that is equal for equal attribute values only."""
    if isinstance(value, Mapping):
        return tuple(sorted((name, _frozen(v)) for name, v in value.items()))
    if isinstance(value, tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, SparseTensor):
        return _frozen((value.values, value.indices, tuple(value.shape)))
    if isinstance(value, np.ndarray):
        content = repr(value.tolist()).encode() if value.dtype == object else value.tobytes()
        return value.dtype.name, value.shape, hashlib.sha256(content).hexdigest()
    return type(value).__name__, repr(value)


def late(
    bound_for: Callable[[Sequence[ValueType | None]], Bound], types: Sequence[ValueType | None], wanted: tuple[bool, ...],
    hints: Sequence[ValueType | None] | None, wide: bool,
) -> Bound:  # fmt: skip
    """A node that is bound when its values, and so its types, are there; once per combination of types."""
    made: dict[tuple[ValueType | None, ...], Bound] = {}

    def bound_to(values: Sequence[Any]) -> Bound:
        actual = tuple(_actual(v, t, wide) for v, t in zip(values, types, strict=False))
        if actual not in made:
            try:
                made[actual] = bound_for(actual)
            except InvalidModel:  # an assumed type does not go with the known ones
                sure = [t if _travels_wide(v, wide) else a for v, t, a in zip(values, types, actual, strict=False)]
                made[actual] = bound_for(sure)
        return made[actual]

    def call(run: Run, values: Sequence[Any]) -> tuple[Any, ...]:
        return bound_to(values).call(run, values)

    return Bound(call, tuple(hints) if hints is not None else (None,) * len(wanted))


def late_body(
    bound_for: Callable[[Sequence[ValueType | None]], Bound | None],
    types: Sequence[ValueType | None],
    declared: tuple[ValueType | None, ...],
    wide: bool,
    where: object,
) -> Bound:
    """A node whose function body is made when its values, and so their shapes, are there; once per combination of them."""
    made: dict[tuple[ValueType | None, ...], Bound] = {}

    def call(run: Run, values: Sequence[Any]) -> tuple[Any, ...]:
        actual = tuple(_shaped(_actual(v, t, wide), v) for v, t in zip(values, types, strict=False))
        if actual not in made:
            bound = bound_for(actual)
            if bound is None:
                raise InvalidModel(f"{where}: onnx makes no function body for these inputs", seen=[str(t) for t in actual])
            made[actual] = bound
        return made[actual].call(run, values)

    return Bound(call, declared)


def _shaped(value_type: ValueType | None, value: Any) -> ValueType | None:
    return TensorType(value_type.elem, value.shape) if isinstance(value_type, TensorType) and isinstance(value, np.ndarray) else value_type


def _actual(value: Any, known: ValueType | None, wide: bool) -> ValueType | None:
    """The type of a value. Of a float that travels wide the declared type cannot be seen: it is taken to be float32, or
    float64 where the value is a long double."""
    if known is not None or value is None:
        return known
    if _travels_wide(value, wide):
        return TensorType(FLOAT32 if value.dtype == np.float64 else FLOAT64)
    return without_shape(value_type_of(value))


def _travels_wide(value: Any, wide: bool) -> bool:
    return wide and isinstance(value, np.ndarray) and value.dtype in (np.float64, np.longdouble)
