"""Opspecs of AffineGrid and GridSample."""

import numpy as np

from refexec.opspec import Draw, Operand, Out, opspec


@opspec("AffineGrid", 20)
def affine_grid(d: Draw) -> None:
    """With align_corners the one pixel of an axis of size 1 has two places: such an axis is not drawn."""
    rank, corners = d.integer(2, 3), d.attr("align_corners", [1, 0])
    N, C = d.integer(1, 2), d.integer(1, 2)
    spatial = [d.integer(1 + corners, 4) for _ in range(rank)]
    theta = d.tensor(d.elem("T1"), (N, rank, rank + 1), (-1, 1))
    d.emit([theta, d.constant([N, C, *spatial])], Out(theta.elem, (N, *spatial, rank), (-rank - 1, rank + 1)))


def lattice(d: Draw, shape, offset: float) -> np.ndarray:
    """Numbers of few bits near [-1, 1]; with the offset 1/8 no position in a small image is halfway between two pixels."""
    count = int(np.prod(shape))
    return ((np.arange(count) * 5 + d.integer(0, 15)) % 17 - 8).reshape(shape) / 4 + offset


def grid_for(d: Draw, x: Operand, shape, nearest: bool) -> Operand:
    """A grid; where a position decides between two numbers it is exact, and between two pixels only where the text says which."""
    if not nearest and not x.elem.is_integer:
        return d.tensor(d.elem("T2"), shape, (-4, 4))
    return d.constant(lattice(d, shape, d.pick((0.125, 0.0)) if nearest and d.since >= 20 else 0.125), d.elem("T2"))


@opspec("GridSample", 16, 20, 22)
def grid_sample(d: Draw) -> None:
    """Images of two, since version 20 of one to three spatial axes. Truth values and strings are not mixed; integers are small enough
    for the overshoot of cubic interpolation."""
    x = d.input("T1", (4, 4) if d.since < 20 else (3, 5))
    number = x.elem.kind in ("float", "complex", "int", "uint")
    prefix = "bi" if d.since < 20 else ""
    modes = ["nearest", f"{prefix}linear", *[f"{prefix}cubic"] * (x.elem.kind != "uint")]
    mode = d.attr("mode", modes) if number else d.set("mode", "nearest")
    nearest = mode == "nearest"
    if x.elem.is_integer and not nearest:
        x = d.tensor(x.elem, x.sizes, (-20, 20))
    d.attr("padding_mode", ["border", "reflection", "zeros"])
    d.attr("align_corners", [1, 0])
    outer = [d.integer(1, 3) for _ in x.sizes[2:]]
    grid = grid_for(d, x, (x.sizes[0], *outer, len(outer)), nearest)
    d.emit([x, grid], Out(x.elem, (*x.sizes[:2], *outer)))
