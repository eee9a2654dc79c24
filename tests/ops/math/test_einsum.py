"""Einsum."""

from __future__ import annotations

import itertools
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.declared import bounds

A = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
B = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
S = np.arange(9, dtype=np.float32).reshape(3, 3)


def einsum(equation: str, *operands: Any, **options: Any) -> Any:
    return run_op("Einsum", *operands, equation=equation, **options)


def by_loops(terms: list[str], output: str, *operands: np.ndarray) -> np.ndarray:
    """The definition: one loop per label, dimensions all equal."""
    labels = sorted(set("".join(terms)))
    sizes = {label: x.shape[i] for term, x in zip(terms, operands, strict=True) for i, label in enumerate(term)}
    y = np.zeros([sizes[label] for label in output])
    for values in itertools.product(*(range(sizes[label]) for label in labels)):
        at = dict(zip(labels, values, strict=True))
        product = 1.0
        for term, x in zip(terms, operands, strict=True):
            product *= float(x[tuple(at[label] for label in term)])
        y[tuple(at[label] for label in output)] += product
    return y


@pytest.mark.parametrize("opset", [12, 28])
def test_a_label_that_the_output_lacks_is_summed(opset: int) -> None:
    assert einsum("ij,jk->ik", A, B, opset=opset).tolist() == [[22, 28], [49, 64]]
    assert einsum("ij->j", A, opset=opset).tolist() == [5, 7, 9]
    assert einsum("ij->", A, opset=opset).tolist() == 21


def test_the_output_permutes_dimensions() -> None:
    assert einsum("ij->ji", A).tolist() == A.T.tolist()
    assert einsum("i,j->ji", A[0], A[1]).tolist() == [[4, 8, 12], [5, 10, 15], [6, 12, 18]]


def test_without_an_arrow_the_labels_that_occur_once_are_the_output_upper_case_first() -> None:
    assert einsum("ij,jk", A, B).tolist() == [[22, 28], [49, 64]]
    assert einsum("ba", A).tolist() == A.T.tolist()
    assert einsum("bA", A).tolist() == A.T.tolist()
    assert einsum("ii", S).tolist() == 12
    assert einsum("ij,ij", A, A).tolist() == 91


def test_upper_and_lower_case_are_distinct() -> None:
    assert einsum("aA->Aa", S).tolist() == S.T.tolist()


def test_a_repeated_label_takes_the_diagonal() -> None:
    assert einsum("ii->i", S).tolist() == [0, 4, 8]
    assert einsum("iii->i", np.arange(8, dtype=np.float32).reshape(2, 2, 2)).tolist() == [0, 7]
    assert einsum("iij->ji", np.arange(12, dtype=np.float32).reshape(2, 2, 3)).tolist() == [[0, 9], [1, 10], [2, 11]]


def test_an_ellipsis_broadcasts_and_comes_first_in_an_implicit_output() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert einsum("...ij->...ji", x).tolist() == x.transpose(0, 2, 1).tolist()
    assert einsum("a...b,...b", x, np.ones((1, 2), np.float32)).tolist() == x.sum(-1).T.tolist()
    assert einsum("...i,...i->...", x, x[:1]).tolist() == (x * x[:1]).sum(-1).tolist()
    assert einsum("...,...", np.float32(2), np.float32(3)).tolist() == 6


def test_an_ellipsis_that_the_output_lacks_is_summed() -> None:
    assert einsum("...a->a", A).tolist() == [5, 7, 9]


def test_a_dimension_1_broadcasts() -> None:
    assert einsum("i,i->i", A[0, :1], A[1]).tolist() == [4, 5, 6]
    assert einsum("ij,ij->", A[:, :1], A).tolist() == 66
    assert einsum("ij->ij", A[:1, :1]).tolist() == [[1]]


def test_spaces_do_not_count() -> None:
    assert einsum(" i j , j k - > i k ", A, B).tolist() == [[22, 28], [49, 64]]


