"""SequenceMap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refexec
from refexec.errors import RuleViolation
from tests.models import session

A, B = np.array([1, 2], np.float32), np.array([3], np.float32)


def test_the_body_runs_on_each_item() -> None:
    body = "(seq(float[n]) s) => (seq(float[n]) t, seq(int64[m]) u) { t, u = SequenceMap (s) <body = b (float[n] x) => (float[n] y, int64[m] z) { y = Neg(x) z = Shape(x) }> }"
    t, u = session(body).run(None, {"s": [A, B]})
    assert ([v.tolist() for v in t], [v.tolist() for v in u]) == ([[-1, -2], [-3]], [[2], [1]])


def test_more_sequences_and_tensors_in_any_order_and_captured_names() -> None:
    body = "(seq(float[n]) s, float[1] k, seq(float[n]) r, float[1] c) => (seq(float[n]) t) { t = SequenceMap (s, k, r) <body = b (float[n] x, float[1] y, float[n] z) => (float[n] w) { p = Mul(x, y) q = Add(p, z) w = Sub(q, c) }> }"
    feeds = {"s": [A, B], "k": np.array([10], np.float32), "r": [A, A[:1]], "c": np.array([5], np.float32)}
    (t,) = session(body).run(None, feeds)
    assert [v.tolist() for v in t] == [[6, 17], [26]]


def test_an_empty_sequence_gives_an_empty_one_of_the_bodys_type() -> None:
    body = "() => (seq(int64[m]) t) { s = SequenceEmpty () t = SequenceMap (s) <body = b (float[n] x) => (int64[m] z) { z = Shape(x) }> }"
    s = session(body)
    assert str(s.outputs[0].type) == "seq(tensor(int64))" and s.run(None, {}) == [[]]


def test_body_inputs_without_types_have_those_of_the_items() -> None:
    body = "(seq(float[n]) s, float[1] k) => (seq(float[n]) t) { t = SequenceMap (s, k) <body = b (x, y) => (w) { w = Mul(x, y) }> }"
    assert session(body).run(None, {"s": [B], "k": B})[0][0].tolist() == [9]


def test_the_wide_profile_maps_wide_values() -> None:
    body = "(seq(float[n]) s) => (seq(float[n]) t) { t = SequenceMap (s) <body = b (float[n] x) => (float[n] y) { y = Exp(x) }> }"
    ((t,),) = session(body, profile="wide").run(None, {"s": [B]})
    assert t.dtype == np.float64 and abs(t[0] - 20.085536923187668) < 1e-14


def test_all_sequences_have_one_length() -> None:
    body = "(seq(float[n]) s, seq(float[n]) r) => (seq(float[n]) t) { t = SequenceMap (s, r) <body = b (float[n] x, float[n] y) => (float[n] z) { z = Add(x, y) }> }"
    with pytest.raises(RuleViolation, match="the length of the first"):
        session(body).run(None, {"s": [A, A], "r": [A]})


@refexec.op("Anything", domain="test.map", since=1, globally=False)
def anything(x: Any, /) -> Any:
    """A result whose type is known only from its value."""
    return x


def test_the_type_of_the_bodys_results_is_known() -> None:
    body = "(seq(float[n]) s) => (t) { t = SequenceMap (s) <body = b (float[n] x) => (y) { y = test.map.Anything(x) }> }"
    with pytest.raises(RuleViolation, match="what the body returns is known"):
        session(body, opset='"" : 21, "test.map" : 1', ops=[anything]).run(None, {"s": [A]})
