"""LinearAttention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import LimitExceeded, RuleViolation
from refexec.limits import Limits

B, T, HQ, HK, DK, DV = 2, 3, 4, 2, 3, 2
NEEDS = {"linear": (False, False), "gated": (True, False), "delta": (False, True), "gated_delta": (True, True)}


def data() -> dict[str, Any]:
    rng = np.random.default_rng(11)
    shapes = {"q": HQ * DK, "k": HK * DK, "v": HK * DV, "decay": HK, "wide_decay": HK * DK, "beta": HK, "one_beta": 1}
    made = {name: rng.standard_normal((B, T, n)).astype(np.float32) for name, n in shapes.items()}
    made["past"] = rng.standard_normal((B, HK, DK, DV)).astype(np.float32)
    return made | {name: -np.abs(made[name]) for name in ("decay", "wide_decay")} | {n: np.abs(made[n]) / 4 for n in ("beta", "one_beta")}


def oracle(d: dict[str, Any], rule: str, decay: str, beta: str, past: bool, scale: float) -> tuple[Any, Any]:
    """One number at a time."""
    gated, delta = NEEDS[rule]
    output, state = np.zeros((B, T, HQ * DV)), np.zeros((B, HK, DK, DV))
    for b, g in np.ndindex(B, HK):
        S = [[float(d["past"][b, g, i, j]) if past else 0.0 for j in range(DV)] for i in range(DK)]
        for t in range(T):
            k = [float(x) for x in d["k"][b, t, g * DK : (g + 1) * DK]]
            v = [float(x) for x in d["v"][b, t, g * DV : (g + 1) * DV]]
            if gated:
                rates = d[decay][b, t]
                S = [[math.exp(float(rates[g * DK + i if decay == "wide_decay" else g])) * x for x in S[i]] for i in range(DK)]
            if delta:
                weight = float(d[beta][b, t, g if beta == "beta" else 0])
                v = [weight * (v[j] - sum(k[i] * S[i][j] for i in range(DK))) for j in range(DV)]
            S = [[S[i][j] + k[i] * v[j] for j in range(DV)] for i in range(DK)]
            for h in range(g * HQ // HK, (g + 1) * HQ // HK):
                q = d["q"][b, t, h * DK : (h + 1) * DK]
                for j in range(DV):
                    output[b, t, h * DV + j] = scale * sum(float(q[i]) * S[i][j] for i in range(DK))
        state[b, g] = S
    return output, state


def call(d: dict[str, Any], rule: str, decay: str = "decay", beta: str = "beta", past: bool = True, **options: Any) -> Any:
    gated, delta = NEEDS[rule]
    extra = (d["past"] if past else None, d[decay] if gated else None, d[beta] if delta else None)
    return run_op("LinearAttention", d["q"], d["k"], d["v"], *extra, update_rule=rule, q_num_heads=HQ, kv_num_heads=HK, **options)


@pytest.mark.parametrize("rule", list(NEEDS))
@pytest.mark.parametrize(("decay", "beta", "past"), [("decay", "beta", True), ("wide_decay", "one_beta", False)])
def test_every_rule_with_each_form_of_decay_and_beta(rule: str, decay: str, beta: str, past: bool) -> None:
    d = data()
    for actual, expected in zip(call(d, rule, decay, beta, past), oracle(d, rule, decay, beta, past, 1 / math.sqrt(DK)), strict=True):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


def test_the_scale_multiplies_the_output_and_the_chunk_size_changes_nothing() -> None:
    d = data()
    output, state = call(d, "gated", scale=2.0, chunk_size=1)
    np.testing.assert_allclose(output, oracle(d, "gated", "decay", "beta", True, 2.0)[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(state, call(d, "gated")[1])


def test_the_state_has_the_type_of_the_past_or_of_the_query() -> None:
    d = {name: x.astype(np.float16) for name, x in data().items()}
    assert [x.dtype for x in call(d, "linear", past=False)] == [np.float16, np.float16]
    assert [x.dtype for x in call(d | {"past": d["past"].astype(np.float32)}, "linear")] == [np.float16, np.float32]


def test_two_calls_that_pass_the_state_on_give_what_one_gives() -> None:
    d = data()
    first = {n: x[:, :1] for n, x in d.items() if n != "past"} | {"past": d["past"]}
    output, state = call(first, "gated_delta", profile="wide")
    rest = {n: x[:, 1:] for n, x in d.items() if n != "past"} | {"past": state.astype(np.float32)}
    whole = call(d, "gated_delta", profile="wide")
    np.testing.assert_allclose(np.concatenate([output, call(rest, "gated_delta", profile="wide")[0]], 1), whole[0], atol=1e-6)


def test_no_tokens_keep_the_state() -> None:
    d = {n: x[:, :0] for n, x in data().items() if n != "past"} | {"past": data()["past"]}
    output, state = call(d, "gated_delta")
    assert output.shape == (B, 0, HQ * DV)
    np.testing.assert_array_equal(state, d["past"])


def test_tokens_count_as_trips_of_a_loop() -> None:
    with pytest.raises(LimitExceeded, match="loop_trips"):
        call(data(), "linear", limits=Limits(loop_trips=2))


@pytest.mark.parametrize(
    ("change", "rule", "text"),
    [
        ({"q": np.zeros((B, T, HQ * DK + 1), np.float32)}, "linear", "are \\(B, T, heads"),
        ({"v": np.zeros((B, T + 1, HK * DV), np.float32)}, "linear", "one batch, one length"),
        ({"past": np.zeros((B, HK, DV, DK), np.float32)}, "linear", "past_state is"),
        ({"decay": np.zeros((B, T, HK + 1), np.float32)}, "gated", "decay and beta are"),
        ({"beta": np.zeros((B, T), np.float32)}, "delta", "decay and beta are"),
    ],
)
def test_rules_of_shapes(change: dict[str, Any], rule: str, text: str) -> None:
    with pytest.raises(RuleViolation, match=text):
        call(data() | change, rule)


def test_rules_of_attributes() -> None:
    d = data()
    inputs = (d["q"], d["k"], d["v"])
    with pytest.raises(RuleViolation, match="update_rule is"):
        run_op("LinearAttention", *inputs, update_rule="square", q_num_heads=HQ, kv_num_heads=HK)
    with pytest.raises(RuleViolation, match="positive multiple"):
        run_op("LinearAttention", *inputs, update_rule="linear", q_num_heads=3, kv_num_heads=2)
    with pytest.raises(RuleViolation, match="needs this input"):
        run_op("LinearAttention", *inputs, update_rule="gated", q_num_heads=HQ, kv_num_heads=HK)
