"""Vectors as values of numba code: the few LLVM instructions that kernels are written in.

A vector holds 32 bytes: eight float32 or four float64, or as many integers of the same width. Where a machine has no such
registers LLVM splits them; every operation here rounds once, ``fma`` too, so the bits do not depend on the instruction set.

Arrays are addressed as flat memory: ``load(A, i)`` reads the lanes from element ``i`` of the memory behind ``A``, whatever
A's shape. Nothing wraps around. With ``NUMBA_BOUNDSCHECK=1`` each access is checked against A's memory and raises IndexError.
"""

from __future__ import annotations

from refexec.kernels.access import (
    alive,
    at,
    broadcast,
    lanes_of,
    load,
    load_first,
    looked_up,
    memory,
    prefetch,
    put,
    store,
    store_first,
    zeros,
)
from refexec.kernels.arithmetic import (
    absolute,
    as_floats,
    as_integers,
    copy_sign,
    either_nan,
    fma,
    maximum,
    minimum,
    negated,
    round_even,
    select,
    splat,
    sqrt,
    to_floats,
    to_integers,
)
from refexec.kernels.lanes import (
    evens_and_odds,
    every_other,
    first_lanes,
    interleaved,
    lane,
    lane_numbers,
    largest,
    parted,
    product_of_lanes,
    sum_of_lanes,
)
from refexec.kernels.vectors import inlined, instruction, jit

__all__ = [
    "absolute", "alive", "as_floats", "as_integers", "at", "broadcast", "copy_sign", "either_nan", "evens_and_odds", "every_other",
    "first_lanes", "fma", "inlined", "instruction", "interleaved", "jit", "lane", "lane_numbers", "lanes_of", "largest", "load",
    "load_first", "looked_up", "maximum", "memory", "minimum", "negated", "parted", "prefetch", "product_of_lanes", "put", "round_even",
    "select", "splat", "sqrt", "store", "store_first", "sum_of_lanes", "to_floats", "to_integers", "zeros",
]  # fmt: skip
