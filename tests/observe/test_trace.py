"""Traces and steps: every node, loop trips, early end, errors, tables."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from refexec.errors import RuleViolation
from refexec.observe.trace import summary
from tests.models import session

LOOP = """(int64 trips, float[1] start) => (float[1] last, float[K, 1] all) <bool go = {1}> {
    last, all = Loop (trips, go, start) <body = b (int64 i, bool c, float[1] v) => (bool c2, float[1] v2, float[1] s) {
        c2 = Identity(c) v2 = Add(v, v) s = Identity(v2) }> }"""
FEEDS = {"trips": np.array(3), "start": np.array([1], np.float32)}


def test_a_trace_has_an_event_per_node_and_trip_in_execution_order() -> None:
    trace = session(LOOP).trace(FEEDS)
    assert [(e.node.path, e.trips) for e in trace] == [
        (f"main/0:Loop/body/{n}", (trip,)) for trip in range(3) for n in ("0:Identity", "1:Add", "2:Identity")
    ] + [("main/0:Loop", ())]
    assert trace["last"].tolist() == [8]
    assert trace.outputs["all"].ravel().tolist() == [2, 4, 8]
    with pytest.raises(KeyError):
        trace["nope"]


def test_observing_gives_the_same_bits_as_running() -> None:
    s = session(LOOP)
    assert [v.tobytes() for v in s.run(None, FEEDS)] == [v.tobytes() for v in s.trace(FEEDS).outputs.values()]


def test_a_trace_runs_nodes_that_no_output_needs() -> None:
    trace = session("(float[1] x) => (float[1] y) { y = Relu(x) unused = Add(x, x) }").trace({"x": np.ones(1, np.float32)})
    assert [e.node.op_type for e in trace] == ["Relu", "Add"]


def test_steps_can_be_left_early_and_leave_no_thread() -> None:
    before = threading.active_count()
    for event in session(LOOP).steps(FEEDS):
        if event.node.op_type == "Add":
            break
    assert threading.active_count() == before
    assert len(list(session(LOOP).steps(FEEDS))) == 10


def test_an_error_of_the_run_is_raised_where_the_next_event_would_come() -> None:
    s = session("(float[2] x, int64[1] shape) => (float[N] y) { a = Add(x, x) y = Reshape(a, shape) }")
    steps = s.steps({"x": np.zeros(2, np.float32), "shape": np.array([3])})
    assert next(steps).node.op_type == "Add"
    with pytest.raises(RuleViolation, match="same number of elements"):
        next(steps)


def test_tables_fit_their_width_and_html_is_escaped() -> None:
    trace = session("(float[1] x) => (float[1] y) { y = Relu(x) }").trace({"x": np.array([np.nan], np.float32)})
    assert all(len(line) <= 80 for line in trace.to_text().splitlines())
    assert "nan=1" in trace.to_text()
    assert "<script>" not in trace._repr_html_()
    assert trace.to_json()["rows"][0]["op"] == "Relu-14"


def test_a_summary_counts_what_is_not_finite() -> None:
    found = summary(np.array([1, np.nan, np.inf, -2], np.float32))
    assert (found.type, found.shape, found.least, found.most, found.nan, found.inf) == ("float32", (4,), -2, 1, 1, 1)
    assert summary(np.array([], np.float32)).least is None
    assert summary(np.array(["a"], object)).type == "string"
    assert summary(np.array([np.nan])).most is None
    assert summary([1]).shape is None
    assert summary(np.array([3 + 4j])).most == 5


def test_the_margin_of_a_decision_is_recorded_in_the_wide_profile() -> None:
    body = "(float[2] x, float[2] z) => (bool[2] y) { y = Equal(x, z) }"
    feeds = {"x": np.array([1, 2], np.float32), "z": np.array([1, 2.5], np.float32)}
    (event,) = session(body, profile="wide").trace(feeds)
    assert event.margin.tolist() == [0, 0.5]
    assert session(body).trace(feeds).events[0].margin is None
