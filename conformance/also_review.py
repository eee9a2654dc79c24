"""What onnx.defs says differently about two versions that share one body: ``python -m conformance.also_review [--write]``.

``@op(..., also=...)`` claims that a later version means the same. For each such step the two schemas are compared mechanically: attributes,
defaults, inputs, outputs, arity, function body and every sentence of the text; only element types are left out. Each difference has a row
in ``also_review.toml`` with both texts and the verdict of a reader. ``--write`` adds rows for new differences, without a verdict, and
keeps the verdicts of rows whose texts are as they were; the test fails for a row without one.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from onnx import defs

from refexec.registry import operators

__all__ = ["TABLE", "Difference", "differences", "reviewed"]

TABLE = Path(__file__).parent / "also_review.toml"
HEAD = """# Versions that share one body, where their schemas differ in more than element types: both texts, and why one body serves both.
# Written by `python -m conformance.also_review --write`; the verdicts are a reader's.
"""


@dataclass(frozen=True)
class Difference:
    """One part of the schemas of two versions that differs. ``before`` and ``after`` hold only what differs."""

    operator: str  # "Softmax", "ai.onnx.ml:Scaler"
    older: int
    newer: int
    part: str  # "doc", "attribute axis", "input X", "output Y", "arity", "function body"
    before: str
    after: str

    @property
    def key(self) -> tuple[str, int, int, str]:
        return self.operator, self.older, self.newer, self.part


def steps() -> Iterator[tuple[str, str, int, int]]:
    """(domain, operator, older, newer): consecutive versions that one body serves."""
    schemas = {(s.domain, s.name, s.since_version) for s in defs.get_all_schemas_with_history()}
    served: dict[tuple[str, str, Any], list[int]] = defaultdict(list)
    for (domain, name, since), operator in operators().items():
        if (domain, name, since) in schemas:
            served[domain, name, operator.function].append(since)
    for (domain, name, _), versions in sorted(served.items(), key=lambda item: (item[0][:2], min(item[1]))):
        ordered = sorted(versions)
        yield from ((domain, name, older, newer) for older, newer in pairwise(ordered))


def differences() -> list[Difference]:
    """All of them, by operator and version."""
    found = []
    for domain, name, older, newer in steps():
        label = f"{domain}:{name}" if domain else name
        before, after = (_parts(defs.get_schema(name, version, domain)) for version in (older, newer))
        for part in sorted(before.keys() | after.keys()):
            was, now = before.get(part, ""), after.get(part, "")
            if _words(was) != _words(now):
                found.append(Difference(label, older, newer, part, *_only_differing(was, now)))
    return found


def _parts(schema: Any) -> dict[str, str]:
    """Everything that a schema says but for element types."""
    parts = {"doc": schema.doc or ""}
    for kind, formals in (("input", schema.inputs), ("output", schema.outputs)):
        for formal in formals:
            parts[f"{kind} {formal.name}"] = f"{formal.option.name}. {formal.description or ''}"
    for name, attribute in schema.attributes.items():
        default = str(attribute.default_value).replace("\n", " ").strip() if attribute.default_value.name else "none"
        required = "required" if attribute.required else f"default {default}"
        parts[f"attribute {name}"] = f"{attribute.type.name}, {required}. {attribute.description or ''}"
    parts["arity"] = f"{schema.min_input} to {schema.max_input} inputs, {schema.min_output} to {schema.max_output} outputs"
    has_body = schema.has_function or schema.has_context_dependent_function
    parts["function body"] = "has one" if has_body else "has none"
    return parts


def _words(text: str) -> list[str]:
    return text.split()


def _sentences(text: str) -> list[str]:
    pieces = re.split(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=\s*[-*|])", text)
    return [" ".join(piece.split()) for piece in pieces if piece.split()]


def _only_differing(before: str, after: str) -> tuple[str, str]:
    was, now = _sentences(before), _sentences(after)
    blocks = [b for b in difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes() if b[0] != "equal"]
    return "\n".join(s for _, a, b, _, _ in blocks for s in was[a:b]), "\n".join(s for _, _, _, a, b in blocks for s in now[a:b])


@cache
def reviewed() -> Mapping[tuple[str, int, int, str], Mapping[str, Any]]:
    """The rows of also_review.toml, by operator, versions and part."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8")).get("row", []) if TABLE.exists() else []
    return {(row["operator"], row["older"], row["newer"], row["part"]): row for row in rows}


def problems() -> list[str]:
    """Differences without a row, rows whose texts are no longer those of the schemas, rows without a verdict, stale rows."""
    found, rows = differences(), reviewed()
    lines = [f"no row: {d.key}" for d in found if d.key not in rows]
    lines += [
        f"other texts: {d.key}" for d in found if d.key in rows and (rows[d.key]["before"], rows[d.key]["after"]) != (d.before, d.after)
    ]
    lines += [f"no verdict: {key}" for key, row in rows.items() if not row["verdict"].strip()]
    return lines + [f"stale row: {key}" for key in rows.keys() - {d.key for d in found}]


def _toml(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"""\n{escaped}"""' if "\n" in value else f'"{escaped}"'


def text() -> str:
    """The table anew: verdicts are kept where the texts are the same."""
    blocks = [HEAD]
    for d in differences():
        row = reviewed().get(d.key)
        verdict = row["verdict"] if row is not None and (row["before"], row["after"]) == (d.before, d.after) else ""
        fields = {
            "operator": d.operator,
            "older": d.older,
            "newer": d.newer,
            "part": d.part,
            "before": d.before,
            "after": d.after,
            "verdict": verdict,
        }
        blocks.append("\n".join(["[[row]]", *(f"{name} = {v if isinstance(v, int) else _toml(v)}" for name, v in fields.items())]) + "\n")
    return "\n".join(blocks)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.also_review", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} anew, with the verdicts that still apply")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.write:
        TABLE.write_text(text(), encoding="utf-8")
        reviewed.cache_clear()
    for line in problems():
        print(line)
    print(f"{len(differences())} differences, {len(problems())} open")
    return 1 if problems() else 0


if __name__ == "__main__":
    sys.exit(main())
