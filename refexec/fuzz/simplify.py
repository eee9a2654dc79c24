"""The last steps of a reduction: outputs, attributes and inputs away, sizes and numbers simpler."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from refexec.fuzz.parts import Feeds, Known, Tries, all_nodes, info, taken
from refexec.proto_types import declared_type
from refexec.tensors import tensor_from_proto, tensor_to_proto
from refexec.types import TensorType, element_type
from refexec.values import round_to

__all__ = ["fewer_outputs", "plainer", "simpler_nodes", "smaller"]


def fewer_outputs(tries: Tries, model: onnx.ModelProto, feeds: Feeds) -> tuple[onnx.ModelProto, Feeds]:
    for i in reversed(range(len(model.graph.output))):
        if len(model.graph.output) > 1:
            changed = copy.deepcopy(model)
            del changed.graph.output[i]
            if tries.holds(changed, feeds):
                model = changed
    return model, feeds


def simpler_nodes(tries: Tries, model: onnx.ModelProto, feeds: Feeds) -> tuple[onnx.ModelProto, Feeds]:
    """Attributes and optional inputs away, one after the other."""
    for edit in (_without_attribute, _without_input):
        at = 0
        while (changed := edit(model, at)) is not None:
            left = {i.name: feeds[i.name] for i in changed.graph.input if i.name in feeds}
            if tries.holds(changed, left):
                model, feeds = changed, left
            else:
                at += 1
    return model, feeds


def _without_attribute(model: onnx.ModelProto, at: int) -> onnx.ModelProto | None:
    changed = copy.deepcopy(model)
    for node in all_nodes(changed):
        if at < len(node.attribute):
            del node.attribute[at]
            return changed
        at -= len(node.attribute)
    return None


def _without_input(model: onnx.ModelProto, at: int) -> onnx.ModelProto | None:
    changed = copy.deepcopy(model)
    for node in all_nodes(changed):
        present = [i for i, name in enumerate(node.input) if name]
        if at < len(present):
            node.input[present[-1 - at]] = ""
            while node.input and not node.input[-1]:
                node.input.pop()
            return _without_unused(changed)
        at -= len(present)
    return None


def _without_unused(model: onnx.ModelProto) -> onnx.ModelProto:
    used = {name for node in model.graph.node for name in taken(node)} | {o.name for o in model.graph.output}
    for part in (model.graph.input, model.graph.initializer):
        for i in reversed(range(len(part))):
            if part[i].name not in used:
                del part[i]
    return model


def smaller(tries: Tries, model: onnx.ModelProto, feeds: Feeds) -> tuple[onnx.ModelProto, Feeds]:
    """Every axis of one size cut to one or to half, in inputs and initializers alike."""
    for size in sorted({n for v in _tensors(model, feeds) for n in v.shape if n > 1}, reverse=True):
        for part in dict.fromkeys((1, 2, size // 2, size - 1)):
            if 0 < part < size:
                made = _changed(model, feeds, lambda v, s=size, p=part: v[tuple(slice(p if n == s else n) for n in v.shape)])  # type: ignore[misc]
                if tries.holds(*made):
                    model, feeds = made
                    break
    return model, feeds


def plainer(tries: Tries, model: onnx.ModelProto, feeds: Feeds) -> tuple[onnx.ModelProto, Feeds]:
    """The numbers of each tensor: zeros, ones, whole numbers, few digits."""
    for name in [*feeds, *(w.name for w in model.graph.initializer)]:
        for simpler in (np.zeros_like, np.ones_like, _whole, _short):
            made = _changed(model, feeds, simpler, only=name)
            if tries.holds(*made):
                model, feeds = made
                break
    return model, feeds


def _whole(v: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return round_to(np.round(v.astype(np.float64)), v.dtype) if element_type(v.dtype).is_float else v


def _short(v: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Two digits."""
    if not element_type(v.dtype).is_float:
        return v
    with np.errstate(all="ignore"):
        wide = v.astype(np.float64)
        scale = 10.0 ** np.floor(np.log10(np.where(np.isfinite(wide) & (wide != 0), np.abs(wide), 1)) - 1)
        return round_to(np.where(np.isfinite(wide), np.round(wide / scale) * scale, wide), v.dtype)


def _tensors(model: onnx.ModelProto, feeds: Feeds) -> list[np.ndarray[Any, Any]]:
    return [v for v in feeds.values() if isinstance(v, np.ndarray)] + [tensor_from_proto(w, "") for w in model.graph.initializer]


def _changed(
    model: onnx.ModelProto, feeds: Feeds, change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]], only: str | None = None
) -> tuple[onnx.ModelProto, Feeds]:
    """The model with changed inputs and initializers, or one of them; declared shapes follow."""

    def apply(name: str, value: Any) -> Any:
        plain = isinstance(value, np.ndarray) and value.dtype != object and only in (None, name)
        return np.asarray(change(value), value.dtype) if plain else value

    result = copy.deepcopy(model)
    fed = {n: apply(n, v) for n, v in feeds.items()}
    for entry in result.graph.input:
        type, value = declared_type(entry), fed.get(entry.name)
        if isinstance(type, TensorType) and isinstance(value, np.ndarray):
            entry.CopyFrom(info(entry.name, Known(value, type)))
    for i, tensor in enumerate(result.graph.initializer):
        result.graph.initializer[i].CopyFrom(tensor_to_proto(apply(tensor.name, tensor_from_proto(tensor, "")), tensor.name))
    for entry in result.graph.output:
        for dim in entry.type.tensor_type.shape.dim:
            dim.Clear()
    return result, fed
