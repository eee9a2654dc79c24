"""BatchNormalization."""

import numpy as np

from refexec.comparison import rounded
from refexec.errors import require
from refexec.ops.nn.standardization import affine, per_output, standardized
from refexec.ops.reduction.over import KERNEL_TYPES
from refexec.ops.reduction.over import mean as mean_over
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op
from refexec.values import unit_roundoff


@primitive
def affine_per_channel(X, scale, B, mean, var, *, epsilon):
    """Y = (X - mean) / sqrt(var + epsilon) * scale + B.

    The parameters are (C,), or (C, D1, ...) like X without its first axis.
    """
    scale, B, mean, var = spread((scale, B, mean, var), X, scale.shape)
    return (X - mean) / np.sqrt(var + epsilon) * scale + B


def statistics_of(X, spatial):
    """The axes that mean and variance of a shape X are taken over, and the shape of either: (C,), or (C, D1, ...) if not ``spatial``."""
    if len(X) == 1:  # (N,) has one channel
        return (0,), (1,)
    require(len(X) >= 2, "X is (N, C, D1, ...) or (N,)", X=X)
    if spatial:
        return (0, *range(2, len(X))), X[1:2]
    return (0,), X[1:]


def spread(parameters, X, shape):
    """Parameters of ``shape`` (C,) or (C, D1, ...) in a form that broadcasts over X (N, C, D1, ...)."""
    shapes = [p.shape for p in parameters]
    require(all(s == shape for s in shapes), "each parameter has one value per channel", shapes=shapes, X=X.shape)
    ones = (1,) * (X.ndim - 1 - len(shape))
    return [p.reshape(*shape, *ones) for p in parameters]


def inference(X, scale, B, mean, var, epsilon, spatial=1):
    """Y = (X - mean) / sqrt(var + epsilon) * scale + B."""
    _, shape = statistics_of(X.shape, spatial)
    spread((scale, B, mean, var), X, shape)  # the rules
    return affine_per_channel(X, scale, B, mean, var, epsilon=epsilon)


def training(X, scale, B, mean, var, epsilon, momentum, spatial=1):
    """Y by the statistics of X, running mean and variance, mean and variance of X. Variances are those of the population."""
    axes, shape = statistics_of(X.shape, spatial)
    scale, B, mean, var = spread((scale, B, mean, var), X, shape)
    current_mean = mean_over(X, axes)
    current_var = mean_over(np.square(X - current_mean), axes)
    Y = (X - current_mean) / np.sqrt(current_var + epsilon) * scale + B
    running = [old * momentum + new * (1 - momentum) for old, new in ((mean, current_mean), (var, current_var))]
    return Y, *(statistic.reshape(shape) for statistic in (*running, current_mean, current_var))


def trains(attributes, further_outputs):
    """Whether a call normalises by the statistics of X: before version 7, from version 14 on, and in between."""
    if "is_test" in attributes:
        return not attributes["is_test"]
    if "training_mode" in attributes:
        return bool(attributes["training_mode"])
    return any(y is not None for y in further_outputs)


def batch_norm_bound(call):
    """Of the inference form 8 roundings, in any order of its steps; in training the errors of the statistics come first."""
    X, *parameters = call.inputs
    attributes = call.attributes
    epsilon, momentum = attributes.get("epsilon", 1e-5), attributes.get("momentum", 0.9)
    axes, shape = statistics_of(X.shape, attributes.get("spatial", 1))
    scale, B, mean, var = spread(parameters, X, shape)
    if not trains(attributes, call.outputs[1:]):
        factor = np.abs(scale / np.sqrt(var + epsilon))
        return per_output(call, lambda e: 8 * unit_roundoff(e.dtype) * ((np.abs(X) + np.abs(mean)) * factor + np.abs(B)))
    s = standardized(X, axes, epsilon, call.elements[0].dtype)

    def running(old, new, error):
        return lambda e: (error * (1 - momentum) + 4 * unit_roundoff(e.dtype) * (np.abs(old * momentum) + np.abs(new))).reshape(shape)

    def current(value, error):
        return lambda e: (error + unit_roundoff(e.dtype) * np.abs(value)).reshape(shape)

    return per_output(
        call,
        lambda e: affine(s, scale, B, e, call.outputs[0]),
        running(mean, s.mean, s.mean_error),
        running(var, s.variance, s.variance_error),
        current(s.mean, s.mean_error),
        current(s.variance, s.variance_error),
    )


@op("BatchNormalization", since=14, also=(15,), arithmetic="rounded", compare=rounded(batch_norm_bound))
def batch_normalization_14(X, scale, B, input_mean, input_var, /, *, ctx, epsilon=1e-5, momentum=0.9, training_mode=0):
    """Y = (X - mean) / sqrt(var + epsilon) * scale + B per channel, by the given statistics, or in training by those of X.

    running = input * momentum + current * (1 - momentum), for mean and variance (of the population, over N and the spatial axes).
    """
    if training_mode:
        return training(X, scale, B, input_mean, input_var, epsilon, momentum)[:3]
    only_y(ctx)
    return inference(X, scale, B, input_mean, input_var, epsilon)


def further(ctx):
    """Which of the outputs after Y are asked for."""
    return [ctx.wants(i) for i in range(1, ctx.outputs)]


def only_y(ctx):
    """Refuse a call that asks for more than Y."""
    require(not any(further(ctx)), "outputs other than Y are those of the training mode", outputs=ctx.outputs)


@op("BatchNormalization", since=9, like=batch_normalization_14)
def batch_normalization_9(X, scale, B, mean, var, /, *, ctx, epsilon=1e-5, momentum=0.9):
    """Before version 14: it is training when more than Y is asked for: mean, var (running), saved_mean, saved_var (of X)."""
    return batch_normalization_7(X, scale, B, mean, var, ctx=ctx, epsilon=epsilon, momentum=momentum)


@op("BatchNormalization", since=7, like=batch_normalization_14)
def batch_normalization_7(X, scale, B, mean, var, /, *, ctx, epsilon=1e-5, momentum=0.9, spatial=1):
    """Before version 9: without ``spatial`` each element of (C, D1, ...) has its own statistics, over N alone."""
    if any(further(ctx)):
        return training(X, scale, B, mean, var, epsilon, momentum, spatial)
    return inference(X, scale, B, mean, var, epsilon, spatial)


@op("BatchNormalization", since=1, also=(6,), like=batch_normalization_14)
def batch_normalization_1(X, scale, B, mean, var, /, *, ctx, epsilon=1e-5, is_test=0, momentum=0.9, spatial=1):
    """Before version 7: it is training when ``is_test`` is 0."""
    if is_test:
        only_y(ctx)
        return inference(X, scale, B, mean, var, epsilon, spatial)
    return training(X, scale, B, mean, var, epsilon, momentum, spatial)


@lowers(batch_normalization_14, types=KERNEL_TYPES)
@lowers(batch_normalization_9, types=KERNEL_TYPES)
@lowers(batch_normalization_7, types=KERNEL_TYPES)
@lowers(batch_normalization_1, types=KERNEL_TYPES)
def lower_batch_normalization(attributes, shapes):
    """The inference form, with Y alone, as one call of ``affine_per_channel``; None where the body is to refuse a shape."""
    X, *parameters = shapes
    _, shape = statistics_of(X, attributes.get("spatial", 1))
    if trains(attributes, ()) or any(p != shape for p in parameters):
        return None
    return Lowered(affine_per_channel, (0, 1, 2, 3, 4), {"epsilon": attributes["epsilon"]})
