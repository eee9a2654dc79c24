"""Adagrad, Adam, Momentum: hand-computed steps, several tensors at once, rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import run_op
from refexec.comparison import Call
from refexec.errors import RuleViolation
from refexec.registry import lookup
from refexec.types import element_type

DOMAIN = "ai.onnx.preview.training"


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def step(name: str, R: Any, T: int, *inputs: Any, **attributes: Any) -> Any:
    count = len(inputs) // (4 if name == "Adam" else 3)
    return run_op(name, np.float32(R), np.int64(T), *inputs, domain=DOMAIN, outputs=count * (3 if name == "Adam" else 2), **attributes)


def test_adagrad() -> None:
    # r = 0.5 / (1 + 2 * 0.5) = 0.25; G = 0.5 * 2 + 3 = 4; H = 9 + 16 = 25; X = 2 - 0.25 * 4 / (5 + 3) = 1.875
    X, H = step("Adagrad", 0.5, 2, f32(2), f32(3), f32(9), decay_factor=0.5, epsilon=3.0, norm_coefficient=0.5)
    assert (X.item(), H.item()) == (1.875, 25)


def test_adagrad_defaults() -> None:
    X, H = step("Adagrad", 1, 5, f32(2), f32(3), f32(16))
    assert (X.item(), H.item()) == (np.float32(2 - 3 / (5 + float(np.float32(1e-6)))), 25)


def test_adam() -> None:
    # G = 0.5 * 2 + 3 = 4; V = 0.5 * 2 + 0.5 * 4 = 3; H = 0.75 * 4 + 0.25 * 16 = 7; r = sqrt(1 - 0.75 ** 2) / (1 - 0.5 ** 2)
    X, V, H = step(
        "Adam", 1, 2, f32(2), f32(3), f32(2), f32(4), alpha=0.5, beta=0.75, epsilon=1.0, norm_coefficient=0.5, norm_coefficient_post=0.5
    )
    rate = math.sqrt(1 - 0.75**2) / (1 - 0.5**2)
    assert (V.item(), H.item()) == (3, 7)
    assert X.item() == np.float32(0.5 * (2 - rate * 3 / (math.sqrt(7) + 1)))


def test_adam_takes_the_plain_rate_when_no_update_was_made() -> None:
    X, V, H = step("Adam", 0.5, 0, f32(2), f32(3), f32(0), f32(0), alpha=0.0, beta=0.0, epsilon=0.0)
    assert (X.item(), V.item(), H.item()) == (1.5, 3, 9)


def test_momentum_and_nesterov() -> None:
    # G = 0.5 * 4 + 1 = 3; V = 0.5 * 2 + 0.25 * 3 = 1.75
    options = {"alpha": 0.5, "beta": 0.25, "norm_coefficient": 0.5}
    X, V = step("Momentum", 2, 1, f32(4), f32(1), f32(2), mode="standard", **options)
    assert (X.item(), V.item()) == (4 - 2 * 1.75, 1.75)
    X, V = step("Momentum", 2, 1, f32(4), f32(1), f32(2), mode="nesterov", **options)
    assert (X.item(), V.item()) == (4 - 2 * (3 + 0.5 * 1.75), 1.75)


def test_momentum_weighs_the_first_gradient_with_1() -> None:
    X, V = step("Momentum", 1, 0, f32(4), f32(1), f32(2), mode="standard", alpha=0.5, beta=0.25, norm_coefficient=0.0)
    assert (X.item(), V.item()) == (2, 2)


@pytest.mark.parametrize(("name", "states"), [("Adagrad", 1), ("Adam", 2), ("Momentum", 1)])
def test_several_tensors_are_updated_as_each_alone(name: str, states: int) -> None:
    options: dict[str, Any] = {"alpha": 0.5, "beta": 0.5, "mode": "nesterov", "norm_coefficient": 0.25} if name == "Momentum" else {}
    a, b = [f32(1, 2), *[f32(k, 3) for k in range(1, 2 + states)]], [f32(5), *[f32(k + 4) for k in range(1, 2 + states)]]
    both = step(name, 0.5, 3, *[x for pair in zip(a, b, strict=True) for x in pair], **options)
    alone = [step(name, 0.5, 3, *inputs, **options) for inputs in (a, b)]
    expected = [x for pair in zip(*alone, strict=True) for x in pair]
    assert [x.tolist() for x in both] == [x.tolist() for x in expected]


def test_the_rate_may_have_another_type_than_the_tensors() -> None:
    X, H = run_op("Adagrad", np.float64(1), np.int64(0), f32(2), f32(3), f32(16), domain=DOMAIN, outputs=2)
    assert X.dtype == H.dtype == np.float32


def plain_step(name: str, R: Any, T: Any, X: Any, G: Any, *states: Any, norm_coefficient: Any, **a: Any) -> tuple[Any, ...]:
    """One step of the formulas of the specification in float32."""
    one = np.float32(1)
    G = norm_coefficient * X + G
    if name == "Adagrad":
        H = states[0] + G * G
        return X - R / (one + T * a["decay_factor"]) * G / (np.sqrt(H) + a["epsilon"]), H
    if name == "Momentum":
        V = a["alpha"] * states[0] + a["beta"] * G
        return X - R * (G + a["alpha"] * V), V
    V = a["alpha"] * states[0] + (one - a["alpha"]) * G
    H = a["beta"] * states[1] + (one - a["beta"]) * G * G
    rate = R * np.sqrt(one - a["beta"] ** T) / (one - a["alpha"] ** T)
    return (one - a["norm_coefficient_post"]) * (X - rate * V / (np.sqrt(H) + a["epsilon"])), V, H


@pytest.mark.parametrize(("name", "states"), [("Adagrad", 1), ("Adam", 2), ("Momentum", 1)])
def test_a_plain_float32_step_is_inside_the_declared_bound(name: str, states: int) -> None:
    rng = np.random.default_rng(3)
    own: dict[str, dict[str, Any]] = {
        "Adagrad": {"decay_factor": 0.1, "epsilon": 1e-6},
        "Adam": {"alpha": 0.9, "beta": 0.999, "epsilon": 1e-6, "norm_coefficient_post": 0.1},
        "Momentum": {"alpha": 0.9, "beta": 0.8, "mode": "nesterov"},
    }
    attributes = own[name] | {"norm_coefficient": 0.3}
    tensors = [rng.standard_normal(500).astype(np.float32) for _ in range(2)] + [
        np.abs(rng.standard_normal((states, 500))).astype(np.float32)[k] for k in range(states)
    ]
    operator = lookup(DOMAIN, name, 1)
    scalars = (np.float32(0.5), np.int64(3))
    narrow = {k: np.float32(v) if isinstance(v, float) else v for k, v in attributes.items()}
    plain = plain_step(name, *(scalars[0], np.float32(3)), *tensors, **narrow)
    truth = run_op(name, *scalars, *tensors, domain=DOMAIN, outputs=1 + states, profile="wide", **attributes)
    wide = tuple(np.asarray(x, np.float64) if np.asarray(x).dtype.kind == "f" else np.asarray(x) for x in (*scalars, *tensors))
    assert operator.comparison is not None and operator.comparison.bound is not None
    bounds = operator.comparison.bound(Call(wide, attributes, truth, (element_type("float32"),) * (1 + states), lambda *x, **k: truth))
    for p, t, b in zip(plain, truth, bounds, strict=True):
        assert p.dtype == np.float32 and 0.01 < (np.abs(p - t) / b).max() < 1


@pytest.mark.parametrize(
    ("inputs", "options", "rule"),
    [
        ([f32(1), f32(1), f32(1), f32(1)], {}, "as many of each"),
        ([f32(1), f32(1, 2), f32(1)], {}, "have one shape"),
        ([f32(1), f32(1), f32(1)], {"mode": "fast"}, "standard or nesterov"),
    ],
)
def test_rules(inputs: list[Any], options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        step("Momentum", 1, 0, *inputs, **({"alpha": 0.5, "beta": 0.5, "norm_coefficient": 0.0, "mode": "standard"} | options))


def test_the_rate_is_one_number() -> None:
    with pytest.raises(RuleViolation, match="one element"):
        run_op("Adagrad", f32(1, 2), np.int64(0), f32(1), f32(1), f32(1), domain=DOMAIN, outputs=2)
