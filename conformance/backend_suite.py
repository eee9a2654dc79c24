"""The backend tests of onnx, run on refexec: ``python -m conformance.backend_suite [-k SUBSTRING] [--kind KIND] [-v]``.

Prints a table per operator and the operators that tests wait for. ``test_backend_suite.py`` runs the same under pytest.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import onnx

from conformance.agreement import difference
from conformance.cases import KINDS, Case, load_cases
from conformance.known import known_differences
from conformance.randomness import property_check
from refexec.errors import RefexecError, UnsupportedError
from refexec.session import Session

__all__ = ["Outcome", "fed", "run_case", "verdict"]

Status = Literal["passed", "failed", "unsupported"]


@dataclass(frozen=True)
class Outcome:
    """What a case gave. ``missing`` names the operator of an ``unsupported`` one: ``Foo-13``."""

    status: Status
    detail: str = ""
    missing: str = ""


def run_case(case: Case, profile: str = "reference") -> Outcome:
    """Run one case: every data set, every output."""
    model = case.model()
    try:
        return _run(case, model, profile)
    except UnsupportedError as error:
        domain, name, since = (error.seen.get(key, "") for key in ("domain", "op_type", "since"))
        missing = f"{domain + ':' if domain else ''}{name}-{since}" if name else error.message
        return Outcome("unsupported", f"{error.code}: {error}", missing)
    except Exception as error:  # whatever escapes is a failure of this case; the others still run
        kind = error.code if isinstance(error, RefexecError) else f"{type(error).__name__} escaped"
        return Outcome("failed", "\n".join([f"{kind}: {error}", *getattr(error, "__notes__", ())]))


def _run(case: Case, model: onnx.ModelProto, profile: str) -> Outcome:
    check = property_check(case, model)
    session = Session(model, profile=profile)
    data_sets = case.data_sets(model)
    if not data_sets:
        return Outcome("failed", "the test has no data")
    for inputs, expected in data_sets:
        if check is not None:
            problem = check(model, inputs, expected)
        else:
            actual = session.run(None, dict(zip(fed(session, model, len(inputs)), inputs, strict=True)))
            problem = difference(expected, actual, case.rtol, case.atol, "outputs")
        if problem:
            return Outcome("failed", problem)
    return Outcome("passed")


def fed(session: Session, model: onnx.ModelProto, count: int) -> list[str]:
    """The names that the data stand for: the inputs without initial value, or the first inputs where there are more data."""
    open_inputs = [i.name for i in session.inputs]
    return open_inputs if count <= len(open_inputs) else [i.name for i in model.graph.input][:count]


def verdict(case: Case, outcome: Outcome) -> str | None:
    """Why a case fails the suite, or None: a failure needs a row in known_differences.toml, and a row needs its failure."""
    row = known_differences().get(case.id)
    if outcome.status == "passed":
        return f"stale row {row.id!r} in known_differences.toml: the test passes" if row else None
    if outcome.status == "failed" and row:
        return None
    return f"{outcome.status}: {outcome.detail}"


def _about(case: Case) -> str:
    if case.operator is None:
        return f"({case.kind})"
    domain, name, _ = case.operator
    return f"{domain + ':' if domain else ''}{name}"


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.backend_suite", description=__doc__)
    parser.add_argument("-k", default="", metavar="SUBSTRING", help="only tests whose kind/name or operator contains this")
    parser.add_argument("--kind", choices=KINDS, help="only tests of this kind")
    parser.add_argument("--profile", default="reference")
    parser.add_argument("-v", "--verbose", action="store_true", help="print why each test failed")
    options = parser.parse_args(None if arguments is None else list(arguments))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    waiting: Counter[str] = Counter()
    started, total, slowest = time.perf_counter(), Counter[str](), (0.0, "")
    for kind in [options.kind] if options.kind else KINDS:
        for case in load_cases(kind):
            if options.k.lower() not in f"{case.id} {_about(case)}".lower():
                continue
            begun = time.perf_counter()
            outcome = run_case(case, options.profile)
            slowest = max(slowest, (time.perf_counter() - begun, case.id))
            row = known_differences().get(case.id)
            status = "known" if outcome.status == "failed" and row else outcome.status
            counts[_about(case)][status] += 1
            total[status] += 1
            waiting[outcome.missing] += outcome.status == "unsupported"
            if options.verbose and status != "passed":
                print(f"{status:<12}{case.id}\n    {outcome.detail.replace(chr(10), chr(10) + '    ')}")
    print(f"{'operator':<44}{'passed':>8}{'failed':>8}{'unsupported':>13}")
    for about, c in sorted(counts.items()):
        mark = "" if set(c) <= {"passed"} else f"   known difference: {c['known']}" if c["known"] else "   <-"
        print(f"{about:<44}{c['passed']:>8}{c['failed']:>8}{c['unsupported']:>13}{mark}")
    if any(waiting.values()):
        print("\nnot implemented, and how many tests wait for it:")
        for missing, n in sorted(waiting.items(), key=lambda item: (-item[1], item[0])):
            if n:
                print(f"  {missing:<42}{n:>8}")
    print(
        f"\n{sum(total.values())} tests: {total['passed']} passed, {total['failed']} failed, {total['unsupported']} unsupported, "
        f"{total['known']} known differences; {time.perf_counter() - started:.1f} s, slowest {slowest[1]} {slowest[0]:.1f} s"
    )
    return 0 if not total["failed"] and not total["unsupported"] else 1


if __name__ == "__main__":
    sys.exit(main())
