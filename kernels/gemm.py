"""Matrix product in float32, in a fixed order.

Accumulation order: each output element has one accumulator; products are added over k from 0 to K - 1, in blocks of KC
whose sums are added in order. The result of an element depends on nothing but its row of A and its column of B.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from refexec.primitives import Epilogue, kernel

KC = 256
COLUMNS = 16  # width of a packed panel

Array = np.ndarray[Any, Any]


@kernel("matmul", "float32")
class MatMulF32:
    """Products of two matrices; the kernel refuses nothing, other ranks are reshaped to stacks of matrices."""

    def prepare(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> Array | None:
        """A constant B as panels of 16 columns, (panels, K, 16), the last one filled with zeros."""
        B = constants.get(1)
        return pack(np.ascontiguousarray(B)) if B is not None and B.ndim == 2 else None

    def __call__(self, arrays: tuple[Array, ...], packed: Array | None, epilogue: Epilogue | None, static: Mapping[str, Any]) -> Array:
        A, B = arrays
        a = A.reshape(1, -1) if A.ndim == 1 else A
        b = B.reshape(-1, 1) if B.ndim == 1 else B
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        y = np.empty((*batch, a.shape[-2], b.shape[-1]), np.float32)
        if packed is not None:
            rows = np.ascontiguousarray(a).reshape(-1, a.shape[-1])
            product(rows, packed, y.reshape(len(rows), -1))
        else:
            wide_a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
            wide_b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
            for index in np.ndindex(*batch):
                product(np.ascontiguousarray(wide_a[index]), pack(np.ascontiguousarray(wide_b[index])), y[index])
        shape = (*batch, *A.shape[-2:-1], *(B.shape[-1:] if B.ndim > 1 else ()))
        y = y.reshape(shape)
        return y if epilogue is None else epilogue(y)


def pack(B: Array) -> Array:
    """(K, N) as (panels, K, 16)."""
    K, N = B.shape
    panels = -(-N // COLUMNS)
    packed = np.zeros((panels, K, COLUMNS), np.float32)
    for p in range(panels):
        part = B[:, p * COLUMNS : (p + 1) * COLUMNS]
        packed[p, :, : part.shape[1]] = part
    return packed


@numba.njit(cache=True, nogil=True, error_model="numpy")
def product(A: Array, panels: Array, Y: Array) -> None:
    """Y = A @ B for B in panels. Sizes were validated by the caller."""
    M, K = A.shape
    N = Y.shape[1]
    total = np.empty(COLUMNS, np.float32)
    block = np.empty(COLUMNS, np.float32)
    for i in range(M):
        for p in range(panels.shape[0]):
            total[:] = 0.0
            for k0 in range(0, K, KC):
                block[:] = 0.0
                for k in range(k0, min(k0 + KC, K)):
                    a = A[i, k]
                    for j in range(COLUMNS):
                        block[j] += a * panels[p, k, j]
                for j in range(COLUMNS):
                    total[j] = block[j] if k0 == 0 else total[j] + block[j]
            for j in range(min(COLUMNS, N - p * COLUMNS)):
                Y[i, p * COLUMNS + j] = total[j]
