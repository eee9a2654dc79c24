"""What the interpreter adds to a node: chains of tiny nodes, in microseconds of thread CPU time a node above NumPy's own Add.

    python -m benchmarks.overhead [--profile NAME] [--json FILE]

The operator or kernel, the limits and the type contract are in the path, as they are for a user's call of ``Session.run``.
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
from benchmarks.costs import Cost, lines

LIMITS = {
    "reference": {"Add": 2.0, "Relu": 2.0, "Reshape": 2.0, "Conv": 15.0},
    "deterministic": {"Add": 1.5, "Relu": 1.5, "Reshape": 1.5, "Conv": 12.0},
}
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


def chains() -> dict[str, tuple[onnx.ModelProto, dict[str, np.ndarray[Any, Any]], int]]:
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


def measure(quick: bool = False, profiles: tuple[str, ...] = tuple(LIMITS)) -> list[Cost]:
    """Per chain and profile: microseconds a node above np.add; medians over interleaved rounds, onnxruntime's beside them."""
    from benchmarks.case import Problem
    from benchmarks.contenders import BASE, CONTENDERS

    a = np.array([1, 2, 3, 4], np.float32)

    def numpy_add() -> None:
        for _ in range(100):
            np.add(a, a)

    built: dict[tuple[str, str], tuple[Callable[[], object], int]] = {("np.add", "np.add"): (numpy_add, 100)}
    for name, (model, feeds, nodes) in chains().items():
        for profile in profiles:
            built[name, profile] = partial(refexec.Session(model, profile=profile, threads=1).run, None, feeds), nodes
        other = CONTENDERS[BASE].start(Problem(model.SerializeToString(), feeds), 1)
        assert other is not None
        built[name, BASE] = other, nodes
    samples: dict[tuple[str, str], list[float]] = {key: [] for key in built}
    for call, _ in built.values():
        call()
    for _ in range(3 if quick else ROUNDS):
        for key, (call, nodes) in built.items():
            samples[key].append(seconds(call, 50) / nodes * 1e6)
    median = {key: statistics.median(values) for key, values in samples.items()}
    floor = median["np.add", "np.add"]
    costs = []
    for profile in profiles:
        for name in chains():
            node, limit = median[name, profile], LIMITS.get(profile, {}).get(name)
            beside = {"node": node, "np.add": floor, BASE: median[name, BASE]}
            costs.append(Cost(f"{name} in {profile}, above np.add", node - floor, "us", limit, beside))
    return costs


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Interpreter overhead per node.")
    parser.add_argument("--profile", action="append", help="instead of reference and deterministic")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    costs = measure(profiles=tuple(options.profile or LIMITS))
    print("\n".join(lines(costs)))
    if options.json:
        options.json.write_text(json.dumps([c.to_json() for c in costs], indent=2) + "\n")
    return 0 if all(c.reached for c in costs) else 1


if __name__ == "__main__":
    sys.exit(main())
