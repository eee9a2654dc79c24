"""SCOREBOARD.md: every operator, by bodies and the versions they serve, and what proves each.

``python -m conformance.scoreboard --write`` runs the suite and writes the file. What is registered, and how, is cheap to know:
``test_scoreboard.py`` compares it with the committed file. The results of the backend suite in it are those of the day it was
written; the suite itself is a test and fails on its own.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from conformance.backend_suite import Outcome, run_case
from conformance.cases import KINDS, Case, load_cases
from conformance.contract import bumps, current_operators
from conformance.known import known_differences, unsupported
from refexec.registry import Key, operators
from refexec.schema import all_signatures

__all__ = ["SCOREBOARD", "Tally", "groups", "registration_rows", "render", "tally"]

HERE = Path(__file__).parent
ORIGINS = ("backend", "circular", "expanded")
SCOREBOARD = HERE / "SCOREBOARD.md"
COLUMNS = ("operator", "versions", "change", "body", "arithmetic", "comparison", "types", "backend", "circular", "expanded", "hand")


@dataclass
class Tally:
    """Passed and found tests of one operator version, by what their expected values come from."""

    passed: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)

    def cell(self, origin: str) -> str:
        return f"{self.passed[origin]}/{self.found[origin]}" if self.found[origin] else ""


def origin(case: Case) -> str:
    """``circular``: from onnx.reference; ``expanded``: the graph is the function body; ``backend``: the operator itself, other data."""
    return "circular" if case.circular else "expanded" if case.expanded else "backend"


def resolved(case: Case) -> Key | None:
    """Which version a node test is about: the newest not above the opset that its model imports."""
    if case.operator is None:
        return None
    domain, name, opset = case.operator
    return domain, name, max(v for d, n, v in all_signatures() if (d, n) == (domain, name) and v <= opset)


def tally(outcomes: Mapping[str, Outcome]) -> dict[Key, Tally]:
    """The tests of each version; ``outcomes`` by the id of the case, which may lack some."""
    tallies: dict[Key, Tally] = defaultdict(Tally)
    for case in load_cases("node"):
        key = resolved(case)
        if key is not None:
            tallies[key].found[origin(case)] += 1
            tallies[key].passed[origin(case)] += case.id in outcomes and outcomes[case.id].status == "passed"
    return tallies


def groups(rows: Mapping[Key, tuple[str, ...]]) -> list[list[Key]]:
    """The versions of each operator, those together that follow each other and share a body, or have none."""
    found: list[list[Key]] = []
    for key in sorted(rows):
        last = found[-1][-1] if found else key
        joins = found and last[:2] == key[:2] and (rows[key][1].startswith("as") or rows[key][1] == rows[last][1] == "-")
        found[-1].append(key) if joins else found.append([key])
    return found


def registration_rows() -> dict[Key, tuple[str, ...]]:
    """Per version what the registry and the schema say: change, body, arithmetic, comparison, number of element types."""
    registered = operators()
    rows: dict[Key, tuple[str, ...]] = {}
    first: dict[tuple[str, str, object], int] = {}
    for domain, name, since in sorted(registered):
        first.setdefault((domain, name, registered[domain, name, since].function), since)
    for key, schema in sorted(all_signatures().items()):
        entry = registered.get(key)
        types = str(max((len(allowed) for allowed in schema.variables.values()), default=1))
        change = bumps().get(key, "?")
        if entry is None:
            rows[key] = (change, "-", "", "", types)
            continue
        own = first[key[0], key[1], entry.function]
        body = "own" if own == key[2] else f"as {own}"
        rows[key] = (change, body, entry.arithmetic, str(entry.comparison), types)
    return rows


def hand_tests(folder: Path = HERE.parent / "tests" / "ops") -> Counter[str]:
    """How many test functions below tests/ops name an operator; in a module that names it outside its functions only, all count 1."""
    names = {name for _, name, _ in all_signatures()}
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside: Counter[str] = Counter()
        for function in (item for item in tree.body if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")):
            inside.update(_strings(function) & names)
        counts.update(inside)
        counts.update((_strings(tree) & names) - set(inside))
    return counts


def _strings(item: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(item) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def render(outcomes: Mapping[str, Outcome]) -> str:
    """The text of SCOREBOARD.md. Deterministic: no time, no path."""
    rows, tallies, hand, newest = registration_rows(), tally(outcomes), hand_tests(), current_operators()
    lines = [
        "# Scoreboard",
        "",
        f"Written by `python -m conformance.scoreboard --write` for onnx {onnx.__version__}. Do not edit.",
        "",
        *_totals(rows, outcomes),
        "",
        "Columns. *versions*: those that one body serves; the newest is bold. *change*: what the first of them changed. *body*: own,",
        "or - for none. *types*: element types of the widest type variable. Tests passed/found: *backend* runs the operator against",
        "data of its own; *circular* has data computed by onnx.reference; *expanded* runs the operator's function body. *hand*: test",
        "functions below tests/ops that name the operator, all versions together.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
    ]
    for versions in groups(rows):
        domain, name, _ = versions[0]
        change, body, arithmetic, comparison, _ = rows[versions[0]]
        tests = Tally()
        for key in versions:
            tests.passed.update(tallies[key].passed if key in tallies else {})
            tests.found.update(tallies[key].found if key in tallies else {})
        shown = " ".join(f"**{since}**" if newest[domain, name] == since else str(since) for _, _, since in versions)
        types = rows[versions[-1]][-1]
        cells = [change, body, arithmetic, comparison, types, *map(tests.cell, ORIGINS), str(hand[name] or "")]
        lines.append(f"| {' | '.join([f'{domain}:{name}' if domain else name, shown, *cells])} |")
    return "\n".join([*lines, *_exceptions()]) + "\n"


def _totals(rows: Mapping[Key, tuple[str, ...]], outcomes: Mapping[str, Outcome]) -> list[str]:
    newest = {(d, n, v) for (d, n), v in current_operators().items()}
    have = {key for key, row in rows.items() if row[1] != "-"}
    bodies = [row[1] for row in rows.values()]
    lines = [
        f"- Versions registered: {len(have)} of {len(rows)}; current operators: {len(have & newest)} of {len(newest)}.",
        f"- Bodies: {bodies.count('own')}; versions that share one: {sum(body.startswith('as') for body in bodies)}.",
    ]
    for kind in KINDS:
        cases = load_cases(kind)
        passed = sum(case.id in outcomes and outcomes[case.id].status == "passed" for case in cases)
        known = sum(case.id in known_differences() for case in cases)
        lines.append(f"- Backend tests, {kind}: {passed} of {len(cases)} passed{f', {known} known differences' if known else ''}.")
    node = load_cases("node")
    circular = [case for case in node if case.circular]
    passed = sum(case.id in outcomes and outcomes[case.id].status == "passed" for case in circular)
    lines.append(
        f"- Of the node tests {len(circular)} are circular ({passed} passed), {sum(case.expanded for case in node)} are expanded bodies."
    )
    return lines


def _exceptions() -> list[str]:
    lines = ["", "## Known differences", ""]
    rows = {row.id: row for row in known_differences().values()}
    lines += [
        f"- `{row.id}` ({len(row.tests)} tests; {', '.join(row.deviates)}): {row.spec} {row.derivation}" for row in rows.values()
    ] or ["None."]
    lines += ["", "## Current operators without an implementation", ""]
    listed = [f"- {f'{d}:' if d else ''}{n}-{v}: {reason}" for (d, n, v), reason in sorted(unsupported().items())]
    return lines + (listed or ["None."])


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.scoreboard", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {SCOREBOARD.name} instead of printing it")
    options = parser.parse_args(None if arguments is None else list(arguments))
    text = render({case.id: run_case(case) for kind in KINDS for case in load_cases(kind)})
    if options.write:
        SCOREBOARD.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
