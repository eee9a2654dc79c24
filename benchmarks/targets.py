"""What the float kernels are meant to reach, and whether they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.contenders import BASE
from benchmarks.report import Summary, ratio, summary
from benchmarks.sections import Section, title

__all__ = ["TARGETS", "Target", "Verdict", "slow_cases"]

NORMAL = ("normalisation", "reductions", "movement", "pooling", "resize")
CONV = ("Conv 3x3", "Conv others")


@dataclass(frozen=True)
class Verdict:
    """A target, what was measured, and the words for it."""

    target: Target
    summary: Summary | None

    @property
    def text(self) -> str:
        if self.summary is None:
            return "not measured"
        value, least = self.summary.mean, self.target.least
        return f"{'reached' if value >= least else 'not reached'}: {value:.2f} of {least:g}"


@dataclass(frozen=True)
class Target:
    """The geometric mean over the cases of ``groups``: how fast ``profile`` is relative to ``base``, at least, and as an aim."""

    name: str
    suites: tuple[str, ...]
    groups: tuple[str, ...]
    least: float
    aim: float | None
    profile: str = "deterministic"
    threads: int = 1
    base: str = BASE

    def judge(self, sections: Mapping[str, Section]) -> Verdict:
        cases: dict[str, float] = {}
        for suite in self.suites:
            for row in sections.get(title(suite, self.threads), {}).get("rows", []):
                value = ratio(row, self.profile, self.base)
                if row["group"] in self.groups and value is not None:
                    cases[row["case"]] = value
        return Verdict(self, summary(cases) if cases else None)


def _model(name: str, least: float, aim: float | None, profile: str = "deterministic", threads: int = 1, base: str = BASE) -> Target:
    text = f"{name}, {'two threads' if threads > 1 else 'one thread'}" + (f", against {base}" if base != BASE else "")
    return Target(text, ("models",), (name,), least, aim, profile, threads, base)


TARGETS = (
    Target("GEMM, constant B", ("gemm",), ("GEMM constant B",), 0.9, 1.0),
    Target("GEMM, dynamic B", ("gemm",), ("GEMM dynamic B", "GEMM batched"), 0.9, 1.1),
    Target("Conv, direct", ("conv",), CONV, 0.8, 0.9),
    Target("Conv 3x3, Winograd", ("conv",), ("Conv 3x3",), 1.0, 1.3, "fast"),
    Target("depthwise", ("depthwise",), ("depthwise",), 0.7, 0.9),
    Target("attention, prefill", ("attention",), ("attention prefill",), 0.8, 0.95),
    Target("attention, decode", ("attention",), ("attention decode",), 1.2, 1.6),
    Target("transcendental and softmax", ("elementwise",), ("transcendental", "softmax"), 0.6, 0.9),
    Target("normalisation, reductions, movement, pooling, resize", ("normalization", "movement"), NORMAL, 0.9, 1.5),
    _model("ResNet-50", 0.8, 0.9),
    _model("ResNet-50", 0.9, 1.05, "fast"),
    _model("MobileNetV2", 0.65, 0.9),
    _model("BERT-base", 0.9, 1.0),
    _model("GPT-2 decode", 1.0, 1.2),
    _model("ResNet-50", 0.65, 0.9, threads=2),
    _model("BERT-base", 0.8, 0.95, threads=2),
    _model("ResNet-50", 10, None, base="onnx.reference"),
    _model("MobileNetV2", 20, None, base="onnx.reference"),
    _model("BERT-base", 4, None, base="onnx.reference"),
)

LEAST_OF_A_CASE = 0.4


def slow_cases(sections: Mapping[str, Section]) -> list[str]:
    """Cases below 0.4 of onnxruntime's speed, and cases slower than refexec's own definition, in words."""
    found = []
    groups = {(s, g) for t in TARGETS for s in t.suites for g in t.groups}
    for section in sections.values():
        for row in section.get("rows", []):
            if (section["suite"], row["group"]) not in groups:
                continue
            name, value = f"{section['suite']}: {row['case']}", ratio(row, "deterministic")
            if value is not None and value < LEAST_OF_A_CASE:
                found.append(f"{name} is at {value:.2f} of onnxruntime")
            own = ratio(row, "deterministic", "definitions")
            if own is not None and own < 1:
                found.append(f"{name} is at {own:.2f} of its definition")
    return found
