"""Digests of the reviewed schemas: ``python -m conformance.digests`` shows what changed, ``--write`` accepts it.

onnx edits released operator versions in place now and then. The digests of the schemas that the operators were written
against ship with the package; a schema with another digest has to be read again before ``--write``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import refexec
from refexec.schema import all_signatures, schema_digest

__all__ = ["DIGESTS", "changes", "current_digests"]

DIGESTS = Path(next(iter(refexec.__path__))) / "schema_digests.json"
LENGTH = 16  # hexadecimal digits kept: 64 bits


def current_digests() -> dict[str, str]:
    """``domain:operator:since_version`` -> digest, of the installed onnx."""
    return {f"{d}:{name}:{since}": schema_digest(d, name, since)[:LENGTH] for d, name, since in sorted(all_signatures())}


def changes() -> list[str]:
    """What differs from the shipped digests: one line per schema."""
    shipped = json.loads(DIGESTS.read_text(encoding="utf-8")) if DIGESTS.exists() else {}
    found = current_digests()
    lines = [f"new: {key}" for key in found.keys() - shipped.keys()]
    lines += [f"gone: {key}" for key in shipped.keys() - found.keys()]
    lines += [f"changed: {key}" for key in found.keys() & shipped.keys() if found[key] != shipped[key]]
    return sorted(lines)


def _text(digests: dict[str, str]) -> str:
    """JSON, one operator a line."""
    lines: dict[str, list[str]] = {}
    for key, digest in digests.items():
        lines.setdefault(key.rpartition(":")[0], []).append(f"{json.dumps(key)}: {json.dumps(digest)}")
    return "{\n" + ",\n".join(", ".join(entries) for entries in lines.values()) + "\n}\n"


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.digests", description=__doc__)
    parser.add_argument("--write", action="store_true", help="accept the schemas of the installed onnx")
    options = parser.parse_args(None if arguments is None else list(arguments))
    lines = changes()
    print("\n".join(lines) or "no difference")
    if options.write and lines:
        DIGESTS.write_text(_text(current_digests()), encoding="utf-8")
        return 0
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
