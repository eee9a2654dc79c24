"""LayerNormalization, RMSNormalization: over the last axes, with the precision of the first stage stated."""

import numpy as np

from refexec.comparison import rounded
from refexec.ops.common import broadcasts_to, normalize_axis, tensor_type, unidirectional
from refexec.ops.nn.standardization import STASHED_TYPES, affine, per_output, standardize, standardized
from refexec.ops.reduction.over import mean as mean_over
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.types import element_type
from refexec.values import unit_roundoff


def stash_types(attributes, inputs):
    """Y has the type of X; Mean and InvStdDev have the stash type."""
    stash = tensor_type(attributes["stash_type"])
    return inputs[0], stash, stash


def first_stage(call, centred):
    """The standardised value and its errors in the stash type; where not ``centred``, x / sqrt(mean(x * x) + epsilon)."""
    X, attributes = call.inputs[0], call.attributes
    axes = tuple(range(normalize_axis(attributes.get("axis", -1), X.ndim), X.ndim))
    stash = element_type(attributes.get("stash_type", 1)).dtype
    return standardized(X, axes, attributes.get("epsilon", 1e-5), stash, centred=centred, moments=centred)


def layer_norm_bound(call):
    """The errors of the first stage in the stash type, scaled, and three roundings to the type of X."""
    _, Scale, B = (*call.inputs, None)[:3]
    s = first_stage(call, centred=True)
    return per_output(
        call,
        lambda e: affine(s, Scale, B, e, call.outputs[0]),
        lambda e: s.mean_error + unit_roundoff(e.dtype) * np.abs(s.mean),
        lambda e: s.inverse_error + unit_roundoff(e.dtype) * s.inverse,
    )


@op("LayerNormalization", since=17, arithmetic="stated", compare=rounded(layer_norm_bound), result_types=stash_types)
def layer_normalization_17(X, Scale, B=None, /, *, ctx, axis=-1, epsilon=1e-5, stash_type=1):
    """Y = (X - mean) / sqrt(variance + epsilon) * Scale + B, over all dimensions from ``axis`` on.

    Mean and variance are those of X in ``stash_type``, also for wider X; the normalised value has the type of X again
    before it is scaled.
    """
    axes = tuple(range(normalize_axis(axis, X.ndim), X.ndim))
    x = ctx.as_type(X, stash_type)
    mean = mean_over(x, axes)
    deviation = x - mean
    variance = mean_over(np.square(deviation), axes)
    inverse = 1 / np.sqrt(variance + ctx.as_type(np.float32(epsilon), stash_type))
    normalized = ctx.as_type(deviation * inverse, ctx.output_types[0].elem)
    unidirectional(Scale, X.shape, name="Scale")
    if B is None:
        return normalized * Scale, mean, inverse
    unidirectional(B, X.shape, name="B")
    return normalized * Scale + B, mean, inverse


@lowers(layer_normalization_17, types=STASHED_TYPES)
def lower_layer_normalization(attributes, shapes, centred=True):
    """One call of ``standardize`` where the first stage is float32, as in its kernel."""
    X = shapes[0]
    axes = tuple(range(normalize_axis(attributes["axis"], len(X)), len(X)))
    given = [i for i, shape in enumerate(shapes) if shape is not None]
    if attributes["stash_type"] != 1 or not all(broadcasts_to(shapes[i], X) for i in given):
        return None
    return Lowered(standardize, tuple(given), {"view": X, "axes": axes, "epsilon": attributes["epsilon"], "centred": centred})


def scale_type(attributes, inputs):
    """Y has the type of scale."""
    return (inputs[1],)


def rms_norm_bound(call):
    """The errors of the first stage in the stash type, scaled, and two roundings to the type of Y."""
    s = first_stage(call, centred=False)
    return per_output(call, lambda e: affine(s, call.inputs[1], None, e, call.outputs[0]))


@op("RMSNormalization", since=23, arithmetic="stated", compare=rounded(rms_norm_bound))
def rms_normalization_23(X, scale, /, *, ctx, axis=-1, epsilon=1e-5, stash_type=1):
    """Y = X / sqrt(mean(X * X) + epsilon) * scale, the mean over all dimensions from ``axis`` on.

    The quotient is computed in ``stash_type`` and has the type of X again before it is scaled; Y has the type of scale.
    """
    axes = tuple(range(normalize_axis(axis, X.ndim), X.ndim))
    x = ctx.as_type(X, stash_type)
    root = np.sqrt(mean_over(np.square(x), axes) + ctx.as_type(np.float32(epsilon), stash_type))
    normalized = x / root if x.dtype == X.dtype else ctx.as_type(x / root, X.dtype)
    unidirectional(scale, X.shape, name="scale")
    return ctx.as_type(normalized, ctx.output_types[0].elem) * scale


@lowers(rms_normalization_23, types=STASHED_TYPES)
def lower_rms_normalization(attributes, shapes):
    """The same without a mean."""
    return lower_layer_normalization(attributes, shapes, centred=False)
