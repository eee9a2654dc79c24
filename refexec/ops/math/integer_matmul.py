"""MatMulInteger, QLinearMatMul: matrix products of quantized matrices."""

import numpy as np

from refexec.comparison import Call, discrete, exact, is_float
from refexec.ops.common import Array, scalar, unidirectional
from refexec.ops.math.matmul import matmul, product_shape
from refexec.ops.quantization.linear import distance_to_tie, settled_level
from refexec.registry import op
from refexec.types import element_type
from refexec.values import unit_roundoff


def per_row(parameter: Array | None, A: Array, name: str) -> Array:
    """A parameter of the matrices A, one value in all or one per row, in a form that broadcasts over A; 0 when absent."""
    if parameter is None:
        return np.zeros((), A.dtype)
    if parameter.ndim == 1:
        parameter = parameter.reshape(-1, 1)
    unidirectional(parameter, (*A.shape[:-1], 1), name=name)
    return parameter


def per_column(parameter: Array | None, B: Array, name: str) -> Array:
    """A parameter of the matrices B, one value in all or one per column, in a form that broadcasts over B; 0 when absent."""
    if parameter is None:
        return np.zeros((), B.dtype)
    unidirectional(parameter, (*B.shape[:-2], 1, B.shape[-1]), name=name)
    return parameter


def row_matrix(a: Array) -> Array:
    """A vector on the left is a row."""
    return a.reshape(1, -1) if a.ndim == 1 else a


def column_matrix(b: Array) -> Array:
    """A vector on the right is a column."""
    return b.reshape(-1, 1) if b.ndim == 1 else b


def centred_product(A: Array, B: Array, a_zero_point: Array | None, b_zero_point: Array | None) -> Array:
    """(A - a_zero_point) @ (B - b_zero_point) for matrices, in float64, which holds products and sums of 8-bit integers exactly."""
    a_zero, b_zero = per_row(a_zero_point, A, "a_zero_point"), per_column(b_zero_point, B, "b_zero_point")
    wide = np.float64
    return matmul(A.astype(wide) - a_zero.astype(wide), B.astype(wide) - b_zero.astype(wide))


@op("MatMulInteger", since=10, arithmetic="exact", compare=exact)
def mat_mul_integer_10(A, B, a_zero_point=None, b_zero_point=None, /):
    """Y = (A - a_zero_point) @ (B - b_zero_point) in int32; a sum that does not fit wraps.

    Zero points are one value, one per row of A, one per column of B.
    """
    shape = product_shape(A.shape, B.shape)
    Y = centred_product(row_matrix(A), column_matrix(B), a_zero_point, b_zero_point)
    return Y.astype(np.int64).astype(np.int32).reshape(shape)


def multiplied(a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale) -> Array:
    """The product as real numbers, divided by the scale of the output."""
    A, B = row_matrix(a), column_matrix(b)
    a_factor = per_row(a_scale, A, "a_scale").astype(np.float64)
    b_factor = per_column(b_scale, B, "b_scale").astype(np.float64)
    return centred_product(A, B, a_zero_point, b_zero_point) * (a_factor * b_factor) / float(scalar(y_scale, "y_scale"))


def tie(call: Call):
    """How far x / y_scale is from the tie between two levels. The type of the arithmetic is not specified: four roundings in
    float32 are taken off. None for float types."""
    if is_float(call.elements[0]):
        return None
    ratio = multiplied(*call.inputs[:7])
    margin = distance_to_tie(ratio) - 4 * unit_roundoff(np.float32) * np.abs(ratio)
    return np.maximum(margin, 0).reshape(call.outputs[0].shape)


@op("QLinearMatMul", since=10, also=(21,), arithmetic="stated", compare=discrete(tie))
def qlinear_mat_mul_10(a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point, /):
    """y = saturate(round(x / y_scale) + y_zero_point), halves to even, where
    x = a_scale * (a - a_zero_point) @ (b_scale * (b - b_zero_point)).

    The specification names no type for the arithmetic: x / y_scale is taken as a real number (in float64, with the product of
    the integers exact). Scales and zero points of a are one value or one per row, those of b one value or one per column.
    """
    shape = product_shape(a.shape, b.shape)
    ratio = multiplied(a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale)
    zero = y_zero_point.reshape(()) if y_zero_point.size == 1 else y_zero_point
    return settled_level(ratio, zero, element_type(y_zero_point.dtype)).reshape(shape)
