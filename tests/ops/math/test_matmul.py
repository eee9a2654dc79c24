"""MatMul, Gemm."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

A = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
B = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
AB = [[4, 5], [10, 11]]


@pytest.mark.parametrize("opset", [1, 9, 13])
def test_matrices(opset: int) -> None:
    assert run_op("MatMul", A, B, opset=opset).tolist() == AB


def test_vectors_lose_the_dimension_that_was_added_to_them() -> None:
    v = np.array([1, 2, 3], np.float32)
    assert run_op("MatMul", v, v).tolist() == 14 and run_op("MatMul", v, v).shape == ()
    assert run_op("MatMul", A, v).tolist() == [14, 32]
    assert run_op("MatMul", v, B).tolist() == [4, 5]


def test_the_leading_dimensions_are_broadcast() -> None:
    y = run_op("MatMul", np.stack([A, 2 * A])[:, np.newaxis], np.stack([B, B, -B]))
    assert y.shape == (2, 3, 2, 2) and y[1, 2].tolist() == [[-8, -10], [-20, -22]]


def test_a_sum_of_nothing_is_zero() -> None:
    assert run_op("MatMul", np.zeros((2, 0), np.float32), np.zeros((0, 3), np.float32)).tolist() == [[0, 0, 0]] * 2
    assert run_op("MatMul", np.zeros((0, 2), np.float32), np.zeros((2, 3), np.float32)).shape == (0, 3)


def test_half_types_are_accumulated_wide_and_rounded_once() -> None:
    ones = np.ones((1, 4096), np.float16)
    y = run_op("MatMul", ones, ones.T)
    assert y.dtype == np.float16 and y.tolist() == [[4096]]
    z = run_op("MatMul", np.full((1, 300), 1, ml_dtypes.bfloat16), np.full((300, 1), 1, ml_dtypes.bfloat16))
    assert z.dtype == ml_dtypes.bfloat16 and z.astype(np.float64).tolist() == [[300]]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32, np.uint64])
def test_integers_wrap(dtype: Any) -> None:
    bits = 8 * np.dtype(dtype).itemsize
    x = np.array([[2 ** (bits - 2), 3]], dtype)
    y = run_op("MatMul", x, np.array([[4], [5]], dtype), opset=9)
    assert y.dtype == dtype and y.tolist() == [[15]]


def test_the_inner_dimensions_are_equal() -> None:
    with pytest.raises(RuleViolation, match="the last dimension of A is the one before last of B"):
        run_op("MatMul", A, A)


def test_a_scalar_is_no_operand() -> None:
    with pytest.raises(RuleViolation, match="rank 1 or more"):
        run_op("MatMul", np.float32(1), A)


def test_leading_dimensions_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op("MatMul", np.ones((2, 1, 1), np.float32), np.ones((3, 1, 1), np.float32))


@pytest.mark.parametrize("opset", [7, 9, 11, 13])
@pytest.mark.parametrize(
    "c",
    [np.float32(1), np.array([1], np.float32), np.array([1, 1], np.float32), np.array([[1], [1]], np.float32), np.ones((2, 2), np.float32)],
    ids=lambda c: str(np.shape(c)),
)
def test_gemm_broadcasts_c(c: np.ndarray, opset: int) -> None:
    assert run_op("Gemm", A, B, np.asarray(c), opset=opset).tolist() == [[5, 6], [11, 12]]


@pytest.mark.parametrize("opset", [1, 6, 7, 9, 11, 13])
def test_gemm_scales_and_transposes(opset: int) -> None:
    c = np.array([[1, 2], [3, 4]], np.float32)
    y = run_op("Gemm", A.T.copy(), B.T.copy(), c, opset=opset, alpha=0.5, beta=2.0, transA=1, transB=1)
    assert y.tolist() == [[4, 6.5], [11, 13.5]]


@pytest.mark.parametrize("opset", [11, 13])
def test_gemm_without_c(opset: int) -> None:
    assert run_op("Gemm", A, B, opset=opset).tolist() == AB


@pytest.mark.parametrize("opset", [1, 6])
def test_before_version_7_gemm_broadcasts_c_if_so_asked(opset: int) -> None:
    c = np.array([1, 2], np.float32)
    assert run_op("Gemm", A, B, c, opset=opset, broadcast=1).tolist() == [[5, 7], [11, 13]]
    assert run_op("Gemm", A, B, np.zeros((2, 2), np.float32), opset=opset).tolist() == AB
    with pytest.raises(RuleViolation, match="without broadcast=1"):
        run_op("Gemm", A, B, c, opset=opset)


def test_gemm_of_integers_is_exact_for_whole_factors_and_truncated_for_others() -> None:
    a, b, c = np.array([[2**40 + 1, 1]]), np.array([[3], [0]]), np.array([5])
    assert run_op("Gemm", a, b, c, alpha=-2.0, beta=3.0).tolist() == [[-6 * (2**40 + 1) + 15]]
    assert run_op("Gemm", np.array([[7]]), np.array([[1]]), np.array([-3]), alpha=0.5, beta=0.5).tolist() == [[2]]
    assert run_op("Gemm", np.array([[7]], np.uint32), np.array([[1]], np.uint32), alpha=-1.0).tolist() == [[2**32 - 7]]


@pytest.mark.parametrize("alpha", [-0.5, float("nan"), float("inf")])
def test_gemm_of_integers_needs_a_result_of_their_type(alpha: float) -> None:
    with pytest.raises(RuleViolation, match="has a value of its integer type"):
        run_op("Gemm", np.array([[7]], np.uint32), np.array([[1]], np.uint32), alpha=alpha)


@pytest.mark.parametrize(("a", "b"), [((3,), (3, 2)), ((2, 3), (3,)), ((1, 2, 3), (3, 2))])
def test_gemm_takes_matrices(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    for alpha in (1.0, 2.0):  # as a primitive call, and in the operator's body
        with pytest.raises(RuleViolation, match="A and B are matrices"):
            run_op("Gemm", np.ones(a, np.float32), np.ones(b, np.float32), alpha=alpha)


def test_gemm_takes_matrices_before_version_7_too() -> None:
    with pytest.raises(RuleViolation, match="A and B are matrices"):
        run_op("Gemm", np.ones(3, np.float32), B, np.ones(2, np.float32), opset=6, broadcast=1)
    with pytest.raises(RuleViolation, match="A and B are matrices"):
        run_op("Gemm", np.float32(3), B, np.ones(2, np.float32), opset=6)


@pytest.mark.parametrize("c", [(3,), (1, 2, 2), (3, 2)])
def test_c_never_enlarges_the_product(c: tuple[int, ...]) -> None:
    with pytest.raises(RuleViolation, match="unidirectionally broadcastable"):
        run_op("Gemm", A, B, np.ones(c, np.float32))


def test_the_bounds_count_the_products_of_one_element() -> None:
    (bound,) = bounds("MatMul", -A, B, opset=13)
    assert bound == pytest.approx(5 * 2.0**-24 * np.array(AB))
    (bound,) = bounds("Gemm", A.T.copy(), -B, np.array([[-1, 1]], np.float32), opset=13, transA=1, alpha=-1.0)
    assert bound == pytest.approx(7 * 2.0**-24 * (np.array(AB) + 1))
