"""Elements picked by index: Gather, GatherElements, GatherND, Where, OneHot, NonZero."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.broadcasting import combine
from conformance.exact.families.lines import normal_axis
from conformance.exact.families.placement import Index, built, filled, scalar, vector
from conformance.exact.formats import FLOATS, INTEGERS, Float
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer
from conformance.exact.values import PARTS, Case, Tensor


def _inside(value: int, size: int) -> int:
    """A negative index counts from the back."""
    return value + size if value < 0 else value


def _indices(kind: str, shape: Sequence[int], size: int, negative: bool) -> Tensor:
    """Indices of an axis of that size in some order, with repetitions; each other one from the back."""
    values = [(i * 2 + 1) % size - (size if negative and i % 2 else 0) for i in range(math.prod(shape))]
    return Tensor(kind, tuple(shape), tuple(values))


def _gathered(data: Tensor, indices: Tensor, axis: int) -> Tensor:
    """output[j.., i.., k..] = data[j.., indices[i..], k..]."""
    place, q = normal_axis(axis, len(data.shape)), len(indices.shape)
    shape = (*data.shape[:place], *indices.shape, *data.shape[place + 1 :])

    def at(i: Index) -> Any:
        k = _inside(indices[i[place : place + q]], data.shape[place])
        return data[(*i[:place], k, *i[place + q :])]

    return built(data.type, shape, at)


@oracle("Gather", 1, 11, 13, usual={"Tind": "int64"})
def gather(types: Types, since: int) -> list[Case]:
    """Negative indices since version 11; the axis may be negative in all."""
    found = []
    for shape, axes in (((3, 4), (0, 1)), ((2, 3, 2), (0, 1, 2)), ((5,), (0,))):
        data = filled(types["T"], shape)
        for axis, places in itertools.product(axes, ((), (2,), (2, 2), (0,), (1, 1, 1))):
            indices = _indices(types["Tind"], places, shape[axis], since >= 11)
            y = _gathered(data, indices, axis)
            found += [Case([data, indices], [y], {"axis": axis}), Case([data, indices], [y], {"axis": axis - len(shape)})]
            if axis == 0:
                found.append(Case([data, indices], [y]))
    if since >= 11:
        data = filled(types["T"], (4,))
        indices = vector(types["Tind"], [-4, -1, 0, 3])
        found.append(Case([data, indices], [_gathered(data, indices, 0)]))
    return found


@oracle("GatherElements", 11, 13, usual={"Tind": "int64"})
def gather_elements(types: Types, since: int) -> list[Case]:
    """out[i][j][k] = data[i][index[i][j][k]][k] for axis 1; the indices may cover less than the data on the other axes."""
    found = []
    for shape, places in (
        ((3, 4), (2, 3)),
        ((3, 4), (3, 4)),
        ((2, 3, 2), (1, 2, 2)),
        ((2, 2, 2), (2, 2, 2)),
        ((5,), (3,)),
        ((2, 2), (2, 0)),
    ):
        data = filled(types["T"], shape)
        for axis in range(len(shape)):
            indices = _indices(types["Tind"], places, shape[axis], True)

            def at(i: Index, data: Tensor = data, indices: Tensor = indices, axis: int = axis) -> Any:
                return data[(*i[:axis], _inside(indices[i], data.shape[axis]), *i[axis + 1 :])]

            y = built(data.type, places, at)
            found += [Case([data, indices], [y], {"axis": axis}), Case([data, indices], [y], {"axis": axis - len(shape)})]
            if axis == 0:
                found.append(Case([data, indices], [y]))
    longer = vector(types["Tind"], [1, 0, -2, 1, -1, 0])
    pair = filled(types["T"], (2,))
    return [*found, Case([pair, longer], [vector(pair.type, [pair.values[v % 2] for v in longer.values])])]


def _gathered_nd(data: Tensor, indices: Tensor, batch: int) -> Tensor:
    """Index tuples lie along the last axis of ``indices``; the first ``batch`` axes go together."""
    depth = indices.shape[-1]
    shape = (*indices.shape[:-1], *data.shape[batch + depth :])
    q = len(indices.shape) - 1

    def at(i: Index) -> Any:
        tuple_of = [_inside(indices[(*i[:q], d)], data.shape[batch + d]) for d in range(depth)]
        return data[(*i[:batch], *tuple_of, *i[q:])]

    return built(data.type, shape, at)


@oracle("GatherND", 11, 12, 13)
def gather_nd(types: Types, since: int) -> list[Case]:
    """Tuples of every depth, indices of every rank; batch_dims since version 12."""
    sets: list[tuple[tuple[int, ...], tuple[int, ...], list[int], int]] = [
        ((2, 2), (2, 2), [0, 0, 1, 1], 0), ((2, 2), (2, 1), [1, 0], 0), ((2, 2, 2), (2, 2), [0, 1, 1, 0], 0), ((2, 2, 2), (2, 1, 2), [0, 1, 1, 0], 0),
        ((2, 3, 2), (3,), [1, 2, 0], 0), ((2, 3, 2), (1,), [1], 0), ((5,), (4, 1), [3, -1, -5, 0], 0), ((2, 3), (2, 2), [-1, -3, 0, -1], 0),
        ((3, 4), (1, 2, 2), [2, 3, -3, -4], 0),
    ]  # fmt: skip
    if since >= 12:
        sets += [
            ((2, 2, 2), (2, 1), [1, 0], 1), ((2, 2, 2), (2, 1, 1), [1, -2], 1), ((2, 3, 2), (2, 3, 1), [0, 1, -1, 1, 0, -2], 2), ((2, 3), (2, 2, 1), [2, 0, -1, 1], 1),
            ((2, 2, 3), (2, 2, 2), [0, 1, 1, 2, -1, -3, 0, 0], 1),
        ]  # fmt: skip
    found = []
    for shape, places, values, batch in sets:
        data, indices = filled(types["T"], shape), Tensor("int64", places, tuple(values))
        found.append(Case([data, indices], [_gathered_nd(data, indices, batch)], {"batch_dims": batch} if batch else {}))
    return found


@oracle("Where", 9, 16)
def where(types: Types, since: int) -> list[Case]:
    """X where the condition holds, Y elsewhere; all three are broadcast."""
    shapes = [
        ((2, 3), (2, 3), (2, 3)),
        ((3,), (2, 3), ()),
        ((2, 1), (3,), (1, 1)),
        ((), (2,), (2, 1)),
        ((2, 1, 1), (1, 2, 1), (3,)),
        ((), (), ()),
        ((1,), (0,), (2, 1)),
    ]
    found = []
    for c, a, b in shapes:
        condition = Tensor("bool", c, tuple(i % 3 != 1 for i in range(math.prod(c))))
        x, y = filled(types["T"], a), filled(types["T"], b)
        y = Tensor(y.type, y.shape, y.values[::-1])
        found.append(Case([condition, x, y], [combine(lambda w, v, u: v if w else u, condition, x, y, type=x.type)]))
        otherwise = condition.map(lambda w: not w)
        found.append(Case([otherwise, x, y], [combine(lambda w, v, u: v if w else u, otherwise, x, y, type=x.type)]))
    return found


def _one_hot(indices: Tensor, depth: int, values: Tensor, axis: int, wraps: bool) -> Tensor:
    """on_value at the index, off_value elsewhere; with ``wraps`` the indices [-depth, -1] count from the back."""
    rank = len(indices.shape)
    place = axis + rank + 1 if axis < 0 else axis
    off, on = values.values

    def at(i: Index) -> Any:
        held = int(indices[i[:place] + i[place + 1 :]])
        return on if i[place] == (held + depth if wraps and held < 0 else held) else off

    return built(values.type, (*indices.shape[:place], depth, *indices.shape[place:]), at)


def _one_hot_indices(kind: str, depth: int) -> list[Any]:
    """In range, beyond it, and, where the type has them, negative, fractional and far numbers. Casting cuts a fraction off."""
    values: list[Any] = [1, 0, depth - 1, depth, depth + 1]
    if is_integer(kind):
        form = INTEGERS[kind]
        return [*values, *([-1, -depth, -depth - 1, form.lowest] if form.signed else []), form.largest if form.bits < 64 else 2**62]
    return [*values, -1, -depth, -depth - 1, Fraction(3, 2), Fraction(5, 4)]


@oracle("OneHot", 9, 11, 28, usual={"T1": "int64", "T2": "int64", "T3": "float"})
def one_hot(types: Types, since: int) -> list[Case]:
    """Indices outside the range give a row of off_value; since version 11 negative ones within [-depth, -1] count from the back."""
    values = _off_on(types["T3"])
    line = vector(types["T1"], _one_hot_indices(types["T1"], 3))
    plane = Tensor(types["T1"], (2, 2), (0, 2, 3, 1))
    sets: list[tuple[Tensor, int, int | None]] = [
        (line, 3, None),
        (line, 3, 0),
        (line, 3, 1),
        (plane, 3, 0),
        (plane, 3, 1),
        (plane, 3, 2),
        (plane, 2, None),
    ]
    sets += [(plane, 3, -1), (line, 1, None), (scalar(types["T1"], 1), 3, None), (vector(types["T1"], [0]), 0, None)]
    if since >= 11:
        sets += [(plane, 3, -2), (plane, 3, -3), (line, 3, -2)]
    found = []
    for indices, depth, axis in sets:
        y = _one_hot(indices, depth, values, -1 if axis is None else axis, since >= 11)
        for shape in ((), (1,)):
            part = Fraction(1, 2) if shape and not is_integer(types["T2"]) else 0  # cut off by the cast to int64
            given = Tensor(types["T2"], shape, (depth + part,))
            found.append(Case([indices, given, values], [y], {} if axis is None else {"axis": axis}))
    return found


def _off_on(type: str) -> Tensor:
    """Two different values, neither of them 0 and 1 where the type has others."""
    if type == "bool":
        return vector(type, [True, False])
    if type == "string":
        return vector(type, ["off", ""])
    if type in PARTS:
        return vector(type, [(1, 2), (Fraction(-1, 2), 3)])
    return vector(type, [3, 2])


def _vanishes(value: Any) -> bool:
    """The values that are not "non-zero"; the empty string is the one that numpy.nonzero leaves out."""
    return value in ("", False) if isinstance(value, str | bool) else not any(value) if isinstance(value, tuple) else value == 0


def _some_zeros(type: str, shape: Sequence[int]) -> Tensor:
    """:func:`filled`, with zeros in between."""
    x = filled(type, shape)
    zero: Any = {"bool": False, "string": ""}.get(type, (0, 0) if type in PARTS else 0)
    if (type in FLOATS and isinstance(FLOATS[type], Float)) or type not in FLOATS:
        return Tensor(type, x.shape, tuple(zero if i % 3 == 1 else v for i, v in enumerate(x.values)))
    return x


@oracle("NonZero", 9, 13)
def non_zero(types: Types, since: int) -> list[Case]:
    """The indices in row-major order, one row for each axis; a scalar gives (0, 1) or (0, 0). -0 is zero, NaN is not."""
    found = []
    for shape in ((2, 3), (7,), (2, 2, 2), (0, 2), (), (1, 1)):
        x = _some_zeros(types["T"], shape)
        held = [i for i in itertools.product(*map(range, shape)) if not _vanishes(x[i])]
        found.append(Case([x], [Tensor("int64", (len(shape), len(held)), tuple(i[a] for a in range(len(shape)) for i in held))]))
    zeros = Tensor(types["T"], (2, 2), (_some_zeros(types["T"], (2,)).values[1],) * 4)
    return [*found, Case([zeros], [Tensor("int64", (2, 0), ())])]
