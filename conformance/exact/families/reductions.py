"""The Reduce operators."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from conformance.exact import reals
from conformance.exact.families.broadcasting import small
from conformance.exact.families.lines import greatest, matrix, normal_axis, product, reduced, times, total
from conformance.exact.families.reduction_rows import rows
from conformance.exact.formats import INF, INTEGERS, Number
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float, is_integer
from conformance.exact.values import Case, Tensor

Values = list[Any]


def _log(x: Number) -> Number:
    """log(0) is -infinity."""
    return x if x != x or x == INF else reals.log(x) if x else -INF


def _mean(values: Values) -> Number:
    found = total(values)
    return found if isinstance(found, float) else found / len(values)


def _length(values: Values) -> Number:
    """sqrt(sum(x * x)), of infinities infinity."""
    found = total(times(v, v) for v in values)
    return found if isinstance(found, float) else reals.sqrt(found)


def _log_sum_exp(values: Values) -> Number:
    """log(sum(exp(x))), where exp(-infinity) is 0."""
    special = {v for v in values if isinstance(v, float) and v != -INF}
    if special:
        return total(special)
    found = sum((reals.exp(v) for v in values if v != -INF), Fraction(0))
    return _log(found)


FUNCTIONS: dict[str, Callable[[Values], Number]] = {
    "ReduceSum": total,
    "ReduceProd": product,
    "ReduceMean": _mean,
    "ReduceMax": greatest,
    "ReduceMin": lambda values: -greatest(-v for v in values),
    "ReduceL1": lambda values: total(map(abs, values)),
    "ReduceL2": _length,
    "ReduceLogSum": lambda values: _log(total(values)),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceSumSquare": lambda values: total(times(v, v) for v in values),
}
VERSIONS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(FUNCTIONS, (1, 11, 13, 18)),
    "ReduceSum": (1, 11, 13),
    "ReduceMax": (1, 11, 12, 13, 18, 20),
    "ReduceMin": (1, 11, 12, 13, 18, 20),
    "ReduceLogSum": (1, 11, 13, 18, 28),
    "ReduceLogSumExp": (1, 11, 13, 18, 28),
}


def _applied(name: str, type: str) -> Callable[[Values], Any]:
    """The reduction, with a result of the type: bool, or an integer, toward zero where the text has a Cast."""
    if type == "bool":
        return any if name == "ReduceMax" else all
    return (lambda values: int(FUNCTIONS[name](values))) if is_integer(type) else FUNCTIONS[name]


def _empty(name: str, type: str) -> Any:
    """What the text gives for no values at all; None where it is undefined."""
    if name in ("ReduceMax", "ReduceMin"):
        lowest = name == "ReduceMax"
        if type in INTEGERS:
            return INTEGERS[type].lowest if lowest else INTEGERS[type].largest
        return not lowest if type == "bool" else -INF if lowest else INF
    if name in ("ReduceLogSum", "ReduceLogSumExp"):
        return -INF if is_float(type) else None
    return {"ReduceMean": None, "ReduceProd": 1}.get(name, 0)


def _case(
    name: str, since: int, x: Tensor, axes: list[int] | None = None, keepdims: bool | None = None, function: Any = None, noop: bool = False
) -> Case:
    """The axes as an attribute, later as an input; none at all reduce everything, or nothing with ``noop``."""
    given = axes if axes or noop else list(range(len(x.shape)))
    placed = {normal_axis(a, len(x.shape)) for a in given or []}
    y = reduced(x, placed, keepdims is not False, function or _applied(name, x.type))
    attributes: dict[str, Any] = {} if keepdims is None else {"keepdims": int(keepdims)}
    if noop:
        attributes["noop_with_empty_axes"] = 1
    if since < (13 if name == "ReduceSum" else 18):
        return Case([x], [y], attributes if axes is None else {**attributes, "axes": axes})
    return Case([x] if axes is None else [x, Tensor("int64", (len(axes),), tuple(axes))], [y], attributes)


def _shapes(name: str, since: int) -> list[Case]:
    """Which axes go, and whether they stay with length 1."""
    x = small("float", (2, 3, 2))
    chosen: list[tuple[list[int] | None, bool | None]] = [
        (None, None), (None, False), ([1], None), ([1], False), ([0, 2], True), ([2, 0], False), ([0, 1, 2], False),
    ]  # fmt: skip
    if since >= 11:
        chosen += [([-1], False), ([-3, 1], None)]
    found = [_case(name, since, x, axes, keepdims) for axes, keepdims in chosen]
    if since >= (13 if name == "ReduceSum" else 18):
        found += [_case(name, since, x, [], True), _case(name, since, x, [], False)]
        found += [_case(name, since, x, None, keepdims, None, True) for keepdims in (True, False)]
        found += [_case(name, since, x, [], keepdims, None, True) for keepdims in (True, False)]
        signed = Tensor("float", (3,), (Fraction(1, 2), Fraction(3), Fraction(0))) if "Log" in name else Tensor("float", (3,), (-1, 3, 0))
        found += [_case(name, since, signed, None, None, None, True), _case(name, since, x, [1], None, None, True)]
    return found


def _degenerate(name: str, type: str, since: int) -> list[Case]:
    """A scalar, and no values at all, in the versions whose text has them."""
    if since in (11, 12) and (name not in ("ReduceMax", "ReduceMin") or since == 12):
        return []
    one = Tensor(type, (), (True if type == "bool" else 1,))
    nothing = _empty(name, type)
    found = [_case(name, since, one)]
    if nothing is not None:
        found += [_case(name, since, Tensor(type, (2, 0, 2), ()), [1], keep, lambda _: nothing) for keep in (True, False)]
    return found


def _by_the_body(name: str, type: str, since: int) -> list[tuple[Any, ...]]:
    """Results that only the function body of version 18 decides: it casts a root or a logarithm to the integer type."""
    if since < 18 or not is_integer(type):
        return []
    return {"ReduceL2": [(1, 1, 0), (1, 1, 1), (2, 2, 0)], "ReduceLogSumExp": [(2, 2, 0), (3, 1, 2)]}.get(name, [])


def _only_without_a_body(name: str, type: str, since: int) -> list[tuple[Any, ...]]:
    """Before the bodies, which round on the way: roots of a double, exponentials that a double does not hold."""
    if name == "ReduceL2" and is_float(type) and (since < 18 or type != "double"):
        return [(1, 1, 0), (1, 1, 1), (Fraction(1, 2), -3, 5)]
    return [(1000, 1000, 1000), (-1000, -1000, -1000)] if name == "ReduceLogSumExp" and is_float(type) and since < 18 else []


def _declare(name: str) -> None:
    @oracle(name, *VERSIONS[name])
    def reduction(types: Types, since: int) -> list[Case]:
        """One row of numbers, one result; a scalar and nothing at all; for ``float`` every choice of axes."""
        type = types["T"]
        held = rows(name, type) + _by_the_body(name, type, since) + _only_without_a_body(name, type, since)
        found = [_case(name, since, matrix(type, held), [1], False), *_degenerate(name, type, since)]
        return found + (_shapes(name, since) if type == "float" else [])


for _name in FUNCTIONS:
    _declare(_name)
