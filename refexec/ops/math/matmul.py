"""MatMul, Gemm, and the primitive they are written in."""

import numpy as np

from refexec.comparison import accumulation
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, broadcast_shape, is_integer, truncated, unidirectional
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op


@primitive
def matmul(A: Array, B: Array, *, transpose_A: bool = False, transpose_B: bool = False) -> Array:
    """The matrix product over the last two dimensions, broadcast over the others; vectors as in ``numpy.matmul``."""
    A, B = A.swapaxes(-1, -2) if transpose_A else A, B.swapaxes(-1, -2) if transpose_B else B
    claim(product_shape(A.shape, B.shape), A.dtype)
    return np.matmul(A, B)


def product_shape(A: tuple[int, ...], B: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a matrix product of shapes ``A`` and ``B``."""
    require(len(A) >= 1 and len(B) >= 1, "operands of a matrix product have rank 1 or more", A=A, B=B)
    require(A[-1] == (B[-2] if len(B) > 1 else B[0]), "the last dimension of A is the one before last of B", A=A, B=B)
    return (*broadcast_shape(A[:-2], B[:-2]), *A[-2:-1], *(B[-1:] if len(B) > 1 else ()))


def inner_dimension(A, B, *rest, **attributes):
    """How many products one output element sums."""
    return A.shape[-1] if not attributes.get("transA") else A.shape[0]


@op("MatMul", since=1, also=(9, 13), arithmetic="rounded", compare=accumulation(inner_dimension))
def matmul_1(A, B, /):
    """Y = A @ B with the rules of numpy.matmul. Integers wrap."""
    return matmul(A, B)


@lowers(matmul_1)
def lower_matmul(attributes, shapes):
    product_shape(*shapes)
    return Lowered(matmul, (0, 1))


@op("Gemm", since=11, also=(13,), arithmetic="rounded", compare=accumulation(inner_dimension, extra=4, magnitudes=("alpha", "beta")))
def gemm_11(A, B, C=None, /, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    """Y = alpha * A' @ B' + beta * C, where ' transposes if so asked; C broadcasts to the product, one way."""
    require(A.ndim == 2 and B.ndim == 2, "A and B are matrices", A=A.shape, B=B.shape)
    product = scaled(matmul(A, B, transpose_A=bool(transA), transpose_B=bool(transB)), alpha)
    if C is None:
        return product
    unidirectional(C, product.shape, name="C")
    return product + scaled(C, beta)


@op("Gemm", since=7, also=(9,), like=gemm_11)
def gemm_7(A, B, C, /, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    """Before version 11: C is required."""
    return gemm_11(A, B, C, alpha=alpha, beta=beta, transA=transA, transB=transB)


@lowers(gemm_11)
@lowers(gemm_7)
def lower_gemm(attributes, shapes):
    """A product with a row of biases is the primitive with an epilogue; anything else runs the body."""
    A, B, *rest = shapes
    require(len(A) == 2 and len(B) == 2, "A and B are matrices", A=A, B=B)
    transposed = {"transpose_A": bool(attributes["transA"]), "transpose_B": bool(attributes["transB"])}
    _, N = product_shape(A[::-1] if transposed["transpose_A"] else A, B[::-1] if transposed["transpose_B"] else B)
    C = rest[0] if rest else None
    if attributes["alpha"] != 1 or attributes["beta"] != 1 or C not in (None, (N,), (1, N)):
        return None
    return Lowered(matmul, (0, 1), transposed, bias=None if C is None else 2, bias_axis=1)


@op("Gemm", since=1, also=(6,), like=gemm_11)
def gemm_1(A, B, C, /, *, alpha=1.0, beta=1.0, broadcast=0, transA=0, transB=0):
    """Before version 7: C has the shape of the product, unless ``broadcast`` lets it be broadcast."""
    Y = gemm_11(A, B, C, alpha=alpha, beta=beta, transA=transA, transB=transB)
    require(broadcast or C.shape == Y.shape, "without broadcast=1, C has the shape of the product", C=C.shape, product=Y.shape)
    return Y


def scaled(x: Array, factor: float) -> Array:
    """factor * x in the type of x. A whole factor of integers is exact and wraps; with any other the product is truncated."""
    if factor == 1.0:
        return x
    if not is_integer(x):
        return x * x.dtype.type(factor)
    if float(factor).is_integer():
        return x * np.uint64(int(factor) % 2**64).astype(x.dtype)
    return truncated(x * np.float64(factor), x.dtype)
