"""Normalisations in kernels: right, and the same bits wherever and however they run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.ops.nn.batch_normalization import affine_per_channel
from refexec.ops.nn.standardization import standardize
from refexec.primitives import Epilogue
from refexec.types import element_type
from refexec.values import round_to
from tests.kernels.compared import check, computed
from tests.models import session

Array = np.ndarray[Any, Any]
TYPES = ("float32", "float64", "float16", "bfloat16")
sizes = st.sampled_from([0, 1, 2, 3, 7, 8, 9, 33, 64, 65, 130])


def noise(shape: tuple[int, ...], dtype: Any = np.float32, seed: int = 0) -> Array:
    return round_to(np.random.default_rng([seed, *shape]).standard_normal(shape), element_type(dtype).dtype)


def static(view: tuple[int, ...], inner: int, **more: Any) -> dict[str, Any]:
    return {"view": view, "axes": tuple(range(len(view) - inner, len(view))), "epsilon": 1e-5, **more}


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Array], dict[str, Any]]:
    view = tuple(draw(st.lists(sizes, min_size=1, max_size=4).filter(lambda s: np.prod(s) < 20_000)))
    dtype = draw(st.sampled_from(TYPES))
    kept = draw(st.integers(0, len(view)))
    spread = (1,) * kept + tuple(size if draw(st.booleans()) else 1 for size in view[kept:])
    parameters = [noise(spread, dtype, seed) for seed in range(1, 1 + draw(st.integers(0, 2)))]
    x = noise(view, dtype)
    return [x, *parameters], static(view, draw(st.integers(0, len(view))), centred=draw(st.booleans()))


@settings(deadline=None, max_examples=120)
@given(cases())
def test_the_kernel_is_near_the_definition_and_depends_on_nothing_else(case: tuple[list[Array], dict[str, Any]]) -> None:
    arrays, how = case
    check(standardize, arrays, how)


def test_hand_numbers() -> None:
    x = np.array([[1, 3], [-2, -2]], np.float32)
    scale, bias = np.array([2, 10], np.float32), np.array([1, 0], np.float32)
    y = computed(standardize, [x, scale, bias], static((2, 2), 1) | {"epsilon": 0.0})
    assert y[0].tolist() == [-1, 10]  # mean 2, variance 1
    y = computed(standardize, [x, scale], static((2, 2), 1, centred=False) | {"epsilon": 0.0})
    assert y[1].tolist() == [-2, -10]
    y = computed(standardize, [x], static((1, 4), 1) | {"epsilon": 1.5})  # mean 0, variance 4.5 and epsilon make 6
    np.testing.assert_allclose(y, x / 6**0.5, rtol=1e-6)


def test_squares_may_be_out_of_range_and_other_rows_are_as_they_were() -> None:
    x, scale, bias = noise((4, 6, 5)), noise((3,), seed=1), noise((3,), seed=2)
    x = x.reshape(4, 3, 2, 5)
    how = {"view": x.shape, "axes": (2, 3), "spread": (3, 1, 1), "epsilon": 0.0}
    plain = computed(standardize, [x, scale, bias], how)
    x[1, 1] *= np.float32(2.0**100)
    x[2, 2] *= np.float32(2.0**-90)
    y = computed(standardize, [x, scale, bias], how)
    np.testing.assert_allclose(y, plain, rtol=1e-6, atol=1e-6)
    others = np.ones((4, 3), bool)
    others[1, 1] = others[2, 2] = False
    assert y[others].tobytes() == plain[others].tobytes()


@pytest.mark.parametrize("n", [1, 8, 49, 64, 77, 768])
def test_a_row_does_not_depend_on_its_place_in_the_batch(n: int) -> None:
    x, scale, bias = noise((5, n)), noise((n,), seed=1), noise((n,), seed=2)
    whole = computed(standardize, [x, scale, bias], static((5, n), 1))
    for i in range(5):
        assert computed(standardize, [x[i : i + 1], scale, bias], static((1, n), 1)).tobytes() == whole[i].tobytes()


@pytest.mark.parametrize(
    ("view", "spread"), [((2, 3, 4, 50), (3, 4, 1)), ((2, 3, 4, 7), (3, 1, 1)), ((6, 4, 9), (4, 1)), ((6, 4, 9), (6, 1, 9))]
)
def test_parameters_of_any_shape_belong_to_their_elements(view: tuple[int, ...], spread: tuple[int, ...]) -> None:
    x, scale, bias = noise(view), noise(spread, seed=1), noise(spread, seed=2)
    how = static(view, 2)
    y = computed(standardize, [x, scale.reshape(-1), bias.reshape(-1)], how | {"spread": spread})
    plain = computed(standardize, [x], how).astype(np.float64)
    np.testing.assert_allclose(y, plain * scale + bias, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 5, 7, 7), (2, 9), (5, 33), (4, 1, 8), (2, 3, 70), (6,), (2, 0, 3), (0, 4)])
@pytest.mark.parametrize("dtype", TYPES)
def test_the_affine_map_is_near_its_definition(shape: tuple[int, ...], dtype: str) -> None:
    channels = shape[1:2] or (1,)
    scale, bias, mean = (noise(channels, dtype, seed) for seed in (1, 2, 3))
    check(affine_per_channel, [noise(shape, dtype), scale, bias, mean, np.abs(scale)], {"epsilon": 1e-3})


@pytest.mark.parametrize("shape", [(3, 5, 7, 7), (5, 33)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_affine_map_is_made_of_the_stated_operations(shape: tuple[int, ...], dtype: str) -> None:
    X, scale, B, mean = noise(shape, dtype), *(noise(shape[1:2], dtype, seed) for seed in (1, 2, 3))
    var = np.abs(scale)
    over = (slice(None), *[None] * (len(shape) - 2))
    factor = scale / np.sqrt(var + X.dtype.type(1e-3))
    expected = (X - mean[over]) * factor[over] + B[over]
    how = {"epsilon": 1e-3}
    assert computed(affine_per_channel, [X, scale, B, mean, var], how).tobytes() == expected.tobytes()
    clamped = computed(affine_per_channel, [X, scale, B, mean, var], how, epilogue=Epilogue(lo=-0.5, hi=0.25))
    assert clamped.tobytes() == np.clip(expected, -0.5, 0.25).astype(dtype).tobytes()


def test_parameters_per_element_belong_to_their_elements() -> None:
    X, scale, B, mean = noise((2, 3, 5)), *(noise((3, 5), seed=seed) for seed in (1, 2, 3))
    check(affine_per_channel, [X, scale, B, mean, np.abs(scale)], {"epsilon": 1e-3})


PARAMETERS = "<float[6] s = {1, 2, 3, 4, 5, 6}, float[6] b = {6, 5, 4, 3, 2, 1}>"
NODES = {
    "LayerNormalization-17": "LayerNormalization<axis=1>(t, w, v)",
    "LayerNormalization-23": "LayerNormalization<axis=1>(t, w)",
    "RMSNormalization-23": "RMSNormalization<axis=-1>(t, w)",
    "InstanceNormalization-6": "InstanceNormalization(x, s, b)",
    "InstanceNormalization-22": "InstanceNormalization(x, s, b)",
    "GroupNormalization-21": "GroupNormalization<num_groups=3>(x, s, b)",
    "BatchNormalization-6": "BatchNormalization<is_test=1>(x, s, b, b, s)",
    "BatchNormalization-7": "BatchNormalization(x, s, b, b, s)",
    "BatchNormalization-9": "BatchNormalization(x, s, b, b, s)",
    "BatchNormalization-15": "BatchNormalization(x, s, b, b, s)",
    "GlobalAveragePool-1": "GlobalAveragePool(x)",
    "GlobalMaxPool-22": "GlobalMaxPool(x)",
    "GlobalLpPool-2": "GlobalLpPool<p=1>(x)",
    "GlobalLpPool-22": "GlobalLpPool(x)",
}


@pytest.mark.parametrize("case", NODES)
def test_profiles_agree_and_the_kernel_runs(case: str) -> None:
    name, opset = case.rsplit("-", 1)
    node = NODES[case].replace("(t, w, v)", "(x, s, b)").replace("(t, w)", "(x, s)")
    shape = "[N, 6]" if "axis" in node else "[N, 6, H, W]"
    body = f"(float{shape} x) => (float y) {PARAMETERS} {{ y = {node} }}"
    x = noise((4, 6) if "axis" in node else (3, 6, 5, 7))
    options: dict[str, Any] = {"opset": f'"" : {opset}'}
    expected = session(body, profile="reference", **options).run(None, {"x": x})[0]
    found = session(body, profile="deterministic", verify_kernels=True, **options)
    y = found.run(None, {"x": x})[0]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    ran = [event.implementation for event in found.steps({"x": x})]
    assert ran[0] in {"Standardize", "AffinePerChannel", "ReduceOver"}, name


def test_a_layer_normalisation_that_shows_its_statistics_runs_its_body() -> None:
    body = "(float[2, 2] x) => (float y, float m, float i) <float[2] s = {1, 1}> { y, m, i = LayerNormalization<epsilon=0.0>(x, s) }"
    y, mean, inverse = session(body, profile="deterministic").run(None, {"x": np.array([[1, 3], [5, 9]], np.float32)})
    assert (y.tolist(), mean.tolist(), inverse.tolist()) == ([[-1, 1], [-1, 1]], [[2], [7]], [[1], [0.5]])


def test_mixed_types_of_parameters_run_the_body() -> None:
    body = "(float16[1, 2, 2] x) => (float16 y) <float[2] s = {1, 2}, float[2] b = {0, 1}> { y = BatchNormalization<epsilon=0.0>(x, s, b, b, s) }"
    x = np.array([[[1, 2], [3, 1]]], np.float16)
    y = session(body, profile="deterministic").run(None, {"x": x})[0]
    np.testing.assert_allclose(y[0].astype(np.float64), np.array([[1, 2], [1 + 2**1.5, 1]]), rtol=1e-3)
