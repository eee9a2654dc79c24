"""Adagrad, Adam, Momentum: one step of gradient descent for any number of tensors at once."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.ops.common import scalar
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def groups(inputs, count):
    """The inputs in ``count`` groups of equal length: tensors, gradients, states; one tuple per tensor."""
    require(len(inputs) % count == 0, "the inputs are tensors, their gradients and their states, as many of each", inputs=len(inputs))
    n = len(inputs) // count
    made = list(zip(*(inputs[k * n : (k + 1) * n] for k in range(count)), strict=True))
    for one in made:
        require(len({x.shape for x in one}) == 1, "a tensor, its gradient and its states have one shape", shapes=[x.shape for x in one])
    return made


def same_types(groups_in, groups_out):
    """``result_types`` of an optimizer: the tensors, then their states but for the gradients."""

    def types(attributes, inputs):
        n = (len(inputs) - 2) // groups_in
        return (*inputs[2 : 2 + n], *inputs[2 + 2 * n : 2 + (groups_out + 1) * n])

    return types


def flat(results):
    """One tuple per tensor as the list of outputs: all new tensors, then all new states of each kind."""
    return tuple(x for kind in zip(*results, strict=True) for x in kind)


def regularized(X, G, norm_coefficient):
    """The gradient with that of 0.5 * norm_coefficient * |X|^2 added."""
    return norm_coefficient * X + G


def steps_bound(count, bound):
    """A bound over all tensors from one of a single tensor: ``bound(attributes, u, R, T, inputs, outputs) -> errors``."""

    def optimizer_bound(call: Call):
        R, T, *inputs = call.inputs
        n = len(inputs) // count
        u, tiny = unit_roundoff(call.elements[0].dtype), smallest_subnormal(call.elements[0].dtype)
        found = [bound(call.attributes, u, abs(R.item()), int(T.item()), inputs[i::n], call.outputs[i::n]) for i in range(n)]
        return tuple(error + tiny for error in flat(found))

    return rounded(optimizer_bound)


def adagrad_errors(attributes, u, R, T, inputs, outputs):
    X, G, H = map(np.abs, inputs)
    gradient = abs(attributes["norm_coefficient"]) * X + G
    update = R * gradient / (np.sqrt(np.abs(outputs[1])) + attributes["epsilon"])
    return 4 * u * (X + np.abs(outputs[0])) + 12 * u * update, 8 * u * (H + gradient**2)


def adam_errors(attributes, u, R, T, inputs, outputs):
    X, G, V, H = map(np.abs, inputs)
    alpha, beta = attributes["alpha"], attributes["beta"]
    gradient = abs(attributes["norm_coefficient"]) * X + G
    V = abs(alpha) * V + abs(1 - alpha) * gradient
    H = abs(beta) * H + abs(1 - beta) * gradient**2
    powers = [(T + 2) * abs(c**T / (1 - c**T)) if T > 0 else 0.0 for c in (alpha, beta)]  # relative error of 1 - c**T, in u
    R = R * np.sqrt(abs(1 - beta**T)) / abs(1 - alpha**T) if T > 0 else R
    update = R * V / (np.sqrt(np.abs(outputs[2])) + attributes["epsilon"])
    return 8 * u * (X + np.abs(outputs[0])) + (24 + sum(powers)) * u * update, 8 * u * V, 8 * u * H


def momentum_errors(attributes, u, R, T, inputs, outputs):
    X, G, V = map(np.abs, inputs)
    gradient = abs(attributes["norm_coefficient"]) * X + G
    V = abs(attributes["alpha"]) * V + max(1.0, abs(attributes["beta"])) * gradient
    return 4 * u * (X + np.abs(outputs[0])) + 12 * u * R * (gradient + (1 + abs(attributes["alpha"])) * V), 8 * u * V


DOMAIN = "ai.onnx.preview.training"


@op(
    "Adagrad", since=1, domain=DOMAIN, arithmetic="rounded", compare=steps_bound(3, adagrad_errors), result_types=same_types(3, 2),
)  # fmt: skip
def adagrad_1(R, T, /, *inputs, decay_factor=0.0, epsilon=1e-6, norm_coefficient=0.0):
    """H' = H + G^2, X' = X - R / (1 + T * decay_factor) * G / (sqrt(H') + epsilon), with the regularised gradient G.

    Inputs are all X, then all G, then all H; outputs all X', then all H'.
    """
    rate = scalar(R, "R") / (1 + scalar(T, "T") * decay_factor)

    def step(X, G, H):
        G = regularized(X, G, norm_coefficient)
        H = H + G * G
        return X - rate * G / (np.sqrt(H) + epsilon), H

    return flat([step(*one) for one in groups(inputs, 3)])


@op("Adam", since=1, domain=DOMAIN, arithmetic="rounded", compare=steps_bound(4, adam_errors), result_types=same_types(4, 3))
def adam_1(R, T, /, *inputs, alpha=0.9, beta=0.999, epsilon=1e-6, norm_coefficient=0.0, norm_coefficient_post=0.0):
    """V' = alpha V + (1 - alpha) G, H' = beta H + (1 - beta) G^2, X' = (1 - post) * (X - r V' / (sqrt(H') + epsilon)).

    G is the regularised gradient; r = R sqrt(1 - beta^T) / (1 - alpha^T), or R when T is 0. Inputs are all X, then all G,
    V and H; outputs all X', then all V' and H'.
    """
    rate, count = scalar(R, "R"), scalar(T, "T")
    if count > 0:
        rate = rate * np.sqrt(1 - np.float64(beta) ** count) / (1 - np.float64(alpha) ** count)

    def step(X, G, V, H):
        G = regularized(X, G, norm_coefficient)
        V = alpha * V + (1 - alpha) * G
        H = beta * H + (1 - beta) * G * G
        return (1 - norm_coefficient_post) * (X - rate * V / (np.sqrt(H) + epsilon)), V, H

    return flat([step(*one) for one in groups(inputs, 4)])


@op("Momentum", since=1, domain=DOMAIN, arithmetic="rounded", compare=steps_bound(3, momentum_errors), result_types=same_types(3, 2))
def momentum_1(R, T, /, *inputs, alpha, beta, mode, norm_coefficient):
    """V' = alpha V + beta G (G alone when T is 0), X' = X - R V', in mode "nesterov" X' = X - R (G + alpha V').

    G is the regularised gradient. Inputs are all X, then all G, then all V; outputs all X', then all V'.
    """
    require(mode in ("standard", "nesterov"), "mode is standard or nesterov", mode=mode)
    rate, weight = scalar(R, "R"), beta if scalar(T, "T") > 0 else 1.0

    def step(X, G, V):
        G = regularized(X, G, norm_coefficient)
        V = alpha * V + weight * G
        return X - rate * (V if mode == "standard" else G + alpha * V), V

    return flat([step(*one) for one in groups(inputs, 3)])
