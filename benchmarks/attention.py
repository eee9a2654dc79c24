"""Scaled dot-product attention: as the operator, and decomposed as older exporters write it. Prefill, decode, masks, shared heads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.case import Array, Case, Form, Problem
from benchmarks.graph import Graph


@dataclass(frozen=True)
class Shape:
    """Query heads, key heads, queries, keys, size of a head; ``past`` of the keys come from earlier calls."""

    heads: int
    shared: int
    queries: int
    keys: int
    size: int = 64
    past: int = 0
    causal: bool = False

    @property
    def text(self) -> str:
        tail = [f"past {self.past}"] * (self.past > 0) + ["causal"] * self.causal
        return " ".join([f"{self.heads},{self.shared},{self.queries},{self.keys},{self.size}", *tail])

    def feeds(self) -> dict[str, Array]:
        random = np.random.default_rng(5)

        def heads(count: int, length: int) -> Array:
            return random.standard_normal((1, count, length, self.size), np.float32)

        new = self.keys - self.past
        given = {"q": heads(self.heads, self.queries), "k": heads(self.shared, new), "v": heads(self.shared, new)}
        if self.past:
            given |= {"past_k": heads(self.shared, self.past), "past_v": heads(self.shared, self.past)}
        return given

    def mask(self) -> Array:
        """Queries are the last of the keys."""
        later = np.arange(self.keys) > np.arange(self.queries)[:, None] + self.keys - self.queries
        return np.where(later, np.float32(-1e9), np.float32(0))


def operator(shape: Shape) -> Problem:
    graph = Graph("attention", opset=23)
    feeds = shape.feeds()
    inputs = [graph.input(name, value.shape) for name, value in feeds.items()]
    inputs.insert(3, "")
    names = graph.nodes("Attention", 3 if shape.past else 1, *(inputs if shape.past else inputs[:3]), is_causal=int(shape.causal))
    graph.result("Identity", "y", names[0])
    for name, value in zip(("present_k", "present_v"), names[1:], strict=False):
        graph.result("Identity", name, value)
    return Problem(graph.content(), feeds, partial(plain, shape, feeds))


def decomposed(shape: Shape) -> Problem:
    graph = Graph("attention")
    feeds = shape.feeds()
    q, k, v, *past = [graph.input(name, value.shape) for name, value in feeds.items()]
    if past:
        k = graph.result("Concat", "present_k", past[0], k, axis=2)
        v = graph.result("Concat", "present_v", past[1], v, axis=2)
    if shape.heads != shape.shared:
        k, v = _repeated(graph, k, shape), _repeated(graph, v, shape)
    scores = graph.node("MatMul", q, graph.node("Transpose", k, perm=[0, 1, 3, 2]))
    scores = graph.node("Mul", scores, graph.constant(1 / math.sqrt(shape.size)))
    if shape.causal:
        scores = graph.node("Add", scores, graph.constant(shape.mask()))
    graph.result("MatMul", "y", graph.node("Softmax", scores, axis=-1), v)
    return Problem(graph.content(), feeds, partial(plain, shape, feeds))


def _repeated(graph: Graph, x: str, shape: Shape) -> str:
    """Each key head once for every query head that it serves."""
    times = shape.heads // shape.shared
    x = graph.node("Unsqueeze", x, graph.constant([2], np.int64))
    x = graph.node("Expand", x, graph.constant([1, shape.shared, times, shape.keys, shape.size], np.int64))
    return graph.node("Reshape", x, graph.constant([1, shape.heads, shape.keys, shape.size], np.int64))


def plain(shape: Shape, feeds: dict[str, Array]) -> Array:
    """The same in NumPy."""
    k, v = feeds["k"], feeds["v"]
    if shape.past:
        k, v = np.concatenate([feeds["past_k"], k], 2), np.concatenate([feeds["past_v"], v], 2)
    k, v = (x.repeat(shape.heads // shape.shared, 1) if shape.heads != shape.shared else x for x in (k, v))
    scores = feeds["q"] @ k.swapaxes(2, 3) * np.float32(1 / math.sqrt(shape.size))
    if shape.causal:
        scores += shape.mask()
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return np.asarray(scores @ v)


def _case(group: str, shape: Shape) -> Case:
    forms: tuple[Callable[[Shape], Problem], ...] = (operator, decomposed)
    return Case(f"{group.split()[1]} {shape.text}", group, tuple(Form(f.__name__, partial(f, shape)) for f in forms))


def cases() -> Iterator[Case]:
    yield _case("attention prefill", Shape(12, 12, 128, 128))
    yield _case("attention prefill", Shape(12, 12, 1024, 1024))
    yield _case("attention prefill", Shape(32, 8, 256, 256))
    yield _case("attention prefill", Shape(12, 12, 256, 256, causal=True))
    yield _case("attention decode", Shape(12, 12, 1, 1024))
    yield _case("attention decode", Shape(32, 8, 1, 1024))
    yield _case("attention decode", Shape(12, 12, 1, 513, past=512))
