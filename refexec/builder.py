"""From a checked model to plans: schemas, versions, attributes, scopes, types and the callables of the steps."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from refexec import functions
from refexec.absorption import absorbed
from refexec.chaining import chained
from refexec.checking import topological_order
from refexec.errors import InvalidModel, RefexecError, shown
from refexec.folding import folded
from refexec.fusion import fused
from refexec.limits import Limits
from refexec.nodes import NodeBinder
from refexec.plan import NONE, Plan, Step, ValueInfo, last_uses
from refexec.primitives import Profile
from refexec.proto_types import declared_type
from refexec.registry import Key, Operator
from refexec.rules import Findings
from refexec.schema import normalize_domain
from refexec.tensors import sparse_from_proto, tensor_from_proto
from refexec.types import TensorType, ValueType, element_type, without_shape
from refexec.values import widen

__all__ = ["Builder", "Model", "build"]


@dataclass(slots=True)
class Model:
    """What all plans of one model share."""

    proto: Any
    limits: Limits
    profile: Profile
    findings: Findings
    external: Any = None
    overrides: Mapping[Key, Operator] = field(default_factory=dict)
    expand: bool | Collection[str] = False
    verify_kernels: bool = False
    functions: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    function_plans: dict[Any, Plan] = field(default_factory=dict)
    unsorted: bool = False  # the checker found a graph whose nodes are not listed in an order in which they can run


def build(model: Model) -> Plan:
    """The plan of a model's main graph."""
    model.functions = functions.table(model.proto)
    model.unsorted = any(d.rule == "unsorted" for d in model.findings.diagnostics)
    opsets = {normalize_domain(o.domain): o.version for o in model.proto.opset_import} or {"": 1}
    return Builder(model, opsets, "main").graph(model.proto.graph)


