"""Views copied to row-major memory: ``laid_out``, for types whose elements are 4 or 8 bytes. Bits are moved.

Axes that lie next to each other in both memories are one. Where the last axis is not contiguous in the input and another one is, blocks
of the two are transposed in registers. The rest are runs, which NumPy copies well, and what is contiguous nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from refexec.kernels.epilogue import followed
from refexec.kernels.memory import Array, offsets, row_major, viewed
from refexec.kernels.pick import BITS
from refexec.kernels.simd import at, jit, lanes_of, memory
from refexec.kernels.squares import transpose
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, kernel
from refexec.types import MOVED

__all__ = ["LaidOut"]

NANOSECONDS = 0.3  # of one element
BLOCK = 16  # elements a side of what is transposed at a time: a cache line
MOST_LAYOUTS = 64


@jit
def blocks_transposed(X, begin, sources, rows, columns, row, Y, targets, step, first, last):
    """For each source and target Y[target + j * step + i] = X[begin + source + i * row + j], i < rows, j < columns, a vector at least.

    ``first`` and ``last`` count bands of BLOCK columns over all sources. The last blocks overlap those before."""
    X, Y, sources, targets = memory(X), memory(Y), memory(sources), memory(targets)
    L = lanes_of(X)
    bands = (columns + BLOCK - 1) // BLOCK
    for n in range(first, last):
        x, y, band = begin + at(sources, n // bands), at(targets, n // bands), n % bands * BLOCK
        for i0 in range(0, rows, BLOCK):
            for j1 in range(band, min(band + BLOCK, columns), L):
                j = min(j1, columns - L)
                for i1 in range(i0, min(i0 + BLOCK, rows), L):
                    i = min(i1, rows - L)
                    transpose(X, x + i * row + j, row, Y, y + j * step + i, step)


class Layout(NamedTuple):
    """A view as matrices to transpose: where they begin in either memory, their sizes and the steps between their rows."""

    sources: Array
    rows: int
    columns: int
    row: int
    targets: Array
    step: int


def layout_of(shape: Sequence[int], steps: Sequence[int], itemsize: int) -> Layout | None:
    """How to copy a view with these steps between elements; None where NumPy does."""
    axes: list[tuple[int, int]] = []  # (size, step), merged
    for size, step in zip(shape, steps, strict=True):
        if axes and axes[-1][1] == size * step:
            axes[-1] = axes[-1][0] * size, step
        elif size != 1:
            axes.append((size, step))
    sizes, apart = [size for size, _ in axes], [step for _, step in axes]
    lanes = 32 // itemsize
    if itemsize < 4 or 1 not in apart[:-1] or sizes[-1] < lanes or sizes[apart.index(1)] < lanes:
        return None
    along, written = apart.index(1), row_major(sizes)
    others = [axis for axis in range(len(axes) - 1) if axis != along]
    sources = offsets(0, [sizes[a] for a in others], [apart[a] for a in others])
    targets = offsets(0, [sizes[a] for a in others], [written[a] for a in others])
    return Layout(sources, sizes[-1], sizes[along], apart[-1], targets, written[along])


@kernel("laid_out", *MOVED)
class LaidOut(Kernel):
    """Copies in row-major order."""

    epilogues = True

    order = "nothing is added"

    def __init__(self) -> None:
        self._layouts: dict[Any, Layout | None] = {}

    def layout(self, *key: Any) -> Layout | None:
        """``layout_of`` this key; some are kept."""
        if key not in self._layouts:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts = {}
            self._layouts[key] = layout_of(*key)
        return self._layouts[key]

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        shape = tuple(shapes[0] or ())

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            found = viewed(arrays[0])
            layout = None if found is None or not y.size else self.layout(shape, found[2], y.itemsize)
            if found is None or layout is None:
                y[...] = arrays[0]
                return
            bits = BITS[y.itemsize]
            x, out = found[0].view(bits), y.reshape(-1).view(bits)
            sources, rows, columns, row, targets, step = layout
            parts = pieces(len(sources) * -(-columns // BLOCK), NANOSECONDS * BLOCK * rows)
            share(parts, lambda *part: blocks_transposed(x, found[1], sources, rows, columns, row, out, targets, step, *part))

        return Binding(shape, followed(run, epilogue))

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """Nothing."""
        return 0.0
