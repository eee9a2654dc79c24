"""The findings of a campaign, put together by what is probably one cause: operators with versions, target and kind of fault."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Cause", "causes", "markdown", "read"]


@dataclass(frozen=True)
class Cause:
    """Findings of one cause, the smallest first: records of ``finding.json`` with ``folder``."""

    operators: str  # "Clip-6", or those of a finding of several nodes
    kind: str
    target: str
    findings: tuple[Mapping[str, Any], ...]

    @property
    def blame(self) -> str:
        """Who is to blame; "open" where the votes of the findings do not agree."""
        found = {str(f["blame"]) for f in self.findings}
        return found.pop() if len(found) == 1 else "open"

    @property
    def known(self) -> tuple[str, ...]:
        """Rows of the known differences that speak of the operator and the target; none is a cause that may be new."""
        return tuple(sorted({row for f in self.findings for row in f["known"]}))

    @property
    def votes(self) -> dict[str, str]:
        """What other engines do on the smallest finding."""
        return dict(self.findings[0]["votes"])

    @property
    def nodes(self) -> int:
        return int(self.findings[0]["nodes"])

    @property
    def folder(self) -> str:
        """Of the smallest finding."""
        return str(self.findings[0]["folder"])

    def to_json(self) -> dict[str, Any]:
        return {
            "operators": self.operators, "kind": self.kind, "target": self.target, "blame": self.blame, "known": list(self.known),
            "votes": self.votes, "nodes": self.nodes, "signatures": sorted({str(f["signature"]) for f in self.findings}),
            "folders": [str(f["folder"]) for f in self.findings],
        }  # fmt: skip


def read(folder: Path) -> list[dict[str, Any]]:
    """The records below a campaign's folder."""
    return [{**json.loads(f.read_text("utf-8")), "folder": f.parent.name} for f in sorted(folder.glob("*/finding.json"))]


def causes(records: Iterable[Mapping[str, Any]]) -> list[Cause]:
    """Causes without a known row first, then those with most findings."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for record in records:
        operators = re.split(r"\(| refused$", str(record["signature"]))[0]
        groups.setdefault((operators, str(record["kind"]), str(record["target"])), []).append(record)
    made = [Cause(*key, tuple(sorted(g, key=lambda f: (f["nodes"], f["folder"])))) for key, g in groups.items()]
    return sorted(made, key=lambda c: (bool(c.known), -len(c.findings), c.operators, c.kind, c.target))


def markdown(found: Iterable[Cause]) -> str:
    """A report: a table of the causes, then each with its signatures and the words of its smallest finding."""
    listed = list(found)
    lines = [
        f"# {sum(len(c.findings) for c in listed)} findings of {len(listed)} causes", "",
        "| cause | kind | target | blame | findings | nodes | known | votes |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for c in listed:
        votes = ", ".join(f"{who} {what}" for who, what in c.votes.items())
        cells = (c.operators, c.kind, c.target, c.blame, len(c.findings), c.nodes, ", ".join(c.known) or "new", votes)
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    for cause in listed:
        lines += ["", f"## {cause.operators} {cause.kind} ({cause.target})", "", _quote(str(cause.findings[0]["detail"])), ""]
        lines += [f"- `{f['signature']}`: [{f['folder']}]({f['folder']}/model.txt), seed {f['seed']}" for f in cause.findings]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines() or [""])
