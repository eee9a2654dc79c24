"""Elements written by index: Scatter, ScatterElements, ScatterND, TensorScatter."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.lines import product, total
from conformance.exact.families.placement import Index, filled, int64s, vector
from conformance.exact.formats import FLOATS, INF, INTEGERS, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import has_infinity, is_float
from conformance.exact.values import PARTS, Case, Tensor

Write = tuple[Index, Any]
"""Where and what."""


def _written(data: Tensor, writes: Iterable[Write], reduction: Callable[[Any, Any], Any]) -> Tensor:
    """A copy of data in which each write replaces the element by ``reduction`` of it and the update."""
    values = {i: data[i] for i in itertools.product(*map(range, data.shape))}
    for place, update in writes:
        at = tuple(v + n if v < 0 else v for v, n in zip(place, data.shape, strict=True))
        values[at] = reduction(values[at], update)
    return Tensor(data.type, data.shape, tuple(values.values()))


def _replaced(_: Any, update: Any) -> Any:
    return update


def _reductions(type: str, since: int) -> dict[str, Callable[[Any, Any], Any]]:
    """In the type of the data: a float sum or product is rounded at each step. add and mul since version 16, max and min since 18."""
    rounded: Callable[[Any], Any] = (lambda v: round_to(v, type)) if is_float(type) else (lambda v: int(v))
    if type in ("string", "bool") or since < 16:
        return {}
    if type in PARTS:
        return {"add": lambda a, b: (a[0] + b[0], a[1] + b[1]), "mul": lambda a, b: (a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0])}
    found = {"add": lambda a, b: rounded(total((a, b))), "mul": lambda a, b: rounded(product((a, b)))}
    return {**found, "max": max, "min": min} if since >= 18 else found


def _element_writes(indices: Tensor, updates: Tensor, axis: int) -> list[Write]:
    """Entry i is written at i, with the index in place of the coordinate of ``axis``."""
    places = itertools.product(*map(range, indices.shape))
    return [((*i[:axis], indices[i], *i[axis + 1 :]), updates[i]) for i in places]


def _updates(type: str, shape: Sequence[int]) -> Tensor:
    """Other values than those of the data."""
    x = filled(type, (*shape[:-1], shape[-1] + 1) if shape else shape)
    return Tensor(type, tuple(shape), x.values[::-1][: math.prod(shape)])


def _distinct(kind: str, shape: Sequence[int], axis: int, size: int, negative: bool) -> Tensor:
    """Indices without duplicates on each line along the axis: a rotation that differs from line to line."""

    def at(i: Index) -> int:
        place = (i[axis] * 2 + 1 + sum(i) - i[axis]) % size if size % 2 else (i[axis] + 1 + sum(i) - i[axis]) % size
        return place - size if negative and sum(i) % 2 else place

    return Tensor(kind, tuple(shape), tuple(at(i) for i in itertools.product(*map(range, shape))))


def _plain_elements(type: str, kind: str, negative: bool) -> list[Case]:
    """Every axis, named from the front, from the back and, for axis 0, not at all; fewer updates than elements."""
    found = []
    for shape, part in (
        ((3, 3), (2, 3)),
        ((1, 5), (1, 2)),
        ((3, 4), (3, 2)),
        ((2, 3, 2), (2, 2, 1)),
        ((5,), (5,)),
        ((4,), (2,)),
        ((2, 2), (0, 2)),
    ):
        data, updates = filled(type, shape), _updates(type, part)
        for axis in range(len(shape)):
            if part[axis] > shape[axis]:
                continue
            indices = _distinct(kind, part, axis, shape[axis], negative)
            y = _written(data, _element_writes(indices, updates, axis), _replaced)
            found += [Case([data, indices, updates], [y], {"axis": a}) for a in (axis, axis - len(shape))]
            if axis == 0:
                found.append(Case([data, indices, updates], [y]))
    return found


@oracle("Scatter", 9, 11, usual={"Tind": "int64"})
def scatter(types: Types, since: int) -> list[Case]:
    """As ScatterElements without a reduction; negative indices since version 11."""
    return _plain_elements(types["T"], types["Tind"], since >= 11)


def _tamed(type: str, count: int, start: int) -> list[Any]:
    """Small numbers whose sums and products stay exact."""
    if type in PARTS:
        return [(start + i % 2, (-1) ** i) for i in range(count)]
    signed = type not in INTEGERS or INTEGERS[type].signed
    return [(start + i) % 4 * (-1 if signed and i % 3 == 2 else 1) + (0 if (start + i) % 4 else 1) for i in range(count)]


def _delicate(type: str) -> list[tuple[Any, Any]]:
    """Pairs whose sum or product is half-way between two numbers, overflows, or has an infinity in it."""
    if not is_float(type):
        return []
    form = FLOATS[type]
    step = Fraction(1, 2 ** getattr(form, "mantissa", 1))
    pairs: list[tuple[Any, Any]] = [
        (Fraction(1), step / 2), (1 + step, step / 2), (1 + step, 1 + step), (1 + step, Fraction(3, 2)), (form.largest, form.largest), (form.largest, -form.largest),
        (-form.largest, Fraction(2)), (Fraction(-1), step / 2),
    ]  # fmt: skip
    return [*pairs, (INF, Fraction(-2)), (Fraction(3), -INF), (INF, INF)] if has_infinity(type) else pairs


def _with_reduction(type: str, since: int, places: Sequence[Index]) -> list[tuple[str, Tensor, Tensor, Tensor]]:
    """Name, data of shape (2, 3), updates and result for each reduction; a place is hit up to four times."""
    found = []
    for name, function in _reductions(type, since).items():
        data, updates = Tensor(type, (2, 3), tuple(_tamed(type, 6, 1))), vector(type, _tamed(type, len(places), 2))
        found.append((name, data, updates, _written(data, zip(places, updates.values, strict=True), function)))
    return found


@oracle("ScatterElements", 11, 13, 16, 18, usual={"Tind": "int64"})
def scatter_elements(types: Types, since: int) -> list[Case]:
    """Replaces, or since version 16 reduces; then duplicate indices all count."""
    type, kind = types["T"], types["Tind"]
    found = _plain_elements(type, kind, True)
    if since >= 16:
        case = found[0]
        found.append(Case(case.inputs, case.outputs, {**case.attributes, "reduction": "none"}))
    for axis, indices in ((0, Tensor(kind, (3, 2), (1, 0, 1, -2, 1, 1))), (1, Tensor(kind, (2, 3), (0, 2, -1, 1, 1, 1)))):
        places = [i for i, _ in _element_writes(indices, indices, axis)]
        for name, data, updates, y in _with_reduction(type, since, places):
            shaped = Tensor(type, indices.shape, updates.values)
            found.append(Case([data, indices, shaped], [y], {"axis": axis, "reduction": name}))
    pairs = _delicate(type)
    for name, function in _reductions(type, since).items() if pairs else ():
        data, updates = vector(type, [a for a, _ in pairs]), vector(type, [b for _, b in pairs])
        indices = vector(kind, range(len(pairs)))
        y = _written(data, _element_writes(indices, updates, 0), function)
        found.append(Case([data, indices, updates], [y], {"reduction": name}))
    return found


def _slice_writes(data: Tensor, indices: Tensor, updates: Tensor) -> list[Write]:
    """Each index tuple names an element or a slice of data; updates hold the new slices in that order."""
    q, depth = len(indices.shape) - 1, indices.shape[-1]
    inner = [*itertools.product(*map(range, data.shape[depth:]))]
    outer = itertools.product(*map(range, indices.shape[:q]))
    return [((*(indices[(*o, d)] for d in range(depth)), *i), updates[(*o, *i)]) for o in outer for i in inner]


def _nd_shape(data: Tensor, indices: Tensor) -> tuple[int, ...]:
    return (*indices.shape[:-1], *data.shape[indices.shape[-1] :])


@oracle("ScatterND", 11, 13, 16, 18)
def scatter_nd(types: Types, since: int) -> list[Case]:
    """output[indices[i]] = updates[i], for elements and slices; negative indices count from the back."""
    type, found = types["T"], []
    sets: list[tuple[tuple[int, ...], tuple[int, ...], list[int]]] = [
        ((8,), (4, 1), [4, 3, 1, 7]), ((3, 4), (2, 1), [2, 0]), ((2, 2, 3), (2, 2), [0, 1, 1, -2]), ((3, 4), (3, 2), [-1, -1, 0, -4, 1, 2]), ((3, 4), (2, 1, 2), [2, 3, 0, 0]),
        ((2, 2, 2), (2,), [1, -2]), ((3,), (1,), [-2]), ((2, 3), (0, 1), []), ((2, 2, 2), (2, 2, 3), [0, 0, 1, 1, 1, 1, 0, 1, 0, -1, -1, -1]),
    ]  # fmt: skip
    for shape, places, values in sets:
        data, indices = filled(type, shape), Tensor("int64", places, tuple(values))
        updates = _updates(type, _nd_shape(data, indices))
        found.append(Case([data, indices, updates], [_written(data, _slice_writes(data, indices, updates), _replaced)]))
    for indices in (Tensor("int64", (4, 1), (1, 0, -1, 1)), Tensor("int64", (2, 2, 2), (0, 1, 1, 2, -2, 1, 0, -2))):
        target = filled(type, (2, 3))
        shape = _nd_shape(target, indices)
        written = [i for i, _ in _slice_writes(target, indices, filled(type, shape))]
        for name, data, updates, y in _with_reduction(type, since, written):
            found.append(Case([data, indices, Tensor(type, shape, updates.values)], [y], {"reduction": name}))
    pairs = _delicate(type)
    for name, function in _reductions(type, since).items() if pairs else ():
        data, updates = vector(type, [a for a, _ in pairs]), vector(type, [b for _, b in pairs])
        indices = Tensor("int64", (len(pairs), 1), tuple(range(len(pairs))))
        found.append(Case([data, indices, updates], [_written(data, _slice_writes(data, indices, updates), function)], {"reduction": name}))
    return found


def _cached(past: Tensor, update: Tensor, starts: Sequence[int], axis: int, circular: bool) -> Tensor:
    """Step s of sample b is written at starts[b] + s, modulo the length of the cache in a circular one."""
    place = axis % len(past.shape)
    writes = []
    for i in itertools.product(*map(range, update.shape)):
        at = starts[i[0]] + i[place]
        writes.append(((*i[:place], at % past.shape[place] if circular else at, *i[place + 1 :]), update[i]))
    return _written(past, writes, _replaced)


@oracle("TensorScatter", 24)
def tensor_scatter(types: Types, since: int) -> list[Case]:
    """Linear and circular, every axis but the first, with and without indices."""
    type, found = types["T"], []
    sets: list[tuple[tuple[int, ...], tuple[int, ...], int | None, list[int] | None, str | None]] = [
        ((2, 3, 2), (2, 1, 2), None, [1, 2], None), ((2, 3, 2), (2, 2, 2), None, None, None), ((2, 4), (2, 3), -1, [1, 0], "linear"), ((2, 4), (2, 3), 1, [3, 2], "circular"),
        ((2, 3, 2), (2, 3, 2), -2, [0, 0], "linear"), ((2, 3, 2), (2, 2, 2), 1, [2, 1], "circular"), ((2, 3, 2), (2, 2, 2), None, None, "circular"),
        ((2, 1, 2, 2), (2, 1, 2, 2), 2, [1, 0], "circular"), ((2, 2, 2), (2, 2, 1), -1, [1, 0], "linear"), ((1, 4, 1), (1, 4, 1), None, [3], "circular"), ((2, 3), (2, 2), 1, [4, 7], "circular"),
    ]  # fmt: skip
    for shape, part, axis, starts, mode in sets:
        past, update = filled(type, shape), _updates(type, part)
        y = _cached(past, update, starts or [0] * shape[0], -2 if axis is None else axis, mode == "circular")
        found.append(Case([past, update, None if starts is None else int64s(starts)], [y], {"axis": axis, "mode": mode}))
    return found
