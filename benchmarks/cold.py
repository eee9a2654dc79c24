"""From the start of a process to the first output of ResNet-50, with compiled kernels in the cache: ``python -m benchmarks.cold``.

Each run is a new process that reads the model's file. The first run of refexec fills the cache and does not count.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.costs import Cost, child, lines

__all__ = ["measure"]

FIRST_OUTPUT = {
    "refexec": "import refexec; refexec.Session({path!r}, profile='deterministic', threads=1).run(None, feeds)",
    "refexec, fast": "import refexec; refexec.Session({path!r}, profile='fast', threads=1).run(None, feeds)",
    "onnxruntime": "from benchmarks.contenders import ort_options; import onnxruntime;"
    "onnxruntime.InferenceSession({path!r}, ort_options(1), providers=['CPUExecutionProvider']).run(None, feeds)",
}
AT_MOST = {"refexec": 2.5}


def measure(quick: bool = False) -> list[Cost]:
    from benchmarks.models import MODELS

    problem = MODELS["ResNet-50"][0]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet50.onnx"
        path.write_bytes(problem.content)
        np.savez(Path(folder) / "feeds.npz", **problem.feeds)  # type: ignore[arg-type]
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in FIRST_OUTPUT}
        for number in range(3 if quick else 8):
            for name in FIRST_OUTPUT:
                taken = _process(name, str(path))
                if number:
                    samples[name].append(taken)
    wall, processor = ({name: statistics.median(s[i] for s in taken) for name, taken in samples.items()} for i in (0, 1))
    beside = {"onnxruntime": wall["onnxruntime"], "its processor time": processor["onnxruntime"]}
    return [
        Cost(f"{n}: process to first output of ResNet-50", wall[n], "s", AT_MOST.get(n), {"processor time": processor[n], **beside})
        for n in wall
        if n != "onnxruntime"
    ]


def _process(name: str, path: str) -> tuple[float, float]:
    """Seconds on the wall and of the processor for one process, its end included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    child("benchmarks.cold", "--child", name, path)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _first_output(name: str, path: str) -> None:
    with np.load(Path(path).parent / "feeds.npz") as stored:
        exec(FIRST_OUTPUT[name].format(path=path), {"feeds": dict(stored)})
    print("{}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _first_output(*sys.argv[2:4])
    else:
        print("\n".join(lines(measure())))
