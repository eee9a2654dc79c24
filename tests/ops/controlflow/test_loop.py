"""Loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refexec
from refexec.errors import LimitExceeded, RuleViolation
from refexec.limits import Limits
from tests.models import session

COUNT = "loop (int64 i, bool c, float s) => (bool c2, float s2, float e) { c2 = Identity(c) s2 = Add(s, x) e = Identity(s2) }"


def test_m_bounds_the_trips_and_scan_outputs_stack() -> None:
    body = f"(int64 m, bool k, float x) => (float y, float[n] es) {{ y, es = Loop (m, k, x) <body = {COUNT}> }}"
    for opset in (8, 11, 13, 16, 19, 21, 23, 24, 25):
        y, es = session(body, opset=f'"" : {opset}').run(None, {"m": np.array(3), "k": np.array(True), "x": np.float32(2)})
        assert (y.item(), es.tolist()) == (8, [4, 6, 8])


def test_scanned_matrices_get_a_new_first_axis() -> None:
    body = "(int64 m, bool k, float[2, 2] x) => (float[n, 2, 2] es) { es = Loop (m, k) <body = b (int64 i, bool c) => (bool c2, float[2, 2] e) { c2 = Identity(c) e = Identity(x) }> }"
    (es,) = session(body).run(None, {"m": np.array(3), "k": np.array(True), "x": np.eye(2, dtype=np.float32)})
    assert es.shape == (3, 2, 2)


def test_without_the_input_cond_the_condition_of_the_body_is_ignored() -> None:
    double = (
        "(int64 m, float x) => (float y) { y = Loop (m, , x) <body = b (int64 i, bool c, float v) => (bool c, float w) { w = Add(v, v) }> }"
    )
    assert session(double).run(None, {"m": np.array(3), "x": np.float32(3)})[0] == 24
    never = double.replace("(bool c, float w) {", "(bool n, float w) { n = Not(c)")
    assert session(never).run(None, {"m": np.array(3), "x": np.float32(3)})[0] == 24


def test_without_m_the_condition_alone_decides() -> None:
    until = "(float x, bool k) => (float y, int64[n] is) { l = Constant <value_float = 10.0> () y, is = Loop ( , k, x) <body = b (int64 i, bool c, float v) => (bool c2, float w, int64 j) { w = Add(v, v) c2 = Less(w, l) j = Identity(i) }> }"
    y, trips = session(until).run(None, {"x": np.float32(3), "k": np.array(True)})
    assert (y.item(), trips.tolist()) == (12, [0, 1])
    with pytest.raises(RuleViolation, match="a loop has M or cond"):
        session(until.replace(", k, x", ", , x")).run(None, {"x": np.float32(3), "k": np.array(True)})


def test_the_condition_after_the_body_decides_and_the_one_before_may_forbid_the_first_trip() -> None:
    body = "(int64 m, bool k, float x) => (float y, float[n] es) { y, es = Loop (m, k, x) <body = b (int64 i, bool c, float v) => (bool c2, float w, float w) { c2 = Not(c) w = Add(v, v) }> }"
    s = session(body)
    assert [v.tolist() for v in s.run(None, {"m": np.array(5), "k": np.array(True), "x": np.float32(1)})] == [2, [2]]
    assert [v.tolist() for v in s.run(None, {"m": np.array(5), "k": np.array(False), "x": np.float32(1)})] == [1, []]


def test_no_trip_gives_empty_stacks_of_the_declared_shape_and_type() -> None:
    body = '(int64 m, bool c0) => (int32[n, 2, k] a, string[n] b) { a, b = Loop (m, c0) <body = b (int64 i, bool c) => (bool c, int32[2, k] p, string q) { p = Constant <value = int32[2, 3] {1, 2, 3, 4, 5, 6}> () q = Constant <value_string = "x"> () }> }'
    a, b = session(body).run(None, {"m": np.array(0), "c0": np.array(True)})
    assert (a.shape, a.dtype, b.shape, b.dtype) == ((0, 2, 0), np.int32, (0,), object)
    a, b = session(body).run(None, {"m": np.array(2), "c0": np.array(True)})
    assert (a.shape, b.tolist()) == ((2, 2, 3), ["x", "x"])


def test_sequences_are_carried() -> None:
    body = "(int64 m, float[1] x) => (seq(float[1]) y) { e = SequenceEmpty () y = Loop (m, , e) <body = b (int64 i, bool c, seq(float[1]) s) => (bool c, seq(float[1]) t) { t = SequenceInsert(s, x) }> }"
    (y,) = session(body).run(None, {"m": np.array(2), "x": np.array([5], np.float32)})
    assert [v.tolist() for v in y] == [[5], [5]]


def test_carried_values_may_change_their_shape() -> None:
    body = "(int64 m, float[n] x) => (float[k] y) { y = Loop (m, , x) <body = b (int64 i, bool c, float[a] v) => (bool c, float[b] w) { w = Concat <axis = 0> (v, x) }> }"
    assert session(body).run(None, {"m": np.array(2), "x": np.array([1], np.float32)})[0].tolist() == [1, 1, 1]


def test_body_inputs_without_types_have_those_of_what_they_get() -> None:
    body = "(int64 m, float x) => (float y) { y = Loop (m, , x) <body = b (i, c, v) => (c, w) { w = Add(v, v) }> }"
    assert session(body).run(None, {"m": np.array(2), "x": np.float32(3)})[0] == 12


def test_inner_loops_capture_from_every_outer_graph() -> None:
    inner = "r = Loop (m, , v) <body = b2 (int64 j, bool d, float u) => (bool d, float z) { p = Add(u, x) q = Cast <to = 1> (i) z = Add(p, q) }>"
    body = (
        f"(int64 m, float x) => (float y) {{ y = Loop (m, , x) <body = b (int64 i, bool c, float v) => (bool c, float r) {{ {inner} }}> }}"
    )
    assert session(body).run(None, {"m": np.array(2), "x": np.float32(1)})[0] == 1 + 2 * 1 + 2 * (1 + 1)


def test_the_wide_profile_stacks_wide_values() -> None:
    body = f"(int64 m, float x) => (float y, float[n] es) {{ y, es = Loop (m, , x) <body = {COUNT}> }}"
    for m, expected in ((2, [4.0, 6.0]), (0, [])):
        es = session(body, profile="wide").run(None, {"m": np.array(m), "x": np.float32(2)})[1]
        assert es.dtype == np.float64 and es.tolist() == expected


def test_scan_outputs_have_one_shape() -> None:
    body = "(int64 m, float[n] x) => (float[k] y, float[a, b] z) { y, z = Loop (m, , x) <body = b (int64 i, bool c, float[a] v) => (bool c, float[b] w, float[b] w) { w = Concat <axis = 0> (v, x) }> }"
    with pytest.raises(RuleViolation, match="one shape in all trips"):
        session(body).run(None, {"m": np.array(2), "x": np.array([1], np.float32)})


def test_the_body_has_an_output_for_each_carried_value() -> None:
    body = "(int64 m, float x) => (float y) { y = Loop (m, , x) <body = b (int64 i, bool c, float v) => (bool c) { w = Add(v, v) }> }"
    with pytest.raises(RuleViolation, match="each value it carries"):
        session(body).run(None, {"m": np.array(2), "x": np.float32(1)})


@refexec.op("Anything", domain="test.loop", since=1, globally=False)
def anything(x: Any, /) -> Any:
    """A result whose type is known only from its value."""
    return x


def test_the_type_of_a_scan_output_is_known_without_a_trip() -> None:
    body = "(int64 m, bool k, float x) => (z) { z = Loop (m, k) <body = b (int64 i, bool c) => (c, w) { w = test.loop.Anything(x) }> }"
    s = session(body, opset='"" : 21, "test.loop" : 1', ops=[anything])
    feeds = {"k": np.array(True), "x": np.float32(1)}
    assert s.run(None, {"m": np.array(2), **feeds})[0].tolist() == [1, 1]
    with pytest.raises(RuleViolation, match="known when no trip is made"):
        s.run(None, {"m": np.array(0), **feeds})


def test_trips_are_limited() -> None:
    body = "(float x, bool k) => (float y) { y = Loop ( , k, x) <body = b (int64 i, bool c, float v) => (bool c, float w) { w = Identity(v) }> }"
    with pytest.raises(LimitExceeded, match="loop_trips"):
        session(body, limits=Limits(loop_trips=50)).run(None, {"x": np.float32(1), "k": np.array(True)})
