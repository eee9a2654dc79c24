"""Operators that keep the elements in their order: Identity, Reshape, Squeeze, Unsqueeze, and the shape itself: Shape, Size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from conformance.exact.families.lines import reshaped
from conformance.exact.families.placement import filled, int64s
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Opt, Seq, Tensor, Value


def _value(type: str) -> Value:
    """A value of a tensor's element type or of a type string."""
    head, _, rest = type.partition("(")
    if head == "seq":
        element = rest[:-1].removeprefix("tensor(").rstrip(")")
        return Seq(rest[:-1], (filled(element, (2, 3)), filled(element, (4,)), filled(element, ()), filled(element, (0, 2))))
    if head == "optional":
        return Opt(rest[:-1], _value(rest[:-1]))
    return filled(rest[:-1] if rest else type, (2, 3, 2))


def _hollow(type: str) -> Value:
    """The smallest value of a type: no element, no item, nothing held."""
    head, _, rest = type.partition("(")
    if head == "seq":
        return Seq(rest[:-1], ())
    return Opt(rest[:-1], None) if head == "optional" else filled(type, (2, 0))


@oracle("Identity", 1, 13, 14, 16, 19, 21, 23, 24, 25)
def identity(types: Types, since: int) -> list[Case]:
    """The input, whatever it is."""
    values = [_value(types.type), _hollow(types.type)]
    if types.type.startswith("optional(seq"):
        values.append(Opt(types.type[9:-1], _hollow(types.type[9:-1])))
    return [Case([v], [v]) for v in values]


def _reshape(since: int, x: Tensor, target: Sequence[int], shape: Sequence[int], allowzero: int | None = None) -> Case:
    """``shape`` is an attribute in version 1, then the second input."""
    y = reshaped(x, shape)
    if since < 5:
        return Case([x], [y], {"shape": list(target)})
    return Case([x, int64s(target)], [y], {} if allowzero is None else {"allowzero": allowzero})


@oracle("Reshape", 1, 5, 13, 14, 19, 21, 23, 24, 25)
def reshape(types: Types, since: int) -> list[Case]:
    """-1 is inferred, 0 keeps the dimension, no dimension at all makes a scalar; with allowzero a 0 is a 0."""
    x, one, none = filled(types["T"], (2, 3, 2)), filled(types["T"], (1, 1)), filled(types["T"], (0, 3))
    targets = [
        (x, [3, 4], (3, 4)), (x, [2, -1], (2, 6)), (x, [-1], (12,)), (x, [0, 0, -1], (2, 3, 2)), (x, [0, -1, 1, 2], (2, 3, 1, 2)),
        (x, [4, 3, 1, 1], (4, 3, 1, 1)), (x, [1, 3, 0, 2], (1, 3, 2, 2)), (one, [], ()), (filled(types["T"], ()), [1, -1], (1, 1)),
        (none, [0, 3], (0, 3)), (none, [0, 3, 1], (0, 3, 1)),
    ]  # fmt: skip
    found = [_reshape(since, v, target, shape) for v, target, shape in targets]
    if since >= 14:
        found += [_reshape(since, none, [3, 0], (3, 0), 1), _reshape(since, none, [0, 5, 2], (0, 5, 2), 1)]
        found += [_reshape(since, x, [-1, 6], (2, 6), 1), _reshape(since, x, [0, 6], (2, 6), 0)]
    return found


def _with_axes(since: int, x: Tensor, axes: Sequence[int] | None, shape: Sequence[int]) -> Case:
    """``axes`` is an attribute before version 13, then the second input."""
    y = reshaped(x, shape)
    if axes is None:
        return Case([x], [y])
    return Case([x], [y], {"axes": list(axes)}) if since < 13 else Case([x, int64s(axes)], [y])


