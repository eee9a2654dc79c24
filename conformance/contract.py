"""What the schema of an operator demands of the function that implements it, as checks that return what is wrong."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import refexec
from refexec.registry import Key, Operator
from refexec.schema import Attribute, Parameter, Signature, all_signatures
from refexec.teach.changes import bumps
from refexec.types import TensorType

__all__ = [
    "also_problems",
    "bumps",
    "current_operators",
    "declaration_problems",
    "operator_problems",
    "signature_problems",
    "type_problems",
]

# A bump of class "widen" admits more inputs and changes what none means: refexec admits them in the older version too, as
# onnxruntime does (docs/architecture.md, Decisions).
SAME_BEHAVIOUR = {"types", "legacy-attr", "edit", "widen"}
"""Classes of version bumps that leave the meaning alone; only these may be crossed by ``also=``."""

LEGACY = {"consumed_inputs"}
"""An attribute of the first opsets that told a runtime which buffers it may overwrite."""


def current_operators() -> dict[tuple[str, str], int]:
    """The newest since_version of each operator of the installed onnx."""
    newest: dict[tuple[str, str], int] = defaultdict(int)
    for domain, name, since in all_signatures():
        newest[domain, name] = max(newest[domain, name], since)
    return dict(newest)


def operator_problems(operator: Operator, schema: Signature) -> list[str]:
    """Everything that the registration of one version can get wrong."""
    return [
        *signature_problems(operator, schema),
        *type_problems(operator, schema),
        *_place_problems(operator, schema),
        *_rename_problems(operator, schema),
    ]


def signature_problems(operator: Operator, schema: Signature) -> list[str]:
    """Inputs are positional-only, attributes keyword-only, under the schema's names, in its order, with its defaults."""
    parameters = list(inspect.signature(operator.function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    keywords = {p.name: p for p in parameters if p.kind == p.KEYWORD_ONLY and p.name != "ctx"}
    rest = any(p.kind == p.VAR_KEYWORD for p in parameters)
    found = [f"{p.name!r} can be passed by keyword: inputs are positional-only" for p in positional if p.kind == p.POSITIONAL_OR_KEYWORD]
    names, formal = [p.name for p in positional], [i.name for i in schema.inputs]
    if names != formal:
        found.append(f"inputs {names} are not the schema's {formal}")
    else:
        found += [problem for p, i in zip(positional, schema.inputs, strict=True) for problem in _input_problems(p, i)]
    attributes = {operator.renames.get(a.name, a.name): a for a in schema.attributes.values() if a.name not in LEGACY}
    found += [f"the schema has no attribute {name!r}" for name in keywords if name not in attributes and name not in LEGACY]
    if not rest:
        found += [f"attribute {name!r} is missing" for name in attributes if name not in keywords]
    return found + [p for name, a in attributes.items() if name in keywords for p in _default_problems(keywords[name], a)]


def _input_problems(parameter: inspect.Parameter, formal: Parameter) -> Iterator[str]:
    if (parameter.kind == parameter.VAR_POSITIONAL) != (formal.option == "variadic"):
        yield f"input {formal.name!r} is {formal.option}, the parameter is {parameter}"
    if formal.option == "optional" and parameter.default is not None:
        yield f"optional input {formal.name!r} needs the default None"
    if formal.option == "required" and parameter.default not in (parameter.empty, None):
        yield f"required input {formal.name!r} has a default"


def _default_problems(parameter: inspect.Parameter, attribute: Attribute) -> Iterator[str]:
    default = parameter.default
    if attribute.required and default is not parameter.empty:
        yield f"required attribute {attribute.name!r} has the default {default!r}"
    elif not attribute.required and attribute.default is None and default is not None:
        yield f"attribute {attribute.name!r} has no default in the schema: None, not {default!r}"
    elif attribute.default is not None and not _equal(attribute, default):
        yield f"attribute {attribute.name!r} has the default {attribute.default!r}, not {default!r}"


def _equal(attribute: Attribute, default: Any) -> bool:
    if default is inspect.Parameter.empty or default is None:
        return False
    if attribute.type in ("FLOAT", "FLOATS"):
        return np.array_equal(np.asarray(attribute.default, np.float32), np.asarray(default, np.float32), equal_nan=True)
    if isinstance(attribute.default, list):
        return isinstance(default, (list, tuple)) and list(default) == attribute.default
    return type(default) is type(attribute.default) and bool(default == attribute.default)


def type_problems(operator: Operator, schema: Signature) -> list[str]:
    """Without ``result_types`` every output's type follows from an input that is always there, or is the only one allowed;
    an operator with an output of integers or booleans only is never ``rounded``."""
    found = []
    if operator.result_types is None:
        fixed = {i.type_str for i in schema.inputs if i.option != "optional" and i.homogeneous}
        for output in schema.outputs:
            if len(output.types) > 1 and not (output.type_str in fixed and output.homogeneous):
                found.append(f"the type of output {output.name!r} follows from no input: result_types is needed")
    if operator.arithmetic == "rounded":
        for output in schema.outputs:
            if all(isinstance(t, TensorType) and t.elem.kind in ("int", "uint", "bool", "string") for t in output.types):
                found.append(f"output {output.name!r} is discrete: the arithmetic is exact or stated, not rounded")
    return found


def _place_problems(operator: Operator, schema: Signature) -> Iterator[str]:
    prefix = f"refexec.ops.{schema.folder}"
    module = operator.function.__module__
    if module != prefix and not module.startswith(prefix + "."):
        yield f"stands in {module}, onnx/defs has it in {schema.folder}"
    if not inspect.getdoc(operator.function):
        yield "has no docstring"


def _rename_problems(operator: Operator, schema: Signature) -> Iterator[str]:
    clashes = {i.name for i in schema.inputs} & set(schema.attributes)
    if set(operator.renames) != clashes:
        yield f"renamed are {sorted(operator.renames)}; an attribute is renamed when it has the name of an input: {sorted(clashes)}"


def also_problems(registered: Mapping[Key, Operator]) -> list[str]:
    """A body serves several versions only where nothing between them changed but types and wording."""
    bodies: dict[tuple[str, str, Any], list[int]] = defaultdict(list)
    for (domain, name, since), operator in registered.items():
        if (domain, name, since) in bumps():
            bodies[domain, name, operator.function].append(since)
    found = []
    for (domain, name, _), versions in bodies.items():
        first, last = min(versions), max(versions)
        between = sorted(v for d, n, v in bumps() if (d, n) == (domain, name) and first < v <= last)
        for version in between:
            label = f"{domain + ':' if domain else ''}{name}-{version}"
            if version not in versions:
                found.append(f"{label} has another body than version {first} before it and version {last} after it")
            elif bumps()[domain, name, version] not in SAME_BEHAVIOUR:
                found.append(f"{label} shares the body of version {first}, but is a change of class {bumps()[domain, name, version]!r}")
            elif _interface(all_signatures()[domain, name, version]) != _interface(all_signatures()[domain, name, first]):
                found.append(f"{label} shares the body of version {first}, but has another signature")
    return found


def _interface(schema: Signature) -> Any:
    inputs = [(i.name, i.option) for i in schema.inputs]
    attributes = {a.name: (a.type, a.required, repr(a.default)) for a in schema.attributes.values() if a.name not in LEGACY}
    return inputs, [o.name for o in schema.outputs], attributes


def declaration_problems(folder: Path | None = None) -> list[str]:
    """Each ``op(...)`` below refexec/ops says its arithmetic and its comparison, or is ``like=`` a body that does."""
    folder = folder or Path(next(iter(refexec.__path__))) / "ops"
    found = []
    for path in sorted(folder.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "op":
                given = {keyword.arg for keyword in call.keywords}
                missing = {"arithmetic", "compare"} - given if not given & {None, "like"} else set()
                found += [f"{path.relative_to(folder)}:{call.lineno}: op() does not declare {name!r}" for name in sorted(missing)]
    return found
