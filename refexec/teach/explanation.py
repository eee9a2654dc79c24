"""One operator at one version, explained: :func:`explain`, and its forms for a terminal, a notebook and programs."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from refexec.errors import UnsupportedOperator, shown
from refexec.registry import Operator, lookup
from refexec.schema import Attribute, Parameter, Signature, all_signatures, normalize_domain, signature, standard_domains
from refexec.teach.changes import CLASSES, bumps, changes, version_before
from refexec.teach.definitions import Definition, definitions, rules
from refexec.teach.examples import Example, Result, examples_of
from refexec.teach.known import Difference, known_differences
from refexec.teach.notation import write_value

__all__ = ["Explanation", "explain"]

Paint = Callable[[str, str], str]
Section = tuple[str, list[str]]
EXPERIMENTAL = "experimental in onnx 1.0 to 1.4, then removed"


@dataclass(frozen=True)
class Worked:
    """A worked example with what it gives now."""

    example: Example
    result: Result
    before: tuple[int, Result] | None  # the version before, and what it gives for the same node and inputs


@dataclass(frozen=True)
class Change:
    """One version of the operator, and what it changed."""

    since: int
    kind: str  # a key of CLASSES
    details: tuple[str, ...]


def explain(name: str, *, opset: int | None = None, domain: str = "") -> Explanation:
    """What an operator means at an opset: ``explain("Softmax", opset=11)``.

    Args:
        name: the operator, ``"ai.onnx.ml:Scaler"`` for one of another domain.
        opset: the opset version of its domain; the newest when None.
        domain: the operator's domain, where the name does not say it.

    Returns:
        An :class:`Explanation`: print it, or let a notebook show it.

    Raises:
        UnsupportedOperator: the standard has no such operator, or none at this opset.
        UnsupportedOpset: the installed onnx does not know this opset.
    """
    if not domain and ":" in name:
        domain, name = name.split(":", 1)
    domain = normalize_domain(domain)
    homes = sorted({d for d, n, _ in all_signatures() if n == name})
    if not domain and len(homes) == 1:
        domain = homes[0]  # a name that only one domain has needs no domain
    if domain not in standard_domains():
        raise UnsupportedOperator("only operators of the standard's domains are explained", domain=domain, op_type=name)
    found = signature(domain, name, standard_domains()[domain] if opset is None else opset)
    return Explanation(found, lookup(domain, name, found.since), opset)


@dataclass(frozen=True)
class Explanation:
    """An operator version: signature, formula, definition, changes, worked examples run live, known differences."""

    signature: Signature
    operator: Operator
    opset: int | None  # what was asked for

    @property
    def label(self) -> str:
        """``Softmax-11``."""
        return self.signature.label

    @property
    def formula(self) -> str:
        """The docstring of the definition: the formula or sentence, then the cases (NaN, empty, ties, rounding)."""
        return inspect.getdoc(self.operator.function) or ""

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """The function that runs, then what it is built on."""
        return definitions(self.operator.function)

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """What is demanded of inputs and attributes."""
        return rules(self.operator.function)

    @cached_property
    def history(self) -> tuple[Change, ...]:
        """All versions of the operator, oldest first; none of one that was experimental and then removed."""
        domain, name = self.signature.domain, self.signature.name
        versions = sorted(v for d, n, v in all_signatures() if (d, n) == (domain, name))
        made = []
        for older, version in zip([None, *versions], versions, strict=False):
            details = () if older is None else changes(all_signatures()[domain, name, older], all_signatures()[domain, name, version])
            made.append(Change(version, bumps()[domain, name, version], tuple(details)))
        return tuple(made)

    @cached_property
    def worked(self) -> tuple[Worked, ...]:
        """The worked examples of this version, run now."""
        key = self.signature.domain, self.signature.name, self.signature.since
        return tuple(self._run(example) for example in examples_of(*key))

    def _run(self, example: Example) -> Worked:
        before = version_before(self.signature.domain, self.signature.name, example.versions[0])
        earlier = (before, example.run(before)) if example.before is not None and before is not None else None
        return Worked(example, example.run(self.signature.since), earlier)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Known differences between the specification and other engines that touch this version."""
        key, since = (self.signature.domain, self.signature.name), self.signature.since
        return tuple(row for row in known_differences().values() if row.key == key and since in row.versions)

    # Forms ---------------------------------------------------------------------------------------------------------------

    def sections(self) -> Iterator[Section]:
        """Titles with lines; lines of source and values begin with four spaces."""
        yield "Signature", self._signature_lines()
        below = [d for d in self.definitions[1:] if d.operator]
        yield "Meaning", [*_paragraphs(self.formula), *(f"- {d.name}: {d.summary}" for d in below)]
        if self.rules:
            yield "Rules", [f"- {rule}" for rule in self.rules]
        yield "Definition", self._definition_lines()
        if self.history:
            yield "Versions", [line for change in self.history for line in _change_lines(change, self.signature.since)]
        if self.worked:
            yield "Worked examples", [line for worked in self.worked for line in _worked_lines(worked, self.signature.since)][:-1]
        if self.differences:
            yield "Known differences", [line for row in self.differences for line in row.lines()]

    def _signature_lines(self) -> list[str]:
        sig = self.signature
        lines = [str(sig), ""]
        lines += [f"- input {_formal(p)}" for p in sig.inputs]
        lines += [f"- output {_formal(p)}" for p in sig.outputs]
        for a in sig.attributes.values():
            default = "required" if a.required else "no default" if a.default is None else f"default {str(a).partition('=')[2]}"
            lines.append(f"- attribute {a.name}: {a.type}, {default}")
        lines += [f"- {variable}: {', '.join(sorted(map(str, allowed)))}" for variable, allowed in sig.variables.items()]
        entry = self.operator
        lines.append(f"- arithmetic {entry.arithmetic}; results are compared {entry.comparison}")
        return lines + (["- deprecated in this version"] if sig.deprecated else [])

    def _definition_lines(self) -> list[str]:
        lines: list[str] = []
        for made in self.definitions:
            lines += [f"{made.file}, line {made.line}:", *(f"    {line}" for line in made.source.splitlines()), ""]
        return lines[:-1]

    def text(self, width: int = 80, paint: Paint = lambda text, colour: text) -> str:
        """Plain text, wrapped to ``width`` columns; ``paint(text, colour)`` may colour titles and source."""
        asked = f"opset {self.opset} means version {self.signature.since}" if self.opset not in (None, self.signature.since) else ""
        others = f"versions {', '.join(str(change.since) for change in self.history)}" if self.history else EXPERIMENTAL
        heading = f"{self.signature.folder}; {asked + '; ' if asked else ''}{others}"
        lines = [paint(self.label, "cyan"), *textwrap.wrap(heading, width)]
        for title, content in self.sections():
            lines += ["", paint(title, "yellow"), *(line for text in content for line in _wrapped(text, width))]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<refexec.Explanation {self.label}>"

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.label)}</h3>"]
        for title, content in self.sections():
            opened = title in ("Signature", "Meaning", "Worked examples")
            body = _html(content)
            parts.append(f"<details{' open' if opened else ''}><summary><b>{escape(title)}</b></summary>{body}</details>")
        return "".join(parts)

    def to_json(self) -> dict[str, Any]:
        """As plain values; the form of ``refexec explain --json``."""
        sig = self.signature
        return {
            "domain": sig.domain or "ai.onnx", "name": sig.name, "since": sig.since, "opset": self.opset, "group": sig.folder,
            "deprecated": sig.deprecated, "signature": str(sig),
            "inputs": [_parameter_json(p) for p in sig.inputs], "outputs": [_parameter_json(p) for p in sig.outputs],
            "attributes": [_attribute_json(a) for a in sig.attributes.values()],
            "types": {variable: sorted(map(str, allowed)) for variable, allowed in sig.variables.items()},
            "arithmetic": self.operator.arithmetic, "comparison": str(self.operator.comparison), "meaning": self.formula,
            "rules": list(self.rules),
            "definitions": [{"name": d.name, "file": d.file, "line": d.line, "source": d.source} for d in self.definitions],
            "versions": [{"since": c.since, "change": c.kind, "means": CLASSES[c.kind], "details": list(c.details)} for c in self.history],
            "examples": [_worked_json(w) for w in self.worked],
            "differences": [row.to_json() for row in self.differences],
        }  # fmt: skip


