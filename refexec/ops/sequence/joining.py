"""ConcatFromSequence, SplitToSequence."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import normalize_axis, scalar, vector
from refexec.ops.sequence.access import item_type
from refexec.registry import op
from refexec.types import SequenceType
from refexec.values import Sequence


@op("ConcatFromSequence", since=11, arithmetic="exact", compare=exact, result_types=item_type)
def concat_from_sequence_11(input_sequence, /, *, axis, new_axis=0):
    """The tensors one after the other along ``axis``, or stacked along a new axis there."""
    items = list(input_sequence)
    require(len(items) > 0, "a sequence that is concatenated is not empty")
    rank = items[0].ndim
    at = normalize_axis(axis, rank + 1 if new_axis else rank)
    fixed = [x.shape if new_axis else (*x.shape[:at], None, *x.shape[at + 1 :]) for x in items]
    fits = len(set(fixed)) == 1 and all(x.ndim == rank for x in items)
    require(fits, "the tensors have one shape but for the axis that is concatenated", shapes=[x.shape for x in items], axis=at)
    claim((len(items), max(x.size for x in items)), items[0].dtype)
    return np.stack(items, at) if new_axis else np.concatenate(items, at)


def parts_type(attributes, inputs):
    """A sequence of what the input is."""
    return (None if inputs[0] is None else SequenceType(inputs[0]),)


@op("SplitToSequence", since=11, also=(24,), arithmetic="exact", compare=exact, result_types=parts_type)
def split_to_sequence_11(input, split=None, /, *, ctx, axis=0, keepdims=1):
    """Parts along ``axis``: of one size (a scalar ``split``; the last may be smaller), or of the sizes given, or of 1.

    Only without ``split`` may ``keepdims=0`` take the axis away.
    """
    at = normalize_axis(axis, input.ndim)
    size = input.shape[at]
    if split is not None and split.ndim == 1:
        sizes = vector(split, "split")
        fits = all(s >= 0 for s in sizes) and sum(sizes) == size
        require(fits, "the sizes are not negative and add up to the dimension", split=sizes, dimension=size)
    else:
        part = 1 if split is None else int(scalar(split, "split"))
        require(part > 0, "a size that is given for all parts is positive", split=part)
        ctx.limits.check("sequence_len", -(-size // part), "the number of parts")
        sizes = [min(part, size - start) for start in range(0, size, part)]
    parts = np.split(input, np.cumsum(sizes)[:-1].astype(np.intp), at) if len(sizes) else []
    if split is None and not keepdims:
        parts = [x.squeeze(at) for x in parts]
    return Sequence(ctx.output_types[0].elem, parts)
