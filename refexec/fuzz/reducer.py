"""Make a model smaller while something about it stays: any value inside may be frozen to what it is in refexec's reference run.

Nodes are taken away in ever smaller groups; what the others need of them becomes an input that holds its reference value, so the rest
runs on the numbers that it had. Nodes in bodies and functions are tried on their own, on the values of their first run. At the end
attributes, optional inputs, sizes and numbers are simplified. The models need not come from the generator.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from refexec.context import Event
from refexec.errors import RefexecError
from refexec.fuzz.parts import Feeds, Known, all_nodes, graphs, info, nested, taken
from refexec.fuzz.simplify import fewer_outputs, plainer, simpler_nodes, smaller
from refexec.limits import Limits
from refexec.proto_types import declared_type
from refexec.session import Session
from refexec.tensors import tensor_from_proto, tensor_to_proto
from refexec.values import to_public, value_type_of

__all__ = ["Reduced", "reduce"]

Check = Callable[[onnx.ModelProto, Feeds], bool]
LIMITS = Limits(seconds=20)


@dataclass(frozen=True)
class Reduced:
    """The model that is left with its feeds, and how often the check was called."""

    model: onnx.ModelProto
    feeds: Feeds
    calls: int


class _Out(Exception):
    """Calls or time are used up."""


class _Reducer:
    def __init__(self, check: Check, calls: int, seconds: float, sound: bool) -> None:
        self.check = check
        self.sound = sound  # whether only models that refexec accepts count
        self.most = calls
        self.end = time.monotonic() + seconds
        self.calls = 0
        self.seen: set[bytes] = set()

    def holds(self, model: onnx.ModelProto, feeds: Feeds) -> bool:
        """Whether it stays; a model that was tried already does not count."""
        key = model.SerializeToString(deterministic=True) + repr([(n, _digest(v)) for n, v in feeds.items()]).encode()
        if key in self.seen:
            return False
        if self.calls >= self.most or (self.calls and time.monotonic() > self.end):
            raise _Out
        self.seen.add(key)
        if self.sound and not _accepted(model):
            return False
        self.calls += 1
        return self.check(model, feeds)


def reduce(model: onnx.ModelProto, feeds: Mapping[str, Any], check: Check, *, calls: int = 1000, seconds: float = 60.0) -> Reduced:
    """Make a model smaller for which ``check(model, feeds)`` is true. Of a model that refexec accepts only such ones are made.

    Args:
        model: is not changed.
        feeds: by input name, as for :meth:`refexec.Session.run`.
        check: whether what one looks for is there; it must not raise.
        calls: how often ``check`` may be called.
        seconds: how long it may take.

    Returns the smallest model found; the given one when the check is false for it.
    """
    reducer = _Reducer(check, calls, seconds, _accepted(model))
    now, given = _inputs_only(copy.deepcopy(model)), dict(feeds)
    try:
        if not reducer.holds(now, given):
            now = copy.deepcopy(model)
            if not reducer.holds(now, given):
                return Reduced(model, dict(feeds), reducer.calls)
        size = -1
        while size != (size := now.ByteSize() + sum(map(_size, given.values()))):
            for shrink in (_alone, _fewer_nodes, fewer_outputs, simpler_nodes, smaller, plainer):
                now, given = shrink(reducer, now, given)
    except _Out:
        pass
    return Reduced(_declared(now, given), given, reducer.calls)


def _declared(model: onnx.ModelProto, feeds: Feeds) -> onnx.ModelProto:
    """The model with outputs declared as what they are in the reference run, as far as there is one."""
    values, _ = _values(model, feeds)
    for entry in model.graph.output:
        if entry.name in values:
            entry.CopyFrom(info(entry.name, values[entry.name]))
    return model


def _accepted(model: onnx.ModelProto) -> bool:
    try:
        Session(model, profile="reference", limits=LIMITS)
    except RefexecError:
        return False
    return True


def _values(model: onnx.ModelProto, feeds: Feeds) -> tuple[dict[str, Known], list[Event]]:
    """Each value's first value by name, and the events of a reference run; of what refexec cannot run, none."""
    events: list[Event] = []
    values: dict[str, Known] = {}
    for entry in model.graph.input:
        if entry.name in feeds and (type := declared_type(entry)) is not None:
            values[entry.name] = Known(feeds[entry.name], type)
    with suppress(RefexecError):
        session = Session(model, profile="reference", limits=LIMITS)
        for tensor in model.graph.initializer:
            held = tensor_from_proto(tensor, "")
            values[tensor.name] = Known(held, value_type_of(held))
        session.observe(feeds, events.append)
    for event in events:
        for names, held_values in ((event.node.outputs, event.outputs), (event.node.inputs, event.inputs)):
            for name, held in zip(names, held_values, strict=False):
                if name and held is not None and name not in values:
                    values[name] = Known(to_public(held), value_type_of(held))
    return values, events


# --- one node alone ---


