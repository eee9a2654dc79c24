"""A campaign: models from one seed after the other, each run on a target; what is wrong is made small, told apart and saved.

Work goes in chunks of seeds to worker processes, which keep their runtimes. ``campaign.json`` in the folder of the findings holds what is
done, so that a campaign goes on where it was stopped.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import onnx

from refexec.errors import FeedError, RefexecError
from refexec.fuzz import edge_findings, findings
from refexec.fuzz.choosers import RandomChooser
from refexec.fuzz.findings import Finding
from refexec.fuzz.graph import Generated, Options, generate
from refexec.fuzz.reducer import reduce
from refexec.fuzz.targets import RuntimeTarget, Target, Verdict, expected_of, target

__all__ = ["Campaign", "Progress", "judge"]

CHUNK = 25  # models, a second or less
CALLS = 400  # of the check while a finding is made small
SECONDS = 10.0  # for it: each crash of a runtime costs one
OFTEN = 3  # findings of one kind and operator that are made small; further ones are counted


@dataclass
class Progress:
    """What a campaign has done so far."""

    models: int = 0
    nodes: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)  # target, kind
    reached: set[str] = field(default_factory=set)  # "Softmax-11 tensor(float)"
    findings: dict[str, dict[str, Any]] = field(default_factory=dict)  # slug -> record
    repeats: Counter[str] = field(default_factory=Counter)  # kind and operator of faults that were met
    lost: list[int] = field(default_factory=list)  # first seeds of chunks whose process died


@dataclass(frozen=True)
class _Result:
    models: int
    nodes: int
    outcomes: Counter[str]
    reached: set[str]
    found: list[Finding]
    met: Counter[str]


_targets: dict[str, Target] = {}


def judge(made: Target, model: onnx.ModelProto, feeds: dict[str, Any]) -> tuple[str, Verdict | None]:
    """Whose fault it is, and what is wrong with a model on a target; nothing for None. What breaks in refexec is a finding too."""
    try:
        expected = expected_of(model, feeds)
        if isinstance(expected, Verdict):
            return "refexec", expected
        return made.name, made.judge(model, feeds, expected)
    except Exception as error:
        return "refexec", Verdict("crashed", "", f"{type(error).__name__}: {error}")


def _chunk(names: Sequence[str], options: Options, first: int, seen: dict[str, int]) -> _Result:
    """Some models, in a worker process. ``seen``: how often each fault was made small already."""
    result = _Result(0, 0, Counter(), set(), [], Counter())
    outcomes, met = result.outcomes, Counter(seen)
    nodes = 0
    for seed in range(first, first + CHUNK):
        turn, which = divmod(seed, len(names))
        name = names[which]
        if name not in _targets:
            _targets[name] = target(name)
        engine = _targets[name]
        case = edge_findings.chosen(engine, options, turn) if turn % 10 == 9 and isinstance(engine, RuntimeTarget) else None
        if case is not None and isinstance(engine, RuntimeTarget):
            who, (verdict, part) = name, edge_findings.judged(engine, case)
            nodes += 1
            small = partial(edge_findings.finding, engine, part, seed=seed)
        else:
            made = generate(RandomChooser(seed), _options(options, engine, turn))
            nodes += len(made.nodes)
            result.reached.update(_reached(made))
            who, verdict = judge(engine, made.model, made.feeds)
            small = partial(_small, engine, who, seed, made)
        outcomes[f"{name} {'agrees' if verdict is None else verdict.kind}"] += 1
        if verdict is not None and verdict.fault:
            key = f"{who} {verdict.key}"
            met[key] += 1
            result.met[key] += 1
            if met[key] <= OFTEN:
                result.found.append(small(verdict))
    return replace(result, models=CHUNK, nodes=nodes)


def _options(options: Options, engine: Target, turn: int) -> Options:
    """Every fifth model of a target has one node, whose inputs have NaN, infinities and the ends of types; of a runtime, every second one
    of these is a row of the edge-value tables. Of the others every second one has guards."""
    if turn % 5 == 4:
        return replace(options, kernels=engine.kernels(), edge=True, max_nodes=1, control_flow=False)
    return replace(options, kernels=engine.kernels(), guards=options.guards or turn % 2 == 0)


def _reached(made: Generated) -> Iterator[str]:
    for drawn in made.nodes:
        types = sorted({str(o.type) for o in drawn.inputs if o is not None})
        yield f"{drawn.signature.label} {' '.join(types)}"


def _small(engine: Target, who: str, seed: int, made: Generated, verdict: Verdict) -> Finding:
    """The finding of the smallest model on which the target does the same kind of wrong."""

    def valid(model: onnx.ModelProto) -> bool:
        try:
            onnx.checker.check_model(model)
        except Exception:  # onnx's checker raises its own errors, RuntimeError and ValueError
            return False
        return True

    def quick(model: onnx.ModelProto, feeds: dict[str, Any]) -> bool:
        expected = expected_of(model, feeds)
        try:
            return valid(model) and isinstance(expected, dict) and engine.differs(model, feeds, expected)
        except RefexecError:  # a node without use that does not run on the values that are left
            return False

    def same(model: onnx.ModelProto, feeds: dict[str, Any]) -> bool:
        again = judge(engine, model, feeds)[1] if valid(model) else None
        return again is not None and again.kind == verdict.kind and (again.key == verdict.key or verdict.operator != "")

    model, feeds = made.model, made.feeds
    if who != "refexec" and verdict.kind in ("value", "nan", "shape", "dtype"):
        first = reduce(model, feeds, quick, calls=CALLS, seconds=SECONDS)
        if same(first.model, first.feeds):
            model, feeds = first.model, first.feeds
    reduced = reduce(model, feeds, same, calls=CALLS, seconds=SECONDS)
    expected = expected_of(reduced.model, reduced.feeds)
    last = judge(engine, reduced.model, reduced.feeds)[1] or verdict
    return Finding(
        who, verdict.kind, findings.signature_of(reduced.model, verdict.kind), last.detail, seed, len(reduced.model.graph.node),
        reduced.model.SerializeToString(), reduced.feeds, {} if isinstance(expected, Verdict) else expected,
        _votes(engine, reduced.model, reduced.feeds), findings.known(reduced.model, who, last.detail),
    )  # fmt: skip


def _votes(engine: Target, model: onnx.ModelProto, feeds: dict[str, Any]) -> dict[str, str]:
    """What the runtimes make of the model: "agrees" with refexec, or the kind of difference."""
    votes = {}
    for name in ("onnxruntime", "onnx.reference"):
        if name != engine.name and not engine.name.startswith(name):
            if name not in _targets:
                _targets[name] = target(name)
            _, verdict = judge(_targets[name], model, feeds)
            votes[name] = "agrees" if verdict is None else verdict.kind
    return votes


class Campaign:
    """Runs chunks until the budget is used up.

    Args:
        targets: names of :data:`refexec.fuzz.targets.TARGETS`, which take turns.
        out: the folder of the findings; one that a campaign left goes on.
        options: what models are drawn.
        jobs: worker processes.
        seed: the first seed; a campaign that goes on starts behind the last one.
    """

    def __init__(self, targets: Sequence[str], out: Path, options: Options | None = None, *, jobs: int = 1, seed: int = 0) -> None:
        self.targets = tuple(targets)
        self.out = out
        self.options = options or Options()
        self.jobs = jobs
        self.next_seed = seed
        self.progress = Progress()
        for name in targets:
            target(name).close()
        self._resume()

    def run(self, seconds: float, report: Callable[[Progress], None] = lambda progress: None) -> Progress:
        """Go on for that many seconds of wall time; ``report`` is called after each chunk."""
        before, start = self.progress.seconds, time.monotonic()
        pool = self._pool()
        running: dict[Future[_Result], int] = {}
        try:
            while running or time.monotonic() - start < seconds:
                while len(running) < self.jobs and time.monotonic() - start < seconds:
                    running[pool.submit(_chunk, self.targets, self.options, self.next_seed, dict(self.progress.repeats))] = self.next_seed
                    self.next_seed += CHUNK
                done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    first = running.pop(future)
                    try:
                        self._take(future.result())
                    except BrokenProcessPool:
                        self.progress.lost += [first, *running.values()]
                        running.clear()
                        pool = self._pool()
                        break
                self.progress.seconds = before + time.monotonic() - start
                report(self.progress)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self._save()
        return self.progress

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.jobs, mp_context=multiprocessing.get_context("spawn"))

    def _take(self, result: _Result) -> None:
        progress = self.progress
        progress.models += result.models
        progress.nodes += result.nodes
        progress.outcomes += result.outcomes
        progress.reached |= result.reached
        progress.repeats += result.met
        for finding in result.found:
            if finding.slug not in progress.findings:
                findings.save(finding, self.out)
                progress.findings[finding.slug] = finding.to_json()
        self._save()

    def _save(self) -> None:
        done = self.progress
        state = {
            "schema": "refexec.campaign/1", "targets": list(self.targets), "next_seed": self.next_seed, "models": done.models,
            "nodes": done.nodes, "seconds": round(done.seconds, 1), "outcomes": dict(sorted(done.outcomes.items())),
            "repeats": dict(done.repeats.most_common()), "reached": sorted(done.reached), "lost": done.lost,
        }  # fmt: skip
        self.out.mkdir(parents=True, exist_ok=True)
        part = self.out / ".campaign.json.part"
        part.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        part.replace(self.out / "campaign.json")

    def _resume(self) -> None:
        file = self.out / "campaign.json"
        if not file.exists():
            if self.out.exists() and any(self.out.iterdir()):
                raise FeedError("the folder of findings is not empty and no campaign left it", out=str(self.out))
            return
        state = json.loads(file.read_text("utf-8"))
        self.next_seed = state["next_seed"]
        saved = {f.parent.name: json.loads(f.read_text("utf-8")) for f in self.out.glob("*/finding.json")}
        self.progress = Progress(
            state["models"], state["nodes"], state["seconds"], Counter(state["outcomes"]), set(state["reached"]), saved,
            Counter(state["repeats"]), state["lost"],
        )  # fmt: skip
