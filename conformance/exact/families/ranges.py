"""Range."""

from __future__ import annotations

import math
from fractions import Fraction

from conformance.exact.formats import FLOATS, INTEGERS, Float, Number, quantum, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

Triple = tuple[Number, Number, Number]


def _case(type: str, start: Number, limit: Number, delta: Number, stash_type: int | None = None) -> Case:
    count = max(math.ceil(Fraction(limit - start) / Fraction(delta)), 0)
    values = [start + i * delta for i in range(count)]
    if type in ("float16", "bfloat16"):
        values = [round_to(v, "float") for v in values]
    attributes = {} if stash_type is None else {"stash_type": stash_type}
    return Case([Tensor(type, (), (v,)) for v in (start, limit, delta)], [Tensor(type, (count,), tuple(values))], attributes)


@oracle("Range", 11, 27)
def numbers(types: Types, since: int) -> list[Case]:
    """max(ceil((limit - start) / delta), 0) elements start + i * delta.

    Those of float16 and bfloat16 are computed as float32 (stash_type 1) and then rounded.
    """
    type = types["T"]
    made = [_case(type, *given) for given in (_whole(type) if type in INTEGERS else _real(type))]
    if since < 27 or type in INTEGERS:
        return made
    return [*made, _case(type, Fraction(3), Fraction(9), Fraction(3), 1)]


def _whole(type: str) -> list[Triple]:
    """The examples of the text; nothing; the ends of the type, where limit - start does not fit it."""
    low, top = INTEGERS[type].lowest, INTEGERS[type].largest
    step = (top + 1) // 2
    return [
        (3, 9, 3), (10, 4, -2), (0, 5, 1), (0, 5, 2), (5, 5, 1), (6, 5, 1), (5, 6, -1), (-3, 4, 2), (2, -3, -2), (top - 3, top, 1),
        (top - 3, top, 2), (low + 4, low, -3), (low, top, step), (low, top, top), (top, low, low), (top - 1, top, top), (0, top, top),
    ]  # fmt: skip


def _real(type: str) -> list[Triple]:
    form = FLOATS[type]
    assert isinstance(form, Float)
    one, u, largest = Fraction(1), quantum(1, type), form.largest
    tiny = quantum(0, type)
    made: list[Triple] = [
        (3 * one, 9 * one, 3 * one), (10 * one, 4 * one, -2 * one), (one, one, one), (one, 0 * one, one), (0 * one, one, -one),
        (one / 2, 3 * one, one / 4 * 3), (one, 1 + 3 * u, u / 2), (-one, -1 - 3 * u, -u / 2), (0 * one, 5 * tiny, 2 * tiny),
        (0 * one, one, largest), (largest, -largest, -largest), (-largest, largest, largest), (2 / u, 2 / u + 6, one),
    ]  # fmt: skip
    if type == "float":  # 0.3 / 0.1 is more than 3 by less than a float32 shows, and so is 3 * 0.1 less than 0.3
        made += [(0 * one, single("0.3"), single("0.1")), (0 * one, one, single("0.1")), (-single("0.3"), one / 16, single("0.1"))]
    return made
