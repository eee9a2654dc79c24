"""Values and numbers: rounding, widths and limits of the element types; sequences, optionals and sparse tensors.

Tensors are ndarrays, maps are dicts, strings are ``str`` in object arrays. ``round_to`` is the one place where a number
becomes narrower; ``astype`` to an ml_dtypes type goes through float32 and so rounds twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

from refexec.errors import ContractError, RuleViolation, UnsupportedType, require
from refexec.types import (
    ElementType,
    MapType,
    OptionalType,
    SequenceType,
    SparseTensorType,
    TensorType,
    ValueType,
    element_type,
    without_shape,
)

__all__ = [
    "FloatFormat",
    "Optional",
    "Sequence",
    "SparseTensor",
    "float_format",
    "highest",
    "lowest",
    "max_finite",
    "nbytes",
    "round_quietly",
    "round_to",
    "smallest_subnormal",
    "to_public",
    "ulp",
    "unit_roundoff",
    "value_type_of",
    "wide_dtype",
    "widen",
    "wrap_to_int",
    "zero",
]

Array = np.ndarray[Any, Any]
DType = ElementType | np.dtype[Any] | type

_F16, _F32, _F64, _LONG = (np.dtype(t) for t in (np.float16, np.float32, np.float64, np.longdouble))
_C64, _C128 = np.dtype(np.complex64), np.dtype(np.complex128)
_E8M0 = np.dtype(ml_dtypes.float8_e8m0fnu)
_FLOAT8 = {np.dtype(t) for t in (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz)}
_FLOAT6 = {np.dtype(t) for t in (ml_dtypes.float6_e2m3fn, ml_dtypes.float6_e3m2fn)}
_FLOAT4 = np.dtype(ml_dtypes.float4_e2m1fn)
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_ML_FLOATS = {_BFLOAT16, _E8M0, _FLOAT4} | _FLOAT8 | _FLOAT6
_ML_INTS = {np.dtype(t) for t in (ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2)}
_ML_TYPES = _ML_FLOATS | _ML_INTS
_HAS_INF = {_F16, _F32, _F64, _BFLOAT16, np.dtype(ml_dtypes.float8_e5m2)}
_LONG_IS_WIDER = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant
_finfo: Any = ml_dtypes.finfo
_iinfo: Any = ml_dtypes.iinfo


def _as_dtype(dtype: DType) -> np.dtype[Any]:
    return dtype.dtype if isinstance(dtype, ElementType) else np.dtype(dtype)


# Formats ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """A binary floating-point format. Its positive values are ``k * 2**(e - fraction_bits)``, ``e >= min_exponent``."""

    fraction_bits: int  # bits of the significand after the leading one
    min_exponent: int  # exponent of the smallest normal number
    max_finite: float
    has_inf: bool


@cache
def float_format(dtype: DType) -> FloatFormat:
    """The format of a floating-point dtype; for a complex one, of its parts. Raises ContractError for any other dtype."""
    dtype = {_C64: _F32, _C128: _F64}.get(_as_dtype(dtype), _as_dtype(dtype))
    if dtype not in _ML_FLOATS | {_F16, _F32, _F64}:
        raise ContractError("not a floating-point element type", dtype=dtype)
    info = _finfo(dtype)
    return FloatFormat(int(info.nmant), int(info.minexp), float(info.max), dtype in _HAS_INF)


def unit_roundoff(dtype: DType) -> float:
    """The largest relative error of rounding to nearest in the normal range: 2**-24 for float32."""
    return 2.0 ** -(float_format(dtype).fraction_bits + 1)


def smallest_subnormal(dtype: DType) -> float:
    """The smallest positive value."""
    f = float_format(dtype)
    return math.ldexp(1.0, f.min_exponent - f.fraction_bits)


def max_finite(dtype: DType) -> float:
    """The largest finite value."""
    return float_format(dtype).max_finite


def ulp(x: Any, dtype: DType) -> Array:
    """The spacing of ``dtype`` at ``|x|``, as float64 of the shape of ``x``.

    Below the smallest normal number it is the smallest subnormal, above the largest finite one that of the last binade; NaN gives NaN.
    """
    f = float_format(dtype)
    size = np.minimum(np.abs(np.asarray(x, np.float64)), f.max_finite)
    _, exponent = np.frexp(size)
    spacing = np.ldexp(1.0, np.maximum(np.where(size == 0, f.min_exponent, exponent - 1), f.min_exponent) - f.fraction_bits)
    return np.asarray(np.where(np.isnan(size), np.nan, spacing))


def lowest(dtype: DType) -> Any:
    """The value below all others, as a scalar of ``dtype``: -inf, or the smallest number where there is no infinity; False; ""."""
    return _extreme(_as_dtype(dtype), -1)


def highest(dtype: DType) -> Any:
    """The value above all others, as a scalar of ``dtype``: inf, or the largest number where there is no infinity; True."""
    return _extreme(_as_dtype(dtype), 1)


def _extreme(dtype: np.dtype[Any], sign: int) -> Any:
    if dtype.kind == "b":
        return np.bool_(sign > 0)
    if dtype.kind in "iu" or dtype in _ML_INTS:
        info = _iinfo(dtype)
        return dtype.type(info.max if sign > 0 else info.min)
    if dtype == _E8M0 and sign < 0:
        return dtype.type(smallest_subnormal(dtype))
    if dtype.kind == "O" and sign < 0:
        return ""
    if dtype.kind in "OUSc":
        raise ContractError("this type has no such extreme value", dtype=dtype)
    if dtype.kind == "f":  # long double too, which holds float64 in the wide profile
        return dtype.type(sign * math.inf)
    f = float_format(dtype)
    return dtype.type(sign * (math.inf if f.has_inf else f.max_finite))


@cache
def zero(dtype: DType) -> Any:
    """Zero as a scalar of ``dtype``; "" for strings, False for bool. Raises UnsupportedType for float8e8m0, which has none."""
    dtype = _as_dtype(dtype)
    if dtype == _E8M0:
        raise UnsupportedType("float8e8m0 has no zero")
    return "" if dtype.kind in "OUS" else np.zeros((), dtype)[()]


# Widening --------------------------------------------------------------------------------------------------------------------


@cache
def wide_dtype(dtype: DType) -> np.dtype[Any]:
    """The dtype in which values of ``dtype`` are computed before one rounding.

    float64 for floats of up to 32 bits, long double for float64 where it is wider than float64, the complex types likewise; all
    others unchanged.
    """
    dtype = _as_dtype(dtype)
    if dtype == _C64:
        return _C128
    if dtype in _ML_FLOATS or dtype in (_F16, _F32):
        return _F64
    if _LONG_IS_WIDER and dtype in (_F64, _C128):
        return _LONG if dtype == _F64 else np.dtype(np.clongdouble)
    return dtype


def widen(x: Array) -> Array:
    """``x`` as its wide dtype, without any rounding."""
    return np.asarray(x).astype(wide_dtype(x.dtype), copy=False)


# Rounding --------------------------------------------------------------------------------------------------------------------


def round_to(x: Any, dtype: DType, mode: str = "nearest_even", saturate: bool = True) -> Array:
    """``x`` rounded once to the floating-point (or complex) type ``dtype``; ``x`` itself when it has that dtype already.

    ``x`` is an array of any real or complex type, long double included; an integer is taken exactly. Rounding is to nearest, ties to even.

    Out of range: infinity for float16, bfloat16, float32 and float64. The other types follow the tables of Cast and of the ONNX pages on
    float 8, float 6 and float 4:

    - float 8 with ``saturate``: the largest finite value of the sign; without: infinity (e5m2) or NaN. The FNUZ kinds have no -0.
    - float 6 and float 4 always saturate; NaN becomes the largest value of float 4 and -0 of float 6.
    - float8e8m0 (powers of two, no sign): ``mode`` is ``up``, ``down``, ``nearest`` (ties up) or ``nearest_even`` (ties to the even
      exponent code). Zero and what is below 2**-127 become 2**-127, infinity and what is above 2**127 become 2**127; without ``saturate``
      all these become NaN. Unspecified by ONNX, chosen here: a negative number becomes NaN and -0 acts as 0.

    Raises RuleViolation for a ``mode`` that ``dtype`` does not have, ContractError when ``dtype`` is not a floating-point type or would
    drop an imaginary part.
    """
    a: Array = np.asarray(x)
    dtype = _as_dtype(dtype)
    if dtype == _E8M0:
        require(mode in ("up", "down", "nearest", "nearest_even"), "round_mode is up, down or nearest", round_mode=mode)
    elif mode != "nearest_even":
        raise RuleViolation("rounding is to nearest, ties to even, for every type but float8e8m0", mode=mode, dtype=dtype)
    if a.dtype == dtype and a.dtype.isnative:
        return a
    with np.errstate(all="ignore"):
        return _round(_checked_number(a, dtype), dtype, mode, saturate)


def round_quietly(x: Array, dtype: np.dtype[Any]) -> Array:
    """The rounding of a result, for callers that say themselves what NumPy does on overflow: fast for float32.

    A type that has an infinity, float8e5m2 too, overflows to it, and infinities stay what they are; the others saturate.
    """
    if x.dtype == _F64 and dtype == _F32:
        return x.astype(dtype)
    return x if x.dtype == dtype else _round(_checked_number(x, dtype), dtype, "nearest_even", dtype not in _HAS_INF)


def _checked_number(a: Array, dtype: np.dtype[Any]) -> Array:
    if a.dtype.kind not in "fiubc" and a.dtype not in _ML_TYPES:
        raise ContractError("only numbers can be rounded", dtype=a.dtype)
    if a.dtype.kind == "c" and dtype.kind != "c":
        raise ContractError("rounding a complex number to a real type would drop its imaginary part", from_=a.dtype, to=dtype)
    return a if a.dtype.isnative else a.astype(a.dtype.newbyteorder("="))


def _round(a: Array, dtype: np.dtype[Any], mode: str, saturate: bool) -> Array:
    if dtype in (_F32, _F64, _C64, _C128):
        return a.astype(dtype)
    if dtype == _F16:
        near = a.astype(_F32) if a.dtype in _ML_TYPES else a if a.dtype in (_F32, _F64) else _float64_to_odd(a)
        return near.astype(_F16)
    if dtype == _E8M0:
        return _to_e8m0(a if a.dtype == _LONG else _float64_to_odd(a), mode, saturate)
    if dtype in _ML_FLOATS:
        return _to_narrow(_float32_to_odd(a), dtype, saturate)
    raise ContractError("round_to takes floating-point and complex types", dtype=dtype)


def _to_narrow(x: Array, dtype: np.dtype[Any], saturate: bool) -> Array:
    # Clipping comes first: a number above the largest value saturates whether its significand rounds down to it or not.
    top = np.float32(max_finite(dtype))
    if dtype == _FLOAT4 or dtype in _FLOAT6:
        nan = top if dtype == _FLOAT4 else np.float32(-0.0)
        return np.asarray(np.where(np.isnan(x), nan, np.clip(x, -top, top))).astype(dtype)
    if dtype in _FLOAT8 and saturate:
        x = np.asarray(np.clip(x, -top, top))
    return x.astype(dtype)


def _to_e8m0(x: Array, mode: str, saturate: bool) -> Array:
    fraction, exponent = np.frexp(x)  # x = fraction * 2**exponent, 1/2 <= fraction < 1
    code = exponent - 1 + 127
    if mode == "up":
        code = code + (fraction > 0.5)
    elif mode == "nearest":
        code = code + (fraction >= 0.75)
    elif mode == "nearest_even":
        code = code + ((fraction > 0.75) | ((fraction == 0.75) & (code % 2 == 1)))
    code = np.where(x < 2.0**-127, 0 if saturate else 255, code)
    code = np.where(x > 2.0**127, 254 if saturate else 255, code)
    return np.asarray(np.where(np.isnan(x) | (x < 0), 255, code)).astype(np.uint8).view(_E8M0)


def _float32_to_odd(x: Array) -> Array:
    if x.dtype == _F32:
        return x
    if x.dtype == _F16 or x.dtype in _ML_TYPES:
        return x.astype(_F32)
    return _round_to_odd(_float64_to_odd(x), _F32)


def _float64_to_odd(x: Array) -> Array:
    if x.dtype == _LONG and _LONG_IS_WIDER:
        return _round_to_odd(x, _F64)
    if x.dtype.kind in "iu" and x.dtype.itemsize == 8:
        # A float64 holds 53 bits: keep the upper ones and let the lowest kept bit say whether anything was cut off.
        cut = ((x >> 11) | ((x & 0x7FF) != 0)) << 11
        x = np.where((x < 2**53) & (x > -(2**53) if x.dtype.kind == "i" else True), x, cut)
    return x.astype(_F64)


def _round_to_odd(x: Array, dtype: np.dtype[Any]) -> Array:
    """``x`` if ``dtype`` can hold it, else the neighbour with an odd significand.

    Rounding that to nearest in a format at least two bits narrower gives what rounding ``x`` itself would give (Boldo and Melquiond,
    "When double rounding is odd", 2005). An overflowing number becomes the largest finite one, whose significand is odd.
    """
    near = x.astype(dtype)
    back = near.astype(x.dtype)
    bits: Any = near.view(np.int32 if dtype == _F32 else np.int64)
    even = (back != x) & (bits & 1 == 0)
    odd: Array = np.where(even, np.where(np.abs(back) > np.abs(x), bits - 1, bits + 1), bits)
    return odd.view(dtype)


def wrap_to_int(x: Any, dtype: DType) -> Array:
    """Integers (or bools) as the integer type ``dtype``: higher bits are dropped, the rest is read in two's complement (Cast).

    200 becomes -56 as int8. Raises ContractError when either type is not an integer type.
    """
    a: Array = np.asarray(x)
    dtype = _as_dtype(dtype)
    if (a.dtype.kind not in "iub" and a.dtype not in _ML_INTS) or (dtype.kind not in "iu" and dtype not in _ML_INTS):
        raise ContractError("wrap_to_int takes integers to integers", from_=a.dtype, to=dtype)
    if a.dtype in _ML_INTS:  # ml_dtypes has no cast between its own integer types
        a = a.astype(np.int8)
    return a.astype(dtype, copy=False)


# Values that are not tensors -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A sequence that keeps its element type when it is empty. ``items`` is never changed in place."""

    elem_type: ValueType
    items: list[Any]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


