"""Det."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds


def exact_determinant(rows: list[list[float]]) -> Fraction:
    total = Fraction(0)
    for order in permutations(range(len(rows))):
        sign = -1 if sum(a > b for i, a in enumerate(order) for b in order[i + 1 :]) % 2 else 1
        product = Fraction(sign)
        for row, column in enumerate(order):
            product *= Fraction(rows[row][column])
        total += product
    return total


@pytest.mark.parametrize("opset", [11, 22])
def test_the_determinant_of_one_matrix_is_a_scalar_and_of_a_batch_a_tensor(opset: int) -> None:
    x = np.array([[1, 2], [3, 4]], np.float32)
    assert run_op("Det", x, opset=opset) == pytest.approx(-2, rel=1e-6)
    y = run_op("Det", np.stack([x, 2 * x]).reshape(1, 2, 2, 2), opset=opset)
    assert y.shape == (1, 2) and y.ravel() == pytest.approx([-2, -8], rel=1e-6)


def test_a_matrix_without_elements_has_the_determinant_1() -> None:
    assert run_op("Det", np.zeros((2, 0, 0), np.float32)).tolist() == [1, 1]


def test_a_singular_matrix_has_the_determinant_0() -> None:
    assert run_op("Det", np.ones((3, 3), np.float32)) == 0


def test_half_types_are_computed_wide() -> None:
    y = run_op("Det", np.array([[3, 1], [1, 3]], ml_dtypes.bfloat16))
    assert y.dtype == ml_dtypes.bfloat16 and y == 8


def test_other_shapes_are_refused() -> None:
    for shape in ((3,), (2, 3)):
        with pytest.raises(RuleViolation, match="square matrices"):
            run_op("Det", np.ones(shape, np.float32))


def test_the_bound_covers_elimination_in_float32() -> None:
    random = np.random.default_rng(3)
    for size in (2, 3, 5):
        x = random.standard_normal((size, size)).astype(np.float32)
        lu = x.copy()
        sign = np.float32(1)
        for k in range(size - 1):
            pivot = k + int(np.abs(lu[k:, k]).argmax())
            if pivot != k:
                lu[[k, pivot]], sign = lu[[pivot, k]], -sign
            lu[k + 1 :] -= np.outer(lu[k + 1 :, k] / lu[k, k], lu[k])
        error = abs(Fraction(float(sign * np.prod(np.diag(lu), dtype=np.float32))) - exact_determinant(x.tolist()))
        assert float(error) <= bounds("Det", x, opset=22)[0]


def test_the_bound_is_infinite_where_products_of_rows_overflow() -> None:
    assert np.isinf(bounds("Det", np.full((2, 2), 1e30, np.float32), opset=22)[0])


def test_a_nan_anywhere_gives_nan() -> None:
    for at in np.ndindex(2, 2):
        x = np.ones((2, 2), np.float32)
        x[at] = np.nan
        assert np.isnan(run_op("Det", x, opset=11))


def test_half_of_the_smallest_number_is_rounded_to_even() -> None:
    assert run_op("Det", np.array([[2.0**-149, 0], [0, 0.5]], np.float32), opset=11) == 0


def test_a_product_beyond_the_range_on_the_way() -> None:
    assert run_op("Det", np.diag([1e200, 1e200, 1e-200, 1e-200]), opset=11) == pytest.approx(1)


def test_rows_that_change_places_change_the_sign() -> None:
    x = np.array([[[0, 1], [1, 0]], [[0, 2], [3, 4]], [[1, 2], [2, 4]]], np.float64)
    assert run_op("Det", x, opset=11).tolist() == [-1, -6, 0]
