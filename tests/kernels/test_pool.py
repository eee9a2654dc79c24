"""Pools in kernels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.ops.nn.pooling import pool_window, pool_windows
from refexec.primitives import Epilogue
from tests.kernels.compared import check, computed
from tests.models import session

RNG = np.random.default_rng(0)
TYPES = (np.float32, np.float64, np.float16, ml_dtypes.bfloat16)


def static(shape: Any, reduce: str, kernel: Any, include_pad: bool = False, **attributes: Any) -> Any:
    return {"window": pool_windows(shape, kernel, **attributes), "reduce": reduce, "include_pad": include_pad}


@st.composite
def pools(draw: st.DrawFn) -> tuple[Any, Any]:
    rank = draw(st.integers(1, 3))
    sizes = [draw(st.sampled_from([0, 1, 2, 3, 7, 8, 9, 17, 35] if axis == rank - 1 else [0, 1, 2, 5])) for axis in range(rank)]
    kernel = [draw(st.integers(1, 5)) for _ in range(rank)]
    dilations = [draw(st.integers(1, 2)) for _ in range(rank)]
    pads = [draw(st.integers(0, 4)) for _ in range(2 * rank)]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    for axis in range(rank):
        pads[axis] += max(0, extent[axis] - sizes[axis] - pads[axis] - pads[axis + rank])
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 3)), *sizes)
    given: dict[str, Any] = {"dilations": dilations, "pads": pads, "strides": [draw(st.integers(1, 4)) for _ in range(rank)]}
    given |= {"ceil_mode": draw(st.integers(0, 1)), "tail_windows": draw(st.booleans())}
    reduce = draw(st.sampled_from(["max", "sum", "mean"]))
    x = np.random.default_rng(draw(st.integers(0, 9))).standard_normal(shape)
    if x.size and draw(st.booleans()):
        x.flat[draw(st.integers(0, x.size - 1))] = draw(st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 1e-310]))
    return x.astype(draw(st.sampled_from(TYPES))), static(shape, reduce, kernel, draw(st.booleans()), **given)


@settings(max_examples=150, deadline=None)
@given(pools())
def test_a_pool_is_what_its_definition_says(case: tuple[Any, Any]) -> None:
    x, how = case
    y = check(pool_window, [x], how)
    if how["reduce"] == "max":
        expected = pool_window.definition(x, **how)
        assert np.array_equal(y.astype(np.float64), expected.astype(np.float64), equal_nan=True)


@pytest.mark.parametrize("width", [5, 8, 21])
def test_a_sum_adds_the_rows_of_a_window_before_its_columns(width: int) -> None:
    x = (RNG.standard_normal((1, 1, 4, width)) * 2.0 ** RNG.integers(-9, 9, (4, width))).astype(np.float32)
    y = computed(pool_window, [x], static(x.shape, "sum", (3, 4)))
    for i, j in np.ndindex(*y.shape[2:]):
        columns = [np.float32(np.float32(x[0, 0, i, c] + x[0, 0, i + 1, c]) + x[0, 0, i + 2, c]) for c in range(j, j + 4)]
        total = columns[0]
        for column in columns[1:]:
            total = np.float32(total + column)
        assert y[0, 0, i, j] == total
        exact = sum(Fraction(float(v)) for v in x[0, 0, i : i + 3, j : j + 4].reshape(-1))
        assert abs(Fraction(float(y[0, 0, i, j])) - exact) <= 12 * Fraction(2) ** -24 * sum(abs(Fraction(float(v))) for v in x.flat)


def test_nan_is_the_maximum_wherever_it_stands_in_the_window() -> None:
    for at in range(9):
        x = np.zeros((1, 1, 3, 3), np.float32)
        x.flat[at] = np.nan
        assert np.isnan(computed(pool_window, [x], static(x.shape, "max", (3, 3))))


def test_a_window_in_the_padding_alone_has_no_maximum_and_no_mean() -> None:
    x = np.ones((1, 1, 1, 1), np.float32)
    pads: Any = {"pads": (2, 2, 2, 2)}
    assert computed(pool_window, [x], static(x.shape, "max", (1, 1), **pads))[0, 0, 0].tolist() == [-np.inf] * 5
    mean = computed(pool_window, [x], static(x.shape, "mean", (1, 1), **pads))[0, 0]
    assert np.isnan(mean).sum() == 24
    assert mean[2, 2] == 1


def test_an_image_has_the_same_bits_alone_and_in_a_batch() -> None:
    x = RNG.standard_normal((3, 5, 9, 11)).astype(np.float32)
    how: Any = {"kernel": (3, 3), "pads": (1, 1, 1, 1)}
    batch = computed(pool_window, [x], static(x.shape, "mean", **how))
    alone = computed(pool_window, [x[1:2, 2:3]], static((1, 1, 9, 11), "mean", **how))
    assert alone.tobytes() == batch[1:2, 2:3].tobytes()


def test_what_follows_a_pool_is_done() -> None:
    x = np.array([[[-3, -1, 2]]], np.float32)
    assert computed(pool_window, [x], static(x.shape, "max", (2,)), epilogue=Epilogue(lo=0.0, hi=1.5)).tolist() == [[[0, 1.5]]]


@pytest.mark.parametrize(
    "node", ["MaxPool <kernel_shape = [3, 2], pads = [1, 0, 1, 1], ceil_mode = 1, strides = [2, 2]>", "AveragePool <kernel_shape = [2, 2]>"]
)
@pytest.mark.parametrize("opset", [11, 12, 19, 22])
def test_nodes_run_in_the_kernel_and_give_what_the_reference_gives(node: str, opset: int) -> None:
    x = RNG.standard_normal((2, 3, 7, 10)).astype(np.float32)
    body = f"(float[N, C, H, W] x) => (float[A, B, D, E] y) {{ y = {node} (x) }}"
    verified = session(body, opset=f'"" : {opset}', profile="deterministic", verify_kernels=True)
    (y,), (expected,) = verified.run(None, {"x": x}), session(body, opset=f'"" : {opset}').run(None, {"x": x})
    assert np.allclose(y, expected, rtol=0, atol=4 * 2.0**-24 * np.abs(x).max())
    if node.startswith("Max"):
        assert y.tobytes() == expected.tobytes()


def test_indices_of_a_maximum_run_beside_the_kernel() -> None:
    body = "(float[N, C, W] x) => (float[N, C, V] y, int64[N, C, V] i) { y, i = MaxPool <kernel_shape = [2]> (x) }"
    y, i = session(body, opset='"" : 22', profile="deterministic").run(None, {"x": np.array([[[1, 3, 2]]], np.float32)})
    assert (y.tolist(), i.tolist()) == ([[[3, 3]]], [[[1, 1]]])
