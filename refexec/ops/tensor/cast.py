"""Cast, CastLike, and the conversion that they share."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import inf, isfinite, nextafter

import numpy as np

from refexec.comparison import Call, discrete
from refexec.errors import RuleViolation, require
from refexec.ops.common import Array, integer_range, tensor_type
from refexec.registry import op
from refexec.types import ElementType, element_type
from refexec.values import round_to, ulp, wrap_to_int


@dataclass(frozen=True, slots=True)
class Rules:
    """What a version and its attributes say about the 8-bit floats."""

    saturate: bool = True
    round_mode: str = "up"  # of float8e8m0
    infinite_saturates: bool = True  # in the FNUZ types; NaN where it does not


def cast(input: Array, to: ElementType, rules: Rules) -> Array:
    """``input`` converted to the element type ``to``.

    To a float type: rounded once, half to even. To an integer: floats lose their fraction, but to 4 and 2 bits they are rounded
    half to even (docs/technical/int4, int2); integers keep their low bits; what is out of range or NaN is not specified. To bool:
    whether it is not zero.
    """
    source = element_type(input.dtype)
    if source is to:
        return input
    if to.kind == "string":
        return as_text(input, source)
    if source.kind == "string":
        return cast(parsed(input, to), to, rules)
    if to.kind == "bool":
        return input.astype(bool)
    if to.is_integer:
        whole = whole_numbers(input.astype(np.float64), to) if source.is_float else input
        return wrap_to_int(whole, to.dtype)
    if to.name == "float8e8m0":
        require(rules.round_mode in ("up", "down", "nearest"), "round_mode is up, down or nearest", round_mode=rules.round_mode)
        return round_to(input, to.dtype, rules.round_mode, rules.saturate)
    if to.name.endswith("fnuz") and source.is_float and not rules.infinite_saturates:
        input = np.where(np.isinf(input), np.nan, input.astype(np.float64))
    return round_to(input, to.dtype, "nearest_even", rules.saturate)


def truncated(x: Array, to: ElementType) -> Array:
    """Floats without their fraction, as int64 (uint64 for targets of that type). Not specified outside the target's range."""
    return np.trunc(x).astype(np.uint64 if to.name == "uint64" else np.int64)


def whole_numbers(x: Array, to: ElementType) -> Array:
    """Floats on their way to an integer type."""
    return np.rint(x).astype(np.int64) if to.bits < 8 else truncated(x, to)


def as_text(x: Array, source: ElementType) -> Array:
    """Numbers as text, without exponent: the shortest digits that read back the same; "NaN", "INF", "-INF"; a bool as 0 or 1."""
    if source.kind == "float":
        narrow = x if source.name in ("float16", "float32", "float64") else round_to(x, np.float32)
        words = [float_text(v) for v in narrow.flat]
    else:
        words = [str(int(v)) for v in x.flat]
    text = np.empty(x.shape, dtype=object)
    text.reshape(-1)[:] = words
    return text


def float_text(v: np.floating) -> str:
    if np.isnan(v):
        return "NaN"
    if np.isinf(v):
        return "INF" if v > 0 else "-INF"
    return np.format_float_positional(v, unique=True, trim="-")


def parsed(x: Array, to: ElementType) -> Array:
    """Text as numbers that are converted to ``to`` like numbers: plain or scientific, "NaN" and "INF" in any case.

    That a fraction is dropped on the way to an integer is one of the results that the specification allows.
    """
    read = read_integer if to.is_integer else read_float
    numbers = np.empty(x.shape, to.dtype if to.is_integer and to.bits >= 8 else np.int64 if to.is_integer else np.float64)
    for position, text in enumerate(x.flat):
        try:
            numbers.reshape(-1)[position] = read(text, to)
        except (ValueError, InvalidOperation):
            rule = "a string that is cast to a number is a literal of a number in the range of integers"
            raise RuleViolation(rule, text=text, position=position, to=to.name) from None
    return numbers


