"""RNN, GRU and LSTM.

Before version 7 the equations write Ht-1*R where later ones write Ht-1*(R^T): there the matrices are symmetric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from conformance.exact.families.recurrence import ALPHA, BETA, DEFAULTS, GATES, Cell, Vector, consumed, run
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

SEQUENCE, BATCH, INPUT, HIDDEN = 3, 2, 2, 2
ZERO = Fraction(0)


@dataclass(frozen=True)
class Setting:
    """What a node is given."""

    direction: str | None = "forward"
    biases: bool = True
    initial: bool = True
    peepholes: bool = False
    lengths: tuple[int, ...] | None = None
    activations: tuple[str, ...] | None = None
    alphas: tuple[Fraction, ...] = ()
    betas: tuple[Fraction, ...] = ()
    clip: Fraction | None = None
    linear_before_reset: int | None = None
    input_forget: int | None = None
    layout: int | None = None
    asked: tuple[bool, bool, bool] = (True, True, True)
    sized: bool = True
    large: int = 1
    """How much larger the initial states are."""

    @property
    def directions(self) -> int:
        return 2 if self.direction == "bidirectional" else 1


def number(*at: int, over: int = 16) -> Fraction:
    """A small number that depends on all indices."""
    seed = 0
    for i in at:
        seed = (seed * 7 + 5 * i + 3) % 31
    return Fraction(seed - 15, over)


def block(*shape: int, seed: int, over: int = 16) -> Any:
    """Nested lists of numbers."""

    def build(at: tuple[int, ...]) -> Any:
        return number(seed, *at, over=over) if len(at) == len(shape) else [build((*at, i)) for i in range(shape[len(at)])]

    return build(())


@dataclass(frozen=True)
class Weights:
    """As nested lists: per direction, gates along the first axis."""

    w: Any
    r: Any
    b: Any
    p: Any

    @classmethod
    def of(cls, op: str, directions: int, symmetric: bool) -> Weights:
        rows = len(GATES[op]) * HIDDEN
        r = block(directions, rows, HIDDEN, seed=2)
        if symmetric:
            for matrix in r:
                for start in range(0, rows, HIDDEN):
                    matrix[start][1] = matrix[start + 1][0]
        return cls(block(directions, rows, INPUT, seed=1), r, block(directions, 2 * rows, seed=3), block(directions, 3 * HIDDEN, seed=4))

    def cell(self, op: str, d: int, setting: Setting) -> Cell:
        gates = GATES[op]
        zeros = [ZERO] * HIDDEN

        def cut(rows: Sequence[Any], names: str) -> dict[str, Any]:
            return {g: rows[i * HIDDEN : (i + 1) * HIDDEN] for i, g in enumerate(names)}

        none = dict.fromkeys(gates, zeros)
        half = len(gates) * HIDDEN
        names = setting.activations or DEFAULTS[op] * setting.directions
        each = len(DEFAULTS[op])
        functions = consumed(names, setting.alphas, setting.betas)[d * each : (d + 1) * each]
        return Cell(op, cut(self.w[d], gates), cut(self.r[d], gates),
                    cut(self.b[d][:half], gates) if setting.biases else none, cut(self.b[d][half:], gates) if setting.biases else none,
                    cut(self.p[d], "iof") if setting.peepholes else dict.fromkeys("iof", zeros), functions, setting.clip,
                    bool(setting.linear_before_reset), bool(setting.input_forget))  # fmt: skip


def turned(nested: Any) -> Any:
    """The first two axes the other way round."""
    return [list(column) for column in zip(*nested, strict=True)]


def node(op: str, t: str, since: int, setting: Setting) -> Case:
    """All directions and sequences, put together."""
    d_count, length = setting.directions, setting.lengths or (SEQUENCE,) * BATCH
    weights = Weights.of(op, d_count, since < 7)
    x = block(SEQUENCE, BATCH, INPUT, seed=5, over=8)
    h0, c0 = (
        [[[v * setting.large for v in row] for row in plane] for plane in block(d_count, BATCH, HIDDEN, seed=s, over=8)] for s in (6, 7)
    )
    if not setting.initial:
        h0 = c0 = [[[ZERO] * HIDDEN for _ in range(BATCH)] for _ in range(d_count)]
    y: Any = [[[[ZERO] * HIDDEN for _ in range(BATCH)] for _ in range(d_count)] for _ in range(SEQUENCE)]
    last_h: list[list[Vector]] = [[] for _ in range(d_count)]
    last_c: list[list[Vector]] = [[] for _ in range(d_count)]
    for d in range(d_count):
        cell = weights.cell(op, d, setting)
        for n in range(BATCH):
            steps, h, c = run(
                cell, [x[s][n] for s in range(length[n])], h0[d][n], c0[d][n], reverse=d == 1 or setting.direction == "reverse"
            )
            for s, vector in enumerate(steps):
                y[s][d][n] = vector
            last_h[d].append(h)
            last_c[d].append(c)
    if setting.layout:
        x, h0, c0, last_h, last_c = (turned(v) for v in (x, h0, c0, last_h, last_c))
        y = [[[y[s][d][n] for d in range(d_count)] for s in range(SEQUENCE)] for n in range(BATCH)]
    given = [x, weights.w, weights.r, weights.b if setting.biases else None]
    inputs: list[Any] = [None if v is None else Tensor.of(t, v) for v in given]
    inputs.append(Tensor("int32", (BATCH,), length) if setting.lengths else None)
    if setting.initial:
        inputs += [Tensor.of(t, h0), *([Tensor.of(t, c0)] if op == "LSTM" else [])]
    if setting.peepholes:
        inputs += [None] * (7 - len(inputs)) + [Tensor.of(t, weights.p)]
    outputs = [Tensor.of(t, v) if ask else None for v, ask in zip((y, last_h, last_c), setting.asked, strict=True)]
    made = Case(inputs, outputs if op == "LSTM" else outputs[:2], attributes(setting, since))
    if op == "GRU" and t == "double":
        return replace(made, ulps=128, why="(1 - zt) ht and zt Ht-1 nearly cancel, and no type is wider than double")
    return made


def attributes(setting: Setting, since: int) -> dict[str, Any]:
    return {
        "hidden_size": HIDDEN if setting.sized else None, "direction": setting.direction, "layout": setting.layout,
        "linear_before_reset": setting.linear_before_reset, "input_forget": setting.input_forget,
        "activations": list(setting.activations) if setting.activations else None,
        "activation_alpha": [float(v) for v in setting.alphas] or None, "activation_beta": [float(v) for v in setting.betas] or None,
        "clip": setting.clip,
        "output_sequence": int(setting.asked[0]) if since < 7 else None,
    }  # fmt: skip


def usual_settings(op: str) -> list[Setting]:
    """For every type: nothing optional, and everything."""
    lstm = op == "LSTM"
    return [
        Setting(None, biases=False, initial=False),
        Setting(peepholes=lstm),
        Setting("bidirectional", peepholes=lstm, lengths=(3, 2)),
    ]


def directed(op: str, since: int) -> list[Setting]:
    """Directions, lengths, layouts, and outputs that are not asked for."""
    found = [Setting(d, lengths=n) for d in ("forward", "reverse", "bidirectional") for n in (None, (1, 3), (2, 2))]
    found += [Setting(asked=(True, since < 3 and op == "GRU", False)), Setting(asked=(False, True, False)), Setting(sized=False)]
    found += [Setting(asked=(False, True, True)), Setting(biases=False), Setting(initial=False), Setting(direction=None)]
    if since >= 14:
        found += [Setting(d, layout=k, lengths=n) for d in ("forward", "bidirectional") for k in (0, 1) for n in (None, (3, 1))]
    return found


def activated(op: str, since: int) -> list[Setting]:
    """Each function, with constants of its own and with the defaults; two directions with functions of their own; clip."""
    each = len(DEFAULTS[op])
    found = []
    for name in (
        "Relu",
        "Tanh",
        "Sigmoid",
        "Affine",
        "LeakyRelu",
        "ThresholdedRelu",
        "ScaledTanh",
        "HardSigmoid",
        "Elu",
        "Softsign",
        "Softplus",
    ):
        alphas = tuple(Fraction(k + 2, 8) for k in range(each)) if name in ALPHA else ()
        betas = tuple(Fraction(k + 5, 8) for k in range(each)) if name in BETA else ()
        found.append(Setting(activations=(name,) * each, alphas=alphas, betas=betas))
        if alphas and ALPHA[name] is not None and not (op == "GRU" and since < 3):
            found.append(Setting(activations=(name,) * each))
    found += [Setting(d, clip=Fraction(1, 4), large=5, peepholes=op == "LSTM") for d in ("forward", "bidirectional")]
    found.append(
        Setting(clip=Fraction(1, 2), activations=("Affine",) * each, alphas=(Fraction(2),) * each, betas=(Fraction(1),) * each, large=5)
    )
    return [*found, mixed(op)]


def mixed(op: str) -> Setting:
    """Constants go to the functions that have them, in their order, through both directions."""
    names = ("HardSigmoid", "Tanh", "Sigmoid", "LeakyRelu", "ScaledTanh", "Affine")[: 2 * len(DEFAULTS[op])]
    alphas = tuple(Fraction(k + 1, 8) for k, n in enumerate(n for n in names if n in ALPHA))
    betas = tuple(Fraction(2 * k + 3, 8) for k, n in enumerate(n for n in names if n in BETA))
    return Setting("bidirectional", activations=names, alphas=alphas, betas=betas)


def cases(op: str, types: Types, since: int, own: Sequence[Setting]) -> list[Case]:
    settings = usual_settings(op) if types.tested == "T" else [Setting("bidirectional", lengths=(3, 2))]
    if types.tested == "T" and types["T"] == "float":
        settings += [*directed(op, since), *activated(op, since), *own]
    return [node(op, types["T"], since, setting) for setting in settings]


@oracle("RNN", 1, 7, 14, 22)
def rnn(types: Types, since: int) -> list[Case]:
    """Ht = f(Xt W^T + Ht-1 R^T + Wb + Rb)."""
    return cases("RNN", types, since, [])


@oracle("GRU", 1, 3, 7, 14, 22)
def gru(types: Types, since: int) -> list[Case]:
    """Ht = (1 - zt) ht + zt Ht-1; ht = g(Xt Wh^T + (rt Ht-1) Rh^T + biases), or rt (Ht-1 Rh^T + Rbh) with linear_before_reset."""
    reset = [Setting(d, linear_before_reset=k, lengths=(3, 2)) for d in ("forward", "bidirectional") for k in (0, 1)]
    more = [Setting(linear_before_reset=1, biases=False), Setting(linear_before_reset=1, clip=Fraction(1, 4), large=5)]
    return cases("GRU", types, since, [*reset, *more] if since >= 3 else [])


@oracle("LSTM", 1, 7, 14, 22)
def lstm(types: Types, since: int) -> list[Case]:
    """Ct = ft Ct-1 + it ct; Ht = ot h(Ct); the peephole of ot looks at Ct. input_forget: ft = 1 - it."""
    base = Setting(peepholes=True)
    more = [replace(base, input_forget=k, direction=d) for k in (0, 1) for d in ("forward", "bidirectional")]
    only_p = Setting(biases=False, initial=False, peepholes=True)
    return cases("LSTM", types, since, [*more, only_p, replace(base, asked=(False, False, True))])
