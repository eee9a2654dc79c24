"""Attention in a kernel: near the definition, the same bits however it runs, and right at the edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec import run_op
from refexec.ops.nn.attention_core import attention
from refexec.values import round_to
from tests.kernels.compared import check, computed
from tests.models import session

INF = np.inf
Array = np.ndarray[Any, Any]


def noise(seed: int, *shape: int, dtype: Any = np.float32) -> Array:
    return round_to(np.random.default_rng(seed).standard_normal(shape), np.dtype(dtype))


def parts(B: int, H: int, G: int, S: int, T: int, D: int, E: int, dtype: Any = np.float32) -> list[Array]:
    return [noise(1, B, H, S, D, dtype=dtype), noise(2, B, G, T, D, dtype=dtype), noise(3, B, G, T, E, dtype=dtype)]


def plain(**static: Any) -> dict[str, Any]:
    return {"scale": None, "softcap": 0.0} | static


@st.composite
def calls(draw: st.DrawFn) -> tuple[list[Any], dict[str, Any]]:
    G, group = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 5]))
    S, T = draw(st.sampled_from([0, 1, 2, 7, 50])), draw(st.sampled_from([0, 1, 5, 16, 33, 70]))
    D, E = draw(st.sampled_from([1, 3, 8, 16, 24])), draw(st.sampled_from([0, 1, 8, 17, 32]))
    dtype = draw(st.sampled_from([np.float32, np.float32, np.float64, np.float16]))
    B = draw(st.integers(0, 2))
    arrays: list[Any] = parts(B, G * group, G, S, T, D, E, dtype)
    if draw(st.booleans()):
        shape = [size if draw(st.booleans()) else 1 for size in (B, G * group, S)]
        bias = noise(4, *shape, T)
        bias[np.random.default_rng(5).random(bias.shape) < draw(st.sampled_from([0, 0.3, 0.9]))] = -INF
        arrays.append(bias.astype(dtype))
    else:
        arrays.append(None)
    return arrays, plain(scale=draw(st.sampled_from([None, 0.25, 0.0])), softcap=draw(st.sampled_from([0.0, 2.0])))


@settings(max_examples=60, deadline=None)
@given(calls())
def test_the_kernel_is_near_the_definition_in_every_layout_and_for_two_threads(call: Any) -> None:
    check(attention, *call)


def test_the_kernel_is_near_the_definition_where_rows_and_head_size_pass_a_block() -> None:
    for sizes in ((1, 2, 1, 130, 300, 300, 20), (1, 1, 1, 49, 530, 64, 64), (1, 1, 1, 1, 1025, 264, 72)):
        check(attention, [*parts(*sizes), None], plain())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_query_alone_has_the_bits_it_has_among_many_and_so_has_a_sample(dtype: Any) -> None:
    Q, K, V = parts(3, 4, 2, 60, 70, 16, 24, dtype)
    whole = computed(attention, [Q, K, V, None], plain())
    for s in (0, 47, 48, 59):
        assert computed(attention, [Q[:, :, s : s + 1], K, V, None], plain())[:, :, 0].tobytes() == whole[:, :, s].tobytes()
    assert computed(attention, [Q[1:2], K[1:2], V[1:2], None], plain())[0].tobytes() == whole[1].tobytes()


def test_equal_scores_give_the_mean_of_the_values() -> None:
    V = np.arange(12, dtype=np.float32).reshape(1, 1, 4, 3)
    y = computed(attention, [np.zeros((1, 1, 2, 8), np.float32), noise(1, 1, 1, 4, 8), V, None], plain())
    assert y.tolist() == [[[[4.5, 5.5, 6.5]] * 2]]


def test_two_keys_are_weighted_by_the_exponentials_of_their_scores() -> None:
    Q, K = np.ones((1, 1, 1, 1), np.float32), np.array([0, math.log(3)], np.float32).reshape(1, 1, 2, 1)
    y = computed(attention, [Q, K, np.array([0, 1], np.float32).reshape(1, 1, 2, 1), None], plain(scale=1.0))
    assert abs(y.item() - 0.75) < 1e-7


def test_a_row_that_sees_nothing_is_zero_and_one_with_nan_is_nan() -> None:
    Q, K, V = parts(1, 1, 1, 3, 5, 8, 4)
    bias = np.zeros((3, 5), np.float32)
    bias[0] = -INF
    bias[1, 2] = np.nan
    with np.errstate(invalid="ignore"):
        y = computed(attention, [Q, K, V, bias], plain())[0, 0]
    assert (y[0] == 0).all()
    assert np.isnan(y[1]).all()
    assert np.isfinite(y[2]).all()


def test_what_overflows_in_between_is_computed_by_the_definition() -> None:
    huge = np.full((1, 1, 1, 8), 1e20, np.float32)
    K = np.concatenate([huge, -huge], axis=2)
    V = np.array([3e38, 1], np.float32).reshape(1, 1, 2, 1)
    assert computed(attention, [huge, K, V, None], plain()).item() == np.float32(3e38)
    same = np.full((1, 1, 300, 1), 3e38, np.float32)
    assert computed(attention, [huge[:, :, :1] * 0, np.zeros((1, 1, 300, 8), np.float32), same, None], plain()).item() == np.float32(3e38)


MODEL = (
    "(float[1, 4, S, 8] q, float[1, 2, T, 8] k, float[1, 2, T, 8] v, float[1, 2, P, 8] pk, float[1, 2, P, 8] pv)"
    " => (float[1, 4, S, 8] y, float[1, 2, U, 8] nk, float[1, 2, U, 8] nv) { y, nk, nv = Attention<is_causal=1>(q, k, v, , pk, pv) }"
)


def test_values_may_be_of_another_type() -> None:
    Q, K, V = parts(1, 2, 2, 3, 5, 8, 8)
    y, _, value = run_op("Attention", Q, K, V.astype(np.float64), outputs=3, profile="deterministic", opset=24)
    assert (y.dtype, value.dtype) == (np.float32, np.float64)
    assert y.tobytes() == run_op("Attention", Q, K, V, outputs=1, profile="deterministic", opset=24).tobytes()


def test_values_of_another_type_that_overflow_the_queries_are_taken_by_the_definition() -> None:
    Q, K, _ = parts(1, 1, 1, 2, 2, 4, 4)
    V = np.array([[1e300, 1.0], [-1e300, 1.0]]).reshape(1, 1, 2, 2)
    y = run_op("Attention", 0 * Q, K, V, outputs=1, profile="deterministic", opset=24)
    assert y.reshape(-1, 2).tolist() == [[0, 1], [0, 1]]


def test_present_keys_and_values_come_beside_the_kernels_result() -> None:
    feeds = {"q": noise(1, 1, 4, 3, 8), **{n: noise(i, 1, 2, 3, 8) for i, n in enumerate("kv")}}
    feeds |= {n: noise(7 + i, 1, 2, 40, 8) for i, n in enumerate(("pk", "pv"))}
    results = {p: session(MODEL, opset='"" : 23', profile=p, **v).run(None, feeds) for p, v in KINDS.items()}
    for a, b in zip(*results.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert np.array_equal(results["deterministic"][1], np.concatenate([feeds["pk"], feeds["k"]], axis=2))


KINDS: dict[str, dict[str, Any]] = {"deterministic": {"verify_kernels": True}, "reference": {}}


def test_inputs_of_rank_3_and_a_mask_of_booleans_and_scores_that_are_asked_for() -> None:
    Q, K, V = noise(1, 2, 5, 32), noise(2, 2, 9, 16), noise(3, 2, 9, 16)
    mask = np.random.default_rng(3).random((5, 9)) < 0.6
    heads: dict[str, Any] = {"q_num_heads": 4, "kv_num_heads": 2, "opset": 24}
    for outputs in (1, 3, 4):
        got, expected = (run_op("Attention", Q, K, V, mask, outputs=outputs, profile=p, **heads) for p in ("deterministic", "reference"))
        for a, b in zip(*[r if isinstance(r, (list, tuple)) else [r] for r in (got, expected)], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