def _paragraphs(text: str) -> list[str]:
    """Lines of a docstring: those of a paragraph joined, items of a list and lines that are set in kept."""
    lines: list[str] = []
    for line in text.splitlines():
        joins = line and lines and lines[-1] and line[0] not in " -" and lines[-1][0] != " "
        lines[-1:] = [f"{lines[-1]} {line}"] if joins else [*lines[-1:], line]
    return lines


def _formal(parameter: Parameter) -> str:
    option = {"required": "", "optional": ", optional", "variadic": f", {parameter.min_arity} or more"}[parameter.option]
    return f"{parameter.name}: {parameter.type_str}{option}"


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
    return {"name": parameter.name, "type": parameter.type_str, "option": parameter.option}


def _attribute_json(attribute: Attribute) -> dict[str, Any]:
    default = list(attribute.default) if isinstance(attribute.default, list | tuple) else attribute.default
    return {"name": attribute.name, "type": attribute.type, "required": attribute.required, "default": default}


def _change_lines(change: Change, current: int) -> list[str]:
    mark = "*" if change.since == current else "-"
    lines = [f"{mark} {change.since}: {CLASSES[change.kind]}"]
    return lines + [f"  {detail}" for detail in change.details]


def _worked_lines(worked: Worked, since: int) -> list[str]:
    example = worked.example
    lines = [f"    {line}" for line in example.node.strip().splitlines()]
    lines += [f"    {name} = {write_value(value)}" for name, value in example.feeds().items()]
    lines += [f"    {line}" for line in _result_lines(worked.result, f"version {since}")]
    lines.append(example.why)
    if worked.before is not None and example.before is not None:
        lines += [f"    {line}" for line in _result_lines(worked.before[1], f"version {worked.before[0]}")]
        lines += [example.before.same] if example.before.same else []
    return [*lines, ""]


