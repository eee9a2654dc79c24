"""Det."""

from math import prod

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.ops.reduction.over import product
from refexec.registry import op
from refexec.values import max_finite, smallest_subnormal, unit_roundoff


def determinant_bound(call: Call):
    """Elimination gives the determinant of a matrix that differs by a few M * u of its largest row. Hadamard bounds what that
    changes: exchange one row for the difference and take the product of the lengths of the others."""
    (X,), (element,) = call.inputs, call.elements
    size, u = X.shape[-1], unit_roundoff(element.dtype)
    lengths = np.sort(np.sqrt(np.square(X).sum(axis=-1)), axis=-1)
    largest = lengths.max(axis=-1, initial=0)
    others = np.prod(lengths[..., 1:], axis=-1)
    bound = 4 * size**2 * size * u * largest * others + smallest_subnormal(element.dtype)
    return (np.where(largest * others > max_finite(element.dtype), np.inf, bound),)


@op("Det", since=11, also=(22,), arithmetic="rounded", compare=rounded(determinant_bound))
def det_11(X, /):
    """The determinant of each matrix in the last two dimensions: 1 for a matrix without elements, NaN for one with a NaN.

    Gaussian elimination: adding a multiple of a row to another changes nothing, exchanging two rows the sign; the determinant is
    then the product of the diagonal.
    """
    require(X.ndim >= 2 and X.shape[-1] == X.shape[-2], "the last two dimensions are those of square matrices", X=X.shape)
    U = X.reshape(prod(X.shape[:-2]), *X.shape[-2:]).copy()
    each = np.arange(len(U))
    for k in range(X.shape[-1]):
        row = k + np.abs(U[:, k:, k]).argmax(axis=1)  # the largest element below is the pivot; a NaN comes first
        U[each, k], U[each, row] = U[each, row], np.where((row == k)[:, None], 1, -1) * U[each, k]
        pivot = U[:, k, k, None]
        factor = np.divide(U[:, k + 1 :, k], pivot, out=np.zeros_like(U[:, k + 1 :, k]), where=pivot != 0)
        U[:, k + 1 :] -= factor[:, :, None] * U[:, None, k]
    mantissas, exponents = np.frexp(np.diagonal(U, axis1=1, axis2=2))
    return np.ldexp(product(mantissas, 1), exponents.sum(axis=1)).reshape(X.shape[:-2])
