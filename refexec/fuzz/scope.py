"""Where the nodes of a generated model go: the main graph, bodies of control flow, functions; each with the values in view there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, defs, helper

from refexec.fuzz import numbers
from refexec.fuzz.choosers import Chooser
from refexec.fuzz.guards import guard
from refexec.opspec import Draw, Items, Operand, Out, Span, Spec, elements, innermost
from refexec.proto_types import type_to_proto
from refexec.runtimes import Kernels
from refexec.schema import Signature, signature
from refexec.tensors import tensor_to_proto
from refexec.types import ElementType, OptionalType, SequenceType, TensorType, ValueType, element_type

__all__ = ["FUNCTIONS", "Build", "Drawn", "Entry", "FunctionScope", "GraphScope", "info", "takes"]

FUNCTIONS = "local.functions"
NESTING = 2
Entry = tuple[Signature, Spec] | None
"""An operator of the menu; None is a call of a function."""


@dataclass(frozen=True)
class Drawn:
    """A node that was drawn: what it is and the types and attributes it has, for counting."""

    signature: Signature
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand | None, ...]
    attributes: Mapping[str, Any]


@dataclass
class Build:
    """What all scopes of a model share."""

    chooser: Chooser
    versions: dict[str, int]  # of each domain
    menu: list[Entry]
    dtypes: frozenset[ElementType] | None
    kernels: Kernels | None
    declared: str  # how shapes of inputs are
    kinds: int  # of numbers: one more with the ends of types
    guards: bool = False
    count: int = 0
    domains: set[str] = field(default_factory=lambda: {""})  # that occur
    feeds: dict[str, Any] = field(default_factory=dict)
    functions: list[onnx.FunctionProto] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    offered: dict[tuple[Signature, str], tuple[ElementType, ...]] = field(default_factory=dict)

    def name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"


class GraphScope:
    """The main graph, or with a parent the body of a control flow operator, which sees the parent's values."""

    def __init__(self, build: Build, parent: GraphScope | None = None) -> None:
        self.build = build
        self.parent = parent
        self.opset = build.versions[""]
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.values: list[Operand] = []
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[Operand] = []
        self.initializers: list[onnx.TensorProto] = []
        self.used: set[str] = set()
        self.told: list[Operand] = []  # what onnx's inference does not find the type of

    def choose(self, low: int, high: int) -> int:
        return self.build.chooser.integer(low, high)

    def elements(self, found: Signature, variable: str) -> tuple[ElementType, ...]:
        offered = elements(found, variable)
        if self.build.dtypes is None and self.build.kernels is None:
            return offered
        key = found, variable
        if key not in self.build.offered:
            left = offered if self.build.dtypes is None else tuple(e for e in offered if e in self.build.dtypes)
            if self.build.kernels is not None:
                types = self.build.kernels.types(found, variable)
                left = tuple(e for e in left if types is None or TensorType(e) in map(innermost, types))
            self.build.offered[key] = left or offered
        return self.build.offered[key]

    def visible(self) -> Sequence[Operand]:
        return self.values if self.parent is None else [*self.parent.visible(), *self.values]

    @property
    def top(self) -> GraphScope:
        return self if self.parent is None else self.parent.top

    # --- operands ---

    def fresh(self, type: ValueType, content: Items, span: Span | None) -> Operand:
        origin, kind, start = self.choose(0, 2), self.choose(0, self.build.kinds - 1), self.choose(0, numbers.STARTS - 1)
        if not isinstance(type, TensorType):
            made = self.given(numbers.value(type, content, kind, start, span), type)
            made.items = content
            return made
        value = numbers.tensor(type.elem, content, kind, start, span)
        made = self._initializer(value) if origin == 1 else self.given(value, type)
        made.span = numbers.span_of(type.elem, kind, span)
        return made

    def array(self, elem: ElementType, shape: tuple[int, ...], span: Span | None) -> np.ndarray[Any, Any]:
        return numbers.tensor(elem, shape, self.choose(0, self.build.kinds - 1), self.choose(0, numbers.STARTS - 1), span)

    def given(self, value: Any, type: ValueType) -> Operand:
        top = self.top
        made = Operand(self.build.name("x"), type, value.shape if isinstance(type, TensorType) else ())
        self.build.feeds[made.name] = value
        top.inputs.append(made)
        top.values.append(made)
        return made

    def constant(self, value: np.ndarray[Any, Any], span: Span | None = None, fed: bool = True) -> Operand:
        origin = self.choose(0, 4)
        elem = TensorType(_element(value))
        if origin == 1 and takes("Constant", self.opset, elem):
            return self.node("Constant", (), Operand(self.build.name("c"), elem, value.shape, span), value=tensor_to_proto(value))
        if origin == 2 and fed:
            return self.given(value, elem)
        made = self._initializer(value)
        made.span = span
        if origin == 3 and takes("Identity", self.opset, elem):
            return self.node("Identity", (made,), Operand(self.build.name("c"), elem, value.shape, span))
        return made

    def _initializer(self, value: np.ndarray[Any, Any]) -> Operand:
        top = self.top
        made = Operand(self.build.name("w"), TensorType(_element(value)), value.shape)
        top.initializers.append(tensor_to_proto(value, made.name))
        top.values.append(made)
        return made

    def guarded(self, value: Operand, span: Span) -> Operand | None:
        return guard(self, value, span) if self.build.guards else None

    def node(self, op: str, inputs: Sequence[Operand], output: Operand, **attributes: Any) -> Operand:
        """A node that is no slot's operator; its result stands behind the inputs that it needs."""
        self.nodes.append(helper.make_node(op, [i.name for i in inputs], [output.name], **attributes))
        self.values.append(output)
        self.mark(inputs)
        return output

    # --- nodes ---

    def mark(self, inputs: Sequence[Operand | None]) -> None:
        for operand in inputs:
            if operand is not None:
                self.top.used.add(operand.name)

    def emit(
        self, found: Signature, inputs: Sequence[Operand | None], outputs: Sequence[Out | None], attributes: dict[str, Any]
    ) -> list[Operand]:
        results = [None if o is None else self._result(o) for o in outputs]
        node = helper.make_node(
            found.name, ["" if i is None else i.name for i in inputs], ["" if r is None else r.name for r in results], domain=found.domain
        )
        node.attribute.extend(_attribute(found, name, value) for name, value in attributes.items())
        self.nodes.append(node)
        self.build.domains.add(found.domain)
        self.mark(inputs)
        made = [r for r in results if r is not None]
        self.values += made
        if not _infers(found):
            self.told += made
        self.build.drawn.append(Drawn(found, tuple(inputs), tuple(results), attributes))
        return made

    def _result(self, out: Out) -> Operand:
        type = TensorType(out.type) if isinstance(out.type, ElementType) else out.type
        return Operand(self.build.name("v"), type, out.shape, out.span, out.items)

    def fill(self, slots: int) -> None:
        """Draw that many nodes, or fewer."""
        menu = self.build.menu if self.depth < NESTING else [e for e in self.build.menu if e is not None and not _nests(e[0])]

        def slot() -> None:
            at = self.choose(0, len(menu))
            if at == 0:
                return
            entry = menu[at - 1]
            if entry is None:
                self.call()
            else:
                entry[1](Draw(self, entry[0]))

        for _ in range(slots):
            self.build.chooser.together(slot)

    # --- bodies and functions ---

    def body(
        self, inputs: Sequence[Out], results: Sequence[Out | None], size: int, decides: bool, declares: bool, among: Collection[ValueType]
    ) -> tuple[onnx.GraphProto, list[Operand]]:
        inner = GraphScope(self.build, self)
        inner.inputs = [inner._result(o) for o in inputs]
        inner.values += inner.inputs
        inner.fill(size)
        found = [inner.result(wanted, among) for wanted in results]
        if not decides:
            found[0] = inner.inputs[1]
        taken: list[Operand] = []
        for operand in found:  # no name twice, and no name of an input
            own = operand in inner.values and operand not in inner.inputs and operand not in taken
            taken.append(operand if own else inner.node("Identity", (operand,), replace(operand, name=self.build.name("v"))))
        formal = [info(i, self.build.declared == "static") for i in inner.inputs]
        given = [info(o, declares) for o in taken]
        told = [info(o, False) for o in inner.told if o not in taken]
        graph = helper.make_graph(inner.nodes, self.build.name("body"), formal, given, inner.initializers, value_info=told)
        return graph, taken

    def result(self, wanted: Out | None, among: Collection[ValueType]) -> Operand:
        """A value that a body gives: of the type and shape asked for (None: any size), or one whose type is among these."""
        type = None if wanted is None else TensorType(wanted.type) if isinstance(wanted.type, ElementType) else wanted.type
        shape = None if wanted is None else wanted.shape

        def fits(v: Operand) -> bool:
            if type is None or shape is None:
                return v.type in among and None not in v.shape
            return v.type == type and len(v.shape) == len(shape) and all(n in (None, m) for n, m in zip(shape, v.shape, strict=True))

        fitting = [v for v in reversed(self.values) if fits(v)]
        if fitting:
            return fitting[self.choose(0, min(len(fitting) - 1, 3))]
        made = type or list(among)[self.choose(0, len(among) - 1)]
        return self.fresh(made, tuple(2 if n is None else n for n in shape or ()) if isinstance(made, TensorType) else _one(made), None)

    def call(self) -> None:
        """A function of the model, made here, and a call of it."""
        inner = FunctionScope(self.build, self)
        inner.fill(2 + self.choose(0, 2))
        made = [v for v in inner.values if v not in inner.inputs and v.name not in inner.used] or inner.values[-1:]
        made = [v for v in made if v not in inner.inputs]
        if not made:
            return
        results = made[:3]
        name = self.build.name("function")
        imports = [helper.make_opsetid(d, self.build.versions.get(d, 1)) for d in sorted(self.build.domains)]
        self.build.functions.append(
            helper.make_function(
                FUNCTIONS, name, [i.name for i in inner.inputs], [r.name for r in results], inner.nodes, imports,
                value_info=[info(o, False) for o in inner.told],
            )
        )  # fmt: skip
        outer = [replace(r, name=self.build.name("v")) for r in results]
        self.nodes.append(helper.make_node(name, [a.name for a in inner.arguments], [o.name for o in outer], domain=FUNCTIONS))
        self.mark(inner.arguments)
        self.build.domains.add(FUNCTIONS)
        self.values += outer


