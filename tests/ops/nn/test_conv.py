"""Conv."""

from __future__ import annotations

import itertools
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds


def by_hand(X: np.ndarray, W: np.ndarray, strides: list[int], dilations: list[int], pads: list[int], group: int) -> np.ndarray:
    """The sum of the specification, element by element, in Python integers."""
    rank = X.ndim - 2
    size = [(X.shape[2 + a] + pads[a] + pads[rank + a] - (W.shape[2 + a] - 1) * dilations[a] - 1) // strides[a] + 1 for a in range(rank)]
    Y = np.zeros((X.shape[0], W.shape[0], *size), object)
    per = W.shape[0] // group
    for n, m, *o in np.ndindex(*Y.shape):
        for c, *k in np.ndindex(*W.shape[1:]):
            at = [o[a] * strides[a] + k[a] * dilations[a] - pads[a] for a in range(rank)]
            if all(0 <= p < d for p, d in zip(at, X.shape[2:], strict=True)):
                Y[(n, m, *o)] += int(X[(n, m // per * W.shape[1] + c, *at)]) * int(W[(m, c, *k)])
    return Y


def whole(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("X", "W", "attributes"),
    [
        (whole(2, 3, 7), whole(4, 3, 3), {}),
        (whole(1, 2, 6, 5), whole(3, 2, 3, 2), {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
        (whole(1, 4, 6, 5), whole(6, 2, 2, 2), {"group": 2, "dilations": [2, 3]}),
        (whole(2, 3, 5, 5), whole(3, 1, 3, 3), {"group": 3, "pads": [1, 1, 1, 1]}),
        (whole(1, 1, 4, 3, 3), whole(2, 1, 2, 2, 1), {"strides": [1, 2, 1]}),
    ],
    ids=["1-D", "strides and pads", "groups and dilations", "depthwise", "3-D"],
)
@pytest.mark.parametrize("opset", [1, 11, 22])
def test_conv_is_the_sum_of_the_specification(X: Any, W: Any, attributes: Any, opset: int) -> None:
    rank = X.ndim - 2
    full: dict[str, Any] = {"strides": [1] * rank, "dilations": [1] * rank, "pads": [0] * 2 * rank, "group": 1} | attributes
    assert run_op("Conv", X, W, opset=opset, **attributes).tolist() == by_hand(X, W, **full).tolist()


def test_the_bias_is_added_per_filter() -> None:
    x, w = np.ones((1, 1, 2), np.float32), np.ones((2, 1, 1), np.float32)
    assert run_op("Conv", x, w, np.array([10, 20], np.float32)).tolist() == [[[11, 11], [21, 21]]]


def test_the_sum_is_rounded_once() -> None:
    # 2048 + 1 is no float16, 2048 + 1 + 1 is
    x = np.array([[[2048, 1, 1]]], np.float16)
    assert run_op("Conv", x, np.ones((1, 1, 3), np.float16), opset=11).tolist() == [[[2050]]]
    y = run_op("Conv", x.astype(ml_dtypes.bfloat16), np.ones((1, 1, 3), ml_dtypes.bfloat16), opset=22)
    assert (y.dtype, y.astype(np.float32).tolist()) == (ml_dtypes.bfloat16, [[[2048]]])  # 2050 lies between 2048 and 2064


def test_an_empty_batch_and_no_channels() -> None:
    w = np.ones((2, 1, 1), np.float32)
    assert run_op("Conv", np.zeros((0, 1, 3), np.float32), w).shape == (0, 2, 3)
    assert run_op("Conv", np.zeros((1, 0, 3), np.float32), np.zeros((2, 0, 1), np.float32)).tolist() == [[[0, 0, 0], [0, 0, 0]]]


X, W, B = np.zeros((1, 2, 5), np.float32), np.zeros((4, 2, 3), np.float32), np.zeros(4, np.float32)
BROKEN: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("X is (N, C, D1, ...)", (X[0], W[0]), {}),
    ("W has the rank of X", (X, W[0]), {}),
    ("the number of filters is a multiple of group", (X, W), {"group": 3}),
    ("X.shape[1] == W.shape[1] * group", (X, W), {"group": 2}),
    ("kernel_shape is the shape of W", (X, W), {"kernel_shape": [2]}),
    ("B has one value per filter", (X, W, B[:3]), {}),
    ("the kernel fits into the padded input", (X[..., :2], W), {}),
]


@pytest.mark.parametrize(("rule", "inputs", "attributes"), BROKEN, ids=[b[0] for b in BROKEN])
def test_broken_rule(rule: str, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as caught:
        run_op("Conv", *inputs, **attributes)
    assert caught.value.message == rule


def test_the_bound_holds_for_float32_sums_in_any_order_and_not_for_a_wrong_one() -> None:
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((1, 8, 5)).astype(np.float32), rng.standard_normal((1, 8, 5)).astype(np.float32)
    (bound,) = bounds("Conv", x, w, opset=22)
    exact = float(np.sum(x.astype(np.float64) * w.astype(np.float64)))
    products = (x * w).ravel()
    for order in itertools.islice(itertools.permutations(range(40)), 3):
        total = np.float32(0)
        for i in order:
            total += products[i]
        assert abs(float(total) - exact) <= bound.item()
    assert bound.item() < 1e-4 * np.abs(products).sum()
