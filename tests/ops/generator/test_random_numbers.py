"""RandomNormal, RandomUniform, their -Like forms, Bernoulli, Multinomial: shape, type, support, moments, repeatability."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import InvalidModel, LimitExceeded, RuleViolation
from tests.models import session

N = 40_000


@pytest.mark.parametrize("opset", [1, 22])
def test_normal_numbers_have_the_mean_and_the_standard_deviation(opset: int) -> None:
    y = run_op("RandomNormal", opset=opset, shape=[200, 200], mean=3.0, scale=2.0)
    assert y.dtype == np.float32 and y.shape == (200, 200)
    assert abs(y.mean() - 3) < 6 * 2 / math.sqrt(N) and abs(y.std() - 2) < 6 * 2 / math.sqrt(2 * N)


@pytest.mark.parametrize("opset", [1, 22])
def test_uniform_numbers_fill_the_interval(opset: int) -> None:
    y = run_op("RandomUniform", opset=opset, shape=[N], low=-1.0, high=3.0).astype(np.float64)
    assert y.min() >= -1 and y.max() <= 3 and y.min() < -0.99 and y.max() > 2.99
    assert abs(y.mean() - 1) < 6 * 4 / math.sqrt(12 * N)


@pytest.mark.parametrize(("number", "dtype"), [(1, np.float32), (10, np.float16), (11, np.float64), (16, ml_dtypes.bfloat16)])
@pytest.mark.parametrize("name", ["RandomNormal", "RandomUniform"])
def test_dtype_names_the_type(name: str, number: int, dtype: Any) -> None:
    assert run_op(name, shape=[3], dtype=number).dtype == dtype


@pytest.mark.parametrize("name", ["RandomNormalLike", "RandomUniformLike"])
def test_like_forms_take_shape_and_type_of_the_input(name: str) -> None:
    y = run_op(name, np.zeros((2, 3), np.float16))
    assert y.dtype == np.float16 and y.shape == (2, 3) and len(np.unique(y)) > 1
    assert run_op(name, np.array(["a"], object), dtype=11).dtype == np.float64
    assert run_op(name, np.zeros((), np.int32), dtype=1).shape == ()


def test_a_like_form_without_dtype_needs_a_floating_point_input() -> None:
    with pytest.raises(InvalidModel, match="cannot have this type"):
        run_op("RandomNormalLike", np.zeros(2, np.int64))


def test_the_session_seed_the_node_seed_and_the_node_decide_alone() -> None:
    def draw(session_seed: int, node_seed: float) -> list[Any]:
        node = f"RandomNormal <shape = [4], seed = {node_seed}> ()"
        values = session(f"() => (float[4] y, float[4] z) {{ y = {node} z = {node} }}", seed=session_seed).run(None, {})
        return [v.tolist() for v in values]

    assert draw(1, 5.0) == draw(1, 5.0)
    assert len({tuple(v) for seeds in ((1, 5.0), (2, 5.0), (1, 6.0)) for v in draw(*seeds)}) == 6


def test_every_profile_draws_the_same_numbers() -> None:
    narrow, wide = (run_op("RandomNormal", shape=[100], dtype=16, profile=p) for p in ("reference", "wide"))
    assert wide.astype(np.float64).tolist() == narrow.astype(np.float64).tolist()


def test_no_element_is_a_legal_shape() -> None:
    assert run_op("RandomUniform", shape=[0, 3]).shape == (0, 3)


def test_sizes_are_claimed_before_numbers_are_drawn() -> None:
    with pytest.raises(LimitExceeded):
        run_op("RandomNormal", shape=[1 << 20, 1 << 20], limits=Limits(tensor_bytes=1 << 20))


@pytest.mark.parametrize("opset", [15, 22])
def test_bernoulli_gives_1_with_the_probability_in_the_input(opset: int) -> None:
    p = np.array([0, 1, 0, 1], np.float32)
    assert run_op("Bernoulli", p, opset=opset).tolist() == [0, 1, 0, 1]
    y = run_op("Bernoulli", np.full(N, 0.25, np.float64), opset=opset)
    assert y.dtype == np.float64 and set(y.tolist()) == {0, 1} and abs(y.mean() - 0.25) < 6 * math.sqrt(0.25 * 0.75 / N)


@pytest.mark.parametrize(("number", "dtype"), [(9, np.bool_), (2, np.uint8), (7, np.int64), (10, np.float16), (16, ml_dtypes.bfloat16)])
def test_bernoulli_has_the_type_of_dtype(number: int, dtype: Any) -> None:
    y = run_op("Bernoulli", np.array([0, 1], np.float32), dtype=number)
    assert y.dtype == dtype and y.tolist() == [0, 1]


@pytest.mark.parametrize("p", [-0.5, 1.5, math.nan])
def test_bernoulli_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(RuleViolation, match="probabilities are in"):
        run_op("Bernoulli", np.array([0.5, p], np.float32))


@pytest.mark.parametrize("opset", [7, 22])
def test_multinomial_draws_classes_as_often_as_their_weights_say(opset: int) -> None:
    weights = np.array([[1, 2, 1, 0], [0, 0, 0, 5]], np.float64)
    with np.errstate(divide="ignore"):
        logits = np.log(weights) + 700  # unnormalized: a common addend changes nothing
    y = run_op("Multinomial", logits, opset=opset, sample_size=N)
    assert y.dtype == np.int32 and y.shape == (2, N) and set(y[1].tolist()) == {3}
    shares = np.bincount(y[0], minlength=4) / N
    assert np.all(np.abs(shares - [0.25, 0.5, 0.25, 0]) < 6 * 0.5 / math.sqrt(N)) and shares[3] == 0


def test_multinomial_types_and_empty_results() -> None:
    x = np.zeros((2, 3), np.float16)
    assert run_op("Multinomial", x, dtype=7).dtype == np.int64
    assert run_op("Multinomial", x, sample_size=0).shape == (2, 0)
    assert run_op("Multinomial", np.zeros((0, 3), np.float32), sample_size=4).shape == (0, 4)


@pytest.mark.parametrize("row", [[-math.inf, -math.inf], [math.nan, 0], [math.inf, 0]])
def test_multinomial_needs_a_finite_class_in_every_row(row: list[float]) -> None:
    with pytest.raises(RuleViolation, match="some class of each row"):
        run_op("Multinomial", np.array([[0, 0], row], np.float32))


def test_multinomial_refuses_other_ranks_and_negative_sizes() -> None:
    with pytest.raises(RuleViolation, match="batch_size, class_size"):
        run_op("Multinomial", np.zeros(3, np.float32))
    with pytest.raises(RuleViolation, match="sample_size is not negative"):
        run_op("Multinomial", np.zeros((1, 3), np.float32), sample_size=-1)
