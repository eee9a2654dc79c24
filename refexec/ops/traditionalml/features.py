"""ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Normalizer, Scaler."""

import numpy as np

from refexec.comparison import Call, discrete, exact, rounded, ulps
from refexec.errors import RuleViolation, require
from refexec.limits import claim
from refexec.ops.common import is_integer
from refexec.ops.reduction.over import reduce_over, total
from refexec.ops.traditionalml.scores import exactly_one, real
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


@op("ArrayFeatureExtractor", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=exact)
def array_feature_extractor_1(X, Y, /):
    """The elements of the last axis of X at the indices Y, which may have any shape; a vector X gives [1, number of indices]."""
    require(X.ndim > 0, "X has an axis", X=X.shape)
    require(Y.size > 0, "there is at least one index", Y=Y.shape)
    known = np.all((Y >= 0) & (X.shape[-1] > Y))
    require(known, "indices are in [0, size of the last axis - 1]", least=Y.min(initial=0), largest=Y.max(initial=0), X=X.shape)
    claim((*X.shape[:-1], Y.size), X.dtype)
    return np.take(X if X.ndim > 1 else X[None], Y.reshape(-1), axis=-1)


def above(call: Call):
    """How far each element is from the threshold."""
    return np.abs(call.inputs[0].astype(np.float64) - call.attributes["threshold"])


@op("Binarizer", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=discrete(above))
def binarizer_1(X, /, *, threshold=0.0):
    """1 where X > threshold, else 0, in the type of X. NaN gives 0."""
    return (threshold < X).astype(X.dtype)


@op("FeatureVectorizer", since=1, domain="ai.onnx.ml", arithmetic="rounded", compare=exact)
def feature_vectorizer_1(*X, inputdimensions=None):
    """The inputs side by side along axis 1, as float32; a vector [C] counts as [1, C].

    Input i takes ``inputdimensions[i]`` columns: what is longer is cut, what is shorter is filled with zeros.
    """
    require(all(x.ndim in (1, 2) for x in X), "inputs are [N, C] or [C]", X=[x.shape for x in X])
    matrices = [real(x if x.ndim == 2 else x[None]) for x in X]
    require(len({len(x) for x in matrices}) == 1, "inputs have one number of rows", X=[x.shape for x in X])
    widths = inputdimensions or [x.shape[1] for x in matrices]
    fits = len(widths) == len(matrices) and min(widths) >= 0
    require(fits, "inputdimensions has the size of each input", inputdimensions=widths, inputs=len(matrices))
    output = np.zeros(claim((len(matrices[0]), sum(widths)), np.float64), matrices[0].dtype)
    start = 0
    for x, width in zip(matrices, widths, strict=True):
        columns = min(width, x.shape[1])
        output[:, start : start + columns] = x[:, :columns]
        start += width
    return output


@op("Imputer", since=1, domain="ai.onnx.ml", arithmetic="exact", compare=exact)
def imputer_1(X, /, *, imputed_value_floats=None, imputed_value_int64s=None, replaced_value_float=0.0, replaced_value_int64=0):
    """X with the imputed value wherever an element equals the replaced one; NaN is replaced if that is NaN. There is one imputed
    value, or one per feature, which the last axis counts."""
    rule = "one and only one of imputed_value_floats and imputed_value_int64s is set"
    name, values = exactly_one(rule, imputed_value_floats=imputed_value_floats, imputed_value_int64s=imputed_value_int64s)
    require((name == "imputed_value_int64s") == is_integer(X), "floats replace floats, integers replace integers", set=name, X=X.dtype)
    features = X.shape[-1] if X.ndim else 1
    require(len(values) in (1, features), "there is one imputed value, or one per feature", values=len(values), X=X.shape)
    if is_integer(X):
        info = np.iinfo(X.dtype)
        fits = info.min <= min(values) and max(values) <= info.max
        require(fits, "imputed values fit the type of the input", values=values, X=X.dtype)
        gone = replaced_value_int64 == X
    else:
        gone = np.isnan(X) if np.isnan(replaced_value_float) else replaced_value_float == X
    return np.where(gone, np.array(values, X.dtype), X).reshape(X.shape)


def divisor_bound(call: Call):
    """Y is off by a few roundoffs, and as much as its divisor: a sum may cancel."""
    X, dtype = real(call.inputs[0]), call.elements[0].dtype
    magnitude = np.abs(X).sum(axis=-1, keepdims=True) if call.attributes["norm"] == "L1" else 0
    divisor = np.abs(X.sum(axis=-1, keepdims=True)) if call.attributes["norm"] == "L1" else 1
    growth = 4 + X.shape[-1] * (1 + magnitude / np.where(divisor == 0, 1, divisor))
    return (growth * unit_roundoff(dtype) * np.abs(call.outputs[0]) + smallest_subnormal(dtype),)


@op("Normalizer", since=1, domain="ai.onnx.ml", arithmetic="rounded", compare=rounded(divisor_bound))
def normalizer_1(X, /, *, norm="MAX"):
    """Each row [C] of X divided by: MAX: its maximum. L1: its sum. L2: the square root of the sum of its squares.

    MAX and L1 are those of the numbers, not of their magnitudes. A row whose divisor is 0 stays as it is.
    """
    require(X.ndim in (1, 2), "X is [N, C] or [C]", X=X.shape)
    X = real(X)
    match norm:
        case "MAX":
            divisor = X.max(axis=-1, keepdims=True, initial=-np.inf)
        case "L1":
            divisor = total(X, -1, keepdims=True)
        case "L2":
            divisor = reduce_over(X, axes=(X.ndim - 1,), how="l2")
        case _:
            raise RuleViolation("norm is MAX, L1 or L2", norm=norm)
    return X / np.where(divisor == 0, 1, divisor)


@op("Scaler", since=1, domain="ai.onnx.ml", arithmetic="rounded", compare=ulps(4))
def scaler_1(X, /, *, offset=None, scale=None):
    """Y = (X - offset) * scale, each one number or one per feature (the last axis of X). Without offset or scale, 0 or 1."""
    offsets, scales = (np.array(values or (default,), np.float64) for values, default in ((offset, 0.0), (scale, 1.0)))
    features = X.shape[-1] if X.ndim else 1
    fits = all(len(v) in (1, features) for v in (offsets, scales))
    require(fits, "offset and scale have one number, or one per feature", offset=offset, scale=scale, X=X.shape)
    require(not offset or not scale or len(offset) == len(scale), "offset and scale have one length", offset=offset, scale=scale)
    return ((real(X) - offsets) * scales).reshape(X.shape)
