"""CausalConvWithState."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

X = np.array([[[1, 2, 3], [4, 5, 6]]], np.float32)
W = np.array([[[1, 10, 100]], [[1, 0, -1]]], np.float32)
BIAS = np.array([0.5, -0.5], np.float32)
PAST = np.array([[[7, 8], [9, 9]]], np.float32)


def test_each_channel_sees_its_past_and_present() -> None:
    y, state = run_op("CausalConvWithState", X, W)
    assert y.tolist() == [[[100, 210, 321], [-4, -5, -2]]]
    assert state.tolist() == [[[2, 3], [5, 6]]]


def test_the_state_stands_before_the_input_and_the_bias_is_added() -> None:
    y, state = run_op("CausalConvWithState", X, W, BIAS, PAST)
    assert y.tolist() == [[[187.5, 218.5, 321.5], [4.5, 3.5, -2.5]]]
    assert state.tolist() == [[[2, 3], [5, 6]]]


def test_an_input_shorter_than_the_kernel_keeps_part_of_the_old_state() -> None:
    assert run_op("CausalConvWithState", X[:, :, :1], W, None, PAST)[1].tolist() == [[[8, 1], [9, 4]]]
    assert run_op("CausalConvWithState", X[:, :, :1], W)[1].tolist() == [[[0, 1], [0, 4]]]
    y, state = run_op("CausalConvWithState", X[:, :, :0], W, None, PAST)
    assert y.shape == (1, 2, 0) and state.tolist() == PAST.tolist()


def test_a_kernel_of_one_element_has_no_state() -> None:
    y, state = run_op("CausalConvWithState", X, W[:, :, :1])
    assert y.tolist() == X.tolist() and state.shape == (1, 2, 0)


@pytest.mark.parametrize("activation", ["silu", "swish"])
def test_the_activation_follows_the_convolution(activation: str) -> None:
    x = np.array([[[-1, 0, 2]]], np.float32)
    y, _ = run_op("CausalConvWithState", x, np.full((1, 1, 1), 0.5, np.float32), activation=activation)
    assert y.ravel().tolist() == [float(np.float32(v / (1 + math.exp(-v)))) for v in (-0.5, 0, 1)]


def test_a_plain_float32_sum_is_inside_the_declared_bound() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, 50)).astype(np.float32), rng.standard_normal((3, 1, 4)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (0, 0), (3, 0)))
    plain = sum(w[:, 0, j, None] * padded[:, :, j : j + 50] for j in range(4))
    plain = plain / (1 + np.exp(-plain))
    exact = run_op("CausalConvWithState", x, w, activation="silu", profile="wide")
    found = bounds("CausalConvWithState", x, w, opset=27, outputs=2, activation="silu")
    assert plain.dtype == np.float32 and 0.005 < (np.abs(plain - exact[0]) / found[0]).max() < 1
    assert not found[1].any()


@pytest.mark.parametrize(
    ("inputs", "options", "rule"),
    [
        ([X, W], {"activation": "relu"}, "none, silu or swish"),
        ([X[0], W], {}, "input is"),
        ([X, W[:1]], {}, "weight is"),
        ([X, W[:, :, :0]], {}, "at least one element"),
        ([X, W, None, PAST[:, :, :1]], {}, "past_state is"),
        ([X, W, BIAS[:1]], {}, "one value per channel"),
    ],
)
def test_rules(inputs: list[Any], options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("CausalConvWithState", *inputs, **options)
