"""Weighted sums of elements that tables name, in the kernel."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.ops.tensor.grid import sampled
from tests.kernels.compared import check, computed
from tests.models import session
from tests.test_primitives import fused

RNG = np.random.default_rng(0)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_samples_are_those_of_the_definition(data: st.DataObject) -> None:
    n, c, taps = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 3)), data.draw(st.integers(1, 5))
    pixels, count = data.draw(st.integers(1, 20)), data.draw(st.sampled_from([0, 1, 3, 8, 9, 17]))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x = rng.standard_normal((n, c, pixels)).astype(data.draw(st.sampled_from([np.float32, np.float64, np.float16, ml_dtypes.bfloat16])))
    if x.size:
        x.flat[data.draw(st.integers(0, x.size - 1))] = data.draw(st.sampled_from([1, np.nan, np.inf, -0.0]))
    check(sampled, [x, rng.integers(-1, pixels, (n, taps, count)), rng.standard_normal((n, taps, count))], {})


def test_fused_products_are_added_in_the_order_of_the_taps() -> None:
    x = RNG.standard_normal((1, 2, 30)).astype(np.float32)
    index, weight = RNG.integers(-1, 30, (1, 4, 11)), RNG.standard_normal((1, 4, 11))
    y = computed(sampled, [x, index, weight], {})
    for c, p in np.ndindex(2, 11):
        total = 0.0
        for t in range(4):
            if index[0, t, p] >= 0:
                total = fused(float(np.float32(weight[0, t, p])), float(x[0, c, index[0, t, p]]), total)
        assert y[0, c, p] == total


def test_what_lies_outside_does_not_count_even_where_an_element_is_nan() -> None:
    y = computed(sampled, [np.array([[[np.nan, 2.0]]], np.float32), np.array([[[-1], [1]]]), np.array([[[1.0], [0.5]]])], {})
    assert y.tolist() == [[[1]]]


@pytest.mark.parametrize(("mode", "opset"), [("linear", 20), ("cubic", 22), ("bilinear", 16), ("bicubic", 16), ("nearest", 20)])
def test_grids_are_sampled_in_the_kernel_as_in_the_reference(mode: str, opset: int) -> None:
    body = f'(float[N, C, H, W] x, float[N, A, B, 2] g) => (float[N, C, A, B] y) {{ y = GridSample <mode = "{mode}"> (x, g) }}'
    feeds: dict[str, Any] = {
        "x": RNG.standard_normal((2, 3, 5, 6)).astype(np.float32),
        "g": RNG.uniform(-1.2, 1.2, (2, 4, 7, 2)).astype(np.float32),
    }
    verified = session(body, opset=f'"" : {opset}', profile="deterministic", verify_kernels=True)
    (y,), (expected,) = verified.run(None, feeds), session(body, opset=f'"" : {opset}').run(None, feeds)
    assert y.shape == (2, 3, 4, 7)
    assert np.allclose(y, expected, rtol=0, atol=2e-6)
