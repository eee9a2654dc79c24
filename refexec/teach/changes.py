"""What changed from one version of an operator to the next: the class of the change, and the schemas compared."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

from refexec.schema import Signature, all_signatures

__all__ = ["CLASSES", "bumps", "changes", "version_before"]

Key = tuple[str, str, int]

CLASSES = {
    "first": "the first version",
    "types": "more element types; the meaning is the same",
    "edit": "the text was reworded; the meaning is the same",
    "legacy-attr": "consumed_inputs, a hint to runtimes without effect on the result, was dropped",
    "additive": "a new attribute or input, whose default keeps the old behaviour",
    "widen": "more inputs are legal",
    "rebind": "an attribute became an input",
    "semantic": "the same node means something else",
    "deprecate": "deprecated",
}
"""What each class of a change means to a reader."""


@cache
def bumps() -> Mapping[Key, str]:
    """(domain, operator, since_version) -> class of the change from the version before, a key of CLASSES: bumps.csv."""
    text = (resources.files("refexec.teach") / "bumps.csv").read_text(encoding="utf-8")
    table = csv.DictReader(text.splitlines())
    rows = [(row["domain"], row["op"], change.partition(":")) for row in table for change in row["changes"].split()]
    return {(domain, name, int(since)): bump for domain, name, (since, _, bump) in rows}


def version_before(domain: str, name: str, version: int) -> int | None:
    """The since_version before this one; None for an operator's first."""
    older = [v for d, n, v in all_signatures() if (d, n) == (domain, name) and v < version]
    return max(older, default=None)


def changes(older: Signature, newer: Signature) -> list[str]:
    """What the two schemas say differently: inputs, outputs, attributes, defaults, element types. One short line each."""
    lines = []
    for kind, before, after in (("input", older.inputs, newer.inputs), ("output", older.outputs, newer.outputs)):
        was, now = {p.name: p for p in before}, {p.name: p for p in after}
        lines += [f"new {kind} {name}" for name in now if name not in was]
        lines += [f"{kind} {name} is gone" for name in was if name not in now]
        lines += [f"{kind} {n} is {now[n].option}, was {was[n].option}" for n in now if n in was and now[n].option != was[n].option]
    had, has = older.attributes, newer.attributes
    lines += [f"new attribute {has[name]}" for name in has if name not in had]
    lines += [f"attribute {name} is gone" for name in had if name not in has]
    lines += [f"attribute {has[n]}, was {had[n]}" for n in has if n in had and str(has[n]) != str(had[n])]
    for variable, allowed in newer.variables.items():
        before_types = older.variables.get(variable)
        if before_types is None:
            continue
        more = sorted(str(t) for t in allowed - before_types)
        fewer = sorted(str(t) for t in before_types - allowed)
        lines += [f"{variable} may also be {', '.join(more)}"] if more else []
        lines += [f"{variable} may not be {', '.join(fewer)}"] if fewer else []
    return lines
