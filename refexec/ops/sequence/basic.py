"""SequenceEmpty, SequenceConstruct, SequenceInsert."""

from refexec.comparison import exact
from refexec.errors import require
from refexec.ops.common import scalar, tensor_type
from refexec.registry import op
from refexec.types import SequenceType
from refexec.values import Sequence


def index_of(position, length, last):
    """``position`` (a scalar; negative counts from the end) as an index from 0 to ``last``."""
    index = scalar(position, "position")
    require(
        -length <= index <= last, "position is in [-n, n - 1], for an insertion [-n, n], where n is the length", position=index, n=length
    )
    return index + length if index < 0 else index


def empty_type(attributes, inputs):
    """A sequence of ``dtype``, float32 when it is not given."""
    return (SequenceType(tensor_type(attributes.get("dtype", 1))),)


def constructed_type(attributes, inputs):
    """A sequence of what the inputs are."""
    return (None if inputs[0] is None else SequenceType(inputs[0]),)


@op("SequenceEmpty", since=11, arithmetic="exact", compare=exact, result_types=empty_type)
def sequence_empty_11(*, ctx, dtype=None):
    """An empty sequence of tensors of type ``dtype``, float32 when it is not given."""
    return Sequence(ctx.output_types[0].elem, [])


@op("SequenceConstruct", since=11, arithmetic="exact", compare=exact, result_types=constructed_type)
def sequence_construct_11(*inputs, ctx):
    """The sequence of the inputs, in order."""
    return Sequence(ctx.output_types[0].elem, list(inputs))


@op("SequenceInsert", since=11, arithmetic="exact", compare=exact)
def sequence_insert_11(input_sequence, tensor, position=None, /):
    """The sequence with ``tensor`` before ``position``, or at the end without one. The input sequence is not changed."""
    items = list(input_sequence)
    at = len(items) if position is None else index_of(position, len(items), len(items))
    items.insert(at, tensor)
    return Sequence(input_sequence.elem_type, items)
