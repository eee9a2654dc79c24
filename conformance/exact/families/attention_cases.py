"""Attention."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import onnx

from conformance.exact import reals
from conformance.exact.families.arithmetic import marks
from conformance.exact.families.attention import (
    Bounds,
    Scores,
    applied,
    capped,
    each,
    joined,
    merged,
    parted,
    products,
    scored,
    sixteenths,
    tensor,
    weighed,
)  # fmt: skip
from conformance.exact.families.placement import built, int64s
from conformance.exact.formats import INF, NAN, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float, is_integer, single
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Setting:
    """The attributes; None is not given."""

    is_causal: int | None = None
    scale: Fraction | None = None
    softcap: Fraction | None = None
    softmax_precision: str | None = None
    qk_matmul_output_mode: int | None = None
    q_num_heads: int | None = None
    kv_num_heads: int | None = None
    left_window_size: int | None = None
    right_window_size: int | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        named = self.softmax_precision
        return {**vars(self), "softmax_precision": int(onnx.TensorProto.DataType.Value(named.upper())) if named else None}


@dataclass(frozen=True)
class Given:
    """The inputs."""

    q: Tensor
    k: Tensor
    v: Tensor
    mask: Tensor | None = None
    past_key: Tensor | None = None
    past_value: Tensor | None = None
    nonpad: tuple[int, ...] | None = None

    @property
    def inputs(self) -> list[Tensor | None]:
        return [self.q, self.k, self.v, self.mask, self.past_key, self.past_value, int64s(self.nonpad) if self.nonpad else None]


def _bounds(given: Given, setting: Setting, keys: int, queries: int) -> Bounds:
    """The first query is behind the past, or at the end of the keys that are not padding."""
    batch, past = given.q.shape[0], given.past_key.shape[2] if given.past_key else 0
    offsets = [n - queries for n in given.nonpad] if given.nonpad else [past] * batch
    ends = given.nonpad or [keys] * batch
    windows = [-1 if n is None else n for n in (setting.left_window_size, setting.right_window_size)]
    return Bounds(offsets, ends, setting.is_causal == 1, *windows)


def attention_case(given: Given, setting: Setting | None = None, present: bool = False, shown: bool = False) -> Case:
    """Softmax(softcap(scale * Q K^T) + bias) V; the outputs Y, the joined keys and values, and a stage of the scores."""
    setting = setting or Setting()
    type = given.q.type
    q, k, v = (parted(x, n) for x, n in ((given.q, setting.q_num_heads), (given.k, setting.kv_num_heads), (given.v, setting.kv_num_heads)))
    keys, values = joined(given.past_key, k), joined(given.past_value, v)
    factor = 1 / reals.sqrt(q.shape[3]) if setting.scale is None else setting.scale
    raw = products(q, keys, factor)
    soft = capped(raw, setting.softcap or Fraction(0))
    biased, added = scored(soft, given.mask, _bounds(given, setting, keys.shape[2], q.shape[2]))
    weights = weighed(biased, added, setting.softmax_precision)
    weights = each(weights, lambda w: round_to(w, type)) if setting.softmax_precision else weights
    y = applied(weights, values, q.shape[1], q.shape[2], type)
    stages: Sequence[Scores] = (raw, soft, biased, weights)
    outputs: list[Tensor | None] = [y if len(given.q.shape) == 4 else merged(y)]
    if present or shown:
        outputs += [keys, values] if present else [None, None]
    if shown:
        outputs.append(tensor(stages[setting.qk_matmul_output_mode or 0], type))
    return Case(given.inputs, outputs, setting.attributes)


@dataclass(frozen=True)
class Sizes:
    """The sizes of the inputs: heads of the keys are shared by ``shared`` heads of the queries; ``wide``: the size of a value."""

    batch: int = 1
    heads: int = 1
    queries: int = 2
    keys: int = 3
    size: int = 2
    shared: int = 1
    wide: int = 1
    past: int = 0

    def given(self, types: Types, mask: Tensor | None = None, nonpad: tuple[int, ...] | None = None) -> Given:
        t1, t2, rest = types["T1"], types["T2"], (self.batch, self.heads // self.shared)
        q, k = sixteenths(t1, (self.batch, self.heads, self.queries, self.size), 1), sixteenths(t1, (*rest, self.keys, self.size), 11)
        v = sixteenths(t2, (*rest, self.keys, self.wide), 23)
        if not self.past:
            return Given(q, k, v, mask, nonpad=nonpad)
        return Given(q, k, v, mask, sixteenths(t1, (*rest, self.past, self.size), 31), sixteenths(t2, (*rest, self.past, self.wide), 43))


def _flat(given: Given) -> tuple[Given, Setting]:
    """The same with inputs of rank 3, and the attributes that part them."""
    made = Given(merged(given.q), merged(given.k), merged(given.v), given.mask, given.past_key, given.past_value, given.nonpad)
    return made, Setting(q_num_heads=given.q.shape[1], kv_num_heads=given.k.shape[1])


WAYS = [
    Sizes(),
    Sizes(2, 2, 2, 2, 2, 1, 3),
    Sizes(1, 4, 1, 3, 2, 2, 2),
    Sizes(1, 3, 2, 2, 1, 3),
    Sizes(1, 1, 2, 1, 4),
    Sizes(2, 2, 1, 2, past=2),
]


def _ways(types: Types) -> list[Case]:
    """Heads, shared heads, ranks, past, scale, softcap."""
    found = []
    for sizes in WAYS:
        given = sizes.given(types)
        flat, heads = _flat(given)
        found += [attention_case(given, Setting(), sizes.past > 0), attention_case(flat, heads, sizes.past > 0, True)]
    given = Sizes(1, 2, 2, 3, 2, 1, 1, 1).given(types)
    for mode, softcap in itertools.product((None, 0, 1, 2, 3), (None, Fraction(0), Fraction(3, 4))):
        found.append(attention_case(given, Setting(1, Fraction(9, 4), softcap, None, mode), True, True))
    return [
        *found,
        attention_case(given, Setting(scale=Fraction(0)), True, True),
        attention_case(given, Setting(scale=single("0.3")), True),
    ]


def _plain(types: Types) -> list[Case]:
    """Equal scores, whose weights are halves, and half-way sums of values; then any numbers."""
    t1, t2 = types["T1"], types["T2"]
    u, _, largest, _ = marks(t1)
    zero, key = Tensor(t1, (1, 1, 1, 1), (0,)), Tensor(t1, (1, 1, 2, 1), (3, -5))
    columns: list[tuple[Any, Any]] = [(1, 5), (INF, 1), (NAN, 1), (-INF, INF)]
    columns += [(1, 1 + u), (1 + u, 1 + 2 * u), (largest, largest)] if t1 == t2 else []
    value = Tensor(t2, (1, 1, 2, len(columns)), tuple(c[i] for i in (0, 1) for c in columns))
    found = [attention_case(Given(zero, key, value), Setting(qk_matmul_output_mode=mode), True, True) for mode in (0, 3)]
    return found + [
        attention_case(Sizes(1, 2, 2, 3, 2, 1, 2, 1).given(types), Setting(qk_matmul_output_mode=m), True, True) for m in (None, 3)
    ]


def _mask(type: str, shape: Sequence[int], dead: bool = False) -> Tensor:
    """Booleans; floats with -infinity; small integers. ``dead``: the first row has no key at all."""
    if type == "bool":
        return built(type, shape, lambda i: (not dead and sum(i) % 3 != 1) or (dead and i[-2] > 0))
    if is_integer(type):
        return built(type, shape, lambda i: (sum(i) * 2) % 5 - 2 * (type[0] == "i"))
    return built(type, shape, lambda i: -INF if (dead and i[-2] == 0) or sum(i) % 5 == 4 else Fraction(sum(i) % 3 * 3 - 2, 4))


MASKS: list[tuple[int, ...]] = [(2, 4), (1, 4), (2, 2, 4), (1, 2, 4), (2, 1, 2, 4), (2, 2, 1, 4), (1, 1, 2, 4), (2, 2, 2, 4), (4,)]
SHORT_MASKS: list[tuple[int, ...]] = [(2, 2), (1, 1, 2, 3)]


def _masks(types: Types, since: int) -> list[Case]:
    """Masks that broadcast; rows without a key; the last axis shorter than the keys, from version 24 on. A float mask has the type of Q."""
    type = types["U"]
    t1 = type if is_float(type) else types["T1"]
    of = Types(types.tested, {**types.of, "T1": t1, "T2": t1})
    found = []
    for shape in MASKS:
        given = Sizes(2, 2, 2, 3, 1, 1, 1, 1).given(of, _mask(type, shape))
        found += [attention_case(given, Setting(c, None, s, None, m), True, True) for c, s, m in ((None, None, 2), (1, Fraction(2), 3))]
    if not is_integer(type):
        for causal, mode in itertools.product((None, 1), (None, 2, 3)):
            given = Sizes(1, 2, 2, 3, 1).given(of, _mask(type, (2, 3), True))
            found.append(attention_case(given, Setting(causal, qk_matmul_output_mode=mode), False, True))
    if since >= 24:
        for shape, causal in itertools.product(SHORT_MASKS, (None, 1)):
            found.append(
                attention_case(Sizes(2, 2, 2, 4, 1).given(of, _mask(type, shape)), Setting(causal, qk_matmul_output_mode=2), False, True)
            )
        found.append(
            attention_case(Sizes(2, 1, 2, 4, 1).given(of, _mask(type, (2, 3)), (2, 3)), Setting(qk_matmul_output_mode=2), False, True)
        )
    return found


def _frontiers(types: Types, since: int) -> list[Case]:
    """is_causal, with a past and without; keys that are padding, fewer of them than queries too; windows, from version 25 on."""
    found = []
    windows: list[tuple[int | None, int | None]] = [(None, None)]
    if since >= 25:
        windows += [(2, 1), (1, None), (None, 0), (0, 0), (-1, 1), (3, -1)]
    for (left, right), causal, mode in itertools.product(windows, (0, 1), (2, 3)):
        setting = Setting(causal, qk_matmul_output_mode=mode, left_window_size=left, right_window_size=right)
        for sizes in (Sizes(1, 1, 3, 3), Sizes(1, 1, 2, 4), Sizes(1, 1, 4, 2), Sizes(1, 1, 2, 2, past=2), Sizes(2, 1, 1, 2, past=1)):
            found.append(attention_case(sizes.given(types), setting, sizes.past > 0, True))
        for nonpad in ((4, 2), (3, 1)) if since >= 24 else ():
            found.append(attention_case(Sizes(2, 1, 2, 4).given(types, None, nonpad), setting, False, True))
    return found


def _precisions(types: Types, since: int) -> list[Case]:
    """Scores that every type holds, weights that are rounded. Before 25 nothing says that wider weights become narrower again."""
    type, narrow = types["T1"], ("float16", "bfloat16")
    allowed = ["float", "float16", "bfloat16", "double"]
    if since < 25:
        allowed = {"float": allowed[:3], "double": allowed}.get(type, [type])
    q, k = Tensor(type, (1, 1, 2, 1), (1, 2)), Tensor(type, (1, 1, 3, 1), (HALF, 1, -1))
    v = Tensor(types["T2"], (1, 1, 3, 2), (1, HALF, 2, 4, 3, 1))
    settings = [Setting(scale=Fraction(1), softmax_precision=p, qk_matmul_output_mode=m) for p in allowed for m in (2, 3)]
    return [attention_case(Given(q, k, v), s, False, True) for s in settings if type not in narrow or s.softmax_precision]


@oracle("Attention", 23, 24, 25)
def attention(types: Types, since: int) -> list[Case]:
    """Exact scores and weights, one rounding at the end; for ``float`` every way of masking and of laying out the inputs."""
    if types.tested == "U":
        return _masks(types, since)
    found = _plain(types) + _precisions(types, since)
    return found + (_ways(types) + _frontiers(types, since) if types["T1"] == types["T2"] == "float" and types.tested == "T1" else [])
