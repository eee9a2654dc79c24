"""The edge-value tables as judges of a runtime: a campaign runs their rows among its models."""

from __future__ import annotations

from refexec.fuzz import findings
from refexec.fuzz.edges import Case, cases
from refexec.fuzz.findings import TABLE, TABLE_ULPS, Finding
from refexec.fuzz.graph import Options
from refexec.fuzz.targets import RuntimeTarget, Verdict, expected_of

__all__ = ["chosen", "finding", "judged"]


def chosen(engine: RuntimeTarget, options: Options, turn: int) -> Case | None:
    """One of the cases that the options admit and the runtime has a kernel for; None where there is none."""
    low, high = (options.opset, options.opset) if isinstance(options.opset, int) else options.opset
    kernels = engine.kernels()

    def fits(case: Case) -> bool:
        found = case.signature
        return (
            found.domain in options.domains
            and (low <= found.since <= high or found.domain != "")
            and (options.ops is None or found.name in options.ops)
            and (options.dtypes is None or case.elem is None or case.elem.name in options.dtypes)
            and (kernels is None or kernels.has(found))
        )

    fitting = [case for case in cases() if fits(case)]
    return fitting[turn * 7919 % len(fitting)] if fitting else None  # a prime, so that neighbours are of different operators


def judged(engine: RuntimeTarget, case: Case) -> tuple[Verdict | None, Case]:
    """What is wrong with a runtime by a row, and the part of the case that shows it. What a row leaves open may be refused, not crash."""
    found = engine.values(case.model, case.feeds)
    if isinstance(found, Verdict):
        refused = found.kind == "refused" and (case.row.refused or case.row.open)
        return (None if refused else found), case
    if case.row.refused:
        return Verdict("value", case.signature.label, f"not refused: {case.row.why}"), case
    said = case.wrong(found, TABLE_ULPS)
    if said is None:
        return None, case
    kind = next((k for k in ("dtype", "shape") if said.startswith(f"{k}:")), "value")
    return Verdict(kind, case.signature.label, f"{said} ({case.row.basis}: {case.row.why})"), case.only(found, TABLE_ULPS)


def finding(engine: RuntimeTarget, case: Case, verdict: Verdict, seed: int) -> Finding:
    """The table has spoken, so no other engine votes."""
    expected = expected_of(case.model, case.feeds)
    return Finding(
        engine.name, verdict.kind, findings.signature_of(case.model, verdict.kind), verdict.detail, seed, len(case.model.graph.node),
        case.model.SerializeToString(), case.feeds, {} if isinstance(expected, Verdict) else expected, {TABLE: "agrees"},
        findings.known(case.model, engine.name),
    )  # fmt: skip
