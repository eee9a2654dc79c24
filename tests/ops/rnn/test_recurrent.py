"""RNN, GRU and LSTM: layouts, lengths, directions, clipping, peepholes, versions and rules."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import refexec
from refexec.errors import LimitExceeded, RuleViolation
from refexec.limits import Limits
from tests.ops.rnn.loops import recurrent, sigmoid

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
KINDS = pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
S, N, F, H = 4, 3, 2, 2  # steps, batch, features, hidden
LENGTHS = np.array([4, 0, 2], np.int32)


def data(kind: str, directions: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    g = GATES[kind]
    shapes = {
        "X": (S, N, F), "W": (directions, g * H, F), "R": (directions, g * H, H), "B": (directions, 2 * g * H),
        "h0": (directions, N, H), "c0": (directions, N, H), "P": (directions, 3 * H),
    }  # fmt: skip
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def call(kind: str, d: dict[str, Any], lengths: Any = None, **options: Any) -> Any:
    inputs = [d["X"], d["W"], d["R"], d.get("B"), lengths, d.get("h0")]
    if kind == "LSTM":
        inputs += [d.get("c0"), d.get("P")]
    return refexec.run_op(kind, *inputs, **options)


def oracle(kind: str, d: dict[str, Any], lengths: Any = None, **options: Any) -> Any:
    lstm = kind == "LSTM"
    extra: dict[str, Any] = {"P": d.get("P"), "c0": d.get("c0")} if lstm else {}
    Y, Y_h, Y_c = recurrent(kind, d["X"], d["W"], d["R"], d.get("B"), h0=d.get("h0"), lengths=lengths, **extra, **options)
    return (Y, Y_h, Y_c) if lstm else (Y, Y_h)


def close(actual: Any, expected: Any) -> None:
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, e, rtol=2e-6, atol=2e-7)


@KINDS
@pytest.mark.parametrize("opset", [7, 14, 22])
def test_one_direction_with_every_input(kind: str, opset: int) -> None:
    d = data(kind)
    close(call(kind, d, hidden_size=H, opset=opset), oracle(kind, d))


@KINDS
def test_absent_bias_and_states_are_zero(kind: str) -> None:
    d = {name: value for name, value in data(kind).items() if name in "XWR"}
    close(call(kind, d), oracle(kind, d))


@KINDS
def test_sequences_that_have_ended_keep_their_state_and_give_zeros(kind: str) -> None:
    d = data(kind, 2)
    results = call(kind, d, LENGTHS, direction="bidirectional")
    close(results, oracle(kind, d, LENGTHS.tolist(), reverse=(False, True)))
    assert not results[0][2:, :, 2].any()
    np.testing.assert_array_equal(results[1][:, 1], d["h0"][:, 1])


@KINDS
def test_reverse_starts_at_the_last_element(kind: str) -> None:
    d = data(kind)
    close(call(kind, d, direction="reverse"), oracle(kind, d, reverse=(True,)))


@KINDS
def test_layout_1_puts_the_batch_first_everywhere(kind: str) -> None:
    d = data(kind, 2)
    turned = d | {name: d[name].swapaxes(0, 1) for name in ("X", "h0", "c0")}
    Y, *states = call(kind, turned, direction="bidirectional", layout=1)
    expected, *last = oracle(kind, d, reverse=(False, True))
    close([Y, *states], [expected.transpose(2, 0, 1, 3), *(s.swapaxes(0, 1) for s in last)])


@KINDS
def test_clip_bounds_the_argument_of_every_activation(kind: str) -> None:
    d = data(kind)
    close(call(kind, d, clip=0.25), oracle(kind, d, clip=0.25))


def test_clip_bounds_the_argument_of_the_output_activation_of_an_lstm() -> None:
    # f = sigmoid(0) = 0.5 everywhere: C = 0.5 * 5 + 0 = 2.5, and the output is 0.5 * tanh(0.5), not 0.5 * tanh(2.5)
    zero = np.zeros((1, 4, 1), np.float32)
    Y, _, Y_c = refexec.run_op(
        "LSTM", np.zeros((1, 1, 1), np.float32), zero, zero, None, None, None, np.full((1, 1, 1), 5, np.float32), clip=0.5
    )
    assert (Y.item(), Y_c.item()) == (np.float32(0.5 * math.tanh(0.5)), 2.5)


def test_linear_before_reset_puts_the_bias_inside_the_reset() -> None:
    d = data("GRU")
    close(call("GRU", d, linear_before_reset=1), oracle("GRU", d, linear=True))


def test_input_forget_couples_the_gates_of_an_lstm() -> None:
    d = data("LSTM")
    close(call("LSTM", d, input_forget=1), oracle("LSTM", d, forget=True))


def test_each_direction_has_its_own_activations() -> None:
    d = data("GRU", 2)
    names = ["Sigmoid", "Relu", "HardSigmoid", "Tanh"]
    functions = [sigmoid, lambda x: max(x, 0.0), lambda x: min(max(0.2 * x + 0.5, 0.0), 1.0), math.tanh]
    close(call("GRU", d, direction="bidirectional", activations=names), oracle("GRU", d, reverse=(False, True), functions=functions))


@pytest.mark.parametrize(
    ("name", "alpha", "beta", "function"),
    [
        ("Relu", None, None, lambda x: max(x, 0.0)),
        ("tanh", None, None, math.tanh),
        ("Sigmoid", None, None, sigmoid),
        ("Affine", None, None, lambda x: x),
        ("Affine", 2.0, 0.5, lambda x: 2 * x + 0.5),
        ("LeakyRelu", None, None, lambda x: x if x >= 0 else float(np.float32(0.01)) * x),
        ("LeakyRelu", 0.5, None, lambda x: x if x >= 0 else 0.5 * x),
        ("ThresholdedRelu", None, None, lambda x: x if x >= 1 else 0.0),
        ("ThresholdedRelu", 0.5, None, lambda x: x if x >= 0.5 else 0.0),
        ("ScaledTanh", 0.5, 2.0, lambda x: 0.5 * math.tanh(2 * x)),
        ("HardSigmoid", 0.5, 0.25, lambda x: min(max(0.5 * x + 0.25, 0.0), 1.0)),
        ("Elu", None, None, lambda x: x if x >= 0 else math.expm1(x)),
        ("Elu", 2.0, None, lambda x: x if x >= 0 else 2 * math.expm1(x)),
        ("Softsign", None, None, lambda x: x / (1 + abs(x))),
        ("Softplus", None, None, lambda x: math.log1p(math.exp(x))),
    ],
)
def test_activations_by_name_and_parameters(name: str, alpha: float | None, beta: float | None, function: Any) -> None:
    x = np.array([-2, -0.5, 0, 0.5, 1, 3], np.float32).reshape(1, 6, 1)
    options: dict[str, Any] = {"activation_alpha": alpha and [alpha], "activation_beta": beta and [beta]}
    one, zero = np.ones((1, 1, 1), np.float32), np.zeros((1, 1, 1), np.float32)
    Y, _ = refexec.run_op("RNN", x, one, zero, activations=[name], **options)
    np.testing.assert_allclose(Y.ravel(), [function(v) for v in x.ravel().tolist()], rtol=1e-7, atol=0)


def test_parameters_go_in_order_to_the_activations_that_have_them() -> None:
    # LSTM: f = Sigmoid takes none, g = LeakyRelu takes 0.5, h = Affine takes 3 and 0.25. All gates are sigmoid(0) = 0.5.
    W = np.array([0, 0, 0, 1], np.float32).reshape(1, 4, 1)
    Y, _, Y_c = refexec.run_op(
        "LSTM", np.full((1, 1, 1), -2, np.float32), W, np.zeros((1, 4, 1), np.float32),
        activations=["Sigmoid", "LeakyRelu", "Affine"], activation_alpha=[0.5, 3.0], activation_beta=[0.25],
    )  # fmt: skip
    assert (Y_c.item(), Y.item()) == (0.5 * -1.0, 0.5 * (3 * -0.5 + 0.25))


def test_the_default_activations_of_an_rnn_name_two_directions_and_serve_one() -> None:
    Y, Y_h = refexec.run_op("RNN", np.ones((1, 1, 1), np.float32), *[np.full((1, 1, 1), 0.5, np.float32)] * 2, activations=["Tanh", "Tanh"])
    assert Y.item() == Y_h.item() == np.float32(math.tanh(0.5))


@KINDS
@pytest.mark.parametrize("opset", [1, 3])
def test_first_versions_say_with_an_attribute_that_y_is_wanted(kind: str, opset: int) -> None:
    d = data(kind)
    close(call(kind, d, output_sequence=1, opset=opset), oracle(kind, d))


def test_gru_1_takes_its_misspelt_default_direction_as_forward() -> None:
    d = data("GRU")
    close(call("GRU", d, opset=1), oracle("GRU", d))
    close(call("GRU", d, direction="reverse", opset=1), oracle("GRU", d, reverse=(True,)))


@KINDS
def test_a_node_that_lists_only_y_gets_it(kind: str) -> None:
    d = data(kind)
    close([call(kind, d, outputs=1)], oracle(kind, d)[:1])


@KINDS
def test_no_steps_give_an_empty_y_and_the_initial_state(kind: str) -> None:
    d = data(kind)
    d["X"] = d["X"][:0]
    Y, Y_h, *_ = call(kind, d)
    assert Y.shape == (0, 1, N, H)
    np.testing.assert_array_equal(Y_h, d["h0"])


@KINDS
def test_bfloat16_is_computed_wide_and_rounded_once(kind: str) -> None:
    d = {name: value.astype(ml_dtypes.bfloat16) for name, value in data(kind).items()}
    for actual, exact in zip(call(kind, d), oracle(kind, d), strict=True):
        assert actual.dtype == ml_dtypes.bfloat16
        np.testing.assert_array_equal(actual.astype(np.float32), exact.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float32))


def test_the_wide_profile_keeps_float64() -> None:
    d = data("LSTM")
    for actual, exact in zip(call("LSTM", d, profile="wide"), oracle("LSTM", d), strict=True):
        assert actual.dtype == np.float64
        np.testing.assert_allclose(actual, exact, rtol=1e-12, atol=1e-14)


def changed(**values: Any) -> dict[str, Any]:
    return data("GRU") | values


@pytest.mark.parametrize(
    ("inputs", "options", "rule"),
    [
        (changed(X=np.zeros((S, N), np.float32)), {}, "X is \\(steps, batch, features\\)"),
        (changed(W=np.zeros((6, F), np.float32)), {}, "W and R have rank 3"),
        ({}, {"direction": "backward"}, "direction is forward"),
        ({}, {"hidden_size": 3}, "hidden_size is that of R"),
        (changed(W=np.zeros((1, 3 * H, F + 1), np.float32)), {}, "W is \\(directions"),
        (changed(R=np.zeros((1, 2 * H, H), np.float32)), {}, "R is \\(directions"),
        (changed(h0=np.zeros((2, N, H), np.float32)), {}, "an initial state is"),
        ({}, {"lengths": np.array([1, 2], np.int32)}, "one length per sequence"),
        ({}, {"lengths": np.array([1, 2, 5], np.int32)}, "lengths are from 0"),
        ({}, {"activations": ["Sigmoid"]}, "one name per function and direction"),
        ({}, {"activations": ["Sigmoid", "Gelu"]}, "those the specification names"),
    ],
)
def test_rules_of_recurrent_layers(inputs: dict[str, Any], options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        call("GRU", inputs or data("GRU"), **options)


@KINDS
def test_the_shape_of_the_bias_is_checked(kind: str) -> None:
    with pytest.raises(RuleViolation, match="B is \\(directions"):
        call(kind, data(kind) | {"B": np.zeros((1, H), np.float32)})


def test_the_shape_of_the_peepholes_is_checked() -> None:
    with pytest.raises(RuleViolation, match="P is \\(directions"):
        call("LSTM", data("LSTM") | {"P": np.zeros((1, H), np.float32)})


def test_steps_count_as_trips_of_a_loop() -> None:
    with pytest.raises(LimitExceeded, match="loop_trips"):
        call("GRU", data("GRU"), limits=Limits(loop_trips=3))
