"""What follows a kernel: as it passes it on to compiled code, or after one that has no epilogue of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refexec.kernels.memory import NOTHING, Array, plain
from refexec.kernels.tiles import NO_BIAS, finish
from refexec.primitives import PLAIN, Epilogue

__all__ = ["Tail", "followed"]

Run = Callable[[Array, Sequence[Array], Array | None, Array | None], None]


def followed(run: Run, epilogue: Epilogue) -> Run:
    """``run``, and then the epilogue in a pass over its result. There is no bias: no such primitive is lowered with one."""
    if epilogue == PLAIN:
        return run

    def both(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
        run(y, arrays, None, None)
        lo, hi, n = y.dtype.type(epilogue.lo), y.dtype.type(epilogue.hi), y.size
        nothing = NOTHING[y.dtype]
        more = nothing if residual is None else plain(np.broadcast_to(residual, y.shape))
        finish(y.reshape(-1), 0, n, 1, n, nothing, 0, NO_BIAS, more, residual is not None, lo, hi)

    return both


class Tail:
    """An epilogue as ``finish`` takes it: (follows, bias, per), and (R, residual, lo, hi)."""

    def __init__(self, epilogue: Epilogue, per: int) -> None:
        self.follows = epilogue != PLAIN
        self.per = per if epilogue.axis is not None else NO_BIAS
        self._ends = {d: (nothing, False, d.type(epilogue.lo), d.type(epilogue.hi)) for d, nothing in NOTHING.items()}

    def __call__(self, y: Array, bias: Array | None, residual: Array | None) -> tuple[tuple[bool, Array, int], tuple[Any, ...]]:
        ends = self._ends[y.dtype]
        first = (self.follows, ends[0] if bias is None else plain(bias), self.per)
        return first, ends if residual is None else (plain(residual), True, *ends[2:])
