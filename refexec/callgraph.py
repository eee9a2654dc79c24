"""Which function calls which: cycles, depth, and the number of nodes after expanding every call, without expanding any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from refexec.limits import Limits
from refexec.rules import violation

__all__ = ["Body", "FunctionKey", "check_calls"]

FunctionKey = tuple[str, str, str]  # normalised domain, name, overload
_COUNT_END = 1 << 64  # counts grow like 2^depth; beyond this they are all the same


@dataclass(slots=True)
class Body:
    """One function, or the main graph, subgraphs included: its nodes, and how often it calls which function."""

    label: str
    nodes: int = 0
    calls: Counter[FunctionKey] = field(default_factory=Counter)


def check_calls(main: Body, functions: Mapping[FunctionKey, Body], limits: Limits) -> None:
    """Raise InvalidModel for a function that calls itself, LimitExceeded for call_depth and inlined_nodes."""
    depth: dict[FunctionKey, int] = {}
    total: dict[FunctionKey, int] = {}
    for key in functions:
        _measure(key, functions, depth, total)
    limits.check("call_depth", max((depth[key] for key in main.calls), default=0), "the depth of function calls")
    nodes = main.nodes + sum(count * total[key] for key, count in main.calls.items())
    limits.check("inlined_nodes", min(nodes, _COUNT_END), "the number of nodes after expanding the function calls")


def _measure(
    start: FunctionKey, functions: Mapping[FunctionKey, Body], depth: dict[FunctionKey, int], total: dict[FunctionKey, int]
) -> None:
    """Depth-first, callees before callers; the functions on ``path`` are those being measured."""
    if start in depth:
        return
    path = {start: iter(functions[start].calls)}
    while path:
        key = next(reversed(path))
        for callee in path[key]:
            if callee in path:
                circle = list(path)[list(path).index(callee) :]
                labels = [functions[k].label for k in [*circle[:12], callee]]
                raise violation("function-cycle", f"functions call each other in a circle: {' -> '.join(labels)}", functions[callee].label)
            if callee not in depth:
                path[callee] = iter(functions[callee].calls)
                break
        else:
            body = functions[key]
            depth[key] = 1 + max((depth[callee] for callee in body.calls), default=0)
            total[key] = min(_COUNT_END, body.nodes + sum(count * total[callee] for callee, count in body.calls.items()))
            del path[key]
