"""refexec's side of a comparison: the reference run, the wide run, the disturbed run, and the judgement of values by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refexec.context import Event
from refexec.diff.bounds import FAILURES
from refexec.diff.capture import Capture
from refexec.diff.declared import Declarations
from refexec.diff.disturb import Disturbance, estimated
from refexec.diff.metrics import difference, leaves, misfit, same_bits
from refexec.diff.replay import Replay
from refexec.diff.report import Column, Local, OutputCheck
from refexec.errors import FeedError, UnsupportedError
from refexec.feeds import prepare_one
from refexec.plan import Step, ValueInfo
from refexec.session import Session
from refexec.types import without_shape
from refexec.values import to_public, value_type_of, widen

__all__ = ["Evidence"]


class Evidence:
    """``values`` are the reference results by name, ``wide`` the wide ones; ``effects`` and ``own_errors`` as in
    :class:`refexec.diff.report.Row`. Filled by :meth:`run`."""

    def __init__(self, reference: Session, wide: Session, declarations: Declarations, feeds: Mapping[str, Any]) -> None:
        self.reference = reference
        self.feeds = feeds
        self.declared = declarations
        self.replay = Replay(reference, wide, declarations)
        self.names = [n for s in reference.plan.steps for n in s.node.outputs if n]
        self.values: dict[str, Any] = {}
        self.wide: dict[str, Any] = {}
        self.effects: dict[str, float] = {}
        self.own_errors: dict[str, float] = {}
        self.random = False
        self.bounds: dict[str, float] = {}  # the largest bound of a node's own error, by value
        self.notes: list[str] = []
        self._wide_session = wide
        self._disturbed: dict[str, Any] = {}
        self._ran: set[str] = set()
        self._internal: dict[str, dict[str, Any]] = {}  # mode -> values of the runtime in internal form
        self._first: Capture | None = None  # the mode that is judged first, and its columns by node path
        self._columns: dict[str, dict[int, Column]] = {}

    @property
    def steps(self) -> Iterator[Step]:
        """The nodes of the main graph that ran, in order."""
        return (s for s in self.reference.plan.steps if s.node.path in self._ran)

    def run(self) -> None:
        """The three runs. Raises what the reference run raises."""
        outputs = [o.name for o in self.reference.outputs]
        top = {s.node.path for s in self.reference.plan.steps}

        def keep(event: Event) -> None:
            if event.node.path in top:
                self._ran.add(event.node.path)
                self.values.update((n, v) for n, v in zip(event.node.outputs, event.outputs, strict=False) if n)

        def keep_wide(event: Event) -> None:
            if event.node.path in top:
                for name, value in zip(event.node.outputs, event.outputs, strict=False):
                    if name:
                        self.wide[name] = value
                        self.own_errors[name] = _distance(value, self.values[name])

        disturbance = Disturbance(self.declared, self._wide_session)

        def disturb(event: Event) -> None:
            disturbance(event)
            if event.node.path in top:
                for name, value in zip(event.node.outputs, event.outputs, strict=False):
                    if name:
                        self.effects[name] = _distance(self.wide[name], value)
                        if name in outputs:
                            self._disturbed[name] = value

        self.reference.observe(self.feeds, keep, outputs)
        self._wide_session.observe(self.feeds, keep_wide, outputs)
        self._wide_session.observe(self.feeds, disturb, outputs)
        self.random, self.bounds = disturbance.random, disturbance.bounds
        self.notes += [f"no bound at {text}" for text in dict.fromkeys(disturbance.failures)]

    def judge(self, step: Step, found: Capture) -> dict[int, Column]:
        """The columns of one node's outputs in one mode."""
        self._first = self._first or found
        if found is not self._first and self._same_as_first(step, found):
            return self._columns[step.node.path]
        values = self._of(found)
        columns: dict[int, Column] = {}
        open_: dict[int, Any] = {}
        for i, name in enumerate(step.node.outputs):
            if name:
                columns[i] = self._total(name, found)
                if columns[i].status == "":
                    open_[i] = values.get(name, found.values[name])
        if open_:
            for i, local in self._locals(step, values, open_).items():
                one = columns[i]
                columns[i] = Column(local.status, one.total, local.ratio, local.max_abs, local.kind, local.note)
        if found is self._first:
            self._columns[step.node.path] = columns
        return columns

    def _total(self, name: str, found: Capture) -> Column:
        """The column as far as the total difference settles it; status "" where the node must be looked at."""
        if name not in found.values:
            return Column("missing")
        expected, given = to_public(self.values[name]), found.values[name]
        if misfit(expected, given):
            return Column("")
        total = difference(expected, given)
        return Column("equal", total, 0.0, None, "") if total.equal else Column("", total)

    def _locals(self, step: Step, values: Mapping[str, Any], actual: Mapping[int, Any]) -> dict[int, Local]:
        kind = self.declared[step.node].kind
        if kind == "random":
            return {i: Local("random", kind, None, None) for i in actual}
        if kind == "unknown":
            return {i: Local("unchecked", kind, None, None, "the operator does not declare how it may be compared") for i in actual}
        lacking = self.replay.missing(step, values)
        if lacking:
            return {i: self._unseen(step.node.outputs[i], actual[i], lacking) for i in actual}
        try:
            return self.replay.judge(step, values, actual)
        except FAILURES as error:
            return {i: Local("unchecked", kind, None, None, f"not judged: {error}") for i in actual}

    def _unseen(self, name: str, given: Any, lacking: list[str]) -> Local:
        wrong = misfit(to_public(self.values[name]), to_public(given))
        return Local(wrong or "unchecked", "", None, None, f"inputs not seen: {', '.join(lacking[:3])}")

    def _same_as_first(self, step: Step, found: Capture) -> bool:
        """Whether the node's inputs and outputs have the same bits in the mode that was judged first."""
        first = self._first.values if self._first is not None else {}
        for name in (*filter(None, step.node.outputs), *self.replay.input_names(step)):
            if (name in first) != (name in found.values) or (name in first and not same_bits(first[name], found.values[name])):
                return False
        return step.node.path in self._columns

    def _of(self, found: Capture) -> dict[str, Any]:
        """The runtime's values and the feeds, in internal form; those of another type than refexec's are left out."""
        mode = found.mode.name
        if mode not in self._internal:
            made = dict(self.feeds)
            for name, value in found.values.items():
                if name in self.values:
                    try:
                        info = ValueInfo(name, without_shape(value_type_of(self.values[name])))
                        made[name] = prepare_one(info, value, False)
                    except (FeedError, UnsupportedError):
                        continue  # judged by its type; it is no input of a replay
            self._internal[mode] = made
        return self._internal[mode]

    def outputs(self, found: Capture) -> Iterator[OutputCheck]:
        """Judge the outputs of the unchanged model."""
        if found.error is not None:
            return
        for name, given in found.plain.items():
            if name not in self.wide:
                continue  # an input or initializer as an output
            marked = same_bits(found.values[name], given) if name in found.values else None
            yield self._output(name, given, marked, found)

    def _output(self, name: str, given: Any, marked: bool | None, found: Capture) -> OutputCheck:
        mode = found.mode.name
        if self.random:
            return OutputCheck(name, mode, marked, None, None, None, "the model has random operators")
        if same_bits(to_public(self.values[name]), given):
            return OutputCheck(name, mode, marked, self.own_errors.get(name), None, True)
        local = estimated(self.wide[name], self._disturbed[name], given)
        allowed = None if not local.ratio or local.max_abs is None else local.max_abs / local.ratio
        if local.status == "beyond" and marked and not found.missing:
            # The marked run has these bits, and there every node was judged on its own inputs.
            return OutputCheck(
                name, mode, marked, local.max_abs, allowed, True, "more than an estimate explains, and each node is within its bound"
            )
        return OutputCheck(name, mode, marked, local.max_abs, allowed, local.status in ("within", "tie"), local.note)


def _distance(expected: Any, actual: Any) -> float:
    """The largest |actual - expected| of two internal values, in wide numbers; infinite where their shapes differ."""
    most = 0.0
    ours, theirs = list(leaves(to_public(expected))), list(leaves(to_public(actual)))
    if len(ours) != len(theirs):
        return float("inf")
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            return float("inf")
        if a.dtype.kind == "O":
            most = max(most, float(np.any(a != b)))
            continue
        with np.errstate(all="ignore"):
            x, y = (v.astype(np.float64) if v.dtype.kind in "iub" else widen(v) if v.dtype.kind != "g" else v for v in (a, b))
            plain = float(np.abs(x - y).max(initial=0.0))
            if np.isfinite(plain):
                most = max(most, plain)
                continue
            apart = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
            most = max(most, float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0)))
    return most
