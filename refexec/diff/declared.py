"""What each node of a run declares: its operator, and so how its results may be compared, and its attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import onnx

from refexec import functions
from refexec.attributes import complete, decode, decode_value
from refexec.context import NodeInfo
from refexec.registry import Operator, lookup
from refexec.schema import normalize_domain, signature, standard_domains
from refexec.session import Session

__all__ = ["Declarations", "Declared"]


@dataclass(frozen=True, slots=True)
class Declared:
    """``operator`` is None for a call of a model-local function. ``composite``: the node runs other nodes, so that its error
    is theirs; the comparison that its operator declares does not speak of it then."""

    operator: Operator | None
    attributes: Mapping[str, Any]
    composite: bool

    @property
    def kind(self) -> str:
        """ "exact", "rounded", "discrete", "random", "composite", or "unknown" where the operator declares nothing."""
        if self.composite or self.operator is None:
            return "composite"
        return "unknown" if self.operator.comparison is None else self.operator.comparison.kind


@dataclass(frozen=True, slots=True)
class _Frame:
    nodes: Sequence[Any]
    opsets: Mapping[str, int]
    given: Mapping[str, Any] | None


class Declarations:
    """The declarations of a session's nodes, by their path, in subgraphs and function bodies too."""

    def __init__(self, session: Session) -> None:
        self._proto = session.model.proto
        self._external = session.model.external.read
        opsets = {normalize_domain(o.domain): o.version for o in self._proto.opset_import} or {"": 1}
        self._frames = {"main": _Frame(self._proto.graph.node, opsets, None)}
        self._known: dict[str, Declared] = {}

    @cached_property
    def _functions(self) -> dict[tuple[str, str, str], Any]:
        return functions.table(self._proto)

    def __getitem__(self, info: NodeInfo) -> Declared:
        if info.path not in self._known:
            self._known[info.path] = self._read(info)
        return self._known[info.path]

    def _read(self, info: NodeInfo) -> Declared:
        frame, node = self._find(info)
        attributes = decode(node, info.path, frame.given, lambda name, graph: None, self._external)
        if self._function(node) is not None:
            return Declared(None, attributes, True)
        if info.domain in standard_domains():
            attributes = complete(attributes, node, signature(info.domain, info.op_type, frame.opsets[info.domain]), info.path)
            attributes.pop("consumed_inputs", None)
        composite = any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in node.attribute)
        return Declared(lookup(info.domain, info.op_type, int(info.label.rpartition("-")[2])), attributes, composite)

    def _function(self, node: Any) -> Any:
        return self._functions.get((normalize_domain(node.domain), node.op_type, getattr(node, "overload", "")))

    def _find(self, info: NodeInfo) -> tuple[_Frame, Any]:
        """The graph or function body that a node stands in, and the node. Names may hold any character, slashes too, so the
        path is followed from the top with the names that the model has."""
        at = "main"
        while True:
            rest = info.path[len(at) + 1 :]
            match = re.match(r"(\d+):", rest)
            frame = self._frames[at]
            node = frame.nodes[int(match.group(1))] if match else None
            if node is None:
                raise KeyError(info.path)
            path = f"{at}/{match.group(1) if match else ''}:{node.op_type}"
            if path == info.path:
                return frame, node
            at = self._inner(frame, node, path, info.path)

    def _inner(self, frame: _Frame, node: Any, path: str, wanted: str) -> str:
        """Register the graphs that a node runs; the path of the one that leads on."""
        body = self._function(node)
        if body is not None:
            given = decode(node, path, frame.given, lambda name, graph: None, self._external)
            for default in body.attribute_proto:
                if default.name not in given:
                    given[default.name] = decode_value(default, path, lambda name, graph: None, self._external)
            opsets = {normalize_domain(o.domain): o.version for o in body.opset_import}
            self._frames[path] = _Frame(body.node, opsets, given)
            return path
        for attribute in node.attribute:
            graphs = {f"{path}/{attribute.name}": attribute.g} if attribute.type == onnx.AttributeProto.GRAPH else {
                f"{path}/{attribute.name}[{i}]": g for i, g in enumerate(attribute.graphs)
            }  # fmt: skip
            for name, graph in graphs.items():
                if wanted.startswith(f"{name}/"):
                    self._frames[name] = _Frame(graph.node, frame.opsets, frame.given)
                    return name
        raise KeyError(wanted)
