"""Shapes that change at every call: ``python -m benchmarks.dynamic``.

Each call has a shape that the session has not seen; the same shapes called again and again are what it is measured against. The
compiled signatures are counted: a new shape must not compile anything.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

import refexec
from benchmarks.contenders import BASE, ort_options
from benchmarks.costs import Cost, lines

__all__ = ["compiled_signatures", "measure"]

AT_MOST = 1.1
Feeds = Mapping[str, Any]


def compiled_signatures() -> int:
    """How many argument types the kernels were compiled for, over all of them."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("refexec.kernels."):
            found.update({id(f): len(f.signatures) for f in vars(module).values() if hasattr(f, "signatures")})
    return sum(found.values())


def measure(quick: bool = False) -> list[Cost]:
    """ResNet-50 whose batch changes, and two layers of BERT-base whose batch and length change."""
    from benchmarks.models.bert import bert, inputs
    from benchmarks.models.resnet import resnet

    calls = 4 if quick else 16
    random = np.random.default_rng(3)
    images = [{"input": random.standard_normal((n, 3, 64, 64), np.float32)} for n in range(1, 3 + calls)]
    texts = [inputs(1 + i % 4, 17 + 11 * i) for i in range(2 + calls)]
    costs = []
    for name, content, feeds in (
        ("ResNet-50 at 64x64, batch", resnet(image=64, dynamic=True).content, images),
        ("BERT-base of 2 layers, batch and length", bert(layers=2, length=8, dynamic=True).content, texts),
    ):
        costs += _measure(name, content, feeds)
    return costs


def _measure(name: str, content: bytes, feeds: Sequence[Feeds]) -> list[Cost]:
    import onnxruntime

    session = refexec.Session(content, profile="deterministic", threads=1)
    other = onnxruntime.InferenceSession(content, ort_options(1), providers=["CPUExecutionProvider"])
    for given in feeds[:2]:
        session.run(None, given)
        other.run(None, given)
    before = compiled_signatures()
    ours = changing_against_static(partial(session.run, None), feeds[2:])
    added = compiled_signatures() - before
    theirs = changing_against_static(lambda given: other.run(None, dict(given)), feeds[2:])
    return [
        Cost(f"{name}: new shapes against the same", ours, "x", AT_MOST, {BASE: theirs}),
        Cost(f"{name}: kernels compiled after warm-up", added, "", 0, {"signatures": before}),
    ]


def changing_against_static(run: Callable[[Feeds], object], feeds: Sequence[Feeds]) -> float:
    """Thread time of first calls, one for each of ``feeds``, over that of later calls: medians of five calls in a row."""

    def seconds(given: Feeds) -> float:
        start = time.thread_time()
        run(given)
        return time.thread_time() - start

    first = sum(seconds(given) for given in feeds)
    return first / sum(statistics.median(seconds(given) for _ in range(5)) for given in feeds)


if __name__ == "__main__":
    print("\n".join(lines(measure())))
