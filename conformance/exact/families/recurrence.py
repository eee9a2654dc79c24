"""The equations of RNN, GRU and LSTM, for one sequence in one direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from conformance.exact import reals
from conformance.exact.samples import single

__all__ = ["ALPHA", "BETA", "DEFAULTS", "GATES", "Activation", "Cell", "Vector", "consumed", "run"]

Vector = list[Fraction]
Function = Callable[[Fraction], Fraction]
GATES = {"RNN": "i", "GRU": "zrh", "LSTM": "iofc"}
DEFAULTS = {"RNN": ("Tanh",), "GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh", "Tanh")}
ONE, ZERO = Fraction(1), Fraction(0)


ALPHA = {"Affine": None, "LeakyRelu": single("0.01"), "ThresholdedRelu": ONE, "ScaledTanh": None, "HardSigmoid": single("0.2"), "Elu": ONE}
"""Of the functions that have an alpha: the default, None where no operator of the name has one."""
BETA = {"Affine": None, "ScaledTanh": None, "HardSigmoid": Fraction(1, 2)}


@dataclass(frozen=True)
class Activation:
    name: str
    alpha: Fraction = ZERO
    beta: Fraction = ZERO

    def __call__(self, x: Fraction) -> Fraction:
        a, b = self.alpha, self.beta
        match self.name:
            case "Relu":
                return max(ZERO, x)
            case "Tanh":
                return reals.tanh(x)
            case "Sigmoid":
                return reals.sigmoid(x)
            case "Affine":
                return a * x + b
            case "LeakyRelu":
                return x if x >= 0 else a * x
            case "ThresholdedRelu":
                return x if x >= a else ZERO
            case "ScaledTanh":
                return a * reals.tanh(b * x)
            case "HardSigmoid":
                return min(max(a * x + b, ZERO), ONE)
            case "Elu":
                return x if x >= 0 else a * reals.expm1(x)
            case "Softsign":
                return x / (1 + abs(x))
            case "Softplus":
                return reals.softplus(x)
        raise ValueError(self.name)


def consumed(names: Sequence[str], alphas: Sequence[Fraction], betas: Sequence[Fraction]) -> list[Activation]:
    """The functions with their constants: each takes the next alpha and the next beta if it has such a constant, else the default."""
    left_alphas, left_betas = list(alphas), list(betas)

    def take(name: str, left: list[Fraction], table: Mapping[str, Fraction | None]) -> Fraction:
        if name not in table:
            return ZERO
        value = left.pop(0) if left else table[name]
        if value is None:
            raise ValueError(f"{name} has no default")
        return value

    return [Activation(n, take(n, left_alphas, ALPHA), take(n, left_betas, BETA)) for n in names]


def short(x: Fraction) -> Fraction:
    """To eighty decimals, so that fractions do not grow from step to step."""
    return Fraction(round(x * 10**80), 10**80)


def matrix(rows: Sequence[Vector], by: Vector) -> Vector:
    return [sum((a * b for a, b in zip(row, by, strict=True)), ZERO) for row in rows]


@dataclass(frozen=True)
class Cell:
    """The weights of one direction, by gate."""

    op: str
    w: Mapping[str, Sequence[Vector]]
    r: Mapping[str, Sequence[Vector]]
    wb: Mapping[str, Vector]
    rb: Mapping[str, Vector]
    p: Mapping[str, Vector]
    functions: Sequence[Activation]
    clip: Fraction | None = None
    linear_before_reset: bool = False
    input_forget: bool = False

    def apply(self, which: int, values: Vector) -> Vector:
        """An activation, after its input was clipped."""
        bound = self.clip
        inner = values if bound is None else [max(-bound, min(bound, v)) for v in values]
        return [short(self.functions[which](v)) for v in inner]

    def total(self, gate: str, x: Vector, h: Vector, *more: Vector) -> Vector:
        """W x + R h + Wb + Rb + ..."""
        parts = [matrix(self.w[gate], x), matrix(self.r[gate], h), self.wb[gate], self.rb[gate], *more]
        return [sum(column, ZERO) for column in zip(*parts, strict=True)]

    def step(self, x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
        if self.op == "RNN":
            return self.apply(0, self.total("i", x, h)), c
        return (self._gru(x, h), c) if self.op == "GRU" else self._lstm(x, h, c)

    def _gru(self, x: Vector, h: Vector) -> Vector:
        z, r = self.apply(0, self.total("z", x, h)), self.apply(0, self.total("r", x, h))
        if self.linear_before_reset:
            inner = [rt * (m + b) for rt, m, b in zip(r, matrix(self.r["h"], h), self.rb["h"], strict=True)]
            new = [a + b + i for a, b, i in zip(matrix(self.w["h"], x), self.wb["h"], inner, strict=True)]
        else:
            new = self.total("h", x, times(r, h))
        return [(1 - zt) * n + zt * old for zt, n, old in zip(z, self.apply(1, new), h, strict=True)]

    def _lstm(self, x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
        i = self.apply(0, self.total("i", x, h, times(self.p["i"], c)))
        f = [1 - v for v in i] if self.input_forget else self.apply(0, self.total("f", x, h, times(self.p["f"], c)))
        new = self.apply(1, self.total("c", x, h))
        state = [ft * old + it * n for ft, old, it, n in zip(f, c, i, new, strict=True)]
        o = self.apply(0, self.total("o", x, h, times(self.p["o"], state)))
        return times(o, self.apply(2, state)), [short(v) for v in state]


def times(a: Vector, b: Vector) -> Vector:
    return [short(v * w) for v, w in zip(a, b, strict=True)]


def run(cell: Cell, xs: Sequence[Vector], h: Vector, c: Vector, *, reverse: bool) -> tuple[list[Vector], Vector, Vector]:
    """The hidden state after each step, in the order of the sequence, then the last hidden and cell state."""
    found: list[Vector] = [[] for _ in xs]
    for t in reversed(range(len(xs))) if reverse else range(len(xs)):
        h, c = cell.step(xs[t], h, c)
        found[t] = h
    return found, h, c
