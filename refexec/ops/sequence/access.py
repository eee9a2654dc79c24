"""SequenceAt, SequenceErase, SequenceLength."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.ops.sequence.basic import index_of
from refexec.registry import op
from refexec.types import SequenceType
from refexec.values import Sequence


def item_type(attributes, inputs):
    """What the sequence is made of."""
    return (inputs[0].elem if isinstance(inputs[0], SequenceType) else None,)


@op("SequenceAt", since=11, arithmetic="exact", compare=exact, result_types=item_type)
def sequence_at_11(input_sequence, position, /):
    """The tensor at ``position``; a negative one counts from the end."""
    return input_sequence.items[index_of(position, len(input_sequence), len(input_sequence) - 1)]


@op("SequenceErase", since=11, arithmetic="exact", compare=exact)
def sequence_erase_11(input_sequence, position=None, /):
    """The sequence without the tensor at ``position``, or without the last one. The input sequence is not changed."""
    items = list(input_sequence)
    require(len(items) > 0, "a sequence from which a tensor is erased is not empty")
    del items[-1 if position is None else index_of(position, len(items), len(items) - 1)]
    return Sequence(input_sequence.elem_type, items)


@op("SequenceLength", since=11, arithmetic="exact", compare=exact)
def sequence_length_11(input_sequence, /):
    """The number of tensors, as a scalar."""
    return np.array(len(input_sequence), np.int64)
