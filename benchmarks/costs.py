"""What is not a ratio of speeds: a number with a limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "Cost", "child", "lines"]

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Cost:
    """A measured value, the most that it may be, and what was seen beside it."""

    what: str
    value: float
    unit: str
    at_most: float | None = None
    beside: dict[str, float] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        return self.at_most is None or self.value <= self.at_most

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def lines(costs: list[Cost]) -> list[str]:
    """A table for a terminal."""
    rows = []
    for c in costs:
        limit = "" if c.at_most is None else f"<= {c.at_most:g} {'' if c.reached else 'NOT REACHED'}"
        rows.append(f"{c.what:<62}{c.value:>9.2f} {c.unit:<6}{limit:<20}" + ", ".join(f"{k} {v:.2f}" for k, v in c.beside.items()))
    return rows


def child(module: str, *arguments: str, timeout: float = 600) -> Any:
    """What ``python -m module arguments`` prints as JSON on its last line, from a new process with one thread for BLAS."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
