"""A generated model: a graph grown forward over an environment of typed values, so that every node is valid by construction.

No node is tried and thrown away: an operand that is needed and does not exist is made. A graph has a fixed number of slots; the first
choice of a slot is its operator, 0 for none, so that a shrinker empties slots.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, defs, helper

from refexec.fuzz import numbers
from refexec.fuzz.choosers import Chooser
from refexec.opspec import Draw, Items, Operand, Out, Span, Spec, elements, innermost, opspecs
from refexec.proto_types import type_to_proto
from refexec.runtimes import Kernels
from refexec.schema import Signature, all_signatures, signature, standard_domains
from refexec.tensors import tensor_to_proto
from refexec.types import FLOAT32, ElementType, OptionalType, SequenceType, TensorType, ValueType, element_type

__all__ = ["Generated", "Options", "generate"]

FUNCTIONS = "local.functions"
NESTING = 2
IR_VERSION = 13
Entry = tuple[Signature, Spec] | None
"""An operator of the menu; None is a call of a function."""
RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli", "Dropout"}


@dataclass(frozen=True)
class Options:
    """What models are drawn.

    Args:
        opset: of ai.onnx: a version, or the lowest and the highest one.
        domains: whose operators occur; "" is ai.onnx.
        versions: of other domains; one that is not named here is drawn.
        ops: the names of the operators that occur; None for all.
        dtypes: names of the element types that occur; None for all.
        max_nodes: how many slots the main graph has; bodies and constants come on top.
        control_flow: whether If, Loop, Scan and calls of functions in the model occur.
        dynamic_shapes: whether inputs may be declared with symbolic dimensions, or without rank.
        random: whether random operators occur.
        kernels: what the runtime under test implements; None for all.
    """

    opset: int | tuple[int, int] = (1, 99)
    domains: Collection[str] = ("", "ai.onnx.ml")
    versions: Mapping[str, int] = field(default_factory=dict)
    ops: Collection[str] | None = None
    dtypes: Collection[str] | None = None
    max_nodes: int = 12
    control_flow: bool = True
    dynamic_shapes: bool = True
    random: bool = False
    kernels: Kernels | None = None


@dataclass(frozen=True)
class Drawn:
    """A node that was drawn: what it is and the types and attributes it has, for counting."""

    signature: Signature
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand | None, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Generated:
    """A model, feeds for its inputs, its nodes, and what each value of the main graph is."""

    model: onnx.ModelProto
    feeds: dict[str, Any]
    nodes: tuple[Drawn, ...]
    values: dict[str, Operand]
    declared: str = "static"

    def __repr__(self) -> str:
        return f"<model of {len(self.nodes)} nodes>\n{onnx.printer.to_text(self.model)}\nfeeds: {self.feeds}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(onnx.printer.to_text(self.model))}</pre>"


@dataclass
class _Build:
    """What all scopes of a model share."""

    chooser: Chooser
    versions: dict[str, int]  # of each domain
    menu: list[Entry]
    dtypes: frozenset[ElementType] | None
    kernels: Kernels | None
    declared: str  # how shapes of inputs are
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

    def __init__(self, build: _Build, parent: GraphScope | None = None) -> None:
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
        origin, kind, start = self.choose(0, 2), self.choose(0, numbers.KINDS - 1), self.choose(0, numbers.STARTS - 1)
        if not isinstance(type, TensorType):
            made = self.given(numbers.value(type, content, kind, start, span), type)
            made.items = content
            return made
        value = numbers.tensor(type.elem, content, kind, start, span)
        made = self._initializer(value) if origin == 1 else self.given(value, type)
        made.span = numbers.span_of(type.elem, kind, span)
        return made

    def array(self, elem: ElementType, shape: tuple[int, ...], span: Span | None) -> np.ndarray[Any, Any]:
        return numbers.tensor(elem, shape, self.choose(0, numbers.KINDS - 1), self.choose(0, numbers.STARTS - 1), span)

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
        if origin == 1 and _takes("Constant", self.opset, elem):
            return self._node("Constant", (), Operand(self.build.name("c"), elem, value.shape, span), value=tensor_to_proto(value))
        if origin == 2 and fed:
            return self.given(value, elem)
        made = self._initializer(value)
        made.span = span
        if origin == 3 and _takes("Identity", self.opset, elem):
            return self._node("Identity", (made,), Operand(self.build.name("c"), elem, value.shape, span))
        return made

    def _initializer(self, value: np.ndarray[Any, Any]) -> Operand:
        top = self.top
        made = Operand(self.build.name("w"), TensorType(_element(value)), value.shape)
        top.initializers.append(tensor_to_proto(value, made.name))
        top.values.append(made)
        return made

    def _node(self, op: str, inputs: Sequence[Operand], output: Operand, **attributes: Any) -> Operand:
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
        self, inputs: Sequence[Out], results: Sequence[Out | None], size: int, decides: bool, among: Collection[ValueType]
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
            taken.append(operand if own else inner._node("Identity", (operand,), replace(operand, name=self.build.name("v"))))
        formal = [_info(i, self.build.declared == "static") for i in inner.inputs]
        given, told = ([_info(o, False) for o in some] for some in (taken, [o for o in inner.told if o not in taken]))
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
                value_info=[_info(o, False) for o in inner.told],
            )
        )  # fmt: skip
        outer = [replace(r, name=self.build.name("v")) for r in results]
        self.nodes.append(helper.make_node(name, [a.name for a in inner.arguments], [o.name for o in outer], domain=FUNCTIONS))
        self.mark(inner.arguments)
        self.build.domains.add(FUNCTIONS)
        self.values += outer


class FunctionScope(GraphScope):
    """The body of a function: it sees nothing outside; what it needs becomes a parameter."""

    def __init__(self, build: _Build, caller: GraphScope) -> None:
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
        if _takes("Constant", self.opset, elem):
            return self._node("Constant", (), Operand(self.build.name("c"), elem, value.shape, span), value=tensor_to_proto(value))
        return self._parameter(self.caller.constant(value, span, fed))

    def _parameter(self, argument: Operand) -> Operand:
        made = replace(argument, name=self.build.name("p"))
        self.arguments.append(argument)
        self.inputs.append(made)
        self.values.append(made)
        return made


def generate(chooser: Chooser, options: Options | None = None) -> Generated:
    """Draw a model."""
    options = options or Options()
    low, high = (options.opset, options.opset) if isinstance(options.opset, int) else options.opset
    spans = {d: (low, min(high, v)) if d == "" else (1, v) for d, v in standard_domains().items() if d == "" or d in options.domains}
    versions = {d: options.versions.get(d) or most - chooser.integer(0, most - least) for d, (least, most) in spans.items()}
    menu = _swarm(chooser, _menu(((d, versions[d]) for d in sorted(options.domains)), options))
    dtypes = None if options.dtypes is None else frozenset(map(element_type, options.dtypes))
    declared = ("static", "static", "symbolic")[chooser.integer(0, 2)] if options.dynamic_shapes else "static"
    build = _Build(chooser, versions, menu, dtypes, options.kernels, declared)
    top = GraphScope(build)
    top.fill(options.max_nodes)
    if not top.nodes:
        top._node("Identity", (top.given(np.zeros((), np.float32), TensorType(FLOAT32)),), Operand(build.name("v"), TensorType(FLOAT32)))
    results = _outputs(top)
    graph = helper.make_graph(
        top.nodes,
        "generated",
        [_declared(i, declared) for i in top.inputs],
        [_info(o, declared == "static") for o in results],
        top.initializers,
        value_info=[_info(o, declared == "static") for o in top.told if o not in results],
    )
    imports = [helper.make_opsetid(d, build.versions.get(d, 1)) for d in sorted(build.domains)]
    model = helper.make_model(graph, opset_imports=imports, functions=build.functions, ir_version=IR_VERSION, producer_name="refexec")
    return Generated(model, build.feeds, tuple(build.drawn), {v.name: v for v in top.values}, declared)


def _outputs(top: GraphScope) -> list[Operand]:
    """What no node takes, and now and then a value inside."""
    inside = {i.name for i in top.inputs} | {w.name for w in top.initializers}
    made = [v for v in top.values if v.name not in inside]
    extra = top.choose(0, 3)
    return [v for i, v in enumerate(made) if v.name not in top.used or (extra and i % (extra + 2) == 0)]


def _menu(versions: Iterable[tuple[str, int]], options: Options) -> list[Entry]:
    """What may stand in a slot: operators that exist at these versions of domains and have an opspec, in the order of their names."""
    entries = [(k, s) for domain, version in versions for k, s in _entries(domain, version)]
    if options.ops is not None:
        entries = [e for e in entries if e[0].name in options.ops]
    if options.kernels is not None:
        entries = [e for e in entries if options.kernels.has(e[0])]
    found: list[Entry] = [e for e in entries if e[0].folder != "controlflow" and (options.random or e[0].name not in RANDOM)]
    if not options.control_flow:
        return found
    weight = max(1, len(found) // 50)
    calls: list[Entry] = [None] * weight if options.ops is None and found else []
    return [*found, *(e for e in entries if e[0].folder == "controlflow" for _ in range(weight)), *calls]


@cache
def _entries(domain: str, version: int) -> list[tuple[Signature, Spec]]:
    newest: dict[str, int] = {}
    for of, name, since in all_signatures():
        if of == domain and since <= version:
            newest[name] = max(since, newest.get(name, 0))
    keys = [(domain, name, since) for name, since in sorted(newest.items())]
    return [(all_signatures()[k], opspecs()[k]) for k in keys if k in opspecs() and not all_signatures()[k].deprecated]


def _nests(found: Signature) -> bool:
    return any(a.type == "GRAPH" for a in found.attributes.values())


def _one(type: ValueType) -> Items:
    """The content of one item, which has one item, down to a tensor of two numbers."""
    return (_one(type.elem),) if isinstance(type, SequenceType | OptionalType) else (2,)


def _swarm(chooser: Chooser, menu: Sequence[Entry]) -> list[Entry]:
    """All operators, or a few of them, which then meet more often."""
    if len(menu) < 8 or chooser.integer(0, 2) == 0:
        return list(menu)
    return [menu[chooser.integer(0, len(menu) - 1)] for _ in range(5)]


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
def _takes(op: str, opset: int, type: ValueType) -> bool:
    """Whether Constant or Identity of an opset has this type."""
    found = signature("", op, opset)
    return type in found.outputs[0].types


def _info(operand: Operand, shaped: bool = True) -> onnx.ValueInfoProto:
    shape = operand.shape if shaped else (None,) * len(operand.shape)
    type = TensorType(operand.type.elem, shape) if isinstance(operand.type, TensorType) else operand.type
    return onnx.ValueInfoProto(name=operand.name, type=type_to_proto(type))


def _declared(operand: Operand, how: str) -> onnx.ValueInfoProto:
    if not isinstance(operand.type, TensorType) or how == "static":
        return _info(operand)
    shape = tuple(f"{operand.name}_{i}" for i in range(len(operand.shape)))
    return onnx.ValueInfoProto(name=operand.name, type=type_to_proto(TensorType(operand.type.elem, shape)))


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
