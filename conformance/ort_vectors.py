"""The operator tests of ONNX Runtime 0.3 (2019), run on refexec: ``python -m conformance.ort_vectors [-k SUBSTRING] [-v]``.

Their literal inputs and outputs are an independent word on the old operator versions, opsets 1 to 9, which the backend suite hardly
tests. The cases are ``*.jsonl.gz`` files in $REFEXEC_CASES, else in ``../shared/cases/ort-0.3-ops`` beside the checkout; they are
Copyright (c) Microsoft Corporation, MIT License, and no part of this repository.

Each case of ai.onnx and ai.onnx.ml agrees within :data:`TOLERANCES`, or is refused where failure is expected, or has a row in
``ort_vectors.toml``. Cases with a note (why they are no oracle) and of com.microsoft are listed only; still no case may break refexec.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from conformance import vector_models
from conformance.agreement import difference
from refexec.errors import ContractError, RefexecError
from refexec.session import Session

__all__ = ["DOMAINS", "FAMILIES", "TOLERANCES", "Case", "Outcome", "Row", "folder", "load_cases", "rows", "run_case", "verdict"]

DOMAINS = ("", "ai.onnx.ml")
FAMILIES = {
    "activation": 16, "contrib": 114, "controlflow": 48, "derived": 44, "generator": 25, "math": 193, "ml": 78, "nn": 134,
    "reduction": 223, "rnn": 100, "tensor": 324,
}  # fmt: skip
"""How many cases there are, by file."""

TOLERANCES = {"float32": (1e-5, 1e-6), "float64": (1e-9, 1e-12), "float16": (2e-3, 1e-4)}
"""Relative and absolute tolerance by element type; all other types agree exactly."""

Status = Literal["ok", "differs", "refused", "accepted", "broken"]
Listed = Literal["note", "com.microsoft"]


@dataclass(frozen=True)
class Case:
    """One case; ``data`` is the JSON object."""

    data: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def family(self) -> str:
        return str(self.data["family"])

    @property
    def operator(self) -> str:
        """Operator and opset: ``ai.onnx.ml:Scaler-1``."""
        domain, name, opset = (self.data[key] for key in ("domain", "op", "opset"))
        return f"{domain + ':' if domain else ''}{name}-{opset}"

    @property
    def expects_failure(self) -> bool:
        return bool(self.data["expect"] == "failure")

    @property
    def is_core(self) -> bool:
        """Success is expected, today's onnxruntime agrees, onnx's checker takes the model, and no note doubts the case."""
        labels = self.data["labels"]
        return not self.expects_failure and not self.data.get("note") and labels["ort"] == labels["checker"] == "ok"

    @property
    def listed(self) -> Listed | None:
        """Why the case is not judged."""
        if self.data["domain"] not in DOMAINS:
            return "com.microsoft"
        return "note" if self.data.get("note") else None


@dataclass(frozen=True)
class Outcome:
    """What refexec made of a case. ``error`` is the code of the error that refused it."""

    status: Status
    detail: str = ""
    error: str = ""


@dataclass(frozen=True)
class Row:
    """Cases that get another status than the vectors say, or a wider tolerance, and why."""

    id: str
    reason: str
    status: Status = "ok"
    error: str = ""  # of "refused"
    operators: tuple[str, ...] = ()  # all cases of these
    cases: tuple[str, ...] = ()
    rtol: float = 0.0
    atol: float = 0.0  # for integers too


def folder() -> Path:
    """Where the cases are."""
    return Path(os.environ.get("REFEXEC_CASES") or Path(__file__).parent.parent.parent / "shared/cases/ort-0.3-ops")


@cache
def load_cases(where: Path) -> tuple[Case, ...]:
    """All cases in a folder; none where it is absent."""
    found = []
    for path in sorted(where.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += [Case(json.loads(line)) for line in lines if line.strip()]
    return tuple(found)


@cache
def rows() -> tuple[Row, ...]:
    """The rows of ort_vectors.toml."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = table["row"]
    return tuple(Row(**row | {key: tuple(row.get(key, ())) for key in ("operators", "cases")}) for row in found)


def row_of(case: Case) -> Row | None:
    """The row that speaks of a case. ValueError when several do."""
    found = [row for row in rows() if case.id in row.cases or case.operator in row.operators]
    if len(found) > 1:
        raise ValueError(f"{case.id} stands in the rows {', '.join(row.id for row in found)}")
    return found[0] if found else None


def run_case(case: Case, profile: str = "reference", row: Row | None = None) -> Outcome:
    """Build the model of a case, run it and compare; ``row`` may widen the tolerance. What escapes untyped is ``broken``."""
    try:
        actual = Session(vector_models.model(case.data), profile=profile).run(None, vector_models.feeds(case.data))
    except RefexecError as error:
        said = f"{error.code}: {error}"
        return Outcome("broken", said) if isinstance(error, ContractError) else Outcome("refused", said, error.code)
    except Exception as error:  # a fault of refexec in this case; the others still run
        return Outcome("broken", f"{type(error).__name__} escaped: {error}")
    if case.expects_failure:
        return Outcome("accepted", f"ONNX Runtime 0.3 refuses it: {case.data['message'] or 'without a message'}")
    expected = vector_models.expected_values(case.data)
    if len(actual) != len(expected):
        return Outcome("differs", f"expected {len(expected)} outputs, got {len(actual)}")
    found = (_difference(e, a, f"output {i}", row) for i, (e, a) in enumerate(zip(expected, actual, strict=True)))
    problem = next((f for f in found if f), None)
    return Outcome("differs", problem) if problem else Outcome("ok")


