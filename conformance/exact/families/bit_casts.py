"""BitCast: the bits of one type read as another of the same width."""

from __future__ import annotations

from typing import Any

import onnx

from conformance.exact.families.placement import filled
from conformance.exact.formats import FLOATS, INTEGERS, NAN, decode, encode
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import integers
from conformance.exact.values import PARTS, Case, Tensor


def width(type: str) -> int:
    """bool takes a byte, a complex number two floats."""
    if type in PARTS:
        return 2 * width(PARTS[type])
    return 8 if type == "bool" else (INTEGERS.get(type) or FLOATS[type]).bits


def bits_of(value: Any, type: str) -> int:
    """Two's complement, or the format's bits; the real part of a complex number comes first, so it is the lower half."""
    if type in PARTS:
        real, imaginary = (bits_of(v, PARTS[type]) for v in value)
        return real | imaginary << width(PARTS[type])
    if type in FLOATS:
        return encode(value, type)
    return int(value) % (1 << width(type))


def value_of(bits: int, type: str) -> Any:
    if type in PARTS:
        high, low = divmod(bits, 1 << width(PARTS[type]))
        return value_of(low, PARTS[type]), value_of(high, PARTS[type])
    if type in FLOATS:
        return decode(bits, type)
    if type == "bool":
        return bool(bits)
    form = INTEGERS[type]
    return bits - (1 << form.bits) if form.signed and bits > form.largest else bits


def _patterns(type: str) -> list[int]:
    """Bits of all kinds of numbers, and of both signs."""
    if type in INTEGERS:
        return [bits_of(v, type) for v in integers(type).values]
    if type in FLOATS:
        return [bits_of(v, type) for v in filled(type, (14,)).values]
    return [bits_of(v, type) for v in filled(type, (10,)).values]


def _is_nan(value: Any) -> bool:
    return any(map(_is_nan, value)) if isinstance(value, tuple) else bool(value != value)


def _readable(bits: int, source: str, to: str) -> bool:
    """A bool is 0 or 1. A NaN is the type's own: which other NaN bits survive in a float register is not the operator's matter."""
    for type in (source, to):
        if type == "bool" and bits > 1:
            return False
        value = value_of(bits, type)
        if _is_nan(value) and (type in PARTS or bits != bits_of(NAN, type)):
            return False
    return True


def _held(source: str, to: str) -> list[int]:
    """Patterns of both types, and single bits beside the last one."""
    wanted = [*_patterns(source), *_patterns(to), *((1 << k) | 1 for k in range(1, width(to), max(width(to) // 4, 1)))]
    return [b for b in dict.fromkeys(wanted) if _readable(b, source, to)][:32]


def _case(source: str, to: str, shape: tuple[int, ...], bits: list[int]) -> Case:
    x, y = (Tensor(t, shape, tuple(value_of(b, t) for b in bits)) for t in (source, to))
    return Case([x], [y], {"to": int(onnx.TensorProto.DataType.Value(to.upper()))})


def _cases(source: str, to: str) -> list[Case]:
    """A vector, a matrix, a number of elements that does not fill its last byte, a scalar, none."""
    held = _held(source, to)
    half = len(held) // 2
    shapes = [((len(held),), held), ((half, 2), held[: half * 2]), ((1,), held[1:2]), ((), held[-1:]), ((2, 0), [])]
    return [_case(source, to, shape, bits) for shape, bits in shapes]


def _same_width(type: str) -> list[str]:
    names = (t.removeprefix("tensor(")[:-1] for t in onnx.defs.get_schema("BitCast", 26, "").type_constraints[0].allowed_type_strs)
    return [n for n in names if width(n) == width(type)]


@oracle("BitCast", 26)
def bit_cast(types: Types, since: int) -> list[Case]:
    """Every type of the tested type's width, that type itself among them."""
    others = _same_width(types.type)
    return [c for o in others for c in (_cases(types.type, o) if types.tested == "T1" else _cases(o, types.type))]
