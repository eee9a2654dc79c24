"""Scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from onnx import GraphProto

from conformance.exact.families.bodies import graph, nodes
from conformance.exact.families.containers import ordinary, rare
from conformance.exact.families.pieces import stacked, taken
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

Step = Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[list[Tensor], list[Tensor]]]
"""From states and elements to states and scan outputs."""


@dataclass(frozen=True)
class Body:
    graph: GraphProto
    step: Step


def _delay(state: Tensor) -> Body:
    """The element becomes the state; the state before it is collected."""
    made = graph(nodes("y = Identity s"), {"s": state, "e": state}, {"e": state, "y": state})
    return Body(made, lambda states, elements: ([elements[0]], [states[0]]))


def _total(state: Tensor) -> Body:
    """The state is the sum so far, which is collected."""
    made = graph(nodes("r = Add s e", "y = Identity r"), {"s": state, "e": state}, {"r": state, "y": state})

    def step(states: Sequence[Tensor], elements: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        total = Tensor(state.type, state.shape, tuple(a + b for a, b in zip(states[0].values, elements[0].values, strict=True)))
        return [total], [total]

    return Body(made, step)


def _zip(element: Tensor, other: Tensor) -> Body:
    """No state; two inputs and three outputs."""
    lines = nodes("y = Identity e", "z = Identity f", "w = Identity e")
    made = graph(lines, {"e": element, "f": other}, {"y": element, "z": other, "w": element})
    return Body(made, lambda states, elements: ([], [elements[0], elements[1], elements[0]]))


def _run(body: Body, states: Sequence[Tensor], scans: Sequence[Tensor], **attributes: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
    """The final states and the collected outputs, for at least one element."""
    axes = attributes.get("scan_input_axes", [0] * len(scans))
    backward = attributes.get("scan_input_directions", [0] * len(scans))
    length = scans[0].shape[axes[0]]
    current, collected = list(states), []
    for t in range(length):
        elements = [taken(x, axis, length - 1 - t if b else t) for x, axis, b in zip(scans, axes, backward, strict=True)]
        current, outputs = body.step(current, elements)
        collected.append(outputs)
    columns = [list(column) for column in zip(*collected, strict=True)]
    out_axes = attributes.get("scan_output_axes", [0] * len(columns))
    prepend = attributes.get("scan_output_directions", [0] * len(columns))
    results = [stacked(c[::-1] if p else c, axis) for c, axis, p in zip(columns, out_axes, prepend, strict=True)]
    return current, results


def _case(body: Body, states: Sequence[Tensor], scans: Sequence[Tensor], **attributes: Sequence[int]) -> Case:
    final, collected = _run(body, states, scans, **attributes)
    given: dict[str, Any] = {"body": body.graph, "num_scan_inputs": len(scans), **attributes}
    return Case([*states, *scans], [*final, *collected], given)


@oracle("Scan", 9, 11, 16, 19, 21, 23, 24, 25)
def scan(types: Types, since: int) -> list[Case]:
    """For each element along an axis of the scan inputs: states, outputs = body(states, elements), collected along a new axis."""
    state, x = rare(types["V"], (2,)), ordinary(types["V"], (3, 2))
    made = [_case(_delay(state), [state], [x])]
    return made + _attributes(since) + _edges() if types["V"] == "float" else made


def _attributes(since: int) -> list[Case]:
    state, x = ordinary("float", (2,), 5), ordinary("float", (2, 3))
    wide = ordinary("float", (2, 3, 2), 1)
    start, numbers = Tensor("float", (), (Fraction(0),)), Tensor("float", (3,), (Fraction(1), Fraction(2), Fraction(3)))
    two = _zip(ordinary("float", (2,)), ordinary("float", (2, 2)))
    made = [
        _case(_total(start), [start], [numbers]),
        _case(_total(start), [start], [numbers], scan_input_directions=[1]),
        _case(_delay(state), [state], [x], scan_input_axes=[1]),
        _case(
            _delay(state), [state], [x], scan_input_axes=[1], scan_input_directions=[1], scan_output_directions=[1], scan_output_axes=[1]
        ),
        _case(two, [], [x, wide], scan_input_axes=[1, 1], scan_input_directions=[0, 1]),
        _case(two, [], [x, wide], scan_input_axes=[1, 1], scan_output_axes=[1, 2, 0], scan_output_directions=[0, 1, 1]),
    ]
    if since >= 11:
        made += [
            _case(two, [], [x, wide], scan_input_axes=[-1, -2], scan_output_axes=[-1, -2, -2]),
            _case(_delay(state), [state], [x], scan_input_axes=[-1], scan_output_axes=[-1]),
        ]
    return made


def _edges() -> list[Case]:
    """One element; none at all; a name of the enclosing graph; outputs that are not asked for; a state of another type."""
    state = ordinary("float", (2,), 5)
    none = Tensor("float", (0, 2), ())
    edges = [
        _case(_delay(state), [state], [ordinary("float", (1, 2))]),
        Case([state, none], [state, none], {"body": _delay(state).graph, "num_scan_inputs": 1}),
    ]
    a, x = Tensor("float", (), (Fraction(3, 4),)), ordinary("float", (3,))
    body = graph(nodes("r = Identity a", "y = Identity e"), {"s": a, "e": a}, {"r": a, "y": a})
    attributes = {"body": body, "num_scan_inputs": 1}
    start = Tensor("float", (), (Fraction(0),))
    other = Tensor("int64", (), (7,))
    body = graph(nodes("r = Identity s", "y = Identity e"), {"s": other, "e": a}, {"r": other, "y": a})
    edges.append(Case([other, x], [other, x], {"body": body, "num_scan_inputs": 1}))
    return [*edges, *(Case([start, x], outputs, attributes, outer={"a": a}) for outputs in ([a, x], [None, x], [a, None]))]


def _batched(body: Body, states: Sequence[Tensor], scans: Sequence[Tensor], lengths: Sequence[int] | None, backward: Sequence[int]) -> Case:
    """Each batch for itself: axis 0 is the batch, axis 1 the sequence.

    When a sequence is shorter than the axis only final states are asked for: the rest of the scan outputs has no defined value.
    """
    finals, outputs = [], []
    longest = scans[0].shape[1]
    for batch in range(scans[0].shape[0]):
        count = lengths[batch] if lengths else longest
        cut = [stacked([taken(taken(x, 0, batch), 0, t) for t in range(count)]) for x in scans]
        final, collected = _run(body, [taken(s, 0, batch) for s in states], cut, scan_input_directions=backward or [0] * len(scans))
        finals.append(final)
        outputs.append(collected)
    whole = not lengths or min(lengths) == longest
    results = [stacked(column) for column in zip(*finals, strict=True)]
    collections = [stacked(column) for column in zip(*outputs, strict=True)] if whole else [None] * len(outputs[0])
    given: dict[str, Any] = {"body": body.graph, "num_scan_inputs": len(scans)} | ({"directions": backward} if backward else {})
    counts = Tensor("int64", (len(lengths),), tuple(lengths)) if lengths else None
    return Case([counts, *states, *scans], [*results, *collections], given)


@oracle("Scan", 8)
def scan_batches(types: Types, since: int) -> list[Case]:
    """The same for each batch, with a length for each sequence."""
    type = types["V"]
    state, x = rare(type, (2, 2)), ordinary(type, (2, 3, 2))
    body = _delay(taken(state, 0, 0))
    made = [_batched(body, [state], [x], [3, 3], []), _batched(body, [state], [x], [1, 3], [])]
    if types.tested == "I":
        return [*made, _batched(body, [state], [x], [3, 2], [])]
    made.append(_batched(body, [state], [x], None, []))
    return made + _batches() if type == "float" else made


def _batches() -> list[Case]:
    start = Tensor("float", (2,), (Fraction(0), Fraction(1, 2)))
    x = Tensor("float", (2, 3), tuple(Fraction(n, 4) for n in (1, 2, 3, 5, 7, 11)))
    total = _total(taken(start, 0, 0))
    a, b = ordinary("float", (2, 3, 2)), ordinary("float", (2, 3), 1)
    two = _zip(taken(taken(a, 0, 0), 0, 0), taken(taken(b, 0, 0), 0, 0))
    return [
        _batched(total, [start], [x], None, []),
        _batched(total, [start], [x], None, [1]),
        _batched(total, [start], [x], [2, 1], []),
        _batched(two, [], [a, b], None, [0, 1]),
    ]
