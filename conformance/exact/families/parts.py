"""Tensors put together and taken apart along an axis: Concat, Split, Slice, Compress."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from conformance.exact.families.lines import normal_axis, reshaped
from conformance.exact.families.placement import Index, built, filled, int64s, vector
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor


def taken(x: Tensor, axis: int, places: Sequence[int]) -> Tensor:
    """The given places of one axis, in that order."""
    shape = [len(places) if a == axis else n for a, n in enumerate(x.shape)]
    return built(x.type, shape, lambda i: x[tuple(places[v] if a == axis else v for a, v in enumerate(i))])


def _joined(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Element j along the axis lies in the part that holds the j-th place of all of them."""
    places = [(p, k) for p in parts for k in range(p.shape[axis])]
    shape = [len(places) if a == axis else n for a, n in enumerate(parts[0].shape)]

    def at(i: Index) -> Any:
        part, k = places[i[axis]]
        return part[tuple(k if a == axis else v for a, v in enumerate(i))]

    return built(parts[0].type, shape, at)


@oracle("Concat", 1, 4, 11, 13)
def concat(types: Types, since: int) -> list[Case]:
    """The default of version 1 is axis 1; the axis is required since version 4 and may be negative since version 11."""
    whole = filled(types["T"], (4, 4))
    sets: list[tuple[list[Tensor], int]] = []
    for axis in (0, 1):
        cut = [[0], [1, 2], [3]]
        sets.append(([taken(whole, axis, c) for c in cut], axis))
        sets.append(([taken(whole, axis, c) for c in ([3, 2], [], [1])], axis))
    cube = filled(types["T"], (2, 2, 3))
    sets += [([taken(cube, a, [0]), cube], a) for a in range(3)]
    sets += [([whole], 0), ([filled(types["T"], (3,)), vector(whole.type, whole.values[5:7])], 0)]
    found = [Case(parts, [_joined(parts, axis)], {"axis": axis}) for parts, axis in sets]
    if since >= 11:
        found += [Case(parts, [_joined(parts, axis)], {"axis": axis - len(parts[0].shape)}) for parts, axis in sets]
    if since < 4:
        found += [Case(parts, [_joined(parts, 1)]) for parts, axis in sets if axis == 1]
    return found


def _split_case(since: int, x: Tensor, axis: int | None, lengths: Sequence[int], mode: str) -> Case:
    """``mode``: the lengths are "given", or "equal": told by the number of outputs, or, since version 18, by ``num_outputs``."""
    place = normal_axis(axis or 0, len(x.shape))
    starts = [0, *itertools.accumulate(lengths)]
    outputs = [taken(x, place, range(s, s + n)) for s, n in zip(starts, lengths, strict=False)]
    attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
    inputs = [x]
    if mode == "equal" and since >= 18:
        attributes["num_outputs"] = len(lengths)
    elif mode == "given" and since >= 13:
        inputs.append(int64s(lengths))
    elif mode == "given":
        attributes["split"] = list(lengths)
    return Case(inputs, outputs, attributes)


@oracle("Split", 1, 2, 11, 13, 18)
def split(types: Types, since: int) -> list[Case]:
    """Lengths: an attribute, an input of the data's type (version 1) or of int64 (13), or equal; 18 allows a shorter last part."""
    plane, line = filled(types["T"], (4, 3)), filled(types["T"], (6,))
    found = [_split_case(since, plane, 0, lengths, "given") for lengths in ([1, 3], [2, 1, 1], [4], [0, 4], [3, 0, 1])]
    found += [_split_case(since, plane, 1, [1, 2], "given"), _split_case(since, filled(types["T"], (2, 3, 2)), 1, [2, 1], "given")]
    found += [
        _split_case(since, x, 0, lengths, "equal") for x, lengths in ((plane, [2, 2]), (plane, [1] * 4), (line, [2] * 3), (line, [6]))
    ]
    found += [_split_case(since, plane, 1, [1, 1, 1], "equal")]
    if since == 1:
        case = _split_case(since, plane, 0, [1, 3], "equal")
        found.append(Case([plane, vector(types["T"], [1, 3])], case.outputs, {"axis": 0}))
    else:
        found += [_split_case(since, line, None, [1, 5], "given"), _split_case(since, line, None, [3, 3], "equal")]
    if since >= 11:
        found += [_split_case(since, plane, -1, [2, 1], "given"), _split_case(since, plane, -2, [2, 2], "equal")]
    if since >= 18:
        seven = filled(types["T"], (7,))
        found += [_split_case(since, seven, 0, lengths, "equal") for lengths in ([4, 3], [3, 3, 1], [2, 2, 2, 1])]
        found.append(_split_case(since, plane, -1, [2, 1], "equal"))
    return found


Bounds = tuple[int, int, int]
"""Start, end, step."""


def _places(bounds: Bounds, size: int) -> list[int]:
    """Negative bounds count from the back; then both are clamped: to [0, size], or for a negative step to [0, size - 1] and [-1, size - 1]."""
    start, end, step = bounds
    start, end = (v + size if v < 0 else v for v in (start, end))
    if step > 0:
        start, end = (min(max(v, 0), size) for v in (start, end))
    else:
        start, end = min(max(start, 0), size - 1), min(max(end, -1), size - 1)
    return list(range(start, end, step))


def _sliced(x: Tensor, axes: Sequence[int], bounds: Sequence[Bounds]) -> Tensor:
    for axis, b in zip(axes, bounds, strict=True):
        place = normal_axis(axis, len(x.shape))
        x = taken(x, place, _places(b, x.shape[place]))
    return x


