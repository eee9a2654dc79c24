"""Names and order: what each graph defines, uses and takes from the graphs around it, and an order in which its nodes can run.

A scope is the nodes of one graph or function body. Subgraphs may use the values of the graphs around them; a node depends on
what its subgraphs use. All walks have their own stack, and take linear time for a given nesting depth.
Source: docs/IR.md, "Nodes" (single static assignment, topological order, names of nested subgraphs).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

import onnx

from refexec.errors import shown
from refexec.rules import violation

__all__ = ["Scope", "Site", "quoted", "read_tree", "resolve_tree", "topological_order"]

INPUT, INITIALIZER, SPARSE = -1, -2, -3  # definers that are no nodes
_KINDS = {INPUT: "an input", INITIALIZER: "an initializer", SPARSE: "a sparse initializer"}
_SHOWN_CYCLE = 12


def quoted(name: object) -> str:
    """A name from a model for a message: escaped and of bounded length."""
    return f"'{shown(name, 80)}'"


class Scope:
    """One graph (or the body of one function) and its place in the graphs around it."""

    __slots__ = (
        "attribute", "captures", "children", "definers", "depth", "early", "free", "graph", "label", "missing", "node", "nodes", "order",
        "outputs", "parent", "places",
    )  # fmt: skip

    def __init__(self, graph: Any, label: str, parent: Scope | None = None, node: int = -1, attribute: str = "") -> None:
        self.graph = graph
        self.nodes: Sequence[onnx.NodeProto] = graph.node
        self.label = label  # of a root only
        self.parent = parent
        self.node = node  # index in the parent of the node that holds this graph, in its attribute
        self.attribute = attribute
        self.depth: int = parent.depth + 1 if parent else 0
        self.definers: dict[str, int] = {}  # name -> node index, or INPUT, INITIALIZER, SPARSE
        self.outputs: list[str] = []
        self.missing: list[tuple[str, int]] = []  # (name, node) used where no earlier node defines it
        self.children: list[Scope] = []
        self.free: dict[str, tuple[Scope, int]] = {}  # name taken from outside -> the scope and node (-1: output) that uses it
        self.captures: dict[int, list[str]] = {}  # node -> names its subgraphs take from this scope
        self.early: set[str] = set()  # names of this scope that are used before the node that defines them
        self.order: list[int] | None = None  # None: the nodes are listed in order
        self.places: dict[int, int] = {}  # node -> its place in the order, when there is one

    @property
    def path(self) -> str:
        """``graph 'main', node 3 'if1' (If), then_branch`` and so on inwards."""
        parts: list[str] = []
        scope = self
        while scope.parent is not None:
            parts.append(f"{scope.parent.node_label(scope.node)}, {shown(scope.attribute, 40)}")
            scope = scope.parent
        return ", ".join([scope.label, *reversed(parts)])

    def node_label(self, index: int) -> str:
        node = self.nodes[index]
        return f"node {index}{f' {quoted(node.name)}' if node.name else ''} ({shown(node.op_type, 40)})"

    def site(self, index: int) -> str:
        """Where node ``index`` stands; -1 is an output of the graph."""
        return f"{self.path}, {self.node_label(index) if index >= 0 else 'outputs'}"

    def read(self) -> None:
        """Record definitions, uses and subgraphs. Raises AmbiguousModel for a value that is defined twice."""
        defined = self.definers
        for index, node in enumerate(self.nodes):
            for name in node.input:
                if name and name not in defined:
                    self.missing.append((name, index))
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    self.children.append(Scope(attribute.g, "", self, index, attribute.name))
                elif attribute.type == onnx.AttributeProto.GRAPHS:
                    self.children += [Scope(g, "", self, index, f"{attribute.name}[{i}]") for i, g in enumerate(attribute.graphs)]
            for name in node.output:
                if name in defined:
                    raise self.twice(name, self.node_label(index))
                if name:
                    defined[name] = index

    def read_frame(self) -> None:
        """Record inputs, initializers and outputs. An initializer with an input's name is that input's default."""
        if isinstance(self.graph, onnx.FunctionProto):
            self.definers.update(dict.fromkeys(self.graph.input, INPUT))
            self.outputs = list(self.graph.output)
            return
        for index, value in enumerate(self.graph.input):
            if value.name in self.definers:
                raise self.twice(value.name, f"input {index}")
            self.definers[value.name] = INPUT
        for index, tensor in enumerate(self.graph.initializer):
            self._initializer(tensor.name, INITIALIZER, f"initializer {index}")
        for index, sparse in enumerate(self.graph.sparse_initializer):
            self._initializer(sparse.values.name, SPARSE, f"sparse initializer {index}")
        self.outputs = [value.name for value in self.graph.output]

    def _initializer(self, name: str, kind: int, second: str) -> None:
        if self.definers.get(name, INPUT) != INPUT:
            raise self.twice(name, second)
        self.definers[name] = kind

    def twice(self, name: str, second: str) -> Exception:
        definer = self.definers[name]
        first = self.node_label(definer) if definer >= 0 else _KINDS[definer]
        if definer == INITIALIZER:
            first = f"initializer {next(i for i, t in enumerate(self.graph.initializer) if t.name == name)}"
        return violation("name-twice", f"value {quoted(name)} is defined twice: {first} and {second}", self.path)

    def resolve(self) -> None:
        """Tell local names from those of outer graphs, and order the nodes. The subgraphs must have been resolved."""
        defined = self.definers
        for name, index in self.missing:
            if name in defined:
                self.early.add(name)
            else:
                self.free.setdefault(name, (self, index))
        for child in self.children:
            for name, user in child.free.items():
                definer = defined.get(name)
                if definer is None:
                    self.free.setdefault(name, user)
                else:
                    self.captures.setdefault(child.node, []).append(name)
                    if definer >= child.node:
                        self.early.add(name)
        for name in self.outputs:
            if name not in defined:
                self.free.setdefault(name, (self, -1))
        if self.early:
            self.order = self._ordered()
            self.places = {index: place for place, index in enumerate(self.order)}

    def _ordered(self) -> list[int]:
        """The topological order closest to the listed one (always the first node that can run). Raises InvalidModel for a cycle."""
        producers = []
        dependents: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            names = (*node.input, *self.captures.get(index, ()))
            producers.append({definer for name in names if (definer := self.definers.get(name, INPUT)) >= 0})
            for producer in producers[-1]:
                dependents[producer].append(index)
        waits = [len(p) for p in producers]
        ready = [index for index, count in enumerate(waits) if not count]
        heapify(ready)
        order = []
        while ready:
            index = heappop(ready)
            order.append(index)
            for dependent in dependents[index]:
                waits[dependent] -= 1
                if not waits[dependent]:
                    heappush(ready, dependent)
        if len(order) < len(self.nodes):
            raise self._cycle(producers, waits)
        return order

    def _cycle(self, producers: list[set[int]], waits: list[int]) -> Exception:
        """Walk from a node that never became ready to producers of that kind, until a node comes again."""
        index = next(i for i, count in enumerate(waits) if count)
        seen: dict[int, int] = {}
        while index not in seen:
            seen[index] = len(seen)
            index = min(p for p in producers[index] if waits[p])
        cycle = list(seen)[seen[index] :][::-1]
        start = cycle.index(min(cycle))
        cycle = cycle[start:] + cycle[:start]
        labels = [self.node_label(i) for i in cycle[:_SHOWN_CYCLE]]
        if len(cycle) > _SHOWN_CYCLE:
            labels.append(f"({len(cycle) - _SHOWN_CYCLE} more)")
        return violation("cycle", f"nodes depend on each other: {' -> '.join([*labels, self.node_label(cycle[0])])}", self.path)

    def shadows(self) -> Iterable[tuple[str, Scope]]:
        """Names defined here that are visible from outside too, with the outer scope that has them."""
        inner: Scope = self
        while (outer := inner.parent) is not None:
            for name in self.definers.keys() & outer.definers.keys():
                definer = outer.definers[name]
                if definer < 0 or outer.position(definer) < outer.position(inner.node):
                    yield name, outer
            inner = outer

    def position(self, index: int) -> int:
        """When node ``index`` runs, counted in nodes of this scope."""
        return self.places[index] if self.places else index


def read_tree(root: Scope) -> list[Scope]:
    """Read the names of a graph and of all graphs in it: outer ones first. The root's frame must have been read."""
    scopes = []
    waiting = [root]
    while waiting:
        scope = waiting.pop()
        if scope is not root:
            scope.read_frame()
        scope.read()
        scopes.append(scope)
        waiting += reversed(scope.children)
    return scopes


