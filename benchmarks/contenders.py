"""Who is measured: each contender makes a call out of a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.case import Problem
from benchmarks.timing import ONCE, SEVERAL, SHORT, Effort

__all__ = ["BASE", "CONTENDERS", "PROFILES", "Contender", "chosen"]

BASE = "onnxruntime"
PROFILES = ("deterministic", "fast")

Call = Callable[[], object]


@dataclass(frozen=True)
class Contender:
    """``start(problem, threads)`` gives what is timed, or None where the contender has no form of the problem."""

    name: str
    start: Callable[[Problem, int], Call | None]
    effort: Effort = SEVERAL


def _refexec(profile: str) -> Callable[[Problem, int], Call]:
    def start(problem: Problem, threads: int) -> Call:
        import refexec

        session = refexec.Session(problem.content, profile=profile, threads=threads)
        return lambda: session.run(None, problem.feeds)

    return start


def _onnxruntime(optimized: bool) -> Callable[[Problem, int], Call]:
    def start(problem: Problem, threads: int) -> Call:
        import onnxruntime as ort

        session = ort.InferenceSession(problem.content, ort_options(threads, optimized), providers=["CPUExecutionProvider"])
        return lambda: session.run(None, problem.feeds)

    return start


def ort_options(threads: int, optimized: bool = True) -> Any:
    """Session options. Threads that wait sleep: two pools that spin would measure each other."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _onnx_reference(problem: Problem, threads: int) -> Call:
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(problem.content)
    return lambda: evaluator.run(None, dict(problem.feeds))


CONTENDERS = {
    c.name: c
    for c in (
        Contender("deterministic", _refexec("deterministic")),
        Contender("fast", _refexec("fast")),
        Contender(BASE, _onnxruntime(True)),
        Contender("ort, no optimizations", _onnxruntime(False)),
        Contender("definitions", _refexec("reference"), SHORT),
        Contender("numpy", lambda problem, threads: problem.numpy, SHORT),
        Contender("onnx.reference", _onnx_reference, ONCE),
    )
}


def chosen(profile: str | None = None, quick: bool = False) -> list[Contender]:
    """Every contender, or of refexec's profiles only ``profile``; in a quick run those that say how fast kernels are."""
    left = {"definitions", "numpy", "onnx.reference", "ort, no optimizations"} if quick else set()
    left |= {p for p in PROFILES if profile and p != profile}
    return [c for name, c in CONTENDERS.items() if name not in left]