Cut = tuple[Tensor, list[int] | None, list[Bounds]]


def _slice_case(cut: Cut, since: int, kind: str, steps: bool) -> Case:
    """The bounds are attributes before version 10, then inputs."""
    x, axes, bounds = cut
    y = _sliced(x, range(len(bounds)) if axes is None else axes, bounds)
    starts, ends, strides = ([b[i] for b in bounds] for i in range(3))
    if since < 10:
        return Case([x], [y], {"starts": starts, "ends": ends, "axes": axes})
    given_axes = None if axes is None else vector(kind, axes)
    return Case([x, vector(kind, starts), vector(kind, ends), given_axes, vector(kind, strides) if steps else None], [y])


def _forward(type: str) -> list[Cut]:
    """Positive steps of 1."""
    plane, line, top = filled(type, (4, 3)), filled(type, (6,)), 2**31 - 1
    return [
        (plane, [0, 1], [(1, 2, 1), (0, 3, 1)]), (plane, None, [(0, -1, 1), (1, 1000, 1)]), (plane, [1], [(1, 3, 1)]), (plane, [1, 0], [(0, 2, 1), (2, 4, 1)]),
        (plane, None, [(1, 3, 1)]), (line, [0], [(-3, -1, 1)]), (line, [0], [(-2, top, 1)]), (line, [0], [(2, top, 1)]), (line, [0], [(0, 0, 1)]),
        (line, [0], [(4, 2, 1)]), (line, [0], [(6, 9, 1)]), (line, [0], [(0, 6, 1)]), (filled(type, (2, 3, 2)), [2, 0], [(1, 2, 1), (0, 1, 1)]),
    ]  # fmt: skip


def _strided(type: str, since: int) -> list[Cut]:
    """Steps over and backwards; clamping of bounds far outside is spelled out in version 13."""
    plane, line, low, top = filled(type, (4, 3)), filled(type, (7,)), -(2**31), 2**31 - 1
    cuts: list[Cut] = [
        (plane, [0, 1], [(1, 2, 1), (0, 3, 2)]), (line, [0], [(0, 7, 3)]), (line, [0], [(1, 6, 2)]), (line, [0], [(0, top, 9)]), (line, None, [(5, 1, -1)]),
        (line, [0], [(6, 0, -2)]), (line, [0], [(-1, -8, -1)]), (line, [0], [(-1, low, -3)]), (line, [0], [(-2, 1, -2)]), (line, [0], [(2, 4, -1)]),
        (plane, None, [(3, 0, -2), (2, low, -1)]), (line, [0], [(0, 7, top)]),
    ]  # fmt: skip
    if since >= 11:
        cuts += [(plane, [-1], [(0, 2, 1)]), (plane, [-1, -2], [(2, low, -1), (1, 4, 2)]), (plane, [-2, 1], [(-1, 0, -1), (0, 1, 1)])]
    if since >= 13:
        far = [
            (-100, 3, 1),
            (-100, -200, 1),
            (100, 200, 1),
            (-100, -200, -1),
            (100, -200, -1),
            (100, 50, -1),
            (100, 2, -2),
            (low, top, 2),
            (0, low, -1),
            (low, low, -1),
        ]
        cuts += [(line, [0], [b]) for b in far]
    return cuts


@oracle("Slice", 1, 10, 11, 13, usual={"Tind": "int64"})
def slice_(types: Types, since: int) -> list[Case]:
    """Axes without bounds stay whole; steps since version 10, negative axes since 11."""
    type, kind = types["T"], types.of.get("Tind", "int64")
    found = [_slice_case(cut, since, kind, False) for cut in _forward(type)]
    if since >= 10:
        found += [_slice_case(cut, since, kind, True) for cut in (*_forward(type)[:4], *_strided(type, since))]
        empty = filled(type, (0, 3))
        found.append(_slice_case((empty, [1], [(2, 0, -1)]), since, kind, True))
    if since >= 10 and kind == "int64":
        line, low, top = filled(type, (5,)), -(2**63), 2**63 - 1
        found += [_slice_case((line, [0], [b]), since, kind, True) for b in ((1, top, 1), (-1, low, -1), (0, top, top), (4, low, low))]
    return found


@oracle("Compress", 9, 11, 28)
def compress(types: Types, since: int) -> list[Case]:
    """The places where the condition holds; places beyond its length are discarded."""
    plane, found = filled(types["T"], (3, 4)), []
    conditions = [(0, [False, True, True]), (0, [True, True]), (0, [False]), (1, [True, False, False, True]), (1, [False, True]), (0, [])]
    for axis, held in conditions:
        y = taken(plane, axis, [i for i, v in enumerate(held) if v])
        found.append(Case([plane, vector("bool", held)], [y], {"axis": axis}))
        if since >= 11:
            found.append(Case([plane, vector("bool", held)], [y], {"axis": axis - 2}))
    flat = reshaped(plane, (12,))
    for held in ([False, True, False, False, True], [True] * 12, [False] * 12, [i % 5 == 4 for i in range(12)], [True]):
        y = taken(flat, 0, [i for i, v in enumerate(held) if v])
        found += [Case([plane, vector("bool", held)], [y]), Case([flat, vector("bool", held)], [y], {"axis": 0})]
    cube, held = filled(types["T"], (2, 3, 2)), [True, False, True]
    return [*found, Case([cube, vector("bool", held)], [taken(cube, 1, [0, 2])], {"axis": 1})]
