"""``refexec ops``: the operators and their versions."""

from __future__ import annotations

import inspect
import textwrap
from collections import defaultdict
from difflib import get_close_matches
from typing import Any

import click

from refexec.cli.options import common
from refexec.cli.terminal import paint, print_json, say, table, wants_json, width
from refexec.errors import shown


@click.command()
@click.argument("name", required=False)
@click.option("--domain", help="Only this domain: ai.onnx, ai.onnx.ml, ...")
@click.option("--opset", type=click.IntRange(1), help="Only the versions that an import of this opset means. Default domain: ai.onnx.")
@click.option("--missing", is_flag=True, help="Only versions that are not implemented.")
@click.option("--known", is_flag=True, help="Where specification and runtimes are known to disagree.")
@common
def ops(name: str | None, domain: str | None, opset: int | None, missing: bool, known: bool) -> None:
    """List the operators with the versions that refexec implements; with NAME, the signatures and definitions of its versions.

    \b
    refexec ops                     all of them, with arithmetic and how results may be compared
    refexec ops Softmax             one, with every version
    refexec ops Softmax --opset 11  what opset 11 means
    refexec ops --missing           what is not implemented
    refexec ops [NAME] --known      where specification and runtimes disagree
    """
    from refexec.schema import normalize_domain

    if opset is not None and domain is None:
        domain = "ai.onnx"
    entries = all_entries()
    wanted = None if domain is None else normalize_domain(domain)
    domains = {e["domain"] for e in entries}
    if wanted is not None and wanted not in domains:
        raise click.BadParameter(f"no operators of domain {domain!r}; there are {', '.join(d or 'ai.onnx' for d in sorted(domains))}")
    if name is not None:
        check_name(name, entries)
    if known:
        print_known(name, wanted)
        return
    found = [e for e in entries if (wanted is None or e["domain"] == wanted) and (name is None or e["name"] == name)]
    if opset is not None:
        found = at_opset(found, opset)
    if missing:
        found = [e for e in found if not e["implemented"]]
    if wants_json():
        print_json({"schema": "refexec.ops/1", "operators": [{**e, "domain": e["domain"] or "ai.onnx"} for e in found]})
    elif name is not None:
        say("\n\n".join(described(e) for e in found) or f"{name} has no such version")
    else:
        say("\n".join(listed(found)))


def check_name(name: str, entries: list[dict[str, Any]]) -> None:
    """Raise a usage error that suggests names unless one of the entries has this one."""
    names = {e["name"] for e in entries}
    if name not in names:
        near = get_close_matches(name, names, n=3) or [n for n in names if n.lower() == name.lower()]
        raise click.BadParameter(f"no operator {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""), param_hint="NAME")


def print_known(name: str | None, domain: str | None) -> None:
    """The rows of the known differences, of one operator or domain where these are given."""
    from refexec.teach.known import known_differences

    rows = [r for r in known_differences().values() if name in (None, r.key[1]) and domain in (None, r.key[0])]
    if wants_json():
        print_json({"schema": "refexec.ops/1", "differences": [row.to_json() for row in rows]})
        return
    for row in rows:
        versions = ", ".join(map(str, row.versions))
        say(paint(f"{row.operator} {versions}", "cyan"))
        for line in row.lines():
            say(textwrap.fill(line, width(), subsequent_indent="  ", initial_indent="" if line.startswith("-") else "  "))
    say(f"{len(rows)} known differences" if rows else "no known difference")


def all_entries() -> list[dict[str, Any]]:
    """One entry per (domain, operator, version): those of the installed onnx and those that are registered."""
    from refexec.registry import operators
    from refexec.schema import all_signatures

    signatures, registered = all_signatures(), operators()
    entries = []
    for key in sorted(signatures.keys() | registered.keys(), key=lambda k: (k[0], k[1], -k[2])):
        signature, operator = signatures.get(key) or experimental(key), registered.get(key)
        function = None if operator is None else operator.function
        entries.append({
            "domain": key[0], "name": key[1], "since": key[2],
            "implemented": operator is not None,
            "deprecated": signature is not None and signature.deprecated,
            "arithmetic": None if operator is None else operator.arithmetic,
            "comparison": None if operator is None or operator.comparison is None else str(operator.comparison),
            "group": None if signature is None else signature.folder,
            "signature": None if signature is None else str(signature),
            "definition": None if function is None else f"{function.__module__}.{function.__qualname__}",
            "doc": None if function is None else inspect.getdoc(function),
        })  # fmt: skip
    return entries


def experimental(key: tuple[str, str, int]) -> Any:
    """The signature of an operator that was experimental; None for any other that onnx.defs does not know."""
    from refexec.experimental import experimental_schema
    from refexec.schema import signature

    return signature(*key) if not key[0] and experimental_schema(key[1]) is not None else None


def at_opset(entries: list[dict[str, Any]], opset: int) -> list[dict[str, Any]]:
    """The newest version of each operator that is not above the opset."""
    from refexec.schema import check_opset

    for domain in {e["domain"] for e in entries}:
        check_opset(domain, opset)
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:  # newest version first
        if entry["since"] <= opset:
            newest.setdefault((entry["domain"], entry["name"]), entry)
    return list(newest.values())


def described(entry: dict[str, Any]) -> str:
    """One version: signature, facts, and the docstring of its definition."""
    label = f"{entry['domain'] + ':' if entry['domain'] else ''}{entry['name']}-{entry['since']}"
    lines = textwrap.wrap(shown(entry["signature"] or label, 4000), width(), subsequent_indent="    ")
    lines[0] = lines[0].replace(label, paint(label, "cyan"), 1)
    if entry["deprecated"]:
        lines.append("  deprecated in this version")
    if entry["group"] == "experiments":
        lines.append("  experimental in onnx 1.0 to 1.4, then removed")
    if not entry["implemented"]:
        return "\n".join([*lines, *([] if entry["deprecated"] else ["  not implemented"])])
    lines.append(f"  arithmetic {entry['arithmetic']}; compared {entry['comparison'] or 'as nothing says'}")
    lines.append(f"  {entry['definition']}")
    lines += [f"  {line}".rstrip() for line in (entry["doc"] or "").splitlines()]
    return "\n".join(lines)


def listed(entries: list[dict[str, Any]]) -> list[str]:
    """A table per domain; versions that are not implemented stand in parentheses."""
    lines: list[str] = []
    by_name: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        by_name[entry["domain"], entry["name"]].append(entry)
    for domain in dict.fromkeys(d for d, _ in by_name):
        rows = []
        for (_, name), versions in ((k, v) for k, v in by_name.items() if k[0] == domain):
            texts = [str(e["since"]) if e["implemented"] else f"({e['since']})" for e in versions]
            known = next((e for e in versions if e["implemented"]), versions[0])
            rows.append((name, " ".join(texts), known["arithmetic"] or "-", known["comparison"] or "-"))
        lines += [*([""] if lines else []), paint(domain or "ai.onnx", "cyan")]
        lines += table(("operator", "versions", "arithmetic", "compared"), rows, 1, indent="  ")
    done = sum(e["implemented"] for e in entries)
    lines += ["", f"{done} of {len(entries)} versions are implemented; (n) is not."]
    lines.append("refexec ops NAME shows one operator.")
    return lines
