"""What moves data (transpose, concatenation, slices, gathering, padding), pooling and resizing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.case import Array, Case, Form, simple
from benchmarks.gemm import numbers

ASYMMETRIC: Any = {"coordinate_transformation_mode": "asymmetric"}


def cases() -> Iterator[Case]:
    yield from movement()
    image = numbers(1, 64, 112, 112)
    half: Any = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    pools = (
        ("MaxPool 3x3 s2 64@112", simple("MaxPool", {"x": image}, **half)),
        ("AveragePool 3x3 s2 64@112", simple("AveragePool", {"x": image}, **half)),
        ("MaxPool 2x2 s2 32@128", simple("MaxPool", {"x": numbers(1, 32, 128, 128)}, kernel_shape=[2, 2], strides=[2, 2])),
        ("GlobalAveragePool 2048@7", simple("GlobalAveragePool", {"x": numbers(1, 2048, 7, 7)})),
    )
    yield from (Case(name, "pooling", (Form("op", build),)) for name, build in pools)
    small = {"x": numbers(1, 64, 56, 56)}
    twice: Array = np.array([1, 1, 2, 2], np.float32)
    resizes = (
        ("Resize linear x2 64@56", simple("Resize", small, "", twice, mode="linear")),
        ("Resize nearest x2 64@56", simple("Resize", small, "", twice, mode="nearest", nearest_mode="floor", **ASYMMETRIC)),
        ("Resize cubic x2 3@56", simple("Resize", {"x": numbers(1, 3, 56, 56)}, "", twice, mode="cubic")),
    )
    yield from (Case(name, "resize", (Form("op", build),)) for name, build in resizes)


def movement() -> Iterator[Case]:
    heads, square, maps = numbers(1, 128, 12, 64), numbers(768, 768), numbers(1, 64, 56, 56)
    ids: Array = np.random.default_rng(4).integers(0, 30522, (1, 128))
    table = numbers(30522, 64)
    cut: list[Array] = [np.array(v, np.int64) for v in ([0, 8], [56, 48], [2, 3], [1, 3])]  # starts, ends, axes, steps
    around: Array = np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)
    past, new = numbers(1, 12, 512, 64), numbers(1, 12, 1, 64)
    builds = {
        "Transpose 0213 1x128x12x64": simple("Transpose", {"x": heads}, numpy=lambda x: x.transpose(0, 2, 1, 3).copy(), perm=[0, 2, 1, 3]),
        "Transpose 768x768": simple("Transpose", {"x": square}, numpy=lambda x: x.T.copy(), perm=[1, 0]),
        "Transpose 0231 64@56": simple("Transpose", {"x": maps}, numpy=lambda x: x.transpose(0, 2, 3, 1).copy(), perm=[0, 2, 3, 1]),
        "Concat channels 64@56": simple("Concat", {"a": maps, "b": maps + 1}, numpy=lambda a, b: np.concatenate([a, b], 1), axis=1),
        "Concat past 12x512x64": simple("Concat", {"a": past, "b": new}, numpy=lambda a, b: np.concatenate([a, b], 2), axis=2),
        "Slice 64@56 steps 1,3": simple("Slice", {"x": maps}, *cut, numpy=lambda x, *_: x[:, :, 0:56, 8:48:3].copy()),
        "Gather 30522x64 by 128": simple("Gather", {"x": table, "i": ids}, numpy=lambda x, i: x[i], axis=0),
        "Pad 64@56": simple("Pad", {"x": maps}, around, numpy=lambda x, _: np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))),
        "Expand 1x768 to 128x768": simple("Expand", {"x": square[:1]}, np.array([128, 768], np.int64)),
    }
    yield from (Case(name, "movement", (Form("op", build),)) for name, build in builds.items())
