"""AffineGrid, GridSample and CenterCropPad."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.formats import INTEGERS
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float, is_integer, usual
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)
COMPLEX = ("complex64", "complex128")


def positions(length: int, align_corners: bool) -> list[Fraction]:
    """-1 to 1 at the centres of the first and last pixel, or at the outer edges of them."""
    if align_corners:
        return [Fraction(2 * i, length - 1) - 1 for i in range(length)]
    return [Fraction(2 * i + 1, length) - 1 for i in range(length)]


@oracle("AffineGrid", 20)
def affine_grid(types: Types, since: int) -> list[Case]:
    """theta times (x, y, 1), or (x, y, z, 1): at each position of the output, x along its last axis."""
    t = types["T1"]
    flat = [[Fraction(n, 8) for n in row] for row in ((9, -3, 4), (5, 7, -12))]
    other = [[Fraction(n, 8) for n in row] for row in ((0, -8, 1), (8, 0, 0))]
    solid = [[Fraction(n, 8) for n in row] for row in ((8, 1, -2, 4), (-3, 5, 7, 0), (6, 0, 9, -16))]
    cases = [_affine(t, [flat], (1, 1, 1, 4), 0), _affine(t, [solid], (1, 1, 1, 1, 4), 0)]
    for align in (None, 0, 1):
        n = 4 if t == "double" and not align else 3  # terms with thirds cancel, and no type is wider than double
        given = (([flat, other], (2, 5, 2, n)), ([flat], (1, 1, n, 2)), ([solid], (1, 2, 2, 2, n)))
        cases += [_affine(t, thetas, size, align) for thetas, size in given]
    return cases


def _affine(t: str, thetas: list[list[list[Fraction]]], size: tuple[int, ...], align: int | None) -> Case:
    axes = [positions(n, bool(align)) for n in size[2:]]
    values = []
    for theta in thetas:
        for at in itertools.product(*axes):
            homogeneous = [*reversed(at), Fraction(1)]
            values += [sum((a * b for a, b in zip(row, homogeneous, strict=True)), Fraction(0)) for row in theta]
    grid = Tensor(t, (size[0], *size[2:], len(axes)), tuple(values))
    return Case([Tensor.of(t, thetas), Tensor("int64", (len(size),), size)], [grid], {} if align is None else {"align_corners": align})


Image = Callable[[tuple[int, ...]], Any]
"""What an image, extended without end, holds at an index."""


def reflected(i: int, length: int, align_corners: bool) -> int:
    """Mirrored at the centres of the outer pixels, or at their outer edges."""
    if align_corners:
        i %= 2 * (length - 1)
        return min(i, 2 * (length - 1) - i)
    i %= 2 * length
    return min(i, 2 * length - 1 - i)


def extended(x: Tensor, plane: tuple[int, int], padding: str, align: bool, zero: Any) -> Image:
    """zeros, border or reflection around the image (n, c)."""
    sizes = x.shape[2:]

    def at(index: tuple[int, ...]) -> Any:
        if padding == "zeros" and not all(0 <= i < n for i, n in zip(index, sizes, strict=True)):
            return zero
        inside = [
            min(max(i, 0), n - 1) if padding == "border" else i if padding == "zeros" else reflected(i, n, align)
            for i, n in zip(index, sizes, strict=True)
        ]
        return x[(*plane, *inside)]

    return at


def weights(mode: str, x: Fraction) -> dict[int, Fraction]:
    """The neighbours of a position along one axis: the nearest (half-way: the even one), two (linear) or four (cubic, a = -3/4)."""
    if mode == "nearest":
        return {round(x): Fraction(1)}
    low = math.floor(x)
    if mode == "linear":
        return {low: 1 - (x - low), low + 1: x - low}
    return {low + k: keys(x - low - k, Fraction(-3, 4)) for k in (-1, 0, 1, 2)}


def keys(distance: Fraction, a: Fraction) -> Fraction:
    """The cubic convolution kernel."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else Fraction(0)


def mixed(terms: Sequence[tuple[Any, Fraction]], type: str) -> Any:
    """The weighted sum; integers are cut to whole numbers at the end."""
    if type in COMPLEX:
        return tuple(sum(v[i] * w for v, w in terms) for i in (0, 1))
    if type in ("string", "bool"):
        return next(v for v, w in terms if w)
    total = sum(v * w for v, w in terms)
    return math.trunc(total) if is_integer(type) else total


def sampled(x: Tensor, grid: Tensor, mode: str, padding: str, align: bool, zero: Any) -> Tensor:
    """Y[n, c, ...] of the normalised positions grid[n, ..., :], which name the last axis first."""
    sizes, places = x.shape[2:], list(itertools.product(*map(range, grid.shape[1:-1])))
    values = []
    for n, c in itertools.product(range(x.shape[0]), range(x.shape[1])):
        image = extended(x, (n, c), padding, align, zero)
        for place in places:
            at = [grid[(n, *place, len(sizes) - 1 - k)] for k in range(len(sizes))]
            pixels = [(g + 1) / 2 * (s - 1) if align else ((g + 1) * s - 1) / 2 for g, s in zip(at, sizes, strict=True)]
            near = [weights(mode, Fraction(p)) for p in pixels]
            terms = [
                (image(index), math.prod((w[i] for w, i in zip(near, index, strict=True)), start=Fraction(1)))
                for index in itertools.product(*near)
            ]
            values.append(mixed(terms, x.type))
    return Tensor(x.type, (*x.shape[:2], *grid.shape[1:-1]), tuple(values))


