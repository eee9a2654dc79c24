"""Comparisons with the real onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

from refexec.diff.compare import compare
from tests.runtimes.models import DIVIDE, LEAST, parsed, with_initializers

pytest.importorskip("onnxruntime")


def perceptron() -> object:
    generator = np.random.default_rng(1)
    arrays = {"w1": (64, 32), "b1": (32,), "w2": (32, 10), "b2": (10,)}
    model = parsed(
        "g (float[N, 64] x) => (float[N, 10] y) "
        "{ m = MatMul(x, w1) a = Add(m, b1) r = Relu(a) q = Gemm(r, w2, b2) y = Softmax<axis = -1>(q) }"
    )
    return with_initializers(model, **{n: generator.standard_normal(s).astype(np.float32) for n, s in arrays.items()})


def test_a_perceptron_agrees_with_optimizations_off_and_on() -> None:
    report = compare(perceptron(), dims={"N": 8})
    assert report.agrees
    assert [m.outcome for m in report.modes] == ["ran", "ran"]
    assert [m.seen for m in report.modes] == [5, 5]
    ratios = [c.ratio for row in report.rows for c in row.columns.values()]
    assert all(r is not None and r <= 1 for r in ratios)
    assert any(ratios)


def test_the_reference_runtime_has_one_mode() -> None:
    report = compare(perceptron(), against="onnx.reference")
    assert report.agrees
    assert [m.name for m in report.modes] == ["run"]


def test_half_precision_that_onnxruntime_keeps_wide_is_found() -> None:
    # 60000 + 60000 is infinite in float16, and so is inf - 60000. onnxruntime computes the pair in float32 and gives 60000.
    report = compare(parsed("g (float16[1] x) => (float16[1] y) { a = Add(x, x) y = Sub(a, x) }"), {"x": np.array([60000], np.float16)})
    assert report.outcome == "diverge"
    assert report.first == 1
    total = report.rows[1].columns["off"].total
    assert total is not None
    assert total.inf == (1, 0)
    assert total.worst == ("[0]", "inf", "60000.0")


def test_a_crash_is_a_verdict_with_the_signal() -> None:
    report = compare(parsed(DIVIDE), LEAST)
    assert report.outcome == "crashed"
    assert not report.agrees
    assert "SIGFPE" in report.verdict
    assert [m.outcome for m in report.modes] == ["crashed", "crashed"]


def test_a_refusal_is_a_verdict_with_the_message() -> None:
    # A complex type is valid ONNX; onnxruntime has none.
    model = parsed("g (complex64[2] x) => (complex64[2] y) { y = Identity(x) }")
    report = compare(model, {"x": np.array([1j, 2], np.complex64)})
    assert report.outcome == "refused"
    assert "complex64" in report.verdict


def test_strings_sequences_and_subgraphs_are_compared() -> None:
    model = parsed(
        """g (string[2] s, float[2] x, bool c) => (string[2] t, seq(float[2]) q, float[2] y) {
          t = Identity(s) q = SequenceConstruct(x, x)
          y = If(c) <then_branch = a () => (float[2] u) { u = Sigmoid(x) }, else_branch = b () => (float[2] v) { v = Identity(x) }>
        }"""
    )
    feeds = {"s": np.array(["a", "b"], object), "x": np.array([0.5, -1], np.float32), "c": np.array(True)}
    report = compare(model, feeds)
    assert report.agrees
    assert [row.output for row in report.rows] == ["t", "q", "y"]
    assert report.rows[1].dtype == "seq(float32)"
