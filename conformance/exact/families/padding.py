"""Pad: constant, reflect, edge and wrap."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.placement import Index, built, filled, int64s, scalar, vector
from conformance.exact.formats import FLOATS, Float
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float
from conformance.exact.values import PARTS, Case, Tensor

Amounts = Sequence[tuple[int, int]]
"""Elements to add, or remove when negative, before and after each axis."""


def _source(place: int, size: int, mode: str) -> int | None:
    """Which element of a line stands at a place that may lie outside it; None for the constant."""
    if 0 <= place < size:
        return place
    if mode == "constant":
        return None
    if mode == "edge":
        return 0 if place < 0 else size - 1
    return place % size if mode == "wrap" else (-place if place < 0 else 2 * (size - 1) - place)


def _padded(x: Tensor, amounts: Amounts, mode: str, constant: Any) -> Tensor:
    """Each axis on its own; in a corner the rule of one axis applies to the result of the other."""
    shape = [n + before + after for n, (before, after) in zip(x.shape, amounts, strict=True)]

    def at(i: Index) -> Any:
        places = [_source(k - before, n, mode) for k, n, (before, _) in zip(i, x.shape, amounts, strict=True)]
        held = [p for p in places if p is not None]
        return x[tuple(held)] if len(held) == len(places) else constant

    return built(x.type, shape, at)


def _default(type: str) -> Any:
    """0, the empty string or False; None for float8e8m0, which has no zero."""
    if type in PARTS:
        return (0, 0)
    if is_float(type) and not isinstance(FLOATS[type], Float):
        return None
    return {"string": "", "bool": False}.get(type, 0)


def _other(type: str) -> Any:
    """A constant that is not the default."""
    return {"string": "pad", "bool": True}.get(type, (Fraction(1, 2), -1) if type in PARTS else 1)


def _mode(mode: str, given: bool) -> dict[str, Any]:
    return {"mode": mode} if given or mode != "constant" else {}


def _old_case(since: int, x: Tensor, amounts: Amounts, mode: str, constant: Fraction | None = None) -> Case:
    """Amounts and constant are attributes before version 11; version 1 calls the amounts ``paddings``."""
    flat = [a for a, _ in amounts] + [b for _, b in amounts]
    attributes: dict[str, Any] = {"paddings" if since == 1 else "pads": flat, **_mode(mode, constant is not None)}
    if constant is not None:
        attributes["value"] = float(constant)
    return Case([x], [_padded(x, amounts, mode, constant or Fraction(0))], attributes)


MODES: list[tuple[str, tuple[int, ...], Amounts]] = [
    ("constant", (3, 2), [(0, 0), (2, 0)]), ("constant", (2, 2), [(1, 0), (0, 1)]), ("constant", (1, 2, 2), [(0, 1), (1, 0), (0, 1)]), ("constant", (2,), [(3, 2)]),
    ("constant", (2, 2), [(0, 0), (0, 0)]), ("reflect", (3, 2), [(0, 0), (1, 0)]), ("reflect", (3, 3), [(2, 0), (0, 2)]), ("reflect", (4,), [(3, 3)]),
    ("reflect", (2, 2), [(1, 1), (1, 1)]), ("edge", (3, 2), [(0, 0), (2, 0)]), ("edge", (2, 2), [(1, 1), (1, 1)]), ("edge", (2,), [(4, 3)]), ("edge", (1, 2), [(2, 1), (0, 2)]),
]  # fmt: skip
NEGATIVE: list[tuple[str, tuple[int, ...], Amounts]] = [
    ("constant", (4,), [(-1, 2)]), ("constant", (4,), [(-1, -2)]), ("constant", (3, 4), [(-1, 1), (2, -3)]), ("constant", (3, 3), [(0, -2), (-1, 0)]), ("edge", (4,), [(2, -1)]),
    ("edge", (3, 3), [(-1, 0), (1, -1)]), ("reflect", (4,), [(2, -1)]), ("reflect", (4, 3), [(-1, 0), (0, 2)]), ("constant", (3,), [(-3, 1)]),
]  # fmt: skip
"""Elements of one end are removed, and what is added at the other does not come from them."""
WRAP: list[tuple[str, tuple[int, ...], Amounts]] = [
    ("wrap", (3, 2), [(2, 1), (1, 1)]), ("wrap", (2,), [(5, 3)]), ("wrap", (3,), [(1, 2)]), ("wrap", (2, 2), [(0, 3), (1, 0)]), ("wrap", (1, 2), [(3, 0), (0, 0)]), ("wrap", (3,), [(3, 4)]),
]  # fmt: skip
"""As if the data formed a torus: an amount beyond the length goes round more than once."""


@oracle("Pad", 1, 2)
def pad_attributes(types: Types, since: int) -> list[Case]:
    """The constant is a float attribute, 0 by default; elements may be removed since version 2."""
    sets = MODES + (NEGATIVE if since >= 2 else [])
    found = [_old_case(since, filled(types["T"], shape), amounts, mode) for mode, shape, amounts in sets]
    constants = [_old_case(since, filled(types["T"], (2, 2)), [(1, 0), (1, 1)], "constant", c) for c in (Fraction(5, 4), Fraction(-3))]
    return found + constants


def _case(x: Tensor, amounts: Amounts, mode: str, constant: Any = None, axes: Tensor | None = None, given: bool = False) -> Case:
    """Amounts, constant and axes are inputs."""
    named = range(len(x.shape)) if axes is None else [a % len(x.shape) for a in axes.values]
    whole = [amounts[[*named].index(a)] if a in named else (0, 0) for a in range(len(x.shape))]
    filler = _default(x.type) if constant is None else constant
    flat = [a for a, _ in amounts] + [b for _, b in amounts]
    filling = None if constant is None else scalar(x.type, constant)
    return Case([x, int64s(flat), filling, axes], [_padded(x, whole, mode, filler)], _mode(mode, given))


@oracle("Pad", 11, 13, 18, 19, 21, 23, 24, 25, usual={"Tind": "int64"})
def pad(types: Types, since: int) -> list[Case]:
    """axes since version 18, wrap since version 19. The constant of float8e8m0 is always given."""
    type, other = types["T"], _other(types["T"])
    sets = MODES + NEGATIVE + (WRAP if since >= 19 else [])
    inputs = [(mode, filled(type, shape), amounts) for mode, shape, amounts in sets]
    found = [_case(x, amounts, mode) for mode, x, amounts in inputs if mode != "constant" or _default(type) is not None]
    found += [_case(x, amounts, mode, other, given=True) for mode, x, amounts in inputs if mode == "constant"]
    found += [_case(filled(type, (0, 2)), [(1, 1), (0, 0)], "constant", other), _case(filled(type, ()), [], "constant", other)]
    if since < 18:
        return found
    plane, cube = filled(type, (3, 2)), filled(type, (1, 2, 2))
    named: list[tuple[Tensor, Amounts, str, list[int]]] = [
        (plane, [(1, 2)], "constant", [1]), (plane, [(1, 0)], "constant", [-2]), (plane, [(0, 1), (2, 0)], "constant", [1, 0]), (plane, [(0, 1), (2, 0)], "constant", [-1, -2]),
        (plane, [(1, 0)], "reflect", [-1]), (plane, [(2, 1)], "edge", [0]), (cube, [(1, 0), (0, 1)], "edge", [2, 0]), (cube, [(-1, 0)], "constant", [1]),
        (plane, [(1, 1), (1, 0)], "reflect", [-1, 0]),
    ]  # fmt: skip
    if since >= 19:
        named += [(plane, [(3, 0)], "wrap", [1]), (plane, [(1, 1)], "wrap", [-2])]
    kind = types.of.get("Tind", "int64")
    chosen = [_case(x, amounts, mode, other if mode == "constant" else None, vector(kind, axes)) for x, amounts, mode, axes in named]
    return chosen if types.tested == "Tind" else found + chosen