def image_of(type: str, shape: tuple[int, ...], mode: str) -> Tensor:
    """Any values; integers with both ends of small types, unless cubic interpolation would go beyond them."""
    count = math.prod(shape)
    if is_integer(type) and mode == "cubic":
        return Tensor(
            type, shape, tuple(((60, 41, 35, 77, 52, 49, 66)[i % 7] - 50 * (i % 4 == 1) * INTEGERS[type].signed) for i in range(count))
        )
    if is_integer(type):
        low, high = max(INTEGERS[type].lowest, -(2**20)), min(INTEGERS[type].largest, 2**20 - 1)
        return Tensor(type, shape, tuple((low, high, 3, 10, 25, 1, 101, 40)[i % 8] for i in range(count)))
    if is_float(type):
        return Tensor(type, shape, tuple(Fraction((7 * i * i + 3 * i) % 29 - 12, 4) for i in range(count)))
    return Tensor(type, shape, tuple(usual(type, count)))


def _zero(type: str) -> Any:
    return (Fraction(0), Fraction(0)) if type in COMPLEX else "" if type == "string" else False if type == "bool" else Fraction(0)


NAMES = {"linear": "bilinear", "cubic": "bicubic", "nearest": "nearest"}
"""Of the modes in version 16."""
INSIDE = [Fraction(n, 16) for n in (-16, -11, -5, 0, 3, 10, 13, 16)]
BETWEEN = [Fraction(n, 16) for n in (-15, -11, -5, 1, 3, 10, 13, 15)]
"""Never half-way between two pixels: version 16 does not say which of them is the nearest then."""
OUTSIDE = [Fraction(n, 16) for n in (-37, -21, -18, 19, 23, 41)]


def _grid(type: str, numbers: Sequence[Fraction], rank: int) -> Tensor:
    """Positions whose coordinates go through the numbers, each axis at another pace."""
    count = len(numbers)
    rows = [[numbers[(i * (2 * k + 1) + k) % count] for k in range(rank)] for i in range(count)]
    return Tensor(type, (1, *[1] * (rank - 1), count, rank), tuple(v for row in rows for v in row))


@oracle("GridSample", 16, 20, 22)
def grid_sample(types: Types, since: int) -> list[Case]:
    """The image between its pixels and around its edges, at positions from -1 to 1 and beyond."""
    t, g = types["T1"], types["T2"]
    shape = (1, 1, 3, 4)
    modes = ("nearest",) if t in ("string", "bool") else ("nearest", "linear", "cubic")
    paddings = ("border", "reflection") if t == "string" else ("zeros", "border", "reflection")

    def of(shape: tuple[int, ...], numbers: Sequence[Fraction], mode: str, padding: str, align: int) -> Case:
        x, grid = image_of(t, shape, mode), _grid(g, numbers, len(shape) - 2)
        attributes = {"mode": NAMES[mode] if since == 16 else mode, "padding_mode": padding, "align_corners": align}
        return Case([x, grid], [sampled(x, grid, mode, padding, bool(align), _zero(t))], attributes)

    settings = list(itertools.product(modes, paddings, (0, 1)))
    cases = []
    for mode, padding, align in settings:
        inside = BETWEEN if mode == "nearest" and since == 16 else INSIDE
        cases.append(of(shape, inside if mode == "cubic" else [*inside, *OUTSIDE], mode, padding, align))
    if t not in ("string", "bool"):
        x, grid = image_of(t, shape, "linear"), _grid(g, INSIDE, 2)
        cases.append(Case([x, grid], [sampled(x, grid, "linear", "zeros", False, _zero(t))]))
    if since >= 20:
        cases += [of(s, INSIDE, m, p, a) for s in ((1, 2, 5), (1, 1, 2, 3, 2)) for m, p, a in settings if t == "float" or a == 0]
        cases.append(of((1, 1, 3, 3), [Fraction(n, 2) for n in (-1, 1)], "nearest", "border", 1))
    return cases


@oracle("CenterCropPad", 18)
def center_crop_pad(types: Types, since: int) -> list[Case]:
    """Crops from floor((in - out) / 2); pads floor((out - in) / 2) zeros before and the rest after."""
    t, i = types["T"], types["Tind"]
    zero = {"string": "", "bool": False, "complex64": (0, 0), "complex128": (0, 0)}.get(t, 0)

    def of(shape: tuple[int, ...], wanted: tuple[int, ...], axes: list[int] | None = None) -> Case:
        x = Tensor(t, shape, tuple(usual(t, math.prod(shape))))
        target = list(shape)
        for axis, size in zip(axes if axes is not None else range(len(shape)), wanted, strict=True):
            target[axis] = size
        shift = [(n - m) // 2 if n >= m else -((m - n) // 2) for n, m in zip(shape, target, strict=True)]
        sources = [tuple(p + s for p, s in zip(place, shift, strict=True)) for place in itertools.product(*map(range, target))]
        values = [x[s] if all(0 <= k < n for k, n in zip(s, shape, strict=True)) else zero for s in sources]
        y = Tensor(t, tuple(target), tuple(values))
        return Case([x, Tensor(i, (len(wanted),), wanted)], [y], {"axes": axes} if axes is not None else {})

    return [of((5,), (2,)), of((2,), (5,)), of((4, 3), (1, 6)), of((3, 4), (3, 4)), of((2, 5, 1), (2, 3), [-1, 1]), of((2, 6), (1,), [1])]
