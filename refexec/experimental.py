"""Schemas of operators that ONNX 1.0 to 1.4 had as experimental and then removed; models of those years still carry them.

onnx.defs has no schema of them, and its checker lets them pass with a warning. Source: onnx/defs/experiments/defs.cc of onnx 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from onnx import defs, helper

__all__ = ["experimental_schema"]

FLOATS = ["tensor(float16)", "tensor(float)", "tensor(double)"]
INDICES = ["tensor(int32)", "tensor(int64)"]


def experimental_schema(name: str) -> Any:
    """The schema of an operator of the default domain that was experimental; None for any other name."""
    return _schemas().get(name)


@cache
def _schemas() -> dict[str, Any]:
    image = [("input", "T")]
    slicing = [("data", "T"), ("starts", "Tind"), ("ends", "Tind"), ("axes", "Tind", True)]
    made = (
        _schema("Affine", [("X", "T")], {"alpha": 1.0, "beta": 0.0}),
        _schema("Crop", image, {"border": "INTS", "scale": "INTS"}),
        _schema("DynamicSlice", slicing, {}, every_type=True),
        _schema("ImageScaler", image, {"bias": "FLOATS", "scale": 1.0}),
        _schema("ParametricSoftplus", [("X", "T")], {"alpha": "FLOAT", "beta": "FLOAT"}),
        _schema("Scale", image, {"scale": 1.0}),
        _schema("ScaledTanh", image, {"alpha": "FLOAT", "beta": "FLOAT"}),
    )
    return {schema.name: schema for schema in made}


def _schema(name: str, inputs: Sequence[tuple[Any, ...]], attributes: dict[str, Any], every_type: bool = False) -> Any:
    """An attribute is its default, or its type where it has none."""
    Formal, Options, Attribute = defs.OpSchema.FormalParameter, defs.OpSchema.FormalParameterOption, defs.OpSchema.Attribute
    formals = [Formal(n, t, param_option=Options.Optional if rest else Options.Single) for n, t, *rest in inputs]
    result = "Y" if inputs[0][0] == "X" else "output"
    types = sorted(defs.get_schema("Slice", 1).type_constraints[0].allowed_type_strs) if every_type else FLOATS
    constraints = [("T", types, "")] + ([("Tind", INDICES, "")] if every_type else [])
    made = []
    for attribute, value in attributes.items():
        if isinstance(value, str):
            made.append(Attribute(attribute, getattr(defs.OpSchema.AttrType, value), required=False))
        else:
            made.append(Attribute(attribute, helper.make_attribute(attribute, value)))
    return defs.OpSchema(name, "", 1, inputs=formals, outputs=[Formal(result, "T")], type_constraints=constraints, attributes=made)
