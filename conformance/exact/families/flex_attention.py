"""FlexAttention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import onnx

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.attention import Scores, applied, products, sixteenths, weighed
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)
Change = Callable[[Scores], Scores]
Modifier = tuple[onnx.GraphProto, Change]


def _default(type: str) -> str:
    return "double" if type == "double" else "float"


def _graph(name: str, operator: str, type: str, shape: Sequence[int], constant: Sequence[float] = (), **attributes: Any) -> onnx.GraphProto:
    """One node from the scores to the scores, with a constant of the same type as second input."""
    element = onnx.TensorProto.DataType.Value(type.upper())
    ends = [onnx.helper.make_tensor_value_info(n, element, shape) for n in ("scores", "changed")]
    held = [onnx.helper.make_tensor("constant", element, [len(constant)], constant)] if constant else []
    inputs = ["scores", *(["constant"] if constant else [])]
    return onnx.helper.make_graph([onnx.helper.make_node(operator, inputs, ["changed"], **attributes)], name, ends[:1], ends[1:], held)


def _case(
    q: Tensor, k: Tensor, v: Tensor, scale: Fraction | None = None, precision: str | None = None,
    score: Modifier | None = None, prob: Modifier | None = None,
) -> Case:  # fmt: skip
    """prob_mod(Softmax(score_mod(Q K^T * scale))) V, the softmax of numbers of its precision, which by default is float, double for double."""
    scores = products(q, k, 1 / reals.sqrt(q.shape[3]) if scale is None else scale)
    weights = weighed(score[1](scores) if score else scores, None, precision or _default(q.type))
    weights = prob[1](weights) if prob else weights
    attributes: dict[str, Any] = {} if scale is None else {"scale": float(scale)}
    attributes |= {n: change[0] for n, change in (("score_mod", score), ("prob_mod", prob)) if change}
    if precision:
        attributes["softmax_precision"] = int(onnx.TensorProto.DataType.Value(precision.upper()))
    return Case([q, k, v], [applied(weights, v, q.shape[1], q.shape[2], q.type)], attributes)


def _plain(type: str) -> list[Case]:
    """Equal scores and half-way sums of values; heads that share keys; scales."""
    u, _, largest, _ = marks(type)
    columns: list[tuple[Number, Number]] = [(1, 1 + u), (1 + u, 1 + 2 * u), (largest, largest), (INF, 1), (NAN, 1), (-INF, INF)]
    value = Tensor(type, (1, 1, 2, 6), tuple(c[i] for i in (0, 1) for c in columns))
    found = [_case(Tensor(type, (1, 1, 1, 1), (0,)), Tensor(type, (1, 1, 2, 1), (3, -5)), value)]
    for (batch, heads, shared), scale in (
        (s, f) for s in ((1, 1, 1), (2, 2, 1), (1, 4, 2), (1, 3, 3)) for f in (None, HALF, single("0.3"))
    ):
        rest = (batch, heads // shared)
        q, k, v = sixteenths(type, (batch, heads, 2, 2), 1), sixteenths(type, (*rest, 3, 2), 11), sixteenths(type, (*rest, 3, 2), 23)
        found.append(_case(q, k, v, scale))
    return found


def _by_key(function: Callable[[int, Number], Number]) -> Change:
    """``function`` of the number of a key and its score."""
    return lambda scores: {place: [function(j, v) for j, v in enumerate(row)] for place, row in scores.items()}


def _changes(of: str, shape: Sequence[int]) -> dict[str, Modifier]:
    """Graphs of one node in the type ``of``, and what they do."""
    factors = [Fraction(2), Fraction(4), HALF, Fraction(-1)]
    return {
        "mask": (_graph("mask", "Add", of, shape, [0.0, 0.0, -INF, -INF]), _by_key(lambda j, s: s if j < 2 else -INF)),
        "level": (_graph("level", "Mul", of, shape, [0.0]), _by_key(lambda j, s: Fraction(0))),
        "factors": (_graph("factors", "Mul", of, shape, [float(f) for f in factors]), _by_key(lambda j, p: p * factors[j])),
        "negative": (_graph("negative", "Neg", of, shape), _by_key(lambda j, s: -s)),
    }


def _modified(type: str) -> list[Case]:
    """Scores and weights that every type holds: a graph sees numbers of the softmax precision."""
    q, k = Tensor(type, (1, 2, 2, 1), (1, 2, -1, 3)), Tensor(type, (1, 1, 4, 1), (2, 2, -2, -2))
    v, found = Tensor(type, (1, 1, 4, 2), (1, 2, 3, 5, -4, 8, 7, 6)), []
    for precision in (None, "float", "double", "float16", "bfloat16"):
        changes = _changes(precision or _default(type), (1, 2, 2, 4))
        for score, prob in (("mask", None), ("mask", "factors"), ("level", "factors"), ("level", "negative")):
            found.append(_case(q, k, v, Fraction(1), precision, changes[score], changes[prob] if prob else None))
    return found


@oracle("FlexAttention", 1, domain="ai.onnx.preview")
def flex_attention(types: Types, since: int) -> list[Case]:
    """Without graphs, and with graphs for scores and weights in each precision."""
    return _plain(types["T1"]) + _modified(types["T1"])
