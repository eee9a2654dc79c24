"""BitCast."""

import numpy as np

from refexec.comparison import discrete
from refexec.errors import require
from refexec.ops.common import Array, tensor_type
from refexec.registry import op
from refexec.types import ElementType, element_type


def bit_cast_type(attributes, inputs):
    return (tensor_type(attributes["to"]),)


@op("BitCast", since=26, arithmetic="exact", compare=discrete(), result_types=bit_cast_type)
def bit_cast_26(input, /, *, to):
    """The bits of each element read as an element of the type ``to``, which has as many; nothing is converted.

    The bits of a bool are 0 or 1. A complex number is its real part, then its imaginary part in the higher bits.
    """
    source, target = element_type(input.dtype), element_type(to)
    require(source.bits == target.bits, "the types have the same bit-width", input=source, to=target)
    if target.kind == "bool":
        require(not np.any(input.view(np.uint8) > 1), "the bits of a bool are 0 or 1")
    return from_codes(input, target) if target.bits < 8 else input.view(target.dtype)


def from_codes(x: Array, target: ElementType) -> Array:
    """Elements of less than a byte, each held in a byte of its own: the lower bits count."""
    codes = x.view(np.uint8) & (2**target.bits - 1)
    if target.kind == "int":
        sign = 1 << (target.bits - 1)
        return ((codes ^ sign).astype(np.int8) - np.int8(sign)).astype(target.dtype)
    return codes.view(target.dtype)
