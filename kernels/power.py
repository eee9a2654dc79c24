"""Powers: ``power`` for float32, and for the half types through float32. float64 stays with its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refexec.kernels.functions import INF, NAN, exp, function, log
from refexec.kernels.memory import Array
from refexec.kernels.pointwise import MULTIPLE, block_of
from refexec.kernels.simd import absolute, copy_sign, inlined, round_even, select
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, kernel
from refexec.values import round_quietly

__all__ = ["Power"]

NANOSECONDS = 2.0  # of one element
LANES = 16
EXACT = 2**24  # integers up to here are float32 numbers


@inlined
def power(x, y):
    """exp(y * log(|x|)), in float64 for results in float32, with the sign of x where y is odd; a square is a product."""
    size = absolute(x)
    z = exp(y * log(size))
    z = select(size == 1.0, 1.0, z)
    half = y * 0.5
    whole = select(round_even(y) == y, 1.0, 0.0)
    odd = select(round_even(half) == half, 0.0, whole) * select(absolute(y) < INF, 1.0, 0.0)
    z = select(odd > 0.0, copy_sign(z, x), z)
    finite = select(size < INF, x, 0.0)
    z = select(finite < 0.0, select(whole > 0.0, z, NAN), z)
    z = select(x == 1.0, 1.0, z)
    z = select(y == 2.0, x * x, z)
    z = select(x == x, select(y == y, z, select(x == 1.0, 1.0, NAN)), NAN)
    return select(y == 0.0, 1.0, z)


@inlined
def square(x):
    return x * x


function("power", (1, 1), None, power, -2)
function("square", (0.5, 0.5), square, square)


@kernel("power", "float32", halves=True)
class Power(Kernel):
    order = "nothing is added across elements"

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        shape = np.broadcast_shapes(*[s or () for s in shapes])
        size = int(np.prod(shape, dtype=np.int64))
        definition = static["function"]

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            x, exponent = arrays
            if exponent.dtype.kind in "iu" and np.any(np.abs(exponent.astype(np.float64)) > EXACT):
                with np.errstate(all="ignore"):
                    y[...] = round_quietly(definition(x.astype(np.float64), exponent), y.dtype)
                return
            z = exponent.astype(np.float32)
            out = y.reshape(-1)
            x = np.ascontiguousarray(x if x.shape == shape else np.broadcast_to(x, shape)).reshape(-1)
            single = z.size == 1
            name = "square" if single and z.reshape(()) == 2 else "power"
            z = np.full(LANES, z.reshape(()), np.float32) if single else np.ascontiguousarray(np.broadcast_to(z, shape)).reshape(-1)
            block = block_of(name)
            step = 0 if single else 1
            share(
                pieces(size, NANOSECONDS, MULTIPLE),
                lambda first, end: block(x, first, 1, z, first * step, step, out, first, end - first, 0.0, 0.0),
            )

        return Binding(shape, run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            y = np.abs(static["function"](*arrays))
        return 2 * np.where(np.isfinite(y), y, 0)
