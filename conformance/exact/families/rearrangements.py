"""Operators that permute or repeat elements: Transpose, Tile, DepthToSpace, SpaceToDepth, ReverseSequence, Trilu."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from conformance.exact.families.placement import Index, built, filled, int64s, scalar
from conformance.exact.formats import FLOATS, Float
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float
from conformance.exact.values import PARTS, Case, Tensor


def permuted(x: Tensor, perm: Sequence[int]) -> Tensor:
    """Axis i of the result is axis perm[i] of x."""
    shape = [x.shape[a] for a in perm]
    return built(x.type, shape, lambda i: x[tuple(i[perm.index(a)] for a in range(len(perm)))])


@oracle("Transpose", 1, 13, 21, 23, 24, 25)
def transpose(types: Types, since: int) -> list[Case]:
    """Axis i of the output is axis perm[i] of the input; without perm the axes are reversed."""
    type = types["T"]
    cube, plane = filled(type, (2, 3, 2)), filled(type, (3, 4))
    perms = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    found = [Case([cube], [permuted(cube, p)], {"perm": p}) for p in perms]
    found += [Case([plane], [permuted(plane, (1, 0))], {"perm": [1, 0]}), Case([plane], [permuted(plane, (1, 0))])]
    long = filled(type, (1, 2, 3, 2))
    found += [Case([long], [permuted(long, p)], {"perm": p}) for p in ([0, 2, 3, 1], [3, 0, 1, 2], [2, 3, 0, 1])]
    for shape in ((), (4,), (0, 3), (2, 1, 3), (1, 2, 3, 2)):
        x = filled(type, shape)
        found.append(Case([x], [permuted(x, range(len(shape))[::-1])]))
    return [*found, Case([filled(type, (3,))], [filled(type, (3,))], {"perm": [0]})]


def tiled(x: Tensor, repeats: Sequence[int]) -> Tensor:
    """output_dim[i] = input_dim[i] * repeats[i]."""
    return built(
        x.type, [n * r for n, r in zip(x.shape, repeats, strict=True)], lambda i: x[tuple(k % n for k, n in zip(i, x.shape, strict=True))]
    )


@oracle("Tile", 1)
def tile_along(types: Types, since: int) -> list[Case]:
    """Copies along one axis; both numbers are tensors of the input's type. No input has the type variable T1."""
    if types.tested == "T1":
        return []
    type, x = types["T"], filled(types["T"], (2, 3))
    return [
        Case([x, scalar(type, count), scalar(type, axis)], [tiled(x, [count if a == axis else 1 for a in range(2)])])
        for axis in (0, 1)
        for count in (1, 2, 3)
    ]


@oracle("Tile", 6, 13)
def tile(types: Types, since: int) -> list[Case]:
    """A number of copies for each axis; none is a number too."""
    shapes: list[tuple[Sequence[int], list[int]]] = [
        ((2, 3), [1, 2]), ((2, 3), [2, 1]), ((2, 2), [2, 2]), ((1, 2), [3, 2]), ((4,), [3]), ((2, 1, 2), [1, 3, 1]), ((2, 1, 2), [2, 1, 2]), ((2, 3), [1, 1]),
        ((2, 3), [0, 2]), ((2, 3), [2, 0]), ((0, 2), [3, 2]), ((), []), ((1, 1), [4, 3]),
    ]  # fmt: skip
    return [Case([x, int64s(r)], [tiled(x, r)]) for x, r in ((filled(types["T"], s), r) for s, r in shapes)]


