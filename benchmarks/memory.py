"""Peak memory of a run above what the imports take, against onnxruntime: ``python -m benchmarks.memory``.

Each measurement is a new process: it runs a tiny model first, so that everything is loaded, then reads the model's file and runs it
twice. Peak: the largest resident size (VmHWM) less the one before; kept: what is still resident at the end.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.costs import Cost, child, lines

__all__ = ["measure"]

AT_MOST = 1.5
CONTENDERS = ("refexec", "onnxruntime")


def measure(quick: bool = False) -> list[Cost]:
    from benchmarks.models import MODELS

    costs = []
    for name in ("ResNet-50", "BERT-base"):
        big, small = MODELS[name]
        with tempfile.TemporaryDirectory() as folder:
            for size, build in (("big", big), ("small", small)):
                problem = build()
                (Path(folder) / f"{size}.onnx").write_bytes(problem.content)
                np.savez(Path(folder) / f"{size}.npz", **problem.feeds)  # type: ignore[arg-type]
            weights = (Path(folder) / "big.onnx").stat().st_size / 1e6
            seen = {c: [child("benchmarks.memory", "--child", c, folder) for _ in range(1 if quick else 3)] for c in CONTENDERS}
        peak, kept = ({c: statistics.median(s[what] for s in seen[c]) for c in CONTENDERS} for what in ("peak", "kept"))
        beside = {f"{c} {what} MB": v[c] for what, v in (("peak", peak), ("kept", kept)) for c in CONTENDERS} | {"file MB": weights}
        relative = peak["refexec"] / peak["onnxruntime"]
        costs.append(Cost(f"{name}: peak memory above import, against onnxruntime", relative, "x", AT_MOST, beside))
    return costs


def _sizes() -> dict[str, float]:
    """Resident size and its peak in MB."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return {name: int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM")}


def _measure_here(contender: str, folder: str) -> None:
    start = _refexec if contender == "refexec" else _onnxruntime
    feeds = {}
    for size in ("small", "big"):
        with np.load(Path(folder) / f"{size}.npz") as stored:
            feeds[size] = dict(stored)
    start(f"{folder}/small.onnx")(feeds["small"])
    gc.collect()
    before = _sizes()["VmRSS"]
    run = start(f"{folder}/big.onnx")
    for _ in range(2):
        run(feeds["big"])
    gc.collect()
    after = _sizes()
    print(json.dumps({"peak": after["VmHWM"] - before, "kept": after["VmRSS"] - before}))


Run = Callable[[Mapping[str, Any]], object]


def _refexec(path: str) -> Run:
    import refexec

    session = refexec.Session(path, profile="deterministic", threads=1)
    return lambda feeds: session.run(None, feeds)


def _onnxruntime(path: str) -> Run:
    import onnxruntime

    from benchmarks.contenders import ort_options

    session = onnxruntime.InferenceSession(path, ort_options(1), providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(None, dict(feeds))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _measure_here(*sys.argv[2:4])
    else:
        print("\n".join(lines(measure())))
