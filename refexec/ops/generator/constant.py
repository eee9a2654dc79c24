"""Constant, ConstantOfShape."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import tensor_type, vector
from refexec.registry import op

TYPES = {
    "value_float": "float32",
    "value_floats": "float32",
    "value_int": "int64",
    "value_ints": "int64",
    "value_string": "string",
    "value_strings": "string",
}


def constant_type(attributes, inputs):
    """The type of whichever attribute holds the value."""
    for name, value in attributes.items():
        if name in TYPES:
            return (tensor_type(TYPES[name]),)
        return (tensor_type((value.values if name == "sparse_value" else value).dtype),)
    return (None,)


@op("Constant", since=13, also=(19, 21, 23, 24, 25), arithmetic="exact", compare=exact, result_types=constant_type)
def constant_13(
    *,
    sparse_value=None,
    value=None,
    value_float=None,
    value_floats=None,
    value_int=None,
    value_ints=None,
    value_string=None,
    value_strings=None,
):
    """The one attribute that is set, as a tensor; a sparse value becomes dense."""
    given = {name: v for name, v in locals().items() if v is not None}
    require(len(given) == 1, "exactly one of the value attributes is set", set=sorted(given))
    ((name, v),) = given.items()
    if name == "value":
        return v
    if name == "sparse_value":
        claim(v.shape, v.values.dtype)
        return v.to_dense()
    return np.array(v, tensor_type(TYPES[name]).elem.dtype)


@op("Constant", since=12, like=constant_13)
def constant_12(**attributes):
    """The same types of value as in version 13."""
    return constant_13(**attributes)


@op("Constant", since=11, like=constant_13)
def constant_11(*, sparse_value=None, value=None):
    """Before version 12: a tensor or a sparse tensor."""
    return constant_13(sparse_value=sparse_value, value=value)


@op("Constant", since=1, also=(9,), like=constant_13)
def constant_1(*, value):
    """Before version 11: a tensor."""
    return value


def filled_type(attributes, inputs):
    """The type of ``value``, float32 when there is none."""
    value = attributes.get("value")
    return (tensor_type("float32" if value is None else value.dtype),)


@op("ConstantOfShape", since=9, also=(20, 21, 23, 24, 25), arithmetic="exact", compare=exact, result_types=filled_type)
def constant_of_shape_9(input, /, *, value=None):
    """A tensor of shape ``input`` filled with the one element of ``value``, float32 zeros without it."""
    require(np.all(input >= 0), "sizes are not negative", input=input)
    fill = np.zeros(1, np.float32) if value is None else value
    require(fill.size == 1, "value has one element", value=fill)
    return np.full(claim(vector(input, "input"), fill.dtype), fill.reshape(()), fill.dtype)
