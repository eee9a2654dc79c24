"""From times to ratios. A ratio is a speed relative to onnxruntime with all optimizations: above 1 is faster."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import BASE, CONTENDERS, PROFILES
from benchmarks.sections import Row, Section

__all__ = ["Summary", "best", "geometric_mean", "line", "ratio", "slower", "summaries", "table", "text_table"]

NOTICED = 0.9
"""A group whose ratios fell below this part of the earlier ones is slower; the error of a ratio is about 8 %."""

SHORT = {"deterministic": "determ.", "ort, no optimizations": "ort none", "definitions": "defs", "onnx.reference": "onnx.ref"}


def best(row: Row, contender: str) -> dict[str, Any] | None:
    """The figures of a contender's fastest form; None where it has none."""
    forms: Mapping[str, dict[str, Any]] = row["times"].get(contender, {})
    return min(forms.values(), key=lambda f: f["median"], default=None)


def ratio(row: Row, contender: str, base: str = BASE, of: str = "median") -> float | None:
    """How much faster ``contender`` is than ``base``, by their medians or by their ``best`` samples."""
    mine, other = best(row, contender), best(row, base)
    return other[of] / mine[of] if mine and other and mine[of] else None


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


@dataclass(frozen=True)
class Summary:
    """The ratios of one contender over the cases of a group."""

    mean: float
    worst: float
    where: str
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.2f} (worst {self.worst:.2f}, {self.where})" if self.count > 1 else f"{self.mean:.2f}"


def summaries(rows: Sequence[Row], contender: str, base: str = BASE) -> dict[str, Summary]:
    """By group: geometric mean and worst case. Groups without a ratio are left out."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        value = ratio(row, contender, base)
        if value is not None:
            found.setdefault(row["group"], {})[row["case"]] = value
    return {group: summary(cases) for group, cases in found.items()}


def summary(cases: Mapping[str, float]) -> Summary:
    where = min(cases, key=lambda case: cases[case])
    return Summary(geometric_mean(cases.values()), cases[where], where, len(cases))


def columns(section: Section) -> list[str]:
    """The contenders of a section, in their usual order."""
    return [name for name in CONTENDERS if any(name in row["times"] or name in row["failed"] for row in section["rows"])]


def heads(names: Iterable[str]) -> list[str]:
    return ["case", "ort us", *(SHORT.get(n, n) for n in names if n != BASE), "spread", "load"]


def cells(row: Row, names: Sequence[str]) -> list[str]:
    """One case: onnxruntime's microseconds, the ratio of each other contender (of refexec's kernels also that of the best
    samples, which a busy machine disturbs least), the widest spread of a kernel's or of onnxruntime's
    samples, and the load average."""
    base = best(row, BASE)
    ratios = [_cell(row, name) for name in names if name != BASE]
    spreads = [f["spread"] for name in ("deterministic", "fast", BASE) if (f := best(row, name))]
    spread = f"{max(spreads):.0%}" if spreads else ""
    return [row["case"], f"{base['median'] * 1e6:.0f}" if base else "-", *ratios, spread, f"{row['activity']['load after']:.1f}"]


def _cell(row: Row, name: str) -> str:
    value = ratio(row, name)
    if value is not None:
        least = ratio(row, name, of="best") if name in PROFILES else None
        return _short(value) + (f" ({_short(least)})" if least else "")
    mine = best(row, name)
    return f"{mine['median'] * 1e6:.0f} us" if mine else "failed" if name in row["failed"] else ""


def _short(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def line(row: Row, names: Sequence[str]) -> str:
    first, *others = cells(row, names)
    return f"{first[:40]:<40}" + "".join(f"{cell:>14}" for cell in others)


def table(section: Section) -> list[list[str]]:
    """Head and one line per case, then one per group and refexec profile where a group has several cases."""
    names = columns(section)
    return [heads(names), *(cells(row, names) for row in section["rows"])]


def text_table(section: Section) -> list[str]:
    """Geometric means and worst cases of each group."""
    lines = []
    for name in (n for n in columns(section) if n != BASE):
        lines += [f"{group:<28}{name:<24}{s}" for group, s in summaries(section["rows"], name).items() if s.count > 1]
    return sorted(lines)


def slower(old: Mapping[str, Section], new: Mapping[str, Section], noticed: float = NOTICED) -> list[str]:
    """Groups of cases whose ratios to onnxruntime fell, in words. Only cases that both files have count."""
    found = []
    for key in (k for k in new if k in old):
        for name in ("deterministic", "fast"):
            before = {row["case"]: ratio(row, name) for row in old[key].get("rows", [])}
            changes: dict[str, dict[str, float]] = {}
            for row in new[key].get("rows", []):
                now, then = ratio(row, name), before.get(row["case"])
                if now and then:
                    changes.setdefault(row["group"], {})[row["case"]] = now / then
            for group, cases in changes.items():
                change = summary(cases)
                if change.mean < noticed:
                    seen = f"{change.mean:.2f} of its earlier ratio (worst {change.worst:.2f}, {change.where})"
                    found.append(f"{key}: {group} in {name} is at {seen}")
    return found
