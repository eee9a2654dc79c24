"""The structure of a model, checked by our own walk in linear time before anything is planned.

onnx's C++ checker and shape inference are not used: files of 2 KB can make them run for ever. Whether operators, attributes
and types fit their schemas is decided when the model is planned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import onnx
from onnx import defs

from refexec.callgraph import Body, FunctionKey, check_calls
from refexec.errors import UnsupportedOpset
from refexec.external import overlapping
from refexec.headers import Headers
from refexec.limits import Limits
from refexec.loading import LoadedModel
from refexec.rules import Diagnostic, Findings, violation
from refexec.schema import check_opset, normalize_domain, standard_domains
from refexec.scopes import INITIALIZER, INPUT, Scope, Site, quoted, resolve_tree, topological_order, undefined

__all__ = ["check", "topological_order"]

MIN_IR_VERSION = 3  # the oldest with operator sets, and the oldest that models were published in


def check(model: LoadedModel, limits: Limits | None = None, strict: bool = False) -> list[Diagnostic]:
    """Check a loaded model. Returns the diagnostics, without those of the loader; raises where a rule counts as an error.

    Raises InvalidModel, AmbiguousModel, ExternalDataError, UnsupportedOpset, UnsupportedType and LimitExceeded. ``strict`` makes
    an error of every diagnostic that is not only information, the loader's too. No tensor's bytes are read but those of sparse ones.
    """
    limits = limits or model.external.limits
    findings = Findings(strict)
    if strict:
        for found in model.diagnostics:
            findings.report(found.rule, found.message, found.where)
    _Check(model.proto, Headers(limits, findings, model.external), findings, limits).run()
    return findings.diagnostics


class _Check:
    def __init__(self, proto: onnx.ModelProto, headers: Headers, findings: Findings, limits: Limits) -> None:
        self.proto = proto
        self.headers = headers
        self.findings = findings
        self.limits = limits
        self.nodes = 0
        self.functions: dict[FunctionKey, Body] = {}
        self.domains: dict[str, int] = {}  # imports of the body being checked
        self.formal: dict[str, int] | None = None  # attributes of the function being checked

    def run(self) -> None:
        proto = self.proto
        self._versions()
        self.headers.documented(proto, "model")
        self.limits.check("functions", len(proto.functions), "the number of functions")
        imports = self._imports(proto.opset_import, "model")
        self._function_table(imports)
        if proto.training_info:
            self.findings.report("training-info", "training information is ignored", "model", entries=len(proto.training_info))
        main = Body("the main graph")
        self.domains, self.formal = imports, None
        self._body(Scope(proto.graph, f"graph {quoted(proto.graph.name)}"), main)
        for function, (key, body) in zip(proto.functions, self.functions.items(), strict=True):
            self._function(function, key, body)
        check_calls(main, self.functions, self.limits)
        for first, second, extent in overlapping(self.headers.extents):
            self.findings.report("external-overlap", f"shares bytes with {first}", second, location=extent.location, offset=extent.offset)

    def _versions(self) -> None:
        version = self.proto.ir_version
        if not MIN_IR_VERSION <= version <= onnx.IR_VERSION:
            seen: Any = version if self.proto.HasField("ir_version") else "none"
            known = f"onnx {onnx.__version__} defines IR versions {MIN_IR_VERSION} to {onnx.IR_VERSION}"
            raise violation("ir-version", f"the IR version cannot be read: {known}", ir_version=seen)

    def _imports(self, opset_import: Any, where: str) -> dict[str, int]:
        if not opset_import:
            raise violation("opset-missing", "no operator set is imported", where)
        imports: dict[str, int] = {}
        for entry in opset_import:
            self.headers.name(entry.domain, where, "the domain of an imported operator set")
            domain = normalize_domain(entry.domain)
            if domain in imports:
                shown_domain, versions = domain or "ai.onnx", (imports[domain], entry.version)
                conflict = versions[0] != versions[1]
                rule = "opset-conflict" if conflict else "opset-twice"
                self.findings.report(rule, "an operator set is imported twice", where, domain=shown_domain, versions=versions)
            imports[domain] = entry.version
            try:
                check_opset(domain, entry.version)
            except UnsupportedOpset as error:
                error.add_note(where)
                raise
            if entry.version < 1:
                raise violation("opset-version", "the version of an operator set is below 1", where, domain=domain, version=entry.version)
        return imports

    def _function_table(self, imports: dict[str, int]) -> None:
        for function in self.proto.functions:
            name = f"{function.domain}:{function.name}{f':{function.overload}' if function.overload else ''}"
            where = f"function {quoted(name)}"
            self.headers.name(function.name, where, "the name of a function", empty=False)
            self.headers.name(function.domain, where, "the domain of a function")
            self.headers.name(function.overload, where, "the overload of a function")
            key = (normalize_domain(function.domain), function.name, function.overload)
            if key in self.functions:
                raise violation("function-twice", "two functions have this domain, name and overload", where)
            if key[0] in standard_domains():
                version = imports.get(key[0], standard_domains()[key[0]])
                if defs.has(function.name, version, key[0]):
                    raise violation("function-standard", "a standard operator has this name: a node can mean either", where, opset=version)
            self.functions[key] = Body(where)

    def _function(self, function: onnx.FunctionProto, key: FunctionKey, body: Body) -> None:
        where = body.label
        self.headers.documented(function, where)
        self.domains = self._imports(function.opset_import, where)
        self.formal = dict.fromkeys(function.attribute, 0)
        for kind, names in (
            ("input", function.input),
            ("output", function.output),
            ("attribute", [*function.attribute, *(a.name for a in function.attribute_proto)]),
        ):
            for name in names:
                self.headers.name(name, where, f"the name of an {kind}", empty=False)
            if twice := _twice(names):
                raise violation("function-formal-twice", f"two {kind}s have the name {quoted(twice[0])}", where)
        for default in function.attribute_proto:
            self.headers.attribute(default, f"{where}, default of attribute {quoted(default.name)}", None)
            self.formal[default.name] = default.type
        for value in function.value_info:
            self.headers.value_info(value, where)
        self._body(Scope(function, where), body)

    def _body(self, root: Scope, body: Body) -> None:
        """One graph or function body with all graphs in it."""
        scopes = []
        waiting = [root]
        while waiting:
            scope = waiting.pop()
            self.limits.check("subgraph_depth", scope.depth, "the depth of nested subgraphs")
            self.nodes += len(scope.nodes)
            self.limits.check("nodes", self.nodes, "the number of nodes")
            if isinstance(scope.graph, onnx.GraphProto):
                self._frame(scope)
            self._nodes(scope, body)
            scope.read_frame()
            scope.read()
            scopes.append(scope)
            waiting += reversed(scope.children)
        resolve_tree(scopes)
        for name, (scope, index) in root.free.items():
            raise undefined(name, scope, index)
        for scope in scopes:
            self._order_and_shadows(scope)

    def _frame(self, scope: Scope) -> None:
        """Inputs, initializers, outputs and annotations of a graph."""
        graph = scope.graph
        headers = self.headers
        headers.name(graph.name, scope.path, "the name of a graph")
        headers.documented(graph, scope.path)
        for index, value in enumerate(graph.input):
            where = Site(scope, None, f"input {index}", value.name)
            headers.value_info(value, where)
            if scope.parent is None and value.type.WhichOneof("value") is None:
                self.findings.report("input-untyped", "the input has no type", where)
        for index, value in enumerate(graph.output):
            headers.value_info(value, Site(scope, None, f"output {index}", value.name))
        for value in graph.value_info:
            headers.value_info(value, Site(scope, None, "value_info", value.name))
        if twice := _twice(value.name for value in graph.output):
            self.findings.report("output-twice", f"listed twice: {', '.join(map(quoted, twice[:8]))}", scope.path)
        for index, tensor in enumerate(graph.initializer):
            where = Site(scope, None, f"initializer {index}", tensor.name)
            headers.tensor(tensor, where)
            headers.name(tensor.name, where, "the name of an initializer", empty=False)
        for index, sparse in enumerate(graph.sparse_initializer):
            where = Site(scope, None, f"sparse initializer {index}", sparse.values.name)
            headers.sparse(sparse, where)
            headers.name(sparse.values.name, where, "the name of an initializer", empty=False)

    def _nodes(self, scope: Scope, body: Body) -> None:
        """Every node's names, domain and attributes, and the functions it calls."""
        headers, domains, functions = self.headers, self.domains, self.functions
        long_name = headers.long_name
        body.nodes += len(scope.nodes)
        node_names: set[str] = set()
        repeated: list[int] = []  # nodes that have the name of an earlier one
        for index, node in enumerate(scope.nodes):
            name, domain, op_type = node.name, node.domain, node.op_type
            for text in (name, domain, op_type, *node.input, *node.output):
                if text.__class__ is not str or len(text) > long_name:  # name() would see to it; this loop is the hot one
                    headers.name(text, Site(scope, index))
            if not op_type:
                raise violation("name-empty", "the operator has no name", Site(scope, index))
            if name:
                if name in node_names:
                    repeated.append(index)
                node_names.add(name)
            domain = normalize_domain(domain)
            is_call = False
            if functions:
                headers.name(node.overload, Site(scope, index), "the overload")
                key = (domain, op_type, node.overload)
                is_call = key in functions
                if is_call:
                    body.calls[key] += 1
            if domain not in domains:
                rule = "function-domain-not-imported" if is_call else "domain-not-imported"
                imported = [d or "ai.onnx" for d in domains]
                seen = {"domain": domain or "ai.onnx", "imported": imported}
                self.findings.report(rule, "the node's domain is not imported", Site(scope, index), **seen)
            if node.doc_string or node.metadata_props:
                headers.documented(node, Site(scope, index))
            if node.attribute:
                self._attributes(scope, index, node.attribute)
        if repeated:
            self.findings.report("node-name-twice", f"{len(repeated)} nodes have the name of an earlier one", Site(scope, repeated[0]))

    def _attributes(self, scope: Scope, index: int, attributes: Any) -> None:
        names: set[str] = set()
        for attribute in attributes:
            where = Site(scope, index, "attribute", attribute.name)
            if attribute.name in names:
                raise violation("attribute-twice", "the node has this attribute twice", where)
            names.add(attribute.name)
            self.headers.attribute(attribute, where, self.formal)

    def _order_and_shadows(self, scope: Scope) -> None:
        if scope.order is not None:
            name = min(scope.early, key=lambda n: scope.definers[n])
            definer = scope.node_label(scope.definers[name])
            self.findings.report("unsorted", f"value {quoted(name)} is used before {definer}; the nodes are put in order", scope.path)
        if self.proto.ir_version < 4 and scope.parent is None and isinstance(scope.graph, onnx.GraphProto):
            inputs = {value.name for value in scope.graph.input}
            extra = [n for n, definer in scope.definers.items() if definer == INITIALIZER and n not in inputs]
            if extra:
                self.findings.report("initializer-not-input", f"{len(extra)} initializers are not inputs", scope.path, first=extra[0])
        if scope.parent is None:
            return
        for name in scope.outputs:
            if name not in scope.definers:
                self.findings.report("output-from-outside", f"output {quoted(name)} is a value of an outer graph", scope.path)
        for name, outer in scope.shadows():
            definer_code = scope.definers[name]
            if name in scope.early:
                message = f"{quoted(name)} is a value of an outer graph, and defined here after its first use"
                raise violation("shadowing-early", message, scope.path, outer=outer.path)
            kind = "an input" if definer_code == INPUT else "an initializer" if definer_code < 0 else scope.node_label(definer_code)
            self.findings.report("shadowing", f"{quoted(name)} ({kind}) hides a value of an outer graph", scope.path, outer=outer.path)


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