def _depth_to_space(x: Tensor, block: int, mode: str) -> Tensor:
    """Channels are [row of the block, column, depth] for DCR and [depth, row, column] for CRD."""
    n, c, h, w = x.shape
    depth = c // block**2

    def at(i: Index) -> Any:
        row, column = i[2] % block, i[3] % block
        channel = (row * block + column) * depth + i[1] if mode == "DCR" else (i[1] * block + row) * block + column
        return x[i[0], channel, i[2] // block, i[3] // block]

    return built(x.type, (n, depth, h * block, w * block), at)


def _space_to_depth(x: Tensor, block: int, mode: str) -> Tensor:
    """The reverse of :func:`_depth_to_space`."""
    n, c, h, w = x.shape

    def at(i: Index) -> Any:
        if mode == "DCR":
            (row, column), depth = divmod(i[1] // c, block), i[1] % c
        else:
            depth, (row, column) = i[1] // block**2, divmod(i[1] % block**2, block)
        return x[i[0], depth, i[2] * block + row, i[3] * block + column]

    return built(x.type, (n, c * block**2, h // block, w // block), at)


def _modes(since: int, first: int) -> list[str | None]:
    """None: the node has no attribute ``mode``, which is DCR."""
    return [None, "DCR", "CRD"] if since >= first else [None]


def _attributes(block: int, mode: str | None) -> dict[str, Any]:
    return {"blocksize": block, **({} if mode is None else {"mode": mode})}


@oracle("DepthToSpace", 1, 11, 13, 28)
def depth_to_space(types: Types, since: int) -> list[Case]:
    """Before version 11 the order of the channels is the later default, DCR."""
    shapes = [
        ((1, 8, 1, 2), 2),
        ((1, 8, 2, 1), 2),
        ((2, 4, 1, 1), 2),
        ((1, 9, 1, 1), 3),
        ((1, 3, 2, 2), 1),
        ((1, 18, 1, 1), 3),
        ((0, 4, 2, 2), 2),
    ]
    inputs = [(filled(types["T"], s), b) for s, b in shapes]
    return [Case([x], [_depth_to_space(x, b, m or "DCR")], _attributes(b, m)) for x, b in inputs for m in _modes(since, 11)]


@oracle("SpaceToDepth", 1, 13, 28)
def space_to_depth(types: Types, since: int) -> list[Case]:
    """Before version 28 the order of the channels is the later default, DCR."""
    shapes = [
        ((1, 2, 2, 2), 2),
        ((1, 1, 2, 4), 2),
        ((1, 1, 4, 2), 2),
        ((2, 2, 2, 2), 2),
        ((1, 1, 3, 3), 3),
        ((1, 2, 2, 3), 1),
        ((1, 2, 0, 2), 2),
    ]
    inputs = [(filled(types["T"], s), b) for s, b in shapes]
    return [Case([x], [_space_to_depth(x, b, m or "DCR")], _attributes(b, m)) for x, b in inputs for m in _modes(since, 28)]


def _reversed(x: Tensor, lengths: Sequence[int], time: int, batch: int) -> Tensor:
    """The first lengths[b] steps of sequence b backwards, the others as they are."""

    def at(i: Index) -> Any:
        length, step = lengths[i[batch]], i[time]
        return x[tuple(length - 1 - step if a == time and step < length else v for a, v in enumerate(i))]

    return built(x.type, x.shape, at)


@oracle("ReverseSequence", 10, 28)
def reverse_sequence(types: Types, since: int) -> list[Case]:
    """Both orders of the axes, given or by default, and more axes behind."""
    found = []
    for shape, lengths in (((4, 3), [4, 2, 1]), ((3, 4), [1, 2, 3, 3]), ((2, 3, 2), [1, 2, 2]), ((3, 2, 2), [3, 2]), ((1, 3), [1, 1, 1])):
        x = filled(types["T"], shape)
        found.append(Case([x, int64s(lengths)], [_reversed(x, lengths, 0, 1)]))
        found.append(Case([x, int64s(lengths)], [_reversed(x, lengths, 0, 1)], {"time_axis": 0, "batch_axis": 1}))
    for shape, lengths in (((3, 4), [1, 4, 3]), ((2, 3, 2), [3, 2])):
        x = filled(types["T"], shape)
        found.append(Case([x, int64s(lengths)], [_reversed(x, lengths, 1, 0)], {"time_axis": 1, "batch_axis": 0}))
    return found


def _zero(type: str) -> Any:
    """Zero of a type; None where the text does not say what it is."""
    if type in PARTS:
        return (0, 0)
    if type == "bool":
        return False
    return None if type == "string" or (is_float(type) and not isinstance(FLOATS[type], Float)) else 0


def _triangle(x: Tensor, k: int, upper: bool) -> Tensor:
    """Kept where column - row >= k, or <= k; zero elsewhere."""
    zero = _zero(x.type)
    return built(x.type, x.shape, lambda i: x[i] if (i[-1] - i[-2] >= k if upper else i[-1] - i[-2] <= k) else zero)


@oracle("Trilu", 14)
def trilu(types: Types, since: int) -> list[Case]:
    """Every diagonal, beyond both corners too. Which string stands for zero is open: there the triangle is the whole matrix."""
    type, found = types["T"], []
    for shape in ((3, 3), (2, 4), (4, 2), (2, 2, 2), (3, 0), (1, 1)):
        x = filled(type, shape)
        for upper in (True, False):
            full = -shape[-2] if upper else shape[-1]
            ks = [full, full * 2] if _zero(type) is None else [*range(-shape[-2] - 1, shape[-1] + 2), -(2**62), 2**62]
            for k in ks:
                found.append(Case([x, scalar("int64", k)], [_triangle(x, k, upper)], {} if upper and k % 2 else {"upper": int(upper)}))
            if _zero(type) is not None or math.prod(shape) <= 1:
                found.append(Case([x], [_triangle(x, 0, upper)], {"upper": int(upper)}))
    return found