class Builder:
    """Builds the plan of one graph or function body; ``outer`` is the builder of the graph around it."""

    def __init__(
        self, model: Model, opsets: Mapping[str, int], path: str, outer: Builder | None = None, given: Mapping[str, Any] | None = None
    ) -> None:
        self.model = model
        self.opsets = opsets
        self.path = path
        self.outer = outer
        self.given = given  # values of a function's attributes
        self.title = ""  # " of function 'F'" inside one
        self.slots: dict[str, int] = {"": NONE}
        self.types: dict[str, ValueType | None] = {}
        self.template: list[Any] = [None, None]
        self.constants: set[int] = set()
        self.captures: dict[str, int] = {}
        self.steps: list[Step] = []

    # Names

    def define(self, name: str, value_type: ValueType | None) -> int:
        """A new slot for a name of this graph. Types are kept without shapes."""
        slot = self.slots[name] = len(self.template)
        self.template.append(None)
        self.types[name] = value_type
        return slot

    def resolve(self, name: str) -> int | None:
        """The slot of a name in this graph, captured from the outer graphs when it is theirs; None when no graph has it."""
        if name in self.slots:
            return self.slots[name]
        if self.outer is None:
            return None
        outer_slot = self.outer.resolve(name)
        if outer_slot is None or outer_slot == NONE:
            return outer_slot
        slot = self.define(name, self.outer.types.get(name))
        self.captures[name] = slot
        return slot

    # Graphs

    def graph(self, proto: Any, input_types: Sequence[ValueType | None] | None = None) -> Plan:
        """The plan of a GraphProto."""
        self._initializers(proto)
        declared = [declared_type(v, self.path) for v in proto.input]
        inputs = []
        for i, (value, own) in enumerate(zip(proto.input, declared, strict=True)):
            value_type = own
            if own is None and input_types is not None and i < len(input_types):
                value_type = input_types[i]
            if value.name not in self.slots:
                self.define(value.name, _shapeless(value_type))
            else:
                value_type = joined(self.types[value.name], value_type, f"{self.path}, input {value.name!r}")
            inputs.append(ValueInfo(value.name, value_type))
        hints = {v.name: v for v in (*proto.value_info, *proto.output)}
        self._nodes(proto.node, hints)
        outputs = []
        for value in proto.output:
            if not self.resolve(value.name):
                raise InvalidModel(
                    f"{self.path}: output {value.name!r} is not a value of the graph, or one that a function's caller leaves out"
                )
            known = self.types.get(value.name)
            stated = declared_type(value, self.path)
            outputs.append(ValueInfo(value.name, joined(known, stated, f"{self.path}, output {value.name!r}")))
        return self._finish(proto.name, inputs, outputs)

    def _initializers(self, proto: Any) -> None:
        for tensor in proto.initializer:
            where = f"{self.path}, initializer {tensor.name!r}"
            self.constant(tensor.name, tensor_from_proto(tensor, where, self.model.external))
        for sparse in proto.sparse_initializer:
            where = f"{self.path}, sparse initializer {sparse.values.name!r}"
            value = sparse_from_proto(sparse, where, self.model.external)
            self.model.limits.check("tensor_bytes", _dense_bytes(value), where)
            dense = value.to_dense()
            dense.flags.writeable = False
            self.constant(sparse.values.name, dense)

    def constant(self, name: str, array: Any) -> None:
        """A name with a value that no run changes."""
        slot = self.define(name, TensorType(element_type(array.dtype)))
        if self.model.profile.wide:
            array = widen(array)
            array.flags.writeable = False
        self.template[slot] = array
        self.constants.add(slot)

    def _nodes(self, nodes: Any, hints: Mapping[str, Any]) -> None:
        binder = NodeBinder(self, hints)
        order = topological_order(nodes, _Resolvable(self), self.path) if self.model.unsorted else range(len(nodes))
        for index in order:
            try:
                self.steps.append(binder.step(nodes[index], index))
            except RefexecError as error:
                node = nodes[index]
                error.add_note(
                    f"at node {index} {shown(node.name)!r} ({shown(node.op_type)}) {'of ' + self.path if self.path else ''}{self.title}"
                )
                raise

    def _finish(self, name: str, inputs: Sequence[ValueInfo], outputs: Sequence[ValueInfo]) -> Plan:
        out = tuple(self.slots[o.name] for o in outputs)
        return Plan(
            name, tuple(inputs), tuple(outputs), tuple(self.slots[i.name] for i in inputs), out,
            tuple(self.captures.values()), tuple(self.captures),
            tuple(self.steps), () if self.path == "main" else last_uses(self.steps, {*out, *self.constants, NONE}), self.template,
            {n: s for n, s in self.slots.items() if n}, self.types, frozenset(self.constants),
            fuse=partial(_shortened, self.model.limits, self.model.profile) if self.model.profile.kernels else None,
        )  # fmt: skip

    def function(self, proto: Any, input_types: Sequence[ValueType | None], absent: Sequence[bool]) -> Plan:
        """The plan of a FunctionProto called with these types; ``absent`` inputs are as if the body had named none."""
        inputs = []
        for name, value_type, gone in zip(proto.input, input_types, absent, strict=True):
            self.define(name, _shapeless(value_type))
            inputs.append(ValueInfo(name, value_type))
            if gone:
                self.slots[name] = NONE
        self._nodes(proto.node, {v.name: v for v in proto.value_info})
        for name in proto.output:
            if not self.resolve(name):
                raise InvalidModel(f"output {name!r} is not a value{self.title}, or an input that the caller leaves out")
        plan = self._finish(
            proto.name,
            [i for i, gone in zip(inputs, absent, strict=True) if not gone],
            [ValueInfo(n, self.types.get(n)) for n in proto.output],
        )
        return plan

    def body(self, proto: Any, attributes: Mapping[str, Any], captures: bool = False) -> Builder:
        """The builder of a function's body, which sees its own opset imports and nothing from outside.

        With ``captures`` it sees the values around the call: a graph attribute of the call stands in the body. Paths in it begin at
        the call: a run puts the path of the calling node before them.
        """
        opsets = {normalize_domain(o.domain): o.version for o in proto.opset_import}
        inner = Builder(self.model, opsets, "", self if captures else None, attributes)
        inner.title = f" of function {shown(proto.name)!r}"
        return inner

    def graph_default(self, name: str, proto: Any) -> Plan:
        raise InvalidModel(f"{self.path}: a graph cannot be an attribute of a model-local function", attribute=name)

    def subgraph(self, proto: Any, path: str, input_types: Sequence[ValueType | None] | None) -> Plan:
        """The plan of a graph attribute of a node of this graph; ``input_types`` are for inputs that declare none."""
        inner = Builder(self.model, self.opsets, path, self, self.given)
        inner.title = self.title
        return inner.graph(proto, input_types)

    def part(self, sources: Sequence[str], target: str, where: object) -> Plan:
        """The plan of the nodes so far that make the value ``target`` when the values ``sources`` are given.

        Its outputs are ``target`` and then every other value on the way. Raises InvalidModel when a name is no value of this
        graph, or ``target`` depends on more than the sources and constants.
        """
        unknown = [name for name in (*sources, target) if name not in self.types]
        if unknown:
            raise InvalidModel(f"{where}: names no value that stands in the graph before the node", seen=unknown)
        made = self._finish("", (), ())
        whole = replace(made, steps=tuple(self.steps), capture_slots=(), captured=(), fuse=None)  # what differentiates reads each node
        wanted = whole.select((target,), sources)
        given = {self.slots[name] for name in sources} | self.constants | {NONE}
        available = given.union(*(step.outputs for step in wanted.steps))
        names = {slot: name for name, slot in self.slots.items()}
        free = sorted({names[s] for step in wanted.steps for s in step.inputs if s not in available})
        if self.slots[target] not in available or free:
            raise InvalidModel(f"{where}: {target!r} is not determined by the values named", also_needs=free or [target])
        values = [name for step in wanted.steps for name in step.node.outputs if name and name != target]
        return whole.select((target, *values), sources)

    def override(self, domain: str, op_type: str) -> Operator | None:
        """The session's own operator for this name, the newest that the opset import admits."""
        most = self.opsets.get(domain, 0)
        found = [o for (d, n, since), o in self.model.overrides.items() if (d, n) == (domain, op_type) and since <= most]
        return max(found, key=lambda o: o.since, default=None)


