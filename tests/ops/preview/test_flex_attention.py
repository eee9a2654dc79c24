"""FlexAttention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec.errors import RuleViolation
from tests.models import session

OPSET = '"" : 21, "ai.onnx.preview" : 1'
SCORES = np.log(np.array([1, 3], np.float32)).reshape(1, 1, 2, 1)  # as keys: with a query of 1 the weights are 1/4 and 3/4
ONE = np.ones((1, 1, 1, 1), np.float32)
V = np.array([[8, 1], [16, 2]], np.float32).reshape(1, 1, 2, 2)


def flex(attributes: str = "", q: Any = ONE, k: Any = SCORES, v: Any = V, kind: str = "float", profile: str = "reference") -> Any:
    types = ", ".join(f"{kind}[{', '.join(f'{n}{i}' for i in range(x.ndim))}] {n}" for n, x in (("q", q), ("k", k), ("v", v)))
    s = session(
        f"({types}) => ({kind}[a, b, c, d] y) {{ y = ai.onnx.preview.FlexAttention {attributes} (q, k, v) }}", opset=OPSET, profile=profile
    )
    return s.run(None, {"q": q, "k": k, "v": v})[0]


def modifier(name: str, body: str, kind: str = "float") -> str:
    return f"<{name} = m ({kind}[a, b, c, d] x) => ({kind}[a, b, c, d] z) {{ {body} }}>"


def near(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual.ravel(), expected, rtol=3e-7)


def test_without_modifiers_it_is_attention() -> None:
    near(flex(), [0.25 * 8 + 0.75 * 16, 0.25 + 0.75 * 2])


def test_the_scale_multiplies_the_scores_and_is_1_over_the_root_of_the_head_size() -> None:
    near(flex("<scale = 2.0>"), [0.1 * 8 + 0.9 * 16, 0.1 + 0.9 * 2])
    q, k = np.full((1, 1, 1, 4), 0.5, np.float32), np.repeat(SCORES, 4, axis=3)
    near(flex(q=q, k=k), [0.25 * 8 + 0.75 * 16, 0.25 + 0.75 * 2])


def test_score_mod_changes_scores_and_prob_mod_probabilities() -> None:
    near(flex(modifier("score_mod", "z = Neg(x)")), [0.75 * 8 + 0.25 * 16, 0.75 + 0.25 * 2])
    near(flex(modifier("prob_mod", "z = Add(x, x)")), [2 * (0.25 * 8 + 0.75 * 16), 2 * (0.25 + 0.75 * 2)])


def test_modifiers_run_in_float32_for_narrow_inputs_and_in_softmax_precision() -> None:
    q, k, v = (x.astype(np.float16) for x in (ONE, SCORES, V))
    y = flex(modifier("score_mod", "z = Identity(x)"), q, k, v, kind="float16")
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.ravel().astype(float), [14, 1.75], rtol=1e-3)
    double = modifier("score_mod", "z = Identity(x)", "double").replace("<score", "<softmax_precision = 11, score")
    near(flex(double), [14, 1.75])


def test_float64_inputs_are_computed_in_float64() -> None:
    q, v = (x.astype(np.float64) for x in (ONE, V))
    k = np.array([0, math.log(3)]).reshape(1, 1, 2, 1)
    np.testing.assert_allclose(
        flex(modifier("score_mod", "z = Identity(x)", "double"), q, k, v, kind="double").ravel(), [14, 1.75], rtol=1e-15
    )


def test_consecutive_query_heads_share_keys_and_values() -> None:
    q = np.array([1, 1, 0, 0], np.float32).reshape(1, 4, 1, 1)
    k, v = np.concatenate([SCORES, SCORES], axis=1), np.concatenate([V, -V], axis=1)
    near(flex(q=q, k=k, v=v), [14, 1.75, 14, 1.75, -12, -1.5, -12, -1.5])


def test_the_wide_profile_stays_wide_through_modifiers() -> None:
    y = flex(modifier("score_mod", "z = Neg(x)"), profile="wide")
    a, b = (math.exp(-float(s)) for s in SCORES.ravel())
    assert y.dtype == np.float64
    np.testing.assert_allclose(y.ravel(), [(8 * a + 16 * b) / (a + b), (a + 2 * b) / (a + b)], rtol=1e-14)


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        ("<score_mod = m (float[a, b, c, d] x) => (float[a, b, c, d] z, float[a, b, c, d] x) { z = Neg(x) }>", "has one output"),
        ("<score_mod = m (float[a, b, c, d] x) => (double[a, b, c, d] z) { z = Cast <to = 11> (x) }>", "keeps the element type"),
        ("<prob_mod = m (float[a, b, c, d] x) => (float[e, f] z) { z = Flatten(x) }>", "keeps the shape"),
    ],
)
def test_rules_of_modifiers(attributes: str, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        flex(attributes)


def test_inputs_have_rank_4() -> None:
    with pytest.raises(RuleViolation, match="Q, K and V are"):
        flex(q=ONE[0])
