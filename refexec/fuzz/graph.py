"""A generated model: a graph grown forward over an environment of typed values, so that every node is valid by construction.

No node is tried and thrown away: an operand that is needed and does not exist is made. A graph has a fixed number of slots; the first
choice of a slot is its operator, 0 for none, so that a shrinker empties slots.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape
from typing import Any

import numpy as np
import onnx
from onnx import helper

from refexec.errors import UnsupportedOperator
from refexec.fuzz import numbers
from refexec.fuzz.choosers import Chooser
from refexec.fuzz.scope import Build, Drawn, Entry, GraphScope, info, takes
from refexec.opspec import Operand, Spec, opspecs
from refexec.proto_types import type_to_proto
from refexec.runtimes import Kernels
from refexec.schema import Signature, all_signatures, check_opset, standard_domains
from refexec.types import FLOAT32, INT64, TensorType, element_type

__all__ = ["Drawn", "Generated", "Options", "generate"]

IR_VERSION = 13
RANKED = {"Attention", "FlexAttention", "InstanceNormalization", "Pad", "STFT"}
"""Of these onnx's inference refuses an unknown rank, or takes it for another one."""
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
        edge: whether NaN, infinities and the ends of types occur among the numbers of inputs; best with few nodes.
        kernels: what the runtime under test implements; None for all.
        guards: whether nodes bring any value into the domain of an operand that needs one, in place of a new input.

    Raises UnsupportedOpset, UnsupportedOperator, UnsupportedType for what no model can have.
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
    edge: bool = False
    kernels: Kernels | None = None
    guards: bool = False

    def __post_init__(self) -> None:
        check_opset("", self.opset if isinstance(self.opset, int) else self.opset[0])
        unknown = set(self.domains) - set(standard_domains())
        if unknown:
            raise UnsupportedOperator("no models of this domain can be drawn", seen=sorted(unknown), domains=sorted(standard_domains()))
        if self.ops is not None:
            known = {name for domain, name, _ in opspecs() if domain in self.domains}
            if lost := sorted(set(self.ops) - known):
                near = [n for op in lost for n in difflib.get_close_matches(op, known, 1)]
                hint = f"; is {near[0]} meant?" if near else ""
                raise UnsupportedOperator(f"no models of {', '.join(lost)} can be drawn{hint}", domains=sorted(self.domains))
        for name in self.dtypes or ():
            element_type(name)


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


def generate(chooser: Chooser, options: Options | None = None) -> Generated:
    """Draw a model."""
    options = options or Options()
    low, high = (options.opset, options.opset) if isinstance(options.opset, int) else options.opset
    spans = {d: (low, min(high, v)) if d == "" else (1, v) for d, v in standard_domains().items() if d == "" or d in options.domains}
    versions = {d: options.versions.get(d) or most - chooser.integer(0, most - least) for d, (least, most) in spans.items()}
    menu = _swarm(chooser, _menu(((d, versions[d]) for d in sorted(options.domains)), options))
    dtypes = None if options.dtypes is None else frozenset(map(element_type, options.dtypes))
    declared = ("static", "static", "symbolic", "no rank")[chooser.integer(0, 3)] if options.dynamic_shapes else "static"
    build = Build(
        chooser, versions, menu, dtypes, options.kernels, declared, numbers.EDGES if options.edge else numbers.KINDS, options.guards
    )
    top = GraphScope(build)
    top.fill(options.max_nodes)
    if not top.nodes:
        top.node("Identity", (top.given(np.zeros((), np.float32), TensorType(FLOAT32)),), Operand(build.name("v"), TensorType(FLOAT32)))
    if declared == "no rank" and any(d.signature.name in RANKED for d in build.drawn):
        declared = "symbolic"
    results = _outputs(top)
    front = _without_rank(top) if declared == "no rank" else []
    graph = helper.make_graph(
        [*front, *top.nodes],
        "generated",
        [_declared(i, declared) for i in top.inputs],
        [info(o, declared == "static") for o in results],
        top.initializers,
        value_info=[info(o, declared == "static") for o in top.told if o not in results],
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


def _swarm(chooser: Chooser, menu: Sequence[Entry]) -> list[Entry]:
    """All operators, or a few of them, which then meet more often."""
    if len(menu) < 8 or chooser.integer(0, 2) == 0:
        return list(menu)
    return [menu[chooser.integer(0, len(menu) - 1)] for _ in range(5)]


def _without_rank(top: GraphScope) -> list[onnx.NodeProto]:
    """Nodes that hide the rank of each input, which onnx's checker wants declared: it comes out of a Reshape whose shape is an input of
    unknown length."""
    nodes = []
    for at, operand in enumerate(tuple(top.inputs)):
        if isinstance(operand.type, TensorType) and top.opset >= 5 and takes("Reshape", top.opset, operand.type):
            value, build = top.build.feeds.pop(operand.name), top.build
            plain = replace(operand, name=build.name("x"))
            shape = Operand(build.name("s"), TensorType(INT64), (value.ndim,))
            build.feeds |= {plain.name: value, shape.name: np.array(value.shape, np.int64)}
            top.inputs[at] = plain
            top.inputs.append(shape)
            nodes.append(helper.make_node("Reshape", [plain.name, shape.name], [operand.name]))
    return nodes


def _declared(operand: Operand, how: str) -> onnx.ValueInfoProto:
    if not isinstance(operand.type, TensorType) or how == "static":
        return info(operand)
    shape = tuple(f"{operand.name}_{i}" for i in range(len(operand.shape)))
    return onnx.ValueInfoProto(name=operand.name, type=type_to_proto(TensorType(operand.type.elem, shape)))
