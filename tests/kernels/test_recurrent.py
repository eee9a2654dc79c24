"""RNN, GRU and LSTM in a kernel: near the definition and a scalar loop, the same bits however they run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec import run_op
from refexec.errors import RuleViolation
from refexec.kernels import recurrent as kernels
from refexec.ops.rnn.recurrent import ACTIVATIONS, recurrence
from refexec.registry import lookup
from refexec.values import round_to
from tests.kernels.compared import check, computed
from tests.models import session
from tests.ops.rnn.loops import recurrent

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
FUNCTIONS = {"RNN": 1, "GRU": 2, "LSTM": 3}


def layer(
    kind: str, steps: int, batch: int, features: int, hidden: int, *, directions: int = 1, layout: int = 0, dtype: Any = np.float32,
    size: float = 0.4, lengths: bool = True,
) -> list[Any]:  # fmt: skip
    rng = np.random.default_rng(steps + batch + features + hidden)

    def noise(*shape: int) -> Any:
        return round_to(rng.standard_normal(shape) * size, np.dtype(dtype))

    g = GATES[kind]
    state = (batch, directions, hidden) if layout else (directions, batch, hidden)
    X = noise(batch, steps, features) if layout else noise(steps, batch, features)
    ends = rng.integers(0, steps + 1, batch).astype(np.int32) if lengths else None
    made = [X, noise(directions, g * hidden, features), noise(directions, g * hidden, hidden), noise(directions, 2 * g * hidden), ends]
    return [*made, noise(*state), noise(*state), noise(directions, 3 * hidden)] if kind == "LSTM" else [*made, noise(*state)]


def lowered(kind: str, inputs: list[Any], attributes: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    lowering = lookup("", kind, 22).lowering
    assert lowering is not None
    made = lowering(attributes, [None if x is None else x.shape for x in inputs])
    return list(made.argument_values(inputs)), dict(made.static)


@st.composite
def calls(draw: st.DrawFn) -> tuple[list[Any], dict[str, Any]]:
    kind = draw(st.sampled_from(["RNN", "GRU", "LSTM"]))
    direction, layout = draw(st.sampled_from(["forward", "reverse", "bidirectional"])), draw(st.integers(0, 1))
    directions = 2 if direction == "bidirectional" else 1
    steps, batch = draw(st.sampled_from([0, 1, 4])), draw(st.sampled_from([0, 1, 3, 7]))
    features, hidden = draw(st.sampled_from([0, 1, 9])), draw(st.sampled_from([1, 5, 16, 21]))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.float16]))
    inputs = layer(kind, steps, batch, features, hidden, directions=directions, layout=layout, dtype=dtype, lengths=draw(st.booleans()))
    if draw(st.booleans()):
        inputs = inputs[:3]
    attributes: dict[str, Any] = {"direction": direction, "layout": layout, "clip": draw(st.sampled_from([None, 0.3]))}
    if draw(st.booleans()):
        some = st.sampled_from(["Tanh", "Sigmoid", "Relu", "HardSigmoid", "Softsign"])  # those that enlarge no error
        attributes["activations"] = [draw(some) for _ in range(FUNCTIONS[kind] * directions)]
    attributes |= {"LSTM": {"input_forget": layout}, "GRU": {"linear_before_reset": layout}}.get(kind, {})
    return lowered(kind, inputs, attributes)


@settings(max_examples=60, deadline=None)
@given(calls())
def test_the_kernel_is_near_the_definition_in_every_layout_and_for_two_threads(call: Any) -> None:
    check(recurrence, *call)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_with_its_parameters(name: str) -> None:
    inputs = layer("RNN", 2, 3, 4, 5, size=1.5)
    arrays, static = lowered("RNN", inputs, {"activations": [name]})
    static["activations"] = (((name, 0.75, 0.5),),)
    check(recurrence, arrays, static)


def test_the_kernel_computes_what_a_scalar_loop_does() -> None:
    inputs = layer("LSTM", 5, 3, 4, 6, directions=2, lengths=False)
    arrays, static = lowered("LSTM", inputs, {"direction": "bidirectional"})
    history = computed(recurrence, arrays, static)
    X, W, R, B, _, h, c, P = inputs
    Y, Y_h, Y_c = recurrent("LSTM", X, W, R, B, P, h, c, reverse=(False, True))
    for got, expected in ((history[:5], Y), (history[5], Y_h), (history[6], Y_c)):
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_sequence_alone_has_the_bits_it_has_in_a_batch_and_steps_may_be_taken_in_parts(kind: str, monkeypatch: Any) -> None:
    inputs = layer(kind, 6, 9, 5, 20, lengths=False)
    arrays, static = lowered(kind, inputs, {"direction": "reverse"})
    whole = computed(recurrence, arrays, static)
    one = [x if x is None or i in (1, 2, 3, 7) else x[:, 4:5] for i, x in enumerate(arrays)]
    assert computed(recurrence, one, static)[:, :, 0].tobytes() == whole[:, :, 4].tobytes()
    monkeypatch.setattr(kernels, "GATE_BYTES", 1)
    assert computed(recurrence, arrays, static).tobytes() == whole.tobytes()


@pytest.mark.parametrize("profile", ["deterministic", "reference"])
def test_a_length_beyond_the_steps_is_refused(profile: str) -> None:
    X, W, R, B, _, h = layer("RNN", 3, 2, 2, 2)
    for lengths in ([1, 4], [-1, 2]):
        with pytest.raises(RuleViolation, match="from 0 to the number of steps"):
            run_op("RNN", X, W, R, B, np.array(lengths, np.int32), h, profile=profile)


def test_constant_weights_are_packed_once_and_another_value_that_is_fed_is_used() -> None:
    s = session(
        "(float[S, 1, 1] x) => (float[S, 1, 1, 1] y) <float[1, 1, 1] w = {1}, float[1, 1, 1] r = {1}>"
        ' { y = RNN<activations=["Relu"], hidden_size=1>(x, w, r) }',
        profile="deterministic",
        verify_kernels=True,
    )
    x = np.array([1, 2, 3], np.float32).reshape(3, 1, 1)
    assert s.run(None, {"x": x})[0].ravel().tolist() == [1, 3, 6]
    assert s.run(None, {"x": x, "r": np.full((1, 1, 1), 2, np.float32)})[0].ravel().tolist() == [1, 4, 11]


def test_what_overflows_in_between_is_computed_by_the_definition_for_that_sequence_alone() -> None:
    X = np.array([[[1e20, 1e20], [2, 1]]], np.float32)
    W, R = np.array([[[1e20, -1e20]]], np.float32), np.zeros((1, 1, 1), np.float32)
    arrays, static = lowered("RNN", [X, W, R], {"activations": ["Affine"]})
    assert computed(recurrence, arrays, static).ravel().tolist() == [0, np.float32(1e20)] * 2
