"""InstanceNormalization, GroupNormalization, MeanVarianceNormalization."""

from dataclasses import replace
from math import prod

import numpy as np

from refexec.comparison import rounded
from refexec.errors import require
from refexec.ops.common import normalize_axes
from refexec.ops.nn.standardization import STASHED_TYPES, affine, per_output, standardize, standardized
from refexec.ops.reduction.over import KERNEL_TYPES, mean
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.types import element_type
from refexec.values import unit_roundoff


def over_channels(parameter, channels, rank, name):
    """A vector with one value per channel in a form that broadcasts over (N, C, D...) of that ``rank``."""
    require(parameter.shape == (channels,), "a parameter has one value per channel", name=name, shape=parameter.shape, channels=channels)
    return parameter.reshape(-1, *(1,) * (rank - 2))


def instance_norm_bound(call):
    """The errors of the standardised value, scaled and shifted."""
    input, scale, B = call.inputs
    s = standardized(input, tuple(range(2, input.ndim)), call.attributes.get("epsilon", 1e-5), call.elements[0].dtype)
    scale, B = (over_channels(p, input.shape[1], input.ndim, "") for p in (scale, B))
    return per_output(call, lambda e: affine(s, scale, B, e, call.outputs[0]))


@op("InstanceNormalization", since=1, also=(6, 22), arithmetic="rounded", compare=rounded(instance_norm_bound))
def instance_normalization_1(input, scale, B, /, *, epsilon=1e-5):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + B; mean and variance per instance and channel, over the spatial axes."""
    require(input.ndim >= 2, "input is (N, C, D1, ...)", input=input.shape)
    for name, parameter in {"scale": scale, "B": B}.items():
        over_channels(parameter, input.shape[1], input.ndim, name)
    return standardize(input, scale, B, **per_channel(input.shape), epsilon=epsilon)


def per_channel(input):
    """The shapes that an instance normalisation of the shape ``input`` works in."""
    return {"view": input, "axes": tuple(range(2, len(input))), "spread": (input[1], *(1,) * (len(input) - 2))}


@lowers(instance_normalization_1, types=KERNEL_TYPES)
def lower_instance_normalization(attributes, shapes):
    """One call of ``standardize``; None where the body is to refuse a shape."""
    input, scale, B = shapes
    if len(input) < 2 or scale != input[1:2] or input[1:2] != B:
        return None
    return Lowered(standardize, (0, 1, 2), per_channel(input) | {"epsilon": attributes["epsilon"]})


def groups_of(X, num_groups):
    """X, a shape, as (N, num_groups, channels of one group, elements of a channel)."""
    require(len(X) >= 2, "X is (N, C, D1, ...)", X=X)
    require(num_groups >= 1 and X[1] % num_groups == 0, "num_groups divides the number of channels", X=X, num_groups=num_groups)
    return (X[0], num_groups, X[1] // num_groups, prod(X[2:]))


def grouped(X, num_groups):
    """X as (N, num_groups, elements of one group)."""
    N, groups, *group = groups_of(X.shape, num_groups)
    return X.reshape(N, groups, prod(group))


def group_norm_bound(call):
    """The errors of the standardised value in the stash type (before version 21 in that of X), scaled and shifted."""
    X, scale, bias = call.inputs
    groups = call.attributes["num_groups"]
    stash = element_type(call.attributes.get("stash_type", call.elements[0].number))
    s = standardized(grouped(X, groups), (2,), call.attributes.get("epsilon", 1e-5), stash.dtype, moments=True)
    per_channel = X.shape[1] // len(scale) if len(scale) else 1  # version 18 has one value per group
    scale, bias = (over_channels(np.repeat(p, per_channel), X.shape[1], X.ndim, "") for p in (scale, bias))
    whole = replace(s, value=s.value.reshape(X.shape), value_error=s.value_error.reshape(X.shape))
    return per_output(call, lambda e: affine(whole, scale, bias, e, call.outputs[0]))


@op("GroupNormalization", since=21, arithmetic="stated", compare=rounded(group_norm_bound))
def group_normalization_21(X, scale, bias, /, *, ctx, epsilon=1e-5, num_groups, stash_type=1):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + bias; mean and variance per instance and group of channels.

    scale and bias have one value per channel. Mean, variance and quotient are computed in ``stash_type``; the quotient has
    the type of X again before it is scaled.
    """
    x = ctx.as_type(grouped(X, num_groups), stash_type)
    deviation = x - mean(x, 2)
    root = np.sqrt(mean(np.square(deviation), 2) + ctx.as_type(np.float32(epsilon), stash_type))
    normalized = ctx.as_type(deviation / root, ctx.output_types[0].elem).reshape(X.shape)
    return normalized * over_channels(scale, X.shape[1], X.ndim, "scale") + over_channels(bias, X.shape[1], X.ndim, "bias")


@op("GroupNormalization", since=18, arithmetic="rounded", compare=rounded(group_norm_bound))
def group_normalization_18(X, scale, bias, /, *, epsilon=1e-5, num_groups):
    """Before version 21 (deprecated): scale and bias have one value per group, and no precision is stated."""
    view = groups_of(X.shape, num_groups)
    per_group = scale.shape == bias.shape == (num_groups,)
    require(per_group, "scale and bias have one value per group", scale=scale.shape, bias=bias.shape, num_groups=num_groups)
    return standardize(X, scale, bias, view=view, axes=(2, 3), spread=(num_groups, 1, 1), epsilon=epsilon)


@lowers(group_normalization_18, types=KERNEL_TYPES)
def lower_group_normalization_18(attributes, shapes, per_group=1):
    """One call of ``standardize``; None where the body is to refuse a shape. Scale and bias have ``per_group`` values per group."""
    X, *parameters = shapes
    groups = attributes["num_groups"]
    view = groups_of(X, groups)
    if any(shape != (groups * per_group,) for shape in parameters):
        return None
    return Lowered(
        standardize, (0, 1, 2), {"view": view, "axes": (2, 3), "spread": (groups, per_group, 1), "epsilon": attributes["epsilon"]}
    )


@lowers(group_normalization_21, types=STASHED_TYPES)
def lower_group_normalization_21(attributes, shapes):
    """The same with one value per channel, where the first stage is float32, as in the kernel."""
    if attributes["stash_type"] != 1:
        return None
    _, _, per_group, _ = groups_of(shapes[0], attributes["num_groups"])
    return lower_group_normalization_18(attributes, shapes, per_group)


STD_FLOOR = 1e-9  # of the function body that defines the operator


def mean_variance_bound(call):
    """The errors of the standardised value."""
    (X,) = call.inputs
    axes = normalize_axes(call.attributes.get("axes", (0, 2, 3)), X.ndim)
    s = standardized(X, axes, 0.0, call.elements[0].dtype, floor=STD_FLOOR, moments=True)
    return per_output(call, lambda e: s.value_error + unit_roundoff(e.dtype) * np.abs(s.value))


@op("MeanVarianceNormalization", since=9, also=(13,), arithmetic="rounded", compare=rounded(mean_variance_bound))
def mean_variance_normalization_9(X, /, *, axes=(0, 2, 3)):
    """Y = (X - mean) / (standard deviation + 1e-9), over ``axes``: 0 where all elements are equal.

    The text gives the formula without 1e-9, the operator's function body has it.
    """
    over = normalize_axes(axes, X.ndim)
    deviation = X - mean(X, over)
    return deviation / (np.sqrt(mean(np.square(deviation), over)) + STD_FLOOR)