def read_integer(text: str, to: ElementType) -> int:
    """A literal as an integer, without its fraction. ValueError for others and beyond the range of ``to``."""
    number = decimal(text)
    low, high = integer_range(to)
    if not number.is_finite() or not low - 1 < number < high + 1:
        raise ValueError
    return int(number)


def read_float(text: str, to: ElementType) -> float:
    """A literal as a float64 that rounds to ``to`` as the literal itself does: of the two around it the odd one."""
    number, near = decimal(text), float(text)
    if to.bits == 64 or near == 0 or not isfinite(near) or Decimal(near) == number:
        return near
    other = nextafter(near, inf if Decimal(near) < number else -inf)
    return near if np.float64(near).view(np.int64) % 2 else other


def decimal(text: str) -> Decimal:
    """A literal exactly. ValueError or InvalidOperation for others."""
    if "_" in text:
        raise ValueError
    return Decimal(text)


def cast_margin(call: Call):
    """How far each number is from one that is converted to another value; 0 where the result is not specified."""
    x, y, to = call.inputs[0], call.outputs[0], call.elements[0]
    if x.dtype == object or to is None or to.kind == "string":
        return None
    x = x.astype(np.float64)
    if to.kind == "bool":
        return np.abs(x)
    if to.is_float:
        return np.maximum(ulp(y, to.dtype) / 2 - np.abs(x - y.astype(np.float64)), 0)
    size, (low, high) = np.abs(x), integer_range(to)
    specified = (x > low - 1) & (x < high + 1)
    if to.bits < 8:
        distance = np.abs(size - np.floor(size) - 0.5)
    else:
        distance = np.where(size < 1, 1 - size, np.minimum(size - np.floor(size), np.floor(size) + 1 - size))
    return np.where(specified, distance, 0)


def cast_type(attributes, inputs):
    return (tensor_type(attributes["to"]),)


@op("Cast", since=24, also=(25, 28), arithmetic="exact", compare=discrete(cast_margin), result_types=cast_type)
def cast_24(input, /, *, round_mode="up", saturate=1, to):
    """``input`` in element type ``to``. ``saturate`` decides for the 8-bit floats what happens beyond their range,
    ``round_mode`` how float8e8m0 rounds."""
    return cast(input, element_type(to), Rules(bool(saturate), round_mode))


@op("Cast", since=19, also=(21, 23), like=cast_24)
def cast_19(input, /, *, saturate=1, to):
    """Before version 24: no float8e8m0, and infinity becomes NaN in float8e4m3fnuz and float8e5m2fnuz, ``saturate`` or not."""
    return cast(input, element_type(to), Rules(bool(saturate), infinite_saturates=False))


@op("Cast", since=6, also=(9, 13), like=cast_24)
def cast_6(input, /, *, to):
    """Before version 19: no 8-bit floats."""
    return cast(input, element_type(to), Rules())


def named_type(attributes, inputs):
    """``to`` is the name of a TensorProto.DataType."""
    return (tensor_type(type_named(attributes["to"])),)


@op("Cast", since=1, like=cast_24, result_types=named_type)
def cast_1(input, /, *, to):
    """Before version 6: ``to`` is a name, such as "FLOAT" or "INT64"."""
    return cast(input, type_named(to), Rules())


def type_named(name: str) -> ElementType:
    return element_type({"FLOAT": "float32", "DOUBLE": "float64"}.get(name.upper(), name.lower()))


@op("CastLike", since=24, also=(25,), arithmetic="exact", compare=discrete(cast_margin))
def cast_like_24(input, target_type, /, *, round_mode="up", saturate=1):
    """``input`` in the element type of ``target_type``: Cast."""
    return cast(input, element_type(target_type.dtype), Rules(bool(saturate), round_mode))


@op("CastLike", since=19, also=(21, 23), like=cast_like_24)
def cast_like_19(input, target_type, /, *, saturate=1):
    """Before version 24: Cast of that time."""
    return cast(input, element_type(target_type.dtype), Rules(bool(saturate), infinite_saturates=False))


@op("CastLike", since=15, like=cast_like_24)
def cast_like_15(input, target_type, /):
    """Before version 19: no 8-bit floats."""
    return cast(input, element_type(target_type.dtype), Rules())
