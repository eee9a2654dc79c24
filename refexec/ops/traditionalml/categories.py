"""CategoryMapper, LabelEncoder, OneHotEncoder: values looked up in lists."""

import numpy as np

from refexec.comparison import discrete, exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, is_integer, tensor_type
from refexec.ops.traditionalml.scores import exactly_one
from refexec.registry import op
from refexec.types import element_type

NAN = object()


def positions(x: Array, keys: Array) -> Array:
    """The position of each element among ``keys``, -1 for those that are not there. Of equal keys the last counts; NaN equals NaN."""
    at = {plain(key): i for i, key in enumerate(keys.tolist())}
    return np.array([at.get(plain(v), -1) for v in x.reshape(-1).tolist()], np.int64).reshape(x.shape)


def plain(value):
    """A value as a dictionary finds it."""
    return NAN if value != value else value


def mapped(x: Array, keys: Array, values: Array, default) -> Array:
    """The value at the position of each element among ``keys``, or ``default``."""
    require(len(keys) == len(values), "keys and values have one length", keys=len(keys), values=len(values))
    table = np.concatenate([values, np.array([default], values.dtype)])
    return table[positions(x, keys).reshape(-1)].reshape(x.shape)


def other_kind(attributes, inputs):
    """Strings become integers, integers become strings."""
    return (None if inputs[0] is None else tensor_type("int64" if inputs[0].elem.kind == "string" else "string"),)


def texts(values) -> Array:
    return np.array(values or (), dtype=object)


def numbers(values) -> Array:
    return np.array(values or (), dtype=np.int64)


@op("CategoryMapper", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=exact, result_types=other_kind)
def category_mapper_1(X, /, *, cats_int64s=None, cats_strings=None, default_int64=-1, default_string="_Unused"):
    """Each string as the integer at its position, each integer as the string: the default where there is none."""
    if is_integer(X):
        return mapped(X, numbers(cats_int64s), texts(cats_strings), default_string)
    return mapped(X, texts(cats_strings), numbers(cats_int64s), default_int64)


LISTS = {
    "keys_strings": "string", "keys_int64s": "int64", "keys_floats": "float32", "values_strings": "string", "values_int64s": "int64",
    "values_floats": "float32",
}  # fmt: skip


def encoded_type(attributes, inputs):
    """The type of whichever list of values is set."""
    if attributes.get("values_tensor") is not None:
        return (tensor_type(attributes["values_tensor"].dtype),)
    return next(((tensor_type(kind),) for name, kind in LISTS.items() if name.startswith("values") and attributes.get(name)), (None,))


def column(rule: str, **lists) -> Array:
    """The one list or tensor that is set, as a vector."""
    name, values = exactly_one(rule, **{n: v.reshape(-1) if isinstance(v, np.ndarray) else v for n, v in lists.items()})
    return values if isinstance(values, np.ndarray) else np.array(values, tensor_type(LISTS[name]).elem.dtype)


@op("LabelEncoder", since=4, domain="ai.onnx.ml", arithmetic="exact", compare=discrete(), result_types=encoded_type)
def label_encoder_4(
    X, /, *, default_float=-0.0, default_int64=-1, default_string="_Unused", default_tensor=None, keys_floats=None, keys_int64s=None,
    keys_strings=None, keys_tensor=None, values_floats=None, values_int64s=None, values_strings=None, values_tensor=None,
):  # fmt: skip
    """Each element of X that is a key as the value at the same position, any other as the default of the values' kind.

    A key NaN matches every NaN. Of equal keys the last counts.
    """
    keys, values = key_and_value_lists(
        keys_floats, keys_int64s, keys_strings, keys_tensor, values_floats, values_int64s, values_strings, values_tensor
    )
    require(keys.dtype == X.dtype, "the keys have the type of the input", keys=keys.dtype, X=X.dtype)
    default = {"O": default_string, "f": default_float}.get(values.dtype.kind, default_int64)
    if default_tensor is not None:
        fits = default_tensor.dtype == values.dtype and default_tensor.size == 1
        require(fits, "default_tensor is one value of the values' type", default=default_tensor, values=values.dtype)
        default = default_tensor.item()
    return mapped(X, keys, values, default)


def key_and_value_lists(kf, ki, ks, kt, vf, vi, vs, vt):
    keys = column("one and only one of keys_* is set", keys_floats=kf, keys_int64s=ki, keys_strings=ks, keys_tensor=kt)
    values = column("one and only one of values_* is set", values_floats=vf, values_int64s=vi, values_strings=vs, values_tensor=vt)
    return keys, values


@op("LabelEncoder", since=2, domain="ai.onnx.ml", like=label_encoder_4)
def label_encoder_2(
    X, /, *, default_float=-0.0, default_int64=-1, default_string="_Unused", keys_floats=None, keys_int64s=None, keys_strings=None,
    values_floats=None, values_int64s=None, values_strings=None,
):  # fmt: skip
    """Before version 4: no tensors, and floats match bit by bit, so that -0 is not 0 and a NaN matches its own bits only."""
    keys, values = key_and_value_lists(keys_floats, keys_int64s, keys_strings, None, values_floats, values_int64s, values_strings, None)
    require(keys.dtype == X.dtype, "the keys have the type of the input", keys=keys.dtype, X=X.dtype)
    default = {"O": default_string, "f": default_float}.get(values.dtype.kind, default_int64)
    if keys.dtype.kind == "f":
        keys, X = keys.view(np.int32), np.ascontiguousarray(X).view(np.int32).reshape(X.shape)
    return mapped(X, keys, values, default)


@op("LabelEncoder", since=1, domain="ai.onnx.ml", like=label_encoder_4, result_types=other_kind)
def label_encoder_1(X, /, *, classes_strings=None, default_int64=-1, default_string="_Unused"):
    """Before version 2: each string as its index in ``classes_strings``, each integer as the string at that index."""
    classes = texts(classes_strings)
    return category_mapper_1(
        X, cats_int64s=range(len(classes)), cats_strings=classes_strings, default_int64=default_int64, default_string=default_string
    )


@op("OneHotEncoder", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=discrete())
def one_hot_encoder_1(X, /, *, cats_int64s=None, cats_strings=None, zeros=1):
    """1.0 at the position of each element among the categories along a new last axis, else 0. Floats lose their fraction first.

    What is no category gives zeros only; without ``zeros`` it is refused.
    """
    name, cats = exactly_one("one and only one of cats_* is set", cats_strings=cats_strings, cats_int64s=cats_int64s)
    fits = (name == "cats_strings") == (X.dtype == object)
    require(fits, "strings are looked up in cats_strings, numbers in cats_int64s", set=name, X=X.dtype)
    at = positions(np.trunc(X) if X.dtype.kind == "f" else X, np.array(cats, object))
    require(zeros or np.all(at >= 0), "without zeros, every element is a category", position=int(np.argmin(at)) if at.size else None)
    Y = np.zeros(claim((*X.shape, len(cats)), np.float32), element_type("float32").dtype)
    Y.reshape(-1, len(cats))[np.flatnonzero(at >= 0), at[at >= 0]] = 1
    return Y
