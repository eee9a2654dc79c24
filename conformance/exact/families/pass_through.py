"""Operators that give their input back: Dropout without chance, Flatten."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from conformance.exact.families.lines import reshaped
from conformance.exact.families.placement import filled, scalar
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Any_, Case, Tensor


@oracle("Dropout", 1, 6, 7, 10)
def old_dropout(types: Types, since: int) -> list[Case]:
    """Y = X in test mode, and for a ratio of 0. Before 7 is_test says which mode it is, later there is only one; what the mask holds is not said."""
    type, shape = types["T"], (2, 5)
    x = filled(type, shape)
    mask = Any_(type if since < 10 else "bool", shape)
    common: dict[str, Any] = {"consumed_inputs": [0]} if since == 1 else {}
    if since >= 7:
        return [Case([x], [x, mask], {} if ratio is None else {"ratio": ratio}) for ratio in (None, 0.0, 0.75)]
    found = [Case([x], [x], common | {"is_test": 1} | given) for given in ({}, {"ratio": 0.75})]
    return [*found, Case([x], [x, mask], common | {"ratio": 0.0}), Case([x], [Any_(type, shape), mask], common)]


@oracle("Dropout", 12, 13, 22)
def dropout(types: Types, since: int) -> list[Case]:
    """Y = X and a mask of ones without training, whatever the ratio, and for a ratio of 0; else the numbers that are left are random."""
    type, shape = types["T"], (2, 5)
    x, ones = filled(type, shape), Tensor("bool", shape, (True,) * 10)
    none, half = scalar(types["T1"], 0), scalar(types["T1"], Fraction(1, 2))
    found = [
        Case(inputs, [x, ones], attributes)
        for inputs in ([x, half, scalar("bool", False)], [x, half], [x, none, scalar("bool", True)], [x, none, scalar("bool", False)])
        for attributes in ({}, {"seed": 3})
    ]
    random: list[Tensor | Any_ | None] = [Any_(type, shape), Any_("bool", shape)]
    found.append(Case([x, half, scalar("bool", True)], random, {"seed": 3}))
    if types.tested != "T1":
        found += [Case([x, None, scalar("bool", False)], [x, ones]), Case([x, None, scalar("bool", True)], random)]
    return [*found, *([Case([x], [x, ones]), Case([x], [x])] if types.tested == "T" else [])]


@oracle("Flatten", 1, 9, 11, 13, 21, 23, 24, 25)
def flatten(types: Types, since: int) -> list[Case]:
    """The axes before ``axis`` become one, those from it on another; 1 where there is none. A negative axis counts from the back from 11 on."""
    type, found = types["T"], []
    for shape in ((2, 3, 2), (4,), (2, 1, 2, 3), (3, 0, 2), ()):
        x, rank = filled(type, shape), len(shape)
        for axis in [*([None] if rank else []), *range(rank + 1), *(range(-rank, 0) if since >= 11 else [])]:
            place = 1 if axis is None else axis + rank if axis < 0 else axis
            y = reshaped(x, (math.prod(shape[:place]), math.prod(shape[place:])))
            found.append(Case([x], [y], {} if axis is None else {"axis": axis}))
    return found
