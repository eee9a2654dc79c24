"""Constant, ConstantOfShape, EyeLike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from onnx import TensorProto
from onnx.helper import make_sparse_tensor, make_tensor

from conformance.exact.families.containers import extremes, number, ordinary, rare
from conformance.exact.formats import FLOATS, INTEGERS, encode
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import PARTS, Case, Tensor

FIELDS = {"float": "float_data", "double": "double_data", "int64": "int64_data", "uint32": "uint64_data", "uint64": "uint64_data"}
"""Where onnx.proto keeps the values of a type when they are no raw bytes; int32_data for any other number."""


def _bits(type: str) -> int:
    return FLOATS[type].bits if type in FLOATS else INTEGERS[type].bits if type in INTEGERS else 8


def _fields(x: Tensor) -> TensorProto:
    """The tensor in the field that onnx.proto names for its type, instead of raw bytes.

    Floats of at most 16 bits are there as their bits; types of 4 and 2 bits fill bytes, the first value in the lowest bits.
    """
    made = TensorProto(data_type=number(x.type), dims=x.shape)
    if x.type in PARTS:
        kept = made.float_data if x.type == "complex64" else made.double_data
        kept.extend(float(v) for pair in x.values for v in pair)
        return made
    if x.type == "string":
        made.string_data.extend(v.encode() for v in x.values)
        return made
    if x.type in ("float", "double"):
        getattr(made, FIELDS[x.type]).extend(float(v) for v in x.values)
        return made
    values = [encode(v, x.type) if x.type in FLOATS else int(v) for v in x.values]
    bits = _bits(x.type)
    if bits < 6:
        each = 8 // bits
        digits = [v % (1 << bits) for v in values]
        values = [sum(d << (bits * i) for i, d in enumerate(digits[at : at + each])) for at in range(0, len(digits), each)]
    getattr(made, FIELDS.get(x.type, "int32_data")).extend(values)
    return made


@oracle("Constant", 1, 9, 11, 12, 13, 19, 21, 23, 24, 25)
def constant(types: Types, since: int) -> list[Case]:
    """The value of the attribute: a tensor, since version 11 also a sparse one, since version 12 also numbers and strings."""
    type = types["T"]
    x, y = ordinary(type, (2, 3)), rare(type, (5,))
    tensors = [x, y, ordinary(type, (), 1), Tensor(type, (0, 2), ())]
    made = [Case([], [v], {"value": v}) for v in tensors] + [Case([], [v], {"value": _fields(v)}) for v in tensors]
    if since >= 11:
        made += _sparse(type)
    return made + _plain(type) if since >= 12 else made


def _sparse(type: str) -> list[Case]:
    """Zero where no value is given. Indices are positions in row-major order, or one row of coordinates for each value."""
    if type in ("string", "float8e8m0"):  # without a zero
        return []
    zero: Any = False if type == "bool" else (0, 0) if type in PARTS else 0
    values = extremes(type, 2)
    flat = [zero, zero, values[0], zero, zero, values[1]]
    kept = _fields(Tensor(type, (2,), tuple(values)))
    made = []
    for dims, indices in (([2], [2, 5]), ([2, 2], [0, 2, 1, 2])):
        places = make_tensor("indices", TensorProto.INT64, dims, indices)
        made.append(Case([], [Tensor(type, (2, 3), tuple(flat))], {"sparse_value": make_sparse_tensor(kept, places, [2, 3])}))
    nothing = make_sparse_tensor(_fields(Tensor(type, (0,), ())), make_tensor("indices", TensorProto.INT64, [0], []), [2])
    return [*made, Case([], [Tensor(type, (2,), (zero, zero))], {"sparse_value": nothing})]


def _plain(type: str) -> list[Case]:
    """A scalar from value_float, value_int, value_string; a vector from the plurals."""
    if type == "float":
        numbers = (single("0.1"), *extremes("float", 3))
        one = Case([], [Tensor(type, (), (single("0.1"),))], {"value_float": 0.1})
        return [one, _several(type, numbers, {"value_floats": [float(v) for v in numbers]}), _several(type, (), {"value_floats": []})]
    if type == "int64":
        ends = tuple(extremes(type, 4))
        singles = [Case([], [Tensor(type, (), (v,))], {"value_int": v}) for v in ends]
        return [*singles, _several(type, ends, {"value_ints": list(ends)}), _several(type, (), {"value_ints": []})]
    if type == "string":
        texts = tuple(extremes(type, 4))
        singles = [Case([], [Tensor(type, (), (v,))], {"value_string": v}) for v in texts]
        return [*singles, _several(type, texts, {"value_strings": list(texts)}), _several(type, (), {"value_strings": []})]
    return []


def _several(type: str, values: tuple[Any, ...], attributes: Mapping[str, Any]) -> Case:
    return Case([], [Tensor(type, (len(values),), values)], attributes)


@oracle("ConstantOfShape", 9, 20, 21, 23, 24, 25)
def constant_of_shape(types: Types, since: int) -> list[Case]:
    """The one element of ``value`` everywhere; float 0 when it is not given. An empty shape is that of a scalar."""
    type = types["T2"]
    first, *more = extremes(type, 6)
    made = [_filled(type, (2, 3), first), _filled(type, (), first), _filled(type, (2, 0), first)]
    made += [_filled(type, (2,), v) for v in more]
    if type == "float":
        made += [Case([_shape(shape)], [Tensor(type, shape, (0.0,) * math.prod(shape))]) for shape in ((2, 3), (), (0,))]
    return made


def _shape(shape: tuple[int, ...]) -> Tensor:
    return Tensor("int64", (len(shape),), shape)


def _filled(type: str, shape: tuple[int, ...], value: Any) -> Case:
    return Case([_shape(shape)], [Tensor(type, shape, (value,) * math.prod(shape))], {"value": Tensor(type, (1,), (value,))})


EYES = [((3, 3), None), ((2, 4), None), ((4, 2), None), ((3, 4), 1), ((3, 4), -1), ((2, 3), 2), ((2, 3), 3), ((2, 3), -2), ((0, 2), 0)]
"""Shapes and k."""


@oracle("EyeLike", 9, 22)
def eye_like(types: Types, since: int) -> list[Case]:
    """y[i, i + k] = 1, else 0, in the shape of the input; its type is ``dtype``, else that of the input."""
    made = [_eye(types["T1"], types["T2"], *given, dtype=True) for given in EYES]
    kind = types.type
    return made + [_eye(kind, kind, *given, dtype=False) for given in EYES[:5]]


def _eye(from_type: str, type: str, shape: tuple[int, int], k: int | None, *, dtype: bool) -> Case:
    one: Any = True if type == "bool" else 1
    values = [one if j == i + (k or 0) else type != "bool" and 0 for i in range(shape[0]) for j in range(shape[1])]
    attributes = {"dtype": number(type)} if dtype else {}
    return Case([rare(from_type, shape)], [Tensor(type, shape, tuple(values))], attributes | ({} if k is None else {"k": k}))