@dataclass(frozen=True, slots=True, eq=False)
class Optional:
    """An optional value that keeps its element type; ``value`` is None when it is empty."""

    elem_type: ValueType
    value: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class SparseTensor:
    """A tensor given by its values other than the default. ``values`` is [NNZ]; ``indices`` is [NNZ] (linear) or [NNZ, rank], int64."""

    values: Array
    indices: Array
    shape: tuple[int, ...]

    def to_dense(self) -> Array:
        """The dense tensor of ``shape``: zero, or "" for strings, wherever no value is given. The caller claims the memory first."""
        dense = np.full(self.shape, zero(self.values.dtype), self.values.dtype)
        where = self.indices if self.indices.ndim == 1 else np.ravel_multi_index(tuple(self.indices.T), self.shape)
        dense.reshape(-1)[where] = self.values
        return dense


def value_type_of(value: Any) -> ValueType:
    """The type of a value; tensors with their shape. Raises UnsupportedType for what is no ONNX value, an empty dict included."""
    match value:
        case Sequence(elem_type=inner):
            return SequenceType(inner)
        case Optional(elem_type=inner):
            return OptionalType(inner)
        case SparseTensor():
            return SparseTensorType(element_type(value.values.dtype), tuple(value.shape))
        case dict():
            return _map_type_of(value)
        case np.ndarray() | np.generic():
            return TensorType(element_type(value.dtype), value.shape)
        case bool() | int() | float() | str():
            return TensorType(_scalar_type(value), ())
    raise UnsupportedType("not an ONNX value", type=type(value).__name__)


