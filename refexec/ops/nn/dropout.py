"""Dropout."""

import numpy as np

from refexec.comparison import exact, random
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import scalar
from refexec.registry import op
from refexec.values import widen


@op("Dropout", since=12, also=(13, 22), arithmetic="stated", compare=random)
def dropout_12(data, ratio=None, training_mode=None, /, *, ctx, seed=None):
    """output = data * mask / (1 - ratio); mask is False with probability ``ratio`` (0.5 when absent), and True outside training.

    Infinity and NaN give NaN where they are dropped. Which elements are dropped depends on the seeds, not on the platform.
    """
    trains = training_mode is not None and bool(scalar(training_mode, "training_mode"))
    return dropped(data, 0.5 if ratio is None else float(scalar(ratio, "ratio")), trains, ctx, seed)


def dropped(data, ratio, trains, ctx, seed=None):
    """Output and boolean mask."""
    claim(data.shape, np.float64)
    if not trains:
        return data, np.ones(data.shape, bool)
    require(0 <= ratio < 1, "ratio is in [0, 1)", ratio=ratio)
    mask = ctx.random(seed).random(data.shape) >= ratio
    return ctx.as_type(widen(data) * mask / (1 - ratio), ctx.output_types[0].elem), mask


@op("Dropout", since=10, arithmetic="exact", compare=exact)
def dropout_10(data, /, *, ctx, ratio=0.5):
    """Before version 12: nothing tells training, so that output is data; all of mask is True."""
    return dropped(data, ratio, False, ctx)


@op("Dropout", since=7, like=dropout_10)
def dropout_7(data, /, *, ctx, ratio=0.5):
    """Before version 10: mask has the type of data."""
    return data, np.ones(claim(data.shape, data.dtype), data.dtype)


@op("Dropout", since=1, also=(6,), like=dropout_12)
def dropout_1(data, /, *, ctx, is_test=0, ratio=0.5):
    """Before version 7: it is training when ``is_test`` is 0."""
    output, mask = dropped(data, ratio, not is_test, ctx)
    return output, mask.astype(data.dtype)
