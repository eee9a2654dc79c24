"""MatMulInteger and QLinearMatMul."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from conformance.exact.families.broadcasting import combine, small
from conformance.exact.families.lines import matrix, reshaped
from conformance.exact.families.matrices import SHAPES, matmul
from conformance.exact.formats import INTEGERS, Number, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer, single
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)


def _per_row(v: Tensor | None, x: Tensor) -> Tensor:
    """A zero point or scale of the left input against it: a vector has one number for each row."""
    if v is None:
        return Tensor(x.type, (), (0,))
    return reshaped(v, (*v.shape, 1)) if len(v.shape) == 1 and len(x.shape) == 2 else v


def _centred(x: Tensor, zero_point: Tensor) -> Tensor:
    return combine(lambda v, z: v - z, x, zero_point)


def _integer_case(a: Tensor, b: Tensor, za: Tensor | None = None, zb: Tensor | None = None) -> Case:
    """(A - a_zero_point) * (B - b_zero_point) in int32."""
    y = matmul(_centred(a, _per_row(za, a)), _centred(b, zb or Tensor(b.type, (), (0,))), "int32")
    return Case([a, b, za, zb], [y])


def _corners(type: str) -> tuple[int, int]:
    form = INTEGERS[type]
    return form.lowest, form.largest


def _grid(type: str, shape: Sequence[int]) -> Tensor:
    """The extremes and small numbers in turn."""
    low, top = _corners(type)
    return Tensor(type, tuple(shape), tuple((low, 3, top, 1, low + 1, top - 1, 7)[i % 7] for i in range(math.prod(shape))))


@oracle("MatMulInteger", 10, usual={"T1": "uint8", "T2": "int8"})
def mat_mul_integer(types: Types, since: int) -> list[Case]:
    """Zero points: none, scalars, one for each row of A and each column of B, stacks of these."""
    left, right = types["T1"], types["T2"]
    (low_a, top_a), (low_b, top_b) = _corners(left), _corners(right)
    a, b = _grid(left, (2, 3)), _grid(right, (3, 2))
    row, column = Tensor(left, (2,), (top_a, 1)), Tensor(right, (2,), (low_b, top_b))
    scalar_a, scalar_b = Tensor(left, (), (low_a + 12,)), Tensor(right, (), (top_b,))
    found = [_integer_case(a, b, za, zb) for za, zb in ((None, None), (scalar_a, None), (None, scalar_b), (scalar_a, scalar_b))]
    found += [_integer_case(a, b, za, zb) for za, zb in ((row, None), (None, column), (row, column), (row, scalar_b), (scalar_a, column))]
    stacked_a, stacked_b = _grid(left, (2, 2, 2)), _grid(right, (2, 2, 2))
    rows, columns = Tensor(left, (2, 2, 1), (1, top_a, low_a, 5)), Tensor(right, (2, 1, 2), (2, low_b, top_b, 3))
    found += [
        _integer_case(stacked_a, stacked_b, za, zb) for za, zb in ((rows, None), (None, columns), (rows, columns), (scalar_a, scalar_b))
    ]
    return found + [_integer_case(_grid(left, x), _grid(right, y)) for x, y in SHAPES]


def _quantized(x: Number, scale: Number, zero_point: Number, type: str) -> Number:
    """saturate(round(x / scale) + zero_point): rounding is to the nearest, ties to even, and before the zero point."""
    if not is_integer(type):
        return round_to(Fraction(x) / Fraction(scale), type, saturate=True)
    low, top = _corners(type)
    return min(max(round(Fraction(x) / Fraction(scale)) + zero_point, low), top)


Parameters = tuple[Tensor, Tensor]
"""Scale and zero point."""


def _linear_case(a: Tensor, of_a: Parameters, b: Tensor, of_b: Parameters, of_y: Parameters) -> Case:
    """The product of the numbers that a and b stand for, quantized."""
    left = combine(lambda v, s: v * Fraction(s), _centred(a, _per_row(of_a[1], a)), _per_row(of_a[0], a))
    right = combine(lambda v, s: v * Fraction(s), _centred(b, of_b[1]), of_b[0])
    exact = matmul(left, right)
    (scale,), (zero_point,) = of_y[0].values, of_y[1].values
    y = exact.map(lambda v: _quantized(v, scale, zero_point, of_y[1].type), of_y[1].type)
    return Case([a, *of_a, b, *of_b, *of_y], [y])


def _scalars(scale_type: str, scale: Number, type: str, zero_point: Number) -> Parameters:
    return Tensor(scale_type, (), (scale,)), Tensor(type, (), (zero_point,))


def _integers(left: str, right: str, result: str, scale: str) -> list[Case]:
    """Ties before an odd zero point, saturation on both sides, scales beyond 32 bits, scales for each row and column."""
    a, b = matrix(left, [[1, 3, 4], [5, 7, 2]]), matrix(right, [[1, 0], [0, 1], [3, 2]])
    low, top = _corners(result)
    plain_a, plain_b = _scalars(scale, 1, left, 0), _scalars(scale, 1, right, 0)
    found = [_linear_case(a, plain_a, b, plain_b, _scalars(scale, s, result, z)) for s in (1, 2, 4, Fraction(1, 64)) for z in (1, top - 2)]
    far_a, far_b = _scalars(scale, 2**14, left, 6), _scalars(scale, 2**14, right, 2)
    found += [_linear_case(a, far_a, b, far_b, _scalars(scale, Fraction(1, 2**10), result, z)) for z in (low, 0, 3)]
    row = Tensor(scale, (2,), (HALF, 4)), Tensor(left, (2,), (1, 8))
    column = Tensor(scale, (2,), (2, Fraction(1, 4))), Tensor(right, (2,), (1, 3))
    for of_a, of_b in ((row, plain_b), (plain_a, column), (row, column)):
        found.append(_linear_case(a, of_a, b, of_b, _scalars(scale, HALF, result, 5)))
    stack = small(left, (2, 2, 2)), small(right, (2, 2, 2), 2)
    rows = Tensor(scale, (2, 2, 1), (1, 2, HALF, 3)), Tensor(left, (2, 2, 1), (1, 2, 3, 4))
    columns = Tensor(scale, (2, 1, 2), (HALF, 1, 2, 3)), Tensor(right, (2, 1, 2), (5, 6, 7, 8))
    found.append(_linear_case(stack[0], rows, stack[1], columns, _scalars(scale, HALF, result, 9)))
    return [*found, _linear_case(_grid(left, (3,)), plain_a, _grid(right, (3, 2)), plain_b, _scalars(scale, 100, result, 0))]


def _decimal_scales(left: str, right: str, result: str) -> list[Case]:
    """Scales that are float32 numbers next to decimal fractions; 0.2 is exactly twice 0.1, so that 3 * 0.1 / 0.2 is half-way."""
    a, b = matrix(left, [[3, 1], [5, 0], [9, 4]]), matrix(right, [[1, 7], [0, 2]])
    scales = [("0.1", "1", "0.2"), ("0.1", "0.3", "0.07"), ("0.00784", "0.0047", "0.0107")]
    return [
        _linear_case(
            a, _scalars("float", single(s), left, 0), b, _scalars("float", single(t), right, 1), _scalars("float", single(u), result, 3)
        )
        for s, t, u in scales
    ]


def _floats(type: str, scale: str) -> list[Case]:
    """float8: half-way results (9, 11, 17, 19), the largest number instead of an overflow; results are whole, zero points 0."""
    a = matrix(type, [[8, 1, 0], [8, 3, 0], [16, 1, 0], [16, 3, -1], [-8, 0, -2], [-16, -1, 0]])
    b = matrix(type, [[1, 2], [1, -1], [0, 4]])
    plain = _scalars(scale, 1, type, 0)
    found = [_linear_case(a, plain, b, plain, _scalars(scale, s, type, 0)) for s in (1, Fraction(1, 64), Fraction(1, 2**12))]
    row = Tensor(scale, (6,), (1, 2, 4, 8, 16, 1)), Tensor(type, (6,), (0,) * 6)
    column = Tensor(scale, (2,), (2, 8)), Tensor(type, (2,), (0, 0))
    return [*found, _linear_case(a, row, b, column, _scalars(scale, 1, type, 0))]


@oracle("QLinearMatMul", 10, 21, usual={"T1": "uint8", "T2": "int8", "T3": "uint8", "TS": "float"})
def q_linear_mat_mul(types: Types, since: int) -> list[Case]:
    """saturate(round(a * b / y_scale) + y_zero_point), a and b the numbers that the inputs stand for; all three float8 when one is."""
    scale = types.of.get("TS", "float")
    if not is_integer(types.type) and types.tested != "TS":
        return _floats(types.type, scale)
    chosen = types["T1"], types["T2"], types["T3"]
    return _integers(*chosen, scale) + (_decimal_scales(*chosen) if scale == "float" else [])
