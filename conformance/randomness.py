"""Random operators are compared by property: the numbers of a generator are no part of the specification.

Checked are type and shape, the support, exactness where the specification leaves no chance (ratio 0), the relation between
outputs, that the same seed gives the same values, and means over many seeds. The bound of a mean is six standard errors: of
10**9 right implementations about two would fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from conformance.cases import Case
from refexec.session import Session

__all__ = ["property_check"]

SEEDS = 200
RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}

Check = Callable[[onnx.ModelProto, list[Any], list[Any]], str | None]


def property_check(case: Case, model: onnx.ModelProto) -> Check | None:
    """The check that replaces the comparison for a case with random outputs; None for all others."""
    if case.operator is None:
        return None
    if case.operator[1] == "Bernoulli":
        return _bernoulli
    if case.operator[1] == "Dropout" and case.name.startswith("test_training_"):
        return _training_dropout
    if any(node.op_type in RANDOM for node in model.graph.node):
        return _shape_and_type
    return None


def _sample(model: onnx.ModelProto, inputs: list[Any], seed: int) -> list[Any]:
    """One run. A ``seed`` attribute fixes the numbers whatever the session's seed, so both are set."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        for attribute in node.attribute:
            if attribute.name == "seed" and attribute.type == onnx.AttributeProto.FLOAT:
                attribute.f = float(seed)
            elif attribute.name == "seed":
                attribute.i = seed
    session = Session(copy, seed=seed)
    return session.run(None, dict(zip([i.name for i in session.inputs], inputs, strict=True)))


def _shape_and_type(model: onnx.ModelProto, inputs: list[Any], expected: list[Any]) -> str | None:
    first, again = _sample(model, inputs, 1), _sample(model, inputs, 1)
    for e, a, b in zip(expected, first, again, strict=True):
        if (e.dtype, e.shape) != (a.dtype, a.shape):
            return f"expected {e.dtype} {e.shape}, got {a.dtype} {a.shape}"
        if not np.array_equal(a, b):
            return "the same seed gave other values"
    return None


def _bernoulli(model: onnx.ModelProto, inputs: list[Any], expected: list[Any]) -> str | None:
    """1 with probability x: values are 0 or 1, and the mean of each element is its probability; 0 and 1 leave no chance."""
    problem = _shape_and_type(model, inputs, expected)
    if problem:
        return problem
    (p,) = inputs
    certain = (np.arange(p.size) % 2).reshape(p.shape).astype(p.dtype)
    if not np.array_equal(_sample(model, [certain], 3)[0], certain.astype(expected[0].dtype)):
        return f"probabilities 0 and 1 gave {_sample(model, [certain], 3)[0].tolist()} for {certain.tolist()}"
    samples = np.stack([_sample(model, inputs, seed)[0] for seed in range(SEEDS)]).astype(np.float64)
    if not np.isin(samples, (0, 1)).all():
        return "a value is neither 0 nor 1"
    return _means(samples, p.astype(np.float64))


def _training_dropout(model: onnx.ModelProto, inputs: list[Any], expected: list[Any]) -> str | None:
    """output = data * mask / (1 - ratio), an element is dropped with probability ratio; ratio 0 drops nothing."""
    problem = _shape_and_type(model, inputs, expected)
    if problem:
        return problem
    data, ratio = inputs[0], float(inputs[1]) if len(inputs) > 1 else 0.5
    if not data.all():
        raise ValueError("the mask cannot be read off data that hold a zero")
    kept = []
    for seed in range(SEEDS):
        output, *rest = _sample(model, inputs, seed)
        mask = rest[0] if rest else output != 0
        if not np.allclose(output, data * mask / (1 - ratio), rtol=1e-6, atol=0):
            return "output is not data * mask / (1 - ratio)"
        kept.append(mask)
    if ratio == 0 and not np.all(kept):
        return "ratio 0 dropped an element"
    return _means(np.stack(kept).astype(np.float64), np.full(data.shape, 1 - ratio))


def _means(samples: np.ndarray[Any, Any], p: np.ndarray[Any, Any]) -> str | None:
    error = np.abs(samples.mean(axis=0) - p)
    allowed = 6 * np.sqrt(p * (1 - p) / len(samples))
    if (error > allowed).any():
        at = int(np.argmax(error - allowed))
        return f"element {at}: mean {samples.mean(axis=0).flat[at]:.3f} over {len(samples)} seeds, probability {p.flat[at]:.3f}"
    total, spread = samples.mean(), 6 * math.sqrt(float((p * (1 - p)).sum()) / len(samples)) / p.size
    if abs(total - p.mean()) > spread:
        return f"mean of all {samples.size} draws {total:.4f}, expected {p.mean():.4f} within {spread:.4f}"
    return None
