"""ai.onnx.preview.training: Adagrad, Adam, Momentum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from conformance.exact import reals
from conformance.exact.formats import round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

TRAINING = "ai.onnx.preview.training"
PIECES: list[list[Fraction]] = [[Fraction(n, 8) for n in row] for row in ((9, -4, 20), (3, -17, 0), (1, 5, 2), (6, 33, 50))]
"""For three elements: the value, the gradient, and what was accumulated."""


def _case(types: Types, count: int, rate: str, tensors: int, attributes: Mapping[str, Fraction | str],
          update: Callable[..., tuple[Fraction, ...]]) -> Case:  # fmt: skip
    """One or two tensors: all values, then all gradients, then each kind of accumulated values; the outputs without the gradients."""
    t, r = types["T3"], Fraction(round_to(Fraction(rate), types["T1"]))
    parts = update.__code__.co_argcount - 2
    shapes = [(3,), (1, 3)][:tensors]
    given = [Tensor(t, shape, tuple(v * (1 + k) for v in PIECES[part])) for part in range(parts) for k, shape in enumerate(shapes)]
    rows = [[update(r, count, *column) for column in zip(*(g.values for g in given[k::tensors]), strict=True)] for k in range(tensors)]
    found = [Tensor(t, shapes[k], tuple(row[part] for row in rows[k])) for part in range(parts - 1) for k in range(tensors)]
    plain = {k: v if isinstance(v, str) else float(v) for k, v in attributes.items()}
    return Case([Tensor(types["T1"], (), (r,)), Tensor("int64", (), (count,)), *given], found, plain)


@oracle("Adagrad", 1, domain=TRAINING)
def adagrad(types: Types, since: int) -> list[Case]:
    """G' = norm X + G; H' = H + G'^2; X' = X - R / (1 + T decay) G' / (sqrt(H') + epsilon)."""

    def of(count: int, tensors: int, norm: Fraction, decay: Fraction, epsilon: Fraction, given: bool = True) -> Case:
        def update(r: Fraction, t: int, x: Fraction, g: Fraction, h: Fraction) -> tuple[Fraction, ...]:
            regularized = norm * x + g
            squares = h + regularized**2
            return x - r / (1 + t * decay) * regularized / (reals.sqrt(squares) + epsilon), squares

        attributes = {"norm_coefficient": norm, "decay_factor": decay, "epsilon": epsilon}
        return _case(types, count, "0.1", tensors, attributes if given else {}, update)

    zero, epsilon = Fraction(0), single("1e-6")
    return [
        of(0, 1, zero, zero, epsilon, False),
        of(3, 2, single("0.01"), single("0.1"), Fraction(1, 4)),
        of(7, 1, zero, Fraction(2), zero),
    ]


@oracle("Adam", 1, domain=TRAINING)
def adam(types: Types, since: int) -> list[Case]:
    """V' = a V + (1 - a) G'; H' = b H + (1 - b) G'^2; X' = (1 - post) (X - R sqrt(1 - b^T) / (1 - a^T) V' / (sqrt(H') + epsilon))."""

    def of(count: int, tensors: int, alpha: Fraction, beta: Fraction, norm: Fraction, post: Fraction, epsilon: Fraction,
           given: bool = True) -> Case:  # fmt: skip
        def update(r: Fraction, t: int, x: Fraction, g: Fraction, v: Fraction, h: Fraction) -> tuple[Fraction, ...]:
            regularized = norm * x + g
            mean = alpha * v + (1 - alpha) * regularized
            squares = beta * h + (1 - beta) * regularized**2
            rate = r * reals.sqrt(1 - beta**t) / (1 - alpha**t) if t > 0 else r
            return (1 - post) * (x - rate * mean / (reals.sqrt(squares) + epsilon)), mean, squares

        attributes = {"alpha": alpha, "beta": beta, "norm_coefficient": norm, "norm_coefficient_post": post, "epsilon": epsilon}
        return _case(types, count, "0.1", tensors, attributes if given else {}, update)

    zero, usual = Fraction(0), (single("0.9"), single("0.999"))
    return [
        of(0, 1, *usual, zero, zero, single("1e-6"), False),
        of(5, 1, *usual, zero, zero, single("1e-6"), False),
        of(2, 2, Fraction(3, 4), Fraction(7, 8), single("0.1"), single("0.05"), Fraction(1, 16)),
    ]


@oracle("Momentum", 1, domain=TRAINING)
def momentum(types: Types, since: int) -> list[Case]:
    """V' = alpha V + (T > 0 ? beta : 1) G'; X' = X - R V', or X - R (G' + alpha V') of Nesterov."""
    norm, alpha, beta = single("0.01"), single("0.9"), single("0.3")

    def of(count: int, tensors: int, mode: str) -> Case:
        def update(r: Fraction, t: int, x: Fraction, g: Fraction, v: Fraction) -> tuple[Fraction, ...]:
            regularized = norm * x + g
            speed = alpha * v + (beta if t > 0 else 1) * regularized
            return x - r * (regularized + alpha * speed if mode == "nesterov" else speed), speed

        return _case(types, count, "0.1", tensors, {"norm_coefficient": norm, "alpha": alpha, "beta": beta, "mode": mode}, update)

    return [of(count, tensors, mode) for mode in ("standard", "nesterov") for count, tensors in ((0, 1), (4, 2))]