def _shortened(
    limits: Limits,
    profile: Profile,
    steps: Sequence[Step],
    template: Sequence[Any],
    constants: frozenset[int],
    kept: Collection[int],
) -> tuple[list[Step], list[Any], frozenset[int]]:
    """The steps of a plan that nobody observes, with fewer of them and fewer passes over memory, and the constants that they use."""
    left, found = folded(steps, template, constants, limits, profile)
    needed = {slot for step in left for slot in step.inputs}.union(kept)
    values = list(template)
    for slot, value in found.items():
        if slot in needed:
            values[slot] = value
    constants |= needed & found.keys()
    if profile.fast:
        left, constants = absorbed(left, values, constants, kept)
    joined = fused(left, values, constants, kept)
    return chained(joined, values, constants, kept), values, constants


class _Resolvable:
    """Names that are there before a graph's nodes run: its inputs and initializers, and those of the graphs around it."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def __contains__(self, name: object) -> bool:
        builder: Builder | None = self._builder
        while builder is not None:
            if name in builder.slots:
                return True
            builder = builder.outer
        return False


def _shapeless(value_type: ValueType | None) -> ValueType | None:
    return None if value_type is None else without_shape(value_type)


def joined(known: ValueType | None, stated: ValueType | None, where: str) -> ValueType | None:
    if known is not None and stated is not None and str(known) != str(stated):
        raise InvalidModel(f"{where} is declared with another type than it has", declared=str(stated), has=str(known))
    return stated or known


def _dense_bytes(value: Any) -> int:
    return int(math.prod(map(int, value.shape)) * value.values.dtype.itemsize)
