"""SCOREBOARD.md and scoreboard.json: each operator version, what it is, and what says that it is right.

``python -m conformance.scoreboard --write`` runs the backend suite, the exact oracles, the function bodies, onnx's shape inference and
onnxruntime, and writes both files. ``test_scoreboard.py`` compares what is cheap to know with the committed files; the suites themselves
are tests and fail on their own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx

from conformance.backend_suite import run_case
from conformance.cases import KINDS, load_cases
from conformance.evidence import WITHOUT_MODEL, Evidence, collect
from conformance.function_bodies import differences
from conformance.function_bodies import operators as operators_with_bodies
from conformance.known import known_differences, unsupported
from refexec.registry import Key, operators
from refexec.schema import all_signatures, schema_digest
from refexec.teach.changes import bumps
from refexec.teach.known import known_differences as all_known_differences

__all__ = ["DATA", "SCOREBOARD", "registration", "render", "spec_revision"]

HERE = Path(__file__).parent
SCOREBOARD, DATA = HERE / "SCOREBOARD.md", HERE / "scoreboard.json"
BODY_EXAMPLES = 8
REGISTRATION = ("domain", "name", "since", "change", "body", "arithmetic", "comparison", "types")
COLUMNS = (
    "operator",
    "change",
    "body",
    "arithmetic",
    "comparison",
    "L0",
    "L1 exact",
    "L1 hand",
    "L2",
    "L3",
    "circular",
    "L4",
    "types",
    "right",
)
LEGEND = """Columns. *change*: the class of the change from the version before. *body*: own, or that of an older version. *L0*: exact cases whose
types and shapes onnx's inference states alike. *L1 exact*: types of type variables right by integer and fraction arithmetic, of those the
schema has. *L1 hand*: worked examples. *L2*: models on which operator and function body agree in the wide profile. *L3*: backend tests with
data of their own; *circular*: with data that onnx.reference made (they support nothing). *L4*: models on which onnxruntime agrees; +n: on
which it differs, each decided in retargeting.toml. *types*: instances by exact oracle, by onnxruntime, by contract only, of how many.
*right*: something other than the contract says so, and nothing says otherwise."""


def registration() -> dict[Key, dict[str, Any]]:
    """Per version what the registry and the schema say; ``body`` is the version that the body was written for."""
    registered = operators()
    first: dict[tuple[str, str, object], int] = {}
    for domain, name, since in sorted(registered):
        first.setdefault((domain, name, registered[domain, name, since].function), since)
    rows = {}
    for key, schema in sorted(all_signatures().items()):
        entry = registered.get(key)
        rows[key] = {
            "domain": key[0] or "ai.onnx", "name": key[1], "since": key[2], "change": bumps()[key],
            "body": None if entry is None else first[key[0], key[1], entry.function],
            "arithmetic": None if entry is None else entry.arithmetic,
            "comparison": None if entry is None else str(entry.comparison),
            "types": sum(map(len, schema.variables.values())),
        }  # fmt: skip
    return rows


def spec_revision() -> str:
    """A digest of the normative text of all schemas: released versions have been edited in place."""
    digests = [schema_digest(*key) for key in sorted(all_signatures())]
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def measured() -> dict[str, Any]:
    """Run everything."""
    outcomes = {case.id: run_case(case) for kind in KINDS for case in load_cases(kind)}
    bodies = {name: len(differences(name, BODY_EXAMPLES)) for name in operators_with_bodies()}
    evidence = collect(outcomes, bodies)
    versions = [{**row, **_plain(evidence[key])} for key, row in registration().items()]
    tests = {
        kind: {
            "tests": len(load_cases(kind)), "passed": sum(outcomes[c.id].status == "passed" for c in load_cases(kind)),
            "known": sum(c.id in known_differences() for c in load_cases(kind)),
        }
        for kind in KINDS
    }  # fmt: skip
    return {
        "schema": "refexec.scoreboard/1", "onnx": onnx.__version__, "spec_revision": spec_revision(),
        "totals": _totals(evidence), "backend": tests, "bodies": bodies, "versions": versions,
    }  # fmt: skip


def _plain(entry: Evidence) -> dict[str, Any]:
    counts = {name: value for name, value in vars(entry).items() if isinstance(value, int) and name != "types"}
    return {**counts, "passed": dict(sorted(entry.passed.items())), "found": dict(sorted(entry.found.items())), "right": entry.right}


def _totals(evidence: Mapping[Key, Evidence]) -> dict[str, int]:
    entries = list(evidence.values())
    sums = Counter({name: sum(getattr(e, name) for e in entries) for name in ("types", "exact", "by_runtime", "by_contract", "wrong")})
    with_model = [e for key, e in evidence.items() if key not in WITHOUT_MODEL]
    return {
        "versions": len(entries), "with_model": len(with_model), "right": sum(e.right for e in with_model),
        "without_model": len(WITHOUT_MODEL), "without_model_by_hand": sum(evidence[key].right for key in WITHOUT_MODEL),
        **{name: sums[name] for name in ("types", "exact", "by_runtime", "by_contract", "wrong")},
        "unreached": sums["types"] - sum(sums[n] for n in ("exact", "by_runtime", "by_contract", "wrong")),
        "hand": sum(e.hand > 0 for e in entries), "known_differences": len(all_known_differences()),
    }  # fmt: skip


def render(data: Mapping[str, Any]) -> str:
    """The text of SCOREBOARD.md. Deterministic: no time, no path."""
    t, bodies = data["totals"], data["bodies"]
    agree = sum(not wrong for wrong in bodies.values())
    lines = [
        "# Scoreboard",
        "",
        f"Written by `python -m conformance.scoreboard --write` for onnx {data['onnx']}, spec revision {data['spec_revision']} (a digest of",
        "the normative text). Do not edit. The same as data: `scoreboard.json`.",
        "",
        f"- pairs right: {t['right']}/{t['with_model']}; of the {t['without_model']} without a model of one node that onnx's checker takes,"
        f" {t['without_model_by_hand']} by a test of our own.",
        f"- instances: {t['exact']} by exact oracle / {t['by_runtime']} by onnxruntime / {t['by_contract']} by contract only, of {t['types']};"
        f" {t['unreached']} not reached, {t['wrong']} contradicted.",
        f"- versions registered: {sum(v['body'] is not None for v in data['versions'])} of {t['versions']}, with a worked example {t['hand']}.",
        f"- function bodies: {agree} of {len(bodies)} operators agree, or the row in function_bodies.toml says who is right.",
        f"- known differences of other engines: {t['known_differences']} rows.",
    ]
    for kind, count in data["backend"].items():
        known = f", {count['known']} known differences" if count["known"] else ""
        lines.append(f"- backend tests, {kind}: {count['passed']} of {count['tests']} passed{known}.")
    lines += ["", LEGEND, "", f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [_row(version) for version in data["versions"]]
    return "\n".join([*lines, *_exceptions()]) + "\n"


def _row(v: Mapping[str, Any]) -> str:
    domain = "" if v["domain"] == "ai.onnx" else f"{v['domain']}:"
    body = "-" if v["body"] is None else "own" if v["body"] == v["since"] else f"as {v['body']}"
    backend, circular = (f"{v['passed'].get(o, 0)}/{v['found'][o]}" if v["found"].get(o) else "" for o in ("backend", "circular"))
    decided = f"+{v['runtime_differs']}" if v["runtime_differs"] else ""
    runtime = f"{v['runtime']}{decided}" if v["runtime"] or decided else ""
    cells = [
        f"{domain}{v['name']}-{v['since']}", v["change"], body, v["arithmetic"] or "", v["comparison"] or "", v["contract"] or "",
        f"{v['exact']}/{v['types']}", v["hand"] or "", v["body_templates"] or "", backend, circular, runtime,
        f"{v['exact']} {v['by_runtime']} {v['by_contract']} of {v['types']}", "yes" if v["right"] else "no",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _exceptions() -> list[str]:
    lines = ["", "## Backend tests that contradict the text", ""]
    rows = {row.id: row for row in known_differences().values()}
    lines += [f"- `{r.id}` ({len(r.tests)} tests; {', '.join(r.deviates)}): {r.spec} {r.derivation}" for r in rows.values()] or ["None."]
    lines += ["", "## Current operators without an implementation", ""]
    listed = [f"- {f'{d}:' if d else ''}{n}-{v}: {reason}" for (d, n, v), reason in sorted(unsupported().items())]
    return lines + (listed or ["None."])


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.scoreboard", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {SCOREBOARD.name} and {DATA.name} instead of printing the first")
    options = parser.parse_args(None if arguments is None else list(arguments))
    data = measured()
    if options.write:
        DATA.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        SCOREBOARD.write_text(render(data), encoding="utf-8")
    else:
        print(render(data), end="")
    totals = data["totals"]
    print(f"pairs right: {totals['right']}/{totals['with_model']}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