def _alone(reducer: _Reducer, model: onnx.ModelProto, feeds: Feeds) -> tuple[onnx.ModelProto, Feeds]:
    """One node, wherever it stands, on the values of its first run."""
    nodes = list(all_nodes(model))
    if len(nodes) < 2:
        return model, feeds
    values, events = _values(model, feeds)
    ran = {name for e in events for name in e.node.outputs if name}
    functions = {(f.domain, f.name) for f in model.functions}
    for node in sorted(nodes, key=lambda n: bool(graphs(n)) or (n.domain, n.op_type) in functions):  # those that hold no others first
        if any(a.ref_attr_name for a in node.attribute) or not ran.intersection(node.output):
            continue
        made = _with_nodes(model, [node], values)
        if made is not None and reducer.holds(*made):
            return made
    return model, feeds


# --- fewer nodes ---


def _fewer_nodes(reducer: _Reducer, model: onnx.ModelProto, feeds: Feeds) -> tuple[onnx.ModelProto, Feeds]:
    """Groups of nodes away, halves first; what the others need of them is frozen. Then the same in every body."""
    values, _ = _values(model, feeds)
    kept = list(model.graph.node)
    size = max(len(kept) // 2, 1)
    while len(kept) > 1:
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            made = _with_nodes(model, rest, values) if rest else None
            if made is not None and reducer.holds(*made):
                model, feeds, kept = made[0], made[1], list(made[0].graph.node)
                break
        else:
            if size == 1:
                break
            size //= 2
    return _fewer_in_bodies(reducer, model, feeds, values), feeds


def _fewer_in_bodies(reducer: _Reducer, model: onnx.ModelProto, feeds: Feeds, values: Mapping[str, Known]) -> onnx.ModelProto:
    """Nodes of bodies away; their results become initializers with the values of the first trip."""
    at = 0
    while True:
        places = [(g, i) for n in all_nodes(model) for g in graphs(n) for i in range(len(g.node))]
        if at >= len(places):
            return model
        changed = copy.deepcopy(model)
        graph, index = [(g, i) for n in all_nodes(changed) for g in graphs(n) for i in range(len(g.node))][at]
        frozen = [n for n in graph.node[index].output if n]
        if all(n in values and isinstance(values[n].value, np.ndarray) for n in frozen):
            del graph.node[index]
            used = {i for n in nested(graph.node) for i in n.input} | {o.name for o in graph.output}
            graph.initializer.extend(tensor_to_proto(values[n].value, n) for n in frozen if n in used)
            if reducer.holds(changed, feeds):
                model = changed
                continue
        at += 1


def _with_nodes(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], values: Mapping[str, Known]
) -> tuple[onnx.ModelProto, Feeds] | None:
    """A model of these nodes; what no one makes is an input with its value. None where a value is not known."""
    made = {name for node in nodes for name in node.output if name}
    needed = list(dict.fromkeys(name for node in nodes for name in taken(node) if name not in made))
    used = {name for node in nodes for name in taken(node)}
    constants = {w.name: w for w in model.graph.initializer}
    infos = {i.name: i for i in model.graph.input}
    wanted = [o.name for o in model.graph.output if o.name in made]
    wanted += [n for node in nodes for n in node.output if n and n not in used and n not in wanted]
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for part in ("node", "input", "output", "initializer", "value_info", "sparse_initializer"):
        result.graph.ClearField(part)
    result.graph.node.extend(nodes)
    feeds: Feeds = {}
    for name in needed:
        if name in constants:
            result.graph.initializer.append(constants[name])
        elif name in values:
            result.graph.input.append(infos[name] if name in infos else info(name, values[name]))
            feeds[name] = values[name].value
        else:
            return None
    result.graph.output.extend(info(n, values[n]) if n in values else onnx.ValueInfoProto(name=n) for n in wanted)
    _drop_unused(result)
    return result, feeds


def _drop_unused(model: onnx.ModelProto) -> None:
    """Functions and imports that no node needs."""
    calls = {(n.domain, n.op_type) for n in nested(model.graph.node)}
    while True:
        inner = {(n.domain, n.op_type) for f in model.functions if (f.domain, f.name) in calls for n in nested(f.node)}
        if inner <= calls:
            break
        calls |= inner
    functions = [f for f in model.functions if (f.domain, f.name) in calls]
    del model.functions[:]
    model.functions.extend(functions)
    domains = {d for d, _ in calls} | {""}
    imports = [o for o in model.opset_import if o.domain in domains or o.domain == "ai.onnx"]
    del model.opset_import[:]
    model.opset_import.extend(imports)


def _inputs_only(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without what says nothing about the computation: texts, metadata, declared types of values inside."""
    for field in ("doc_string", "producer_name", "producer_version", "metadata_props", "model_version", "domain"):
        model.ClearField(field)
    for field in ("value_info", "doc_string", "metadata_props", "quantization_annotation"):
        model.graph.ClearField(field)
    for node in all_nodes(model):
        for field in ("doc_string", "metadata_props", "name"):
            node.ClearField(field)
    return model


def _digest(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tolist() if value.dtype == object else value.tobytes()
    return repr(value)


def _size(value: Any) -> int:
    return int(getattr(value, "size", 1))