def resolve_tree(scopes: Sequence[Scope]) -> None:
    """Resolve scopes that are listed outer ones first."""
    for scope in reversed(scopes):
        scope.resolve()


class _Body:
    """Nodes without a frame."""

    def __init__(self, nodes: Sequence[onnx.NodeProto]) -> None:
        self.node = nodes


def topological_order(nodes: Sequence[onnx.NodeProto], outer_names: Container[str], where: str = "") -> list[int]:
    """Indices of ``nodes`` in an order in which they can run: the listed one, or else the one closest to it.

    ``outer_names`` are the names with a value before the first node runs: inputs, initializers, and names of outer graphs. What
    the subgraphs of a node use counts as its input. Raises InvalidModel for a cycle or a name that nothing defines, AmbiguousModel
    for a name with two definitions.
    """
    root = Scope(_Body(nodes), where)
    resolve_tree(read_tree(root))
    for name, (scope, index) in root.free.items():
        if name not in outer_names:
            raise undefined(name, scope, index)
    return list(range(len(nodes))) if root.order is None else root.order


def undefined(name: str, scope: Scope, index: int) -> Exception:
    """The error for a name that no graph defines."""
    return violation("use-undefined", f"value {quoted(name)} is used, and nothing defines it", scope.site(index))


class Site:
    """Where something stands, spelled out only when a message needs it: a graph, one of its nodes, a named part of either."""

    __slots__ = ("index", "name", "scope", "what")

    def __init__(self, scope: Scope, index: int | None = None, what: str = "", name: str = "") -> None:
        self.scope = scope
        self.index = index
        self.what = what
        self.name = name

    def __str__(self) -> str:
        place = self.scope.path if self.index is None else self.scope.site(self.index)
        return f"{place}, {self.what} {quoted(self.name)}" if self.what else place
