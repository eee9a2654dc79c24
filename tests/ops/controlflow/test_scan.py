"""Scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec.errors import RuleViolation
from tests.models import session

SUM = "body = b (float s, float x) => (float t, float e) { t = Add(s, x) e = Identity(t) }"
X = np.array([1, 2, 3], np.float32)


def scanned(attributes: str, *, body: str = SUM, opset: int = 16, s: Any = 0, x: Any = X) -> tuple[Any, Any]:
    s, x = np.asarray(s, np.float32), np.asarray(x, np.float32)
    dims = ", ".join("abcd"[: s.ndim]), ", ".join("pqrs"[: x.ndim])
    types = [f"float[{d}]" if d else "float" for d in dims]
    text = f"({types[0]} s0, {types[1]} xs) => (float t1, float es) {{ t1, es = Scan <{body}, num_scan_inputs = 1{attributes}> (s0, xs) }}"
    return tuple(session(text.replace("float t1, float es", "t1, es"), opset=f'"" : {opset}').run(None, {"s0": s, "xs": x}))


@pytest.mark.parametrize("opset", [9, 11, 16, 19, 21, 23, 24, 25])
def test_the_state_runs_along_the_input_and_scanned_values_stack(opset: int) -> None:
    t, es = scanned("", opset=opset)
    assert (t.item(), es.tolist()) == (6, [1, 3, 6])


def test_directions_turn_input_and_output() -> None:
    assert scanned(", scan_input_directions = [1]")[1].tolist() == [3, 5, 6]
    assert scanned(", scan_output_directions = [1]")[1].tolist() == [6, 3, 1]
    assert scanned(", scan_input_directions = [1], scan_output_directions = [1]")[1].tolist() == [6, 5, 3]


VECTORS = "body = b (float[n] s, float[n] x) => (float[n] t, float[n] e) { t = Add(s, x) e = Identity(t) }"


@pytest.mark.parametrize("axis", [1, -1])
def test_axes_of_input_and_output(axis: int) -> None:
    x = np.array([[1, 2, 3], [10, 20, 30]], np.float32)
    t, es = scanned(f", scan_input_axes = [{axis}], scan_output_axes = [{axis}]", body=VECTORS, s=[0, 0], x=x)
    assert (t.tolist(), es.tolist()) == ([6, 60], [[1, 3, 6], [10, 30, 60]])
    assert scanned(f", scan_input_axes = [{axis}]", body=VECTORS, s=[0, 0], x=x)[1].tolist() == [[1, 10], [3, 30], [6, 60]]


def test_scan_inputs_and_outputs_may_differ_in_number_and_states_may_be_missing() -> None:
    body = "(float[n] a, float[n] b) => (float[n] y) { y = Scan <body = g (float p, float q) => (float r) { r = Sub(p, q) }, num_scan_inputs = 2, scan_input_directions = [0, 1]> (a, b) }"
    assert session(body).run(None, {"a": X, "b": X})[0].tolist() == [-2, 0, 2]
    body = "(float s, float[n] a) => (float t) { t = Scan <body = g (float p, float q) => (float r) { r = Mul(p, q) }, num_scan_inputs = 1> (s, a) }"
    assert session(body).run(None, {"s": np.float32(2), "a": X})[0] == 12


def test_zero_length_keeps_the_state_and_gives_an_empty_output() -> None:
    t, es = scanned("", s=5, x=[])
    assert (t.item(), es.shape) == (5, (0,))
    body = "body = b (float[2] s, float[2] x) => (float[2] t, float[2] e) { t = Add(s, x) e = Identity(t) }"
    _, es = scanned(", scan_input_axes = [1], scan_output_axes = [1]", body=body, s=[1, 2], x=np.zeros((2, 0)))
    assert es.shape == (2, 0)


def test_the_body_captures_outer_names() -> None:
    body = "(float k, float[n] a) => (float[n] y) { y = Scan <body = g (float p) => (float r) { r = Mul(p, k) }, num_scan_inputs = 1> (a) }"
    assert session(body).run(None, {"k": np.float32(2), "a": X})[0].tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    ("attributes", "options", "rule"),
    [
        (", scan_input_axes = [1]", {}, "axis is in"),
        (", scan_output_axes = [1]", {}, "axis is in"),
        (", scan_input_axes = [0, 0]", {}, "one entry per scan input or output"),
        (", scan_input_directions = [2]", {}, "a direction is 0 or 1"),
        ("", {"body": "body = b (float s, float x) => () { t = Add(s, x) }"}, "each value it carries"),
    ],
)
def test_rules_of_attributes_and_body(attributes: str, options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        scanned(attributes, **options)


def test_the_number_of_scan_inputs_is_in_range_and_their_lengths_agree() -> None:
    body = "(float[n] a, float[m] b) => (y) { y = Scan <body = g (float p, float q) => (float r) { r = Sub(p, q) }, num_scan_inputs = COUNT> (a, b) }"
    with pytest.raises(RuleViolation, match="counts the last inputs"):
        session(body.replace("COUNT", "0")).run(None, {"a": X, "b": X})
    with pytest.raises(RuleViolation, match="one length"):
        session(body.replace("COUNT", "2")).run(None, {"a": X, "b": X[:2]})


# Version 8


def batched(lengths: Any, x: Any, *, s: Any = (0, 0), directions: str = "", body: str = SUM) -> tuple[Any, Any]:
    text = f"(int64[b] n, float[c] s0, float[{', '.join('pqrs'[: np.ndim(x)])}] xs) => (t1, es) {{ t1, es = Scan <{body}, num_scan_inputs = 1{directions}> ({'n' if lengths is not None else ''}, s0, xs) }}"
    feeds = {"n": np.array([0] if lengths is None else lengths), "s0": np.array(s, np.float32), "xs": np.array(x, np.float32)}
    return tuple(session(text, opset='"" : 8').run(None, feeds))


PAIR = [[1, 2, 3], [4, 5, 6]]


def test_version_8_scans_each_sample_along_axis_1() -> None:
    t, es = batched(None, PAIR)
    assert (t.tolist(), es.tolist()) == ([6, 15], [[1, 3, 6], [4, 9, 15]])


def test_version_8_ends_each_sample_at_its_length_and_pads_with_zeros() -> None:
    t, es = batched([1, 2], PAIR)
    assert (t.tolist(), es.tolist()) == ([1, 9], [[1, 0, 0], [4, 9, 0]])
    t, es = batched([0, 3], PAIR, s=[7, 0])
    assert (t.tolist(), es.tolist()) == ([7, 15], [[0, 0, 0], [4, 9, 15]])


def test_version_8_turned_starts_at_the_last_element_of_the_sample() -> None:
    t, es = batched([1, 2], PAIR, directions=", directions = [1]")
    assert (t.tolist(), es.tolist()) == ([1, 9], [[1, 0, 0], [5, 9, 0]])


def test_version_8_with_an_empty_batch_or_no_steps() -> None:
    t, es = batched(None, np.zeros((0, 3)), s=np.zeros(0))
    assert (t.shape, es.shape) == ((0,), (0, 3))
    t, es = batched(None, np.zeros((2, 0)), s=[1, 2])
    assert (t.tolist(), es.shape) == ([1, 2], (2, 0))


@pytest.mark.parametrize(
    ("lengths", "x", "options", "rule"),
    [
        (None, [1, 2], {}, "a batch axis and a scan axis"),
        (None, PAIR, {"s": [0, 0, 0]}, "states have the batch size"),
        ([1], PAIR, {}, "one length per sample"),
        ([1, 4], PAIR, {}, "lengths are from 0"),
        (None, PAIR, {"directions": ", directions = [1, 1]"}, "one entry per scan input"),
    ],
)
def test_rules_of_version_8(lengths: Any, x: Any, options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        batched(lengths, x, **options)


def test_scan_inputs_of_version_8_have_one_batch_and_length() -> None:
    body = "(float[a, b] x, float[c, d] z) => (y) { y = Scan <body = g (float p, float q) => (float r) { r = Sub(p, q) }, num_scan_inputs = 2> ( , x, z) }"
    with pytest.raises(RuleViolation, match="one batch size and one length"):
        session(body, opset='"" : 8').run(None, {"x": np.zeros((2, 3), np.float32), "z": np.zeros((2, 2), np.float32)})


def test_scan_outputs_of_version_8_have_one_shape_over_all_samples() -> None:
    body = "(float[b, c] s, float[b, n] xs, int64[one] i) => (t, es) { t, es = Scan <num_scan_inputs = 1, body = g (float[k] p, float x) => (float[m] q, float[m] q) { r = Reshape(x, i) q = Concat <axis = 0> (p, r) }> ( , s, xs) }"
    feeds = {"s": np.zeros((2, 1), np.float32), "xs": np.array(PAIR, np.float32), "i": np.array([1])}
    with pytest.raises(RuleViolation, match="one shape in all trips"):
        session(body, opset='"" : 8').run(None, feeds)


@pytest.mark.parametrize(
    ("declared", "fits"), [("float[1]", True), ("float[n]", True), ("float[2]", False), ("float", False), ("float[1, 1]", False)]
)
def test_elements_have_the_shape_that_the_body_declares(declared: str, fits: bool) -> None:
    body = f"body = b (float[1] s, {declared} x) => (float[1] t, float[1] e) {{ t = Add(s, x) e = Identity(t) }}"
    if fits:
        assert scanned("", body=body, s=[0], x=[[1], [2]])[1].tolist() == [[1], [3]]
    else:
        with pytest.raises(RuleViolation, match="the shape that the body declares"):
            scanned("", body=body, s=[0], x=[[1], [2]])


def test_text_scanned_by_version_8_is_text() -> None:
    text = """(string[1, 2] xs) => (ys) {
        ys = Scan <body = b (string x) => (string y) { y = Identity(x) }, num_scan_inputs = 1> (, xs)
    }"""
    (ys,) = session(text, opset='"" : 8').run(None, {"xs": np.array([["a", "b"]], object)})
    assert ys.tolist() == [["a", "b"]] and all(isinstance(v, str) for v in ys.flat)
