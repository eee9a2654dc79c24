"""From a node to a step: its operator, its attributes, its types, and the callable that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from onnx import AttributeProto

from refexec import expansion, functions
from refexec.attributes import complete, decode
from refexec.binding import Bound, bind
from refexec.callsite import CallSite
from refexec.comparison import Call
from refexec.context import NodeInfo, Run
from refexec.errors import InvalidModel, UnsupportedOperator, shown
from refexec.execute import Subgraph
from refexec.plan import NONE, SINK, Plan, Step
from refexec.proto_types import declared_type
from refexec.registry import Operator, lookup, registered_versions
from refexec.schema import Signature, is_reviewed, normalize_domain, signature, standard_domains
from refexec.types import TensorType, ValueType, without_shape
from refexec.typing_rules import check_arity, check_custom, output_types

if TYPE_CHECKING:
    from refexec.builder import Builder

__all__ = ["NodeBinder"]

Types = tuple[ValueType | None, ...]
GRAPH_ATTRIBUTES = (AttributeProto.GRAPH, AttributeProto.GRAPHS)


class _Where:
    """How messages name a node; made into text only when a message is written."""

    __slots__ = ("name", "path", "title")

    def __init__(self, path: str, name: str, title: str) -> None:
        self.path, self.name, self.title = path, name, title

    def __str__(self) -> str:
        named = f" {shown(self.name)!r}" if self.name else ""
        return f"node {shown(self.path)}{named}{self.title}"


class _Made(NamedTuple):
    """What equal nodes share. ``types`` keeps the types alive whose identity is part of the key."""

    bound: Bound
    label: str
    captured: tuple[int, ...]
    shareable: bool
    types: Types


class NodeBinder:
    """Makes the steps of one graph. ``hints`` are the declarations of its values, by name."""

    def __init__(self, builder: Builder, hints: Mapping[str, Any]) -> None:
        self.builder = builder
        self.model = builder.model
        self.hints = hints
        self.shared: dict[Any, _Made] = {}
        self.operators: dict[tuple[str, str], tuple[Signature | None, Operator]] = {}

    def step(self, node: Any, index: int) -> Step:
        """The step of a node; defines the names of its outputs. Raises ModelError and UnsupportedError."""
        builder = self.builder
        op_type, domain = node.op_type, normalize_domain(node.domain)
        names, results = tuple(node.input), tuple(node.output)
        path = f"{builder.path}/{index}:{op_type}"
        known, types_of = builder.slots, builder.types
        slots: list[Any] = [known.get(name) or builder.resolve(name) for name in names]
        if None in slots:
            where = _Where(path, node.name, builder.title)
            raise InvalidModel(f"{where}: input {names[slots.index(None)]!r} is not a value of the graph or of one around it")
        types = tuple([types_of.get(name) if slot != NONE else None for name, slot in zip(names, slots, strict=True)])
        hints = tuple([self.hint(name) for name in results]) if any([name in self.hints for name in results]) else None
        key = None
        if not node.attribute and hints is None:
            key = (op_type, domain, *[slot if slot == NONE else id(t) for slot, t in zip(slots, types, strict=True)], *map(bool, results))
        made = self.shared.get(key) or self.made(node, op_type, domain, types, slots, hints, path)
        if key is not None and made.shareable:
            self.shared[key] = made
        bound = made.bound
        info = NodeInfo(path, node.name, made.label, op_type, domain, names, results)
        declared = bound.output_types
        if hints is not None:
            declared = tuple([t or h for t, h in zip(declared, hints, strict=True)])
        outputs = tuple([builder.define(name, t) if name else SINK for name, t in zip(results, declared, strict=True)])
        return Step(info, (*slots, *made.captured), outputs, declared, bound)

    def made(self, node: Any, op_type: str, domain: str, types: Types, slots: Sequence[int], hints: Types | None, path: str) -> _Made:
        """What a node calls."""
        builder = self.builder
        where = _Where(path, node.name, builder.title)
        local = self.model.functions.get((domain, op_type, node.overload)) if self.model.functions else None
        if local is None or builder.override(domain, op_type) is not None:
            sig, operator = self.operator(domain, op_type, where)
            if self.model.expand and sig is not None and self.expands(sig):
                return self.expanded(node, sig, operator, types, slots, hints, path, where)
            return self.bound(node, sig, operator, types, slots, hints, path, where)
        present = [slot != NONE for slot in slots]
        attributes = decode(node, where, builder.given, builder.graph_default, self.model.external)
        wanted = tuple(map(bool, node.output))
        bound = functions.bind_call(builder, local, attributes, types, present, wanted, path, str(where))
        return _Made(bound, f"{domain + ':' if domain else ''}{op_type}", (), False, types)

    def expands(self, sig: Signature) -> bool:
        """Whether nodes of an operator version run its function body."""
        if self.builder.override(sig.domain, sig.name) is not None or not expansion.expandable(self.model.expand, sig.domain, sig.name):
            return False
        return expansion.has_body(sig, self.builder.opsets[sig.domain])

    def expanded(
        self, node: Any, sig: Signature, operator: Operator, types: Types, slots: Sequence[int], hints: Types | None,
        path: str, where: _Where,
    ) -> _Made:  # fmt: skip
        """The call of an operator's function body. One whose graph attribute uses values from outside captures them."""
        builder, wanted, present = self.builder, tuple(map(bool, node.output)), [slot != NONE for slot in slots]
        check_arity(sig, node.input, node.output, where, present)
        graphs = any(a.type in GRAPH_ATTRIBUTES for a in node.attribute)
        attributes = complete(decode(node, where, builder.given, lambda name, proto: None, self.model.external), node, sig, where)
        captured: list[str] = []

        def bound_for(known: Sequence[ValueType | None]) -> Bound | None:
            proto = expansion.body(sig, builder.opsets[sig.domain], node, attributes, present, known)
            if proto is None:
                return None
            bound, names = functions.bind_body(builder, proto, attributes, known, present, wanted, path, graphs)
            captured.extend(names)
            return bound

        complete_types = all(t is not None for t, there in zip(types, present, strict=True) if there)
        bound = bound_for(types) if complete_types else None
        if bound is None:
            if graphs:
                raise InvalidModel(f"{where}: the body of {sig.label} cannot be made before the types of its inputs are known")
            declared = output_types(sig, operator, attributes, types, present, len(wanted), where, hints)
            bound = functions.late_body(bound_for, types, declared, self.model.profile.wide, where)
        return _Made(bound, sig.label, tuple(builder.slots[name] for name in captured), False, types)

    def hint(self, name: str) -> ValueType | None:
        """What the graph declares about a value, without its shape."""
        value = self.hints.get(name)
        declared = None if value is None else declared_type(value, self.builder.path)
        return None if declared is None else without_shape(declared)

    def operator(self, domain: str, op_type: str, where: _Where) -> tuple[Signature | None, Operator]:
        """The signature (None outside onnx.defs) and the operator that a node means."""
        found = self.operators.get((domain, op_type))
        if found is None:
            found = self.operators[domain, op_type] = self._operator(domain, op_type, where)
        if found[0] is not None and found[0].deprecated:
            self.model.findings.report("deprecated", f"{found[0].label} is deprecated", str(where))
        if found[0] is not None and found[0].experimental:
            self.model.findings.report("experimental", f"{found[0].name} was experimental and has been removed", str(where))
        return found

    def _operator(self, domain: str, op_type: str, where: _Where) -> tuple[Signature | None, Operator]:
        opsets = self.builder.opsets
        if domain not in opsets:
            raise InvalidModel(f"{where}: domain {domain or 'ai.onnx'!r} is used but not in opset_import", imported=sorted(opsets))
        own = self.builder.override(domain, op_type)
        if domain in standard_domains():
            sig = signature(domain, op_type, opsets[domain])
            if not is_reviewed(sig):
                self.model.findings.report(
                    "schema-changed", f"{sig.label} of the installed onnx is not the schema it was written for", str(where)
                )
            return sig, own or lookup(domain, op_type, sig.since)
        versions = [v for v in registered_versions(domain, op_type) if v <= opsets[domain]]
        if own is not None and own.since >= max(versions, default=0):
            return None, own
        if not versions:
            raise UnsupportedOperator(f"{where}: domain {domain!r} has no operator {op_type!r} here", domain=domain, op_type=op_type)
        return None, lookup(domain, op_type, versions[-1])

    def bound(
        self, node: Any, sig: Signature | None, operator: Operator, types: Types, slots: Sequence[int], hints: Types | None,
        path: str, where: _Where,
    ) -> _Made:  # fmt: skip
        """The callable of a node that means an operator."""
        if sig is not None:
            check_arity(sig, node.input, node.output, where, [slot != NONE for slot in slots])

        def build_graph(name: str, proto: Any) -> Plan:
            inputs = operator.body_types(types) if operator.body_types is not None else None
            return self.builder.subgraph(proto, f"{path}/{name}", inputs)

        attributes = decode(node, where, self.builder.given, build_graph, self.model.external)
        if sig is not None:
            attributes = complete(attributes, node, sig, where)
            attributes.pop("consumed_inputs", None)  # of versions 1 to 5: a hint for memory reuse that changes no value
        else:
            check_custom(operator, attributes, len(types), where)
        return self._bind(node, sig, operator, attributes, types, slots, hints, path, where)

    def _bind(
        self, node: Any, sig: Signature | None, operator: Operator, attributes: Mapping[str, Any], types: Types, slots: Sequence[int],
        hints: Types | None, path: str, where: _Where,
    ) -> _Made:  # fmt: skip
        if operator.from_graph is not None:
            attributes = operator.from_graph(attributes, partial(self.builder.part, where=where))
        present = [slot != NONE for slot in slots]
        captured: list[int] = []
        makers = {}
        for name, value in attributes.items():
            if isinstance(value, Plan):
                start = len(slots) + len(captured)
                captured.extend(self.builder.slots[n] for n in value.captured)
                makers[name] = partial(_subgraph, value, start, start + len(value.captured))
        plain = {n: a for n, a in attributes.items() if n not in makers}
        wanted = tuple(map(bool, node.output))
        site = self.site(operator, plain, node, types) if not any(wanted[operator.lowered_outputs :]) else None
        profile = self.model.profile

        def bound_for(known: Sequence[ValueType | None]) -> Bound:
            declared = output_types(sig, operator, attributes, known, present, len(wanted), where, hints)
            return bind(operator, plain, makers, known, declared, wanted, profile, path, site)

        if all(t is not None for t, there in zip(types, present, strict=True) if there):
            bound = bound_for(types)
        else:
            bound = functions.late(bound_for, types, wanted, hints, profile.wide)
        shareable = not operator.takes_ctx and site is None and not makers  # what the node's place in the model does not touch
        bound = replace(
            bound, builtin=operator.builtin, margin=_margin(operator, plain, bound), site=site, operator=operator, attributes=attributes
        )
        return _Made(bound, operator.label, tuple(captured), shareable, types)

    def site(self, operator: Operator, attributes: Mapping[str, Any], node: Any, types: Types) -> CallSite | None:
        """The lowered call of a node, with the inputs that never change."""
        lowering = operator.lowering
        if lowering is None or not isinstance(types[0], TensorType):
            return None
        profile = self.model.profile
        if operator.lowered_types and not (profile.kernels and _of_types(operator, types)):
            return None
        if not profile.kernels:
            return CallSite(partial(lowering, attributes), None, {})
        builder = self.builder
        constants = {i: builder.template[builder.slots[n]] for i, n in enumerate(node.input) if n and builder.slots[n] in builder.constants}
        if operator.lowered_constants:
            names = [parameter.name for parameter in operator.parameters]
            decisive = {i: names[i] for i, n in enumerate(node.input) if n and names[i] in operator.lowered_constants}
            if not decisive.keys() <= constants.keys():
                return None
            attributes = {**attributes, **{name: constants[i] for i, name in decisive.items()}}
        return CallSite(partial(lowering, attributes), types[0].elem, constants, profile, self.model.verify_kernels)


def _of_types(operator: Operator, types: Types) -> bool:
    """Whether the inputs are all of one element type that the operator's lowering is for."""
    tensors = [t for p, t in zip(operator.parameters, types, strict=False) if t is not None and p.name not in operator.lowered_constants]
    found = {t.elem.name if isinstance(t, TensorType) else None for t in tensors}
    return len(found) == 1 and found <= set(operator.lowered_types)


def _subgraph(plan: Plan, start: int, end: int, run: Run, values: Sequence[Any]) -> Subgraph:
    return Subgraph(plan, run, values[start:end])


def _margin(operator: Operator, attributes: Mapping[str, Any], bound: Bound) -> Any:
    margin = operator.comparison.margin if operator.comparison is not None else None
    if margin is None:
        return None
    elements = tuple(t.elem if isinstance(t, TensorType) else None for t in bound.output_types)

    def margin_of(run: Run, arguments: Sequence[Any], results: Sequence[Any]) -> Any:
        def evaluate(*inputs: Any, **changes: Any) -> tuple[Any, ...]:
            return bound.call(run, inputs)

        return margin(Call(tuple(arguments), attributes, tuple(results), elements, evaluate))

    return margin_of
