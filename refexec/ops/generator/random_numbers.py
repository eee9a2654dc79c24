"""RandomNormal, RandomUniform, their -Like forms, Bernoulli, Multinomial.

The numbers are no part of the specification, the distribution is. They are drawn in float64 and rounded once to the output's type,
so that every profile draws the same ones.
"""

import numpy as np

from refexec.comparison import random
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import tensor_type, vector
from refexec.ops.math.exponential import exp
from refexec.registry import op
from refexec.types import element_type
from refexec.values import round_to, widen


def dtype_or_input(attributes, inputs):
    """``dtype``, else the type of the input."""
    return (tensor_type(attributes["dtype"]) if "dtype" in attributes else inputs[0],)


def named_dtype(attributes, inputs):
    """``dtype``, which has a default."""
    return (tensor_type(attributes["dtype"]),)


def normal(ctx, shape, mean, scale, seed):
    elem = ctx.output_types[0].elem
    return round_to(mean + scale * ctx.random(seed).standard_normal(claim(shape, np.float64)), elem.dtype)


def uniform(ctx, shape, low, high, seed):
    elem = ctx.output_types[0].elem
    return round_to(low + (high - low) * ctx.random(seed).random(claim(shape, np.float64)), elem.dtype)


@op("RandomNormal", since=1, also=(22,), arithmetic="exact", compare=random, result_types=named_dtype)
def random_normal_1(*, ctx, dtype=1, mean=0.0, scale=1.0, seed=None, shape):
    """A tensor of ``shape`` from the normal distribution with that ``mean`` and standard deviation ``scale``."""
    return normal(ctx, vector(shape, "shape"), mean, scale, seed)


@op("RandomNormalLike", since=1, also=(22,), arithmetic="exact", compare=random, result_types=dtype_or_input)
def random_normal_like_1(input, /, *, ctx, dtype=None, mean=0.0, scale=1.0, seed=None):
    """RandomNormal in the shape of ``input``, and in its type unless ``dtype`` is given."""
    return normal(ctx, input.shape, mean, scale, seed)


@op("RandomUniform", since=1, also=(22,), arithmetic="exact", compare=random, result_types=named_dtype)
def random_uniform_1(*, ctx, dtype=1, high=1.0, low=0.0, seed=None, shape):
    """A tensor of ``shape``, uniform in [low, high); rounding to a narrow type may give ``high`` itself."""
    return uniform(ctx, vector(shape, "shape"), low, high, seed)


@op("RandomUniformLike", since=1, also=(22,), arithmetic="exact", compare=random, result_types=dtype_or_input)
def random_uniform_like_1(input, /, *, ctx, dtype=None, high=1.0, low=0.0, seed=None):
    """RandomUniform in the shape of ``input``, and in its type unless ``dtype`` is given."""
    return uniform(ctx, input.shape, low, high, seed)


@op("Bernoulli", since=15, also=(22,), arithmetic="exact", compare=random, result_types=dtype_or_input)
def bernoulli_15(input, /, *, ctx, dtype=None, seed=None):
    """1 with probability ``input``, else 0: probability 0 always gives 0, probability 1 always gives 1."""
    p = widen(input)
    require(np.all((p >= 0) & (p <= 1)), "probabilities are in [0, 1]", least=p.min(initial=1), largest=p.max(initial=0))
    ones = ctx.random(seed).random(claim(p.shape, np.float64)) < p
    return np.asarray(ones).astype(ctx.output_types[0].elem.dtype)


@op("Multinomial", since=7, also=(22,), arithmetic="exact", compare=random, result_types=named_dtype)
def multinomial_7(input, /, *, ctx, dtype=6, sample_size=1, seed=None):
    """``sample_size`` classes per row, class c with probability exp(input[c]) / sum(exp(input)): a number uniform in
    [0, sum) is found among the cumulative sums. A class at -inf is never drawn."""
    require(input.ndim == 2, "input is [batch_size, class_size]", input=input.shape)
    require(sample_size >= 0, "sample_size is not negative", sample_size=sample_size)
    logits = widen(input)
    largest = logits.max(axis=1, keepdims=True, initial=-np.inf)
    require(np.all(np.isfinite(largest)), "some class of each row has a finite log-probability, and none is NaN or +inf")
    totals = np.cumsum(exp(logits - largest), axis=1)
    shape = claim((len(totals), sample_size), np.float64)
    drawn = ctx.random(seed).random(shape) * totals[:, -1:] if logits.size else np.zeros(shape)
    rows = [np.searchsorted(total, at, side="right") for total, at in zip(totals, drawn, strict=True)]
    return np.array(rows).reshape(shape).astype(element_type(dtype).dtype)
