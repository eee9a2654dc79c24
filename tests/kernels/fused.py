"""An oracle for sums of products: the C library's fused multiply-add, one term after the other."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterable
from typing import Any

import numpy as np

BLOCK = 256

_library = ctypes.CDLL(ctypes.util.find_library("m") or None)
_library.fmaf.restype, _library.fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3
_library.fma.restype, _library.fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3


def in_order(pairs: Iterable[tuple[Any, Any]], dtype: Any) -> Any:
    """The sum of the products of pairs in blocks of 256 terms, each a chain of fused multiply-adds, added in order."""
    single = np.dtype(dtype) == np.float32
    step = _library.fmaf if single else _library.fma
    found = list(pairs)
    blocks = []
    for start in range(0, max(len(found), 1), BLOCK):
        total = 0.0
        for a, b in found[start : start + BLOCK]:
            total = step(float(a), float(b), total)
        blocks.append(np.dtype(dtype).type(total))
    result = blocks[0]
    for block in blocks[1:]:
        result = result + block
    return result
