"""An operator's results and those of its function body: where they part, in words that rows of function_bodies.toml speak of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refexec.diff.metrics import leaves, misfit
from refexec.types import element_type

__all__ = ["apart", "where"]


def apart(native: Any, body: Any, near: Callable[[Any, Any], Any]) -> str | None:
    """Where two wide public values part; None where they agree. ``near(x, y)``: which elements of two complex arrays are near enough."""
    if misfit(native, body):
        return f"operator {_described(native)}, body {_described(body)}"
    parts = (_elements_apart(x, y, near) for x, y in zip(leaves(native), leaves(body), strict=True))
    return next(filter(None, parts), None)


def where(inputs: Sequence[Any], output: int) -> str:
    """The shapes of the inputs and the output: "inputs 2x3 3 -: output 0". A scalar is "scalar"; no tensor, "-"."""
    shapes = ("x".join(map(str, x.shape)) or "scalar" if isinstance(x, np.ndarray) else "-" for x in inputs)
    return f"inputs {' '.join(shapes)}: output {output}"


def _described(value: Any) -> str:
    return f"{getattr(value, 'dtype', value)}{getattr(value, 'shape', '')}"


def _elements_apart(native: Any, body: Any, near: Callable[[Any, Any], Any]) -> str | None:
    if native.dtype.kind not in "fc" and (native.dtype == object or element_type(native.dtype).kind != "float"):
        return None if np.array_equal(native, body) else f"operator {native.ravel()[:6]}, body {body.ravel()[:6]}"
    x, y = native.astype(np.clongdouble), body.astype(np.clongdouble)
    with np.errstate(all="ignore"):
        agree = (x == y) | (np.isnan(x) & np.isnan(y)) | near(x, y)
    if agree.all():
        return None
    at = int(np.argmax(~agree))
    return f"element {at}: operator {native.ravel()[at]}, body {body.ravel()[at]}"
