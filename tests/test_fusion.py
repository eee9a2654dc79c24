"""A kernel and what follows it as one step: the same bits as node by node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refexec
from refexec import Session
from refexec.errors import RuleViolation
from tests.models import session as parsed

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1, 8, 9, 9)).astype(np.float32)
W = RNG.standard_normal((8, 8, 3, 3)).astype(np.float32)
B = RNG.standard_normal(8).astype(np.float32)
R = RNG.standard_normal((1, 8, 7, 7)).astype(np.float32)
INPUTS = "(float[1, 8, H, H] x, float[8, 8, 3, 3] w, float[8] b, float[N, C, P, Q] r) => (float[1, 8, O, O] y)"
BODIES = {
    "relu": "{ c = Conv(x, w, b) y = Relu(c) }",
    "residual": "{ c = Conv(x, w, b) s = Add(c, r) y = Relu(s) }",
    "residual before": "{ c = Conv(x, w, b) s = Add(r, c) y = Relu(s) }",
    "residual alone": "{ c = Conv(x, w) y = Add(c, r) }",
    "clip": "<float low = {-0.5}, float high = {6}> { c = Conv(x, w, b) y = Clip(c, low, high) }",
    "clip from below": "<float low = {0}> { c = Conv(x, w, b) y = Clip(c, low) }",
    "two relus": "{ c = Conv(x, w, b) s = Relu(c) y = Relu(s) }",
    "two convolutions": "{ c = Conv(x, w, b) d = Conv(x, w) s = Add(c, d) y = Relu(s) }",
}
FEEDS = {"x": X, "w": W, "b": B, "r": R}


def sessions(body: str) -> tuple[Session, dict[str, Any]]:
    return parsed(f"{INPUTS} {body}", profile="deterministic"), FEEDS


def observed(session: Session, feeds: dict[str, Any]) -> list[Any]:
    return session.observe(feeds, lambda event: None)


@pytest.mark.parametrize("name", BODIES)
def test_a_run_has_the_bits_of_an_observed_run(name: str) -> None:
    session, feeds = sessions(BODIES[name])
    assert len(session.plan.select(["y"], list(feeds)).steps) < len(session.plan.steps)
    assert session.run(None, feeds)[0].tobytes() == observed(session, feeds)[0].tobytes()


def test_nan_passes_and_zeros_keep_their_sign() -> None:
    session, feeds = sessions(BODIES["residual"])
    x = np.zeros_like(X)
    x[0, 0, 4, 4] = np.nan
    feeds = feeds | {"x": x, "b": np.zeros_like(B), "r": np.full_like(R, -0.0)}
    run, seen = session.run(None, feeds)[0], observed(session, feeds)[0]
    assert np.isnan(run).sum() == 9 * 8
    assert run.tobytes() == seen.tobytes()


def test_a_residual_that_is_broadcast_runs_node_by_node() -> None:
    session, feeds = sessions(BODIES["residual"])
    feeds = feeds | {"r": R[:, :1, :1, :1]}
    (y,) = session.run(None, feeds)
    assert y.shape == (1, 8, 7, 7)
    assert y.tobytes() == observed(session, feeds)[0].tobytes()


def test_a_residual_that_does_not_fit_is_the_error_of_its_node() -> None:
    session, feeds = sessions(BODIES["residual"])
    with pytest.raises(RuleViolation, match="broadcast"):
        session.run(None, feeds | {"r": np.zeros((1, 8, 3, 7), np.float32)})


def test_a_value_that_is_asked_for_or_used_elsewhere_is_kept() -> None:
    session, feeds = sessions(BODIES["residual"])
    c, y = session.run(["c", "y"], feeds)
    assert np.array_equal(np.maximum(0, c + R), y)
    session, feeds = sessions("{ c = Conv(x, w, b) s = Relu(c) y = Add(c, s) }")
    assert session.run(None, feeds)[0].tobytes() == observed(session, feeds)[0].tobytes()


def test_a_bound_that_is_no_constant_is_not_joined() -> None:
    session = parsed(
        "(float[1, 8, H, H] x, float[8, 8, 3, 3] w, float low) => (float[1, 8, O, O] y) { c = Conv(x, w) y = Clip(c, low) }",
        profile="deterministic",
    )
    for low in (0.5, -1.0):
        (y,) = session.run(None, {"x": X, "w": W, "low": np.float32(low)})
        assert y.min() >= low


def test_a_custom_relu_is_not_taken_for_the_standard_one() -> None:
    @refexec.op("Relu", since=14, globally=False)
    def half(X: Any, /) -> Any:
        return X / np.float32(2)

    session = parsed(f"{INPUTS} {BODIES['relu']}", profile="deterministic", ops=[half], override=True)
    assert session.run(None, FEEDS)[0].min() < 0


GELU = (
    "(float[N, C] x, float[M] bias) => (float[N, C] y)"
    " <float root = {1.41421354}, float one = {1}, float half = {0.5}, float two = {2}>"
    " { a = Add(x, bias) d = Div(a, root) e = Erf(d) p = Add(e, one) m = Mul(a, p) y = Mul(m, half) }"
)
NORM = (
    "(float[N, C] x, float[N, K] s) => (float[N, C] y) <float two = {2}, float eps = {1e-5}>"
    " { p = Pow(x, two) q = Add(p, eps) r = Sqrt(q) t = Neg(r) u = Relu(t) v = Exp(t) w = Sub(v, u) y = Mul(w, s) }"
)


@pytest.mark.parametrize("body", [GELU, NORM], ids=["gelu", "norm"])
@pytest.mark.parametrize("shape", [(2, 3), (64, 300), (0, 5), (1, 5000)])
def test_elementwise_steps_in_a_chain_have_the_bits_of_their_nodes(body: str, shape: tuple[int, int]) -> None:
    session = parsed(body, profile="deterministic")
    x = RNG.standard_normal(shape).astype(np.float32)
    if x.size:
        x[0, :2] = np.nan, -0.0
    second = RNG.standard_normal(shape[1]).astype(np.float32) if body is GELU else RNG.standard_normal((shape[0], 1)).astype(np.float32)
    feeds = {"x": x, "bias" if body is GELU else "s": second}
    assert len(session.plan.select(["y"], list(feeds)).steps) < len(session.plan.steps)
    assert session.run(None, feeds)[0].tobytes() == observed(session, feeds)[0].tobytes()


def test_a_value_of_a_chain_that_is_asked_for_is_kept() -> None:
    session = parsed(GELU, profile="deterministic")
    feeds = {"x": RNG.standard_normal((64, 300)).astype(np.float32), "bias": np.zeros(300, np.float32)}
    e, y = session.run(["e", "y"], feeds)
    assert y.tobytes() == observed(session, feeds)[0].tobytes()
    assert np.abs(e).max() <= 1


def test_shapes_of_a_chain_that_do_not_fit_are_the_error_of_their_node() -> None:
    session = parsed(GELU, profile="deterministic")
    with pytest.raises(RuleViolation, match="broadcast"):
        session.run(None, {"x": np.zeros((64, 300), np.float32), "bias": np.zeros(7, np.float32)})


@pytest.mark.parametrize("first", ["Exp(x)", "Softmax(x)", "Pow(x, two)", "ReduceSum(x)", "MatMul(x, x)", "MaxPool<kernel_shape=[2]>(x)"])
def test_no_kernel_forgets_what_follows_it(first: str) -> None:
    body = f"(float[A, B, C] x, float[P, Q, R] r) => (y) <float two = {{2}}> {{ c = {first} s = Add(c, r) y = Relu(s) }}"
    session = parsed(body, profile="deterministic")
    x = RNG.standard_normal((2, 6, 6)).astype(np.float32)
    (c,) = session.run(["c"], {"x": x, "r": x})
    feeds = {"x": x, "r": RNG.standard_normal(c.shape).astype(np.float32)}
    assert session.run(None, feeds)[0].tobytes() == observed(session, feeds)[0].tobytes()


@pytest.mark.parametrize("bias", [(7,), (1, 7), (1, 1, 7)])
@pytest.mark.parametrize("order", ["c, r", "r, c"])
def test_a_row_that_is_added_to_a_product_is_its_bias(bias: tuple[int, ...], order: str) -> None:
    session = parsed(
        f"(float[A, B, 5] x, float[5, 7] w, float[{', '.join('PQR'[: len(bias)])}] r) => (y) {{ c = MatMul(x, w) s = Add({order}) y = Relu(s) }}",
        profile="deterministic", verify_kernels=True,
    )  # fmt: skip
    feeds = {
        "x": RNG.standard_normal((2, 9, 5)).astype(np.float32), "w": RNG.standard_normal((5, 7)).astype(np.float32),
        "r": RNG.standard_normal(bias).astype(np.float32),
    }  # fmt: skip
    site = session.plan.select(["y"], list(feeds)).steps[0].bound.site
    assert site is not None
    assert site.implementation(((2, 9, 5), (5, 7), bias)) == "MatMul"
    assert session.run(None, feeds)[0].tobytes() == observed(session, feeds)[0].tobytes()


def test_a_step_of_several_outputs_is_not_joined() -> None:
    body = "(float[S, N, I] x, float[1, 4, I] w, float[1, 4, 1] r) => (float[S, D, N, 1] y) { a, b, c = LSTM<hidden_size=1>(x, w, r) y = Relu(a) }"
    session = parsed(body, profile="deterministic")
    feeds = {"x": np.ones((2, 1, 1), np.float32), "w": np.ones((1, 4, 1), np.float32), "r": np.ones((1, 4, 1), np.float32)}
    assert session.run(None, feeds)[0].tobytes() == observed(session, feeds)[0].tobytes()
