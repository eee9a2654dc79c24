"""What is measured: a case is one computation in one or several forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks.graph import Graph

__all__ = ["Case", "Form", "Problem", "simple"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Problem:
    """A model, its inputs, and the same computation in plain NumPy where there is such a form."""

    content: bytes
    feeds: Mapping[str, Array]
    numpy: Callable[[], object] | None = None


@dataclass(frozen=True)
class Form:
    """A way to ask for the computation; ``share`` is how much of the model's time is the computation's."""

    name: str
    build: Callable[[], Problem]
    share: float = 1.0


@dataclass(frozen=True)
class Case:
    """A computation. Of several forms each contender's fastest counts: a chain of layers, for example, in which a runtime changes the
    layout of its tensors once and not at every layer. ``group`` is the row of the targets that the case counts for."""

    name: str
    group: str
    forms: tuple[Form, ...] = field(repr=False)


def simple(
    op_type: str,
    feeds: Mapping[str, Array],
    *constants: Any,
    numpy: Callable[..., object] | None = None,
    opset: int = 17,
    dtype: Any = None,
    shape: tuple[int, ...] | None = None,
    **attributes: Any,
) -> Callable[[], Problem]:
    """Builds the problem of one node: ``feeds`` are its first inputs, ``constants`` the others ("" for an absent one). The output has
    the type of the first input and the shape that onnx infers, if not given."""

    def build() -> Problem:
        graph = Graph(op_type, opset)
        names = [graph.input(name, value.shape, value.dtype) for name, value in feeds.items()]
        names += ["" if isinstance(c, str) else graph.constant(c, c.dtype) for c in constants]
        first = next(iter(feeds.values()))
        graph.result(op_type, "y", *names, dtype=dtype or first.dtype, shape=shape, **attributes)
        return Problem(graph.content(), feeds, None if numpy is None else partial(numpy, *feeds.values(), *constants))

    return build
