"""Transposed convolutions in kernels."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.ops.nn.conv_transpose import correlate_transposed, larger_half_first, transposed_windows
from tests.kernels.compared import check, computed
from tests.models import session
from tests.test_primitives import fused

RNG = np.random.default_rng(0)


def static(x: Any, w: Any, group: int = 1, **given: Any) -> Any:
    names = ("dilations", "kernel_shape", "output_padding", "output_shape", "pads", "strides")
    attributes = {name: given.get(name) for name in names} | {"group": group, "auto_pad": given.get("auto_pad", "NOTSET")}
    resolve: Any = transposed_windows
    window, image = resolve(x.shape, w.shape, larger_half_first, **attributes)
    return {"window": window, "image": image, "group": group}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    rank, group = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    channels, filters = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    spatial = [draw(st.sampled_from([1, 2, 3, 7, 8, 9, 17] if axis == rank - 1 else [1, 2, 4])) for axis in range(rank)]
    kernel = [draw(st.integers(1, 4)) for _ in range(rank)]
    dtype = draw(st.sampled_from([np.float32, np.float64, np.float16, ml_dtypes.bfloat16]))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    x = rng.standard_normal((draw(st.integers(1, 2)), group * channels, *spatial)).astype(dtype)
    w = rng.standard_normal((group * channels, filters, *kernel)).astype(dtype)
    strides, dilations = ([draw(st.integers(1, 4)) for _ in range(rank)] for _ in range(2))
    how: dict[str, Any] = {"strides": strides, "dilations": dilations}
    full = [s * (d - 1) + (k - 1) * a + 1 for s, d, k, a in zip(strides, spatial, kernel, dilations, strict=True)]
    kind = draw(st.sampled_from(["pads", "shape", "extra", "same"]))
    if kind == "pads":
        begins = [draw(st.integers(0, size)) for size in full]
        how["pads"] = [*begins, *(draw(st.integers(0, size - b)) for size, b in zip(full, begins, strict=True))]
    elif kind == "shape":
        how["output_shape"] = [draw(st.integers(0, size + 5)) for size in full]
    elif kind == "extra":
        how["output_padding"] = [draw(st.integers(0, 3)) for _ in range(rank)]
    else:
        how["auto_pad"] = draw(st.sampled_from(["SAME_UPPER", "SAME_LOWER"]))
    return x, w, static(x, w, group, **how)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_a_transposed_convolution_is_what_its_definition_says(case: tuple[Any, Any, Any]) -> None:
    x, w, how = case
    check(correlate_transposed, [x, w], how)


@pytest.mark.parametrize(
    ("x", "w"),
    [((0, 2, 3), (2, 1, 2)), ((1, 0, 3), (0, 2, 2)), ((1, 2, 0), (2, 1, 2)), ((1, 2, 3), (2, 0, 2)), ((1, 2, 0, 3), (2, 1, 2, 2))],
)
def test_nothing_is_spread_from_empty_tensors(x: Any, w: Any) -> None:
    arrays = np.ones(x, np.float32), np.ones(w, np.float32)
    y = computed(correlate_transposed, arrays, static(*arrays, pads=(0,) * (2 * (len(x) - 2)), output_shape=(4,) * (len(x) - 2)))
    assert y.shape == (x[0], w[1], *(4,) * (len(x) - 2))
    assert not y.any()


def test_products_are_summed_over_the_channels_and_then_over_the_kernel_in_order() -> None:
    x, w = RNG.standard_normal((1, 5, 12)).astype(np.float32), RNG.standard_normal((5, 1, 3)).astype(np.float32)
    y = computed(correlate_transposed, [x, w], static(x, w))
    for o in range(14):
        total = np.float32(0)
        for k in range(3):
            if 0 <= o - k < 12:
                product = 0.0
                for c in range(5):
                    product = fused(float(w[c, 0, k]), float(x[0, c, o - k]), product)
                total = np.float32(total + np.float32(product))
        assert y[0, 0, o] == total


def test_an_image_and_a_channel_have_the_same_bits_alone() -> None:
    x, w = RNG.standard_normal((3, 4, 5, 9)).astype(np.float32), RNG.standard_normal((4, 6, 3, 3)).astype(np.float32)
    y = computed(correlate_transposed, [x, w], static(x, w, strides=(2, 2)))
    image = computed(correlate_transposed, [x[1:2], w], static(x[1:2], w, strides=(2, 2)))
    channel = computed(correlate_transposed, [x, w[:, 4:5]], static(x, w[:, 4:5], strides=(2, 2)))
    assert image.tobytes() == y[1:2].tobytes()
    assert channel.tobytes() == y[:, 4:5].tobytes()


def test_bias_and_clamp_follow() -> None:
    x, w = np.ones((1, 1, 2), np.float32), np.ones((1, 2, 1), np.float32)
    body = "(float[1, 1, 2] x, float[1, 2, 1] w, float[2] b) => (float[1, 2, 2] y) { c = ConvTranspose (x, w, b) y = Relu (c) }"
    (y,) = session(body, profile="deterministic", verify_kernels=True).run(None, {"x": x, "w": w, "b": np.array([1, -3], np.float32)})
    assert y.tolist() == [[[2, 2], [0, 0]]]
