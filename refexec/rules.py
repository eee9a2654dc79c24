"""The rules a model is held to, as one table, and the diagnostics that come of breaking them.

Most rules are errors. Some are broken by many working models and have one reading only: they are warnings, or errors when
strict. A rule whose breach leaves two readings (its error is AmbiguousModel) is an error always.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from refexec.errors import AmbiguousModel, ExternalDataError, InvalidModel, RefexecError, UnsupportedError, UnsupportedOpset, shown

__all__ = ["RULES", "Diagnostic", "Findings", "Rule", "rules_table", "violation"]

Severity = Literal["error", "warn", "ok"]
SHOWN_PER_RULE = 20  # further diagnostics of one rule are not listed


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding that does not stop the model: the rule's id, what was seen, and where."""

    rule: str
    message: str
    where: str
    severity: Severity = "warn"

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.rule}]" if self.where else f"{self.message} [{self.rule}]"

    def to_json(self) -> dict[str, str]:
        """``{"rule", "message", "where", "severity"}``."""
        return {"rule": self.rule, "message": self.message, "where": self.where, "severity": self.severity}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``spec`` says it in one sentence and names its section; ``error`` is raised where it counts as an error."""

    id: str
    spec: str
    lenient: Severity = "error"
    strict: Severity = "error"
    error: type[RefexecError] = InvalidModel

    def to_json(self) -> dict[str, str]:
        """``{"id", "spec", "lenient", "strict", "error"}``."""
        return {"id": self.id, "spec": self.spec, "lenient": self.lenient, "strict": self.strict, "error": self.error.__name__}


def _warn(id: str, spec: str, strict: Severity = "error") -> Rule:
    return Rule(id, spec, "warn", strict)


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        # the file
        _warn("unknown-field", "Every field of the file is one of onnx.proto (IR.md, The IR version)."),
        Rule("no-graph", "A model has a graph (IR.md, Models)."),
        _warn("training-info", "Training information is not executed by inference (IR.md, Models).", strict="warn"),
        Rule("metadata-twice", "A metadata key occurs once (IR.md, Optional metadata).", error=AmbiguousModel),
        # versions
        Rule("ir-version", "The IR version is one that onnx defines (IR.md, The IR version).", error=UnsupportedOpset),
        Rule("opset-missing", "A model, and each of its functions, imports the operator sets it uses (IR.md, Models)."),
        _warn("opset-twice", "An operator set is imported once (IR.md, Operator set identifiers)."),
        Rule("opset-conflict", "An operator set is imported at one version; '' and 'ai.onnx' are the same set.", error=AmbiguousModel),
        Rule("opset-unsupported", "The version of a standard operator set is one that onnx defines.", error=UnsupportedOpset),
        Rule("opset-version", "The version of an operator set is positive (Versioning.md, Operator sets)."),
        Rule("domain-not-imported", "A node's domain is among the imported operator sets (IR.md, Operator sets)."),
        _warn("function-domain-not-imported", "The domain of a called model-local function is imported (IR.md, Functions)."),
        # names and scopes
        Rule("name-empty", "Graph inputs, initializers, graph outputs, operators, attributes and functions have names (IR.md, Names)."),
        Rule("name-text", "Names and texts are UTF-8 (protobuf language guide, string)."),
        Rule("name-twice", "A value is defined once in its graph (IR.md, Nodes: single static assignment).", error=AmbiguousModel),
        _warn("node-name-twice", "Node names are unique in their graph (IR.md, Names within a graph)."),
        _warn("output-twice", "A graph lists each of its outputs once (IR.md, Graphs)."),
        Rule("use-undefined", "A used value is an input, an initializer or an output of this graph or of one around it (IR.md, Nodes)."),
        Rule("cycle", "Nodes do not depend on themselves (IR.md, Nodes)."),
        _warn("unsorted", "The nodes of a graph are listed in topological order (IR.md, Nodes)."),
        _warn("shadowing", "A name of a subgraph differs from the names visible around it; the inner one wins (IR.md, Nodes)."),
        Rule("shadowing-early", "A name is not both taken from outside and defined later inside (IR.md, Nodes).", error=AmbiguousModel),
        _warn("output-from-outside", "An output of a subgraph is a value of that subgraph (IR.md, Graphs)."),
        _warn("initializer-not-input", "Before IR version 4, an initializer is a graph input too (IR.md, Graphs)."),
        _warn("input-untyped", "Inputs of the main graph have a type (onnx.proto, ValueInfoProto)."),
        # attributes
        Rule("attribute-twice", "A node has each attribute once (IR.md, Names within a graph).", error=AmbiguousModel),
        Rule("attribute-type", "An attribute says its type (onnx.proto, AttributeProto.type)."),
        Rule("attribute-no-value", "An attribute that is not a list has a value (IR.md, Attributes)."),
        Rule("attribute-two-values", "An attribute has one value (IR.md, Attributes).", error=AmbiguousModel),
        Rule("attribute-mismatch", "The value of an attribute is of the type it says (IR.md, Attributes).", error=AmbiguousModel),
        Rule("attribute-reference", "An attribute refers to a formal attribute of the function around it (IR.md, Functions)."),
        # tensors
        Rule("tensor-two-data", "The data of a tensor stand in one field (onnx.proto, TensorProto).", error=AmbiguousModel),
        Rule("tensor-dims", "Dimensions are not negative and the size fits 64 bits (onnx.proto, TensorProto.dims)."),
        Rule("tensor-type", "A tensor says its element type (onnx.proto, TensorProto.data_type)."),
        Rule("tensor-segment", "A tensor is stored whole (onnx.proto, TensorProto.segment).", error=UnsupportedError),
        # external data
        _warn("external-stray", "external_data is set only where data_location is EXTERNAL (onnx.proto, TensorProto.external_data)."),
        _warn("external-overlap", "Two tensors share all of their bytes in a file, or none (ExternalData.md)."),
        _warn("external-sha256", "A checksum is the SHA-1 digest of the file; 'sha256:' is an extension (onnx.proto, external_data)."),
        Rule("external-keys", "The keys are location, offset, length and checksum, each once (onnx.proto).", error=ExternalDataError),
        Rule("external-location", "The location is a relative POSIX path that stays in the model's folder.", error=ExternalDataError),
        Rule("external-file", "The location is a regular file with one name and no link on its way.", error=ExternalDataError),
        Rule("external-range", "Offset and length are decimal, inside the file, and fit the tensor exactly.", error=ExternalDataError),
        Rule("external-checksum", "The file has the digest that the tensor states.", error=ExternalDataError),
        # operators
        _warn("deprecated", "A node does not use an operator that its opset deprecates (Versioning.md, Operators)."),
        _warn("experimental", "A node does not use an operator that was experimental and then removed (onnx 1.4, defs/experiments)."),
        _warn("schema-changed", "A schema is as it was when its operator was written (pinned digests).", strict="warn"),
        _warn("override", "A standard operator means what its schema says; one given to the session replaces it.", strict="warn"),
        # functions
        Rule("function-twice", "(domain, name, overload) names one function (IR.md, Functions).", error=AmbiguousModel),
        Rule("function-standard", "A function does not have the name of a standard operator (IR.md, Functions).", error=AmbiguousModel),
        Rule("function-formal-twice", "Inputs, outputs and attributes of a function have distinct names.", error=AmbiguousModel),
        Rule("function-cycle", "A function does not call itself, directly or through others (IR.md, Functions)."),
    )
}  # fmt: skip


def rules_table() -> list[dict[str, str]]:
    """All rules in reading order, each as ``{"id", "spec", "lenient", "strict", "error"}``."""
    return [rule.to_json() for rule in RULES.values()]


def violation(rule_id: str, message: str, where: object = "", **seen: Any) -> RefexecError:
    """The error of a broken rule, to be raised: ``where: message (..., rule=rule_id)``."""
    place = str(where)
    return RULES[rule_id].error(f"{place}: {message}" if place else message, **seen, rule=rule_id)


class Findings:
    """Collects the diagnostics of one check in ``diagnostics``; raises where a rule counts as an error."""

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self.diagnostics: list[Diagnostic] = []
        self._counts: Counter[str] = Counter()

    def report(self, rule_id: str, message: str, where: object = "", **seen: Any) -> None:
        """Raise the rule's error, or note a diagnostic, as the rule and strictness say. Past 20 of one rule no more are listed."""
        rule = RULES[rule_id]
        severity = rule.strict if self.strict else rule.lenient
        if severity == "error":
            raise violation(rule_id, message, where, **seen)
        self._counts[rule_id] += 1
        count = self._counts[rule_id]
        if severity == "ok" or count > SHOWN_PER_RULE + 1:
            return
        if count > SHOWN_PER_RULE:
            self.diagnostics.append(Diagnostic(rule_id, "and more like this", "", severity))
            return
        details = ", ".join(f"{name}={shown(value)}" for name, value in seen.items())
        self.diagnostics.append(Diagnostic(rule_id, f"{message} ({details})" if details else message, str(where), severity))
