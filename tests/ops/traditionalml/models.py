"""Operators of ai.onnx.ml on their own, and what they declare about comparing their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from refexec import Limits, Session, run_op
from refexec.comparison import Call
from refexec.registry import lookup
from refexec.schema import signature
from refexec.types import element_type

DOMAIN = "ai.onnx.ml"
TRANSFORMS = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT")


def ml(name: str, *inputs: Any, opset: int = 5, **attributes: Any) -> Any:
    """Run an operator; whole numbers may stand for floats in attributes, and an empty list is not set."""
    formal = signature(DOMAIN, name, opset).attributes
    given: dict[str, Any] = {key: v for key, v in attributes.items() if not isinstance(v, (list, tuple)) or v}
    floats: dict[str, Any] = {
        key: list(map(float, v)) for key, v in given.items() if key in formal and formal[key].type == "FLOATS" and v is not None
    }
    return run_op(name, *inputs, domain=DOMAIN, opset=opset, **(given | floats))


def on_map(name: str, types: str, X: dict[Any, Any], *, profile: str = "reference", limits: Limits | None = None, **attributes: Any) -> Any:
    """Run an operator on a map of ``types``, such as "int64 float"."""
    key, value = (element_type(t) for t in types.split())
    helper = onnx.helper
    map_type = helper.make_map_type_proto(key.number, helper.make_tensor_type_proto(value.number, ()))
    node = helper.make_node(name, ["x"], ["y"], domain=DOMAIN, **attributes)
    graph = helper.make_graph([node], "g", [helper.make_value_info("x", map_type)], [onnx.ValueInfoProto(name="y")])
    imports = [helper.make_opsetid(DOMAIN, 1), helper.make_opsetid("", 21)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    return Session(model, profile=profile, limits=limits).run(None, {"x": X})[0]


def excess(name: str, X: Any, computed: Callable[[], Any], *, opset: int = 5, **attributes: Any) -> float:
    """The largest error of a float32 computation of the last output, in units of the declared bound."""
    schema = signature(DOMAIN, name, opset)
    comparison = lookup(DOMAIN, name, schema.since).comparison
    assert comparison is not None and comparison.bound is not None

    def evaluate(*inputs: Any, **changes: Any) -> tuple[Any, ...]:
        y = ml(name, *inputs, opset=opset, profile="wide", **{**attributes, **changes})
        return y if isinstance(y, tuple) else (y,)

    full = {key: a.default for key, a in schema.attributes.items() if a.default is not None} | attributes
    outputs = evaluate(X)
    elements = tuple(element_type(y.dtype if y.dtype.kind != "f" else np.float32) for y in outputs)
    with np.errstate(all="ignore"):
        bound = comparison.bound(Call((X.astype(np.float64),), full, outputs, elements, evaluate))[-1]
    found = computed()
    assert found.dtype == np.float32 and bound.shape == outputs[-1].shape
    error = np.abs(found - outputs[-1].astype(np.float64))
    assert np.all(bound > 0)
    return float(np.max(error / bound))