def _difference(expected: Any, actual: Any, where: str, row: Row | None) -> str | None:
    if isinstance(expected, list):
        return _maps_difference(expected, actual, where)
    rtol, atol = TOLERANCES.get(str(expected.dtype), (0.0, 0.0))
    if row is not None and (row.rtol or row.atol):
        rtol, atol = max(rtol, row.rtol), max(atol, row.atol)
        if expected.dtype.kind in "iu" and isinstance(actual, np.ndarray) and actual.dtype == expected.dtype:
            expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    return difference(expected, actual, rtol, atol, where)


def _maps_difference(expected: list[dict[Any, float]], actual: Any, where: str) -> str | None:
    """Sequences of maps to float32: the same keys in each, and nearly equal values."""
    if not isinstance(actual, list) or [set(m) for m in actual] != [set(m) for m in expected]:
        return f"{where}: expected maps of {[*expected[0]]}, got {actual!r}"
    wanted, got = (np.array([m[key] for m, like in zip(maps, expected, strict=True) for key in like]) for maps in (expected, actual))
    return difference(wanted.astype(np.float32), got, *TOLERANCES["float32"], where)


def verdict(case: Case, outcome: Outcome, row: Row | None) -> str | None:
    """Why a case fails, or None: each deviation needs a row, and each row its deviation."""
    if outcome.status == "broken":
        return f"broken: {outcome.detail}"
    if case.listed:
        return None
    wanted, error = (row.status, row.error) if row else ("refused" if case.expects_failure else "ok", "")
    if wanted == outcome.status and (not error or error == outcome.error):
        missing = case.expects_failure and outcome.error == "UnsupportedOperator"
        return f"refused for another reason: {outcome.detail}" if missing else None
    expectation = f"row {row.id!r} says {wanted} {error}".rstrip() if row else f"expected {wanted}"
    return f"{expectation}, got {outcome.status} {outcome.detail}".rstrip()


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.ort_vectors", description=__doc__)
    parser.add_argument("-k", default="", metavar="SUBSTRING", help="only cases whose id, family or operator contains this")
    parser.add_argument("--profile", choices=("reference", "deterministic"), default="reference")
    parser.add_argument("-v", "--verbose", action="store_true", help="print each case that is not ok, and why")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if not (cases := load_cases(folder())):
        print(f"no cases in {folder()}; set REFEXEC_CASES", file=sys.stderr)
        return 2
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    families: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    core = Counter[str]()
    for case in cases:
        if options.k.lower() not in f"{case.id} {case.family} {case.operator}".lower():
            continue
        row = row_of(case)
        outcome = run_case(case, options.profile, row)
        problem = verdict(case, outcome, row)
        widened = row is not None and row.status == "ok"
        status = "failed" if problem else case.listed or ("row" if row and not widened else "passed")
        counts[case.family, case.operator][status] += 1
        families[case.family, ""][status] += 1
        if case.is_core and case.data["domain"] in DOMAINS:
            core[status] += 1
            core["widened"] += status == "passed" and widened
        if options.verbose and (problem or row or (case.listed == "note" and outcome.status != "ok")):
            why = problem or (
                f"{row.id}: {outcome.detail or 'within the wider tolerance'}" if row else f"{case.data['note']}\n    {outcome.detail}"
            )
            print(f"{status:<8}{case.operator:<28}{case.id}\n    {why}")
    _print_table(counts, "operator")
    _print_table(families, "family")
    total = sum(families.values(), Counter[str]())
    judged = sum(core[status] for status in ("passed", "row", "failed"))
    print("core: success expected, confirmed by today's onnxruntime and the checker")
    print(
        f"  {core['passed']} of {judged} passed ({core['widened']} of them with a wider tolerance), "
        f"{core['row']} where the text says otherwise (ort_vectors.toml), {core['failed']} failed"
    )
    refused = [case for case in cases if case.expects_failure and case.data["domain"] in DOMAINS and not case.listed]
    right = sum(run_case(case, options.profile, row_of(case)).status == "refused" for case in refused)
    print(f"expected failures: {right} of {len(refused)} refused")
    return 1 if total["failed"] else 0


def _print_table(counts: dict[tuple[str, str], Counter[str]], title: str) -> None:
    columns = ("passed", "row", "note", "com.microsoft", "failed")
    print(f"{title:<52}" + "".join(f"{c:>{len(c) + 4}}" for c in columns))
    for (family, operator), c in sorted(counts.items()):
        print(
            f"{family + ' ' + operator:<52}" + "".join(f"{c[name]:>{len(name) + 4}}" for name in columns) + ("   <-" if c["failed"] else "")
        )
    print()


if __name__ == "__main__":
    sys.exit(main())