@oracle("Squeeze", 1, 11, 13, 21, 23, 24, 25)
def squeeze(types: Types, since: int) -> list[Case]:
    """The axes of length 1 that are named, in any order, or all of them; negative ones since version 11."""
    type = types["T"]
    x, ones = filled(type, (1, 2, 1, 3, 1)), filled(type, (1, 1))
    cases: list[tuple[Tensor, list[int] | None, Sequence[int]]] = [
        (x, [0], (2, 1, 3, 1)), (x, [2], (1, 2, 3, 1)), (x, [0, 2, 4], (2, 3)), (x, [4, 0], (2, 1, 3)), (x, None, (2, 3)), (ones, [0, 1], ()),
        (ones, None, ()), (filled(type, (2, 3)), None, (2, 3)), (filled(type, (1, 0, 2)), None, (0, 2)), (filled(type, (1, 0)), [0], (0,)),
    ]  # fmt: skip
    if since >= 11:
        cases += [(x, [-1], (1, 2, 1, 3)), (x, [-3, 0], (2, 3, 1)), (x, [-5, -1], (2, 1, 3))]
    return [_with_axes(since, *c) for c in cases]


@oracle("Unsqueeze", 1, 11, 13, 21, 23, 24, 25)
def unsqueeze(types: Types, since: int) -> list[Case]:
    """Axes are those of the output, so their order does not matter; negative ones since version 11."""
    x = filled(types["T"], (2, 3))
    cases: list[tuple[Tensor, list[int], Sequence[int]]] = [
        (x, [0], (1, 2, 3)), (x, [1], (2, 1, 3)), (x, [2], (2, 3, 1)), (x, [0, 3], (1, 2, 3, 1)), (x, [1, 2], (2, 1, 1, 3)), (x, [0, 2, 4], (1, 2, 1, 3, 1)),
        (filled(types["T"], ()), [0], (1,)), (filled(types["T"], ()), [0, 1], (1, 1)), (filled(types["T"], (0,)), [1], (0, 1)),
        (x, [4, 0, 2], (1, 2, 1, 3, 1)), (x, [3, 1], (2, 1, 3, 1)),
    ]  # fmt: skip
    if since >= 11:
        cases += [(x, [-1], (2, 3, 1)), (x, [-3], (1, 2, 3)), (x, [-1, 0], (1, 2, 3, 1)), (x, [-4, 2], (1, 2, 1, 3))]
    return [_with_axes(since, *c) for c in cases]


def _slice_of_shape(shape: Sequence[int], start: int, end: int) -> list[int]:
    """Negative axes have the rank added; then both are clamped to [0, rank]."""
    rank = len(shape)
    first, last = (min(max(a + rank if a < 0 else a, 0), rank) for a in (start, end))
    return [shape[i] for i in range(first, last)]


@oracle("Shape", 1, 13, 15, 19, 21, 23, 24, 25)
def shape(types: Types, since: int) -> list[Case]:
    """The lengths of the axes; since version 15 those in [start, end)."""
    shapes = [(2, 3, 2), (4,), (), (0, 2), (1, 1, 1)]
    found = [Case([filled(types["T"], s)], [int64s(s)]) for s in shapes]
    if since < 15:
        return found
    x, dims = filled(types["T"], (1, 2, 3, 2)), (1, 2, 3, 2)
    bounds = [
        (0, 2),
        (1, 3),
        (-1, None),
        (1, None),
        (None, -1),
        (-3, -1),
        (-9, 2),
        (2, 9),
        (-9, 9),
        (3, 1),
        (-1, -3),
        (4, None),
        (None, 0),
        (None, -9),
        (9, None),
    ]
    for start, end in bounds:
        kept = _slice_of_shape(dims, 0 if start is None else start, len(dims) if end is None else end)
        found.append(Case([x], [int64s(kept)], {"start": start, "end": end}))
    return [*found, Case([filled(types["T"], ())], [int64s([])], {"start": -1, "end": 1})]


@oracle("Size", 1, 13, 19, 21, 23, 24, 25)
def size(types: Types, since: int) -> list[Case]:
    """The product of the lengths: 1 for a scalar, 0 where an axis is empty."""
    shapes = [(2, 3, 2), (4,), (), (0, 2), (1, 1)]
    return [Case([filled(types["T"], s)], [Tensor("int64", (), (math.prod(s),))]) for s in shapes]
