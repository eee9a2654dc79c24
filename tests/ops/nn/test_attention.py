"""Attention."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.comparison import Call
from refexec.errors import RuleViolation
from refexec.registry import lookup
from refexec.types import element_type

B, H, G, S, T, D, E = 2, 4, 2, 3, 5, 4, 3
VERSIONS = pytest.mark.parametrize("opset", [23, 24, 25])


def tensors(heads: int = G, keys: int = T) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(5)
    shapes = (B, H, S, D), (B, heads, keys, D), (B, heads, keys, E)
    Q, K, V = (rng.standard_normal(s).astype(np.float32) for s in shapes)
    return Q, K, V


def oracle(
    Q: Any, K: Any, V: Any, bias: Any = None, *, scale: float | None = None, softcap: float = 0.0, stage: int = 0
) -> tuple[Any, Any]:
    """One query at a time, in Python floats; ``bias[b, h, i, j]`` is a float array or absent."""
    Y, stages = np.zeros((*Q.shape[:3], V.shape[3])), np.zeros((*Q.shape[:3], K.shape[2]))
    for b, h, i in np.ndindex(*Q.shape[:3]):
        g = h // (Q.shape[1] // K.shape[1])
        scores = [
            sum(float(a) * float(c) for a, c in zip(Q[b, h, i], k, strict=True)) * (scale or 1 / math.sqrt(Q.shape[3])) for k in K[b, g]
        ]
        capped = [softcap * math.tanh(s / softcap) if softcap else s for s in scores]
        own = [0.0] * len(scores) if bias is None else [float(x) for x in bias[b, h, i]]
        biased = [s + x for s, x in zip(capped, own, strict=True)]
        top = max(biased)
        weights = [math.exp(s - top) if top > -math.inf else 0.0 for s in biased]
        p = [w / (sum(weights) or 1.0) for w in weights]
        Y[b, h, i] = sum(w * V[b, g, j].astype(np.float64) for j, w in enumerate(p))
        stages[b, h, i] = (scores, capped, biased, p)[stage]
    return Y, stages


def full(bias: Any, keys: int = T) -> Any:
    return np.broadcast_to(bias, (B, H, S, keys))


def packed(x: Any) -> Any:
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


def hidden(seen: Any) -> Any:
    return np.where(seen, 0.0, -np.inf)


def close(actual: Any, expected: Any) -> None:
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=5e-7)


@VERSIONS
@pytest.mark.parametrize("heads", [4, 2, 1])
def test_consecutive_query_heads_share_keys_and_values(heads: int, opset: int) -> None:
    x = tensors(heads)
    close(run_op("Attention", *x, opset=opset, outputs=1), oracle(*x)[0])


@VERSIONS
def test_packed_inputs_give_a_packed_result(opset: int) -> None:
    x = tensors()
    Y = run_op("Attention", *map(packed, x), opset=opset, outputs=1, q_num_heads=H, kv_num_heads=G)
    close(Y, packed(oracle(*x)[0]))


@VERSIONS
@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_scale_softcap_and_bias_in_this_order_with_each_stage(stage: int, opset: int) -> None:
    x = tensors()
    mask = np.random.default_rng(1).standard_normal((S, T)).astype(np.float32)
    options: Any = {"scale": 0.25, "softcap": 0.5}
    Y, _, _, seen = run_op("Attention", *x, mask, opset=opset, qk_matmul_output_mode=stage, **options)
    expected, stages = oracle(*x, full(mask), stage=stage, **options)
    close(Y, expected)
    close(seen, stages)


def test_a_scale_of_0_is_a_scale() -> None:
    Q, K, V = tensors()
    close(run_op("Attention", Q, K, V, outputs=1, scale=0.0), np.repeat(V.mean(axis=2, keepdims=True), H // G, axis=1).repeat(S, axis=2))


@VERSIONS
def test_the_past_stands_before_keys_and_values_and_is_returned_with_them(opset: int) -> None:
    Q, K, V = tensors()
    pk, pv = tensors(keys=2)[1:]
    Y, k, v = run_op("Attention", Q, K, V, None, pk, pv, opset=opset, outputs=3, is_causal=1)
    np.testing.assert_array_equal(k, np.concatenate([pk, K], 2))
    np.testing.assert_array_equal(v, np.concatenate([pv, V], 2))
    seen = np.arange(T + 2) <= np.arange(S)[:, None] + 2
    close(Y, oracle(Q, k, v, full(hidden(seen), T + 2))[0])


@VERSIONS
def test_causal_without_a_past_is_a_lower_triangle(opset: int) -> None:
    x = tensors()
    close(run_op("Attention", *x, opset=opset, outputs=1, is_causal=1), oracle(*x, full(hidden(np.tri(S, T, dtype=bool))))[0])


@pytest.mark.parametrize("opset", [24, 25])
def test_with_padded_keys_the_causal_diagonal_ends_at_the_last_valid_key(opset: int) -> None:
    x, valid = tensors(), np.array([2, 4])
    rows, columns = np.arange(S)[:, None], np.arange(T)
    for causal in (0, 1):
        seen = np.stack([(columns < n) & (columns <= (rows + n - S if causal else T + 0 * rows)) for n in valid])[:, None]
        Y = run_op("Attention", *x, None, None, None, valid, opset=opset, outputs=1, is_causal=causal)
        close(Y, oracle(*x, full(hidden(seen)))[0])
        if causal:  # 2 valid keys for 3 queries: the first sees none
            assert not Y[0, :, 0].any()


@pytest.mark.parametrize(("left", "right", "causal"), [(2, 1, 0), (1, -1, 0), (-1, 0, 0), (1, 3, 1), (0, 0, 0)])
def test_windows_count_from_the_position_of_the_query(left: int, right: int, causal: int) -> None:
    x, past = tensors(), tensors(keys=2)[1:]
    p, j = np.arange(S)[:, None] + 2, np.arange(T + 2)
    seen = np.ones((S, T + 2), bool)
    seen &= (j >= p - left) if left >= 0 else True
    seen &= (j <= p + right) if right >= 0 else True
    seen &= (j <= p) if causal else True
    options: Any = {"left_window_size": left, "right_window_size": right, "is_causal": causal}
    Y, k, v = run_op("Attention", *x, None, *past, opset=25, outputs=3, **options)
    close(Y, oracle(x[0], k, v, full(hidden(seen), T + 2))[0])


MASKS = {"2d": (S, T), "heads": (H, S, T), "batch": (B, 1, S, T), "row": (1, T), "keys": (T,)}


@VERSIONS
@pytest.mark.parametrize("kind", list(MASKS))
@pytest.mark.parametrize("boolean", [True, False])
def test_masks_of_every_rank(kind: str, boolean: bool, opset: int) -> None:
    x, rng = tensors(), np.random.default_rng(2)
    mask = rng.random(MASKS[kind]) > 0.3 if boolean else rng.standard_normal(MASKS[kind]).astype(np.float32)
    bias = hidden(mask) if boolean else mask
    close(run_op("Attention", *x, mask, opset=opset, outputs=1), oracle(*x, full(bias))[0])


@pytest.mark.parametrize("boolean", [True, False])
def test_a_short_mask_hides_the_keys_after_its_end(boolean: bool) -> None:
    x = tensors()
    mask = np.ones((S, T - 2), bool) if boolean else np.full((S, T - 2), 0.5, np.float32)
    bias = np.concatenate([np.zeros((S, T - 2)), np.full((S, 2), -np.inf)], axis=1)
    for opset in (24, 25):
        close(run_op("Attention", *x, mask, opset=opset, outputs=1), oracle(*x, full(bias))[0])


def test_in_version_23_a_mask_of_one_column_is_broadcast() -> None:
    x, mask = tensors(), np.array([[True], [False], [True]])
    Y = run_op("Attention", *x, mask, opset=23, outputs=1)
    close(Y, oracle(*x, full(hidden(mask)))[0])


@VERSIONS
def test_the_biases_of_mask_and_causality_are_added(opset: int) -> None:
    x, mask = tensors(), np.zeros((S, T), np.float32)
    mask[0, 3:] = np.inf, np.nan  # hidden from query 0, which sees key 0
    mask[1, 4] = -np.inf
    Y, _, _, biased = run_op("Attention", *x, mask, opset=opset, is_causal=1, qk_matmul_output_mode=2)
    assert np.isnan(biased[:, :, 0, 3:]).all()
    assert (biased[:, :, 0, 1:3] == -np.inf).all() and (biased[:, :, 1, 2:] == -np.inf).all()
    assert np.isnan(Y[:, :, 0]).all() and np.isfinite(Y[:, :, 1:]).all()


@VERSIONS
def test_a_query_that_sees_no_key_gives_zeros_in_result_and_probabilities(opset: int) -> None:
    Q, K, V = tensors()
    Q[0, 0, 1, 0] = np.inf
    mask = np.ones((S, T), bool)
    mask[1] = False
    Y, _, _, P = run_op("Attention", Q, K, V, mask, opset=opset, qk_matmul_output_mode=3)
    assert not Y[:, :, 1].any() and not P[:, :, 1].any()
    biased = run_op("Attention", *tensors(), mask, opset=opset, qk_matmul_output_mode=2)[3]
    assert (biased[:, :, 1] == -np.inf).all() and np.isfinite(biased[:, :, 0]).all()


def test_no_keys_give_zeros() -> None:
    Q, K, V = tensors(keys=0)
    assert run_op("Attention", Q, K, V, outputs=1).tolist() == np.zeros((B, H, S, E)).tolist()


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_narrow_types_are_rounded_once(dtype: Any) -> None:
    x = [v.astype(dtype) for v in tensors()]
    Y = run_op("Attention", *x, outputs=1, is_causal=1)
    Q, K, V = (v.astype(np.float64) for v in x)
    exact = oracle(Q, K, V, full(hidden(np.tri(S, T, dtype=bool))))[0]
    assert Y.dtype == dtype and Y.tolist() == exact.astype(np.float32).astype(dtype).tolist()


def test_float64_stays_float64() -> None:
    x = [v.astype(np.float64) for v in tensors()]
    Y = run_op("Attention", *x, outputs=1)
    assert Y.dtype == np.float64
    np.testing.assert_allclose(Y, oracle(*x)[0], rtol=0, atol=1e-14)


def test_softmax_precision_rounds_the_weights_on_their_way() -> None:
    # Scores 0 and 2**-9: bfloat16 holds both, but not the probabilities 0.5 +- 2**-11; their values add up the rounded ones.
    Q, K = np.ones((1, 1, 1, 1), np.float32), np.array([0, 2**-9], np.float32).reshape(1, 1, 2, 1)
    V = np.array([0, 1], np.float32).reshape(1, 1, 2, 1)
    fine, coarse = (run_op("Attention", Q, K, V, outputs=1, softmax_precision=p).item() for p in (11, 16))
    assert fine == np.float32(1 / (1 + math.exp(-(2**-9)))) and coarse == 0.5


def test_values_may_have_another_type_than_queries() -> None:
    Q, K, V = tensors()
    Y, _, v, _ = run_op("Attention", Q, K, V.astype(np.float16))
    assert (Y.dtype, v.dtype) == (np.float32, np.float16)
    close(Y, oracle(Q, K, V.astype(np.float16))[0])


@pytest.mark.parametrize("precision", [None, 1, 10, 11, 16])
def test_the_wide_profile_rounds_nothing(precision: int | None) -> None:
    x = tensors()
    Y = run_op("Attention", *x, outputs=1, profile="wide", is_causal=1, softcap=2.0, softmax_precision=precision)
    assert Y.dtype == np.float64
    np.testing.assert_allclose(Y, oracle(*x, full(hidden(np.tri(S, T, dtype=bool))), softcap=2.0)[0], rtol=0, atol=1e-14)


def plain(Q: Any, K: Any, V: Any, scale: Any) -> Any:
    """Attention with every step in the type itself."""
    scores = (Q * scale) @ np.repeat(K, H // G, axis=1).swapaxes(2, 3)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True)) @ np.repeat(V, H // G, axis=1)


def test_plain_float32_attention_is_inside_the_declared_bound() -> None:
    Q, K, V = x = tuple(3 * v for v in tensors())
    result = plain(Q, K, V, np.float32(0.5))
    wide = run_op("Attention", *x, profile="wide", qk_matmul_output_mode=3)
    comparison = lookup("", "Attention", 25).comparison
    assert comparison is not None and comparison.bound is not None
    call = Call(
        tuple(v.astype(np.float64) for v in x), {"qk_matmul_output_mode": 3}, wide, (element_type("float32"),) * 4, lambda *a, **k: wide
    )
    bounds = comparison.bound(call)
    assert result.dtype == np.float32 and 0.001 < (np.abs(result - wide[0]) / bounds[0]).max() < 1
    assert not bounds[1].any() and not bounds[2].any()
    assert (np.abs(run_op("Attention", *x, qk_matmul_output_mode=3)[3] - wide[3]) <= bounds[3]).all()


def zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


Q0, K0, V0 = zeros(B, H, S, D), zeros(B, G, T, D), zeros(B, G, T, E)
PK, PV = zeros(B, G, 2, D), zeros(B, G, 2, E)


@pytest.mark.parametrize(
    ("inputs", "options", "rule"),
    [
        ([zeros(S, D), K0, V0], {}, "Q, K and V are \\(B, heads"),
        ([Q0, K0, V0], {"q_num_heads": 3}, "is that of inputs of rank 4"),
        ([zeros(B, S, D), K0, V0], {}, "given for inputs of rank 3"),
        ([zeros(B, S, D), K0, V0], {"q_num_heads": 3}, "divides the last dimension"),
        ([Q0[:1], K0, V0], {}, "one batch size"),
        ([Q0, zeros(B, G, T, D + 1), V0], {}, "one head size"),
        ([Q0, K0, zeros(B, G, T - 1, E)], {}, "the same heads and length"),
        ([zeros(B, 3, S, D), K0, V0], {}, "a multiple of kv_num_heads"),
        ([Q0, K0, V0, None, PK], {}, "used together"),
        ([Q0, K0, V0, None, PK, PV, np.array([1, 1])], {}, "not used together with past_key"),
        ([Q0, K0, V0, None, None, None, np.array([1])], {}, "one length per sample"),
        ([Q0, K0, V0, None, None, None, np.array([1, 6])], {}, "one length per sample"),
        ([Q0, K0, V0, None, PK, PV[:, :, :1]], {}, "the past is"),
        ([Q0, K0, V0], {"qk_matmul_output_mode": 4}, "from 0 to 3"),
        ([Q0, K0, V0], {"softcap": -1.0}, "softcap is not negative"),
        ([Q0, K0, V0], {"scale": -1.0}, "scale is not negative"),
        ([Q0, K0, V0], {"left_window_size": -2}, "window size"),
        ([Q0, K0, V0], {"softmax_precision": 7}, "softmax_precision is"),
        ([Q0, K0, V0, zeros(S + 1, T)], {}, "unidirectionally"),
        ([Q0, K0, V0, zeros(S, 2), None, None, np.array([1, 3])], {}, "as long as the valid keys"),
        ([Q0, K0, V0, zeros(S, 2)], {"opset": 23}, "one value per key"),
    ],
)
def test_rules(inputs: list[Any], options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("Attention", *inputs, outputs=1, **options)
