"""Where figures come from: the machine, the versions, and what else it was doing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["Activity", "machine", "pin"]

PACKAGES = ("numpy", "onnx", "onnxruntime", "numba", "llvmlite")


def machine() -> dict[str, Any]:
    """Processor, its vector extensions, and versions."""
    from refexec import __version__

    lines = _lines("/proc/cpuinfo")
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    found: dict[str, Any] = {
        "cpu": model,
        "vectors": " ".join(f for f in ("avx2", "fma", "avx512f", "avx512_vnni", "amx_tile") if f in flags) or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "refexec": __version__,
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def pin() -> None:
    """Keep this process on one core, the last it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class Activity:
    """What the machine did between the start and :meth:`since`: load averages, and the share of time that the host took away."""

    def __init__(self) -> None:
        self._load = _load()
        self._times = _processor_times()

    def since(self) -> dict[str, Any]:
        spent: list[int] = [b - a for a, b in zip(self._times, _processor_times(), strict=True)]
        total = sum(spent)
        stolen = spent[7] / total if len(spent) > 7 and total else 0.0
        return {"load before": self._load, "load after": _load(), "stolen": round(stolen, 4)}


def _load() -> float:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def _processor_times() -> list[int]:
    return [int(x) for x in next(iter(_lines("/proc/stat")), "").split()[1:9]]


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
