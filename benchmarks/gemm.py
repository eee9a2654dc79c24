"""Matrix products: constant and dynamic right operand, batches, float64, and Gemm as exporters write a layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.case import Array, Case, Form, Problem, simple

SHAPES = (
    *((n, n, n) for n in (64, 128, 256, 512, 1024, 2048)),
    (128, 768, 768),
    (128, 768, 3072),
    (128, 3072, 768),
    (1, 768, 3072),
    (8, 768, 768),
    (3136, 64, 64),
)
BATCHES = (((12, 128, 64), (12, 64, 128)), ((12, 128, 128), (12, 128, 64)), ((8, 256, 64), (64, 256)), ((4, 12, 1, 64), (4, 12, 64, 513)))
LAYERS = ((1, 2048, 1000), (1, 1280, 1000), (1, 768, 2304), (128, 768, 2304))


def numbers(*shape: int, dtype: type = np.float32, seed: int = 1) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def cases() -> Iterator[Case]:
    for m, k, n in SHAPES:
        yield product(f"{m}x{k}x{n} constant", "GEMM constant B", (m, k), (k, n), constant=True)
    for m, k, n in SHAPES:
        yield product(f"{m}x{k}x{n} dynamic", "GEMM dynamic B", (m, k), (k, n))
    for a, b in BATCHES:
        yield product(f"{_text(a)} @ {_text(b)}", "GEMM batched", a, b)
    for m, k, n in ((252, 256, 256), (128, 768, 768), (1, 768, 768)):
        yield product(f"{m}x{k}x{n} float64", "GEMM float64", (m, k), (k, n), constant=True, dtype=np.float64)
    for m, k, n in LAYERS:
        yield layer(m, k, n)


def product(name: str, group: str, a: tuple[int, ...], b: tuple[int, ...], constant: bool = False, dtype: type = np.float32) -> Case:
    def build() -> Problem:
        left, right = numbers(*a, dtype=dtype), numbers(*b, dtype=dtype, seed=2)
        given = {"a": left} if constant else {"a": left, "b": right}
        return simple("MatMul", given, *([right] if constant else []), numpy=np.matmul)()

    return Case(name, group, (Form("MatMul", build),))


def layer(m: int, k: int, n: int) -> Case:
    """A linear layer: Gemm with the weight stored by output, and a bias."""

    def build() -> Problem:
        weight, bias = numbers(n, k, seed=2), numbers(n, seed=3)
        return simple("Gemm", {"a": numbers(m, k)}, weight, bias, numpy=lambda a, w, b: a @ w.T + b, transB=1)()

    return Case(f"Gemm {m}x{k}x{n} transB bias", "Gemm", (Form("Gemm", build),))


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
