"""CausalConvWithState."""

from __future__ import annotations

import itertools
from fractions import Fraction

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.lines import times, total
from conformance.exact.families.placement import Index, built, vector
from conformance.exact.families.sliding import quarters
from conformance.exact.formats import INF, NAN, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor


def _silu(x: Number) -> Number:
    """x / (1 + exp(-x))."""
    if isinstance(x, float) and x:
        return x if x == INF or x != x else NAN
    return x * reals.sigmoid(x)


def _causal_case(x: Tensor, w: Tensor, bias: Tensor | None, past: Tensor | None, activation: str | None = None) -> Case:
    """y[t] = sum over k of weight[k] * s[t + k], where s is the past state, or zeros, before the input; the new state is the end of s."""
    batch, channels, length = x.shape
    kept = w.shape[2] - 1
    lines = {
        (b, c): ([past[b, c, k] for k in range(kept)] if past else [Fraction(0)] * kept) + [x[b, c, t] for t in range(length)]
        for b, c in itertools.product(range(batch), range(channels))
    }

    def at(i: Index) -> Number:
        b, c, t = i
        products = [times(w[c, 0, k], lines[b, c][t + k]) for k in range(kept + 1)]
        y = total(products + ([bias[(c,)]] if bias else []))
        return _silu(y) if activation in ("silu", "swish") else y

    state = built(x.type, (batch, channels, kept), lambda i: lines[i[0], i[1]][length + i[2]])
    return Case([x, w, bias, past], [built(x.type, x.shape, at), state], {"activation": activation})


@oracle("CausalConvWithState", 27)
def causal_conv_with_state(types: Types, since: int) -> list[Case]:
    """Half-way sums of neighbours; infinities; then kernels of one to four, longer than the input too, with bias, state and activation."""
    type = types["T"]
    u, tiny, largest, half = marks(type)
    x = Tensor(type, (1, 1, 9), (1, u / 2, 1 + u, tiny, tiny, half, largest, 0, NAN))
    ones, past = Tensor(type, (1, 1, 2), (1, 1)), Tensor(type, (1, 1, 1), (-INF,))
    found = [_causal_case(x, ones, None, None), _causal_case(x, ones, vector(type, [u / 2]), past)]
    for shape, kernel in itertools.product(((1, 1, 4), (2, 2, 3), (1, 3, 1)), (1, 2, 4)):
        x, w = quarters(type, shape), quarters(type, (shape[1], 1, kernel), 5).map(lambda v: v / 4)
        given = [quarters(type, (shape[1],), 9), quarters(type, (*shape[:2], kernel - 1), 13)]
        for bias, state, activation in itertools.product((None, given[0]), (None, given[1]), (None, "none", "silu", "swish")):
            found.append(_causal_case(x, w, bias, state, activation))
    return found