class FunctionScope(GraphScope):
    """The body of a function: it sees nothing outside; what it needs becomes a parameter."""

    def __init__(self, build: Build, caller: GraphScope) -> None:
        super().__init__(build)
        self.depth = NESTING
        self.caller = caller
        self.arguments: list[Operand] = []

    def fresh(self, type: ValueType, content: Items, span: Span | None) -> Operand:
        return self._parameter(self.caller.fresh(type, content, span))

    def given(self, value: Any, type: ValueType) -> Operand:
        return self._parameter(self.caller.given(value, type))

    def constant(self, value: np.ndarray[Any, Any], span: Span | None = None, fed: bool = True) -> Operand:
        elem = TensorType(_element(value))
        if takes("Constant", self.opset, elem):
            return self.node("Constant", (), Operand(self.build.name("c"), elem, value.shape, span), value=tensor_to_proto(value))
        return self._parameter(self.caller.constant(value, span, fed))

    def _parameter(self, argument: Operand) -> Operand:
        made = replace(argument, name=self.build.name("p"))
        self.arguments.append(argument)
        self.inputs.append(made)
        self.values.append(made)
        return made


def _nests(found: Signature) -> bool:
    return any(a.type == "GRAPH" for a in found.attributes.values())


def _one(type: ValueType) -> Items:
    """The content of one item, which has one item, down to a tensor of two numbers."""
    return (_one(type.elem),) if isinstance(type, SequenceType | OptionalType) else (2,)


