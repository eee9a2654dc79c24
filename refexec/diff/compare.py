"""``compare``: a model in refexec and in another runtime, value by value.

Two numbers stand beside each value. The *total* difference, from refexec's reference result, includes what came in from the
nodes before. The *local* one is of the node alone: refexec evaluates the node on the runtime's own inputs and compares with
that, in units of the operator's declared bound. So the first node whose local error is beyond its bound is where the two part;
what follows from it is not blamed.

To see inside, every value is made an output, which can keep a runtime from fusing nodes. So the unchanged model runs as well,
and its outputs are compared with those of the marked one.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from refexec import loading
from refexec._version import __version__
from refexec.diff import verdict
from refexec.diff.capture import Capture, capture
from refexec.diff.declared import Declarations
from refexec.diff.evidence import Evidence
from refexec.diff.metrics import described
from refexec.diff.random_feeds import random_feeds
from refexec.diff.report import Column, ModeInfo, OutputCheck, Report, Row
from refexec.errors import FeedError, RuleViolation
from refexec.feeds import prepare_one
from refexec.limits import Limits
from refexec.loading import LoadedModel
from refexec.runtimes import Runtime, runtime
from refexec.session import Session
from refexec.values import to_public

__all__ = ["compare", "typed_feeds"]


def compare(
    model: Any,
    feeds: Mapping[str, Any] | None = None,
    against: str | Runtime = "onnxruntime",
    *,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    dims: Mapping[str, int | Sequence[int]] | None = None,
    options: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    limits: Limits | None = None,
) -> Report:
    """Run a model in refexec and in another runtime, and compare every value.

    Args:
        model: a path, the bytes of a file, an ``onnx.ModelProto``, or what :func:`refexec.load` returned.
        feeds: by input name; None draws them at random (and the report says so).
        against: "onnxruntime", "onnx.reference", or a :class:`refexec.runtimes.Runtime`.
        seed: of random feeds and of random operators.
        ranges, dims: for random feeds, see :func:`refexec.diff.random_feeds.random_feeds`.
        options: for the runtime, for example ``{"config": {"session.x64quantprecision": "1"}}``.
        timeout: seconds for one run of the runtime.
        limits: what the model may ask of refexec.

    Returns:
        A :class:`refexec.diff.report.Report`. That the runtime refuses, crashes or hangs is a result and is in the report.

    Raises:
        ModelError, UnsupportedError, LimitExceeded, FeedError: refexec cannot run the model, or the feeds do not fit it.
        UnsupportedError: the runtime is not installed.
    """
    other = runtime(against)
    other.check_installed()
    loaded = model if isinstance(model, LoadedModel) else loading.load(model, limits=limits)
    reference = Session(loaded, profile="reference", seed=seed, limits=limits)
    drawn = feeds is None
    typed = typed_feeds(reference, random_feeds(reference, seed, ranges, dims) if feeds is None else feeds)
    wide = Session(loaded, profile="wide", seed=seed, limits=limits)
    evidence = Evidence(reference, wide, Declarations(reference), typed)
    public = {name: to_public(value) for name, value in typed.items()}
    failure: RuleViolation | None = None
    try:
        evidence.run()
    except RuleViolation as error:
        failure = error
    captures = [capture(other, loaded, public, evidence.names, mode, options, timeout) for mode in other.modes]
    rows: tuple[Row, ...] = ()
    outputs: tuple[OutputCheck, ...] = ()
    if failure is None:
        rows = _rows(evidence, captures)
        outputs = tuple(check for found in captures for check in evidence.outputs(found))
    first = next((i for i, row in enumerate(rows) if row.diverges), None)
    sentence, outcome = verdict.decide(other.name, rows, first, captures, outputs, failure)
    return Report(
        sentence, outcome, other.name, rows, first, tuple(_mode(c, len(evidence.names)) for c in captures), outputs,
        _model(loaded, reference), _described(public, drawn, seed), _environment(captures), _notes(evidence, captures, drawn),
    )  # fmt: skip


def typed_feeds(session: Session, feeds: Mapping[str, Any]) -> dict[str, Any]:
    """The feeds in their declared types. Raises FeedError for what is no input, or is missing."""
    if not isinstance(feeds, Mapping):
        raise FeedError("feeds are a dict by input name", seen=type(feeds).__name__)
    infos = {i.name: i for i in session.plan.inputs}
    for name in feeds:
        if name not in infos:
            raise FeedError(f"the model has no input named {name!r}", inputs=list(infos))
    missing = [i.name for i in session.inputs if i.name not in feeds]
    if missing:
        raise FeedError("a feed is missing", missing=missing, fed=sorted(feeds))
    symbols: dict[str, tuple[int, str]] = {}
    return {name: prepare_one(infos[name], value, False, symbols) for name, value in feeds.items()}


def _rows(evidence: Evidence, captures: Sequence[Capture]) -> tuple[Row, ...]:
    outputs = {o.name for o in evidence.reference.outputs}
    rows: list[Row] = []
    index = -1
    for step in evidence.steps:
        index += 1
        judged: dict[str, dict[int, Column]] = {}
        for found in captures:
            if found.error is None:
                judged[found.mode.name] = evidence.judge(step, found)
        for i, name in enumerate(step.node.outputs):
            if not name:
                continue
            kind, shape = described(to_public(evidence.values[name]))
            columns = {mode: found[i] for mode, found in judged.items()}
            rows.append(
                Row(
                    index, step.node.path, step.node.name, step.node.label, name, kind, shape, name in outputs, columns,
                    evidence.effects.get(name), evidence.own_errors.get(name),
                )
            )  # fmt: skip
    return tuple(rows)


def _mode(found: Capture, asked: int) -> ModeInfo:
    message = "" if found.error is None else found.error.message
    return ModeInfo(found.mode.name, found.outcome, message, len(found.values), asked, found.runs, tuple(found.reasons))


def _model(loaded: LoadedModel, session: Session) -> dict[str, Any]:
    proto = loaded.proto
    return {
        "name": os.path.basename(loaded.path) if loaded.path is not None else proto.graph.name,
        "sha256": loaded.sha256,
        "ir_version": int(proto.ir_version),
        "opsets": {o.domain or "ai.onnx": int(o.version) for o in proto.opset_import},
        "producer": f"{proto.producer_name} {proto.producer_version}".strip(),
        "nodes": len(session.plan.steps),
        "diagnostics": [str(d) for d in session.diagnostics],
    }


def _described(feeds: Mapping[str, Any], drawn: bool, seed: int) -> dict[str, Any]:
    kinds = {name: " ".join(described(value)) for name, value in feeds.items()}
    return {"random": drawn, "seed": seed if drawn else None, "inputs": kinds}


def _environment(captures: Sequence[Capture]) -> dict[str, Any]:
    return {
        "refexec": __version__, "python": platform.python_version(), "numpy": np.__version__, "onnx": onnx.__version__,
        "machine": platform.machine(), "system": platform.system(),
        "runtime": next((c.info for c in captures if c.info), {}),
        "options": {c.mode.name: c.options for c in captures},
    }  # fmt: skip


def _notes(evidence: Evidence, captures: Sequence[Capture], drawn: bool) -> tuple[str, ...]:
    notes = list(evidence.notes)
    if drawn:
        notes.append("the feeds are random: real data may behave otherwise")
    for found in captures:
        if found.missing:
            notes.append(
                f"{verdict.mode_name(found.mode.name)}: not to be made outputs: {len(found.missing)} of {len(evidence.names)} values "
                f"({'; '.join(found.reasons[:3])})"
            )  # fmt: skip
    return tuple(notes)
