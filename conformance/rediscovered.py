"""Which rows of the known differences a campaign of generated models met again: ``python -m conformance.rediscovered DIR [--all]``.

A row counts as met where a finding of the campaign is of its operator at one of its versions and of an engine that deviates. Rows about files
and graphs as a whole (operator "model") and rows in which nobody deviates cannot be met. Without ``--all`` only the rows R and O count.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from refexec.teach.known import Difference, known_differences

__all__ = ["reachable", "rediscovered"]

ENGINES = ("onnx.reference", "onnxruntime")


def reachable(every: bool) -> list[Difference]:
    """The rows that a generated model can show."""
    rows = [r for r in known_differences().values() if r.operator != "model" and set(r.deviates) & set(ENGINES)]
    return [r for r in rows if every or re.fullmatch(r"[RO]\d+", r.id)]


def rediscovered(folder: Path) -> set[str]:
    """The rows that the findings in a folder name."""
    return {row for file in folder.glob("*/finding.json") for row in json.loads(file.read_text("utf-8"))["known"]}


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.rediscovered", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="of a campaign")
    parser.add_argument("--all", action="store_true", help="all rows, not R and O alone")
    options = parser.parse_args(None if arguments is None else list(arguments))
    rows, met = reachable(options.all), rediscovered(options.folder)
    for row in rows:
        print(f"{'met   ' if row.id in met else 'missed'} {row.id:36} {row.operator} {list(row.versions)}: {', '.join(row.deviates)}")
    count = sum(row.id in met for row in rows)
    print(f"{count} of {len(rows)} met ({100 * count / max(len(rows), 1):.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
