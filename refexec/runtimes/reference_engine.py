"""Child side of onnx.reference."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from refexec.runtimes.wire import Refused

__all__ = ["run"]


def run(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one request."""
    try:
        proto = onnx.load(request["path"]) if "path" in request else onnx.load_model_from_string(request["model"])
        if "path" not in request and request["base_dir"] is not None:
            onnx.load_external_data_for_model(proto, request["base_dir"])
        evaluator = ReferenceEvaluator(proto)
    except Exception as error:
        raise Refused("load", error) from error
    names = request["outputs"] or [o.name for o in proto.graph.output]
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = evaluator.run(names, dict(request["feeds"]))
    except Exception as error:
        raise Refused("run", error) from error
    return {"values": {name: _plain(v) for name, v in zip(names, results, strict=True)}, "info": {"version": onnx.__version__}}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "UT":
        return value.astype(object)
    return value
