"""The numbers of generated tensors: a recipe (kind, start) in place of a choice for each element.

Kind 0 is a lattice away from integers and halves (k / 4 + 1 / 8), on which sums and products of few numbers are exact and roundings are
no ties. Kind 1 has small integers, zeros of both signs and repeated values; kind 3, which only edge mode draws, NaN, infinities and the
ends of the type; kind 2 large and small numbers, integers, and what has a wide span, from end to end.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from refexec.opspec import Items, Span
from refexec.types import ElementType, MapType, OptionalType, SequenceType, TensorType, ValueType
from refexec.values import highest, lowest, max_finite, round_to, smallest_subnormal

__all__ = ["EDGES", "KINDS", "STARTS", "span_of", "tensor", "value"]

Array = np.ndarray[Any, Any]
KINDS = 3
EDGES = 4  # kinds in edge mode
STARTS = 16
_PERIOD = 17  # prime: rows of a tensor differ
_POOL = _PERIOD * 16


def value(type: ValueType, content: Items, kind: int, start: int, span: Span | None = None) -> Any:
    """A value, be it no tensor, as users see it: all tensors in it are of the recipe."""
    match type:
        case TensorType(elem):
            return tensor(elem, content, kind, start, span)
        case SequenceType(inner):
            return [value(inner, item, kind, (start + i) % STARTS, span) for i, item in enumerate(content)]
        case OptionalType(inner):
            return value(inner, content[0], kind, start, span) if content else None
        case MapType(_, TensorType(elem)):
            return dict(zip(content, tensor(elem, (len(content),), kind, start, span), strict=True))
    raise TypeError(f"no value of {type} is drawn")


def tensor(elem: ElementType, shape: tuple[int, ...], kind: int, start: int, span: Span | None = None) -> Array:
    """A tensor of the recipe; all numbers within ``span``."""
    count = math.prod(shape)
    pool = _pool(elem, kind, span)
    if start + count > len(pool):
        pool = np.resize(pool, start + count)
    chosen: Array = pool[start : start + count].reshape(shape)
    return chosen


def span_of(elem: ElementType, kind: int, span: Span | None) -> Span | None:
    """Where the numbers of a recipe lie; None for what are no numbers, or not all, or are of the whole range."""
    if elem.kind in ("string", "complex") or (kind >= 2 and span is None):
        return None
    pool = _pool(elem, kind, span).astype(np.float64)
    return None if np.isnan(pool).any() else (float(pool.min()), float(pool.max()))


@cache
def _pool(elem: ElementType, kind: int, span: Span | None) -> Array:
    order = np.arange(_POOL) * 5 % _PERIOD
    match elem.kind:
        case "bool":
            return np.asarray(order * (kind + 1) % 3 == 0)
        case "string":
            words = ["a", "b", "", "ab", "B", "é", "z z", "10", "-1.5", "a", "longer word", "ß", "\N{GRINNING FACE}", "A", " ", "c", "aa"]
            return np.array([words[i] for i in order], dtype=object)
        case "complex":
            return ((order - 8) / 4 + 1j * ((order * 3 % _PERIOD) - 8) / 4).astype(elem.dtype)
        case "float":
            return _inside(round_to(_floats(elem, kind, span), elem), span)[order]
        case _:
            return _integers(elem, kind, span)[order].astype(elem.dtype)


def _inside(values: Array, span: Span | None) -> Array:
    """What rounding took out of the span is another number of it."""
    if span is None:
        return values
    wide = values.astype(np.float64)
    fits = (span[0] <= wide) & (wide <= span[1])
    inside: Array = values[np.where(fits, np.arange(len(values)), np.argmax(fits))]
    return inside


def _floats(elem: ElementType, kind: int, span: Span | None) -> Array:
    steps = np.arange(_PERIOD) - 8
    if span is not None:
        most = min(1e30, max_finite(elem))
        low, high = max(span[0], -most), min(span[1], most)
        parts = (steps + 8.5) / _PERIOD if kind == 0 else (steps + 8) / 16
        if high - low > 8 and kind >= 2:  # from end to end, and small numbers among them
            far = np.array([low, high, low / 2, high / 2, *np.sqrt(np.abs([low, high])) * np.sign([low, high])])
            return np.concatenate([far, [0, 1, -1, 0.1, -0.1, 7, -7, 2.5, -0.0, 3, 0.5]]).clip(low, high)
        if high - low > 8:  # a wide span: small numbers near its lower end or 0
            base = steps / 4 + 0.125 if kind == 0 else steps
            return np.clip(base + max(low, 0.0) + (2.0 if low >= 0 else 0.0), low, high)
        return low + parts * (high - low)
    if kind == 0:
        return steps / 4 + 0.125
    if kind == 3:
        top, least = max_finite(elem), smallest_subnormal(elem)
        return np.array([0, np.nan, np.inf, -np.inf, -0.0, 1, -1, top, -top, least, -least, 0.5, -0.5, 2.5, np.nan, np.inf, 3])
    if kind == 1:
        return np.array([0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, -0.0, 1, 0, 1.5, -1.5, 4, -4, 2])
    top, least = 2.0 ** (np.log2(max_finite(elem)) // 2 - 2), 2.0**-10  # squares and their sums stay finite
    return np.array([0, top, -top, top / 2, 1, -1, least, -least, 1e3, -1e3, 7, 0.1, -0.1, top / 1024, 100, -20, -0.0])


def _integers(elem: ElementType, kind: int, span: Span | None) -> Array:
    low, high = int(lowest(elem.dtype)), int(highest(elem.dtype))
    if span is not None:
        low, high = max(low, int(np.ceil(max(span[0], low)))), min(high, int(np.floor(min(span[1], high))))
    if kind >= 2 or high - low < _PERIOD:
        ends = [low, high, low + 1, high - 1, (low + high) // 2, low, high]
        inner = [low + (high - low) * i // 9 for i in range(10)]
        values = [min(max(v, low), high) for v in (*ends, *inner)]
    else:
        middle = min(max(0, low), high)
        values = [
            min(max(middle + v, low), high)
            for v in ((*range(9), *range(-8, 0)) if kind == 0 else (0, 1, 0, 2, -1, 1, 3, 0, 5, -2, 1, 0, 7, 2, 2, -1, 0))
        ]
    return np.array(values, np.int64 if low < 0 else np.uint64)
