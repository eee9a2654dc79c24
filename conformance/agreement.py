"""Does a value agree with the expected one: the one comparison of the backend suite.

Containers, element types and shapes are equal; integers, booleans and text are equal exactly; floats agree within
``atol + rtol * |expected|``, NaN agrees with NaN and infinities with themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refexec.types import element_type

__all__ = ["difference"]

BFLOAT16_RTOL = 2.0**-6
"""onnx's own runner allows two units in the last place of a bfloat16, whatever the test's rtol."""


def difference(expected: Any, actual: Any, rtol: float, atol: float, where: str = "output") -> str | None:
    """What is wrong with ``actual``, or None."""
    if expected is None or actual is None:
        return None if expected is actual else f"{where}: expected {_kind(expected)}, got {_kind(actual)}"
    if isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)):
            return f"{where}: expected a sequence, got {_kind(actual)}"
        if len(expected) != len(actual):
            return f"{where}: expected {len(expected)} items, got {len(actual)}"
        found = (difference(e, a, rtol, atol, f"{where}[{i}]") for i, (e, a) in enumerate(zip(expected, actual, strict=True)))
        return next((f for f in found if f), None)
    if not isinstance(actual, np.ndarray):
        return f"{where}: expected a tensor, got {_kind(actual)}"
    return _tensor_difference(np.asarray(expected), actual, rtol, atol, where)


def _tensor_difference(expected: np.ndarray[Any, Any], actual: np.ndarray[Any, Any], rtol: float, atol: float, where: str) -> str | None:
    if expected.dtype != actual.dtype:
        return f"{where}: expected {expected.dtype}, got {actual.dtype}"
    if expected.shape != actual.shape:
        return f"{where}: expected shape {expected.shape}, got {actual.shape}"
    elem = element_type(expected.dtype)
    if elem.kind in ("float", "complex"):
        e, a = (x.astype(np.complex128 if elem.kind == "complex" else np.float64) for x in (expected, actual))
        with np.errstate(all="ignore"):
            allowed = atol + (max(rtol, BFLOAT16_RTOL) if elem.name == "bfloat16" else rtol) * np.abs(e)
            wrong = ~((e == a) | (np.isnan(e) & np.isnan(a)) | (np.isfinite(e) & (np.abs(a - e) <= allowed)))
    else:
        e, a = expected, actual
        wrong = np.asarray(expected != actual, dtype=bool)
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{where}{list(at)}: expected {e[at]!r}, got {a[at]!r}; {int(wrong.sum())} of {wrong.size} differ"


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"tensor {value.dtype} {value.shape}"
    return type(value).__name__
