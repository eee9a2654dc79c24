"""What the interpreter adds to a node: chains of tiny nodes, in microseconds of thread CPU time a node above NumPy's own Add.

    python -m benchmarks.overhead [--json FILE]

Limits: 2.0 us a node for Add, Relu and Reshape, 15 us for a Conv of 1x1 on 1x1. The operator body and the type contract are
in the path, as they are for a user's call of ``Session.run``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import refexec

LIMITS = {"Add": 2.0, "Relu": 2.0, "Reshape": 2.0, "Conv": 15.0}
ROUNDS = 15


def chain(op_type: str, nodes: int, shape: tuple[int, ...], constants: dict[str, np.ndarray[Any, Any]]) -> onnx.ModelProto:
    """A chain of ``nodes`` equal nodes over tensors of ``shape``; ``constants`` are their further inputs."""
    names = ["x", *(f"v{i}" for i in range(1, nodes)), "y"]
    graph = helper.make_graph(
        [helper.make_node(op_type, [a, *constants], [b]) for a, b in itertools.pairwise(names)],
        op_type,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def cases() -> dict[str, tuple[onnx.ModelProto, dict[str, np.ndarray[Any, Any]], int]]:
    x = np.array([1, 2, 3, 4], np.float32)
    image = np.ones((1, 1, 1, 1), np.float32)
    return {
        "Add": (chain("Add", 100, (4,), {"b": x}), {"x": x}, 100),
        "Relu": (chain("Relu", 100, (4,), {}), {"x": x}, 100),
        "Reshape": (chain("Reshape", 100, (4,), {"s": np.array([4], np.int64)}), {"x": x}, 100),
        "Conv": (chain("Conv", 50, (1, 1, 1, 1), {"w": image}), {"x": image}, 50),
    }


def seconds(call: Callable[[], object], repeat: int) -> float:
    """Thread CPU seconds of one call, averaged over ``repeat``."""
    start = time.thread_time()
    for _ in range(repeat):
        call()
    return (time.thread_time() - start) / repeat


def measure() -> dict[str, dict[str, float]]:
    """Per chain: microseconds a node, of which NumPy's own, and the difference; medians over interleaved rounds."""
    a = np.array([1, 2, 3, 4], np.float32)

    def numpy_add() -> None:
        for _ in range(100):
            np.add(a, a)

    built = {name: (refexec.Session(model), feeds, nodes) for name, (model, feeds, nodes) in cases().items()}
    samples: dict[str, list[float]] = {name: [] for name in built}
    own: list[float] = []
    for session, feeds, _ in built.values():
        session.run(None, feeds)
    for _ in range(ROUNDS):
        own.append(seconds(numpy_add, 100) / 100 * 1e6)
        for name, (session, feeds, nodes) in built.items():
            samples[name].append(seconds(partial(session.run, None, feeds), 50) / nodes * 1e6)
    floor = statistics.median(own)
    return {
        name: {
            "us_per_node": statistics.median(values),
            "numpy_add_us": floor,
            "above_numpy_us": statistics.median(values) - floor,
            "limit_us": LIMITS[name],
        }
        for name, values in samples.items()
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Interpreter overhead per node.")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    figures = measure()
    print(f"{'chain':<8} {'us/node':>8} {'np.add':>8} {'above':>8} {'limit':>8}")
    for name, row in figures.items():
        print(f"{name:<8} {row['us_per_node']:8.2f} {row['numpy_add_us']:8.2f} {row['above_numpy_us']:8.2f} {row['limit_us']:8.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if all(row["above_numpy_us"] <= row["limit_us"] for row in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