def _result_lines(result: Result, label: str) -> list[str]:
    if result.error is not None:
        return [f"{label}: {result.error.code}: {shown(str(result.error), 1000)}"]
    return [f"{label}: {name} = {write_value(value)}" for name, value in result.values.items()]


def _worked_json(worked: Worked) -> dict[str, Any]:
    def outcome(result: Result) -> dict[str, Any]:
        values = {name: write_value(value) for name, value in result.values.items()}
        return {"outputs": values, "error": None if result.error is None else f"{result.error.code}: {result.error}"}

    example = worked.example
    before = None if worked.before is None else {"version": worked.before[0], **outcome(worked.before[1])}
    inputs = {name: write_value(value) for name, value in example.feeds().items()}
    return {"node": example.node.strip(), "inputs": inputs, **outcome(worked.result), "why": example.why, "before": before}


def _wrapped(line: str, width: int) -> list[str]:
    """A line of text, or of source (four spaces first), broken at spaces; what follows a break is set in."""
    if len(line) <= width:
        return [line]
    indent = len(line) - len(line.lstrip())
    paragraph = line[0] not in " -*" and ") -> " not in line
    hang = " " * (0 if paragraph else indent + (8 if line.startswith("    ") else 2))
    wrapped = textwrap.wrap(line.strip(), width, initial_indent=" " * indent, subsequent_indent=hang, break_on_hyphens=False)
    return wrapped or [line]


def _html(content: Sequence[str]) -> str:
    parts, code = [], []
    for line in [*content, ""]:
        if line.startswith("    "):
            code.append(escape(line[4:]))
            continue
        if code:
            parts.append(f"<pre>{chr(10).join(code)}</pre>")
            code = []
        if line:
            parts.append(f"<div>{escape(line)}</div>")
    return "".join(parts)
