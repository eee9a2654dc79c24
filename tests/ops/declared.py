"""What an operator declares about comparing its results, evaluated on given inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from refexec.comparison import Call
from refexec.registry import Operator, lookup
from refexec.schema import signature
from refexec.types import element_type
from refexec.values import widen


class _Context:
    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    def wants(self, output: int) -> bool:
        return output < self.outputs

    def trip(self, count: int) -> None:
        pass

    def as_type(self, x: Any, dtype: Any) -> Any:
        return x.astype(np.float64)


def bounds(name: str, *inputs: Any, opset: int, outputs: int = 1, dtype: str = "float32", **attributes: Any) -> tuple[Any, ...]:
    """The bound of each output of element type ``dtype``, for inputs of that type where they are floats."""
    operator, call = _call(name, inputs, opset, outputs, dtype, attributes)
    assert operator.comparison is not None and operator.comparison.bound is not None
    with np.errstate(all="ignore"):
        return operator.comparison.bound(call)


def margin(name: str, *inputs: Any, opset: int, outputs: int = 1, dtype: str = "int64", **attributes: Any) -> Any:
    """How near the inputs are to another decision."""
    operator, call = _call(name, inputs, opset, outputs, dtype, attributes)
    assert operator.comparison is not None and operator.comparison.margin is not None
    with np.errstate(all="ignore"):
        return operator.comparison.margin(call)


def _call(name: str, inputs: Any, opset: int, outputs: int, dtype: str, attributes: Any) -> tuple[Operator, Call]:
    schema = signature("", name, opset)
    operator = lookup("", name, schema.since)
    full = {key: a.default for key, a in schema.attributes.items() if not a.required} | attributes
    wide = tuple(widen(x) if isinstance(x, np.ndarray) and x.dtype.kind in "fV" else x for x in inputs)

    def evaluate(*values: Any, **changes: Any) -> tuple[Any, ...]:
        keywords = {**full, **changes} | ({"ctx": _Context(outputs)} if operator.takes_ctx else {})
        with np.errstate(all="ignore"):
            result = operator.function(*values, **keywords)
        return tuple(np.asarray(r) for r in (result if isinstance(result, tuple) else (result,)))

    return operator, Call(wide, full, evaluate(*wide), (element_type(dtype),) * outputs, evaluate)
