"""Elements taken by their places, and weighted sums of them, in kernels."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.ops.tensor.picked import mixed, picked
from refexec.primitives import Epilogue
from refexec.types import FLOAT32
from tests.kernels.compared import check, computed
from tests.models import session
from tests.test_primitives import fused

RNG = np.random.default_rng(0)
INF, NAN = np.inf, np.nan
SIZES = [1, 2, 3, 7, 8, 9, 17, 33]


@st.composite
def shapes_and_axes(draw: st.DrawFn) -> tuple[tuple[int, ...], list[int]]:
    rank = draw(st.integers(1, 4))
    shape = tuple(draw(st.sampled_from(SIZES if axis >= rank - 2 else SIZES[:3])) for axis in range(rank))
    return shape, sorted(draw(st.sets(st.integers(0, rank - 1), max_size=2)))


def numbers(shape: Any, dtype: Any, seed: int) -> Any:
    return (np.random.default_rng(seed).integers(-100, 100, shape) / 8).astype(dtype)


@settings(max_examples=150, deadline=None)
@given(shapes_and_axes(), st.data())
def test_picked_elements_are_those_of_the_definition(case: Any, data: st.DataObject) -> None:
    shape, axes = case
    fill = data.draw(st.sampled_from([None, 3]))
    places = {}
    for axis in axes:
        kind = data.draw(st.sampled_from(["any", "twice", "run"]))
        size, length = data.draw(st.sampled_from([0, *SIZES])), shape[axis]
        if kind == "any":
            places[axis] = np.array(
                data.draw(st.lists(st.integers(0 if fill is None else -1, length - 1), min_size=size, max_size=size)), int
            )
        elif kind == "twice":
            places[axis] = np.arange(2 * length) // 2
        else:
            places[axis] = np.arange(length) if fill is None else np.pad(np.arange(length), 2, constant_values=-1)
    dtype = data.draw(st.sampled_from([np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.bool_, ml_dtypes.bfloat16]))
    x = numbers(shape, dtype, data.draw(st.integers(0, 9)))
    y = check(picked, [x], {"places": places, "fill": fill})
    assert y.tobytes() == picked.definition(x, places=places, fill=fill).tobytes()


def test_picking_moves_the_bits_of_nan_and_zero() -> None:
    x = np.array([0x7FC00001, 0xFFC12345, 0x80000000, 0x7F800001], np.uint32).view(np.float32)
    y = computed(picked, [x], {"places": {0: np.array([3, 1, 2, 0, 1])}})
    assert y.view(np.uint32).tolist() == [0x7F800001, 0xFFC12345, 0x80000000, 0x7FC00001, 0xFFC12345]


@settings(max_examples=100, deadline=None)
@given(shapes_and_axes(), st.data())
def test_mixtures_are_those_of_the_definition(case: Any, data: st.DataObject) -> None:
    shape, axes = case
    mixtures = []
    for axis in data.draw(st.permutations(axes)):
        resized, taps = data.draw(st.sampled_from(SIZES)), data.draw(st.integers(1, 4))
        mixtures.append((axis, RNG.integers(0, shape[axis], (resized, taps)), RNG.standard_normal((resized, taps))))
    x = numbers(shape, data.draw(st.sampled_from([np.float32, np.float64, np.float16, ml_dtypes.bfloat16])), data.draw(st.integers(0, 9)))
    x.flat[data.draw(st.integers(0, x.size - 1))] = data.draw(st.sampled_from([1, NAN, INF, -0.0]))
    check(mixed, [x], {"mixtures": tuple(mixtures)})


@pytest.mark.parametrize("inner", [1, 3, 8, 21])
def test_a_mixture_adds_fused_products_in_the_order_of_its_taps(inner: int) -> None:
    x = RNG.standard_normal((5, inner)).astype(np.float32)
    positions, weights = RNG.integers(0, 5, (9, 4)), RNG.standard_normal((9, 4))
    y = computed(mixed, [x], {"mixtures": ((0, positions, weights),)})
    for r, i in np.ndindex(9, inner):
        w = [float(np.float32(v)) for v in weights[r]]
        total = float(np.float32(w[0] * float(x[positions[r, 0], i])))
        for k in range(1, 4):
            total = fused(w[k], float(x[positions[r, k], i]), total)
        assert y[r, i] == total


def test_what_follows_is_done() -> None:
    x = np.array([-3.0, 2], np.float32)
    assert computed(picked, [x], {"places": {0: np.array([1, 0, 1])}}, epilogue=Epilogue(lo=0.0, hi=1.5)).tolist() == [1.5, 0, 1.5]
    halves = ((0, np.array([[0, 1]]), np.array([[0.5, 0.5]])),)
    assert computed(mixed, [x], {"mixtures": halves}, epilogue=Epilogue(lo=0.0)).tolist() == [0]


RESIZE = "(float[N, C, H, W] x) => (float[A, B, D, E] y) <float[4] s = {1, 1, 2, 1.5}> { y = "


@pytest.mark.parametrize(
    ("node", "opset", "primitive"),
    [
        ('Resize <mode = "linear"> (x, , s)', 19, mixed),
        ('Resize <mode = "cubic", exclude_outside = 1> (x, , s)', 18, mixed),
        ('Resize <mode = "linear", coordinate_transformation_mode = "align_corners"> (x, , s)', 13, mixed),
        ("Resize (x, , s)", 13, picked),
        ('Resize <mode = "linear"> (x, s)', 10, mixed),
        ("Upsample (x, s)", 9, picked),
    ],
)
def test_a_resize_with_known_scales_is_bound_once_and_by_the_body_when_other_scales_are_fed(
    node: str, opset: int, primitive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = RNG.standard_normal((2, 3, 5, 6)).astype(np.float32)
    body = RESIZE + node + " }"
    kernels, plain = session(body, opset=f'"" : {opset}', profile="deterministic"), session(body, opset=f'"" : {opset}')
    bound = []
    kernel = type(primitive.kernels[FLOAT32])
    bind = kernel.bind

    def recorded(self: Any, *given: Any) -> Any:
        bound.append(given[0])
        return bind(self, *given)

    monkeypatch.setattr(kernel, "bind", recorded)
    other = np.array([1, 1, 3, 2], np.float32)
    for feeds, bindings in (({"x": x}, 1), ({"x": x}, 1), ({"x": x, "s": other}, 2), ({"x": x}, 2)):
        (y,), (expected,) = kernels.run(None, feeds), plain.run(None, feeds)
        assert y.shape == expected.shape
        assert np.allclose(y, expected, rtol=0, atol=1e-5)
        assert len(bound) == bindings


def test_integers_are_resized_by_the_body_which_settles_them() -> None:
    body = '(uint8[W] x) => (uint8[V] y) <float[1] s = {2}> { y = Resize <mode = "linear"> (x, , s) }'
    (y,) = session(body, profile="deterministic").run(None, {"x": np.array([0, 255], np.uint8)})
    assert y.tolist() == [0, 64, 191, 255]


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
@pytest.mark.parametrize("dtype", ["float", "int64", "uint8", "bool"])
def test_a_padding_by_known_pads_is_the_one_of_the_reference(mode: str, dtype: str) -> None:
    body = f'({dtype}[2, 5, 9] x) => ({dtype}[A, B, C] y) <int64[6] p = {{0, 1, -2, 1, 2, 3}}> {{ y = Pad <mode = "{mode}"> (x, p) }}'
    if mode != "constant":
        body = body.replace("{0, 1, -2, 1,", "{0, 1, -2, 0,")
    x = RNG.integers(0, 2, (2, 5, 9)).astype({"float": "float32"}.get(dtype, dtype))
    verified = session(body, profile="deterministic", verify_kernels=True)
    (y,), (expected,) = verified.run(None, {"x": x}), session(body).run(None, {"x": x})
    assert y.dtype == x.dtype
    assert y.tolist() == expected.tolist()
    (other,) = verified.run(None, {"x": x, "p": np.zeros(6, np.int64)})
    assert other.tolist() == x.tolist()


def test_a_constant_that_is_padded_with_and_repeats_that_are_known_are_moved_as_they_are() -> None:
    body = "(float[2] x) => (float[A] y) <int64[1] n = {3}, int64[2] p = {1, 0}, float c = {nan}> { t = Tile (x, n) y = Pad (t, p, c) }"
    (y,) = session(body.replace("nan", "-7.5"), profile="deterministic", verify_kernels=True).run(
        None, {"x": np.array([1, -0.0], np.float32)}
    )
    assert y.tolist() == [-7.5, 1, 0, 1, 0, 1, 0]
    assert np.signbit(y[2::2]).all()
