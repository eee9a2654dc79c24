"""Runs a suite and keeps what was measured: a section, which is JSON from the start."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from benchmarks import suites
from benchmarks.case import Case, Form
from benchmarks.contenders import Contender
from benchmarks.machine import Activity, machine
from benchmarks.processes import Remote
from benchmarks.timing import Sampler, Timer, figures, interleave

__all__ = ["Row", "Section", "header", "run", "title"]

Section = dict[str, Any]  # suite, threads, quick, made, machine, activity, rows
Row = dict[str, Any]  # case, group, times: contender -> form -> Figures, failed: contender -> why, activity


def title(suite: str, threads: int = 1, options: Sequence[str] = ()) -> str:
    """The section's key in a file of results."""
    return " ".join([suite, *options, f"{threads} threads" if threads > 1 else "1 thread"])


def header(suite: str, quick: bool) -> Section:
    return {"suite": suite, "quick": quick, "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "machine": machine()}


def run(
    suite: str,
    contenders: Sequence[Contender],
    *,
    threads: int = 1,
    quick: bool = False,
    options: Sequence[str] = (),
    only: Callable[[str], bool] = lambda case: True,
    show: Callable[[Row], None] = lambda row: None,
) -> Section:
    """Measure the cases of a suite whose names ``only`` takes, and ``show`` each row as soon as it is there."""
    section, activity, rows = header(suite, quick), Activity(), []
    with ExitStack() as stack:
        remotes = {c.name: Remote(c.name, threads) for c in contenders} if threads > 1 else {}
        for remote in remotes.values():
            stack.callback(remote.close)
        for case in suites.cases(suite, options):
            if not only(case.name):
                continue
            row = _measure(case, contenders, _apart(suite, case, remotes, quick, options) if remotes else _together(quick))
            rows.append(row)
            show(row)
    return section | {"threads": threads, "activity": activity.since(), "rows": rows}


Start = Callable[[Contender, Form], Sampler | None]


def _together(quick: bool) -> Callable[[Form], Start]:
    """All contenders in this process, in its thread time."""

    def of_form(form: Form) -> Start:
        problem = form.build()

        def start(contender: Contender, _: Form) -> Sampler | None:
            call = contender.start(problem, 1)
            return None if call is None else Timer(call, contender.effort.quick() if quick else contender.effort, time.thread_time)

        return start

    return of_form


def _apart(suite: str, case: Case, remotes: Mapping[str, Remote], quick: bool, options: Sequence[str]) -> Callable[[Form], Start]:
    """Each contender in its own process, by the clock on the wall."""

    def of_form(_: Form) -> Start:
        def start(contender: Contender, form: Form) -> Sampler | None:
            remote = remotes[contender.name]
            return remote if remote.start(suite, case.name, form.name, quick, options) else None

        return start

    return of_form


def _measure(case: Case, contenders: Iterable[Contender], prepare: Callable[[Form], Start]) -> Row:
    activity = Activity()
    times: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    for form in case.forms:
        start, samplers = prepare(form), {}
        for contender in contenders:
            try:
                sampler = start(contender, form)
            except Exception as error:  # what one contender cannot do does not end the others
                failed[contender.name] = _reason(form, error)
                continue
            if sampler is not None:
                samplers[contender.name] = sampler
        failed |= {name: _reason(form, error) for name, error in interleave(samplers).items()}
        for name, sampler in samplers.items():
            if name in failed:
                continue
            times.setdefault(name, {})[form.name] = figures(sampler.samples).scaled(form.share).to_json()
        del start, samplers
        gc.collect()
    return {"case": case.name, "group": case.group, "times": times, "failed": failed, "activity": activity.since()}


def _reason(form: Form, error: Exception) -> str:
    return f"{form.name}: {type(error).__name__}: {str(error)[:200]}"