@pytest.mark.parametrize(
    "equation", ["ab,bc,cd->ad", "ab,cd,ac,bd->", "a,b,c->cba", "ab,ab,b->a", "abc,cd,bde->ae", "ab,ba->", "ab,cb,db->acd"]
)
def test_any_number_of_operands_agrees_with_one_loop_per_label(equation: str) -> None:
    left, output = equation.split("->")
    terms = left.split(",")
    random = np.random.default_rng(1)
    operands = [random.integers(-3, 4, (2,) * len(term)).astype(np.float32) for term in terms]
    assert einsum(equation, *operands).tolist() == by_loops(terms, output, *operands).tolist()


def test_a_sum_over_no_element_is_0() -> None:
    assert einsum("ij,jk->ik", np.zeros((2, 0), np.float32), np.zeros((0, 3), np.float32)).tolist() == [[0] * 3] * 2


def test_integers_wrap_and_half_types_are_rounded_once() -> None:
    assert einsum("i,i->", np.array([100, 100], np.uint8), np.array([2, 2], np.uint8)).tolist() == 400 - 256
    assert einsum("i,i", np.array([2**31], np.int64), np.array([2**31], np.int64)).tolist() == 2**62
    y = einsum("i->", np.array([256, 1, 1, 1], ml_dtypes.bfloat16), opset=28)
    assert y.dtype == ml_dtypes.bfloat16 and y == 260


def test_operands_are_contracted_without_a_product_of_all_labels() -> None:
    operands = [np.ones((100, 100), np.float32)] * 6
    y = einsum("ab,bc,cd,de,ef,fg->ag", *operands, limits=Limits(tensor_bytes=1 << 20))
    assert y.shape == (100, 100) and (y == 1e10).all()


def test_many_operands_are_contracted_in_little_time() -> None:
    x = np.full((2, 2), 0.5, np.float32)
    letters = [chr(ord("A") + i) for i in range(26)] + [chr(ord("a") + i) for i in range(26)]
    equation = ",".join(a + b for a, b in itertools.pairwise(letters)) + "->Az"
    assert einsum(equation, *[x] * 51).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_a_product_that_is_too_large_is_claimed_before_it_is_taken() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        einsum("a,b->ab", np.ones(40000, np.float32), np.ones(40000, np.float32), limits=Limits(tensor_bytes=1 << 20))


@pytest.mark.parametrize("equation", ["i1->i", "i->j->k", "i..->i", "......->", "i,->i->", "", "ij->i,j"])
def test_what_is_no_equation_is_refused(equation: str) -> None:
    with pytest.raises(RuleViolation):
        einsum(equation, A)


@pytest.mark.parametrize(("equation", "operands", "rule"), [
    ("i_j", [A], "an equation is terms of letters"),
    ("ij,jk->ik", [A], "one term per operand"),
    ("ijk->i", [A], "one label per dimension"),
    ("i->i", [A], "one label per dimension"),
    ("...ijk->i", [A], "one label per dimension"),
    ("...i,...i->...", [A, A[0]], "every ellipsis stands for the same number"),
    ("ij->ik", [A], "every label of the output is one of an operand"),
    ("ij->...i", [A], None),
    ("ij->ii", [A], "a label of the output occurs in it once"),
    ("ij,jk->ik", [A, A], "the dimensions of a label are equal or 1"),
    ("ii->i", [A[:, :1]], "the dimensions of a repeated label are equal"),
])  # fmt: skip
def test_rules_of_the_equation(equation: str, operands: list[Any], rule: str | None) -> None:
    if rule is None:
        assert einsum(equation, *operands).tolist() == [6, 15]  # the ellipsis of the output stands for no dimension
        return
    with pytest.raises(RuleViolation, match=rule):
        einsum(equation, *operands)


def test_the_bound_counts_the_summed_products_and_their_factors() -> None:
    (bound,) = bounds("Einsum", A, -B, opset=12, equation="ij,jk->ik")
    assert bound == pytest.approx((3 + 2 + 2) * 2.0**-24 * (A.astype(np.float64) @ B.astype(np.float64)))
