"""How far two values are apart: absolute, relative, in units in the last place, and what is not finite on either side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from refexec.types import STRING, ElementType, element_type
from refexec.values import max_finite, round_quietly, ulp, widen

__all__ = ["Difference", "described", "difference", "leaves", "misfit", "over_bound", "same_bits"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of an actual value from an expected one of the same type and shape; over all tensors of a sequence.

    ``equal``: the same bits, but for the payload of NaN. ``unequal`` of ``size`` elements differ. ``max_abs`` is None for
    strings; ``max_ulp`` (in units of the expected value) and ``max_rel`` (where the expected value is not 0) are None but
    for floats. ``nan`` and ``inf`` count elements as (expected, actual). ``worst`` is (index, expected, actual) as text.
    """

    equal: bool
    unequal: int
    size: int
    max_abs: float | None
    max_rel: float | None
    max_ulp: float | None
    nan: tuple[int, int]
    inf: tuple[int, int]
    worst: tuple[str, str, str] | None


def leaves(value: Any) -> Iterator[Array]:
    """The tensors in a public value, in order; scalars of maps as 0-d arrays."""
    if isinstance(value, dict):
        for key in sorted(value, key=repr):
            yield from leaves(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield np.array(value, object)
    elif value is not None:
        yield np.asarray(value)


def described(value: Any) -> tuple[str, str]:
    """Type and shape of a public value, for a table: ("float32", "2×3"), ("seq(float32)", "4 items")."""
    if isinstance(value, np.ndarray):
        return element_type(value.dtype).name, "×".join(map(str, value.shape)) or "scalar"
    if isinstance(value, list):
        kinds = dict.fromkeys(described(item)[0] for item in value)
        return f"seq({'|'.join(kinds) or '?'})", f"{len(value)} items"
    if isinstance(value, dict):
        return "map", f"{len(value)} keys"
    return ("none", "") if value is None else (type(value).__name__, "scalar")


def misfit(expected: Any, actual: Any) -> str:
    """Why two public values cannot be compared element by element: "dtype", "shape", or "" when they can."""
    if isinstance(expected, np.ndarray) and isinstance(actual, np.ndarray):
        if expected.dtype != actual.dtype:
            return "dtype"
        return "" if expected.shape == actual.shape else "shape"
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return "shape"
        return next((m for e, a in zip(expected, actual, strict=True) if (m := misfit(e, a))), "")
    if isinstance(expected, dict) and isinstance(actual, dict):
        if expected.keys() != actual.keys():
            return "shape"
        return next((m for k in expected if (m := misfit(np.asarray(expected[k]), np.asarray(actual[k])))), "")
    return "" if expected is None and actual is None else "dtype"


def difference(expected: Any, actual: Any) -> Difference:
    """The difference of two public values that ``misfit`` finds comparable."""
    parts = [_array_difference(e, a) for e, a in zip(leaves(expected), leaves(actual), strict=True)]
    if not parts:
        return Difference(True, 0, 0, 0.0, None, None, (0, 0), (0, 0), None)
    if len(parts) == 1:
        return parts[0]
    largest = max(parts, key=lambda p: (p.max_abs or 0.0, p.unequal))
    return Difference(
        all(p.equal for p in parts), sum(p.unequal for p in parts), sum(p.size for p in parts),
        _most([p.max_abs for p in parts]), _most([p.max_rel for p in parts]), _most([p.max_ulp for p in parts]),
        (sum(p.nan[0] for p in parts), sum(p.nan[1] for p in parts)), (sum(p.inf[0] for p in parts), sum(p.inf[1] for p in parts)),
        largest.worst,
    )  # fmt: skip


def _most(values: list[float | None]) -> float | None:
    return max((v for v in values if v is not None), default=None)


def same_bits(a: Any, b: Any) -> bool:
    """Whether two public values have the same types, shapes and bits, but for the payload of NaN."""
    return not misfit(a, b) and all(_same_bits(x, y) for x, y in zip(leaves(a), leaves(b), strict=True))


def _same_bits(a: Array, b: Array) -> bool:
    if a.dtype.kind == "O":
        return bool(np.all(a == b))
    if np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes():
        return True
    return element_type(a.dtype).kind in ("float", "complex") and _array_difference(a, b).equal


def _array_difference(e: Array, a: Array) -> Difference:
    elem = element_type(e.dtype)
    if elem is not STRING and elem.kind != "complex" and np.ascontiguousarray(e).tobytes() == np.ascontiguousarray(a).tobytes():
        return _identical(e, elem)
    if elem is STRING:
        wrong = np.asarray(e != a)
        return _counted(wrong, e, a, None)
    if elem.kind == "complex":
        part = np.float32 if elem.bits == 64 else np.float64
        e, a = (np.stack([x.real, x.imag], -1).astype(part) for x in (e, a))
        elem = element_type(part)
    with np.errstate(all="ignore"):
        return _float_difference(e, a, elem) if elem.is_float else _whole_difference(e, a)


def _identical(e: Array, elem: ElementType) -> Difference:
    if not elem.is_float:
        return Difference(True, 0, int(e.size), 0.0, None, None, (0, 0), (0, 0), None)
    x = widen(e)
    nan, inf = int(np.count_nonzero(np.isnan(x))), int(np.count_nonzero(np.isinf(x)))
    return Difference(True, 0, int(e.size), 0.0, 0.0, 0.0, (nan, nan), (inf, inf), None)


def _whole_difference(e: Array, a: Array) -> Difference:
    wide = np.longdouble if e.dtype.itemsize == 8 else np.float64
    apart = np.abs(e.astype(wide) - a.astype(wide))
    return _counted(apart > 0, e, a, apart)


def _counted(wrong: Array, e: Array, a: Array, apart: Array | None) -> Difference:
    count = int(np.count_nonzero(wrong))
    most = None if apart is None else float(apart.max(initial=0.0))
    at = int(np.argmax(wrong if apart is None else apart)) if count else None
    return Difference(count == 0, count, int(e.size), most, None, None, (0, 0), (0, 0), _worst(e, a, at))


def _float_difference(e: Array, a: Array, elem: ElementType) -> Difference:
    x, y = widen(e), widen(a)
    nan = np.isnan(x), np.isnan(y)
    same = (x == y) | (nan[0] & nan[1])
    apart = np.where(same, 0.0, np.abs(y - x))
    apart = np.where(np.isfinite(apart), apart, np.inf)
    relative = np.where(x != 0, apart / np.abs(x), 0.0)
    in_ulps = apart / ulp(x, elem)
    signs = same & (x == 0) & (np.signbit(x) != np.signbit(y))
    at = int(np.argmax(apart)) if not same.all() else int(np.argmax(signs)) if signs.any() else None
    return Difference(
        equal=bool(same.all() and not signs.any()),
        unequal=int(np.count_nonzero(~same)),
        size=int(e.size),
        max_abs=float(apart.max(initial=0.0)),
        max_rel=_largest(relative),
        max_ulp=_largest(in_ulps),
        nan=(int(np.count_nonzero(nan[0])), int(np.count_nonzero(nan[1]))),
        inf=(int(np.count_nonzero(np.isinf(x))), int(np.count_nonzero(np.isinf(y)))),
        worst=_worst(e, a, at),
    )


def _largest(x: Array) -> float:
    return float(np.where(np.isnan(x), np.inf, x).max(initial=0.0))


def _worst(e: Array, a: Array, at: int | None) -> tuple[str, str, str] | None:
    if at is None:
        return None
    index = tuple(int(i) for i in np.unravel_index(at, e.shape)) if e.ndim else ()
    return str(list(index)), _text(e[index]), _text(a[index])


def _text(scalar: Any) -> str:
    return repr(scalar.item()) if isinstance(scalar, np.generic) and scalar.dtype.kind in "fiubc" else str(scalar)


def over_bound(actual: Array, truth: Array, bound: Any, elem: ElementType) -> tuple[float, float]:
    """The largest error of ``actual`` (of type ``elem``) and the largest error / bound; ``truth`` and ``bound`` are wide.

    A correctly rounded element is never above 1. An infinity is right where the bound reaches past the largest finite value.
    An element whose bound is NaN has no bound.
    """
    with np.errstate(all="ignore"):
        found, nearest = widen(actual), widen(round_quietly(truth, elem.dtype))
        right = (found == nearest) | (np.isnan(found) & np.isnan(nearest))
        limit = np.broadcast_to(np.asarray(bound, np.float64), np.shape(found))
        overflow = np.isinf(found) & (np.signbit(found) == np.signbit(truth)) & (np.abs(truth) + limit > max_finite(elem))
        error = np.abs(found - truth)
        error = np.where(right & ~np.isfinite(error), 0.0, np.where(np.isnan(error), np.inf, error))
        ratio = np.where(error == 0, 0.0, error / limit)
        ratio = np.where(np.isnan(ratio) & np.isnan(limit), 0.0, ratio)
        ratio = np.where(overflow, 0.0, np.where(right, np.minimum(ratio, 1.0), ratio))
        error = np.where(overflow, 0.0, error)
    return float(error.max(initial=0.0)), _largest(ratio)
