"""Hypothesis strategies for ONNX models: valid by construction, without filters, shrinking to one node.

>>> from hypothesis import given
>>> from refexec.fuzz.strategies import models
>>> @given(models(opset=(13, 21), max_nodes=6))
... def test_my_runtime(made):
...     results = run(made.model, made.feeds)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, choices_to_bytes
from hypothesis.internal.reflection import function_digest

from refexec.fuzz import numbers
from refexec.fuzz.graph import Generated, Options, generate
from refexec.types import element_type

__all__ = ["functions", "graphs", "hand_over", "models", "nodes", "tensors"]


@cache
def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


class _Draws:
    """Choices of Hypothesis, one integer each."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(_integers(low, high))

    def together(self, step: Callable[[], None]) -> None:
        """What is drawn from one strategy is a span to Hypothesis, which it may make trivial as a whole."""
        outer = self._draw
        outer(_step(self, step))
        self._draw = outer


@st.composite
def _step(draw: st.DrawFn, chooser: _Draws, step: Callable[[], None]) -> None:
    chooser._draw = draw
    step()


@st.composite
def _models(draw: st.DrawFn, options: Options) -> Generated:
    return generate(_Draws(draw), options)


def models(**options: Any) -> st.SearchStrategy[Generated]:
    """Models with feeds: :class:`refexec.fuzz.graph.Generated`.

    Args:
        options: as of :class:`refexec.fuzz.graph.Options`: opset, domains, ops, dtypes, max_nodes, control_flow, dynamic_shapes, ...
    """
    return _models(Options(**options))


def graphs(**options: Any) -> st.SearchStrategy[onnx.GraphProto]:
    """The main graphs of :func:`models`. What opset they are for is in the model: fix it with ``opset=``."""
    return models(**options).map(lambda made: made.model.graph)


def nodes(op: str, **options: Any) -> st.SearchStrategy[Generated]:
    """Models of one node of an operator, or of none where the opset does not have it; "ai.onnx.ml:Scaler" names a domain.

    Raises UnsupportedOperator for an operator that is not known.
    """
    domain, _, name = op.rpartition(":")
    return models(ops=(name,), domains=(domain,), max_nodes=1, random=True, **options)


def functions(**options: Any) -> st.SearchStrategy[Sequence[onnx.FunctionProto]]:
    """The functions of models that call some."""
    return models(**options).map(lambda made: tuple(made.model.functions))


@st.composite
def _tensors(draw: st.DrawFn, dtype: str, shape: tuple[int, ...] | None) -> np.ndarray[Any, Any]:
    dims = shape if shape is not None else tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    return numbers.tensor(element_type(dtype), dims, draw(_integers(0, numbers.KINDS - 1)), draw(_integers(0, numbers.STARTS - 1)))


def tensors(dtype: str = "float32", shape: tuple[int, ...] | None = None) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Tensors of an element type ("float32", "int4", "string", ...): recipes, so that two choices make all numbers."""
    return _tensors(dtype, shape)


def hand_over(test: Callable[..., Any], record: Sequence[int], database: ExampleDatabase) -> None:
    """Save what a :class:`refexec.fuzz.choosers.RandomChooser` chose, so that the next run of ``test`` tries it first, and shrinks it.

    ``test`` has ``@given(models(...))`` as its only argument, with the options of the model, and ``@settings(database=database)``.
    """
    inner = getattr(test, "hypothesis").inner_test  # noqa: B009 - Hypothesis sets it on the function
    database.save(function_digest(inner) + b".secondary", choices_to_bytes(record))
