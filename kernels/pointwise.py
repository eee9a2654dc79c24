"""Functions of one element: ``pointwise`` for float32 and float64, and for the half types through float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import refexec.kernels.gates
import refexec.kernels.steps
import refexec.kernels.trigonometry
import refexec.kernels.units  # noqa: F401 - what they define is known by name
from refexec import pool
from refexec.kernels.functions import ULPS, apply
from refexec.kernels.long_vectors import load_long, load_some, store_some
from refexec.kernels.memory import Array
from refexec.kernels.simd import jit, lanes_of, store
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, kernel

__all__ = ["Pointwise", "block_of"]

NANOSECONDS = {4: 1.0, 8: 4.0}  # of one element, by its bytes
GATES = {"gelu", "gelu_tanh", "hard_swish", "mish"}
MULTIPLE = 64  # elements: a part begins at a whole vector

_blocks: dict[str, Any] = {}


def block_of(name: str) -> Any:
    """The compiled loop for a function: ``block(X, x, dx, Z, z, dz, Y, y, count, p, q)``."""
    if name not in _blocks:
        _blocks[name] = _block(name)
    return _blocks[name]


def _block(name: str) -> Any:
    @jit
    def block(X, x, dx, Z, z, dz, Y, y, count, p, q):
        """Elements y to ``y + count`` of Y from those of X, and of Z; a step of 0 reads one vector again and again."""
        L = 2 * lanes_of(X)
        for i in range(0, count, L):
            few, x_i, z_i = count - i, x + i * dx, z + i * dz
            if few >= L:
                a, b = load_long(X, x_i), load_long(Z, z_i)
            else:
                a, b = load_some(X, x_i, few, 0.0), load_some(Z, z_i, few, 0.0)
            a = apply(name, a, b, p, q)
            if few >= L:
                store(Y, y + i, a)
            else:
                store_some(Y, y + i, a, few)

    return block


@kernel("pointwise", "float32", "float64", halves=True)
class Pointwise(Kernel):
    order = "nothing is added across elements"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        (shape,) = shapes
        assert shape is not None
        name, p, q = known(static)
        block = block_of(name)
        size = int(np.prod(shape, dtype=np.int64))

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x = arrays[0]
            x = (x if x.flags.c_contiguous else np.ascontiguousarray(x)).reshape(-1)
            out = y.reshape(-1)
            cost = NANOSECONDS[y.itemsize]
            if size * cost <= pool.SHORT:
                block(x, 0, 1, x, 0, 1, out, 0, size, p, q)
                return
            share(
                pieces(size, cost, MULTIPLE),
                lambda first, end: block(x, first, 1, x, first, 1, out, first, end - first, p, q),
            )

        return Binding(shape, run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """So many units in the last place, each at most two roundoffs of the result; of x for a gate in float64, whose argument
        is rounded before a function takes its exponential; of 1 more where a sum is cut at 0 and 1."""
        name, (x,) = known(static)[0], arrays
        double = x.dtype != np.float64
        with np.errstate(all="ignore"):
            y = static["function"](x, **{k: v for k, v in static.items() if k != "function"})
            size = np.abs(x if double and name in GATES else y) + (name == "hard_sigmoid")
            return 2 * ULPS[name][double] * np.where(np.isfinite(size), size, 0)


def known(static: Mapping[str, Any]) -> tuple[str, float, float]:
    """A function's name here, and its parameters in alphabetical order."""
    name = static["function"].__name__.rpartition("_")[0]
    if static.get("approximate") == "tanh":
        name += "_tanh"
    values = [float(v) for k, v in sorted(static.items()) if k not in ("function", "approximate")]
    p, q = (*values, 0.0, 0.0)[:2]
    return name, p, q
