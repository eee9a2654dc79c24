"""CastMap, DictVectorizer, ZipMap: maps and tensors."""

import numpy as np

from refexec.comparison import discrete, exact
from refexec.errors import RuleViolation, require
from refexec.limits import claim
from refexec.ops.common import tensor_type
from refexec.ops.tensor.cast import Rules, cast
from refexec.ops.traditionalml.scores import exactly_one
from refexec.registry import op
from refexec.types import INT64, STRING, MapType, SequenceType
from refexec.values import Sequence, zero

CASTS = {"TO_FLOAT": "float32", "TO_STRING": "string", "TO_INT64": "int64"}


def cast_map_type(attributes, inputs):
    """What ``cast_to`` names."""
    return (tensor_type(CASTS[attributes["cast_to"]]) if attributes["cast_to"] in CASTS else None,)


@op("CastMap", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=discrete(), result_types=cast_map_type)
def cast_map_1(X, /, *, cast_to="TO_FLOAT", map_form="DENSE", max_map=1):
    """The values of a map, cast as Cast does, as [1, size].

    DENSE: all of them, by ascending key. SPARSE: the one of key k at position k, of ``max_map`` positions; the others are 0, or ""
    as strings.
    """
    require(cast_to in CASTS, "cast_to is TO_FLOAT, TO_STRING or TO_INT64", cast_to=cast_to)
    keys = np.array(list(X), np.int64)
    values = [np.asarray(v) for v in X.values()]
    to = tensor_type(CASTS[cast_to]).elem
    Y = cast(np.array([v.item() for v in values], values[0].dtype), to, Rules()) if values else np.zeros(0, to.dtype)
    match map_form:
        case "DENSE":
            return Y[np.argsort(keys)][None]
        case "SPARSE":
            fits = not keys.size or (keys.min() >= 0 and keys.max() < max_map)
            require(fits and max_map > 0, "keys are in [0, max_map - 1]", keys=list(X), max_map=max_map)
            full = np.full(claim((1, max_map), to.dtype), zero(to.dtype), to.dtype)
            full[0, keys] = Y
            return full
    raise RuleViolation("map_form is DENSE or SPARSE", map_form=map_form)


def vectorized_type(attributes, inputs):
    """The type of the map's values."""
    return (inputs[0].value if isinstance(inputs[0], MapType) else None,)


@op("DictVectorizer", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=exact, result_types=vectorized_type)
def dict_vectorizer_1(X, /, *, ctx, int64_vocabulary=None, string_vocabulary=None):
    """Y[i] = the value of X for the key at position i of the vocabulary; 0, or "" for strings, where X has no such key."""
    rule = "one and only one vocabulary is set"
    _, vocabulary = exactly_one(rule, int64_vocabulary=int64_vocabulary, string_vocabulary=string_vocabulary)
    unknown = X.keys() - set(vocabulary)
    require(not unknown, "all keys of the map are in the vocabulary, and of its type", unknown=sorted(map(str, unknown)))
    dtype = ctx.output_types[0].elem.dtype
    missing = np.asarray(zero(dtype), dtype)
    found = [np.asarray(X.get(key, missing)).item() for key in vocabulary]
    return np.array(found, dtype)


def zip_map_type(attributes, inputs):
    """Maps from labels, which are strings or int64, to float32."""
    key = STRING if attributes.get("classlabels_strings") else INT64
    return (SequenceType(MapType(key, tensor_type("float32"))),)


@op("ZipMap", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=exact, result_types=zip_map_type)
def zip_map_1(X, /, *, ctx, classlabels_int64s=None, classlabels_strings=None):
    """One map per row of X: label i -> X[row, i]. A vector is one row."""
    rule = "one and only one list of class labels is set"
    _, labels = exactly_one(rule, classlabels_int64s=classlabels_int64s, classlabels_strings=classlabels_strings)
    fits = X.ndim in (1, 2) and X.shape[-1] == len(labels)
    require(fits, "X is [N, C] or [C], with one column per label", X=X.shape, labels=len(labels))
    require(len(set(labels)) == len(labels), "labels are distinct", labels=labels)
    claim((*X.shape, 8), np.int64)  # an entry of a dict is far larger than a number
    rows = X.reshape(-1, len(labels))
    return Sequence(ctx.output_types[0].elem, [dict(zip(labels, row, strict=True)) for row in rows])
