"""F(2, 3): every suitable geometry within the bound, edges, tails, threads, numbers that are none."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from refexec import Session, pool
from tests.kernels.test_conv import model_of, numbers

GREATEST = np.finfo(np.float32).max


def conv(X: Any, W: Any, bias: Any = None, threads: int = 1, tail: Any = (), profile: str = "fast", **attributes: Any) -> Any:
    """The convolution, and then nodes of one input and the residual; verify_kernels raises where the bound does not hold."""
    model = model_of(X, W, bias, **attributes)
    name = "y"
    for index, op_type in enumerate(tail):
        model.graph.node.append(helper.make_node(op_type, [name, "r"] if op_type == "Add" else [name], [f"t{index}"]))
        name = f"t{index}"
    feeds = {"x": X}
    if "Add" in tail:
        shape = Session(model_of(X, W, bias, **attributes), profile="reference").run(None, feeds)[0].shape
        feeds["r"] = numbers(9, shape)
        model.graph.input.append(helper.make_tensor_value_info("r", 1, None))
    model.graph.output[0].name = name
    with patch.object(pool, "SHORT", 0):
        return Session(model, profile=profile, verify_kernels=True, threads=threads).run(None, feeds)[0]


def uses_winograd(X: Any, W: Any, **attributes: Any) -> bool:
    """Whether the bits are others than those of the direct sum."""
    return bool((conv(X, W, **attributes) != conv(X, W, profile="deterministic", **attributes)).any())


@st.composite
def geometries(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    group, depth, filters = draw(st.sampled_from((1, 1, 2))), draw(st.sampled_from((16, 17, 40))), draw(st.sampled_from((16, 19, 24)))
    pads = [draw(st.integers(0, 2)) for _ in range(4)]
    height, width = draw(st.integers(3, 19)), draw(st.integers(9, 40))
    return (draw(st.integers(1, 2)), depth * group, height, width), (filters * group, depth, 3, 3), {"group": group, "pads": pads}


@settings(max_examples=60, deadline=None)
@given(geometry=geometries(), with_bias=st.booleans(), tail=st.sampled_from(((), ("Relu",), ("Add", "Relu"))))
def test_every_geometry_is_within_the_bound_and_has_the_same_bits_for_two_threads(geometry: Any, with_bias: bool, tail: Any) -> None:
    x, w, attributes = geometry
    X, W = numbers(1, x), numbers(2, w)
    bias = numbers(3, w[:1]) if with_bias else None
    y = conv(X, W, bias, tail=tail, **attributes)
    assert conv(X, W, bias, tail=tail, threads=2, **attributes).tobytes() == y.tobytes()
    expected = conv(X, W, bias, tail=tail, profile="reference", **attributes)
    assert np.abs(y - expected).max(initial=0) < 1e-4


@pytest.mark.parametrize(("height", "width"), [(7, 7), (8, 9), (1, 7), (56, 56), (2, 8), (33, 50)])
def test_whole_numbers_are_exact(height: int, width: int) -> None:
    """Filters of multiples of four have whole transforms, and no sum here passes 2 ** 24."""
    rng = np.random.default_rng(4)
    X = rng.integers(-9, 10, (1, 16, height, width)).astype(np.float32)
    W = 4 * rng.integers(-3, 4, (18, 16, 3, 3)).astype(np.float32)
    y = conv(X, W, pads=[1, 1, 1, 1])
    padded = np.pad(X[0].astype(np.int64), ((0, 0), (1, 1), (1, 1)))
    expected = sum(
        np.tensordot(W[:, :, i, j].astype(np.int64), padded[:, i : i + height, j : j + width], 1) for i in range(3) for j in range(3)
    )
    assert np.array_equal(y[0], expected)


def test_more_than_256_channels_and_many_groups_of_panels() -> None:
    X, W = numbers(5, (1, 300, 9, 30)), numbers(6, (400, 300, 3, 3))
    y = conv(X, W)
    assert y.tobytes() == conv(X, W, threads=2).tobytes()


def test_an_image_alone_has_the_bits_that_it_has_in_a_batch() -> None:
    X, W = numbers(7, (3, 16, 12, 13)), numbers(8, (24, 16, 3, 3))
    assert conv(X, W)[1:2].tobytes() == conv(X[1:2], W).tobytes()


def test_it_runs_where_windows_move_by_one_and_channels_are_many_and_nowhere_else() -> None:
    X, W = numbers(7, (1, 16, 12, 13)), numbers(8, (24, 16, 3, 3))
    assert uses_winograd(X, W)
    assert not uses_winograd(X, W, strides=[2, 2])
    assert not uses_winograd(X, W, dilations=[1, 2])
    assert not uses_winograd(X[:, :8], W[:, :8])
    assert not uses_winograd(X, W[:, :, :, :2])


@pytest.mark.parametrize("value", [np.nan, np.inf, GREATEST])
def test_what_is_no_number_stays_in_the_tiles_that_see_it(value: float) -> None:
    X, W = numbers(9, (1, 16, 20, 20)), numbers(10, (16, 16, 3, 3))
    clean = conv(X, W, pads=[1, 1, 1, 1])
    X[0, 3, 10, 10] = value
    y = conv(X, W, pads=[1, 1, 1, 1])
    touched = np.zeros((20, 20), bool)
    touched[8:12, 8:12] = True  # tiles (4, 5) by (4, 5): their four by four inputs reach from 7 to 12
    assert np.array_equal(y[:, :, ~touched], clean[:, :, ~touched])
    assert not np.array_equal(y[:, :, touched], clean[:, :, touched])


@pytest.mark.parametrize("value", [np.nan, np.inf, GREATEST])
def test_weights_that_would_not_stay_finite_are_summed_directly(value: float) -> None:
    X, W = numbers(11, (1, 16, 9, 9)), numbers(12, (16, 16, 3, 3))
    W[2, 3, 1, 1] = value
    assert conv(X, W).tobytes() == conv(X, W, profile="deterministic").tobytes()


def test_tiny_weights_and_inputs_are_within_the_bound() -> None:
    X, W = numbers(13, (1, 16, 9, 9)), numbers(14, (16, 16, 3, 3))
    conv(X * np.float32(1e30), W * np.float32(1e-44))
    conv(X * np.float32(1e-22), W * np.float32(1e-22))


def test_weights_that_a_caller_feeds_are_used() -> None:
    X, W = numbers(15, (1, 16, 9, 9)), numbers(16, (16, 16, 3, 3))
    session = Session(model_of(X, W), profile="fast", verify_kernels=True)
    session.run(None, {"x": X})
    assert np.array_equal(session.run(None, {"x": X, "w": 2 * W})[0], conv(X, 2 * W, profile="deterministic"))