def _map_type_of(value: dict[Any, Any]) -> MapType:
    keys = {_scalar_type(k) for k in value}
    values = {without_shape(value_type_of(v)) for v in value.values()}
    if len(keys) != 1 or len(values) != 1:
        seen = {"keys": sorted(map(str, keys)), "values": sorted(map(str, values))}
        raise UnsupportedType("a map needs keys of one type and values of one type", **seen)
    return MapType(keys.pop(), values.pop())


def _scalar_type(value: Any) -> ElementType:
    if isinstance(value, np.generic):
        return element_type(value.dtype)
    for kind, name in ((str, "string"), (bool, "bool"), (int, "int64"), (float, "float64")):
        if isinstance(value, kind):
            return element_type(name)
    raise UnsupportedType("not a scalar of an ONNX element type", type=type(value).__name__)


def nbytes(value: Any) -> int:
    """The memory of a value in bytes. A string counts 8 and its number of characters, an absent value 0."""
    match value:
        case None:
            return 0
        case np.ndarray():
            return value.nbytes + (sum(map(len, value.flat)) if value.dtype.kind == "O" else 0)
        case Sequence(items=items):
            return sum(map(nbytes, items))
        case Optional(value=inner):
            return nbytes(inner)
        case SparseTensor():
            return nbytes(value.values) + nbytes(value.indices)
        case dict():
            return sum(nbytes(k) + nbytes(v) for k, v in value.items())
        case str():
            return 8 + len(value)
        case np.generic():
            return value.nbytes
        case bool() | int() | float():
            return 8
    raise UnsupportedType("not an ONNX value", type=type(value).__name__)


def to_public(value: Any) -> Any:
    """The value as users see it: a sequence is a list, an optional its value or None, at every depth; all else is unchanged."""
    match value:
        case Sequence(items=items):
            return [to_public(item) for item in items]
        case Optional(value=inner):
            return to_public(inner)
        case dict():
            return {key: to_public(item) for key, item in value.items()}
    return value
