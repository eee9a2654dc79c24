"""A validator for the part of JSON Schema that the shipped schemas use; a keyword that it does not know is an error."""

from __future__ import annotations

import json
from typing import Any

from tests.imports import ROOT

FOLDER = ROOT / "refexec" / "cli" / "schemas"
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),), "array": (list,), "object": (dict,),
}  # fmt: skip
KNOWN = {"$schema", "title", "$defs", "$ref", "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const"}


def schema(name: str) -> dict[str, Any]:
    """A shipped schema."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def validated(text: str, name: str) -> Any:
    """The value of a JSON text that fits a schema; raises AssertionError where it does not, ValueError for NaN and Infinity."""
    value = json.loads(text, parse_constant=_refuse)
    faults = wrong(value, schema(name), schema(name))
    assert faults == []
    return value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def wrong(value: Any, rule: Any, root: dict[str, Any], where: str = "$") -> list[str]:
    """Every place where a value does not fit."""
    assert rule.keys() <= KNOWN, f"keywords that this validator does not know: {rule.keys() - KNOWN}"
    if "$ref" in rule:
        return wrong(value, root["$defs"][rule["$ref"].removeprefix("#/$defs/")], root, where)
    if "anyOf" in rule:
        tried = [wrong(value, option, root, where) for option in rule["anyOf"]]
        return [] if [] in tried else [f"{where}: fits none of {tried}"]
    if "const" in rule and (value != rule["const"] or type(value) is not type(rule["const"])):
        return [f"{where}: {value!r} is not {rule['const']!r}"]
    if "enum" in rule and value not in rule["enum"]:
        return [f"{where}: {value!r} is none of {rule['enum']}"]
    kind = rule.get("type")
    if kind and (not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{where}: {value!r} is no {kind}"]
    faults: list[str] = []
    if kind == "array":
        for i, item in enumerate(value):
            faults += wrong(item, rule["items"], root, f"{where}[{i}]")
    if kind == "object":
        known, more = rule.get("properties", {}), rule.get("additionalProperties", True)
        faults += [f"{where}: {name!r} is missing" for name in rule.get("required", ()) if name not in value]
        for name, item in value.items():
            if name in known:
                faults += wrong(item, known[name], root, f"{where}.{name}")
            elif isinstance(more, dict):
                faults += wrong(item, more, root, f"{where}.{name}")
            elif not more:
                faults.append(f"{where}: {name!r} is not foreseen")
    return faults