def _element(value: np.ndarray[Any, Any]) -> ElementType:
    return element_type(value.dtype)


@cache
def _infers(found: Signature) -> bool:
    """Whether onnx's inference knows the operator."""
    try:
        schema = defs.get_schema(found.name, found.since, found.domain)
    except defs.SchemaError:
        return False
    return bool(schema.has_type_and_shape_inference_function)


@cache
def takes(op: str, opset: int, type: ValueType) -> bool:
    """Whether Constant or Identity of an opset has this type."""
    found = signature("", op, opset)
    return type in found.outputs[0].types


def info(operand: Operand, shaped: bool = True) -> onnx.ValueInfoProto:
    shape = operand.shape if shaped else (None,) * len(operand.shape)
    type = TensorType(operand.type.elem, shape) if isinstance(operand.type, TensorType) else operand.type
    return onnx.ValueInfoProto(name=operand.name, type=type_to_proto(type))


def _attribute(found: Signature, name: str, value: Any) -> onnx.AttributeProto:
    if isinstance(value, np.ndarray):
        value = tensor_to_proto(value)
    formal = found.attributes.get(name)
    kind = AttributeProto.AttributeType.Value(formal.type) if formal is not None else None
    if kind == AttributeProto.FLOAT:
        return AttributeProto(name=name, type=kind, f=value)
    if kind == AttributeProto.INT:
        return AttributeProto(name=name, type=kind, i=value)
    return helper.make_attribute(name, value, attr_type=kind)
