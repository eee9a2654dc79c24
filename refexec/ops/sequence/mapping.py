"""SequenceMap."""

from refexec.comparison import exact
from refexec.errors import require
from refexec.registry import op
from refexec.types import SequenceType
from refexec.values import Sequence


def mapped_types(attributes, inputs):
    """Sequences of what the body returns."""
    return [None if t is None else SequenceType(t) for t in attributes["body"].output_types]


def sample_types(inputs):
    """The body gets one item of each sequence, and each tensor as it is."""
    return [t.elem if isinstance(t, SequenceType) else t for t in inputs]


@op("SequenceMap", since=17, arithmetic="exact", compare=exact, result_types=mapped_types, body_types=sample_types)
def sequence_map_17(input_sequence, /, *additional_inputs, ctx, body):
    """Per i, ``body(item i of each sequence, every tensor) -> item i of each output``; all sequences have one length."""
    inputs = (input_sequence, *additional_inputs)
    lengths = [len(x) for x in inputs if isinstance(x, Sequence)]
    require(len(set(lengths)) == 1, "all sequences have the length of the first", lengths=lengths)
    outputs = [[] for _ in body.outputs]
    for i in range(lengths[0]):
        ctx.trip(i + 1)
        for items, value in zip(outputs, body(*(x.items[i] if isinstance(x, Sequence) else x for x in inputs), trip=i), strict=True):
            items.append(ctx.hold(value))
    return tuple(map(made, outputs, ctx.output_types))


def made(items, declared):
    """The sequence of ``items``."""
    require(isinstance(declared, SequenceType), "the type of what the body returns is known")
    return Sequence(declared.elem, items)
