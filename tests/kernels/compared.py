"""A kernel beside the definition of its primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np

from refexec import pool
from refexec.primitives import PLAIN, PROFILES, Epilogue, Kernel, Primitive, load_kernels
from refexec.types import element_type
from refexec.values import round_quietly, smallest_subnormal, unit_roundoff, widen

GUARD = 64  # elements around a result, which a kernel must not touch


def computed(
    primitive: Primitive, arrays: Sequence[Any], static: Any, *, threads: int = 1, epilogue: Epilogue = PLAIN,
    packed: Sequence[int] = (), bias: Any = None, residual: Any = None, profile: str = "deterministic",
) -> Any:  # fmt: skip
    """What the kernel for the type of the first array makes of the arguments; the elements around the result stay as they are.

    ``packed`` are the positions of arguments that are constant.
    """
    load_kernels()
    dtype = arrays[0].dtype
    kernel = _kernel(primitive, dtype, profile)
    constants = kernel.pack(static, {i: arrays[i] for i in packed})
    binding = kernel.bind([None if a is None else a.shape for a in arrays], static, constants, epilogue)
    size = int(np.prod(binding.shape))
    memory = np.full(size + 2 * GUARD, 77, dtype)
    y = memory[GUARD : GUARD + size].reshape(binding.shape)
    before = pool.use_threads(threads)
    try:
        with patch.object(pool, "SHORT", 0):
            if y.size:
                binding.run(y, arrays, bias, residual)
    finally:
        pool.use_threads(before)
    assert np.all(memory[:GUARD] == memory[GUARD + size :])
    assert np.all(memory[:GUARD] == np.full(1, 77, dtype))
    return y


def check(primitive: Primitive, arrays: Sequence[Any], static: Any, **more: Any) -> Any:
    """The kernel's result, which is the definition's within the bound, for two threads, every layout and whatever stands around the
    arguments the same bits. ``more``: what :func:`computed` takes."""
    with np.errstate(all="ignore"):
        y = computed(primitive, arrays, static, **more)
    wide, (bias, residual) = _wide(arrays), _wide((more.get("bias"), more.get("residual")))
    with np.errstate(all="ignore"):
        plain = primitive.definition(*wide, **static)
        expected = more.get("epilogue", PLAIN)(plain, bias, residual)
        allowed = _kernel(primitive, y.dtype, more.get("profile", "deterministic")).bound(wide, static)
        if element_type(y.dtype).is_float:
            allowed = allowed + sum(4 * np.abs(x).max(initial=0) for x in (bias, residual) if x is not None)
            allowed = (allowed + np.abs(plain)) * unit_roundoff(y.dtype) + 4 * smallest_subnormal(y.dtype)
            y_wide = widen(y)
            rounded = widen(round_quietly(np.asarray(expected), y.dtype))  # perhaps to an infinity
            near = (np.abs(y_wide - expected) <= allowed) | (y_wide == rounded) | ((y_wide != y_wide) & (expected != expected))
        else:
            near = y == expected
    assert y.shape == expected.shape
    assert np.all(near), (y, expected)
    assert computed(primitive, arrays, static, threads=2, **more).tobytes() == y.tobytes()
    assert computed(primitive, [spaced(a) for a in arrays], static, **more).tobytes() == y.tobytes()
    for neighbour in (np.nan, 0.0):
        assert computed(primitive, [among(a, neighbour) for a in arrays], static, **_among(more, neighbour)).tobytes() == y.tobytes()
    return y


def _kernel(primitive: Primitive, dtype: Any, profile: str) -> Kernel:
    kernel = primitive.kernel(element_type(dtype), PROFILES[profile])
    assert kernel is not None
    return kernel


def _wide(arrays: Sequence[Any]) -> list[Any]:
    return [widen(a) if a is not None and element_type(a.dtype).is_float else a for a in arrays]


def among(array: Any, neighbour: float) -> Any:
    """The same elements in row-major order, with the number, or the greatest one of the type, before and behind them."""
    if array is None:
        return None
    element = element_type(array.dtype)
    if not element.is_float:
        neighbour = np.iinfo(array.dtype).max if neighbour and array.dtype.kind in "iu" else 0
    memory = np.full(array.size + 2 * GUARD, neighbour, array.dtype)
    made = memory[GUARD : GUARD + array.size].reshape(array.shape)
    made[...] = array
    return made


def _among(more: dict[str, Any], neighbour: float) -> dict[str, Any]:
    return more | {name: among(more.get(name), neighbour) for name in ("bias", "residual")}


def spaced(array: Any) -> Any:
    """The same elements in other memory: axes in reverse, with gaps."""
    if array is None or not array.ndim:
        return array
    room = np.zeros([2 * d for d in array.shape[::-1]], array.dtype)
    view = room[tuple(slice(None, None, 2) for _ in array.shape)].T
    view[...] = array
    return view
