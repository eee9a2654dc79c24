"""What is printed where: results on standard output, notes on standard error, both plain when they are no terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import click

from refexec.errors import shown

__all__ = ["note", "paint", "print_json", "say", "table", "wants_json", "width"]


def width() -> int:
    """Columns of the terminal, COLUMNS if it is set, 80 where the output is no terminal; never below 60."""
    return max(60, shutil.get_terminal_size((80, 24)).columns)


def paint(text: str, colour: str, err: bool = False) -> str:
    """``text`` in a colour where the stream is a terminal and NO_COLOR is not set."""
    stream = sys.stderr if err else sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return click.style(text, fg=colour, bold=True)


def wants_json() -> bool:
    """Whether the verb was called with --json."""
    return bool(click.get_current_context().meta.get("refexec.json"))


def say(text: str) -> None:
    """A result in text form."""
    click.echo(text)


def print_json(value: Mapping[str, Any]) -> None:
    """A result in JSON form; text that a file gave is escaped to ASCII."""
    click.echo(json.dumps(value, indent=1, allow_nan=False))


def note(text: str) -> None:
    """A remark, on standard error; not with --quiet."""
    if not click.get_current_context().meta.get("refexec.quiet"):
        lines = textwrap.wrap(shown(text, 4000), width(), initial_indent="note: ", subsequent_indent="      ", break_on_hyphens=False)
        click.echo("\n".join(lines), err=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], flexible: int, right: Sequence[int] = (), indent: str = "") -> list[str]:
    """Lines of a table that fits the terminal: the column ``flexible`` is wrapped, ``right`` are aligned to the right.

    Other columns are as wide as their longest cell, but for those that must give way. Cells are shown with control characters escaped.
    """
    cells = [[shown(c, 2000) for c in row] for row in rows]
    sizes = [min(30, max(len(c) for c in column)) for column in zip(head, *cells, strict=True)]
    longest = max(len(row[flexible]) for row in (head, *cells))
    least = min(longest, 12)
    sizes[flexible] = 0
    while (room := width() - len(indent) - 2 * (len(head) - 1) - sum(sizes)) < least and max(sizes) > 8:
        sizes[sizes.index(max(sizes))] -= 1
    sizes[flexible] = max(least, min(longest, room))
    lines = []
    for row in (head, ["-" * s for s in sizes], *cells):
        parts = [textwrap.wrap(c, s, break_on_hyphens=False) or [""] for c, s in zip(row, sizes, strict=True)]
        for k in range(max(map(len, parts))):
            line = [p[k] if k < len(p) else "" for p in parts]
            fitted = [f"{c:>{s}}" if i in right else f"{c:<{s}}" for i, (c, s) in enumerate(zip(line, sizes, strict=True))]
            lines.append((indent + "  ".join(fitted)).rstrip())
    return lines
