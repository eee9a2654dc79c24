"""Runs a model in onnxruntime, in a process of its own: ``python ort_child.py FOLDER``.

onnxruntime can end a process by a signal, and some session options change its floating-point state, so it never runs in the
process of the tests. FOLDER holds ``model.onnx``, ``options.json`` and ``feeds_N.npz``; the child writes ``outputs_N.npz`` and
prints the seconds of each run as JSON. Graph optimizations are off. :func:`run_onnxruntime` is the other side.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["run_onnxruntime"]

Arrays = dict[str, np.ndarray[Any, Any]]


def run_onnxruntime(
    model: bytes, feeds: Sequence[Mapping[str, Any]], config: Mapping[str, str] | None = None, timeout: float = 280
) -> tuple[list[Arrays], list[float]]:
    """The outputs by name for each of ``feeds``, and the seconds each run took.

    Args:
        model: the bytes of the file.
        feeds: arrays of NumPy's own types by name.
        config: entries for ``SessionOptions.add_session_config_entry``.
        timeout: seconds for all of it.

    Raises:
        RuntimeError: onnxruntime refused the model or died; the message ends with what it wrote.
        subprocess.TimeoutExpired: after ``timeout``.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(model)
        (folder / "options.json").write_text(json.dumps({"config": dict(config or {})}), encoding="utf-8")
        for i, given in enumerate(feeds):
            _save(folder / f"feeds_{i}.npz", dict(given))
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode:
            raise RuntimeError(f"onnxruntime ended with {done.returncode}: {done.stderr[-2000:]}")
        return [_load(folder / f"outputs_{i}.npz") for i in range(len(feeds))], json.loads(done.stdout)


def _save(path: Path, arrays: Arrays) -> None:
    # Names of values may hold characters that a zip entry cannot; the first entry lists them.
    named = {f"a{i}": value for i, value in enumerate(arrays.values())}
    np.savez(path, names=np.array(list(arrays), dtype=np.str_), **named)  # type: ignore[arg-type]


def _load(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as stored:
        return {str(name): stored[f"a{i}"] for i, name in enumerate(stored["names"])}


def main(folder: Path) -> None:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    for key, value in json.loads((folder / "options.json").read_text(encoding="utf-8"))["config"].items():
        settings.add_session_config_entry(key, value)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), settings, providers=["CPUExecutionProvider"])
    names, seconds = [o.name for o in session.get_outputs()], []
    for path in sorted(folder.glob("feeds_*.npz"), key=lambda p: int(p.stem.split("_")[1])):
        feeds = _load(path)
        started = time.perf_counter()
        outputs = session.run(names, feeds)
        seconds.append(time.perf_counter() - started)
        _save(folder / path.name.replace("feeds", "outputs"), dict(zip(names, outputs, strict=True)))
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
